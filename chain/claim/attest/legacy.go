package attest

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	sigstore "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// legacyType is the bundle version that takes a log's promise without its proof,
// which is all that older cosign keeps.
const legacyType = "application/vnd.dev.sigstore.bundle+json;version=0.1"

// rekorNote is what older cosign keeps of a log entry, in an annotation.
type rekorNote struct {
	SignedEntryTimestamp []byte `json:"SignedEntryTimestamp"`
	Payload              struct {
		Body           []byte `json:"body"`
		IntegratedTime int64  `json:"integratedTime"`
		LogIndex       int64  `json:"logIndex"`
		LogID          string `json:"logID"`
	} `json:"Payload"`
}

// legacyBundle makes a bundle of what older cosign keeps in annotations: of an
// envelope, or of the signature of a payload.
func legacyBundle(it *item, e *envelope, sig []byte) (*sigstore.Bundle, error) {
	chain, err := certificates(it)
	if err != nil {
		return nil, err
	}
	b := &protobundle.Bundle{MediaType: legacyType, VerificationMaterial: &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: chain}}}
	if note := it.annotations[annRekor]; note != "" {
		entry, err := logEntry(note)
		if err != nil {
			return nil, err
		}
		b.VerificationMaterial.TlogEntries = []*protorekor.TransparencyLogEntry{entry}
	}
	if e != nil {
		out := &protodsse.Envelope{Payload: e.Payload, PayloadType: e.PayloadType}
		for _, s := range e.Signatures {
			out.Signatures = append(out.Signatures, &protodsse.Signature{Sig: s.Sig, Keyid: s.KeyID})
		}
		b.Content = &protobundle.Bundle_DsseEnvelope{DsseEnvelope: out}
	} else {
		digest := sha256.Sum256(it.data)
		b.Content = &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
			MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: digest[:]},
			Signature:     sig,
		}}
	}
	out, err := sigstore.NewBundle(b)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate's signature: %w", err)
	}
	return out, nil
}

// certificates are the signer's and those of the authorities above, without the
// root, which nobody may bring along.
func certificates(it *item) (*protocommon.X509CertificateChain, error) {
	out := &protocommon.X509CertificateChain{}
	data := []byte(it.annotations[annCertificate] + "\n" + it.annotations[annChain])
	for n := 0; n < maxPEM; n++ {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w", err)
		}
		if c.IsCA && bytes.Equal(c.RawIssuer, c.RawSubject) {
			continue
		}
		out.Certificates = append(out.Certificates, &protocommon.X509Certificate{RawBytes: c.Raw})
	}
	if len(out.Certificates) == 0 {
		return nil, fmt.Errorf("reading a certificate: its annotation holds none")
	}
	return out, nil
}

func logEntry(note string) (*protorekor.TransparencyLogEntry, error) {
	var n rekorNote
	if err := json.Unmarshal([]byte(note), &n); err != nil {
		return nil, fmt.Errorf("reading a log entry: %w", err)
	}
	id, err := hex.DecodeString(n.Payload.LogID)
	if err != nil {
		return nil, fmt.Errorf("reading a log entry: its log is %q", cut(n.Payload.LogID))
	}
	var body struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(n.Payload.Body, &body); err != nil {
		return nil, fmt.Errorf("reading a log entry: %w", err)
	}
	return &protorekor.TransparencyLogEntry{
		LogIndex: n.Payload.LogIndex, LogId: &protocommon.LogId{KeyId: id}, IntegratedTime: n.Payload.IntegratedTime,
		KindVersion:       &protorekor.KindVersion{Kind: body.Kind, Version: body.APIVersion},
		InclusionPromise:  &protorekor.InclusionPromise{SignedEntryTimestamp: n.SignedEntryTimestamp},
		CanonicalizedBody: n.Payload.Body,
	}, nil
}

// certificateNames gives what a certificate says of its owner, unverified.
func certificateNames(c *x509.Certificate) (identity, issuer string) {
	if s, err := certificate.SummarizeCertificate(c); err == nil && s.SubjectAlternativeName != "" {
		return cut(s.SubjectAlternativeName), cut(s.Issuer)
	}
	return cut(strings.TrimSpace(c.Subject.CommonName)), cut(c.Issuer.CommonName)
}
