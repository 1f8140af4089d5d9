package party

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/internal/tomlfile"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// Bounds of a file.
const (
	maxParties = 10_000
	maxKeys    = 64      // of one party
	maxBeside  = 1 << 20 // bytes of a key or binding beside the file
)

// Reserved are the names that evidence without a party of its own goes by.
var Reserved = []string{"you", "tree"}

type wireFile struct {
	Keyrings []string    `toml:"keyrings"`
	Party    []wireParty `toml:"party"`
}

type wireParty struct {
	Name         string        `toml:"name"`
	Kind         string        `toml:"kind"`
	Organisation string        `toml:"organisation"`
	Self         bool          `toml:"self"`
	Repositories []string      `toml:"repositories"`
	Lookasides   []string      `toml:"lookasides"`
	Keys         []wireKey     `toml:"key"`
	Machines     []wireMachine `toml:"machine"`
}

type wireKey struct {
	Type        string          `toml:"type"`
	Fingerprint string          `toml:"fingerprint"`
	Subkeys     []string        `toml:"subkeys"`
	File        string          `toml:"file"`
	PEM         string          `toml:"pem"`
	Binding     string          `toml:"binding"`
	From        *toml.LocalDate `toml:"from"`
	Until       *toml.LocalDate `toml:"until"`
	Revoked     bool            `toml:"revoked"`
}

type wireMachine struct {
	Name      string `toml:"name"`
	CPUVendor string `toml:"cpuVendor"`
}

// Load reads a file, and the keys and bindings that it names, by paths relative
// to it. Now decides which keys are reported as expired.
func Load(name string, now time.Time) (*Parties, error) {
	data, err := readBounded(name, tomlfile.MaxBytes)
	if err != nil {
		return nil, fmt.Errorf("reading parties: %w", err)
	}
	dir := filepath.Dir(name)
	p, err := Read(name, data, now, func(rel string) ([]byte, error) { return readBounded(beside(dir, rel), maxBeside) })
	if err != nil {
		return nil, err
	}
	for i, k := range p.Keyrings {
		p.Keyrings[i] = beside(dir, k)
	}
	return p, nil
}

func beside(dir, rel string) string {
	if filepath.IsAbs(rel) {
		return rel
	}
	return filepath.Join(dir, filepath.FromSlash(rel))
}

func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%q has more than %d bytes", name, limit)
	}
	return data, err
}

// Read reads the contents of a file. Open reads what it names. Errors say file,
// line and reason.
func Read(name string, data []byte, now time.Time, open func(string) ([]byte, error)) (*Parties, error) {
	var w wireFile
	f, err := tomlfile.Decode(name, data, &w)
	if err != nil {
		return nil, fmt.Errorf("reading parties: %w", err)
	}
	r := &reader{file: f, now: now, open: open, fingerprints: map[string]string{},
		out: &Parties{File: name, Keyrings: w.Keyrings, byName: map[string]*Party{}, byPGP: map[string]*Party{}}}
	if err := r.all(&w); err != nil {
		return nil, fmt.Errorf("reading parties: %w", err)
	}
	return r.out, nil
}

type reader struct {
	file         *tomlfile.File
	now          time.Time
	open         func(string) ([]byte, error)
	out          *Parties
	fingerprints map[string]string // of every key → its party
}

func (r *reader) all(w *wireFile) error {
	if len(w.Party) > maxParties {
		return r.file.Errorf([]any{"party"}, "%d parties, more than %d", len(w.Party), maxParties)
	}
	for i := range w.Party {
		if err := r.party(i, &w.Party[i]); err != nil {
			return err
		}
	}
	if len(w.Party) == 0 {
		r.find(0, chain.Warning, "no-parties", "it declares no party, so nobody's claims can be verified", "add a [[party]]")
	}
	return nil
}

func (r *reader) find(line int, s chain.Severity, rule, text, hint string) {
	r.out.Findings = append(r.out.Findings, chain.Finding{Severity: s, Rule: rule, File: r.out.File, Line: line, Text: text, Hint: hint})
}

