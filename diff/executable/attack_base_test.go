package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// partsELF is a position independent program for a test, with names: functions, a
// table of contents and variables that can be written to.
type partsELF struct {
	machine   elf.Machine
	order     binary.ByteOrder
	functions []named // code
	variables []named
}

type named struct {
	name  string
	bytes []byte
}

// Where its sections lie, in memory and in the file.
const (
	partsText = 0x10000
	partsGOT  = 0x1f000
	partsData = 0x20000
)

// write gives the program's bytes.
func (p *partsELF) write() []byte {
	var text, data, syms, names bytes.Buffer
	put := func(w *bytes.Buffer, vs ...any) {
		for _, v := range vs {
			binary.Write(w, p.order, v)
		}
	}
	put(&syms, make([]byte, 24))
	names.WriteByte(0)
	add := func(list []named, to *bytes.Buffer, base uint64, section uint16, typ byte) {
		for _, x := range list {
			put(&syms, uint32(names.Len()), byte(1<<4)|typ, byte(0), section, base+uint64(to.Len()), uint64(len(x.bytes)))
			names.WriteString(x.name + "\x00")
			to.Write(x.bytes)
		}
	}
	add(p.functions, &text, partsText, 1, byte(elf.STT_FUNC))
	add(p.variables, &data, partsData, 3, byte(elf.STT_OBJECT))
	titles := "\x00.text\x00.got\x00.data\x00.symtab\x00.strtab\x00.shstrtab\x00"
	out := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...)
	if p.order == binary.ByteOrder(binary.BigEndian) {
		out[5] = 2
	}
	type part struct {
		name             string
		typ              elf.SectionType
		flags            elf.SectionFlag
		addr             uint64
		bytes            []byte
		link, info       uint32
		align, entrySize uint64
	}
	var heads bytes.Buffer
	put(&heads, make([]byte, 64))
	for _, s := range []part{
		{".text", elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_EXECINSTR, partsText, text.Bytes(), 0, 0, 16, 0},
		{".got", elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_WRITE, partsGOT, make([]byte, 16), 0, 0, 16, 0},
		{".data", elf.SHT_PROGBITS, elf.SHF_ALLOC | elf.SHF_WRITE, partsData, data.Bytes(), 0, 0, 16, 0},
		{".symtab", elf.SHT_SYMTAB, 0, 0, syms.Bytes(), 5, 1, 8, 24},
		{".strtab", elf.SHT_STRTAB, 0, 0, names.Bytes(), 0, 0, 1, 0},
		{".shstrtab", elf.SHT_STRTAB, 0, 0, []byte(titles), 0, 0, 1, 0},
	} {
		out = append(out, make([]byte, -len(out)&15)...)
		put(&heads, uint32(strings.Index(titles, s.name+"\x00")), s.typ, uint64(s.flags), s.addr, uint64(len(out)), uint64(len(s.bytes)), s.link, s.info, s.align, s.entrySize)
		out = append(out, s.bytes...)
	}
	out = append(out, make([]byte, -len(out)&15)...)
	var head bytes.Buffer
	put(&head, elf.ET_DYN, p.machine, uint32(1), uint64(partsText), uint64(0), uint64(len(out)), uint32(0), uint16(64), uint16(56), uint16(0), uint16(64), uint16(7), uint16(6))
	copy(out[16:], head.Bytes())
	return append(out, heads.Bytes()...)
}

// storing is how an architecture writes to a variable.
type storing struct {
	name    string
	machine elf.Machine
	order   binary.ByteOrder
	// store gives a function that writes to what lies at an address; begin what the
	// program begins with.
	store func(pc, to uint64) []byte
	begin func(pc uint64) []byte
}

func words(o binary.AppendByteOrder, ws ...uint32) (out []byte) {
	for _, w := range ws {
		out = o.AppendUint32(out, w)
	}
	return out
}

// riscvSplit cuts a distance into what auipc and the instruction after it add.
func riscvSplit(d uint64) (hi, lo uint32) {
	hi = uint32(d+0x800) &^ 0xfff
	return hi, uint32(d) - hi
}

func riscvStore(lo, base uint32) uint32 {
	return lo>>5&0x7f<<25 | 10<<20 | base<<15 | 2<<12 | lo&31<<7 | 0x23
}

