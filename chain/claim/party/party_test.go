package party

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain/claim/pgp"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

var now = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// keyPEM is a new public key.
func keyPEM(t testing.TB) string {
	t.Helper()
	k, err := statement.Generate(statement.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := statement.MarshalPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem)
}

func read(text string, files map[string]string) (*Parties, error) {
	return Read("parties.toml", []byte(text), now, func(name string) ([]byte, error) {
		if data, ok := files[name]; ok {
			return []byte(data), nil
		}
		return nil, fmt.Errorf("no file %q", name)
	})
}

const (
	fprA = "88823A75ECAA786B0FF38B148E401478A3FBEF72"
	fprB = "0000000000000000000000000000000000000001"
)

func TestRead(t *testing.T) {
	files := map[string]string{"alice.pub": keyPEM(t), "old.pub": keyPEM(t)}
	p, err := read(`
keyrings = ["stagex.asc"]

[[party]]
name = "alice"
kind = "person"
organisation = "acme"
repositories = ["ghcr.io/alice/stagex-claims"]
lookasides = ["https://example.org/signatures"]
  [[party.key]]
  type = "claim"
  file = "alice.pub"
  from = 2026-01-01
  until = 2027-01-01
  [[party.key]]
  type = "claim"
  file = "old.pub"
  until = 2026-01-01
  [[party.key]]
  type = "pgp"
  fingerprint = "8882 3A75 ECAA 786B 0FF3 8B14 8E40 1478 A3FB EF72"
  subkeys = ["`+fprB+`"]
  [[party.machine]]
  name = "home"
  cpuVendor = "AuthenticAMD"

[[party]]
name = "mirror"
kind = "registry"

[[party]]
name = "nobody"
kind = "ci"
`, files)
	if err != nil {
		t.Fatal(err)
	}
	alice := p.Named("alice")
	if alice == nil || alice.Kind != Person || alice.Organisation != "acme" || len(alice.Keys) != 2 || len(p.List) != 3 {
		t.Fatalf("%+v", alice)
	}
	if p.ByPGP(strings.ToLower(fprB)) != alice || p.ByPGP(fprA) != alice || p.ByPGP("00") != nil {
		t.Error("the PGP keys are not alice's")
	}
	if diff := cmp.Diff(map[string]string{fprA: "alice"}, p.Persons()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Machine{{"home", "AuthenticAMD"}}, alice.Machines); diff != "" {
		t.Error(diff)
	}
	if k := p.StatementKeys(); len(k) != 2 || k[0].Party != "alice" || k[0].To != now.AddDate(0, 7, 0) {
		t.Errorf("%+v", k)
	}
	var rules []string
	for _, f := range p.Findings {
		rules = append(rules, fmt.Sprintf("%s %s", f.Where(), f.Rule))
	}
	if diff := cmp.Diff([]string{"parties.toml:15 expired-key", "parties.toml:31 party-without-key"}, rules); diff != "" {
		t.Error(diff)
	}
}

