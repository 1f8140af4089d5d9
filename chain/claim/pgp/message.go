package pgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Limits of one signature file: real ones have about 700 bytes.
const (
	maxFile    = 64 << 10 // and what is in its compressed packet
	maxLiteral = 8 << 10
)

// ErrForm is wrapped when a file is not a binary OpenPGP signed message of one
// signature.
var ErrForm = errors.New("not a binary signed message of one signature")

// message is a signed message taken apart; nothing of it is authenticated.
type message struct {
	literal   []byte
	signature *packet.Signature
}

// parseMessage takes apart what "gpg --sign" writes: one-pass signature,
// literal data, signature, perhaps in one compressed packet (RFC 9580, 10.3).
func parseMessage(b []byte) (*message, error) {
	if len(b) > maxFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrForm, maxFile)
	}
	if bytes.HasPrefix(b, []byte("-----BEGIN")) {
		return nil, fmt.Errorf("%w: it is text", ErrForm)
	}
	r := packet.NewReader(bytes.NewReader(b))
	p, err := next(r)
	if err != nil {
		return nil, err
	}
	c, ok := p.(*packet.Compressed)
	if !ok {
		return parseSigned(p, r)
	}
	// One byte more than is allowed, so that what is cut off does not pass for
	// the end.
	body := &io.LimitedReader{R: c.Body, N: maxFile + 1}
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("%w: inflating: %w", ErrForm, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%w: more than %d bytes when inflated", ErrForm, maxFile)
	}
	if err := end(r); err != nil {
		return nil, err
	}
	inner := packet.NewReader(bytes.NewReader(content))
	if p, err = next(inner); err != nil {
		return nil, err
	}
	return parseSigned(p, inner)
}

func parseSigned(first packet.Packet, r *packet.Reader) (*message, error) {
	onePass, ok := first.(*packet.OnePassSignature)
	if !ok {
		return nil, fmt.Errorf("%w: it begins with %s", ErrForm, packetName(first))
	}
	p, err := next(r)
	if err != nil {
		return nil, err
	}
	literal, ok := p.(*packet.LiteralData)
	if !ok {
		return nil, fmt.Errorf("%w: %s where the signed data should be", ErrForm, packetName(p))
	}
	m := &message{}
	m.literal, err = io.ReadAll(io.LimitReader(literal.Body, maxLiteral+1))
	if err != nil {
		return nil, fmt.Errorf("%w: reading the signed data: %w", ErrForm, err)
	}
	if len(m.literal) > maxLiteral {
		return nil, fmt.Errorf("%w: more than %d bytes of signed data", ErrForm, maxLiteral)
	}
	if p, err = next(r); err != nil {
		return nil, err
	}
	if m.signature, ok = p.(*packet.Signature); !ok {
		return nil, fmt.Errorf("%w: %s where the signature should be", ErrForm, packetName(p))
	}
	if err := end(r); err != nil {
		return nil, err
	}
	s := m.signature
	if s.SigType != packet.SigTypeBinary || onePass.SigType != s.SigType {
		return nil, fmt.Errorf("%w: signature type %d", ErrForm, s.SigType)
	}
	if onePass.Hash != s.Hash || onePass.PubKeyAlgo != s.PubKeyAlgo || s.IssuerKeyId != nil && onePass.KeyId != *s.IssuerKeyId && onePass.Version == 3 {
		return nil, fmt.Errorf("%w: its two halves name different keys or algorithms", ErrForm)
	}
	return m, nil
}

// next gives the next packet; unlike the reader's own Next it passes over
// nothing.
func next(r *packet.Reader) (packet.Packet, error) {
	p, err := r.NextWithUnsupported()
	if err == io.EOF {
		return nil, fmt.Errorf("%w: it ends early", ErrForm)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: reading a packet: %w", ErrForm, err)
	}
	return p, nil
}

func end(r *packet.Reader) error {
	p, err := r.NextWithUnsupported()
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: after its end: %w", ErrForm, err)
	}
	return fmt.Errorf("%w: %s after its end", ErrForm, packetName(p))
}

func packetName(p packet.Packet) string {
	switch p.(type) {
	case *packet.Compressed:
		return "a further compressed packet"
	case *packet.Signature:
		return "a signature"
	case *packet.OnePassSignature:
		return "a further signature"
	case *packet.LiteralData:
		return "unsigned data"
	}
	return "another packet"
}
