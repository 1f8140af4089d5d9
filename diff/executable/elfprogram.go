package executable

import (
	"debug/elf"
	"fmt"
	"sync"

	"github.com/stagescope/stagescope/diff"
)

// program gives the file as the comparison of code sees it.
func (f *elfFile) program() *program {
	p := &program{in: f.in, order: f.order, entry: f.header.entry, machine: f.header.machine.String(), relaxed: f.header.typ == elf.ET_REL, fixed: f.header.typ == elf.ET_EXEC}
	var spans []diff.Range
	for _, s := range f.segments {
		if s.typ == elf.PT_LOAD && s.vaddr > 0xffff {
			spans = append(spans, diff.Range{Off: int64(s.vaddr), Len: int64(min(s.memSize, 1<<40))})
		}
	}
	var mapped func(uint64) bool
	if f.header.typ == elf.ET_EXEC {
		mapped = func(v uint64) bool {
			for _, s := range spans {
				if v >= uint64(s.Off) && v-uint64(s.Off) <= uint64(s.Len) {
					return true
				}
			}
			return false
		}
	}
	for _, s := range f.segments {
		if s.typ == elf.PT_DYNAMIC {
			p.dynamicAt = s.vaddr
		}
	}
	follow := &bases{}
	p.isa = f.isa(mapped, follow)
	if len(f.sections) > 0 {
		for i := range f.sections {
			if r, ok := f.sectionRegion(&f.sections[i]); ok {
				p.regions = append(p.regions, r)
			}
		}
		p.symbols = f.allSymbols
		if !p.relaxed {
			for _, t := range f.dynamicSection() {
				if t.tag == elf.DT_PLTGOT {
					p.slotsAt = t.val
				}
			}
			p.imports = sync.OnceValue(f.imports)
			p.table = f.functionTables()
			p.filled = sync.OnceValues(f.filledPlaces)
		}
		p.lengths = readGoTable(f) != nil
		p.bared = f.symbolTable(elf.SHT_SYMTAB) == nil
		p.listed = f.symbolTable(elf.SHT_SYMTAB) != nil || p.table != nil && (p.lengths || f.unwinds())
	} else {
		p.bare = true
		for i := range f.segments {
			p.regions = append(p.regions, f.segmentRegions(i)...)
		}
	}
	numberRegions(p.regions)
	if !p.bare && !p.relaxed {
		p.anchor = f.anchor(p)
		follow.p = p
	}
	return p
}

// unwinds reports whether compilers write, for this architecture, how to unwind the
// stack of every function, without being asked to.
func (f *elfFile) unwinds() bool {
	switch f.header.machine {
	case elf.EM_X86_64, elf.EM_386, elf.EM_AARCH64:
		return true
	}
	return false
}

// isa gives the instruction set; nil when it is not known here.
func (f *elfFile) isa(mapped func(uint64) bool, follow *bases) isa {
	switch f.header.machine {
	case elf.EM_X86_64:
		return x86{mode: 64, mapped: mapped, bound: f.bound()}
	case elf.EM_386:
		return x86{mode: 32, mapped: mapped, bound: f.bound()}
	case elf.EM_AARCH64:
		if !f.bigEndian() {
			return arm64{follow}
		}
	case elf.EM_RISCV:
		if f.wide {
			return riscv{follow}
		}
	case elf.EM_S390:
		if f.wide && f.bigEndian() {
			return s390x{}
		}
	case elf.EM_PPC64:
		return ppc64{f.order, mapped, follow}
	}
	return nil
}

func (f *elfFile) bigEndian() bool { return f.header.ident[elf.EI_DATA] == byte(elf.ELFDATA2MSB) }

// sectionRegion is what a section maps. What reaches beyond the file is not mapped.
func (f *elfFile) sectionRegion(s *section) (region, bool) {
	r := region{name: s.name, off: s.off, size: s.size, addr: s.addrInMem, exec: s.flags&elf.SHF_EXECINSTR != 0, write: s.flags&elf.SHF_WRITE != 0}
	if s.flags&elf.SHF_ALLOC == 0 || s.size == 0 || s.flags&elf.SHF_TLS != 0 && s.typ == elf.SHT_NOBITS {
		return r, false
	}
	if s.typ == elf.SHT_NOBITS {
		r.empty = true
		return r, f.header.typ != elf.ET_REL
	}
	return r, s.off <= uint64(f.in.Size) && s.size <= uint64(f.in.Size)-s.off
}

// segmentName is what a segment is called in the tree: its number among those
// that are loaded.
func (f *elfFile) segmentName(i int) string {
	n := 0
	for k := range i {
		if f.segments[k].typ == elf.PT_LOAD {
			n++
		}
	}
	return fmt.Sprintf("segment %d", n)
}

