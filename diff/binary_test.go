package diff

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

func noise(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	r.Read(b)
	return b
}

// TestAlignmentLimit: only what lies between the first and the last difference
// counts against the limit, and a limit that was hit is said.
func TestAlignmentLimit(t *testing.T) {
	p := noise(200_000)
	one := bytes.Join([][]byte{p[:100_000], []byte("inserted"), p[100_000:]}, nil)
	two := bytes.Join([][]byte{p[:50_000], []byte("inserted"), p[50_000:150_000], []byte("again"), p[150_000:]}, nil)
	for name, tc := range map[string]struct {
		b      []byte
		capped bool
		most   int64
	}{"one": {one, false, 8}, "two": {two, true, 100_000 + 13}} {
		n, err := NewExaminer(Options{Limits: Limits{Binary: 1000}}).Pair(t.Context(), "", "f", inputOf(p), inputOf(tc.b))
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for _, r := range n.RangesB {
			sum += r.Len
		}
		if strings.Contains(n.Note, "not aligned") != tc.capped || sum > tc.most || sum == 0 {
			t.Errorf("%s: %d bytes of B, %q", name, sum, n.Note)
		}
		if err := hunksCover(n, p, tc.b); err != nil {
			t.Error(err)
		}
	}
}

// BenchmarkInsertion compares 64 MB with the same and a few bytes put in, at one
// place and at two that are far apart.
func BenchmarkInsertion(b *testing.B) {
	p := noise(64 << 20)
	for name, q := range map[string][]byte{
		"one": bytes.Join([][]byte{p[:20<<20], []byte("inserted"), p[20<<20:]}, nil),
		"two": bytes.Join([][]byte{p[:20<<20], []byte("inserted"), p[20<<20 : 50<<20], []byte("again"), p[50<<20:]}, nil),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				if n, err := NewExaminer(Options{}).Pair(b.Context(), "", "f", inputOf(p), inputOf(q)); err != nil || n.Status != Differs {
					b.Fatal(err, n.Status)
				}
			}
		})
	}
}
