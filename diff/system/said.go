package system

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// most bounds the bytes of a side that is held to be read.
const most = 64 << 20

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", diff.ErrFormat, fmt.Sprintf(format, args...))
}

// readAll reads a side.
func readAll(in *diff.Input) ([]byte, error) {
	if in.Size > most {
		return nil, bad("its %d bytes are more than are taken apart", in.Size)
	}
	p := make([]byte, in.Size)
	if n, err := in.ReadAt(p, 0); n < len(p) {
		return nil, fmt.Errorf("reading %q: %w", in.Name, err)
	}
	return p, nil
}

// marks says which bytes of a file something refers to, and what they are.
type marks []bool

// mark notes a range as read; false when it is not in the file.
func (m marks) mark(from, to int) bool {
	if from < 0 || to < from || to > len(m) {
		return false
	}
	for i := from; i < to; i++ {
		m[i] = true
	}
	return true
}

// str is the string at an offset, with its zero marked; false when it has no end.
func (m marks) str(p []byte, at int) (string, bool) {
	if at < 0 || at >= len(p) {
		return "", false
	}
	end := slices.Index(p[at:], 0)
	if end < 0 || !m.mark(at, at+end+1) {
		return "", false
	}
	return string(p[at : at+end]), true
}

// rest gives the runs of bytes that nothing refers to, but for a few zeros.
func (m marks) rest(p []byte) (out []string) {
	const fewZeros = 8
	for i := 0; i < len(p); {
		if m[i] {
			i++
			continue
		}
		from := i
		for i < len(p) && !m[i] {
			i++
		}
		if run := p[from:i]; len(run) >= fewZeros || strings.Trim(string(run), "\x00") != "" {
			out = append(out, "nothing refers to: "+hex.EncodeToString(run))
		}
	}
	return out
}

// part compares both sides as one table, whose ranges the rules of package cause do
// not look into: what a table leads to is not harmless because it looks so.
func part(ctx context.Context, x *diff.Examiner, n *diff.Node, name string, a, b *diff.Input, compare func(n *diff.Node) error) error {
	of := func(in *diff.Input) *diff.Part {
		return &diff.Part{Name: name, Kind: diff.KindTable, Range: diff.Range{Len: in.Size},
			Compare: func(_ context.Context, _ *diff.Examiner, n *diff.Node, _, _ *diff.Input) error { return compare(n) }}
	}
	return x.Part(ctx, n, a, b, of(a), of(b))
}

// setHunks gives a node its ranges; those that are closed are explained.
func setHunks(n *diff.Node, open, closed []diff.Hunk) {
	order := func(hs []diff.Hunk) {
		slices.SortStableFunc(hs, func(x, y diff.Hunk) int {
			return cmp.Or(cmp.Compare(x.B.Off, y.B.Off), cmp.Compare(x.A.Off, y.A.Off))
		})
	}
	all := slices.Concat(open, closed)
	order(open)
	order(all)
	n.RangesA, n.RangesB, n.UnexplainedA, n.UnexplainedB = nil, nil, nil, nil
	for _, h := range all {
		n.RangesA, n.RangesB = append(n.RangesA, h.A), append(n.RangesB, h.B)
	}
	for _, h := range open {
		n.UnexplainedA, n.UnexplainedB = append(n.UnexplainedA, h.A), append(n.UnexplainedB, h.B)
	}
}

// some joins the first of many, and counts the others.
func some(ss []string) string {
	const most = 4
	if len(ss) > most {
		ss = append(ss[:most:most], fmt.Sprintf("and %d more", len(ss)-most))
	}
	return strings.Join(ss, "; ")
}

// lines are the lines of a listing.
func lines(ss []string) string { return strings.Join(append(slices.Clone(ss), ""), "\n") }

// without gives those of a that b does not have, each as often as it is missing.
func without(a, b []string) (out []string) {
	has := map[string]int{}
	for _, s := range b {
		has[s]++
	}
	for _, s := range a {
		if has[s]--; has[s] < 0 {
			out = append(out, s)
		}
	}
	return out
}
