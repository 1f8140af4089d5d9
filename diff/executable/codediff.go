package executable

import (
	"sort"

	"github.com/stagescope/stagescope/diff"
)

// codeDiff is how the instructions of two regions are aligned.
type codeDiff struct {
	windows []window
	// bodies pairs the functions of both regions; nil when only what is around a
	// few places was decoded, or no function is known. With it, windows are the
	// functions in which something differs, and are found when it is asked for.
	bodies *bodyMap
	// What is known once all pairs of functions were looked at: which may differ by
	// more than addresses, by A's numbers, and what follows elsewhere.
	open     []int32
	operands []diff.Hunk
	refer    referring
	later    []later
}

// later is a pair of functions of which all but some data that they refer to is
// the same. Whether that is the same is known once all code was looked at.
type later struct {
	i        int32 // A's number
	data     []dataPair
	operands []diff.Hunk
	n        int // instructions
	numbers  int // operands that are taken for addresses
}

// dataPair is data that may be the same on both sides.
type dataPair struct {
	a, b uint64
	ev   evidence
}

// window is a stretch of both regions in which something differs. What lies
// between two windows is equal, byte by byte.
type window struct {
	a, b  stream
	runs  []run // instructions that are equal but for addresses, in order on both sides
	moved []run // the same, but in another order, by a
	// startsA and startsB are the instructions at which functions begin.
	startsA, startsB []int
}

// stream is decoded code.
type stream struct {
	from, to uint64 // offsets in the region
	bytes    []byte // from `from` on, and up to the longest instruction beyond
	ins      []instruction
	tokens   []uint64
}

// instruction is where one lies.
type instruction struct {
	off  uint32 // from the stream's beginning
	n    uint8
	flow flow
	nops uint8
	kind insKind
}

type insKind uint8

const (
	insCode insKind = iota
	insBad          // it is no instruction that is known
	insData         // nothing leads there
)

// end is where an instruction ends.
func (i instruction) end() uint32 { return i.off + uint32(i.n) }

// index gives the instruction that holds an offset of the region.
func (s *stream) index(off uint64) (int, bool) {
	if off < s.from || off >= s.to {
		return 0, false
	}
	rel := uint32(off - s.from)
	i := sort.Search(len(s.ins), func(i int) bool { return s.ins[i].end() > rel })
	return i, i < len(s.ins) && s.ins[i].off <= rel
}

// begin is the offset in the region at which instruction i begins; that after
// the last is where the stream ends.
func (s *stream) begin(i int) uint64 {
	if i < len(s.ins) {
		return s.from + uint64(s.ins[i].off)
	}
	if len(s.ins) == 0 {
		return s.to
	}
	return s.from + uint64(s.ins[len(s.ins)-1].end())
}

// text gives an instruction's bytes.
func (s *stream) code(i int) []byte { return s.bytes[s.ins[i].off:s.ins[i].end()] }

// near bounds how far before and after what differs code is decoded when no
// symbol says where a function begins and ends.
const (
	near    = 96
	maxFunc = 64 << 10 // of a function that is shown and aligned as a whole
	// fewHunks is up to how many ranges of equal length are looked at one by one.
	fewHunks = 256
)

// alignCode decodes what differs between two regions and aligns it.
func (p *pairing) alignCode(al *aligned) (*codeDiff, error) {
	c := &codeDiff{}
	// Where nothing moves, only what differs has to be looked at.
	if al.a.size == al.b.size && !p.moving() {
		hs, err := p.x.InPlace(p.ctx, p.a.input(al.a), p.b.input(al.b), fewHunks)
		if err != nil {
			return nil, err
		}
		if hs != nil {
			for _, r := range p.around(al, hs) {
				if err := p.window(c, al, r, r); err != nil {
					return nil, err
				}
			}
			return c, nil
		}
	}
	if !p.a.bare && !p.b.bare {
		var err error
		if c.bodies, err = p.mapBodies(al); err != nil || c.bodies != nil {
			return c, err
		}
	}
	if max(al.a.size, al.b.size)-al.front-al.back > maxAligned {
		return nil, bad("more than %d bytes of code between the first and the last difference", maxAligned)
	}
	start := p.start(al, al.front)
	tail := min(al.back, near)
	if p.a.bare || p.b.bare {
		tail = al.back // what is equal may lead to what moved
	}
	if max(al.a.size, al.b.size)-start > maxAligned {
		tail = min(al.back, near)
	}
	ra := diff.Range{Off: int64(start), Len: int64(al.a.size - al.back + tail - start)}
	rb := diff.Range{Off: int64(start), Len: int64(al.b.size - al.back + tail - start)}
	return c, p.window(c, al, ra, rb)
}

