package diff

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"math/bits"
	"slices"
)

// LineDiff is the lines of two texts in one order. It holds where they lie, not
// what they say.
type LineDiff struct {
	A, B *LineTable
	runs []stretch // of lines that are equal, rising on both sides
}

// LineStretch is lines [A0, A1) of one side and [B0, B1) of the other, numbered
// from 0: the same lines, or lines that only that side has.
type LineStretch struct {
	Equal          bool
	A0, A1, B0, B1 int
}

// Stretches are all lines of both sides, in order.
func (d *LineDiff) Stretches() iter.Seq[LineStretch] {
	return func(yield func(LineStretch) bool) {
		pa, pb := 0, 0
		for i := 0; i <= len(d.runs); i++ {
			r := stretch{d.A.Len(), d.B.Len(), 0}
			if i < len(d.runs) {
				r = d.runs[i]
			}
			if (r.a > pa || r.b > pb) && !yield(LineStretch{false, pa, r.a, pb, r.b}) {
				return
			}
			pa, pb = r.a+r.n, r.b+r.n
			if r.n > 0 && !yield(LineStretch{true, r.a, pa, r.b, pb}) {
				return
			}
		}
	}
}

// AlignLines puts the lines of two texts into one order. It reads both, and needs
// some twenty bytes for each line. Lines that cannot be in both are left out
// first; then lines that both sides have exactly once, in the same order, divide
// the rest. Texts of more than 16 million lines a side, or of more than 4 GiB, are
// refused with ErrFormat.
func AlignLines(ctx context.Context, a, b *Input) (*LineDiff, error) {
	ta, err := lineTable(ctx, a)
	if err != nil {
		return nil, err
	}
	tb, err := lineTable(ctx, b)
	if err != nil {
		return nil, err
	}
	d := &LineDiff{A: ta, B: tb}
	front, back := 0, 0
	for most := min(ta.Len(), tb.Len()); front < most && ta.sums[front] == tb.sums[front]; {
		front++
	}
	for most := min(ta.Len(), tb.Len()) - front; back < most && ta.sums[ta.Len()-1-back] == tb.sums[tb.Len()-1-back]; {
		back++
	}
	d.run(0, 0, front)
	m := lineMatch{a: lineSide{sums: ta.sums[front : ta.Len()-back]}, b: lineSide{sums: tb.sums[front : tb.Len()-back]}, work: lineWork}
	m.mark()
	for _, p := range m.match(ctx) {
		d.run(front+p[0], front+p[1], 1)
	}
	d.run(ta.Len()-back, tb.Len()-back, back)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return d, d.verify(ctx, a, b)
}

// run adds equal lines.
func (d *LineDiff) run(a, b, n int) {
	if n == 0 {
		return
	}
	if k := len(d.runs) - 1; k >= 0 && d.runs[k].a+d.runs[k].n == a && d.runs[k].b+d.runs[k].n == b {
		d.runs[k].n += n
		return
	}
	d.runs = append(d.runs, stretch{a, b, n})
}

// verify compares byte by byte what has the same sums; lines that are not equal
// after all are taken out.
func (d *LineDiff) verify(ctx context.Context, a, b *Input) error {
	block := min(256<<10, a.Size, b.Size)
	runs := d.runs
	d.runs = make([]stretch, 0, len(runs))
	ba, bb := make([]byte, block), make([]byte, block)
	for _, r := range runs {
		if err := ctx.Err(); err != nil {
			return err
		}
		at, bt := d.A.Lines(r.a, r.a+r.n), d.B.Lines(r.b, r.b+r.n)
		same := at.Len == bt.Len
		for done := int64(0); same && done < at.Len; done += block {
			k := min(block, at.Len-done)
			if err := readFull(a, ba[:k], at.Off+done); err != nil {
				return err
			}
			if err := readFull(b, bb[:k], bt.Off+done); err != nil {
				return err
			}
			same = bytes.Equal(ba[:k], bb[:k])
		}
		if same {
			d.run(r.a, r.b, r.n)
		}
	}
	return nil
}