// segmentRegions is what a segment maps: its bytes without the file's header
// and the program headers, and the zeros after them.
func (f *elfFile) segmentRegions(i int) []region {
	s := f.segments[i]
	size := uint64(f.in.Size)
	if s.typ != elf.PT_LOAD {
		return nil
	}
	var out []region
	from, to := s.off, s.off+s.fileSize
	if from <= size && s.fileSize <= size-from {
		for _, h := range [][2]uint64{{0, f.headerSize()}, {f.header.phoff, f.header.phoff + uint64(len(f.segments))*f.segmentSize()}} {
			if from >= h[0] && from < h[1] {
				from = min(h[1], to)
			}
		}
		if to > from {
			out = append(out, region{name: f.segmentName(i), off: from, size: to - from, addr: s.vaddr + from - s.off, exec: s.flags&elf.PF_X != 0, write: s.flags&elf.PF_W != 0})
		}
	}
	if s.memSize > s.fileSize {
		out = append(out, region{name: f.segmentName(i) + " zeros", addr: s.vaddr + s.fileSize, size: s.memSize - s.fileSize, empty: true})
	}
	return out
}

// allSymbols calls back for the symbols of both tables.
func (f *elfFile) allSymbols(yield func(symbol) bool) error {
	for _, typ := range []elf.SectionType{elf.SHT_SYMTAB, elf.SHT_DYNSYM} {
		t := f.symbolTable(typ)
		if t == nil {
			continue
		}
		stop := false
		err := f.eachSymbol(t, func(_ int, s elfSymbol) bool {
			if !s.defined() || s.typ() == elf.STT_SECTION || s.typ() == elf.STT_FILE || s.typ() == elf.STT_TLS {
				return true
			}
			addr, ok := f.symbolAddr(s)
			if !ok {
				return true
			}
			code := s.typ() == elf.STT_FUNC || s.typ() == elf.STT_GNU_IFUNC || s.typ() == elf.STT_NOTYPE && f.inCode(s)
			stop = !yield(symbol{name: func() string { n, _ := f.symbolName(t, s); return n }, addr: addr, size: s.size, code: code})
			return !stop
		})
		if err != nil || stop {
			return err
		}
	}
	return nil
}

func (f *elfFile) inCode(s elfSymbol) bool {
	i := int(s.shndx)
	return i < len(f.sections) && f.sections[i].flags&elf.SHF_EXECINSTR != 0 && s.info&0xf == 0 && s.nameOff != 0
}

// symbolAddr is a symbol's address as regions have them.
func (f *elfFile) symbolAddr(s elfSymbol) (uint64, bool) {
	if f.header.typ != elf.ET_REL {
		return s.value, s.shndx != uint16(elf.SHN_ABS)
	}
	if int(s.shndx) >= len(f.sections) || s.shndx == 0 {
		return 0, false
	}
	return f.sections[s.shndx].addrInMem + s.value, true
}

// elfSymbol is an entry of a symbol table.
type elfSymbol struct {
	nameOff     uint32
	info, other byte
	shndx       uint16
	value, size uint64
}

func (s elfSymbol) typ() elf.SymType { return elf.ST_TYPE(s.info) }
func (s elfSymbol) defined() bool    { return s.shndx != uint16(elf.SHN_UNDEF) }

func (f *elfFile) symbolTable(typ elf.SectionType) *section {
	for i := range f.sections {
		if f.sections[i].typ == typ {
			return &f.sections[i]
		}
	}
	return nil
}

func (f *elfFile) symbolSize() uint64 {
	if f.wide {
		return 24
	}
	return 16
}

func (f *elfFile) parseSymbol(p []byte) elfSymbol {
	r := f.fields(p)
	var s elfSymbol
	s.nameOff = r.u32()
	if f.wide {
		b := r.take(2)
		s.info, s.other, s.shndx = b[0], b[1], r.u16()
		s.value, s.size = r.u64(), r.u64()
		return s
	}
	s.value, s.size = uint64(r.u32()), uint64(r.u32())
	b := r.take(2)
	s.info, s.other, s.shndx = b[0], b[1], r.u16()
	return s
}

// eachSymbol reads a table block by block.
func (f *elfFile) eachSymbol(t *section, yield func(i int, s elfSymbol) bool) error {
	return f.eachEntry(t, f.symbolSize(), func(i int, p []byte) bool { return yield(i, f.parseSymbol(p)) })
}

// eachEntry reads a table of entries of one size.
func (f *elfFile) eachEntry(t *section, size uint64, yield func(i int, p []byte) bool) error {
	const many = 4096
	if !t.hasBytes() {
		return nil
	}
	buf := make([]byte, many*size)
	for i, left := 0, t.size/size; left > 0; {
		n := min(left, many)
		off := t.off + uint64(i)*size
		if off > uint64(f.in.Size) || n*size > uint64(f.in.Size)-off {
			return bad("%q: its entry %d is not in the file", t.name, i)
		}
		if k, err := f.in.ReadAt(buf[:n*size], int64(off)); uint64(k) < n*size {
			return fmt.Errorf("reading %q: %w", t.name, err)
		}
		for k := range n {
			if !yield(i, buf[k*size:(k+1)*size]) {
				return nil
			}
			i++
		}
		left -= n
	}
	return nil
}

func (f *elfFile) symbolName(t *section, s elfSymbol) (string, bool) {
	if int(t.link) >= len(f.sections) || s.nameOff == 0 {
		return "", false
	}
	return f.stringAt(&f.sections[t.link], uint64(s.nameOff))
}
