// Package mutate tests formats as an attacker would: it changes what tests build,
// byte by byte, and holds what the comparison says of it to what must be true of
// every comparison. It is for tests.
package mutate

import (
	"bytes"
	"flag"
	"fmt"
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
)

var places = flag.Int("mutate.places", 0, "how many places of each content are changed; 0 means a few, and more than there are means all")

// Change is one thing that was done to a content.
type Change struct {
	Kind string // flip, insert, delete, double, cut, zero, swap, trail; of pieces: twice, exchange, drop; "mended " before it
	Off  int    // where, in Old
	Old  []byte // what was changed
	New  []byte // what came out
}

// Case is a content and what is done to it.
type Case struct {
	Name  string // of the file, as formats see it
	Plain []byte
	// Also are other contents that differ from Plain for harmless causes only, which
	// are explained. They are changed as well: a change must not hide behind them.
	Also [][]byte
	// Harmless reports whether a change of Plain or of one in Also may be explained,
	// which the test knows without the comparison. Nil means that none may be.
	Harmless func(c Change) bool
	// Mend sets right what a format's checksums and lengths say after a change, as who
	// changes it on purpose does. Each change is tried with and without. Nil means that
	// there is nothing to mend, or nil bytes that it cannot be.
	Mend func(p []byte) []byte
	// Pieces cuts a content into the pieces that it is made of, headers, entries or
	// blocks: these are put there twice, left out, and exchanged with the next. Nil means
	// that it has none.
	Pieces func(p []byte) [][]byte
	// Slow cases are changed at a quarter of the places.
	Slow bool
}

// Run changes the contents of a case at a spread sample of places, and compares
// what comes out with Plain, in both directions.
func Run(t *testing.T, c Case) {
	t.Helper()
	for _, other := range c.Also {
		n := Compare(t, c.Name, c.Plain, other)
		if n.Status != diff.Differs || n.Residue != diff.ResidueNone {
			t.Errorf("%s: a harmless difference is %s, and its residue %s\n%s", c.Name, n.Status, n.Residue, Sketch(n))
		}
	}
	tried := 0
	for _, base := range append([][]byte{c.Plain}, c.Also...) {
		for i, ch := range c.changes(base) {
			tried++
			if c.check(t, ch, i%2 == 1); t.Failed() {
				return // one is enough to be looked at
			}
		}
	}
	t.Logf("%d changes", tried)
}

// changes are all that are made of one content.
func (c Case) changes(base []byte) []Change {
	out := []Change{{"trail", len(base), base, append(bytes.Clone(base), "\x00trail"...)}}
	step := max(1, len(base)/c.count())
	for off := 0; off < len(base); off += step {
		out = append(out, atPlace(base, off)...)
	}
	if c.Pieces != nil {
		out = append(out, ofPieces(base, c.Pieces(base))...)
	}
	if c.Mend == nil {
		return out
	}
	for _, ch := range out {
		if p := c.Mend(bytes.Clone(ch.New)); p != nil && !bytes.Equal(p, ch.New) {
			out = append(out, Change{"mended " + ch.Kind, ch.Off, base, p})
		}
	}
	return out
}

// ofPieces are the changes of whole pieces.
func ofPieces(p []byte, pieces [][]byte) (out []Change) {
	off := 0
	for i, piece := range pieces {
		before, after := p[:off], p[off+len(piece):]
		add := func(kind string, parts ...[]byte) {
			out = append(out, Change{kind, off, p, bytes.Join(append([][]byte{before}, parts...), nil)})
		}
		add("twice", piece, piece, after)
		add("drop", after)
		if i+1 < len(pieces) {
			next := pieces[i+1]
			add("exchange", next, piece, after[len(next):])
		}
		off += len(piece)
	}
	return out
}

func (c Case) count() int {
	switch {
	case *places > 0:
		return *places
	case c.Slow:
		return 8
	}
	return 32
}

// atPlace are the changes of one place.
func atPlace(p []byte, off int) []Change {
	at := func(kind string, parts ...[]byte) Change {
		return Change{kind, off, p, bytes.Join(parts, nil)}
	}
	before, after := p[:off], p[off+1:]
	end := min(len(p), off+8)
	mid := off + (end-off)/2
	return []Change{
		at("swap", before, p[mid:end], p[off:mid], p[end:]),
		at("flip", before, []byte{p[off] ^ 1<<(off%8)}, after),
		at("insert", before, []byte{byte('a' + off%26)}, p[off:]),
		at("delete", before, after),
		at("double", before, p[off:end], p[off:]),
		at("cut", before),
		at("zero", before, make([]byte, end-off), p[end:]),
	}
}

func (c Case) check(t *testing.T, ch Change, turned bool) {
	t.Helper()
	if bytes.Equal(ch.New, c.Plain) || bytes.Equal(ch.New, ch.Old) {
		return
	}
	a, b := c.Plain, ch.New
	if turned {
		a, b = b, a
	}
	n := Compare(t, c.Name, a, b)
	say := func(what string) {
		t.Errorf("%s: %s at byte %d of %d: %s\n%s", c.Name, ch.Kind, ch.Off, len(ch.Old), what, Sketch(n))
	}
	switch n.Status {
	case diff.Differs, diff.OnlyA, diff.OnlyB:
	default:
		say("it is " + n.Status.String())
	}
	if n.Residue == diff.ResidueNone && (c.Harmless == nil || !c.Harmless(ch)) {
		say("it is explained")
	}
	if what := Accounted(n); what != "" {
		say(what)
	}
}

