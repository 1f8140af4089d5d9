package executable

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// field is a number in an entry of a table.
type field struct {
	name   string
	off, n uint64
	show   func(v uint64) string // nil shows it in hex
	// follows reports whether the two values follow from what differs elsewhere;
	// nil means that they never do.
	follows func(x, y uint64) bool
}

// tableDiff collects what differs in the entries of a pair of tables.
type tableDiff struct {
	e            *elfPair
	open, closed []diff.Hunk
	reasons      []diff.Reason
	follow       map[string]int // fields that follow from elsewhere, counted
}

// maxReasons bounds the reasons of one table.
const maxReasons = 256

// entry compares two entries that lie at offsets of the two contents.
func (t *tableDiff) entry(label string, fs []field, pa, pb []byte, offA, offB uint64) {
	for _, f := range fs {
		va, vb := t.e.a.number(pa[f.off:f.off+f.n]), t.e.b.number(pb[f.off:f.off+f.n])
		if va == vb {
			continue
		}
		h := diff.Hunk{A: rangeOf(offA+f.off, f.n), B: rangeOf(offB+f.off, f.n)}
		if f.follows != nil && f.follows(va, vb) {
			t.closed = append(t.closed, h)
			t.follow[f.name]++
			continue
		}
		t.open = append(t.open, h)
		show := f.show
		if show == nil {
			show = hexNumber
		}
		t.reason(label+f.name, show(va), show(vb))
	}
}

// tail compares what follows the last whole entry of both contents, of which so
// many bytes were compared.
func (t *tableDiff) tail(a, b *diff.Input, doneA, doneB uint64) error {
	ta, err := readAt(a, min(doneA, uint64(a.Size)), uint64(a.Size)-min(doneA, uint64(a.Size)))
	if err != nil {
		return err
	}
	tb, err := readAt(b, min(doneB, uint64(b.Size)), uint64(b.Size)-min(doneB, uint64(b.Size)))
	if err != nil {
		return err
	}
	if !bytes.Equal(ta, tb) {
		t.open = append(t.open, diff.Hunk{A: rangeOf(doneA, uint64(len(ta))), B: rangeOf(doneB, uint64(len(tb)))})
		t.reason("bytes after the last entry", plural(len(ta), "byte"), plural(len(tb), "byte"))
	}
	return nil
}

func (t *tableDiff) reason(field, a, b string) {
	if len(t.reasons) < maxReasons {
		t.reasons = append(t.reasons, diff.Reason{Field: field, A: a, B: b})
	} else if len(t.reasons) == maxReasons {
		t.reasons = append(t.reasons, diff.Reason{Field: fmt.Sprintf("more than %d fields", maxReasons)})
	}
}

// finish gives the node what was collected. order names fields in their order.
func (t *tableDiff) finish(n *diff.Node, fs []field) {
	setHunks(n, t.open, t.closed)
	n.Reasons = append(n.Reasons, t.reasons...)
	for _, f := range fs {
		if k := t.follow[f.name]; k > 0 {
			n.Reasons = append(n.Reasons, followReason(f.name, k))
			delete(t.follow, f.name)
		}
	}
}

func followReason(name string, k int) diff.Reason {
	if k > 1 {
		name = fmt.Sprintf("%s of %d entries", name, k)
	}
	return diff.Reason{Field: name, Cause: &diff.Cause{ID: "derived", Name: "place or size of what differs elsewhere", Confidence: diff.Derived}}
}

func (e *elfPair) table() *tableDiff { return &tableDiff{e: e, follow: map[string]int{}} }

// number reads a field of 1, 2, 4 or 8 bytes.
func (f *elfFile) number(p []byte) uint64 {
	switch len(p) {
	case 1:
		return uint64(p[0])
	case 2:
		return uint64(f.order.Uint16(p))
	case 4:
		return uint64(f.order.Uint32(p))
	}
	return f.order.Uint64(p)
}

// Places, offsets and sizes follow from what differs elsewhere: what they point
// to is compared itself.
func always(_, _ uint64) bool { return true }

// read explains the place of a table that was read on both sides, entry by entry.
func read(a, b int) func(x, y uint64) bool {
	if a > 0 && b > 0 {
		return always
	}
	return nil
}

// layout describes numbers of the two widths: fields one after the other.
func layout(wide bool, fs ...field) []field {
	off := uint64(0)
	for i := range fs {
		if fs[i].n == 0 {
			if fs[i].n = 4; wide {
				fs[i].n = 8
			}
		}
		fs[i].off = off
		off += fs[i].n
	}
	return fs
}

