package pgp

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/stagescope/stagescope/chain/claim"
)

// Verifier holds what signatures are checked against.
type Verifier struct {
	Keyring *Keyring         // nil: nothing can be verified
	Now     func() time.Time // nil: the clock
}

// errUnsure is wrapped when it cannot be told whether a signature counts; all
// other errors say that it is wrong.
var errUnsure = errors.New("not verified")

// Check reads one signature file, whose path below the lookaside's base is p.
// It always gives an answer: what is wrong is in State and Reason.
func (v *Verifier) Check(p string, b []byte) Signature {
	s := Signature{Path: p, Bundle: sha256.Sum256(b)}
	if err := v.check(&s, p, b); err != nil {
		s.Verification = claim.Verification{State: claim.Refused, Reason: err.Error()}
		if errors.Is(err, errUnsure) {
			s.State = claim.Unverified
		}
		return s
	}
	s.State = claim.Verified
	return s
}

func (v *Verifier) check(s *Signature, p string, b []byte) (err error) {
	if s.Repository, s.Digest, s.Number, err = ParsePath(p); err != nil {
		return err
	}
	literal, err := v.open(s, b)
	if err != nil {
		return err
	}
	c, err := parseContent(literal)
	if err != nil {
		return err
	}
	s.Form, s.Legacy, s.Reference, s.Tag = c.form, c.form.Legacy(), c.reference, c.tag
	if c.digest != s.Digest {
		return fmt.Errorf("it signs digest %q, but is filed under %q", c.digest, s.Digest)
	}
	signed, _, _ := splitReference(c.reference)
	filed, _, _ := splitReference(s.Repository)
	if signed != filed {
		return fmt.Errorf("it signs %q, but is filed under %q", c.reference, s.Repository)
	}
	return nil
}

// open gives a message's literal once it is authenticated, and fills in who
// signed it. Before that nothing of the literal is looked at.
func (v *Verifier) open(s *Signature, b []byte) ([]byte, error) {
	m, err := parseMessage(b)
	if err != nil {
		return nil, err
	}
	sig := m.signature
	s.Signed = sig.CreationTime.UTC()
	if sig.IssuerFingerprint != nil {
		s.Fingerprint = fingerprint(sig.IssuerFingerprint)
	}
	if sig.IssuerKeyId != nil {
		s.KeyID = fmt.Sprintf("%016X", *sig.IssuerKeyId)
	} else if len(s.Fingerprint) == 40 {
		s.KeyID = s.Fingerprint[24:]
	}
	if v.Keyring == nil {
		return nil, fmt.Errorf("signed by key %s, %w: no keyring", s.key(), errUnsure)
	}
	candidates := v.Keyring.find(sig)
	if len(candidates) == 0 {
		return nil, fmt.Errorf("signed by key %s, %w: it is not in the keyring", s.key(), errUnsure)
	}
	var key *ringKey
	for i := range candidates {
		if err = authenticate(m, candidates[i].public); err == nil {
			key = &candidates[i]
			break
		}
	}
	if key == nil {
		return nil, fmt.Errorf("checking the signature by key %s: %w", s.key(), err)
	}
	s.Fingerprint, s.Primary = fingerprint(key.public.Fingerprint), fingerprint(key.entity.PrimaryKey.Fingerprint)
	if err := v.valid(key, sig); err != nil {
		return nil, err
	}
	s.Person = v.Keyring.persons[s.Primary]
	if s.Person == "" {
		return nil, fmt.Errorf("signed by key %s, %w: its primary key %s is nobody's among the known persons", s.key(), errUnsure, s.Primary)
	}
	return m.literal, nil
}

func (s *Signature) key() string {
	switch {
	case s.Fingerprint != "":
		return s.Fingerprint
	case s.KeyID != "":
		return s.KeyID
	}
	return "unknown"
}

// authenticate checks the cryptography alone.
func authenticate(m *message, key *packet.PublicKey) error {
	switch m.signature.Hash {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512:
	default:
		return fmt.Errorf("hash %v is too weak", m.signature.Hash)
	}
	if key.PubKeyAlgo == packet.PubKeyAlgoDSA {
		return errors.New("DSA is too weak")
	}
	if bits, err := key.BitLength(); err == nil && bits < 2048 && (key.PubKeyAlgo == packet.PubKeyAlgoRSA || key.PubKeyAlgo == packet.PubKeyAlgoRSASignOnly) {
		return fmt.Errorf("RSA of %d bits is too weak", bits)
	}
	h, err := m.signature.PrepareVerify()
	if err != nil {
		return err
	}
	h.Write(m.literal)
	return key.VerifySignature(h, m.signature)
}

// valid checks a key at the time of a signature, which the key vouches for.
func (v *Verifier) valid(key *ringKey, sig *packet.Signature) error {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	at := sig.CreationTime
	if at.After(now) {
		return fmt.Errorf("%w: signed at %s, which is yet to come", errUnsure, at.UTC().Format(time.RFC3339))
	}
	if sig.SigExpired(now) {
		return fmt.Errorf("%w: the signature has expired", errUnsure)
	}
	for _, n := range sig.Notations {
		if n.IsCritical {
			return fmt.Errorf("critical notation %q is not known", n.Name)
		}
	}
	e := key.entity
	if err := revoked("primary key", e.Revocations, at); err != nil {
		return err
	}
	self, _ := e.PrimarySelfSignature()
	if self == nil {
		return fmt.Errorf("%w: the primary key has no signature of its own", errUnsure)
	}
	if err := lifetime("primary key", e.PrimaryKey, self, at); err != nil {
		return err
	}
	if key.subkey == nil {
		return maySign("primary key", self)
	}
	if err := revoked("subkey", key.subkey.Revocations, at); err != nil {
		return err
	}
	if err := lifetime("subkey", key.public, key.subkey.Sig, at); err != nil {
		return err
	}
	// Reading the key refuses one that may sign and is not certified back.
	if key.subkey.Sig.EmbeddedSignature == nil {
		return errors.New("the subkey does not certify that it belongs to its primary key")
	}
	return maySign("subkey", key.subkey.Sig)
}

// revoked says whether a key was revoked at a time. A key that leaked, or of
// which no reason is given, never counted: whoever has it can choose the time.
func revoked(what string, revocations []*packet.Signature, at time.Time) error {
	for _, r := range revocations {
		soft := r.RevocationReason != nil && (*r.RevocationReason == packet.KeySuperseded || *r.RevocationReason == packet.KeyRetired)
		if !soft || !r.CreationTime.After(at) {
			return fmt.Errorf("the %s was revoked on %s", what, r.CreationTime.UTC().Format(time.DateOnly))
		}
	}
	return nil
}

func lifetime(what string, key *packet.PublicKey, self *packet.Signature, at time.Time) error {
	if at.Before(key.CreationTime) {
		return fmt.Errorf("%w: the %s was not yet valid when it signed", errUnsure, what)
	}
	if key.KeyExpired(self, at) || self.SigExpired(at) && !at.Before(self.CreationTime) {
		return fmt.Errorf("%w: the %s had expired when it signed", errUnsure, what)
	}
	return nil
}

func maySign(what string, self *packet.Signature) error {
	if self.FlagsValid && !self.FlagSign {
		return fmt.Errorf("the %s is not for signing", what)
	}
	return nil
}
