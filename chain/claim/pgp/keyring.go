package pgp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	maxKeyring = 32 << 20
	maxBlocks  = 1000
)

// Keyring is public keys and whose they are.
type Keyring struct {
	byID    map[uint64][]ringKey
	persons map[string]string // by the primary key's fingerprint
	size    int
}

// ringKey is a key that may sign: a primary key, or a subkey that it binds.
type ringKey struct {
	entity *openpgp.Entity
	public *packet.PublicKey
	subkey *openpgp.Subkey // nil for the primary key
}

// ReadKeyring reads public keys, binary or as armoured blocks one after
// another. Persons gives the name of each primary key's owner by its
// fingerprint in hex; a key of nobody verifies nothing. A key whose subkeys do
// not prove that they belong to it is left out.
func ReadKeyring(r io.Reader, persons map[string]string) (*Keyring, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxKeyring+1))
	if err != nil {
		return nil, fmt.Errorf("reading a keyring: %w", err)
	}
	if len(b) > maxKeyring {
		return nil, fmt.Errorf("reading a keyring: more than %d bytes", maxKeyring)
	}
	entities, err := readEntities(b)
	if err != nil {
		return nil, fmt.Errorf("reading a keyring: %w", err)
	}
	k := &Keyring{byID: map[uint64][]ringKey{}, persons: map[string]string{}, size: len(entities)}
	for fpr, person := range persons {
		k.persons[strings.ToUpper(strings.ReplaceAll(fpr, " ", ""))] = person
	}
	for _, e := range entities {
		k.byID[e.PrimaryKey.KeyId] = append(k.byID[e.PrimaryKey.KeyId], ringKey{e, e.PrimaryKey, nil})
		for i := range e.Subkeys {
			s := &e.Subkeys[i]
			k.byID[s.PublicKey.KeyId] = append(k.byID[s.PublicKey.KeyId], ringKey{e, s.PublicKey, s})
		}
	}
	return k, nil
}

func readEntities(b []byte) (openpgp.EntityList, error) {
	if !bytes.Contains(b, []byte("-----BEGIN PGP")) {
		return openpgp.ReadKeyRing(bytes.NewReader(b))
	}
	var all openpgp.EntityList
	r := bytes.NewReader(b)
	for n := 0; ; n++ {
		// The decoder reads ahead: each block starts where its own text does.
		i := bytes.Index(b, []byte("-----BEGIN PGP"))
		if i < 0 {
			break
		}
		if n == maxBlocks {
			return nil, fmt.Errorf("more than %d armoured blocks", maxBlocks)
		}
		r.Reset(b[i:])
		b = b[i+len("-----BEGIN PGP"):]
		block, err := armor.Decode(r)
		if err != nil {
			return nil, fmt.Errorf("armoured block %d: %w", n+1, err)
		}
		if block.Type != openpgp.PublicKeyType {
			return nil, fmt.Errorf("armoured block %d: %q is no public key", n+1, block.Type)
		}
		list, err := openpgp.ReadKeyRing(block.Body)
		if err != nil {
			return nil, fmt.Errorf("armoured block %d: %w", n+1, err)
		}
		all = append(all, list...)
	}
	if len(all) == 0 {
		return nil, errors.New("no key that can be used")
	}
	return all, nil
}

// Primaries gives the fingerprints of the primary keys in a keyring's bytes, as
// ReadKeyring takes them, in upper-case hex and in their order.
func Primaries(data []byte) ([]string, error) {
	entities, err := readEntities(data)
	if err != nil {
		return nil, fmt.Errorf("reading a keyring: %w", err)
	}
	var all []string
	for _, e := range entities {
		all = append(all, fingerprint(e.PrimaryKey.Fingerprint))
	}
	return all, nil
}

// Len is the number of primary keys.
func (k *Keyring) Len() int { return k.size }

// find gives the keys that a signature may be by.
func (k *Keyring) find(sig *packet.Signature) []ringKey {
	if k == nil {
		return nil
	}
	var found []ringKey
	if sig.IssuerKeyId != nil {
		found = k.byID[*sig.IssuerKeyId]
	} else if len(sig.IssuerFingerprint) == 20 {
		var id uint64
		for _, b := range sig.IssuerFingerprint[12:] {
			id = id<<8 | uint64(b)
		}
		found = k.byID[id]
	}
	if sig.IssuerFingerprint == nil {
		return found
	}
	var exact []ringKey
	for _, key := range found {
		if bytes.Equal(key.public.Fingerprint, sig.IssuerFingerprint) {
			exact = append(exact, key)
		}
	}
	return exact
}

func fingerprint(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
