package diff

import (
	"bytes"
	"context"
)

// align pairs the equal stretches of two contents that follow one another on
// both sides in the same order, and gives what is between them. A stretch is
// found when it holds a block that A has once and that begins at a multiple of
// the block's size; it is then extended to where it ends. Only the middle is
// looked at, which begins at the same offset on both sides.
func align(ctx context.Context, ina, inb *Input, middle hunk) ([]hunk, error) {
	a, b := make([]byte, middle.na), make([]byte, middle.nb)
	if len(a) > 0 {
		if err := readFull(ina, a, middle.a); err != nil {
			return nil, err
		}
	}
	if len(b) > 0 {
		if err := readFull(inb, b, middle.b); err != nil {
			return nil, err
		}
	}
	return alignMiddle(ctx, a, b, middle.a)
}

// stretch is an equal run.
type stretch struct{ a, b, n int }

func (s stretch) inA() int { return s.a }

func alignMiddle(ctx context.Context, a, b []byte, off int64) ([]hunk, error) {
	ss, err := stretches(ctx, a, b)
	if err != nil {
		return nil, err
	}
	ss = append(Rising(ss, stretch.inA), stretch{len(a), len(b), 0})
	var out []hunk
	pa, pb := 0, 0
	for _, s := range ss {
		// What two chosen stretches share belongs to the first.
		if cut := max(pa-s.a, pb-s.b, 0); cut > 0 {
			if cut >= s.n && s.n > 0 {
				continue
			}
			s.a, s.b, s.n = s.a+cut, s.b+cut, s.n-cut
		}
		ga, gb := a[pa:min(s.a, len(a))], b[pb:min(s.b, len(b))]
		switch {
		case len(ga) == len(gb):
			out = differing(out, ga, gb, off+int64(pa), off+int64(pb))
		default:
			out = append(out, hunk{off + int64(pa), int64(len(ga)), off + int64(pb), int64(len(gb))})
		}
		pa, pb = s.a+s.n, s.b+s.n
	}
	return out, nil
}

// blockFor chooses the size of the blocks: small enough to find short
// stretches, large enough that a large file has at most a million.
func blockFor(n int) int {
	size := 32
	for n/size > 1<<20 {
		size *= 2
	}
	return size
}

// stretches finds equal runs that hold an aligned block of A.
func stretches(ctx context.Context, a, b []byte) ([]stretch, error) {
	size := blockFor(len(a))
	sums := make(map[uint64]int32, len(a)/size) // block number; -1 when several are equal
	for i := 0; i+size <= len(a); i += size {
		h := roll(a[i : i+size])
		if _, ok := sums[h]; ok {
			sums[h] = -1
		} else {
			sums[h] = int32(i / size)
		}
	}
	var out []stretch
	if len(b) < size || len(sums) == 0 {
		return nil, nil
	}
	h := roll(b[:size])
	pow := uint64(1)
	for range size - 1 {
		pow *= rollBase
	}
	end := 0 // of the last stretch in B
	for j := 0; ; {
		if j&0xfffff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if k, ok := sums[h]; ok && k >= 0 && bytes.Equal(a[int(k)*size:int(k)*size+size], b[j:j+size]) {
			s := extend(a, b, int(k)*size, j, size, end)
			out = append(out, s)
			if j, end = s.b+s.n, s.b+s.n; j+size > len(b) {
				break
			}
			h = roll(b[j : j+size])
			continue
		}
		if j+size >= len(b) {
			break
		}
		h = (h-uint64(b[j])*pow)*rollBase + uint64(b[j+size])
		j++
	}
	return out, nil
}

const rollBase = 0x9E3779B97F4A7C15 | 1

// roll is a polynomial hash that can be moved along byte by byte.
func roll(p []byte) uint64 {
	var h uint64
	for _, c := range p {
		h = h*rollBase + uint64(c)
	}
	return h
}

func extend(a, b []byte, i, j, n, floor int) stretch {
	for i > 0 && j > floor && a[i-1] == b[j-1] {
		i, j, n = i-1, j-1, n+1
	}
	for i+n < len(a) && j+n < len(b) && a[i+n] == b[j+n] {
		n++
	}
	return stretch{i, j, n}
}
