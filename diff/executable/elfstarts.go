package executable

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// functionTables gives what calls back for the functions that the file's own
// tables have, whether or not it has symbols: that of stack unwinding, and that
// of Go's run time. It is nil when there are none.
func (f *elfFile) functionTables() func(yield func(addr uint64, name func() string) bool) {
	unwind := f.unwindTable()
	lines := readGoTable(f)
	if unwind == nil && lines == nil {
		return nil
	}
	none := func() string { return "" }
	return func(yield func(uint64, func() string) bool) {
		if unwind != nil {
			for i := range unwind.n {
				if !yield(unwind.begin(i), none) {
					return
				}
			}
		}
		if lines != nil {
			lines.functions(yield)
		}
	}
}

// unwindTable is the sorted table in .eh_frame_hdr: two words of four bytes for
// each function, counted from where the section begins.
type unwindTable struct {
	base  uint64
	order binary.ByteOrder
	p     []byte
	n     int
}

// What the section's encodings have to be: those that linkers write.
const (
	unwindVersion = 1
	unwindCount   = 0x03 // four bytes, without sign
	unwindEntry   = 0x3b // four bytes, with sign, from the section on
	unwindHead    = 12
)

func (f *elfFile) unwindTable() *unwindTable {
	s := f.section(".eh_frame_hdr")
	if s == nil || !s.hasBytes() || s.size < unwindHead || s.size > maxTable {
		return nil
	}
	p, err := readAt(f.in, s.off, s.size)
	if err != nil || p[0] != unwindVersion || p[2] != unwindCount || p[3] != unwindEntry {
		return nil
	}
	n := uint64(f.order.Uint32(p[8:]))
	if n > (s.size-unwindHead)/8 {
		return nil
	}
	return &unwindTable{s.addrInMem, f.order, p[unwindHead:], int(n)}
}

func (t *unwindTable) begin(i int) uint64 {
	return fromStart(t.p[8*i:8*i+4], t.order, 0, t.base)
}

// maxFilled bounds what the loader writes that is known.
const maxFilled = 1 << 21

// filledPlaces gives what the loader writes, by address.
func (f *elfFile) filledPlaces() ([]filled, bool) {
	var out []filled
	for i := range f.sections {
		t := &f.sections[i]
		if t.flags&elf.SHF_ALLOC == 0 {
			continue
		}
		switch t.typ {
		case shtRelr:
			out = append(out, f.packed(t)...)
			continue
		case elf.SHT_RELA, elf.SHT_REL:
		default:
			continue
		}
		rs, err := f.relocations(t)
		if err != nil || len(out)+len(rs) > maxFilled {
			return nil, false
		}
		for _, r := range rs {
			v := filled{at: r.off, target: r.target, sym: r.sym, key: hash(hashNumber(hashStart, uint64(r.typ)), []byte(r.sym))}
			switch {
			case r.sym == "" && !r.has:
				v.target, _ = f.wordAt(r.off) // what is added to is there
			case r.sym != "" && r.target == 0:
				v.key = hashNumber(v.key, r.addend)
			}
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(x, y filled) int { return cmp.Compare(x.at, y.at) })
	return out, true
}

// shtRelr is a table of relocations of addresses that lie close together.
const shtRelr = elf.SectionType(19)

// packed reads such a table: an even word is a place, an odd one says which of the
// words after the last place are places too.
func (f *elfFile) packed(t *section) (out []filled) {
	size, bits := uint64(4), uint64(31)
	if f.wide {
		size, bits = 8, 63
	}
	next := uint64(0)
	put := func(at uint64) {
		v := filled{at: at, key: hashNumber(hashStart, uint64(shtRelr))}
		v.target, _ = f.wordAt(at)
		out = append(out, v)
	}
	f.eachEntry(t, size, func(_ int, p []byte) bool {
		w := word(f.order, p[:size])
		if w&1 == 0 {
			put(w)
			next = w + size
			return len(out) < maxFilled
		}
		for i := range bits {
			if w>>(i+1)&1 != 0 {
				put(next + i*size)
			}
		}
		next += bits * size
		return len(out) < maxFilled
	})
	return out
}

// wordAt reads a word as wide as an address, by the address that it is loaded at.
func (f *elfFile) wordAt(addr uint64) (uint64, bool) {
	size := uint64(4)
	if f.wide {
		size = 8
	}
	for i := range f.sections {
		s := &f.sections[i]
		if s.hasBytes() && s.flags&elf.SHF_ALLOC != 0 && addr >= s.addrInMem && addr-s.addrInMem < s.size && size <= s.size-(addr-s.addrInMem) {
			if p, err := readAt(f.in, s.off+addr-s.addrInMem, size); err == nil {
				return word(f.order, p), true
			}
		}
	}
	return 0, false
}

// goTable is the part of .gopclntab that says where functions begin.
type goTable struct {
	in       *diff.Input
	order    binary.ByteOrder
	text     uint64 // the address that offsets of code are counted from
	off      uint64 // of the section in the file
	size     uint64
	names    uint64 // offsets in the section
	funcs    uint64
	n        uint64
	pointers uint64 // bytes of a pointer
}

// goMagic is the table's magic number since Go 1.20.
const goMagic = 0xfffffff1

// readGoTable reads the table's head; it gives nil when there is none, or one of
// another version.
func readGoTable(f *elfFile) *goTable {
	s := f.section(".gopclntab")
	if s == nil {
		s = f.section(".data.rel.ro.gopclntab")
	}
	if s == nil || !s.hasBytes() {
		return nil
	}
	p, err := readAt(f.in, s.off, min(s.size, 8+8*8))
	if err != nil || len(p) < 8 || f.order.Uint32(p) != goMagic || p[7] != 4 && p[7] != 8 {
		return nil
	}
	t := &goTable{in: f.in, order: f.order, off: s.off, size: s.size, pointers: uint64(p[7])}
	if uint64(len(p)) < 8+8*t.pointers {
		return nil
	}
	word := func(i uint64) uint64 { return word(f.order, p[8+i*t.pointers:8+(i+1)*t.pointers]) }
	t.n, t.text, t.names, t.funcs = word(0), word(2), word(3), word(7)
	if text := f.section(".text"); t.text == 0 && text != nil {
		t.text = text.addr // position-independent programs and Go since 1.26 leave it out
	}
	if t.funcs > t.size || t.n > (t.size-t.funcs)/8 || t.names > t.size {
		return nil
	}
	return t
}

// functions calls back for every function of the table.
func (t *goTable) functions(yield func(addr uint64, name func() string) bool) {
	const block = 4096
	for i := uint64(0); i < t.n; i += block {
		k := min(block, t.n-i)
		p, err := readAt(t.in, t.off+t.funcs+8*i, 8*k)
		if err != nil {
			return
		}
		for ; len(p) > 0; p = p[8:] {
			entry, at := t.order.Uint32(p), uint64(t.order.Uint32(p[4:]))
			if !yield(t.text+uint64(entry), func() string { return t.name(at) }) {
				return
			}
		}
	}
}

// name reads the name of the function whose record lies at an offset of the table.
func (t *goTable) name(at uint64) string {
	if at > t.size-t.funcs || t.size-t.funcs-at < 8 {
		return ""
	}
	p, err := readAt(t.in, t.off+t.funcs+at+4, 4)
	if err != nil {
		return ""
	}
	off := t.names + uint64(t.order.Uint32(p))
	if off >= t.size {
		return ""
	}
	s, _ := stringIn(t.in, t.off+off, t.size-off)
	return s
}
