package statement

import (
	"bytes"
	"context"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/stagescope/stagescope/chain/claim"
)

func newKey(t testing.TB, typ KeyType) *PrivateKey {
	t.Helper()
	k, err := Generate(typ)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t testing.TB, s *Statement, k Signer) []byte {
	t.Helper()
	b, err := Sign(t.Context(), s, k)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func verifierOf(t testing.TB, keys ...Key) *Verifier {
	t.Helper()
	v, err := NewVerifier(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signRaw signs any payload, as no honest writer would.
func signRaw(t testing.TB, k *PrivateKey, payloadType string, payload []byte) []byte {
	t.Helper()
	sig, err := k.Sign(t.Context(), dsse.PAE(payloadType, payload))
	if err != nil {
		t.Fatal(err)
	}
	return bundleOf(t, k.Public(), &envelope{payload, payloadType, []signature{{Sig: sig}}})
}

func bundleOf(t testing.TB, hint crypto.PublicKey, e *envelope) []byte {
	t.Helper()
	fpr, err := Fingerprint(hint)
	if err != nil {
		t.Fatal(err)
	}
	data, err := encode(wireBundle{BundleMediaType, material{PublicKey: &keyHint{fpr.Hex()}}, e})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSignAndVerify(t *testing.T) {
	for _, typ := range []KeyType{Ed25519, ECDSAP256} {
		k := newKey(t, typ)
		v := verifierOf(t, Key{Public: newKey(t, Ed25519).Public(), Party: "bob"}, Key{Public: k.Public(), Party: "alice"})
		for _, s := range []*Statement{sample(t), failed(t)} {
			data := sign(t, s, k)
			c := v.Verify(data)
			if c.Verification.State != claim.Verified || c.Party != "alice" || c.Bundle.String() != string(sum(data)) {
				t.Fatalf("%s: %+v", typ, c.Verification)
			}
			if fpr, _ := Fingerprint(k.Public()); c.Key != string(fpr) {
				t.Errorf("%s: key %s, not %s", typ, c.Key, fpr)
			}
			if d := cmp.Diff(s.Claim, c, cmpopts.IgnoreFields(claim.Claim{}, "Key", "Party", "Bundle", "Verification")); d != "" {
				t.Errorf("signed and verified (-want +got):\n%s", d)
			}
		}
	}
}

// TestHint: a bundle without a hint, or with one that is no fingerprint, is
// tried with the keys at hand.
func TestHint(t *testing.T) {
	k := newKey(t, Ed25519)
	data := sign(t, sample(t), k)
	fpr, _ := Fingerprint(k.Public())
	v := verifierOf(t, Key{Public: newKey(t, ECDSAP256).Public(), Party: "bob"}, Key{Public: k.Public(), Party: "alice"})
	for _, hint := range []string{"", "alice's key", fpr.Hex(), string(fpr)} {
		b, err := parseBundle(data)
		if err != nil {
			t.Fatal(err)
		}
		b.VerificationMaterial.PublicKey.Hint = hint
		again, _ := encode(b)
		if c := v.Verify(again); c.Verification.State != claim.Verified || c.Party != "alice" {
			t.Errorf("hint %q: %+v", hint, c.Verification)
		}
	}
}

func TestUnverified(t *testing.T) {
	k := newKey(t, Ed25519)
	data := sign(t, sample(t), k)
	at := sample(t).Claim.Finished
	undated := sample(t)
	undated.Claim.Started, undated.Claim.Finished = time.Time{}, time.Time{}
	for name, tc := range map[string]struct {
		key  Key
		data []byte
		want claim.State
	}{
		"another's key":          {Key{Public: newKey(t, Ed25519).Public()}, data, claim.Unverified},
		"expired key":            {Key{Public: k.Public(), To: at}, data, claim.Unverified},
		"key of later":           {Key{Public: k.Public(), From: at.Add(1)}, data, claim.Unverified},
		"no time, bounded key":   {Key{Public: k.Public(), To: at}, sign(t, undated, k), claim.Unverified},
		"no time, unbounded key": {Key{Public: k.Public()}, sign(t, undated, k), claim.Verified},
		"in time":                {Key{Public: k.Public(), From: at, To: at.Add(1)}, data, claim.Verified},
		"revoked":                {Key{Public: k.Public(), Revoked: true}, data, claim.Refused},
	} {
		c := verifierOf(t, tc.key).Verify(tc.data)
		if c.Verification.State != tc.want || (c.Verification.Reason == "") != (tc.want == claim.Verified) {
			t.Errorf("%s: %+v", name, c.Verification)
		}
		if c.Stage != "core-bash" {
			t.Errorf("%s: what it says is not shown", name)
		}
	}
}

func TestTampering(t *testing.T) {
	k, other := newKey(t, Ed25519), newKey(t, Ed25519)
	v := verifierOf(t, Key{Public: k.Public(), Party: "alice"}, Key{Public: other.Public(), Party: "bob"})
	good := sign(t, sample(t), k)
	edit := func(f func(b *wireBundle)) []byte {
		b, err := parseBundle(good)
		if err != nil {
			t.Fatal(err)
		}
		f(b)
		data, err := encode(b)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	payload := edit(func(*wireBundle) {})
	if !bytes.Equal(payload, good) {
		t.Fatal("a bundle read and written is another")
	}
	b, _ := parseBundle(good)
	fpr, _ := Fingerprint(other.Public())
	for name, data := range map[string][]byte{
		"payload": edit(func(b *wireBundle) {
			b.DSSEEnvelope.Payload = bytes.Replace(b.DSSEEnvelope.Payload, []byte("core-bash"), []byte("core-dash"), 2)
		}),
		"payload type":     edit(func(b *wireBundle) { b.DSSEEnvelope.PayloadType = "text/plain" }),
		"signature":        edit(func(b *wireBundle) { b.DSSEEnvelope.Signatures[0].Sig[5] ^= 1 }),
		"short signature":  edit(func(b *wireBundle) { b.DSSEEnvelope.Signatures[0].Sig = []byte{1} }),
		"no signature":     edit(func(b *wireBundle) { b.DSSEEnvelope.Signatures = nil }),
		"empty signature":  edit(func(b *wireBundle) { b.DSSEEnvelope.Signatures[0].Sig = nil }),
		"two signatures":   edit(func(b *wireBundle) { e := b.DSSEEnvelope; e.Signatures = append(e.Signatures, e.Signatures[0]) }),
		"no envelope":      edit(func(b *wireBundle) { b.DSSEEnvelope = nil }),
		"no key":           edit(func(b *wireBundle) { b.VerificationMaterial.PublicKey = nil }),
		"another's hint":   edit(func(b *wireBundle) { b.VerificationMaterial.PublicKey.Hint = fpr.Hex() }),
		"another type":     edit(func(b *wireBundle) { b.MediaType = "application/json" }),
		"signed by bob":    signRaw(t, other, PayloadType, b.DSSEEnvelope.Payload),
		"signed as text":   signRaw(t, k, "text/plain", b.DSSEEnvelope.Payload),
		"another payload":  signRaw(t, k, PayloadType, []byte(`{"_type":"https://in-toto.io/Statement/v0.1"}`)),
		"a truncated file": good[:len(good)/2],
		"nothing":          nil,
		"more after it":    append(bytes.Clone(good), "{}"...),
		"huge":             bytes.Repeat([]byte(" "), maxBundle+1),
		"member twice":     bytes.Replace(good, []byte(`{"mediaType"`), []byte(`{"mediaType":"x","mediaType"`), 1),
		"second spelling":  bytes.Replace(good, []byte(`"dsseEnvelope"`), []byte(`"dsse_envelope":null,"dsseEnvelope"`), 1),
		"payload twice":    bytes.Replace(good, []byte(`"payload":`), []byte(`"payload":"","payload":`), 1),
	} {
		c := v.Verify(data)
		if c.Verification.State != claim.Refused || c.Verification.Reason == "" {
			t.Errorf("%s: %+v", name, c.Verification)
		}
	}
}

// TestPayloads: what is signed rightly and says something wrong.
func TestPayloads(t *testing.T) {
	k := newKey(t, Ed25519)
	fpr, _ := Fingerprint(k.Public())
	v := verifierOf(t, Key{Public: k.Public(), Party: "alice"})
	full, fail := sample(t), failed(t)
	full.Claim.Key, fail.Claim.Key = string(fpr), string(fpr)
	good, err := full.Marshal()
	bad, err2 := fail.Marshal()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if c := v.Verify(signRaw(t, k, PayloadType, good)); c.Verification.State != claim.Verified {
		t.Fatalf("%+v", c.Verification)
	}
	d := full.Claim
	for name, r := range map[string][2]string{
		"key twice":            {`"predicateType":`, `"predicateType":"x","predicateType":`},
		"key twice, deep":      {`"mode":"rebuilt"`, `"mode":"pulled","mode":"rebuilt"`},
		"unknown key twice":    {`"_type"`, `"x":{"a":1,"a":2},"_type"`},
		"unknown parameter":    {`"package":"core-bash"`, `"package":"core-bash","target":"x"`},
		"another build type":   {BuildType, "https://example.org/other"},
		"another predicate":    {`"predicateType":"` + ProvenanceType, `"predicateType":"https://spdx.dev/Document`},
		"another statement":    {StatementType, "https://in-toto.io/Statement/v2"},
		"another package":      {`"package":"core-bash"`, `"package":"core-dash"`},
		"another platform":     {`"platform":"linux/amd64"`, `"platform":"linux/arm64"`},
		"subject with prefix":  {`"digest":{"sha256":"` + d.Output.Manifest.Hex(), `"digest":{"sha256":"sha256:` + d.Output.Manifest.Hex()},
		"upper case":           {d.Output.Manifest.Hex(), strings.ToUpper(d.Output.Manifest.Hex())},
		"no subject":           {`"subject":[`, `"subject":[],"x":[`},
		"two outputs":          {`"name":"index"`, `"name":"pkg:docker/stagex/core-bash@5.3?platform=linux/amd64"`},
		"input digest":         {string(d.Input), string(digestOf("other"))},
		"inputs changed":       {d.Inputs[0].Manifest.Hex(), digestOf("other").Hex()},
		"mode":                 {`"mode":"rebuilt"`, `"mode":"dreamt"`},
		"recipe without type":  {string(d.Recipe), d.Recipe.Hex()},
		"another's builder":    {fpr.Hex(), digestOf("mallory").Hex()},
		"builder of no party":  {builderPrefix, "https://example.org/"},
		"local time":           {`00Z"`, `00+01:00"`},
		"no time":              {`2026-03-04T06:00:00Z`, `yesterday`},
		"rootfs twice":         {`"name":"log"`, `"name":"rootfs"`},
		"steps changed":        {`"content":"W3si`, `"content":"W3si IA`},
		"case of a name":       {`"predicate":`, `"Predicate":`},
		"number for a text":    {`"release":"2026.03.0"`, `"release":2026`},
		"repeats not a number": {`"repeats":3`, `"repeats":"3"`},
		"fraction":             {`"repeats":3`, `"repeats":3.5`},
		"many":                 {`"repeats":3`, `"repeats":1`},
	} {
		payload := bytes.ReplaceAll(good, []byte(r[0]), []byte(r[1]))
		if bytes.Equal(payload, good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if c := v.Verify(signRaw(t, k, PayloadType, payload)); c.Verification.State != claim.Refused || c.Verification.Reason == "" {
			t.Errorf("%s: %+v", name, c.Verification)
		}
	}
	for name, r := range map[string][2]string{
		"recipe of another size": {`"recipeSize":812`, `"recipeSize":813`},
		"another recipe":         {string(d.Recipe), string(digestOf("other"))},
		"no phase":               {`"phase":"RUN make"`, `"phase":""`},
	} {
		payload := bytes.ReplaceAll(bad, []byte(r[0]), []byte(r[1]))
		if c := v.Verify(signRaw(t, k, PayloadType, payload)); c.Verification.State != claim.Refused {
			t.Errorf("%s: %+v", name, c.Verification)
		}
	}
	huge := bytes.Replace(good, []byte(`{"_type"`), append([]byte(`{"x":"`+strings.Repeat("x", maxStatement)+`"`), `,"_type"`...), 1)
	if c := v.Verify(signRaw(t, k, PayloadType, huge)); c.Verification.State != claim.Refused {
		t.Errorf("huge: %+v", c.Verification)
	}
}

// TestLaterVersions: members that a later version of in-toto or SLSA adds do
// not make a claim unreadable.
func TestLaterVersions(t *testing.T) {
	k := newKey(t, Ed25519)
	fpr, _ := Fingerprint(k.Public())
	s := sample(t)
	s.Claim.Key = string(fpr)
	data, err := s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{`{"_type"`, `{"buildDefinition"`, `{"buildType"`, `{"builder"`, `{"id"`, `{"mode"`, `{"kernel"`} {
		data = bytes.Replace(data, []byte(at), []byte(`{"later":{"a":[1]},`+at[1:]), 1)
	}
	c := verifierOf(t, Key{Public: k.Public()}).Verify(signRaw(t, k, PayloadType, data))
	if c.Verification.State != claim.Verified {
		t.Errorf("%+v", c.Verification)
	}
}

// TestReplay: a claim of another release's recipe stays one of that recipe,
// whatever it is found beside.
func TestReplay(t *testing.T) {
	k := newKey(t, Ed25519)
	v := verifierOf(t, Key{Public: k.Public(), Party: "alice"})
	now := sample(t)
	now.Claim.Recipe, now.Claim.Input, now.Claim.Release = digestOf("new recipe"), "", "2026.04.0"
	then := v.Verify(sign(t, sample(t), k))
	if c := v.Verify(sign(t, now, k)); c.Recipe == then.Recipe || then.Recipe != digestOf("recipe") || then.Release != "2026.03.0" {
		t.Errorf("recipes %s and %s", then.Recipe, c.Recipe)
	}
}

func TestMemory(t *testing.T) {
	k := newKey(t, ECDSAP256)
	data := sign(t, sample(t), k)
	m := new(Memory)
	v, err := NewVerifier([]Key{{Public: k.Public(), Party: "alice"}}, m)
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Replace(data, []byte(`"sig":"ME`), []byte(`"sig":"MF`), 1)
	first, again := v.Verify(data), v.Verify(data)
	if d := cmp.Diff(first, again); d != "" || m.Len() != 1 {
		t.Errorf("remembered %d; %s", m.Len(), d)
	}
	if c := v.Verify(broken); c.Verification.State != claim.Refused || m.Len() != 1 {
		t.Errorf("a bad signature: %+v, remembered %d", c.Verification, m.Len())
	}
	raw, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	kept := new(Memory)
	if err := kept.UnmarshalBinary(raw); err != nil || kept.Len() != 1 {
		t.Fatalf("%d: %v", kept.Len(), err)
	}
	if err := kept.UnmarshalBinary(raw[:len(raw)-1]); err == nil {
		t.Error("a truncated memory was read")
	}
	// Who has no such key, or a revoked one, is not helped by the memory.
	none, err := NewVerifier([]Key{{Public: newKey(t, Ed25519).Public()}}, kept)
	gone, err2 := NewVerifier([]Key{{Public: k.Public(), Revoked: true}}, kept)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if c := none.Verify(data); c.Verification.State != claim.Unverified {
		t.Errorf("%+v", c.Verification)
	}
	if c := gone.Verify(data); c.Verification.State != claim.Refused {
		t.Errorf("%+v", c.Verification)
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	k := newKey(t, Ed25519)
	if _, err := NewVerifier([]Key{{Public: k.Public(), Party: "alice"}, {Public: k.Public(), Party: "bob"}}, nil); !errors.Is(err, ErrKey) {
		t.Errorf("one key of two parties: %v", err)
	}
	if _, err := NewVerifier([]Key{{Public: "text"}}, nil); !errors.Is(err, ErrKey) {
		t.Errorf("no key: %v", err)
	}
}

// wrongSigner answers with another key's signature.
type wrongSigner struct{ pub, by *PrivateKey }

func (s wrongSigner) Public() crypto.PublicKey { return s.pub.Public() }
func (s wrongSigner) Sign(ctx context.Context, pae []byte) ([]byte, error) {
	return s.by.Sign(ctx, pae)
}

func TestSignChecksTheSigner(t *testing.T) {
	s := wrongSigner{newKey(t, Ed25519), newKey(t, Ed25519)}
	if _, err := Sign(t.Context(), sample(t), s); !errors.Is(err, ErrSignature) {
		t.Errorf("another key's signature: %v", err)
	}
}

// TestBundleForm compares with the form of sigstore's bundles, by its members.
func TestBundleForm(t *testing.T) {
	k := newKey(t, Ed25519)
	var b struct {
		MediaType            string
		VerificationMaterial struct{ PublicKey struct{ Hint string } }
		DSSEEnvelope         struct {
			PayloadType, Payload string
			Signatures           []map[string]string
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(sign(t, sample(t), k), &b); err != nil {
		t.Fatal(err)
	}
	fpr, _ := Fingerprint(k.Public())
	hint, err := base64.StdEncoding.DecodeString(b.VerificationMaterial.PublicKey.Hint)
	if err != nil || hex.EncodeToString(hint) != fpr.Hex() || len(b.DSSEEnvelope.Signatures) != 1 || b.MediaType != BundleMediaType {
		t.Errorf("%+v", b)
	}
}
