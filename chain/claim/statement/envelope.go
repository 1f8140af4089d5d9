package statement

import (
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// PayloadType is the DSSE payload type of an in-toto statement.
const PayloadType = "application/vnd.in-toto+json"

const (
	maxEnvelope  = 4 << 20
	maxSignature = 4 << 10
)

// The errors of envelopes and signatures.
var (
	ErrEnvelope  = errors.New("malformed envelope")
	ErrSignature = errors.New("the signature does not hold")
)

// envelope is a DSSE envelope.
type envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	Sig   []byte `json:"sig"`
	KeyID string `json:"keyid,omitempty"` // unsigned; a hint
}

// check holds for every envelope: one signature and an in-toto payload. With
// more signatures it would be open whose claim it is.
func (e *envelope) check() error {
	switch {
	case e == nil:
		return fmt.Errorf("%w: there is none", ErrEnvelope)
	case e.PayloadType != PayloadType:
		return fmt.Errorf("%w: its payload type is %q, not %q", ErrEnvelope, cut(e.PayloadType), PayloadType)
	case len(e.Signatures) != 1:
		return fmt.Errorf("%w: it has %d signatures, not one", ErrEnvelope, len(e.Signatures))
	case len(e.Signatures[0].Sig) == 0 || len(e.Signatures[0].Sig) > maxSignature:
		return fmt.Errorf("%w: its signature has %d bytes", ErrEnvelope, len(e.Signatures[0].Sig))
	}
	return nil
}

// verify checks the signature with one key.
func (e *envelope) verify(pub crypto.PublicKey) error {
	if !VerifySignature(pub, dsse.PAE(e.PayloadType, e.Payload), e.Signatures[0].Sig) {
		return ErrSignature
	}
	return nil
}

// seal signs a payload, and verifies the signature before anyone sees it: a
// signer outside may hold another key than the one it is asked for.
func seal(ctx context.Context, payload []byte, s Signer) (*envelope, error) {
	sig, err := s.Sign(ctx, dsse.PAE(PayloadType, payload))
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	e := &envelope{Payload: payload, PayloadType: PayloadType, Signatures: []signature{{Sig: sig}}}
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if err := e.verify(s.Public()); err != nil {
		return nil, fmt.Errorf("signing: the signer's answer: %w", err)
	}
	return e, nil
}