// start gives an offset at or before off at which instructions begin on both
// sides, what is before off being equal.
func (p *pairing) start(al *aligned, off uint64) uint64 {
	if p.a.bare || p.b.bare {
		return 0
	}
	addr := al.a.addr + off
	if s, ok := p.a.nearest(p.ctx, []uint64{addr})[addr]; ok && addr-s.addr <= maxFunc {
		return s.addr - al.a.addr
	}
	unit := uint64(p.a.isa.unit())
	return (off - min(off, near)) / unit * unit
}

// around gives the ranges to be decoded for a few places that differ in regions
// of one size: the functions they lie in.
func (p *pairing) around(al *aligned, hs []diff.Hunk) []diff.Range {
	var asked []uint64
	for _, h := range hs {
		asked = append(asked, al.a.addr+uint64(h.A.Off))
	}
	syms := p.a.nearest(p.ctx, asked)
	unit := uint64(p.a.isa.unit())
	var out []diff.Range
	for i, h := range hs {
		off := uint64(h.A.Off)
		from := (off - min(off, near)) / unit * unit
		to := off + uint64(h.A.Len) + near
		if s, ok := syms[asked[i]]; ok && asked[i]-s.addr <= maxFunc {
			from = s.addr - al.a.addr
			if s.size > 0 && s.size <= maxFunc {
				to = max(from+s.size, off+uint64(h.A.Len))
			}
		}
		if p.a.bare || p.b.bare {
			from = 0
		}
		to = min(to, al.a.size)
		if k := len(out) - 1; k >= 0 && from <= uint64(out[k].Off+out[k].Len) {
			out[k].Len = max(out[k].Len, int64(to)-out[k].Off)
			continue
		}
		out = append(out, diff.Range{Off: int64(from), Len: int64(to - from)})
	}
	return out
}

// window decodes and aligns one stretch.
func (p *pairing) window(c *codeDiff, al *aligned, ra, rb diff.Range) error {
	var w window
	var err error
	if w.a, err = p.a.decode(p.ctx, al.a, ra); err != nil {
		return err
	}
	if w.b, err = p.b.decode(p.ctx, al.b, rb); err != nil {
		return err
	}
	w.startsA, w.startsB = p.functionStarts(p.a, al.a, &w.a), p.functionStarts(p.b, al.b, &w.b)
	if err := (&matcher{p: p, al: al, w: &w}).align(); err != nil {
		return err
	}
	w.a.tokens, w.b.tokens = nil, nil
	c.windows = append(c.windows, w)
	return nil
}

// runOf gives the run that holds an instruction of A.
func (w *window) runOf(i int) (run, bool) {
	for _, rs := range [][]run{w.runs, w.moved} {
		k := sort.Search(len(rs), func(k int) bool { return rs[k].a+rs[k].n > i })
		if k < len(rs) && rs[k].a <= i {
			return rs[k], true
		}
	}
	return run{}, false
}

// moved reports whether an offset of A's region and one of B's are the same
// place.
func (c *codeDiff) moved(a, b uint64) bool {
	shift := func(w *window) bool { return a-w.a.to == b-w.b.to }
	for i := range c.windows {
		w := &c.windows[i]
		if a < w.a.from {
			if i == 0 {
				return a-w.a.from == b-w.b.from
			}
			return shift(&c.windows[i-1])
		}
		if a < w.a.to {
			return w.same(a, b)
		}
	}
	if n := len(c.windows); n > 0 {
		return shift(&c.windows[n-1])
	}
	return a == b
}

func (w *window) same(a, b uint64) bool {
	i, ok := w.a.index(a)
	if !ok {
		return false
	}
	into := a - w.a.begin(i)
	// The gap before the run that holds the place or follows it.
	k := sort.Search(len(w.runs), func(k int) bool { return w.runs[k].a+w.runs[k].n > i })
	pa, pb, na, nb := 0, 0, len(w.a.ins), len(w.b.ins)
	if k > 0 {
		pa, pb = w.runs[k-1].a+w.runs[k-1].n, w.runs[k-1].b+w.runs[k-1].n
	}
	if k < len(w.runs) {
		na, nb = w.runs[k].a, w.runs[k].b
	}
	if r, ok := w.runOf(i); ok {
		j := r.b + i - r.a
		if w.b.begin(j)+into == b && into < uint64(w.b.ins[j].n) {
			return true
		}
		if i != na {
			return false
		}
	}
	if into != 0 {
		return false
	}
	// What was put in before the place, or instead of it, is the place for who
	// goes there.
	if i == pa && b == w.b.begin(pb) {
		return true
	}
	j, ok := w.b.index(b)
	return ok && w.b.begin(j) == b && j >= pb && j <= nb && begins(w.startsA, i) && begins(w.startsB, j) &&
		count(w.startsA, i, na) == count(w.startsB, j, nb)
}

// count gives how many functions begin after an instruction, up to another.
func count(starts []int, after, to int) int {
	return sort.SearchInts(starts, to+1) - sort.SearchInts(starts, after+1)
}