func (r *reader) party(i int, w *wireParty) error {
	at := func(key ...any) []any { return append([]any{"party", i}, key...) }
	p := &Party{Name: w.Name, Organisation: w.Organisation, Self: w.Self}
	var err error
	switch {
	case w.Name == "":
		return r.file.Errorf(at(), "the party has no name")
	case len(w.Name) > 100 || strings.ContainsAny(w.Name, "\n\r\t\x1b"):
		return r.file.Errorf(at("name"), "name %q is too long, or has control characters", w.Name[:min(100, len(w.Name))])
	case slices.Contains(Reserved, w.Name):
		return r.file.Errorf(at("name"), "the name %q is reserved; self = true says which party you are", w.Name)
	case r.out.byName[w.Name] != nil:
		return r.file.Errorf(at("name"), "party %q is declared twice", w.Name)
	case w.Self && r.out.Self() != nil:
		return r.file.Errorf(at("self"), "parties %q and %q are both said to be you", r.out.Self().Name, w.Name)
	case len(w.Keys) > maxKeys:
		return r.file.Errorf(at("key"), "%d keys, more than %d", len(w.Keys), maxKeys)
	}
	if p.Kind, err = parseKind(w.Kind); err != nil {
		return r.file.Errorf(at("kind"), "%v", err)
	}
	for _, repo := range w.Repositories {
		if strings.TrimSpace(repo) != repo || repo == "" {
			return r.file.Errorf(at("repositories"), "%q is no repository", repo)
		}
		p.Repositories = append(p.Repositories, repo)
	}
	for _, base := range w.Lookasides {
		if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return r.file.Errorf(at("lookasides"), "%q is no https address", base)
		}
		p.Lookasides = append(p.Lookasides, base)
	}
	for j, m := range w.Machines {
		if m.CPUVendor == "" {
			return r.file.Errorf(at("machine", j), "machine %q has no cpuVendor", m.Name)
		}
		p.Machines = append(p.Machines, Machine(m))
	}
	for j := range w.Keys {
		if err := r.key(p, at("key", j), &w.Keys[j]); err != nil {
			return err
		}
	}
	if len(p.Keys)+len(p.PGP) == 0 && p.Kind != Registry && !p.Self {
		r.find(r.file.Line(at()...), chain.Warning, "party-without-key", fmt.Sprintf("party %q has no key: none of its claims can be verified", p.Name), "add a [[party.key]]")
	}
	r.out.List = append(r.out.List, p)
	r.out.byName[p.Name] = p
	return nil
}

func (r *reader) key(p *Party, at []any, w *wireKey) error {
	switch w.Type {
	case "claim":
		return r.claimKey(p, at, w)
	case "pgp":
		return r.pgpKey(p, at, w)
	case "":
		return r.file.Errorf(at, "the key of %q has no type: it is claim or pgp", p.Name)
	}
	return r.file.Errorf(append(at, "type"), "unknown key type %q: it is claim or pgp", w.Type)
}

