package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/party"
)

const full = `
[policy.release]
agree = {persons = 3, cpuVendors = 2}
signed = {persons = 2}
prefer = {kernels = 2, buildkits = 2, orgs = 2}
level = "rootfs"
maxAge = "400d"
count = ["rebuilt", "ci"]
dissent = "warn"
intermittent = "block"

[policy.nightly]
agree = {persons = 1}
`

func TestRead(t *testing.T) {
	p, err := Read("policy.toml", []byte(full), "")
	if err != nil {
		t.Fatal(err)
	}
	want := &Policy{Name: "release", File: "policy.toml", Persons: 3, CPUVendors: 2, Signers: 2, Prefer: Preference{2, 2, 2},
		Level: chain.LevelRootfs, MaxAge: 400 * 24 * time.Hour, CI: true, Dissent: Warn, Intermittent: Block}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	p, err = Read("policy.toml", []byte(full), "nightly")
	if err != nil || p.Persons != 1 || p.CPUVendors != 0 || p.Dissent != Block || p.Intermittent != Warn {
		t.Errorf("%+v %v", p, err)
	}
}

func TestReadRefuses(t *testing.T) {
	const head = "[policy.p]\nagree = {persons = 2}\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "policy.toml: it has no [policy.NAME]"},
		"no TOML":        {"[policy", "policy.toml:1: "},
		"asks nothing":   {"\n[policy.p]\nlevel = \"files\"\n", `policy.toml:2: policy "p" asks for nothing`},
		"no persons":     {"[policy.p]\nagree = {cpuVendors = 2}\n", "policy.toml:2: agree asks for 0 persons"},
		"unknown key":    {head + "quorum = 3\n", `policy.toml:3: unknown key "policy.p.quorum"`},
		"unknown inner":  {"[policy.p]\nagree = {people = 2}\n", `policy.toml:2: unknown key`},
		"level":          {head + "level = \"index\"\n", `policy.toml:3: level "index"`},
		"unknown level":  {head + "level = \"bits\"\n", "policy.toml:3: "},
		"age":            {head + "maxAge = \"soon\"\n", `policy.toml:3: maxAge: "soon" is no time`},
		"pulled":         {head + "count = [\"pulled\"]\n", "policy.toml:3: count: a pulled image cannot count"},
		"counts nothing": {head + "count = []\n", "nothing would count"},
		"dissent":        {head + "dissent = \"ignore\"\n", `policy.toml:3: dissent: "ignore" is neither block nor warn`},
		"signed by none": {"[policy.p]\nsigned = {persons = 0}\n", "policy.toml:2: signed asks for 0"},
		"which":          {"[policy.a]\nagree = {persons = 2}\n[policy.b]\nagree = {persons = 2}\n", "say which of a, b"},
		"another is bad": {head + "[policy.release]\n", `policy.toml:3: policy "release" asks for nothing`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("policy.toml", []byte(c.text), "")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := Read("policy.toml", []byte(full), "weekly"); err == nil || !strings.Contains(err.Error(), `no policy "weekly"; there is nightly, release`) {
		t.Error(err)
	}
}

func TestNever(t *testing.T) {
	key := party.Key{Fingerprint: "sha256:x"}
	amd := []party.Machine{{CPUVendor: "AuthenticAMD"}}
	person := func(name string, m []party.Machine) *party.Party {
		return &party.Party{Name: name, Kind: party.Person, Keys: []party.Key{key}, Machines: m}
	}
	list := func(all ...*party.Party) *party.Parties { return &party.Parties{List: all} }
	self := person("me", amd)
	self.Self = true
	ci := &party.Party{Name: "ci", Kind: party.CI, Keys: []party.Key{key}}
	signer := func(name string) *party.Party {
		return &party.Party{Name: name, Kind: party.Person, PGP: []party.PGPKey{{Primary: name}}}
	}
	revoked := person("eve", nil)
	revoked.Keys = []party.Key{{Revoked: true}}
	signed := Default()
	signed.Signers = 2
	withCI := Default()
	withCI.CI = true
	for name, c := range map[string]struct {
		policy  *Policy
		parties *party.Parties
		want    int
	}{
		"nobody but you":          {Default(), nil, 1},
		"you and another":         {Default(), list(person("a", nil)), 0},
		"you and a service":       {Default(), list(ci), 1},
		"a service that counts":   {withCI, list(ci), 0},
		"one maker of CPUs":       {Default(), list(self, person("a", amd)), 1},
		"you and a revoked key":   {Default(), list(revoked), 1},
		"signers do not rebuild":  {Default(), list(signer("a"), signer("b")), 1},
		"signers are accepted":    {signed, list(signer("a"), signer("b")), 0},
		"one signer is no two":    {signed, list(signer("a")), 2},
		"an organisation and its": {Default(), list(self, &party.Party{Name: "acme", Kind: party.Organisation, Keys: []party.Key{key}}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.policy.Never(c.parties); len(got) != c.want {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestPersons(t *testing.T) {
	alice := &party.Party{Name: "alice", Kind: party.Person, Organisation: "acme"}
	bob := &party.Party{Name: "bob", Kind: party.Person}
	acme := &party.Party{Name: "acme", Kind: party.Organisation}
	ci := &party.Party{Name: "acme-ci", Kind: party.CI, Organisation: "acme"}
	for _, c := range []struct {
		all  []*party.Party
		want int
	}{
		{nil, 0}, {[]*party.Party{alice, alice}, 1}, {[]*party.Party{alice, acme}, 1}, {[]*party.Party{bob, acme}, 2},
		{[]*party.Party{acme, ci}, 1}, {[]*party.Party{alice, ci}, 1}, {[]*party.Party{alice, bob, acme, ci}, 2},
	} {
		if got := Persons(c.all); got != c.want {
			t.Errorf("%d persons, want %d", got, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(full)
	f.Add("policy = {a = {agree = {persons = 1}}}")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Read("p", []byte(text), "")
		if err == nil && p.Persons < 1 && p.Signers < 1 {
			t.Errorf("a policy that asks for nothing: %+v", p)
		}
	})
}
