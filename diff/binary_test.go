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

// TestHunksOfStrings: what differs in several strings is told for each of them, and
// only where there are as many of them.
func TestHunksOfStrings(t *testing.T) {
	x := NewExaminer(Options{})
	pad := strings.Repeat("\x01\x02\x03equal on both sides", 20)
	for what, tc := range map[string]struct {
		a, b string
		n    int
	}{
		"three strings":      {"/home/alice/w\x00main.c\x00/home/alice/w/main.c\x00", "/srv/somebody/else/x\x00main.c\x00/srv/somebody/else/x/main.c\x00", 2},
		"one more":           {"qwert\x00asdfg\x00", "yxcvb\x00hjklu\x00zuiop\x00", 1},
		"bytes, not strings": {"qw\x01ert\x00asdfghj\x00", "yxc\x02vbnm\x00hjklpo\x00", 1},
	} {
		a, b := pad+tc.a+pad, pad+tc.b+pad
		hs, err := x.Hunks(t.Context(), bytesInput([]byte(a)), bytesInput([]byte(b)))
		if err != nil {
			t.Fatal(err)
		}
		zeros := 0
		endA, endB := int64(0), int64(0)
		for _, h := range hs {
			if a[endA:h.A.Off] != b[endB:h.B.Off] {
				t.Errorf("%s: %v leaves out what differs", what, hs)
			}
			zeros += strings.Count(a[h.A.Off:h.A.Off+h.A.Len], "\x00")
			endA, endB = h.A.Off+h.A.Len, h.B.Off+h.B.Len
		}
		if a[endA:] != b[endB:] {
			t.Errorf("%s: %v leaves out what differs", what, hs)
		}
		if (zeros == 0) != (tc.n > 1) {
			t.Errorf("%s: %v, with %d ends of strings", what, hs, zeros)
		}
	}
}
