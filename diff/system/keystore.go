package system

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/stagescope/stagescope/diff"
)

// KindKeystore is a keystore of Java in its own format, such as cacerts.
const KindKeystore diff.Kind = "Java keystore"

// The layout (OpenJDK, sun/security/provider/JavaKeyStore.java): entries, each with
// its name and the time when it was put there, and SHA-1 over a password, a salt and
// all before.
const (
	keystoreMagic = "\xfe\xed\xfe\xed"
	keystoreSalt  = "Mighty Aphrodite"
	keyEntry      = 1
	certEntry     = 2
	maxKeyEntries = 1 << 16
)

// keystorePasswords are those with which everybody's certificates are kept: the
// checksum is no secret of anybody.
var keystorePasswords = []string{"changeit", "changeme", ""}

func init() {
	diff.Register(diff.Format{Kind: KindKeystore, Match: func(in *diff.Input) bool { return in.HasPrefix(keystoreMagic) }, Compare: compareKeystores})
}

// storedKey is an entry.
type storedKey struct {
	name     string
	from, to int    // all of it
	time     int    // where its time lies, 8 bytes
	says     string // the entry without its time
	what     string // for people
	trusted  bool   // a certificate, and no key
}

type keystore struct {
	keys   []storedKey
	sum    int  // where the checksum begins
	proved bool // the checksum follows from the rest
}

type keystoreReader struct {
	p   []byte
	at  int
	bad bool
}

func (r *keystoreReader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.p)-r.at {
		r.bad = true
		return nil
	}
	r.at += n
	return r.p[r.at-n : r.at]
}

func (r *keystoreReader) number(size int) int {
	p := r.take(size)
	switch {
	case p == nil:
		return 0
	case size == 2:
		return int(binary.BigEndian.Uint16(p))
	}
	return int(int32(binary.BigEndian.Uint32(p)))
}

func parseKeystore(p []byte) (*keystore, error) {
	r := &keystoreReader{p: p, at: len(keystoreMagic)}
	version, n := r.number(4), r.number(4)
	if r.bad || version != 1 && version != 2 || n < 0 || n > maxKeyEntries {
		return nil, bad("version %d, %d entries", version, n)
	}
	s := &keystore{}
	for i := range n {
		k := storedKey{from: r.at}
		tag := r.number(4)
		k.name = string(r.take(r.number(2)))
		k.time = r.at
		r.take(8)
		certs := 1
		if tag == keyEntry {
			r.take(r.number(4))
			certs = r.number(4)
		}
		if r.bad || tag != keyEntry && tag != certEntry || certs < 0 || certs > maxKeyEntries {
			return nil, bad("entry %d cannot be read", i)
		}
		k.what = "a key"
		for j := range certs {
			if version == 2 {
				r.take(r.number(2))
			}
			if der := r.take(r.number(4)); j == 0 && der != nil {
				k.what += describe(der)
			}
		}
		if r.bad {
			return nil, bad("entry %d cannot be read", i)
		}
		if k.trusted = tag == certEntry; k.trusted {
			k.what = strings.TrimPrefix(k.what, "a key ")
		}
		k.to = r.at
		k.says = string(p[k.from:k.time]) + string(p[k.time+8:k.to])
		s.keys = append(s.keys, k)
	}
	if s.sum = r.at; len(p)-r.at != sha1.Size {
		return nil, bad("%d bytes after its entries, and not %d", len(p)-r.at, sha1.Size)
	}
	for _, word := range keystorePasswords {
		s.proved = s.proved || bytes.Equal(keystoreSum(word, p[:s.sum]), p[s.sum:])
	}
	return s, nil
}

// keystoreSum is the checksum of a keystore that has a password.
func keystoreSum(password string, p []byte) []byte {
	h := sha1.New()
	for _, c := range utf16.Encode([]rune(password)) {
		h.Write([]byte{byte(c >> 8), byte(c)})
	}
	h.Write([]byte(keystoreSalt))
	h.Write(p)
	return h.Sum(nil)
}

// describe says whose a certificate is.
func describe(der []byte) string {
	sum := sha256.Sum256(der)
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Sprintf(" that cannot be read, SHA-256 %x", sum)
	}
	return fmt.Sprintf(" of %s, SHA-256 %x", c.Subject, sum)
}

func compareKeystores(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	var c keystoreDiff
	for i, in := range []*diff.Input{a, b} {
		p, err := readAll(in)
		if err != nil {
			return err
		}
		if c.s[i], err = parseKeystore(p); err != nil {
			return fmt.Errorf("side %c: %w", 'A'+i, err)
		}
		c.p[i] = p
	}
	return part(ctx, x, n, "entries", a, b, func(n *diff.Node) error {
		c.n = n
		c.compare()
		setHunks(n, c.open, c.closed)
		write := func(s *keystore) string {
			var out []string
			for _, k := range s.keys {
				out = append(out, k.name+": "+k.what)
			}
			return lines(out)
		}
		x.Listing(n, "entries", write(c.s[0]), write(c.s[1]))
		return nil
	})
}

// keystoreDiff compares two keystores.
type keystoreDiff struct {
	n            *diff.Node
	p            [2][]byte
	s            [2]*keystore
	open, closed []diff.Hunk
	times, moved int
}

func span(from, to int) diff.Range { return diff.Range{Off: int64(from), Len: int64(to - from)} }

func (c *keystoreDiff) put(explained bool, a, b diff.Range) {
	if h := (diff.Hunk{A: a, B: b}); explained {
		c.closed = append(c.closed, h)
	} else {
		c.open = append(c.open, h)
	}
}

