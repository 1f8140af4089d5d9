package statement

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// maxTried bounds how many keys are tried on a bundle that does not say which.
const maxTried = 64

// Key is a public key that a party signs with.
type Key struct {
	Public   crypto.PublicKey
	Party    string
	From, To time.Time // when it is valid, To excluded; zero: no bound
	Revoked  bool      // it counts for nothing, whatever a claim's time says
}

func (k *Key) holds(at time.Time) bool {
	return (k.From.IsZero() || !at.IsZero() && !at.Before(k.From)) && (k.To.IsZero() || !at.IsZero() && at.Before(k.To))
}

// Verifier verifies bundles with the keys of known parties. It is safe for
// concurrent use.
type Verifier struct {
	keys  map[chain.Digest]*Key
	order []chain.Digest
	mem   *Memory
}

// NewVerifier takes the keys of all parties. A key that two parties claim, and
// a key that is of no use, is an error. The memory may be nil.
func NewVerifier(keys []Key, m *Memory) (*Verifier, error) {
	v := &Verifier{keys: map[chain.Digest]*Key{}, mem: m}
	for i := range keys {
		k := keys[i]
		if err := checkPublic(k.Public); err != nil {
			return nil, fmt.Errorf("key of party %q: %w", k.Party, err)
		}
		fpr, err := Fingerprint(k.Public)
		if err != nil {
			return nil, fmt.Errorf("key of party %q: %w", k.Party, err)
		}
		if other := v.keys[fpr]; other != nil {
			return nil, fmt.Errorf("key of party %q: party %q has it too: %w", k.Party, other.Party, ErrKey)
		}
		v.keys[fpr] = &k
		v.order = append(v.order, fpr)
	}
	return v, nil
}

// Verify reads a bundle as a rebuild claim. The claim is never nil and its
// Verification says what it is worth:
//
//   - Verified: the signature is that of a party's key, valid at the time that
//     the claim states, and the statement is a rebuild claim by that key;
//   - Unverified: nobody known has the key, or it was not valid at that time.
//     What the claim says is then anybody's word;
//   - Refused: the bundle is malformed, tampered with, signed with another key
//     than it says, or its statement is none or contradicts itself.
//
// Only of a claim that is not refused are the contents complete. What a
// registry's annotations say of a bundle plays no part.
func (v *Verifier) Verify(data []byte) *claim.Claim {
	id := claim.Digest(sha256.Sum256(data))
	b, err := parseBundle(data)
	if err != nil {
		return refused(&claim.Claim{}, id, err)
	}
	fpr, key, err := v.signer(b, id)
	if err != nil {
		return refused(&claim.Claim{}, id, err)
	}
	s, err := Parse(b.DSSEEnvelope.Payload)
	if err != nil {
		c := &claim.Claim{}
		if s != nil {
			c = s.Claim
		}
		return refused(c, id, err)
	}
	c := s.Claim
	c.Bundle = id
	if key == nil {
		c.Verification = claim.Verification{State: claim.Unverified, Reason: "no known party has the key " + c.Key}
		return c
	}
	c.Party = key.Party
	if c.Key != string(fpr) {
		return refused(c, id, fmt.Errorf("%w: it is by key %s and signed by %s", ErrContradicts, c.Key, fpr))
	}
	if _, err := claimKeyType(key.Public); err != nil {
		return refused(c, id, err)
	}
	switch {
	case key.Revoked:
		return refused(c, id, errors.New("the key was revoked"))
	case !key.holds(c.Finished):
		c.Verification = claim.Verification{State: claim.Unverified, Reason: "the key was not valid when the build finished, " + whenText(c.Finished)}
	default:
		c.Verification = claim.Verification{State: claim.Verified}
	}
	return c
}

// signer finds the key that signed; a nil key says that it is nobody's known.
// A hint that names a known key decides: the signature has to be that key's.
func (v *Verifier) signer(b *wireBundle, id claim.Digest) (chain.Digest, *Key, error) {
	if fpr, ok := v.mem.key(id); ok && v.keys[fpr] != nil {
		return fpr, v.keys[fpr], nil
	}
	e := b.DSSEEnvelope
	if b.VerificationMaterial.PublicKey == nil {
		return "", nil, fmt.Errorf("%w: it names no public key; a certificate's owner makes no rebuild claims", ErrEnvelope)
	}
	if hint := b.VerificationMaterial.hinted(); hint != "" {
		key := v.keys[hint]
		if key == nil {
			return "", nil, nil
		}
		if err := e.verify(key.Public); err != nil {
			return "", nil, fmt.Errorf("%w for key %s of party %q", err, hint, key.Party)
		}
		v.mem.remember(id, hint)
		return hint, key, nil
	}
	for i, fpr := range v.order {
		if i == maxTried {
			break
		}
		if e.verify(v.keys[fpr].Public) == nil {
			v.mem.remember(id, fpr)
			return fpr, v.keys[fpr], nil
		}
	}
	return "", nil, nil
}

func refused(c *claim.Claim, id claim.Digest, err error) *claim.Claim {
	c.Kind, c.Bundle = claim.KindRebuild, id
	c.Verification = claim.Verification{State: claim.Refused, Reason: err.Error()}
	return c
}

func whenText(t time.Time) string {
	if t.IsZero() {
		return "which is not stated"
	}
	return t.UTC().Format(time.RFC3339)
}
