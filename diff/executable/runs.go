package executable

import (
	"context"
	"slices"
	"sort"

	"github.com/stagescope/stagescope/diff"
)

// run is a stretch of tokens that both sides have.
type run struct{ a, b, n int }

// Bounds of alignment.
const (
	smallGap = 1 << 19 // product of two gaps' lengths that are compared token by token
	maxCells = 1 << 31 // of all gaps together; what is left then counts as different
	sampled  = 1 << 16 // tokens beyond which only one anchor in eight is looked at
)

// anchors are lengths of sequences that pair two sides when each has them once.
var anchors = []int{16, 5, 1}

// alignTokens pairs the tokens of two sides in the order in which they come.
// The runs follow one another on both sides.
func alignTokens(ctx context.Context, a, b []uint64) ([]run, error) {
	t := &aligner{ctx: ctx, a: a, b: b}
	t.gap(0, len(a), 0, len(b), 0)
	return t.out, ctx.Err()
}

type aligner struct {
	ctx  context.Context
	a, b []uint64
	out  []run
	done int // cells of gaps that were compared
}

func (t *aligner) put(a, b, n int) {
	if n == 0 {
		return
	}
	if k := len(t.out) - 1; k >= 0 && t.out[k].a+t.out[k].n == a && t.out[k].b+t.out[k].n == b {
		t.out[k].n += n
		return
	}
	t.out = append(t.out, run{a, b, n})
}

// gap aligns a[a0:a1] with b[b0:b1]; level says which anchors have been tried.
func (t *aligner) gap(a0, a1, b0, b1, level int) {
	front := a0
	for a0 < a1 && b0 < b1 && t.a[a0] == t.b[b0] {
		a0, b0 = a0+1, b0+1
	}
	t.put(front, b0-(a0-front), a0-front)
	back := 0
	for a0 < a1 && b0 < b1 && t.a[a1-1] == t.b[b1-1] {
		a1, b1, back = a1-1, b1-1, back+1
	}
	switch {
	case a0 == a1 || b0 == b1 || t.ctx.Err() != nil:
	case (a1-a0)*(b1-b0) <= smallGap:
		t.exact(a0, a1, b0, b1)
	default:
		t.anchored(a0, a1, b0, b1, level)
	}
	t.put(a1, b1, back)
}

// anchored aligns what lies between sequences that each side has once.
func (t *aligner) anchored(a0, a1, b0, b1, level int) {
	for ; level < len(anchors); level++ {
		k := anchors[level]
		found := t.unique(a0, a1, b0, b1, k)
		if len(found) == 0 {
			continue
		}
		pa, pb := a0, b0
		for _, s := range found {
			if s.a < pa || s.b < pb {
				continue // it lies in what the anchor before it covers
			}
			t.gap(pa, s.a, pb, s.b, level+1)
			n := 0
			for s.a+n < a1 && s.b+n < b1 && t.a[s.a+n] == t.b[s.b+n] {
				n++
			}
			t.put(s.a, s.b, n)
			pa, pb = s.a+n, s.b+n
		}
		t.gap(pa, a1, pb, b1, level+1)
		return
	}
}

// unique gives the longest chain of sequences of k tokens that both sides have
// once.
func (t *aligner) unique(a0, a1, b0, b1, k int) []run {
	every := uint64(0)
	if max(a1-a0, b1-b0) > sampled {
		every = 7
	}
	inA, inB := once(t.a[a0:a1], k, every), once(t.b[b0:b1], k, every)
	var found []run
	for h, ia := range inA {
		ib, ok := inB[h]
		if ok && ia >= 0 && ib >= 0 && slices.Equal(t.a[a0+int(ia):a0+int(ia)+k], t.b[b0+int(ib):b0+int(ib)+k]) {
			found = append(found, run{a0 + int(ia), b0 + int(ib), k})
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].b < found[j].b })
	return diff.Rising(found, func(r run) int { return r.a })
}

// once gives where each sequence of k tokens begins, or -1 when there are
// several that are equal.
func once(p []uint64, k int, every uint64) map[uint64]int32 {
	out := map[uint64]int32{}
	for i := 0; i+k <= len(p); i++ {
		h := uint64(hashStart)
		for _, v := range p[i : i+k] {
			h = (h ^ v) * hashPrime
			h ^= h >> 29
		}
		if h&every != 0 {
			continue
		}
		if _, ok := out[h]; ok {
			out[h] = -1
		} else {
			out[h] = int32(i)
		}
	}
	return out
}

// exact finds a longest common subsequence.
func (t *aligner) exact(a0, a1, b0, b1 int) {
	a, b := t.a[a0:a1], t.b[b0:b1]
	if t.done += len(a) * len(b); t.done > maxCells {
		return
	}
	w := len(b) + 1
	best := make([]int32, (len(a)+1)*w)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			switch {
			case a[i] == b[j]:
				best[i*w+j] = best[(i+1)*w+j+1] + 1
			default:
				best[i*w+j] = max(best[(i+1)*w+j], best[i*w+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			t.put(a0+i, b0+j, 1)
			i, j = i+1, j+1
		case best[(i+1)*w+j] >= best[i*w+j+1]:
			i++
		default:
			j++
		}
	}
}