func TestReadRefuses(t *testing.T) {
	files := map[string]string{"a.pub": keyPEM(t), "bad.pub": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}
	const alice = "[[party]]\nname = \"alice\"\nkind = \"person\"\n"
	for name, c := range map[string]struct{ text, want string }{
		"no TOML":            {"[[party]]\nname = alice\n", "parties.toml:2: "},
		"unknown key":        {alice + "keys = 3\n", `parties.toml:4: unknown key "party.keys"`},
		"unknown table":      {"[partie]\nname = \"x\"\n", `parties.toml:1: unknown key "partie"`},
		"no name":            {"[[party]]\nkind = \"person\"\n", "parties.toml:1: the party has no name"},
		"reserved":           {"[[party]]\nname = \"you\"\nkind = \"person\"\n", `parties.toml:2: the name "you" is reserved`},
		"twice":              {alice + alice, `parties.toml:5: party "alice" is declared twice`},
		"kind":               {"\n[[party]]\nname = \"x\"\nkind = \"king\"\n", `parties.toml:4: kind "king" is none of`},
		"no kind":            {"[[party]]\nname = \"x\"\n", `parties.toml:1: kind "" is none of`},
		"key type":           {alice + "[[party.key]]\ntype = \"x509\"\n", `parties.toml:5: unknown key type "x509"`},
		"no key type":        {alice + "[[party.key]]\nfile = \"a.pub\"\n", "parties.toml:4: the key of \"alice\" has no type"},
		"no such file":       {alice + "[[party.key]]\ntype = \"claim\"\nfile = \"b.pub\"\n", `parties.toml:6: key of "alice": no file "b.pub"`},
		"bad key":            {alice + "[[party.key]]\ntype = \"claim\"\nfile = \"bad.pub\"\n", `parties.toml:6: key of "alice": parsing a public key`},
		"fingerprint only":   {alice + "[[party.key]]\ntype = \"claim\"\nfingerprint = \"" + strings.Repeat("a", 64) + "\"\n", "a fingerprint alone verifies nothing"},
		"wrong fingerprint":  {alice + "[[party.key]]\ntype = \"claim\"\nfile = \"a.pub\"\nfingerprint = \"" + strings.Repeat("a", 64) + "\"\n", "parties.toml:7: the key of \"alice\" has fingerprint"},
		"key twice":          {alice + "[[party.key]]\ntype = \"claim\"\nfile = \"a.pub\"\n[[party]]\nname = \"bob\"\nkind = \"person\"\n[[party.key]]\ntype = \"claim\"\nfile = \"a.pub\"\n", `parties.toml:10: key sha256:`},
		"pgp twice":          {alice + "[[party.key]]\ntype = \"pgp\"\nfingerprint = \"" + fprA + "\"\nsubkeys = [\"" + fprA + "\"]\n", "is a key of \"alice\" already"},
		"short key ID":       {alice + "[[party.key]]\ntype = \"pgp\"\nfingerprint = \"A3FBEF72\"\n", "a short key ID is not enough"},
		"pgp with file":      {alice + "[[party.key]]\ntype = \"pgp\"\nfile = \"a.pub\"\n", "parties.toml:4: a pgp key has a fingerprint"},
		"from after until":   {alice + "[[party.key]]\ntype = \"claim\"\nfile = \"a.pub\"\nfrom = 2027-01-01\nuntil = 2026-01-01\n", "parties.toml:8: the key of \"alice\" is valid from"},
		"no date":            {alice + "[[party.key]]\ntype = \"claim\"\nfile = \"a.pub\"\nfrom = \"soon\"\n", "parties.toml:7: "},
		"lookaside":          {alice + "lookasides = [\"stuff\"]\n", `parties.toml:4: "stuff" is no https address`},
		"two selves":         {alice + "self = true\n[[party]]\nname = \"bob\"\nkind = \"person\"\nself = true\n", "both said to be you"},
		"machine of no make": {alice + "[[party.machine]]\nname = \"home\"\n", "parties.toml:4: machine \"home\" has no cpuVendor"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(c.text, files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// A key that a PGP signature is to bind is of no use until that was checked.
func TestBindingUnchecked(t *testing.T) {
	files := map[string]string{"a.pub": keyPEM(t), "a.gpg": "not a signature"}
	p, err := read("[[party]]\nname = \"alice\"\nkind = \"person\"\n[[party.key]]\ntype = \"claim\"\nfile = \"a.pub\"\nbinding = \"a.gpg\"\n", files)
	if err != nil {
		t.Fatal(err)
	}
	if k := p.StatementKeys(); len(k) != 0 {
		t.Errorf("%d keys before the binding was checked", len(k))
	}
	f := p.Bind(&pgp.Verifier{})
	if len(f) != 1 || f[0].Rule != "key-not-bound" || f[0].Line != 4 {
		t.Errorf("%+v", f)
	}
	if k := p.StatementKeys(); len(k) != 0 {
		t.Errorf("%d keys of a binding that is none", len(k))
	}
}

func FuzzRead(f *testing.F) {
	f.Add("[[party]]\nname = \"alice\"\nkind = \"person\"\n[[party.key]]\ntype = \"pgp\"\nfingerprint = \"" + fprA + "\"\n")
	f.Add("[party]\n[[party.key]]\n[[party]]\n")
	f.Add("party = [{name = \"a\", kind = \"ci\", key = [{type = \"claim\"}]}]")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Read("p", []byte(text), now, func(string) ([]byte, error) { return nil, errors.New("none") })
		if err == nil && len(p.StatementKeys()) > 0 && !strings.Contains(text, "BEGIN PUBLIC KEY") {
			t.Error("a key out of nothing")
		}
	})
}
