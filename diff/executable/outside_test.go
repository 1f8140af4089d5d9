package executable

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// equalOutside fails when two contents have other bytes in what lies in no range that
// is said to differ: that counts as equal. Zeros that align, and what stands at another
// place, are no ranges.
func equalOutside(t testing.TB, what string, a, b []byte, ra, rb []diff.Range) {
	t.Helper()
	outside := func(p []byte, rs []diff.Range) []byte {
		in := make([]bool, len(p))
		for _, r := range rs {
			for i := r.Off; i < r.Off+r.Len; i++ {
				in[i] = true // and not beyond the end
			}
		}
		var out []byte
		for i, c := range p {
			if !in[i] && c != 0 {
				out = append(out, c)
			}
		}
		slices.Sort(out)
		return out
	}
	if x, y := outside(a, ra), outside(b, rb); !bytes.Equal(x, y) {
		t.Fatalf("%s: outside of what is said to differ, %x is not %x (ranges %v, %v)", what, x, y, ra, rb)
	}
}

func sidesOf(hs ...[]diff.Hunk) (a, b []diff.Range) {
	for _, list := range hs {
		for _, h := range list {
			a, b = append(a, h.A), append(b, h.B)
		}
	}
	return a, b
}