// Compare compares two contents and seeks the causes of what differs.
func Compare(t testing.TB, name string, a, b []byte) *diff.Node {
	t.Helper()
	in := func(p []byte) *diff.Input {
		return &diff.Input{ReaderAt: bytes.NewReader(p), Name: name, Size: int64(len(p))}
	}
	x := diff.NewExaminer(diff.Options{Workers: 1, Limits: diff.Limits{Decoded: 16 << 20, Spool: 64 << 20, Members: 1 << 16}})
	n, err := x.Pair(t.Context(), "", name, in(a), in(b))
	if err != nil {
		t.Fatal(err)
	}
	n.Settle()
	if err := cause.Classify(t.Context(), n, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	return n
}

// Accounted holds a tree to what must be true of every one, and says what is not:
// of a node with ranges, all bytes outside of them are equal; what is unexplained
// lies inside; no node without residue has a reason that explains nothing or a child
// with residue; and nothing is the same above what is not.
func Accounted(n *diff.Node) string {
	if what := one(n); what != "" {
		return fmt.Sprintf("%s %q: %s", n.Kind, n.Name, what)
	}
	for _, c := range n.Children {
		if what := Accounted(c); what != "" {
			return what
		}
	}
	return ""
}

func one(n *diff.Node) string {
	for _, c := range n.Children {
		switch {
		case c.Listing:
		case n.Status == diff.Same && c.Status != diff.Same:
			return fmt.Sprintf("it is the same, and %q below it is %s", c.Name, c.Status)
		case n.Residue == diff.ResidueNone && n.Status == diff.Differs && c.Status != diff.Same && c.Residue != diff.ResidueNone:
			return fmt.Sprintf("nothing of it is unexplained, and %q below it has residue %s", c.Name, c.Residue)
		}
	}
	if n.Status == diff.Differs && n.Residue == diff.ResidueNone && !n.Listing {
		for _, r := range n.Reasons {
			if r.Cause == nil || r.Cause.Confidence < diff.Derived {
				return fmt.Sprintf("nothing of it is unexplained, and %q has no cause", r.Field)
			}
		}
		if len(n.UnexplainedA)+len(n.UnexplainedB) > 0 {
			return "nothing of it is unexplained, but for its unexplained bytes"
		}
	}
	if n.Kind == diff.KindGroup || n.Content == nil || n.Status != diff.Differs || len(n.RangesA) == 0 || len(n.Children) > 0 && !allListings(n) {
		return ""
	}
	return ranges(n)
}

func allListings(n *diff.Node) bool {
	for _, c := range n.Children {
		if !c.Listing {
			return false
		}
	}
	return true
}

// ranges checks a node's ranges against its bytes.
func ranges(n *diff.Node) string {
	if len(n.RangesA) != len(n.RangesB) {
		return fmt.Sprintf("%d ranges in A and %d in B", len(n.RangesA), len(n.RangesB))
	}
	var rest [2][]byte
	for i, s := range []struct {
		open        func() (diff.ReaderAtCloser, int64, error)
		all, unsaid []diff.Range
	}{{n.Content.OpenA, n.RangesA, n.UnexplainedA}, {n.Content.OpenB, n.RangesB, n.UnexplainedB}} {
		r, size, err := s.open()
		if err != nil || r == nil {
			return fmt.Sprintf("its content is gone: %v", err)
		}
		p := make([]byte, size)
		if k, err := r.ReadAt(p, 0); k < len(p) {
			return fmt.Sprintf("its content cannot be read: %v", err)
		}
		r.Close()
		in := make([]bool, size)
		for _, g := range s.all {
			if g.Off < 0 || g.Len < 0 || g.Off > size || g.Len > size-g.Off {
				return fmt.Sprintf("a range of %d+%d in %d bytes", g.Off, g.Len, size)
			}
			for k := range g.Len {
				in[g.Off+k] = true
			}
		}
		for _, g := range s.unsaid {
			for k := range g.Len {
				if at := g.Off + k; at < 0 || at >= size || !in[at] {
					return fmt.Sprintf("an unexplained range of %d+%d that does not differ", g.Off, g.Len)
				}
			}
		}
		for k, c := range p {
			if !in[k] {
				rest[i] = append(rest[i], c)
			}
		}
	}
	// Where code comes in another order what does not differ need not be in one.
	if !bytes.Equal(rest[0], rest[1]) && n.Kind != diff.KindCode {
		return "bytes outside of its ranges differ"
	}
	return ""
}

// Sketch writes a tree for a failure's message.
func Sketch(n *diff.Node) string { return sketch(n, "") }

func sketch(n *diff.Node, in string) string {
	s := fmt.Sprintf("%s%s %q: %s, residue %s, %d equal, %d suspicions %s\n", in, n.Kind, n.Name, n.Status, n.Residue, n.Equal, len(n.Suspicions), n.Note)
	for _, r := range n.Reasons {
		s += fmt.Sprintf("%s  - %s: %.80q -> %.80q", in, r.Field, r.A, r.B)
		if r.Cause != nil {
			s += fmt.Sprintf(" (%s %s)", r.Cause.ID, r.Cause.Confidence)
		}
		s += "\n"
	}
	for _, c := range n.Children {
		s += sketch(c, in+"  ")
	}
	return s
}
