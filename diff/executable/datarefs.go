package executable

import (
	"slices"
	"sort"
)

// maxDataRefs bounds the addresses in data that are taken as references.
const maxDataRefs = 1 << 21

// place gives where in B's region the bytes lie that are aligned with an offset of
// A's: those that are equal, and those of ranges that differ in as many bytes.
func (al *aligned) place(off uint64) (uint64, bool) {
	switch {
	case al.err != nil || al.a.empty || al.b.empty || al.a.exec || off >= al.a.size:
		return 0, false
	case al.same || off < al.front:
		return off, true
	case off >= al.a.size-al.back:
		return al.b.size - (al.a.size - off), true
	case len(al.data) == 0:
		return 0, false
	}
	k := sort.Search(len(al.data), func(k int) bool { return uint64(al.data[k].A.Off) > off })
	if k == 0 {
		return off, true
	}
	h := al.data[k-1]
	if into := off - uint64(h.A.Off); into < uint64(h.A.Len) {
		return uint64(h.B.Off) + into, h.A.Len == h.B.Len
	}
	return off - uint64(h.A.Off+h.A.Len) + uint64(h.B.Off+h.B.Len), true
}

// across gives B's address of the place that is aligned with A's.
func (p *pairing) across(addr uint64) (*aligned, uint64, bool) {
	r := p.a.at(addr)
	if r == nil || r.exec || r.empty {
		return nil, 0, false
	}
	al := p.regions(r.name)
	if al == nil || al.a != r {
		return nil, 0, false
	}
	off, ok := al.place(addr - r.addr)
	return al, al.b.addr + off, ok
}

// pointed adds what data refer to: code is not alone in saying which variable is
// which. Of constants only the content counts, so that they are told apart by it.
func (p *pairing) pointed(r *refs) {
	for side, of := range []*program{p.a, p.b} {
		if of.filled == nil {
			continue
		}
		fs, _ := of.filled()
		for _, f := range fs {
			if q := of.at(f.target); f.target != 0 && q != nil && !q.exec {
				r.alone(side, f.target)
			}
		}
	}
	if p.a.relaxed || p.b.relaxed {
		return
	}
	if p.a.fixed && p.b.fixed {
		p.pointedByValue(r)
	} else {
		p.pointedByLoader(r)
	}
}

// pointedByLoader takes references from what the loader fills in.
func (p *pairing) pointedByLoader(r *refs) {
	if p.a.filled == nil || p.b.filled == nil {
		return
	}
	fa, okA := p.a.filled()
	fb, okB := p.b.filled()
	if !okA || !okB {
		return
	}
	for _, f := range fa {
		q := p.a.at(f.target)
		if f.target == 0 || q == nil || q.exec || !q.write {
			continue
		}
		al, at, ok := p.across(f.at)
		if !ok {
			continue
		}
		i, found := slices.BinarySearchFunc(fb, at, func(g filled, a uint64) int { return compare(g.at, a) })
		if t := fb; found && t[i].key == f.key {
			if s := p.b.at(t[i].target); s != nil && !s.exec {
				r.add(f.target, t[i].target, al, uint32(at-al.b.addr))
			}
		}
	}
}

// pointedByValue takes words of data that hold the address of what can be written
// to as references, in programs that are loaded where they were linked to.
func (p *pairing) pointedByValue(r *refs) {
	lo, hi := p.a.written()
	size := uint64(p.bits() / 8)
	for i := range p.a.regions {
		al := p.regions(p.a.regions[i].name)
		if al == nil || al.err != nil || al.a != &p.a.regions[i] || al.a.exec || al.a.empty || al.b.empty {
			continue
		}
		n := 0
		p.a.eachWord(al.a, size, func(off, v uint64) bool {
			if v < lo || v >= hi {
				return true
			}
			if q := p.a.at(v); q == nil || !q.write || q.exec {
				return true
			}
			to, ok := al.place(off)
			if !ok || (al.b.addr+to)%size != 0 || to+size > al.b.size {
				return true
			}
			w, err := readAt(p.b.in, al.b.off+to, size)
			if err != nil {
				return false
			}
			y := word(p.b.order, w)
			if q := p.b.at(y); q != nil && q.write && !q.exec {
				r.add(v, y, al, uint32(to))
			}
			n++
			return n < maxDataRefs
		})
	}
}

// written gives the bounds of what can be written to.
func (p *program) written() (lo, hi uint64) {
	lo = 1<<64 - 1
	for i := range p.regions {
		if r := &p.regions[i]; r.write && !r.exec {
			lo, hi = min(lo, r.addr), max(hi, r.addr+r.size)
		}
	}
	return lo, hi
}

// eachWord calls back for the words of a region that lie at a multiple of their size.
func (p *program) eachWord(r *region, size uint64, yield func(off, v uint64) bool) {
	const block = 1 << 16
	for off := -r.addr % size; off+size <= r.size; {
		n := min(block, (r.size-off)/size*size)
		b, err := readAt(p.in, r.off+off, n)
		if err != nil {
			return
		}
		for i := uint64(0); i < n; i += size {
			if !yield(off+i, word(p.order, b[i:i+size])) {
				return
			}
		}
		off += n
	}
}

// maxNeighbours bounds the neighbours of an address that are asked.
const maxNeighbours = 64

// steady reports whether what can be written to moved as far as what lies beside it
// on one side, of which other code than that which refers to it here says where it
// went: linkers move things together. Without it, one instruction alone would say
// which variable is which.
func (r *refs) steady(x, y uint64, ra, rb *region) bool {
	l := r.best[0]
	i := sort.Search(len(l), func(i int) bool { return l[i].a >= x })
	var own refPair
	next := i
	if i < len(l) && l[i].a == x {
		own, next = l[i], i+1
	}
	d := y - x
	beside := func(k, by int, end bool) bool {
		for n := 0; n < maxNeighbours && k >= 0 && k < len(l) && ra.holds(l[k].a); n, k = n+1, k+by {
			p := l[k]
			if p.n == 0 || !rb.holds(p.b) || own.in != nil && own.together(p) {
				continue
			}
			if q, ok := r.bestOf(1, p.b); !ok || q.a != p.a || q.n == 0 {
				continue
			}
			return p.b-p.a == d
		}
		return end
	}
	return beside(i-1, -1, rb.addr-ra.addr == d) || beside(next, 1, rb.addr+rb.size-ra.addr-ra.size == d)
}

// together reports whether two references come from one function, and from no other.
func (p refPair) together(q refPair) bool {
	if p.n > 1 && q.n > 1 || p.in != q.in || p.in.code == nil || p.in.code.bodies == nil {
		return false
	}
	m := p.in.code.bodies
	i, ok := find(m.b, p.from)
	k, also := find(m.b, q.from)
	return ok && also && i == k
}

// settled reports whether what can be written to at an address of A is what is at
// one of B, by all that refers to either.
func (p *pairing) settled(x, y uint64) bool {
	ra, rb := p.a.at(x), p.b.at(y)
	return p.refs != nil && ra != nil && rb != nil && ra.name == rb.name && ra.empty == rb.empty && p.refs.free(x, y) && p.refs.steady(x, y, ra, rb)
}
