package attest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	sigstore "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// maxSignatures bounds the signatures of one envelope.
const maxSignatures = 20

// envelope is a DSSE envelope as JSON.
type envelope struct {
	Payload     []byte `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		Sig   []byte `json:"sig"`
		KeyID string `json:"keyid"`
	} `json:"signatures"`
}

// examine reads and verifies one item; of a claim of a rebuild it gives nothing.
func (t *Trust) examine(it *item) []Attestation {
	if t == nil {
		t = &Trust{}
	}
	a := Attestation{Form: it.form, Subject: it.of, Origin: it.origin, Digest: chain.SHA256(sha256.Sum256(it.data))}
	var err error
	switch it.form {
	case Bundle:
		err = t.bundle(&a, it)
	case CosignAtt:
		err = t.envelope(&a, it)
	case CosignSig:
		err = t.signature(&a, it)
	default:
		err = t.unsigned(&a, it)
	}
	switch {
	case errors.Is(err, errRebuild):
		return nil
	case err != nil:
		a.is(claim.Refused, "%v", err)
	}
	return []Attestation{a}
}

// statementOf reads the statement of a payload, which has to be about the image.
func (a *Attestation) statementOf(payload []byte) error {
	s, err := parseStatement(payload)
	if err != nil {
		return err
	}
	if err := a.describe(s); err != nil {
		return err
	}
	if !s.about(a.Subject) {
		return fmt.Errorf("it is about another image than the one that it is attached to")
	}
	return nil
}

// bundle verifies a sigstore bundle.
func (t *Trust) bundle(a *Attestation, it *item) error {
	if err := noDuplicates(it.data); err != nil {
		return err
	}
	var b sigstore.Bundle
	if err := b.UnmarshalJSON(it.data); err != nil {
		return fmt.Errorf("reading a sigstore bundle: %w", err)
	}
	e := b.GetDsseEnvelope()
	if e == nil {
		return errors.New("it is a bundle without a statement")
	}
	if err := a.statementOf(e.GetPayload()); err != nil {
		return err
	}
	if len(e.GetSignatures()) != 1 {
		return fmt.Errorf("its envelope has %d signatures, not one", len(e.GetSignatures()))
	}
	if b.VerificationMaterial.GetPublicKey() == nil {
		return t.certificate(a, &b, nil)
	}
	t.key(a, dsse.PAE(e.GetPayloadType(), e.GetPayload()), e.GetSignatures()[0].GetSig())
	return nil
}

// noDuplicates refuses a JSON text in which a key is given twice: readers differ
// in which of the two they believe.
func noDuplicates(data []byte) error {
	var any any
	return json.Unmarshal(data, &any)
}

// key looks for the given key that signed.
func (t *Trust) key(a *Attestation, message, sig []byte) bool {
	k := t.signedBy(message, sig)
	if k == nil {
		a.is(claim.Unverified, "signed %s", unknownReason)
		return false
	}
	a.Key = k.Name
	if now := t.time(); !k.Until.IsZero() && (now.After(k.Until) || now.Before(k.From)) {
		a.is(claim.Unverified, "the certificate was valid from %s to %s, and nothing says when it signed",
			k.From.UTC().Format(time.DateOnly), k.Until.UTC().Format(time.DateOnly))
		return true
	}
	a.is(claim.Verified, "")
	return true
}

// envelope verifies a cosign attestation of the older form.
func (t *Trust) envelope(a *Attestation, it *item) error {
	var e envelope
	if err := json.Unmarshal(it.data, &e); err != nil {
		return fmt.Errorf("reading an envelope: %w", err)
	}
	if n := len(e.Signatures); n == 0 || n > maxSignatures {
		return fmt.Errorf("its envelope has %d signatures", n)
	}
	if err := a.statementOf(e.Payload); err != nil {
		return err
	}
	for _, s := range e.Signatures {
		if t.key(a, dsse.PAE(e.PayloadType, e.Payload), s.Sig) {
			return nil
		}
	}
	if it.annotations[annCertificate] == "" {
		return nil
	}
	b, err := legacyBundle(it, &e, nil)
	if err != nil {
		return err
	}
	return t.certificate(a, b, nil)
}

// signature verifies a cosign signature of the older form.
func (t *Trust) signature(a *Attestation, it *item) error {
	a.Kind = Signature
	of, err := parseSigning(it.data)
	if err != nil {
		return err
	}
	if of != it.of {
		return fmt.Errorf("it is about another image than the one that it is attached to")
	}
	sig, err := base64.StdEncoding.DecodeString(it.annotations[annSignature])
	if err != nil || len(sig) == 0 {
		return errors.New("its annotation holds no signature")
	}
	if t.key(a, it.data, sig) || it.annotations[annCertificate] == "" {
		return nil
	}
	b, err := legacyBundle(it, nil, sig)
	if err != nil {
		return err
	}
	return t.certificate(a, b, it.data)
}

// unsigned describes what nobody signed.
func (t *Trust) unsigned(a *Attestation, it *item) error {
	a.is(claim.Unverified, "it is not signed: it is as good as whoever serves it")
	if it.form == BuildKit {
		return a.statementOf(it.data)
	}
	a.Kind = SBOM
	a.Summary = sbomSummary(it.data)
	return nil
}

// certificate verifies what the owner of a certificate signed. The message is
// nil for an envelope.
func (t *Trust) certificate(a *Attestation, b *sigstore.Bundle, message []byte) error {
	if c, err := b.VerificationContent(); err == nil && c.Certificate() != nil {
		a.Identity, a.Issuer = certificateNames(c.Certificate())
	}
	if err := holds(b, message); err != nil {
		return err
	}
	trusted := t.material()
	if trusted == nil {
		a.is(claim.Unverified, "signed by the certificate of %q, and no trusted root was given", a.Identity)
		return nil
	}
	var options []verify.VerifierOption
	if len(trusted.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	switch {
	case len(trusted.RekorLogs()) > 0:
		options = append(options, verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	case len(trusted.TimestampingAuthorities()) > 0:
		options = append(options, verify.WithSignedTimestamps(1))
	default:
		options = append(options, verify.WithCurrentTime())
	}
	v, err := verify.NewVerifier(trusted, options...)
	if err != nil {
		return fmt.Errorf("verifying a certificate: %w", err)
	}
	artifact := verify.WithArtifactDigest("sha256", rawHex(a.Subject))
	if message != nil {
		artifact = verify.WithArtifact(bytes.NewReader(message))
	}
	result, err := v.Verify(b, verify.NewPolicy(artifact, verify.WithoutIdentitiesUnsafe()))
	if err != nil {
		// It may be wrong, or by an authority that is not trusted: it cannot be told.
		a.is(claim.Unverified, "its certificate does not verify: %v", err)
		return nil
	}
	for _, stamp := range result.VerifiedTimestamps {
		if a.Signed.IsZero() || stamp.Timestamp.Before(a.Signed) {
			a.Signed = stamp.Timestamp.UTC()
		}
	}
	t.identity(a, result)
	return nil
}

// holds says whether the signature is the certificate's at all; if it is not,
// it is wrong whoever is trusted.
func holds(b *sigstore.Bundle, message []byte) error {
	c, err := b.VerificationContent()
	if err != nil {
		return fmt.Errorf("reading a certificate: %w", err)
	}
	if c.Certificate() == nil {
		return errors.New("it names no certificate")
	}
	var sigs [][]byte
	if e := b.GetDsseEnvelope(); e != nil {
		message = dsse.PAE(e.GetPayloadType(), e.GetPayload())
		for _, s := range e.GetSignatures() {
			sigs = append(sigs, s.GetSig())
		}
	} else {
		sigs = [][]byte{b.GetMessageSignature().GetSignature()}
	}
	for _, s := range sigs {
		if statement.VerifySignature(c.Certificate().PublicKey, message, s) {
			return nil
		}
	}
	return errors.New("the signature does not hold for the certificate beside it")
}

// identity says whether the certificate's owner is one that was asked for. That
// a certificate is genuine says nothing: anyone can get one.
func (t *Trust) identity(a *Attestation, result *verify.VerificationResult) {
	if result.Signature == nil || result.Signature.Certificate == nil {
		a.is(claim.Unverified, "its verification names no certificate")
		return
	}
	c := result.Signature.Certificate
	a.Identity, a.Issuer = cut(c.SubjectAlternativeName), cut(c.Issuer)
	for _, id := range t.identities {
		if id.Verify(*c) == nil {
			a.is(claim.Verified, "")
			return
		}
	}
	a.is(claim.Unverified, "signed by %q, for whom %q vouches: no identity that was given", a.Identity, a.Issuer)
}