func (e *elfPair) headerFields() []field {
	return layout(e.a.wide,
		field{name: "magic number", n: 4}, field{name: "class", n: 1}, field{name: "byte order", n: 1}, field{name: "version of the format", n: 1},
		field{name: "ABI", n: 1, show: func(v uint64) string { return elf.OSABI(v).String() }}, field{name: "version of the ABI", n: 1}, field{name: "padding", n: 4}, field{name: "more padding", n: 2}, field{name: "last padding", n: 1},
		field{name: "type", n: 2, show: func(v uint64) string { return elf.Type(v).String() }},
		field{name: "machine", n: 2, show: func(v uint64) string { return elf.Machine(v).String() }},
		field{name: "version", n: 4}, field{name: "entry", follows: e.p.moved},
		field{name: "offset of the program headers", follows: read(len(e.a.segments), len(e.b.segments))}, field{name: "offset of the section headers", follows: read(len(e.a.sections), len(e.b.sections))},
		field{name: "flags", n: 4}, field{name: "size of the header", n: 2}, field{name: "size of a program header", n: 2}, field{name: "number of program headers", n: 2},
		field{name: "size of a section header", n: 2}, field{name: "number of section headers", n: 2, follows: e.sectionCount}, field{name: "number of the section of names", n: 2, follows: e.sameSection})
}

// sectionCount: the sections themselves are compared by name.
func (e *elfPair) sectionCount(x, y uint64) bool {
	return int(x) == len(e.a.sections) && int(y) == len(e.b.sections)
}

// sameSection reports whether two numbers are those of sections of one name.
func (e *elfPair) sameSection(x, y uint64) bool {
	return x < uint64(len(e.a.sections)) && y < uint64(len(e.b.sections)) && e.a.sections[x].name == e.b.sections[y].name
}

