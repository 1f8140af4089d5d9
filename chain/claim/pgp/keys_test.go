package pgp

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

func today5() string { return object(repo+":5.3", "sha256:"+hexa) }

func TestWithoutKey(t *testing.T) {
	alice, bob := newKey(t, "alice"), newKey(t, "bob")
	b := sign(t, alice, signed, today5())
	none := (&Verifier{}).Check(Path(repo, digest, 1), b)
	expect(t, none, claim.Unverified, "signed by key "+fingerprint(alice.Subkeys[1].PublicKey.Fingerprint)+", not verified: no keyring")
	expect(t, ring(t, bob).Check(Path(repo, digest, 1), b), claim.Unverified, "not in the keyring")
	if none.Reference != "" || none.Form != FormUnknown || none.Person != "" {
		t.Errorf("unauthenticated contents are shown: %+v", none)
	}
	nobody := ring(t, alice)
	nobody.Keyring.persons = nil
	expect(t, nobody.Check(Path(repo, digest, 1), b), claim.Unverified, "nobody's")
	if (Signature{}).State != claim.NotChecked {
		t.Error("the zero signature is something else than not checked")
	}
}

func TestKeyValidity(t *testing.T) {
	short := func(c *packet.Config) { c.KeyLifetimeSecs = 24 * 3600 }
	early := newKey(t, "early")
	lapsed := newKey(t, "lapsed", short)
	// Signing refuses keys that are not valid, so a copy that is signs.
	long := *lapsed
	long.Subkeys = slices.Clone(lapsed.Subkeys)
	forever := *lapsed.Subkeys[1].Sig
	forever.KeyLifetimeSecs = nil
	long.Subkeys[1].Sig = &forever
	id := *lapsed.PrimaryIdentity()
	self := *id.SelfSignature
	self.KeyLifetimeSecs = nil
	id.SelfSignature = &self
	long.Identities = map[string]*openpgp.Identity{id.Name: &id}
	for name, c := range map[string]struct {
		key    *openpgp.Entity
		b      []byte
		state  claim.State
		reason string
	}{
		"expired": {lapsed, sign(t, &long, signed, today5()), claim.Unverified, "had expired"},
		"in time": {lapsed, sign(t, lapsed, born.Add(time.Hour), today5()), claim.Verified, ""},
		"future":  {early, sign(t, early, today.Add(time.Hour), today5()), claim.Unverified, "yet to come"},
		"lapsed signature": {early, sign(t, early, signed, today5(), func(c *packet.Config) { c.SigLifetimeSecs = 60 }),
			claim.Unverified, "signature has expired"},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, ring(t, c.key).Check(Path(repo, digest, 1), c.b), c.state, c.reason)
		})
	}
	sub := early.Subkeys[1]
	if err := lifetime("subkey", sub.PublicKey, sub.Sig, born.Add(-time.Hour)); err == nil || !strings.Contains(err.Error(), "not yet valid") {
		t.Errorf("before the key was made: %v", err)
	}
	if err := maySign("subkey", early.Subkeys[0].Sig); err == nil {
		t.Error("a key for encryption may sign")
	}
}

func TestRevocation(t *testing.T) {
	for name, c := range map[string]struct {
		reason packet.ReasonForRevocation
		after  bool
		subkey bool
		want   claim.State
	}{
		"compromised later":     {packet.KeyCompromised, true, false, claim.Refused},
		"compromised subkey":    {packet.KeyCompromised, true, true, claim.Refused},
		"no reason later":       {packet.NoReason, true, false, claim.Refused},
		"retired before":        {packet.KeyRetired, false, false, claim.Refused},
		"retired subkey before": {packet.KeyRetired, false, true, claim.Refused},
		"retired later":         {packet.KeyRetired, true, false, claim.Verified},
		"subkey replaced later": {packet.KeySuperseded, true, true, claim.Verified},
	} {
		t.Run(name, func(t *testing.T) {
			key := newKey(t, "alice")
			b := sign(t, key, signed, today5())
			at := signed.Add(-time.Hour)
			if c.after {
				at = signed.Add(time.Hour)
			}
			var err error
			if c.subkey {
				err = key.RevokeSubkey(&key.Subkeys[1], c.reason, "", config(at))
			} else {
				err = key.RevokeKey(c.reason, "", config(at))
			}
			if err != nil {
				t.Fatal(err)
			}
			reason := ""
			if c.want == claim.Refused {
				reason = "revoked"
			}
			expect(t, ring(t, key).Check(Path(repo, digest, 1), b), c.want, reason)
		})
	}
}

// A subkey that another has adopted without its consent verifies nothing.
func TestStolenSubkey(t *testing.T) {
	alice, mallory := newKey(t, "alice"), newKey(t, "mallory")
	b := sign(t, alice, signed, today5())
	stolen := alice.Subkeys[1]
	sig := *mallory.Subkeys[1].Sig
	sig.EmbeddedSignature = nil
	if err := sig.SignKey(stolen.PublicKey, mallory.PrivateKey, config(born)); err != nil {
		t.Fatal(err)
	}
	stolen.Sig = &sig
	mallory.Subkeys = []openpgp.Subkey{stolen}
	var raw bytes.Buffer
	if err := mallory.Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	k, err := ReadKeyring(&raw, map[string]string{fingerprint(mallory.PrimaryKey.Fingerprint): "mallory"})
	if err != nil {
		return
	}
	s := (&Verifier{Keyring: k}).Check(Path(repo, digest, 1), b)
	if s.State == claim.Verified || s.Person != "" {
		t.Errorf("%+v", s)
	}
}