func (r *reader) claimKey(p *Party, at []any, w *wireKey) error {
	line := r.file.Line(at...)
	if len(w.Subkeys) > 0 {
		return r.file.Errorf(append(at, "subkeys"), "a claim key has no subkeys")
	}
	public, err := r.public(w)
	if err != nil {
		return r.file.Errorf(append(at, "file"), "key of %q: %v", p.Name, err)
	}
	k := Key{Public: public, Revoked: w.Revoked, Line: line}
	if k.Fingerprint, err = statement.Fingerprint(public); err != nil {
		return r.file.Errorf(at, "key of %q: %v", p.Name, err)
	}
	if w.Fingerprint != "" {
		want, err := chain.ParseDigest(w.Fingerprint)
		if err != nil {
			return r.file.Errorf(append(at, "fingerprint"), "fingerprint: %v", err)
		}
		if want != k.Fingerprint {
			return r.file.Errorf(append(at, "fingerprint"), "the key of %q has fingerprint %s, not %s", p.Name, k.Fingerprint, want)
		}
	}
	if err := r.once(p, at, string(k.Fingerprint)); err != nil {
		return err
	}
	k.From, k.Until = date(w.From), date(w.Until)
	if w.From != nil && w.Until != nil && !k.From.Before(k.Until) {
		return r.file.Errorf(append(at, "until"), "the key of %q is valid from %s, and until %s", p.Name, w.From, w.Until)
	}
	if w.Until != nil && !k.Until.After(r.now) {
		r.find(line, chain.Notice, "expired-key", fmt.Sprintf("key %s of %q expired on %s: it counts for builds before that day only", k.Fingerprint.Short(), p.Name, w.Until), "")
	}
	if w.Revoked {
		r.find(line, chain.Notice, "revoked-key", fmt.Sprintf("key %s of %q is revoked: it counts for nothing", k.Fingerprint.Short(), p.Name), "")
	}
	if w.Binding != "" {
		if k.Binding, err = r.open(w.Binding); err != nil {
			return r.file.Errorf(append(at, "binding"), "reading the binding of %q: %v", p.Name, err)
		}
		if k.Binding == nil {
			k.Binding = []byte{}
		}
	}
	p.Keys = append(p.Keys, k)
	return nil
}

// public reads the key from the file or from the text; one of the two is given.
func (r *reader) public(w *wireKey) (crypto.PublicKey, error) {
	data := []byte(w.PEM)
	switch {
	case w.PEM != "" && w.File != "":
		return nil, errors.New("both file and pem are given")
	case w.File != "":
		var err error
		if data, err = r.open(w.File); err != nil {
			return nil, err
		}
	case w.PEM == "":
		return nil, errors.New("neither file nor pem gives the public key; a fingerprint alone verifies nothing")
	}
	public, err := statement.ParsePublicKey(bytes.TrimSpace(data))
	if err != nil {
		return nil, err
	}
	if !statement.SignsClaims(public) {
		return nil, errors.New("claims are signed with Ed25519 or ECDSA P-256")
	}
	return public, nil
}

func (r *reader) pgpKey(p *Party, at []any, w *wireKey) error {
	if w.File != "" || w.PEM != "" || w.Binding != "" || w.From != nil || w.Until != nil || w.Revoked {
		return r.file.Errorf(at, "a pgp key has a fingerprint and subkeys only: all else is in the keyring")
	}
	k := PGPKey{Line: r.file.Line(at...)}
	for i, text := range append([]string{w.Fingerprint}, w.Subkeys...) {
		fpr, err := pgpFingerprint(text)
		if err != nil {
			return r.file.Errorf(append(at, "fingerprint"), "pgp key of %q: %v", p.Name, err)
		}
		if err := r.once(p, at, fpr); err != nil {
			return err
		}
		if i == 0 {
			k.Primary = fpr
		} else {
			k.Subkeys = append(k.Subkeys, fpr)
		}
		r.out.byPGP[fpr] = p
	}
	p.PGP = append(p.PGP, k)
	return nil
}

// once refuses a key that is declared twice: two parties with one key are one.
func (r *reader) once(p *Party, at []any, fingerprint string) error {
	if other, twice := r.fingerprints[fingerprint]; twice {
		return r.file.Errorf(at, "key %s of %q is a key of %q already", fingerprint, p.Name, other)
	}
	r.fingerprints[fingerprint] = p.Name
	return nil
}

// pgpFingerprint reads 40 or 64 hex digits, with or without spaces.
func pgpFingerprint(s string) (string, error) {
	t := strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if _, err := hex.DecodeString(t); err != nil || len(t) != 40 && len(t) != 64 {
		return "", fmt.Errorf("%q is no fingerprint of 40 or 64 hex digits; a short key ID is not enough", s)
	}
	return t, nil
}

func date(d *toml.LocalDate) time.Time {
	if d == nil {
		return time.Time{}
	}
	return d.AsTime(time.UTC)
}