func (c *keystoreDiff) compare() {
	s, t := c.s[0], c.s[1]
	head := len(keystoreMagic) + 4
	for i := head - 4; i < head; i++ {
		if c.p[0][i] != c.p[1][i] {
			c.put(false, span(head-4, head), span(head-4, head))
			c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "version", A: fmt.Sprint(c.p[0][head-1]), B: fmt.Sprint(c.p[1][head-1])})
			break
		}
	}
	if len(s.keys) != len(t.keys) {
		c.put(true, span(head, head+4), span(head, head+4)) // it was followed
	}
	c.entries()
	if !bytes.Equal(c.p[0][s.sum:], c.p[1][t.sum:]) {
		r := diff.Reason{Field: "checksum", A: fmt.Sprintf("%x", c.p[0][s.sum:]), B: fmt.Sprintf("%x", c.p[1][t.sum:])}
		if s.proved && t.proved {
			r.Cause = &diff.Cause{ID: "D5h", Name: "checksum of the entries", Confidence: diff.Derived, Evidence: "made anew on both sides, with a password that everybody knows"}
		}
		c.put(s.proved && t.proved, span(s.sum, len(c.p[0])), span(t.sum, len(c.p[1])))
		c.n.Reasons = append(c.n.Reasons, r)
	}
	if s.proved != t.proved {
		fits := map[bool]string{true: "it fits the entries", false: "it fits no password that is known"}
		c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "what the checksum fits", A: fits[s.proved], B: fits[t.proved]})
	}
	if c.moved > 0 {
		c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "order of the entries", A: "as in A", B: fmt.Sprintf("%d elsewhere", c.moved), Cause: &diff.Cause{ID: "D4a", Name: "order of the entries", Confidence: diff.Proved,
			Evidence: "each has a name of its own, and all but its time is equal", Fix: "put them there in one order"}})
	}
}

// entries pairs entries by name; those of which two have one name are left out.
func (c *keystoreDiff) entries() {
	type pair struct{ a, b int }
	at := [2]map[string]int{{}, {}}
	twice := map[string]bool{}
	for i, s := range c.s {
		for k, key := range s.keys {
			if _, ok := at[i][key.name]; ok {
				twice[key.name] = true
			}
			at[i][key.name] = k
		}
	}
	var pairs []pair
	for i, k := range c.s[0].keys {
		if j, ok := at[1][k.name]; ok && !twice[k.name] {
			pairs = append(pairs, pair{i, j})
		}
	}
	stayed := map[int]bool{}
	for _, p := range diff.Rising(pairs, func(p pair) int { return p.b }) {
		stayed[p.a] = true
	}
	paired := map[int]bool{}
	first := [2]string{}
	for _, p := range pairs {
		paired[p.b] = true
		x, y := c.s[0].keys[p.a], c.s[1].keys[p.b]
		same := x.says == y.says && plausible(c.p[0][x.time:]) && plausible(c.p[1][y.time:])
		if same && !bytes.Equal(c.p[0][x.time:x.time+8], c.p[1][y.time:y.time+8]) {
			if c.times++; c.times == 1 {
				first = [2]string{c.when(0, x), c.when(1, y)}
			}
		}
		switch {
		case !same:
			c.put(false, span(x.from, x.to), span(y.from, y.to))
			c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "entry " + x.name, A: x.what, B: y.what})
			c.suspect(x, fmt.Sprintf("the certificate %q is another: %s in A, %s in B", x.name, x.what, y.what))
		case !stayed[p.a]:
			c.moved++
			c.put(true, span(x.from, x.to), span(y.from, y.to))
		case !bytes.Equal(c.p[0][x.time:x.time+8], c.p[1][y.time:y.time+8]):
			c.put(true, span(x.time, x.time+8), span(y.time, y.time+8))
		}
	}
	if c.times > 0 {
		c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: fmt.Sprintf("times of %d entries", c.times), A: first[0], B: first[1], Cause: &diff.Cause{ID: "D1c", Name: "times in the keystore", Confidence: diff.Proved,
			Evidence: "all else of these entries is equal", Fix: "write it in a format without times (PEM), or from one place"}})
	}
	c.alone(func(side int, k storedKey, i int) bool {
		if twice[k.name] {
			return false
		}
		_, ok := at[1-side][k.name]
		return ok
	})
}

// plausible reports a time between 1970 and 2106, in milliseconds.
func plausible(p []byte) bool { return binary.BigEndian.Uint64(p) < 1<<32*1000 }

// when is the time of an entry.
func (c *keystoreDiff) when(side int, k storedKey) string {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(c.p[side][k.time:]))).UTC().Format(time.RFC3339Nano)
}

// alone notes the entries that have no partner.
func (c *keystoreDiff) alone(paired func(side int, k storedKey, i int) bool) {
	for side, s := range c.s {
		for i, k := range s.keys {
			if paired(side, k, i) {
				continue
			}
			r := diff.Reason{Field: "entry " + k.name}
			if side == 0 {
				r.A = k.what
				c.put(false, span(k.from, k.to), span(c.s[1].sum, c.s[1].sum))
			} else {
				r.B = k.what
				c.put(false, span(c.s[0].sum, c.s[0].sum), span(k.from, k.to))
			}
			c.n.Reasons = append(c.n.Reasons, r)
			c.suspect(k, fmt.Sprintf("side %c trusts a certificate that the other does not, or not once: %q, %s", 'A'+side, k.name, k.what))
		}
	}
}

func (c *keystoreDiff) suspect(k storedKey, what string) {
	if !k.trusted {
		what = fmt.Sprintf("the key %q differs, or one side has it alone", k.name)
	}
	c.n.Suspect(diff.Suspicion{Kind: diff.SuspectTrust, What: what})
}
