package executable

import (
	"cmp"
	"slices"
	"sort"
)

// refs are the data that the code of two programs refers to: which address of A
// is at the same operand as which of B, and how often.
type refs struct {
	pairs []refPair
	only  [2][]uint64 // of instructions that have no partner
	done  bool
	best  [2][]refPair // by the address of a side: what it is paired with most often
	known [2][]uint64  // all addresses of a side, in order
	dirty int          // pairs as of the last compaction
}

type refPair struct {
	a, b uint64
	n    int32
	from uint32 // the first of the instructions, as an offset in B's code
	in   *aligned
}

func (r *refs) add(x, y uint64, in *aligned, from uint32) {
	r.pairs = append(r.pairs, refPair{a: x, b: y, n: 1, in: in, from: from})
	if len(r.pairs) > 2*r.dirty+1<<18 {
		r.compact()
	}
}

func (r *refs) alone(side int, addr uint64) {
	if l := r.only[side]; len(l) == 0 || l[len(l)-1] != addr {
		r.only[side] = append(l, addr)
	}
}

// compact joins equal pairs.
func (r *refs) compact() {
	slices.SortStableFunc(r.pairs, func(x, y refPair) int { return cmp.Or(compare(x.a, y.a), compare(x.b, y.b)) })
	out := r.pairs[:0]
	for _, p := range r.pairs {
		if k := len(out) - 1; k >= 0 && out[k].a == p.a && out[k].b == p.b {
			out[k].n += p.n
			continue
		}
		out = append(out, p)
	}
	r.pairs, r.dirty = out, len(out)
}

// finish makes what is asked of the pairs.
func (r *refs) finish() {
	r.compact()
	of := func(get func(refPair) uint64, side int) {
		list := slices.Clone(r.pairs)
		slices.SortStableFunc(list, func(x, y refPair) int { return cmp.Or(compare(get(x), get(y)), -cmp.Compare(x.n, y.n)) })
		all := r.only[side]
		out := list[:0]
		for i := 0; i < len(list); {
			k := i + 1
			for k < len(list) && get(list[k]) == get(list[i]) {
				k++
			}
			all = append(all, get(list[i]))
			p := list[i]
			if k > i+1 && list[i+1].n == p.n {
				p.n = 0 // nobody knows which
			}
			out = append(out, p)
			i = k
		}
		r.best[side] = slices.Clip(out)
		slices.Sort(all)
		r.known[side] = slices.Compact(all)
	}
	of(func(p refPair) uint64 { return p.a }, 0)
	of(func(p refPair) uint64 { return p.b }, 1)
	r.only = [2][]uint64{}
	r.done = true
}

func (r *refs) bestOf(side int, addr uint64) (refPair, bool) {
	l := r.best[side]
	i := sort.Search(len(l), func(i int) bool {
		if side == 0 {
			return l[i].a >= addr
		}
		return l[i].b >= addr
	})
	if i == len(l) || side == 0 && l[i].a != addr || side == 1 && l[i].b != addr {
		return refPair{}, false
	}
	return l[i], true
}

// partners reports whether two addresses are paired with one another more often
// than either is with any other.
func (r *refs) partners(x, y uint64) bool {
	if r == nil || !r.done {
		return false
	}
	pa, okA := r.bestOf(0, x)
	pb, okB := r.bestOf(1, y)
	return okA && okB && pa.b == y && pb.a == x && pa.n > 0 && pb.n > 0
}

// free reports whether neither of two addresses is paired with a third.
func (r *refs) free(x, y uint64) bool {
	pa, okA := r.bestOf(0, x)
	pb, okB := r.bestOf(1, y)
	return (!okA || pa.b == y && pa.n > 0) && (!okB || pb.a == x && pb.n > 0)
}

// before gives the last of A's or of B's addresses that are paired and that lie at
// or before another, in a region.
func (r *refs) before(side int, addr uint64, in *region) (refPair, bool) {
	l := r.best[side]
	at := func(p refPair) uint64 {
		if side == 0 {
			return p.a
		}
		return p.b
	}
	i := sort.Search(len(l), func(i int) bool { return at(l[i]) > addr })
	if i == 0 || !in.holds(at(l[i-1])) {
		return refPair{}, false
	}
	return l[i-1], true
}

// reach is how many bytes lie between an address and the next that something
// refers to, or the end of the region.
func (r *refs) reach(addr uint64, in *region, b bool) uint64 {
	l := r.known[0]
	if b {
		l = r.known[1]
	}
	end := in.addr + in.size
	i := sort.Search(len(l), func(i int) bool { return l[i] > addr })
	if i < len(l) && l[i] < end {
		end = l[i]
	}
	return end - addr
}

// refer adds what the code of regions refers to that is equal on both sides, or of
// which only a few places were looked at.
func (p *pairing) refer() {
	if p.referred || p.refs == nil || !p.code() {
		return
	}
	p.referred = true
	before := len(p.refs.pairs)
	for i := range p.b.regions {
		r := &p.b.regions[i]
		al := p.regions(r.name)
		if !r.exec || r.empty || al == nil || al.err != nil || al.b != r || al.a.addr != al.b.addr || al.code != nil && al.code.bodies != nil {
			continue
		}
		p.b.eachCode(p.ctx, r, func(code []byte, off uint64, st *step) bool {
			if st.nops == 0 {
				return true
			}
			// Of code that is equal only a few places were looked at, so that what is not
			// is not known: there, both are what B's refers to.
			other := *st
			if al.same {
				other = p.a.isa.step(code, al.a.addr+off)
			}
			for k, o := range st.ops[:st.nops] {
				if q := p.b.at(o.addr); q != nil && !q.exec && !o.half && k < other.nops {
					p.refs.add(other.ops[k].addr, o.addr, al, uint32(off))
				}
			}
			return true
		})
	}
	if len(p.refs.pairs) != before {
		p.refs.finish()
	}
}
