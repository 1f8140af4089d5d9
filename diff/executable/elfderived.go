package executable

import (
	"bytes"
	"context"
	"debug/elf"

	"github.com/stagescope/stagescope/diff"
)

// derivedTable adds to a node that all of it follows from what is compared
// elsewhere, which was checked.
func derivedTable(n *diff.Node, field string) {
	n.UnexplainedA, n.UnexplainedB = nil, nil
	n.Reasons = append(n.Reasons, diff.Reason{Field: field, Cause: &diff.Cause{ID: "derived", Name: "a table that follows from others", Confidence: diff.Derived,
		Evidence: "it was computed from them on both sides, and is what it has to be"}})
}

// compareNameHash compares .gnu.hash byte by byte. When each side's table is what
// its own dynamic symbols give, it follows from them.
func (e *elfPair) compareNameHash(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	n.Kind = diff.KindBinary
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	if e.a.hashFollows(a) && e.b.hashFollows(b) {
		derivedTable(n, "hashes of the dynamic symbols' names")
	}
	return nil
}

// gnuHash is the hash of a name in .gnu.hash.
func gnuHash(name string) uint32 {
	h := uint32(5381)
	for i := range len(name) {
		h = h*33 + uint32(name[i])
	}
	return h
}

// hashFollows computes .gnu.hash anew from the dynamic symbols, with the sizes
// that it has, and reports whether it is equal.
func (f *elfFile) hashFollows(in *diff.Input) bool {
	t := f.symbolTable(elf.SHT_DYNSYM)
	if t == nil || in.Size < 16 || in.Size > maxTable {
		return false
	}
	have, err := readAt(in, 0, uint64(in.Size))
	if err != nil {
		return false
	}
	syms, err := f.readSymbols(t)
	if err != nil {
		return false
	}
	u32 := func(i int) uint32 { return f.order.Uint32(have[4*i:]) }
	buckets, first, words, shift := uint64(u32(0)), uint64(u32(1)), uint64(u32(2)), u32(3)
	width := uint64(4)
	if f.wide {
		width = 8
	}
	count := uint64(len(syms.syms))
	if buckets == 0 || words == 0 || first > count || buckets > uint64(in.Size) || words > uint64(in.Size) ||
		16+words*width+4*buckets+4*(count-first) != uint64(in.Size) {
		return false
	}
	want := make([]byte, in.Size)
	copy(want, have[:16])
	bloom, heads := want[16:16+words*width], want[16+words*width:16+words*width+4*buckets]
	chains := want[16+words*width+4*buckets:]
	last := uint64(0)
	for i := first; i < count; i++ {
		h := gnuHash(syms.name[i])
		bits := uint64(h) / (8 * width) % words
		for _, bit := range []uint64{uint64(h) % (8 * width), uint64(h>>shift) % (8 * width)} {
			if f.wide {
				f.order.PutUint64(bloom[bits*8:], f.order.Uint64(bloom[bits*8:])|1<<bit)
			} else {
				f.order.PutUint32(bloom[bits*4:], f.order.Uint32(bloom[bits*4:])|1<<bit)
			}
		}
		k := uint64(h) % buckets
		if i > first && k < last {
			return false // symbols lie in the order of their buckets
		}
		if i == first || k > last {
			f.order.PutUint32(heads[4*k:], uint32(i))
			if i > first {
				f.order.PutUint32(chains[4*(i-first-1):], f.order.Uint32(chains[4*(i-first-1):])|1)
			}
		}
		last = k
		f.order.PutUint32(chains[4*(i-first):], h&^1)
	}
	if count > first {
		f.order.PutUint32(chains[4*(count-first-1):], f.order.Uint32(chains[4*(count-first-1):])|1)
	}
	return bytes.Equal(have, want)
}

// compareUnwindTable compares .eh_frame_hdr byte by byte. When each side's table
// is what its own .eh_frame gives, it follows from that.
func (e *elfPair) compareUnwindTable(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	n.Kind = diff.KindBinary
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	if e.a.unwindFollows(a) && e.b.unwindFollows(b) {
		derivedTable(n, "places of the unwind information")
	}
	return nil
}

// unwindFollows reports whether .eh_frame_hdr points to .eh_frame, and has for
// each of its records the record's place and where its function begins, in order,
// and nothing else.
func (f *elfFile) unwindFollows(in *diff.Input) bool {
	t, frames := f.unwindTable(), f.section(".eh_frame")
	if t == nil || frames == nil || !frames.hasBytes() || frames.size > maxTable || uint64(in.Size) != unwindHead+8*uint64(t.n) {
		return false
	}
	head, err := readAt(in, 0, 8)
	if err != nil || head[1] != 0x1b || fromItself(head[4:8], f.order, t.base+4, 0) != frames.addrInMem {
		return false
	}
	p, err := readAt(f.in, frames.off, frames.size)
	if err != nil {
		return false
	}
	begins := map[uint64]uint64{} // record to function
	for off := uint64(0); off+4 <= uint64(len(p)); {
		size := uint64(f.order.Uint32(p[off:]))
		if size == 0 {
			off += 4
			continue
		}
		if size == 0xffffffff || size < 4 || size > uint64(len(p))-off-4 {
			return false
		}
		if f.order.Uint32(p[off+4:]) != 0 { // not what records have in common
			if size < 12 {
				return false
			}
			begins[frames.addrInMem+off] = fromItself(p[off+8:off+12], f.order, frames.addrInMem+off+8, 0)
		}
		off += 4 + size
	}
	last := uint64(0)
	for i := range t.n {
		at := fromStart(t.p[8*i+4:8*i+8], t.order, 0, t.base)
		begin, ok := begins[at]
		if !ok || begin != t.begin(i) || i > 0 && begin < last {
			return false
		}
		delete(begins, at)
		last = begin
	}
	return len(begins) == 0
}