func TestPersonsNotFiles(t *testing.T) {
	alice, bob := newKey(t, "alice"), newKey(t, "bob")
	if err := alice.AddSigningSubkey(config(born.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	v := ring(t, alice, bob)
	two := *alice
	two.Subkeys = alice.Subkeys[2:]
	one := *alice
	one.Subkeys = alice.Subkeys[:2]
	var all []Signature
	for i, e := range []*openpgp.Entity{&one, &two, &one} {
		s := v.Check(Path(repo, digest, i+1), sign(t, e, signed, today5()))
		expect(t, s, claim.Verified, "")
		all = append(all, s)
	}
	if all[0].Fingerprint == all[1].Fingerprint || all[0].Primary != all[1].Primary {
		t.Errorf("two subkeys of one person: %+v", all[:2])
	}
	if got := personsOf(all, repo, digest); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("three files of two subkeys are %q", got)
	}
	all = append(all, v.Check(Path(repo, digest, 4), sign(t, bob, signed, today5())))
	all = append(all, (&Verifier{}).Check(Path(repo, digest, 5), sign(t, newKey(t, "carol"), signed, today5())))
	if got := personsOf(all, repo, digest); !slices.Equal(got, []string{"alice", "bob"}) {
		t.Errorf("persons %q", got)
	}
	c := all[3].Claim(chain.LevelIndex)
	if c.Stage != "core-bash" || c.Version != "5.3" || c.Output.Manifest != digest || c.Party != "bob" || c.Kind != claim.KindPGP {
		t.Errorf("%+v", c)
	}
	if c := all[4].Claim(chain.LevelIndex); c.Output.Index != digest || c.Party != "" || c.Verification.State != claim.Unverified {
		t.Errorf("%+v", c)
	}
	if c := all[4].Claim(chain.LevelUnknown); c.Output != (claim.Output{}) {
		t.Errorf("a level is made up: %+v", c.Output)
	}
}

func TestBinding(t *testing.T) {
	alice := newKey(t, "alice")
	want := Binding{Key: digest, Party: "alice", From: born, To: today}
	payload, err := want.Payload()
	if err != nil {
		t.Fatal(err)
	}
	b := sign(t, alice, signed, string(payload))
	s, got := ring(t, alice).Binding("key.bind", b)
	expect(t, s, claim.Verified, "")
	if got != want || s.Person != "alice" || !got.Holds(signed) || got.Holds(today) {
		t.Errorf("%+v of %+v", got, s)
	}
	s, got = (&Verifier{}).Binding("key.bind", b)
	expect(t, s, claim.Unverified, "no keyring")
	if got != (Binding{}) {
		t.Errorf("an unverified binding is given: %+v", got)
	}
	for reason, text := range map[string]string{
		"twice":   strings.Replace(string(payload), `"party"`, `"party":"x","party"`, 1),
		"exactly": strings.Replace(string(payload), `"party"`, `"x":"x","party"`, 1),
		"pkix":    strings.Replace(string(payload), hexa, "sha256:"+hexa, 1),
		"ends":    strings.Replace(string(payload), "2026", "2020", 1),
	} {
		s, got := ring(t, alice).Binding("key.bind", sign(t, alice, signed, text))
		if s.State != claim.Refused || got != (Binding{}) {
			t.Errorf("%s: %+v, %+v", reason, s, got)
		}
	}
}

func FuzzMessage(f *testing.F) {
	alice := newKey(f, "alice")
	v := ring(f, alice)
	good := sign(f, alice, signed, today5())
	f.Add(good)
	f.Add(compress(f, good))
	f.Add(compress(f, compress(f, good)))
	f.Add([]byte{0xcb, 0xe0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := v.Check(Path(repo, digest, 1), b)
		switch s.State {
		case claim.NotChecked:
			t.Fatal("an answer of nothing")
		case claim.Verified:
			if s.Person != "alice" || s.Digest != digest || s.Tag != "5.3" {
				t.Fatalf("%+v", s)
			}
		default:
			if s.Reason == "" || s.Form != FormUnknown {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func FuzzContent(f *testing.F) {
	f.Add([]byte(array()))
	f.Add([]byte(today5()))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseContent(b)
		if err == nil && (c.form == FormUnknown || len(c.digest.Hex()) != 64 || c.reference == "") {
			t.Fatalf("%q gives %+v", b, c)
		}
	})
}

// personsOf are the distinct persons of whom a verified signature of the digest
// in the repository is among these, sorted: files and subkeys do not count.
func personsOf(all []Signature, repository string, digest chain.Digest) []string {
	var persons []string
	for i := range all {
		s := &all[i]
		if s.State == claim.Verified && s.Person != "" && s.Repository == repository && s.Digest == digest {
			persons = append(persons, s.Person)
		}
	}
	slices.Sort(persons)
	return slices.Compact(persons)
}
