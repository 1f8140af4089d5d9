package attest

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/stagescope/stagescope/chain/claim/statement"
)

// maxPEM bounds a file of keys or certificates, in blocks.
const maxPEM = 1000

// ErrTrust is wrapped when something that is to be trusted cannot be read.
var ErrTrust = errors.New("no usable key, certificate or trusted root")

// Key is a public key that a person trusts, under a name of their own. Until is
// zero unless a certificate bounds it.
type Key struct {
	Name        string
	Public      crypto.PublicKey
	From, Until time.Time
}

// Trust is whose signatures are believed. The zero value believes none. It must
// not be changed while it is in use.
type Trust struct {
	keys        []Key
	root        root.TrustedMaterial
	authorities []root.CertificateAuthority
	identities  []verify.CertificateIdentity
	now         func() time.Time
}

// SetClock replaces the clock by which certificates are judged that no log and
// no authority gives a time.
func (t *Trust) SetClock(now func() time.Time) { t.now = now }

func (t *Trust) time() time.Time {
	if t.now == nil {
		return time.Now()
	}
	return t.now()
}

// Empty says that nothing was given by which a signature could be verified.
func (t *Trust) Empty() bool {
	return t == nil || len(t.keys) == 0 && t.root == nil && len(t.authorities) == 0
}

// AddPEM trusts what a PEM file holds: public keys, certificates of signers, and
// certificates of authorities with their intermediates. An authority alone makes
// no signature valid: AddIdentity says whose.
func (t *Trust) AddPEM(name string, data []byte) error {
	var roots, intermediates []*x509.Certificate
	for n := 0; ; n++ {
		block, rest := pem.Decode(data)
		if block == nil {
			if n == 0 {
				return fmt.Errorf("reading %q: it holds no PEM block: %w", name, ErrTrust)
			}
			break
		}
		if n == maxPEM {
			return fmt.Errorf("reading %q: it has more than %d PEM blocks: %w", name, maxPEM, ErrTrust)
		}
		data = rest
		if block.Type != "CERTIFICATE" {
			pub, err := statement.ParsePublicKey(pem.EncodeToMemory(block))
			if err != nil {
				return fmt.Errorf("reading %q: %w: %w", name, err, ErrTrust)
			}
			t.keys = append(t.keys, Key{Name: name, Public: pub})
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			return fmt.Errorf("reading %q: %w: %w", name, err, ErrTrust)
		case !c.IsCA:
			t.keys = append(t.keys, Key{Name: name, Public: c.PublicKey, From: c.NotBefore, Until: c.NotAfter})
		case c.CheckSignatureFrom(c) == nil:
			roots = append(roots, c)
		default:
			intermediates = append(intermediates, c)
		}
	}
	if len(roots) == 0 && len(intermediates) > 0 {
		return fmt.Errorf("reading %q: it holds intermediate authorities and no root: %w", name, ErrTrust)
	}
	for _, r := range roots {
		t.authorities = append(t.authorities, &root.FulcioCertificateAuthority{
			Root: r, Intermediates: intermediates, ValidityPeriodStart: r.NotBefore, ValidityPeriodEnd: r.NotAfter})
	}
	return nil
}

// SetRoot trusts a sigstore trusted root, the JSON file that lists certificate
// authorities, logs and time-stamping authorities.
func (t *Trust) SetRoot(name string, data []byte) error {
	r, err := root.NewTrustedRootFromJSON(data)
	if err != nil {
		return fmt.Errorf("reading %q: %w: %w", name, err, ErrTrust)
	}
	t.root = r
	return nil
}

// AddIdentity believes certificates for an identity that an issuer vouches for.
// Both may be regular expressions when they begin with "^".
func (t *Trust) AddIdentity(identity, issuer string) error {
	split := func(s string) (value, regex string) {
		if s != "" && s[0] == '^' {
			return "", s
		}
		return s, ""
	}
	san, sanRegex := split(identity)
	iss, issRegex := split(issuer)
	id, err := verify.NewShortCertificateIdentity(iss, issRegex, san, sanRegex)
	if err != nil {
		return fmt.Errorf("reading identity %q of issuer %q: %w: %w", identity, issuer, err, ErrTrust)
	}
	t.identities = append(t.identities, id)
	return nil
}

// signedBy gives the first key by which a signature of a message holds.
func (t *Trust) signedBy(message, sig []byte) *Key {
	for i := range t.keys {
		if statement.VerifySignature(t.keys[i].Public, message, sig) {
			return &t.keys[i]
		}
	}
	return nil
}

// material is everything by which certificates are judged; nil when there is none.
func (t *Trust) material() root.TrustedMaterial {
	var all root.TrustedMaterialCollection
	if t.root != nil {
		all = append(all, t.root)
	}
	if len(t.authorities) > 0 {
		all = append(all, &given{authorities: t.authorities})
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// given is certificate authorities from a PEM file, as trusted material.
type given struct {
	root.BaseTrustedMaterial
	authorities []root.CertificateAuthority
}

func (g *given) FulcioCertificateAuthorities() []root.CertificateAuthority { return g.authorities }
