package statement

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	sigstore "github.com/sigstore/sigstore-go/pkg/bundle"

	"github.com/stagescope/stagescope/chain"
)

// BundleMediaType is the media type of a claim's sigstore bundle.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

const maxBundle = 4 << 20

// wireBundle is a sigstore bundle. It has no members that are not known: its
// definition is closed, and another reader may know a second spelling of one.
type wireBundle struct {
	MediaType            string    `json:"mediaType"`
	VerificationMaterial material  `json:"verificationMaterial"`
	DSSEEnvelope         *envelope `json:"dsseEnvelope"`
}

type material struct {
	PublicKey            *keyHint       `json:"publicKey,omitempty"`
	Certificate          jsontext.Value `json:"certificate,omitempty"`
	X509CertificateChain jsontext.Value `json:"x509CertificateChain,omitempty"`
	TlogEntries          jsontext.Value `json:"tlogEntries,omitempty"`
	Timestamps           jsontext.Value `json:"timestampVerificationData,omitempty"`
}

type keyHint struct {
	Hint string `json:"hint"`
}

// Sign writes the claim's statement, signs it and gives the bundle's bytes. The
// claim's Key is set to the signer's; that of the caller's claim is not.
func Sign(ctx context.Context, s *Statement, signer Signer) ([]byte, error) {
	if _, err := claimKeyType(signer.Public()); err != nil {
		return nil, fmt.Errorf("signing a claim: %w", err)
	}
	fpr, err := Fingerprint(signer.Public())
	if err != nil {
		return nil, err
	}
	own, c := *s, *s.Claim
	c.Key, own.Claim = string(fpr), &c
	payload, err := own.Marshal()
	if err != nil {
		return nil, err
	}
	e, err := seal(ctx, payload, signer)
	if err != nil {
		return nil, err
	}
	raw, err := hex.DecodeString(fpr.Hex())
	if err != nil {
		return nil, fmt.Errorf("signing a claim: %w", err)
	}
	data, err := encode(wireBundle{
		MediaType:            BundleMediaType,
		VerificationMaterial: material{PublicKey: &keyHint{base64.StdEncoding.EncodeToString(raw)}},
		DSSEEnvelope:         e,
	})
	if err != nil {
		return nil, err
	}
	var b sigstore.Bundle
	if err := b.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("signing a claim: %w: %w", ErrUnexpectedly, err)
	}
	return data, nil
}

// parseBundle reads a bundle with an envelope of one signature.
func parseBundle(data []byte) (*wireBundle, error) {
	if len(data) > maxBundle {
		return nil, fmt.Errorf("%w: the bundle has %d bytes, more than %d", ErrEnvelope, len(data), maxBundle)
	}
	b := new(wireBundle)
	if err := json.Unmarshal(data, b, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	if !strings.HasPrefix(b.MediaType, "application/vnd.dev.sigstore.bundle") {
		return nil, fmt.Errorf("%w: its media type is %q", ErrEnvelope, cut(b.MediaType))
	}
	return b, b.DSSEEnvelope.check()
}

// hinted is the fingerprint that a hint names, in cosign's form (base64 of the
// SHA-256) or in hex; "" when it names none.
func (m *material) hinted() chain.Digest {
	if m.PublicKey == nil {
		return ""
	}
	h := m.PublicKey.Hint
	if raw, err := base64.StdEncoding.DecodeString(h); err == nil && len(raw) == 32 {
		return chain.SHA256([32]byte(raw))
	}
	if d, err := bare(strings.TrimPrefix(h, "sha256:")); err == nil {
		return d
	}
	return ""
}

// Payload is the statement inside a bundle, unverified; nil when there is none.
func Payload(data []byte) []byte {
	b, err := parseBundle(data)
	if err != nil {
		return nil
	}
	return b.DSSEEnvelope.Payload
}
