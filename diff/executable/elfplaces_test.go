package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// zeroed is a program of data, memory of zeros behind it, and a symbol for each of
// the two sections. What is given is added to what a linker writes.
func zeroed(data string, addr, off uint64, name uint32) []byte {
	const base, at = 0x400000, 64 + 56
	names, strs := "\x00.data\x00.bss\x00.symtab\x00.strtab\x00.shstrtab\x00", "\x00other\x00"
	padded := data + string(make([]byte, -len(data)&7))
	end := uint64(at + len(padded))
	symbol := func(name uint32, shndx uint16, value uint64) []byte {
		return le(name, byte(elf.STT_SECTION), byte(0), shndx, value, uint64(0))
	}
	body := padded + string(bytes.Join([][]byte{symbol(0, 0, 0), symbol(0, 1, base+at), symbol(name, 2, base+end)}, nil)) + strs + names
	body += string(make([]byte, -len(body)&7))
	out := le("\x7fELF\x02\x01\x01", make([]byte, 9), uint16(2), uint16(62), uint32(1), uint64(0), uint64(64), uint64(at+len(body)), uint32(0), uint16(64), uint16(56), uint16(1), uint16(64), uint16(6), uint16(5))
	out = append(out, le(uint32(1), uint32(6), uint64(0), uint64(base), uint64(base), end, end+0x100, uint64(4096))...)
	out = append(out, body...)
	header := func(name uint32, typ elf.SectionType, flags elf.SectionFlag, addr, off, size uint64, link, info uint32, align, entry uint64) {
		out = append(out, le(name, uint32(typ), uint64(flags), addr, off, size, link, info, align, entry)...)
	}
	header(0, elf.SHT_NULL, 0, 0, 0, 0, 0, 0, 0, 0)
	header(1, elf.SHT_PROGBITS, elf.SHF_ALLOC|elf.SHF_WRITE, base+at, at, uint64(len(data)), 0, 0, 8, 0)
	header(7, elf.SHT_NOBITS, elf.SHF_ALLOC|elf.SHF_WRITE, base+end+addr, end+off, 0x20, 0, 0, 8, 0)
	header(12, elf.SHT_SYMTAB, 0, 0, end, 72, 4, 3, 8, 24)
	header(20, elf.SHT_STRTAB, 0, 0, end+72, uint64(len(strs)), 0, 0, 1, 0)
	header(28, elf.SHT_STRTAB, 0, 0, end+72+uint64(len(strs)), uint64(len(names)), 0, 0, 1, 0)
	return out
}

// twoSegments is a program with a second segment, of which no section has bytes.
func twoSegments(typ elf.ProgType) []byte {
	p := zeroed("on 2026", 0, 0, 0)
	const head = 64 + 56
	put := binary.LittleEndian.PutUint64
	second := le(uint32(typ), uint32(6), uint64(0), uint64(0), uint64(0), uint64(0), uint64(0), uint64(16))
	out := append(append(bytes.Clone(p[:head]), second...), p[head:]...)
	sections := int(binary.LittleEndian.Uint64(p[40:])) + len(second)
	put(out[40:], uint64(sections))
	out[56] = 2
	for at := sections + 64; at < len(out); at += 64 {
		put(out[at+24:], binary.LittleEndian.Uint64(out[at+24:])+uint64(len(second)))
		if addr := binary.LittleEndian.Uint64(out[at+16:]); addr > 0 {
			put(out[at+16:], addr+uint64(len(second)))
		}
	}
	for _, at := range []int{64 + 32, 64 + 40} { // what the first maps
		put(out[at:], binary.LittleEndian.Uint64(out[at:])+uint64(len(second)))
	}
	return out
}

// TestPlaces changes places that nothing shows: they follow from what moved only
// where something did.
func TestPlaces(t *testing.T) {
	a := zeroed("on 2026", 0, 0, 0)
	for what, b := range map[string][]byte{
		"an address beside the alignment":     zeroed("on 2026", 3, 0, 0),
		"an address beyond the segment":       zeroed("on 2026", 0x100, 0, 0),
		"an address in what is mapped":        zeroed("on 2026", ^uint64(7), 0, 0),
		"an offset beside the end":            zeroed("on 2026", 0, 16, 0),
		"a symbol of a section with a name":   zeroed("on 2026", 0, 0, 1),
		"a symbol of a section with no name":  zeroed("on 2026", 0, 0, 99),
		"an address, beside what moved of it": zeroed("on 2026, or some day later", 0x100, 0, 0),
	} {
		if n := compareFiles(t, a, b); n.Status != diff.Differs || n.Residue != diff.ResidueKnown {
			t.Errorf("%s: %s, residue %s\n%s", what, n.Status, n.Residue, sketch(n, ""))
		}
	}
	// Sizes in memory that no section shows, and places of segments that hold none.
	const second = 64 + 56
	for what, c := range map[string]struct {
		typ    elf.ProgType
		at     int // of the field in the header
		change uint64
	}{
		"the size of the stack":           {elf.PT_GNU_STACK, 40, 1 << 20},
		"the memory of threads":           {elf.PT_TLS, 40, 4096},
		"memory of a note":                {elf.PT_NOTE, 40, 8},
		"the place of an empty segment":   {elf.PT_NOTE, 8, 32},
		"the size of a segment of no one": {elf.PT_NOTE, 32, 8},
	} {
		p := twoSegments(c.typ)
		q := bytes.Clone(p)
		binary.LittleEndian.PutUint64(q[second+c.at:], binary.LittleEndian.Uint64(q[second+c.at:])+c.change)
		if n := compareFiles(t, p, q); n.Status != diff.Differs || n.Residue != diff.ResidueKnown {
			t.Errorf("%s: %s, residue %s\n%s", what, n.Status, n.Residue, sketch(n, ""))
		}
	}
	count := bytes.Clone(a)
	at := shoff(a) + 3*64 + 44 // where the table of symbols says how many are local
	binary.LittleEndian.PutUint32(count[at:], 2)
	if n := compareFiles(t, a, count); n.Residue != diff.ResidueKnown {
		t.Errorf("the number of local symbols: %s", sketch(n, ""))
	}
	n := compareFiles(t, a, zeroed("on 2026, or some day later", 0, 0, 0))
	if h := child(t, n, "section headers"); h.Residue != diff.ResidueNone {
		t.Errorf("what moved with data that grew is not seen to: %s", sketch(n, ""))
	}
}
