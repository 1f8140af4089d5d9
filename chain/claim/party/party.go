package party

import (
	"crypto"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/pgp"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// Kind says what a party is, and so what its claims may count for.
type Kind uint8

// The kinds. The zero value is none, and counts for nothing.
const (
	KindUnknown  Kind = iota
	Person            // somebody, with a machine
	Organisation      // counts as one person, and not beside a person who belongs to it
	CI                // a service: whoever runs it, it runs what it is told
	Registry          // serves images
)

var kindNames = [...]string{"unknown", "person", "organisation", "ci", "registry"}

func (k Kind) String() string { return kindNames[min(int(k), len(kindNames)-1)] }

// MarshalText writes the kind's name, as JSON output carries it.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

func parseKind(s string) (Kind, error) {
	for i := Person; i <= Registry; i++ {
		if strings.EqualFold(s, kindNames[i]) || s == "organization" && i == Organisation {
			return i, nil
		}
	}
	return KindUnknown, fmt.Errorf("kind %q is none of person, organisation, ci, registry", s)
}

// Party is somebody who makes claims.
type Party struct {
	Name         string
	Kind         Kind
	Organisation string // that a person or service belongs to; "" for none
	Self         bool   // it is the user: own rebuilds are this party's

	Keys         []Key
	PGP          []PGPKey
	Repositories []string // where its claims are published
	Lookasides   []string // where its signatures are published
	Machines     []Machine
}

// Key is a key that signs claims.
type Key struct {
	Fingerprint chain.Digest // SHA-256 of the public key as DER SubjectPublicKeyInfo
	Public      crypto.PublicKey
	From, Until time.Time // when it is valid, Until excluded; zero: no bound
	Revoked     bool
	Binding     []byte // a PGP signature that says whose the key is; nil for none
	Bound       bool   // Binding has been checked, by Parties.Bind
	Line        int    // where the file declares it
}

// PGPKey is a PGP primary key, and those of its subkeys that the file names.
// The fingerprints are upper-case hex.
type PGPKey struct {
	Primary string
	Subkeys []string
	Line    int
}

// Machine is a machine that a party builds on.
type Machine struct {
	Name      string
	CPUVendor string // as CPUID gives it, e.g. "AuthenticAMD"
}

// Parties are all that a file declares.
type Parties struct {
	File     string
	List     []*Party // in the order of the file
	Keyrings []string // paths of PGP keyrings, as they can be opened
	Findings []chain.Finding

	byName map[string]*Party
	byPGP  map[string]*Party // by the fingerprints of primary keys and subkeys
}

// Named is the party of a name, or nil.
func (p *Parties) Named(name string) *Party {
	if p == nil {
		return nil
	}
	return p.byName[name]
}

// ByPGP is the party that a PGP fingerprint is said to be of, or nil. That says
// nothing about a signature.
func (p *Parties) ByPGP(fingerprint string) *Party {
	if p == nil {
		return nil
	}
	return p.byPGP[strings.ToUpper(fingerprint)]
}

// Self is the party that is the user, or nil.
func (p *Parties) Self() *Party {
	if p == nil {
		return nil
	}
	for _, x := range p.List {
		if x.Self {
			return x
		}
	}
	return nil
}

// Persons gives the party of each PGP primary key, as pgp.ReadKeyring takes it.
func (p *Parties) Persons() map[string]string {
	out := map[string]string{}
	if p == nil {
		return out
	}
	for _, x := range p.List {
		for _, k := range x.PGP {
			out[k.Primary] = x.Name
		}
	}
	return out
}

// Bind checks the PGP signatures that bind claim keys to parties, and takes the
// time for which they hold. A key whose binding does not hold stays unusable,
// which the findings that are given say.
func (p *Parties) Bind(v *pgp.Verifier) []chain.Finding {
	var found []chain.Finding
	if p == nil {
		return nil
	}
	for _, x := range p.List {
		for i := range x.Keys {
			k := &x.Keys[i]
			if k.Binding == nil {
				continue
			}
			if err := k.bind(v, x.Name); err != nil {
				found = append(found, chain.Finding{Severity: chain.Warning, Rule: "key-not-bound", File: p.File, Line: k.Line,
					Text: fmt.Sprintf("key %s of %q counts for nothing: %v", k.Fingerprint.Short(), x.Name, err),
					Hint: "give the keyring that holds the PGP key with --keyring"})
			}
		}
	}
	return found
}

func (k *Key) bind(v *pgp.Verifier, party string) error {
	s, b := v.Binding("", k.Binding)
	switch {
	case b.Key == "":
		return fmt.Errorf("its binding does not hold: %s", s.Reason)
	case b.Key != k.Fingerprint:
		return fmt.Errorf("its binding is of another key, %s", b.Key.Short())
	case b.Party != party || s.Person != party:
		return fmt.Errorf("its binding is by %q for %q", s.Person, b.Party)
	}
	k.Bound = true
	if k.From.IsZero() || k.From.Before(b.From) {
		k.From = b.From
	}
	if k.Until.IsZero() || k.Until.After(b.To) {
		k.Until = b.To
	}
	return nil
}

// StatementKeys are the keys with which claims are verified: those declared
// without a binding, and those whose binding has been checked.
func (p *Parties) StatementKeys() []statement.Key {
	var out []statement.Key
	if p == nil {
		return nil
	}
	for _, x := range p.List {
		for _, k := range x.Keys {
			if k.Binding == nil || k.Bound {
				out = append(out, statement.Key{Public: k.Public, Party: x.Name, From: k.From, To: k.Until, Revoked: k.Revoked})
			}
		}
	}
	return out
}

// WithSelf is the parties with one of them being the user; those given are not
// changed.
func (p *Parties) WithSelf(name string) *Parties {
	if p.Named(name) == nil {
		return p
	}
	q := *p
	q.List, q.byName = slices.Clone(p.List), maps.Clone(p.byName)
	for i, x := range q.List {
		if x.Name == name {
			self := *x
			self.Self = true
			q.List[i], q.byName[name] = &self, &self
		}
	}
	return &q
}
