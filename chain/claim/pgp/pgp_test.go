package pgp

import (
	"bytes"
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

var (
	born   = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	signed = born.AddDate(1, 0, 0)
	today  = born.AddDate(2, 0, 0)
)

const (
	repo   = "stagex/core-bash"
	digest = chain.Digest("sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
	hexa   = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
)

func config(at time.Time) *packet.Config {
	return &packet.Config{Time: func() time.Time { return at }, DefaultHash: crypto.SHA512, Algorithm: packet.PubKeyAlgoEdDSA}
}

// newKey makes a primary key that certifies, with one subkey that signs.
func newKey(t testing.TB, name string, change ...func(*packet.Config)) *openpgp.Entity {
	t.Helper()
	c := config(born)
	for _, f := range change {
		f(c)
	}
	e, err := openpgp.NewEntity(name, "", name+"@example.org", c)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.AddSigningSubkey(c); err != nil {
		t.Fatal(err)
	}
	return e
}

func ring(t testing.TB, keys ...*openpgp.Entity) *Verifier {
	t.Helper()
	var b bytes.Buffer
	persons := map[string]string{}
	for _, e := range keys {
		if err := e.Serialize(&b); err != nil {
			t.Fatal(err)
		}
		persons[fingerprint(e.PrimaryKey.Fingerprint)] = e.PrimaryIdentity().UserId.Name
	}
	k, err := ReadKeyring(&b, persons)
	if err != nil {
		t.Fatal(err)
	}
	return &Verifier{Keyring: k, Now: func() time.Time { return today }}
}

func sign(t testing.TB, e *openpgp.Entity, at time.Time, payload string, change ...func(*packet.Config)) []byte {
	t.Helper()
	c := config(at)
	for _, f := range change {
		f(c)
	}
	var b bytes.Buffer
	w, err := openpgp.Sign(&b, e, &openpgp.FileHints{IsBinary: true}, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(payload)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compress(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := packet.SerializeCompressed(nopCloser{&out}, packet.CompressionZIP, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type nopCloser struct{ *bytes.Buffer }

func (nopCloser) Close() error { return nil }

func object(ref, d string) string {
	return `{"critical":{"identity":{"docker-reference":"` + ref + `"},"image":{"docker-manifest-digest":"` + d + `"},"type":"atomic container signature"},"optional":{}}`
}

func array() string {
	return `[{"critical":{"identity":{"docker-reference":"stagex/core-bash"},"image":{"docker-manifest-digest":"` + hexa + `"},"type":"pgp container image signature"},"optional":null}]`
}

func expect(t *testing.T, s Signature, state claim.State, reason string) {
	t.Helper()
	if s.State != state || !strings.Contains(s.Reason, reason) {
		t.Errorf("state %v, reason %q; want %v, %q", s.State, s.Reason, state, reason)
	}
	if s.State != claim.Verified && (s.Form != FormUnknown && s.Person == "") {
		t.Errorf("contents of form %v were read of an unauthenticated file", s.Form)
	}
}

func TestThreeEras(t *testing.T) {
	alice := newKey(t, "alice")
	v := ring(t, alice)
	for payload, want := range map[string]Form{
		array():                                        FormArray,
		object(repo, "sha256:"+hexa):                   FormObject,
		object(repo+":5.3", "sha256:"+hexa):            FormTagged,
		object("docker.io/"+repo+":5", "sha256:"+hexa): FormTagged,
	} {
		for _, b := range [][]byte{sign(t, alice, signed, payload), compress(t, sign(t, alice, signed, payload))} {
			s := v.Check(Path(repo, digest, 1), b)
			expect(t, s, claim.Verified, "")
			if s.Form != want || s.Person != "alice" || s.Digest != digest || (s.Legacy == "") != (want == FormTagged) {
				t.Errorf("%+v", s)
			}
			if s.Primary != fingerprint(alice.PrimaryKey.Fingerprint) || !s.Signed.Equal(signed) {
				t.Errorf("primary %s, signed %s", s.Primary, s.Signed)
			}
		}
	}
}

func TestContentsRefused(t *testing.T) {
	alice := newKey(t, "alice")
	v := ring(t, alice)
	good := object(repo, "sha256:"+hexa)
	for name, c := range map[string]struct{ payload, reason string }{
		"other digest":     {object(repo, "sha256:"+strings.Repeat("0", 64)), "filed under"},
		"other repository": {object("stagex/core-zlib", "sha256:"+hexa), "filed under"},
		"other registry":   {object("quay.io/"+repo, "sha256:"+hexa), "filed under"},
		"duplicate key":    {strings.Replace(good, `"type":`, `"type":"x","type":`, 1), "twice"},
		"further key":      {strings.Replace(good, `"type":`, `"x":1,"type":`, 1), "exactly"},
		"further top key":  {strings.Replace(good, `"optional"`, `"x":1,"optional"`, 1), "exactly"},
		"other type":       {strings.Replace(good, "atomic", "other", 1), "type"},
		"type no string":   {strings.Replace(good, `"atomic container signature"`, "1", 1), "no string"},
		"case of key":      {strings.Replace(good, `"type"`, `"Type"`, 1), "no \"type\""},
		"optional null":    {strings.Replace(good, "{}}", "null}", 1), "optional"},
		"trailing":         {good + "{}", "follows"},
		"two in an array":  {"[" + good + "," + good + "]", "array of 2"},
		"mixed forms":      {"[" + good + "]", "type"},
		"digest in array":  {strings.Replace(array(), hexa, "sha256:"+hexa, 1), "bare"},
		"bare in object":   {object(repo, hexa), "digest"},
		"deep":             {strings.Repeat("[", 1000), "deeply"},
		"not UTF-8":        {"\xff", "UTF-8"},
		"empty":            {"", "EOF"},
		"too long":         {strings.Repeat(" ", maxLiteral+1), "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, v.Check(Path(repo, digest, 1), sign(t, alice, signed, c.payload)), claim.Refused, c.reason)
		})
	}
}

func TestMessageForm(t *testing.T) {
	alice := newKey(t, "alice")
	v := ring(t, alice)
	good := sign(t, alice, signed, object(repo, "sha256:"+hexa))
	var detached, text bytes.Buffer
	if err := openpgp.DetachSign(&detached, alice, strings.NewReader("x"), config(signed)); err != nil {
		t.Fatal(err)
	}
	text.WriteString("-----BEGIN PGP SIGNED MESSAGE-----\n")
	tampered := bytes.Replace(good, []byte("core-bash"), []byte("core-dash"), 1)
	for name, c := range map[string]struct {
		b      []byte
		reason string
	}{
		"detached":      {detached.Bytes(), "begins with a signature"},
		"clear text":    {text.Bytes(), "it is text"},
		"empty":         {nil, "ends early"},
		"cut off":       {good[:len(good)-5], "not a binary"},
		"two messages":  {append(bytes.Clone(good), good...), "after its end"},
		"nested":        {compress(t, compress(t, good)), "further compressed"},
		"bomb":          {compress(t, make([]byte, 10<<20)), "when inflated"},
		"after":         {append(compress(t, good), good...), "after its end"},
		"huge":          {make([]byte, maxFile+1), "more than"},
		"other literal": {tampered, "checking the signature"},
		"SHA-1":         {bytes.Clone(good), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "SHA-1" {
				m, err := parseMessage(good)
				if err != nil {
					t.Fatal(err)
				}
				m.signature.Hash = crypto.SHA1
				if err := authenticate(m, alice.Subkeys[1].PublicKey); err == nil || !strings.Contains(err.Error(), "weak") {
					t.Errorf("a weak hash: %v", err)
				}
				return
			}
			expect(t, v.Check(Path(repo, digest, 1), c.b), claim.Refused, c.reason)
		})
	}
}