var storingTests = []storing{
	{name: "arm64, adrp and str apart", machine: elf.EM_AARCH64, order: binary.LittleEndian, store: func(pc, to uint64) []byte {
		d := uint32((to&^0xfff - pc&^0xfff) >> 12)
		return words(binary.LittleEndian, 0x90000001|d&3<<29|d>>2&0x7ffff<<5, 0x52800022, 0xb9000022|uint32(to&0xfff)>>2<<10, 0xd65f03c0)
	}},
	{name: "arm64, in another block", machine: elf.EM_AARCH64, order: binary.LittleEndian, store: func(pc, to uint64) []byte {
		d := uint32((to&^0xfff - pc&^0xfff) >> 12)
		// adrp x1; cbz w0, to the next but one; mov w2, #1; str w2, [x1]
		return words(binary.LittleEndian, 0x90000001|d&3<<29|d>>2&0x7ffff<<5, 0x34000040, 0x52800022, 0xb9000022|uint32(to&0xfff)>>2<<10, 0xd65f03c0)
	}},
	{name: "riscv64, auipc and sw apart", machine: elf.EM_RISCV, order: binary.LittleEndian, store: func(pc, to uint64) []byte {
		hi, lo := riscvSplit(to - pc)
		return words(binary.LittleEndian, hi|15<<7|0x17, 0x00100513, riscvStore(lo, 15), 0x00008067)
	}},
	{name: "riscv64, by the global pointer", machine: elf.EM_RISCV, order: binary.LittleEndian, store: func(_, to uint64) []byte {
		return words(binary.LittleEndian, 0x00100513, riscvStore(uint32(to-partsData-0x800), 3), 0x00008067)
	}, begin: func(pc uint64) []byte {
		hi, lo := riscvSplit(partsData + 0x800 - pc)
		return words(binary.LittleEndian, hi|0x197, lo<<20|0x18193, 0x00008067)
	}},
	{name: "ppc64le, addis and stw apart", machine: elf.EM_PPC64, order: binary.LittleEndian, store: func(_, to uint64) []byte {
		d := to - partsGOT - 0x8000
		return words(binary.LittleEndian, 15<<26|9<<21|2<<16|uint32(d+0x8000)>>16, 0x39400001, 36<<26|10<<21|9<<16|uint32(d)&0xffff, 0x4e800020)
	}},
	{name: "ppc64le, by the table of contents", machine: elf.EM_PPC64, order: binary.LittleEndian, store: func(_, to uint64) []byte {
		return words(binary.LittleEndian, 0x39400001, 36<<26|10<<21|2<<16|uint32(to-partsGOT-0x8000)&0xffff, 0x4e800020)
	}},
	{name: "s390x, strl", machine: elf.EM_S390, order: binary.BigEndian, store: func(pc, to uint64) []byte {
		return append(words(binary.BigEndian, 0xc42f0000|uint32(to-pc)>>17, uint32(to-pc)>>1<<16|0x07fe), 0x07, 0x07)
	}},
}

// program puts functions that write to one variable each together; those of the map
// write to another than the one of their own name. new puts a function and a variable
// in front.
func (s storing) program(variables []string, instead map[string]string, more bool) []byte {
	p := partsELF{machine: s.machine, order: s.order}
	at := map[string]uint64{}
	if more {
		p.variables = append(p.variables, named{"more", make([]byte, 8)})
	}
	for _, v := range variables {
		at[v] = partsData + 8*uint64(len(p.variables))
		p.variables = append(p.variables, named{v, append(make([]byte, 7), byte(len(v)))})
	}
	pc := uint64(partsText)
	put := func(name string, code []byte) {
		p.functions = append(p.functions, named{name, code})
		pc += uint64(len(code))
	}
	if s.begin != nil {
		put("start", s.begin(pc))
	}
	if more {
		put("set_more", s.store(pc, partsData))
	}
	for _, v := range []string{"first", "safe", "bypass", "last"} {
		to := v
		if instead[v] != "" {
			to = instead[v]
		}
		put("set_"+v, s.store(pc, at[to]))
	}
	return p.write()
}

// TestAddressesInParts changes where instructions of which one alone does not say
// what it means write to: it is said, and what only moved is not.
func TestAddressesInParts(t *testing.T) {
	order := []string{"first", "safe", "bypass", "last"}
	for _, s := range storingTests {
		t.Run(s.name, func(t *testing.T) {
			a := s.program(order, nil, false)
			about := func(n *diff.Node, words ...string) bool {
				return slices.ContainsFunc(codeSaid(n), func(s string) bool {
					return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(s, w) })
				})
			}
			if n := compareFiles(t, a, s.program(order, nil, true)); about(n, "set_safe") || about(n, "set_bypass") || about(n, "set_last") {
				t.Errorf("what only moved is said:\n%s", sketch(n, ""))
			}
			if n := compareFiles(t, a, s.program(order, map[string]string{"safe": "bypass"}, true)); !about(n, "set_safe", "bypass") || about(n, "set_last") {
				t.Errorf("it is not said that set_safe writes to bypass:\n%s", sketch(n, ""))
			}
			// A variable is put in, and the code stays as it was.
			stays := map[string]string{"safe": "put in", "bypass": "safe", "last": "bypass"}
			if n := compareFiles(t, a, s.program([]string{"first", "put in", "safe", "bypass", "last"}, stays, false)); !about(n, "set_safe", "equal on both sides", "put in") {
				t.Errorf("it is not said that code that is equal writes to another variable:\n%s", sketch(n, ""))
			}
			// Two variables change places, and the code does not.
			swapped := []string{"first", "bypass", "safe", "last"}
			same := map[string]string{"safe": "bypass", "bypass": "safe"}
			if n := compareFiles(t, a, s.program(swapped, same, true)); !about(n, "set_safe", "bypass") {
				t.Errorf("among what moved, it is not said that set_safe writes to bypass:\n%s", sketch(n, ""))
			}
		})
	}
}