func (e *elfPair) compareHeader(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if e.a.wide != e.b.wide || e.a.bigEndian() != e.b.bigEndian() || a.Size != b.Size {
		return x.Binary(ctx, n, a, b)
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	t, fs := e.table(), e.headerFields()
	t.entry("", fs, pa, pb, 0, 0)
	t.finish(n, fs)
	return nil
}

// maxTable bounds a table that is read whole.
const maxTable = 64 << 20

// both reads two contents whole.
func both(a, b *diff.Input) (pa, pb []byte, err error) {
	if max(a.Size, b.Size) > maxTable {
		return nil, nil, fmt.Errorf("%w: a table of more than %d bytes", diff.ErrFormat, maxTable)
	}
	if pa, err = readAt(a, 0, uint64(a.Size)); err == nil {
		pb, err = readAt(b, 0, uint64(b.Size))
	}
	return pa, pb, err
}

// segmentFields are those of a pair of segments.
func (e *elfPair) segmentFields(i, j int) []field {
	typ := field{name: "type", n: 4, show: func(v uint64) string { return elf.ProgType(v).String() }}
	flags := field{name: "flags", n: 4, show: func(v uint64) string { return permissions(elf.ProgFlag(v)) }}
	// What a segment maps is compared by its sections, where they say what it maps.
	mapped := func(_, _ uint64) bool { return e.sameSections(i, j) }
	off, size, mem := field{name: "offset", follows: mapped}, field{name: "size in the file", follows: mapped}, field{name: "size in memory", follows: func(x, y uint64) bool {
		// Zeroed memory is a section of its own, if there are sections.
		return e.a.endsWithSections(i) && e.b.endsWithSections(j) || i < len(e.a.segments) && j < len(e.b.segments) && x-e.a.segments[i].fileSize == y-e.b.segments[j].fileSize
	}}
	addr, phys := field{name: "address", follows: e.segmentMoved}, field{name: "physical address", follows: e.segmentMoved}
	if e.a.wide {
		return layout(true, typ, flags, off, addr, phys, size, mem, field{name: "alignment"})
	}
	return layout(false, typ, off, addr, phys, size, mem, flags, field{name: "alignment"})
}

// segmentMoved: a segment begins at a section of the same name, or its sections
// are compared at their own addresses.
func (e *elfPair) segmentMoved(x, y uint64) bool {
	if e.p.moved(x, y) {
		return true
	}
	for i := range e.a.sections {
		s := &e.a.sections[i]
		if t := e.b.section(s.name); t != nil && s.addr == x && t.addr == y {
			return true
		}
	}
	return false
}

// permissions writes flags as ls does.
func permissions(f elf.ProgFlag) string {
	out := []byte("---")
	for i, b := range []elf.ProgFlag{elf.PF_R, elf.PF_W, elf.PF_X} {
		if f&b != 0 {
			out[i] = "RWX"[i]
		}
	}
	if rest := f &^ (elf.PF_R | elf.PF_W | elf.PF_X); rest != 0 {
		return string(out) + "+" + hexNumber(uint64(rest))
	}
	return string(out)
}

func (e *elfPair) compareSegments(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	return e.entries(ctx, x, n, a, b, e.segmentFields, e.a.segmentSize(), func(f *elfFile, i int) string {
		if i < len(f.segments) {
			return f.segments[i].typ.String()
		}
		return ""
	})
}

// sectionFields are those of a pair of sections.
func (e *elfPair) sectionFields(i, j int) []field {
	name := field{name: "place of the name", n: 4, follows: always}
	size, off, addr := field{name: "size", follows: always}, field{name: "offset", follows: always}, field{name: "address", follows: always}
	if i < len(e.a.sections) && j < len(e.b.sections) {
		if !e.a.sections[i].hasBytes() || !e.b.sections[j].hasBytes() {
			off.follows = func(_, _ uint64) bool { return e.a.offsetFits(i) && e.b.offsetFits(j) }
			addr.follows = func(_, _ uint64) bool { return e.a.addressFits(i) && e.b.addressFits(j) }
		}
		switch e.a.sections[i].typ {
		case elf.SHT_NOBITS:
			size.follows = nil // there are no bytes that would show it
		case elf.SHT_NULL:
			name.follows, size.follows, off.follows, addr.follows = nil, nil, nil, nil
		default:
			if e.a.sections[i].flags&elf.SHF_ALLOC == 0 || e.p.distrust || !e.a.loads() || !e.b.loads() {
				addr.follows = nil
			}
		}
	}
	return layout(e.a.wide, name, field{name: "type", n: 4, show: func(v uint64) string { return elf.SectionType(v).String() }},
		field{name: "flags", show: func(v uint64) string { return elf.SectionFlag(v).String() }},
		addr, off, size,
		field{name: "link", n: 4, follows: e.sameSection}, field{name: "info", n: 4, follows: e.sectionInfo}, field{name: "alignment"}, field{name: "size of an entry"})
}

// sectionInfo: the number of local symbols, or of the section that is relocated.
func (e *elfPair) sectionInfo(x, y uint64) bool {
	return e.sameSection(x, y) || e.symbolCounts(x, y)
}

// symbolCounts reports numbers that the symbol tables explain, which are
// compared symbol by symbol: of the local ones, which come first.
func (e *elfPair) symbolCounts(x, y uint64) bool {
	for _, typ := range []elf.SectionType{elf.SHT_SYMTAB, elf.SHT_DYNSYM} {
		if ta, tb := e.a.symbolTable(typ), e.b.symbolTable(typ); ta != nil && tb != nil && e.a.localSymbols(ta) == x && e.b.localSymbols(tb) == y {
			return true
		}
	}
	return false
}

// localSymbols counts those that come first.
func (f *elfFile) localSymbols(t *section) (n uint64) {
	if n, ok := f.locals[t.typ]; ok {
		return n
	}
	err := f.eachSymbol(t, func(_ int, s elfSymbol) bool {
		if elf.ST_BIND(s.info) != elf.STB_LOCAL {
			return false
		}
		n++
		return true
	})
	if err != nil {
		n = 0
	}
	if f.locals == nil {
		f.locals = map[elf.SectionType]uint64{}
	}
	f.locals[t.typ] = n
	return n
}

func (e *elfPair) compareSections(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	return e.entries(ctx, x, n, a, b, e.sectionFields, e.a.sectionSize(), func(f *elfFile, i int) string {
		if i < len(f.sections) {
			return f.sections[i].name
		}
		return ""
	})
}

// entries compares two tables whose entries have names, paired by name in order.
func (e *elfPair) entries(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input, fields func(i, j int) []field, size uint64, name func(f *elfFile, i int) string) error {
	if e.a.wide != e.b.wide || e.a.bigEndian() != e.b.bigEndian() {
		return x.Binary(ctx, n, a, b)
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	keys := func(f *elfFile, p []byte) []uint64 {
		out := make([]uint64, uint64(len(p))/size)
		for i := range out {
			out[i] = hash(hashStart, []byte(name(f, i)))
		}
		return out
	}
	ka, kb := keys(e.a, pa), keys(e.b, pb)
	runs, err := alignTokens(ctx, ka, kb)
	if err != nil {
		return err
	}
	t := e.table()
	left := func(from, to int, f *elfFile, other string) string {
		var out []string
		for i := from; i < to; i++ {
			out = append(out, name(f, i))
		}
		return strings.Join(out, ", ")
	}
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(ka), b: len(kb)}) {
		if ia < r.a || ib < r.b {
			t.open = append(t.open, diff.Hunk{A: rangeOf(uint64(ia)*size, uint64(r.a-ia)*size), B: rangeOf(uint64(ib)*size, uint64(r.b-ib)*size)})
			t.reason("entries", left(ia, r.a, e.a, "B"), left(ib, r.b, e.b, "A"))
		}
		for k := range r.n {
			i, j := uint64(r.a+k)*size, uint64(r.b+k)*size
			if na, nb := name(e.a, r.a+k), name(e.b, r.b+k); na != nb {
				t.open = append(t.open, diff.Hunk{A: rangeOf(i, size), B: rangeOf(j, size)})
				t.reason("entry", na, nb)
				continue
			}
			t.entry(name(e.a, r.a+k)+" ", fields(r.a+k, r.b+k), pa[i:i+size], pb[j:j+size], i, j)
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
	if err := t.tail(a, b, uint64(len(ka))*size, uint64(len(kb))*size); err != nil {
		return err
	}
	t.finish(n, fields(len(ka), len(kb)))
	return nil
}