// lineSide is what is to be matched of one side: lines that the other has too.
type lineSide struct {
	sums []uint64
	keep []int32  // numbers of the lines that the other side has as well
	kept []uint64 // their sums
	mate []int32  // of each of those: the other's number, where both have it exactly once; else -1
}

// lineMatch matches the lines of two sides.
type lineMatch struct {
	a, b lineSide
	work int64 // steps that are left for finding shortest differences
}

// bySum are the numbers of lines, sorted by what they say: sums are spread
// evenly, so that each goes first to a place for few.
func bySum(sums []uint64) []int32 {
	shift := 64 - bits.Len(uint(len(sums))/8)
	ends := make([]int32, 1<<(64-shift)+1)
	for _, s := range sums {
		ends[s>>shift+1]++
	}
	for i := range ends[1:] {
		ends[i+1] += ends[i]
	}
	out := make([]int32, len(sums))
	for i, s := range sums {
		out[ends[s>>shift]] = int32(i)
		ends[s>>shift]++
	}
	from := int32(0)
	for _, to := range ends {
		if to > from+1 {
			slices.SortFunc(out[from:to], func(i, j int32) int { return cmp.Compare(sums[i], sums[j]) })
		}
		from = max(from, to)
	}
	return out
}

// mark finds which lines both sides have, and which of them once.
func (m *lineMatch) mark() {
	ia, ib := bySum(m.a.sums), bySum(m.b.sums)
	mateA, mateB := alone(len(ia)), alone(len(ib))
	for i, j := 0, 0; i < len(ia) && j < len(ib); {
		sa, sb := m.a.sums[ia[i]], m.b.sums[ib[j]]
		switch {
		case sa < sb:
			i++
			continue
		case sa > sb:
			j++
			continue
		}
		ni, nj := i, j
		for ni < len(ia) && m.a.sums[ia[ni]] == sa {
			ni++
		}
		for nj < len(ib) && m.b.sums[ib[nj]] == sb {
			nj++
		}
		if ni-i == 1 && nj-j == 1 {
			mateA[ia[i]], mateB[ib[j]] = ib[j], ia[i]
			i, j = ni, nj
			continue
		}
		for ; i < ni; i++ {
			mateA[ia[i]] = several
		}
		for ; j < nj; j++ {
			mateB[ib[j]] = several
		}
	}
	m.a.take(mateA)
	m.b.take(mateB)
}

// What a line has instead of a mate.
const (
	several = -1 // it occurs on both sides, on one of them more than once
	none    = -2 // the other side does not have it
)

func alone(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = none
	}
	return out
}

func (s *lineSide) take(mates []int32) {
	for i, m := range mates {
		if m != none {
			s.keep, s.kept, s.mate = append(s.keep, int32(i)), append(s.kept, s.sums[i]), append(s.mate, m)
		}
	}
}

// sum is what the kept line i says.
func (s *lineSide) sum(i int) uint64 { return s.kept[i] }

// match gives pairs of equal lines, rising on both sides.
func (m *lineMatch) match(ctx context.Context) (out [][2]int) {
	pa, pb := 0, 0
	put := func(i, j int) { out = append(out, [2]int{int(m.a.keep[i]), int(m.b.keep[j])}) }
	for _, p := range append(m.anchors(), [2]int{len(m.a.keep), len(m.b.keep)}) {
		if ctx.Err() != nil {
			return nil
		}
		m.between(pa, p[0], pb, p[1], put)
		if p[0] < len(m.a.keep) {
			put(p[0], p[1])
		}
		pa, pb = p[0]+1, p[1]+1
	}
	return out
}

// anchors are pairs of lines that occur once on each side, rising on both, by
// their numbers among the kept ones.
func (m *lineMatch) anchors() [][2]int {
	var ps [][2]int
	for i, mate := range m.a.mate {
		if mate >= 0 {
			j, _ := slices.BinarySearch(m.b.keep, mate)
			ps = append(ps, [2]int{i, j})
		}
	}
	return Rising(ps, func(p [2]int) int { return p[1] })
}
