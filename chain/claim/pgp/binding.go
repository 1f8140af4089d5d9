package pgp

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// Binding says that a claim key is a person's, signed with that person's PGP
// key.
type Binding struct {
	Key   chain.Digest // SHA-256 of the public key as DER SubjectPublicKeyInfo
	Party string
	From  time.Time
	To    time.Time // the first moment at which it no longer holds
}

// Holds says whether the binding covers a time.
func (b Binding) Holds(at time.Time) bool { return !at.Before(b.From) && at.Before(b.To) }

// Payload is the JSON that "gpg --sign" is to sign.
func (b Binding) Payload() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	type body struct {
		PKIX  string `json:"pkix"`
		Party string `json:"party"`
		From  string `json:"from"`
		To    string `json:"to"`
	}
	return json.Marshal(map[string]body{"bind": {
		b.Key.Hex(), b.Party, b.From.UTC().Format(time.RFC3339), b.To.UTC().Format(time.RFC3339),
	}})
}

func (b Binding) check() error {
	if _, err := chain.ParseDigest(string(b.Key)); err != nil {
		return fmt.Errorf("key binding: %w", err)
	}
	if b.Party == "" || !b.From.Before(b.To) {
		return errors.New("key binding: it needs a party, and a time that ends after it begins")
	}
	return nil
}

// Binding checks a signed key binding. The signature says who signed, and
// whether that holds; the binding is only set when its State is Verified. That
// Person may speak for Party is the caller's to check.
func (v *Verifier) Binding(p string, b []byte) (Signature, Binding) {
	s := Signature{Path: p}
	var bound Binding
	literal, err := v.open(&s, b)
	if err == nil {
		bound, err = parseBinding(literal)
	}
	switch {
	case err == nil:
		s.State = claim.Verified
		return s, bound
	case errors.Is(err, errUnsure):
		s.State = claim.Unverified
	default:
		s.State = claim.Refused
	}
	s.Reason = err.Error()
	return s, Binding{}
}

func parseBinding(literal []byte) (Binding, error) {
	value, err := strictJSON(literal)
	if err != nil {
		return Binding{}, fmt.Errorf("%w: %w", ErrContent, err)
	}
	d := &fields{}
	m := d.object(d.object(value, "", "bind")["bind"], "bind", "pkix", "party", "from", "to")
	b := Binding{Key: chain.Digest("sha256:" + d.text(m, "pkix")), Party: d.text(m, "party")}
	from, to := d.text(m, "from"), d.text(m, "to")
	if d.err == nil {
		b.From, d.err = time.Parse(time.RFC3339, from)
	}
	if d.err == nil {
		b.To, d.err = time.Parse(time.RFC3339, to)
	}
	if d.err == nil {
		d.err = b.check()
	}
	if d.err != nil {
		return Binding{}, fmt.Errorf("%w: %w", ErrContent, d.err)
	}
	// Hashes are parsed leniently elsewhere; what is signed has one spelling.
	if text := d.text(m, "pkix"); b.Key.Hex() != text || len(text) != 64 {
		return Binding{}, fmt.Errorf("%w: pkix %q is no SHA-256 in hex", ErrContent, text)
	}
	return b, nil
}
