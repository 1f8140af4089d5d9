package attest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	sigstore "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

const (
	who    = "release@example.org"
	issuer = "https://accounts.example.org"
)

func sum(data []byte) chain.Digest { return chain.SHA256(sha256.Sum256(data)) }

var image = sum([]byte("an image"))

func statementFor(d chain.Digest, predicateType, predicate string) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":%q}}],"predicateType":%q,"predicate":%s}`,
		d.Hex(), predicateType, predicate)
}

const slsa = `{"buildDefinition":{"buildType":"https://example.org/build","resolvedDependencies":[{},{}]},"runDetails":{"builder":{"id":"https://ci.example.org"}}}`

// logs is a sigstore of the test's own without a log of certificates, whose
// certificates carry no proof of one.
type logs struct{ *ca.VirtualSigstore }

func (logs) CTLogs() map[string]*root.TransparencyLog { return nil }

func newSigstore(t *testing.T) *ca.VirtualSigstore {
	t.Helper()
	s, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keylessBundle is a bundle that a certificate's owner signed.
func keylessBundle(t *testing.T, s *ca.VirtualSigstore, payload []byte, change func(*protobundle.Bundle)) []byte {
	t.Helper()
	e, err := s.AttestAtTime(who, issuer, payload, time.Now().Add(5*time.Minute), true)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := e.VerificationContent()
	entries, _ := e.TlogEntries()
	sigs, _ := e.SignatureContent()
	env := sigs.EnvelopeContent().RawEnvelope()
	sig, err := base64.StdEncoding.DecodeString(env.Signatures[0].Sig)
	if err != nil {
		t.Fatal(err)
	}
	b := &protobundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &protobundle.VerificationMaterial{
			Content:     &protobundle.VerificationMaterial_Certificate{Certificate: &protocommon.X509Certificate{RawBytes: content.Certificate().Raw}},
			TlogEntries: []*protorekor.TransparencyLogEntry{logged(t, s, entries[0].TransparencyLogEntry())},
		},
		Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
			Payload: payload, PayloadType: env.PayloadType, Signatures: []*protodsse.Signature{{Sig: sig}}}},
	}
	if change != nil {
		change(b)
	}
	data, err := (&sigstore.Bundle{Bundle: b}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// logged completes the log's entry, of which the virtual sigstore leaves the kind
// and its own promise out.
func logged(t *testing.T, s *ca.VirtualSigstore, e *protorekor.TransparencyLogEntry) *protorekor.TransparencyLogEntry {
	t.Helper()
	var body struct{ APIVersion, Kind string }
	if err := json.Unmarshal(e.GetCanonicalizedBody(), &body); err != nil {
		t.Fatal(err)
	}
	promise, err := s.RekorSignPayload(tlog.RekorPayload{
		Body: base64.StdEncoding.EncodeToString(e.GetCanonicalizedBody()), IntegratedTime: e.GetIntegratedTime(),
		LogIndex: e.GetLogIndex(), LogID: hex.EncodeToString(e.GetLogId().GetKeyId()),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.KindVersion = &protorekor.KindVersion{Kind: body.Kind, Version: body.APIVersion}
	e.InclusionPromise = &protorekor.InclusionPromise{SignedEntryTimestamp: promise}
	return e
}

func one(t *testing.T, trust *Trust, it item) Attestation {
	t.Helper()
	if it.of == "" {
		it.of = image
	}
	all := trust.examine(&it)
	if len(all) != 1 {
		t.Fatalf("%d attestations, want one", len(all))
	}
	return all[0]
}

func expect(t *testing.T, a Attestation, state claim.State, reason string) {
	t.Helper()
	if a.Verification.State != state || !strings.Contains(a.Verification.Reason, reason) {
		t.Errorf("it is %s (%q), want %s with %q", a.Verification.State, a.Verification.Reason, state, reason)
	}
	if (a.Verification.State == claim.Verified) != (a.Verification.Reason == "") {
		t.Errorf("state %s has the reason %q", a.Verification.State, a.Verification.Reason)
	}
}

func TestKeylessBundle(t *testing.T) {
	s := newSigstore(t)
	good := keylessBundle(t, s, statementFor(image, "https://slsa.dev/provenance/v1", slsa), nil)
	trusting := func(identity string) *Trust {
		tr := &Trust{root: logs{s}}
		if identity != "" {
			if err := tr.AddIdentity(identity, issuer); err != nil {
				t.Fatal(err)
			}
		}
		return tr
	}
	a := one(t, trusting(who), item{form: Bundle, data: good})
	expect(t, a, claim.Verified, "")
	if a.Kind != Provenance || a.Builder != "https://ci.example.org" || a.Identity != who || a.Issuer != issuer || a.Signed.IsZero() {
		t.Errorf("it is read as %+v", a)
	}
	if c := a.Claim("core-x", "linux/amd64", chain.LevelManifest); c.Kind != claim.KindAttestation || c.Mode != claim.ModeUnknown || c.Output.Manifest != image {
		t.Errorf("as a claim it is %+v", c)
	}
	expect(t, one(t, trusting("^.*@example[.]org$"), item{form: Bundle, data: good}), claim.Verified, "")
	expect(t, one(t, trusting("someone@example.org"), item{form: Bundle, data: good}), claim.Unverified, "no identity that was given")
	expect(t, one(t, trusting(""), item{form: Bundle, data: good}), claim.Unverified, "no identity that was given")
	expect(t, one(t, nil, item{form: Bundle, data: good}), claim.Unverified, "no trusted root was given")
	stranger := trusting(who)
	stranger.root = logs{newSigstore(t)}
	expect(t, one(t, stranger, item{form: Bundle, data: good}), claim.Unverified, "does not verify")

	other := keylessBundle(t, s, statementFor(sum(nil), "https://slsa.dev/provenance/v1", slsa), nil)
	expect(t, one(t, trusting(who), item{form: Bundle, data: other}), claim.Refused, "another image")
	forged := keylessBundle(t, s, statementFor(sum(nil), "x", "{}"), func(b *protobundle.Bundle) {
		b.GetDsseEnvelope().Payload = statementFor(image, "https://slsa.dev/provenance/v1", slsa)
	})
	expect(t, one(t, trusting(who), item{form: Bundle, data: forged}), claim.Refused, "does not hold")
	twice := bytes.Replace(good, []byte(`{"mediaType"`), []byte(`{"mediaType":"x","mediaType"`), 1)
	if bytes.Equal(twice, good) {
		twice = append([]byte(`{"mediaType":"x",`), good[1:]...)
	}
	expect(t, one(t, trusting(who), item{form: Bundle, data: twice}), claim.Refused, "duplicate")
	expect(t, one(t, trusting(who), item{form: Bundle, data: []byte("{}")}), claim.Refused, "")
}

func newKey(t *testing.T) (*statement.PrivateKey, *Trust) {
	t.Helper()
	k, err := statement.Generate(statement.ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := statement.MarshalPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	tr := &Trust{}
	if err := tr.AddPEM("publisher.pub", pem); err != nil {
		t.Fatal(err)
	}
	return k, tr
}

func signed(t *testing.T, k *statement.PrivateKey, message []byte) []byte {
	t.Helper()
	sig, err := k.Sign(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func payloadOf(d chain.Digest) []byte {
	return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":"example.org/x"},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, d)
}

func TestCosignSignature(t *testing.T) {
	k, trust := newKey(t)
	_, strange := newKey(t)
	p := payloadOf(image)
	it := item{form: CosignSig, data: p, annotations: map[string]string{annSignature: base64.StdEncoding.EncodeToString(signed(t, k, p))}}
	a := one(t, trust, it)
	expect(t, a, claim.Verified, "")
	if a.Kind != Signature || a.Signer() != "publisher.pub" {
		t.Errorf("it is read as %+v", a)
	}
	expect(t, one(t, strange, it), claim.Unverified, unknownReason)
	expect(t, one(t, nil, it), claim.Unverified, unknownReason)
	it.of = sum(nil)
	expect(t, one(t, trust, it), claim.Refused, "another image")
	it.of, it.annotations = image, map[string]string{annSignature: "!"}
	expect(t, one(t, trust, it), claim.Refused, "no signature")
}

// Older cosign keeps the certificate and the log's promise in annotations.
func TestCosignKeylessSignature(t *testing.T) {
	s := newSigstore(t)
	p := payloadOf(image)
	e, err := s.Sign(who, issuer, p)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := e.VerificationContent()
	entries, _ := e.TlogEntries()
	sigs, _ := e.SignatureContent()
	entry := logged(t, s, entries[0].TransparencyLogEntry())
	note := map[string]any{
		"SignedEntryTimestamp": entry.GetInclusionPromise().GetSignedEntryTimestamp(),
		"Payload": map[string]any{"body": entry.GetCanonicalizedBody(), "integratedTime": entry.GetIntegratedTime(),
			"logIndex": entry.GetLogIndex(), "logID": hex.EncodeToString(entry.GetLogId().GetKeyId())},
	}
	rekor, err := json.Marshal(note)
	if err != nil {
		t.Fatal(err)
	}
	cert := "-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(content.Certificate().Raw) + "\n-----END CERTIFICATE-----\n"
	it := item{form: CosignSig, data: p, annotations: map[string]string{
		annSignature: base64.StdEncoding.EncodeToString(sigs.MessageSignatureContent().Signature()), annCertificate: cert, annRekor: string(rekor)}}
	trust := &Trust{root: logs{s}}
	if err := trust.AddIdentity(who, issuer); err != nil {
		t.Fatal(err)
	}
	expect(t, one(t, trust, it), claim.Verified, "")
	expect(t, one(t, nil, it), claim.Unverified, "no trusted root")
	delete(it.annotations, annRekor)
	expect(t, one(t, trust, it), claim.Unverified, "does not verify")
	it.annotations[annRekor] = "{"
	expect(t, one(t, trust, it), claim.Refused, "log entry")
}

func envelopeOf(t *testing.T, k *statement.PrivateKey, payload []byte) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{"payloadType": typeInToto, "payload": payload,
		"signatures": []any{map[string]any{"keyid": "", "sig": signed(t, k, dsse.PAE(typeInToto, payload))}}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCosignAttestation(t *testing.T) {
	k, trust := newKey(t)
	sbom := `{"Data":"{\"spdxVersion\":\"SPDX-2.3\",\"packages\":[{},{},{}]}"}`
	it := item{form: CosignAtt, data: envelopeOf(t, k, statementFor(image, "https://spdx.dev/Document", sbom))}
	a := one(t, trust, it)
	expect(t, a, claim.Verified, "")
	if a.Kind != SBOM || a.Summary != "SPDX-2.3, 3 packages" {
		t.Errorf("it is read as %+v", a)
	}
	it.data = envelopeOf(t, k, statementFor(sum(nil), "https://cyclonedx.org/bom", `{}`))
	expect(t, one(t, trust, it), claim.Refused, "another image")
	it.data = []byte(`{"payload":"","payloadType":"x","signatures":[]}`)
	expect(t, one(t, trust, it), claim.Refused, "0 signatures")
}

func TestCertificateOfASigner(t *testing.T) {
	s := newSigstore(t)
	e, err := s.Sign(who, issuer, payloadOf(image))
	if err != nil {
		t.Fatal(err)
	}
	content, _ := e.VerificationContent()
	sigs, _ := e.SignatureContent()
	pem := "-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(content.Certificate().Raw) + "\n-----END CERTIFICATE-----\n"
	trust := &Trust{}
	if err := trust.AddPEM("signer.pem", []byte(pem)); err != nil {
		t.Fatal(err)
	}
	it := item{form: CosignSig, data: payloadOf(image), annotations: map[string]string{annSignature: base64.StdEncoding.EncodeToString(sigs.MessageSignatureContent().Signature())}}
	at := content.Certificate().NotBefore.Add(time.Second)
	trust.SetClock(func() time.Time { return at })
	expect(t, one(t, trust, it), claim.Verified, "")
	at = content.Certificate().NotAfter.Add(time.Hour)
	expect(t, one(t, trust, it), claim.Unverified, "nothing says when it signed")
}

func TestBadTrust(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":     "no PEM",
		"private key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		if err := new(Trust).AddPEM(name, []byte(data)); !errors.Is(err, ErrTrust) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := new(Trust).SetRoot("root.json", []byte("{")); !errors.Is(err, ErrTrust) {
		t.Errorf("a broken root: %v", err)
	}
	if err := new(Trust).AddIdentity("^(", issuer); !errors.Is(err, ErrTrust) {
		t.Errorf("a broken expression: %v", err)
	}
	if err := new(Trust).AddIdentity("", ""); !errors.Is(err, ErrTrust) {
		t.Errorf("nobody: %v", err)
	}
}

// shelf is a place in memory.
type shelf struct {
	manifests map[string][]byte
	blobs     map[string][]byte
	referrers map[chain.Digest][]publish.Referrer
	broken    map[string]error
}

func newShelf() *shelf {
	return &shelf{map[string][]byte{}, map[string][]byte{}, map[chain.Digest][]publish.Referrer{}, map[string]error{}}
}

func (s *shelf) Name() string { return "shelf" }

func (s *shelf) Manifest(_ context.Context, ref string) (publish.Manifest, error) {
	if err := s.broken[ref]; err != nil {
		return publish.Manifest{}, err
	}
	raw, ok := s.manifests[ref]
	if !ok {
		return publish.Manifest{}, fmt.Errorf("%s: %w", ref, publish.ErrNotFound)
	}
	return publish.Manifest{MediaType: ocispec.MediaTypeImageManifest, Raw: raw}, nil
}

func (s *shelf) Blob(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	data, ok := s.blobs[string(d.Digest)]
	if !ok {
		return nil, publish.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (s *shelf) Referrers(_ context.Context, d chain.Digest) ([]publish.Referrer, []publish.Unread) {
	return s.referrers[d], nil
}

// put puts an artifact of one layer and gives its descriptor.
func (s *shelf) put(t *testing.T, tag, mediaType string, data []byte, annotations map[string]string) ocispec.Descriptor {
	t.Helper()
	layer := ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(sum(data)), Size: int64(len(data)), Annotations: annotations}
	s.blobs[string(layer.Digest)] = data
	raw, err := json.Marshal(ocispec.Manifest{Layers: []ocispec.Descriptor{layer}})
	if err != nil {
		t.Fatal(err)
	}
	d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(sum(raw)), Size: int64(len(raw))}
	s.manifests[string(d.Digest)] = raw
	if tag != "" {
		s.manifests[tag] = raw
	}
	return d
}

func TestFind(t *testing.T) {
	k, trust := newKey(t)
	s := newShelf()
	base := "sha256-" + image.Hex()
	p := payloadOf(image)
	s.put(t, base+".sig", typeSigning, p, map[string]string{annSignature: base64.StdEncoding.EncodeToString(signed(t, k, p))})
	s.put(t, base+".att", typeEnvelope, envelopeOf(t, k, statementFor(image, "https://slsa.dev/provenance/v0.2", `{"builder":{"id":"ci"},"materials":[{}]}`)), nil)
	s.put(t, base+".sbom", "text/spdx+json", []byte(`{"spdxVersion":"SPDX-2.3","packages":[]}`), nil)

	own := statementFor(image, "https://slsa.dev/provenance/v1", `{"buildDefinition":{"buildType":"`+statement.BuildType+`"}}`)
	rebuilt := s.put(t, "", typeEnvelope, envelopeOf(t, k, own), nil)
	lost := ocispec.Descriptor{Digest: digest.Digest(sum([]byte("lost")))}
	s.referrers[image] = []publish.Referrer{{Descriptor: rebuilt}, {Descriptor: lost}}

	inIndex := s.put(t, "", typeInToto, statementFor(image, "https://slsa.dev/provenance/v0.2", `{"builder":{"id":"buildkit"}}`), nil)
	inIndex.Annotations = map[string]string{annType: "attestation-manifest", annOf: string(image)}
	raw, err := json.Marshal(ocispec.Index{Manifests: []ocispec.Descriptor{{Digest: digest.Digest(image)}, inIndex}})
	if err != nil {
		t.Fatal(err)
	}
	index := sum(raw)
	s.manifests[string(index)] = raw

	all, unread := Find(t.Context(), s, image, index, trust)
	var got []string
	for _, a := range all {
		got = append(got, a.Sentence())
	}
	want := []string{
		"signature (cosign signature); signed by publisher.pub",
		"provenance (BuildKit attestation): 0 inputs named, builder buildkit; unverified: it is not signed: it is as good as whoever serves it",
		"provenance (cosign attestation): 1 inputs named, builder ci; signed by publisher.pub",
		"SBOM (attached file): SPDX-2.3, 0 packages; unverified: it is not signed: it is as good as whoever serves it",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(unread) != 1 || !strings.Contains(unread[0].Error(), string(lost.Digest)) {
		t.Errorf("unread: %v", unread)
	}
}

// What cannot be read is unknown, and is not the same as what is not there.
func TestUnreadIsSaid(t *testing.T) {
	s := newShelf()
	s.broken["sha256-"+image.Hex()+".att"] = errors.New("503 from the registry")
	all, unread := Find(t.Context(), s, image, "", nil)
	if len(all) != 0 || len(unread) != 1 || !strings.Contains(unread[0].Error(), "503") {
		t.Errorf("found %v, unread %v", all, unread)
	}
	s = newShelf()
	huge := s.put(t, "", typeEnvelope, []byte("x"), nil)
	s.manifests[string(huge.Digest)] = bytes.Replace(s.manifests[string(huge.Digest)], []byte(`"size":1`), []byte(`"size":99999999999`), 1)
	s.referrers[image] = []publish.Referrer{{Descriptor: huge}}
	if _, unread = Find(t.Context(), s, image, "", nil); len(unread) != 1 || !strings.Contains(unread[0].Error(), "99999999999") {
		t.Errorf("of what is too large it says %v", unread)
	}
}

func FuzzExamine(f *testing.F) {
	f.Add(uint8(0), []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{}},"dsseEnvelope":{"payload":"","payloadType":"","signatures":[{"sig":""}]}}`), "", "")
	f.Add(uint8(1), payloadOf(image), "MEUCIQ==", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	f.Add(uint8(2), []byte(`{"payload":"e30=","payloadType":"x","signatures":[{"sig":"AA=="}]}`), "", "{}")
	f.Add(uint8(3), statementFor(image, "https://slsa.dev/provenance/v1", slsa), "", "")
	f.Add(uint8(4), []byte("SPDXVersion: SPDX-2.3\nPackageName: x"), "", "")
	forms := []Form{Bundle, CosignSig, CosignAtt, BuildKit, AttachedFile}
	f.Fuzz(func(t *testing.T, form uint8, data []byte, sig, cert string) {
		it := item{form: forms[int(form)%len(forms)], data: data, of: image,
			annotations: map[string]string{annSignature: sig, annCertificate: cert, annRekor: cert}}
		for _, a := range (&Trust{}).examine(&it) {
			if a.Verification.State == claim.Verified || a.Verification.State == claim.NotChecked {
				t.Errorf("without trust it is %s", a.Verification.State)
			}
		}
	})
}
