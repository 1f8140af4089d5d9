package executable

import (
	"context"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// frame is a record of .eh_frame: how to unwind the stack of one function, or
// what several such records have in common.
type frame struct {
	off, size uint64 // in the section
	common    uint64 // offset of the record that has what is common; its own for that one
	begin     uint64 // address of the function
	length    uint64 // of the function
	token     uint64 // the hash of all but places
}

// frames reads the records of a section; nil when it is not as compilers write it.
func (f *elfFile) frames(p []byte, base uint64) []frame {
	var out []frame
	commons := map[uint64]uint64{} // hashes
	for off := uint64(0); off+4 <= uint64(len(p)); {
		size := uint64(f.order.Uint32(p[off:]))
		if size == 0xffffffff || size > uint64(len(p))-off-4 || size > 0 && size < 4 {
			return nil
		}
		r := frame{off: off, size: size + 4, common: off}
		body := p[off+4 : off+4+size]
		switch {
		case size == 0:
			r.token = hashStart
		case f.order.Uint32(body) == 0:
			r.token = hash(hashNumber(hashStart, 1), body)
			commons[off] = r.token
		default:
			back := uint64(f.order.Uint32(body))
			if size < 12 || back > off+4 {
				return nil
			}
			r.common = off + 4 - back
			in, ok := commons[r.common]
			if !ok {
				return nil
			}
			r.begin = fromItself(body[4:8], f.order, base+off+8, 0)
			r.length = uint64(f.order.Uint32(body[8:]))
			r.token = hash(hashNumber(hashNumber(hashStart, in), r.length), body[12:])
		}
		out = append(out, r)
		off += r.size
	}
	return out
}

// compareFrames compares .eh_frame record by record. A record of which only the
// places differ follows when its function is the same one.
func (e *elfPair) compareFrames(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	sa, sb := e.sectionOf(e.a, n.A), e.sectionOf(e.b, n.B)
	if sa == nil || sb == nil || max(sa.size, sb.size) > maxTable {
		return e.p.comparePart(ctx, x, n, a, b)
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	fa, fb := e.a.frames(pa, sa.addrInMem), e.b.frames(pb, sb.addrInMem)
	if fa == nil || fb == nil {
		return e.p.comparePart(ctx, x, n, a, b)
	}
	keys := func(fs []frame, isB bool) []uint64 {
		out := make([]uint64, len(fs))
		for i, f := range fs {
			out[i] = f.token
			if f.common != f.off {
				if id, ok := e.p.identity(f.begin, isB); ok {
					out[i] = id
				}
			}
		}
		return out
	}
	runs, err := alignTokens(ctx, keys(fa, false), keys(fb, true))
	if err != nil {
		return err
	}
	n.Kind = diff.KindTable
	t := e.table()
	var onlyA, onlyB, moved, other int
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(fa), b: len(fb)}) {
		if ia < r.a || ib < r.b {
			t.open = append(t.open, diff.Hunk{A: stretchOf(fa, ia, r.a, pa), B: stretchOf(fb, ib, r.b, pb)})
			onlyA, onlyB = onlyA+r.a-ia, onlyB+r.b-ib
		}
		for k := range r.n {
			f, g := fa[r.a+k], fb[r.b+k]
			if string(pa[f.off:f.off+f.size]) == string(pb[g.off:g.off+g.size]) && (f.common == f.off || e.p.moved(f.begin, g.begin)) {
				continue
			}
			h := diff.Hunk{A: rangeOf(f.off, f.size), B: rangeOf(g.off, g.size)}
			if f.common == f.off || g.common == g.off {
				t.open = append(t.open, h)
				other++
				continue
			}
			if f.token == g.token && e.p.moved(f.begin, g.begin) && string(pa[f.off+16:f.off+f.size]) == string(pb[g.off+16:g.off+g.size]) {
				t.closed = append(t.closed, h)
				moved++
			} else {
				t.open = append(t.open, h)
				other++
			}
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
	setHunks(n, t.open, t.closed)
	if moved > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: plural(moved, "record") + " of functions that moved", Cause: &diff.Cause{ID: "derived", Name: "addresses of code and data that moved", Confidence: diff.Derived}})
	}
	if onlyA+onlyB > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "records of how to unwind the stack", A: fmt.Sprintf("%d that B has not", onlyA), B: fmt.Sprintf("%d that A has not", onlyB)})
	}
	if other > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: plural(other, "record") + " of functions that differ, or of others"})
	}
	return nil
}

// identity is a number for the function that begins at an address, which is that of
// its partner on the other side, too.
func (p *pairing) identity(addr uint64, isB bool) (uint64, bool) {
	of := p.a
	if isB {
		of = p.b
	}
	r := of.at(addr)
	if r == nil {
		return 0, false
	}
	al := p.regions(r.name)
	if al == nil || al.err != nil || al.code == nil || al.code.bodies == nil {
		return 0, false
	}
	m := al.code.bodies
	list := m.a
	if isB {
		list = m.b
	}
	i, ok := find(list, uint32(addr-r.addr))
	if !ok || uint64(list[i].off) != addr-r.addr {
		return 0, false
	}
	h := hash(hashStart, []byte(r.name))
	switch {
	case !isB:
		return hashNumber(h, uint64(i)), true
	case m.toA[i] >= 0:
		return hashNumber(h, uint64(m.toA[i])), true
	}
	return hashNumber(h, uint64(i)<<32|1), true
}

// stretchOf is the range of some records; that of none is where they would be.
func stretchOf(fs []frame, from, to int, p []byte) diff.Range {
	off := uint64(len(p))
	if from < len(fs) {
		off = fs[from].off
	}
	end := off
	if to > from {
		end = fs[to-1].off + fs[to-1].size
	}
	return rangeOf(off, end-off)
}
