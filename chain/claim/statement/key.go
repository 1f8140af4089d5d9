package statement

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/stagescope/stagescope/chain"
)

// Signer signs claims: a key in a file, a token, a program. Sign gets the whole
// DSSE pre-authentication encoding and gives a raw Ed25519 signature (64 bytes),
// or an ASN.1 ECDSA signature over its SHA-256.
type Signer interface {
	Public() crypto.PublicKey
	Sign(ctx context.Context, pae []byte) ([]byte, error)
}

// KeyType is the type of a claim key.
type KeyType string

// The types that a claim key may have.
const (
	Ed25519   KeyType = "ed25519"
	ECDSAP256 KeyType = "ecdsa-p256" // what cosign makes, and what tokens can do
)

// ErrKey is wrapped when a key is of no use: of another type, too weak, broken.
var ErrKey = errors.New("no usable key")

// minRSA is the least size of an RSA modulus, in bits.
const minRSA = 2048

// Fingerprint is the SHA-256 of a public key as DER SubjectPublicKeyInfo.
func Fingerprint(pub crypto.PublicKey) (chain.Digest, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", fmt.Errorf("computing a key's fingerprint: %w", err)
	}
	return chain.SHA256(sha256.Sum256(der)), nil
}

// ParsePublicKey reads one PEM block "PUBLIC KEY": Ed25519, ECDSA on P-256,
// P-384 or P-521, or RSA of at least 2048 bits. Claims take the first two only.
func ParsePublicKey(data []byte) (crypto.PublicKey, error) {
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, fmt.Errorf("parsing a public key: it is not PEM: %w", ErrKey)
	case block.Type != "PUBLIC KEY":
		return nil, fmt.Errorf("parsing a public key: the PEM block is a %q: %w", block.Type, ErrKey)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, fmt.Errorf("parsing a public key: something follows the PEM block: %w", ErrKey)
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing a public key: %w: %w", ErrKey, err)
	}
	return pub, checkPublic(pub)
}

// MarshalPublicKey writes a public key as ParsePublicKey reads it.
func MarshalPublicKey(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("writing a public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// checkPublic refuses keys that nothing here accepts.
func checkPublic(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
			return nil
		}
		return fmt.Errorf("an ECDSA key on curve %s: %w", k.Curve.Params().Name, ErrKey)
	case *rsa.PublicKey:
		if k.Size()*8 < minRSA {
			return fmt.Errorf("an RSA key of %d bits: %w", k.Size()*8, ErrKey)
		}
		return nil
	}
	return fmt.Errorf("a key of type %T: %w", pub, ErrKey)
}

// SignsClaims says whether a key is of a type that claims are signed with.
func SignsClaims(pub crypto.PublicKey) bool {
	_, err := claimKeyType(pub)
	return err == nil
}

// claimKeyType is the type of a key that may sign claims.
func claimKeyType(pub crypto.PublicKey) (KeyType, error) {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return Ed25519, nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return ECDSAP256, nil
		}
	}
	return "", fmt.Errorf("claims are signed with Ed25519 or ECDSA P-256: %w", ErrKey)
}

// TypeOf is the type of a claim key, or "" of a key that signs no claims.
func TypeOf(pub crypto.PublicKey) KeyType {
	t, _ := claimKeyType(pub) // the error says the same
	return t
}

// PrivateKey is a claim key in memory.
type PrivateKey struct{ key crypto.Signer }

// Generate makes a new key.
func Generate(t KeyType) (*PrivateKey, error) {
	switch t {
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return &PrivateKey{key}, err
	case ECDSAP256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("making a key: %w", err)
		}
		return &PrivateKey{key}, nil
	}
	return nil, fmt.Errorf("making a key of type %q: %w", string(t), ErrKey)
}

// Public is the public key.
func (k *PrivateKey) Public() crypto.PublicKey { return k.key.Public() }

// Type is the key's type.
func (k *PrivateKey) Type() KeyType {
	t, _ := claimKeyType(k.Public()) // no other key is ever made or read
	return t
}

// Sign implements Signer.
func (k *PrivateKey) Sign(_ context.Context, pae []byte) ([]byte, error) {
	if k.Type() == Ed25519 {
		return k.key.Sign(rand.Reader, pae, crypto.Hash(0))
	}
	sum := sha256.Sum256(pae)
	return k.key.Sign(rand.Reader, sum[:], crypto.SHA256)
}

// VerifySignature says whether sig is the key's signature of a message, by the
// one algorithm that sigstore's clients use for a key of that type.
func VerifySignature(pub crypto.PublicKey, message, sig []byte) bool {
	switch k := pub.(type) {
	case ed25519.PublicKey:
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(k, message, sig)
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, ecdsaDigest(k.Curve, message), sig)
	case *rsa.PublicKey:
		sum := sha256.Sum256(message)
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], sig) == nil
	}
	return false
}

func ecdsaDigest(c elliptic.Curve, message []byte) []byte {
	switch c {
	case elliptic.P384():
		sum := sha512.Sum384(message)
		return sum[:]
	case elliptic.P521():
		sum := sha512.Sum512(message)
		return sum[:]
	}
	sum := sha256.Sum256(message)
	return sum[:]
}
