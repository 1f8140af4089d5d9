package executable

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/stagescope/stagescope/diff"
)

// Bounds of what a file may claim about itself.
const (
	maxSegments = 1 << 12
	maxSections = 1 << 17
	maxName     = 1 << 10 // bytes of a section's or symbol's name
	// overlapTimes is how often a file's bytes may lie in sections.
	overlapTimes = 4
)

// elfFile is one side's ELF file: its header and its two tables. Nothing else of
// it is held in memory.
type elfFile struct {
	in    *diff.Input
	order binary.ByteOrder
	wide  bool // 64 bits

	header   elfHeader
	segments []segment
	sections []section
	notes    []string                   // what is odd about it
	locals   map[elf.SectionType]uint64 // how many symbols of a table are local, once that was asked

	versions  func() *versions // of its dynamic symbols
	versioned func() versioned // names of which the version has to be said; nil for none
}

// elfHeader is the file's header, in its order.
type elfHeader struct {
	ident     [16]byte
	typ       elf.Type
	machine   elf.Machine
	version   uint32
	entry     uint64
	phoff     uint64
	shoff     uint64
	flags     uint32
	size      uint16
	phentsize uint16
	phnum     int
	shentsize uint16
	shnum     int
	shstrndx  int
}

// segment is an entry of the program header table.
type segment struct {
	typ                                        elf.ProgType
	flags                                      elf.ProgFlag
	off, vaddr, paddr, fileSize, memSize, algn uint64
}

// section is an entry of the section header table.
type section struct {
	name      string
	nameOff   uint32
	typ       elf.SectionType
	flags     elf.SectionFlag
	addr, off uint64
	size      uint64
	link      uint32
	info      uint32
	algn      uint64
	entSize   uint64
	addrInMem uint64 // addr, or where it is put for this comparison when the file is not linked yet
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{diff.ErrFormat}, args...)...)
}

// readAt reads n bytes, all of them.
func readAt(in *diff.Input, off, n uint64) ([]byte, error) {
	if off > uint64(in.Size) || n > uint64(in.Size)-off {
		return nil, bad("bytes %d+%d of %d", off, n, in.Size)
	}
	p := make([]byte, n)
	if k, err := in.ReadAt(p, int64(off)); k < len(p) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("reading %q at offset %d: %w", in.Name, off, err)
	}
	return p, nil
}

// openELF reads the header and both tables. A table that is not in the file is
// left out, and a note says so.
func openELF(in *diff.Input) (*elfFile, error) {
	f := &elfFile{in: in}
	f.versions = sync.OnceValue(f.readVersions)
	p, err := readAt(in, 0, uint64(min(in.Size, 64)))
	if err != nil {
		return nil, err
	}
	if len(p) < 52 || string(p[:4]) != elf.ELFMAG {
		return nil, bad("a header of %d bytes", len(p))
	}
	switch elf.Class(p[4]) {
	case elf.ELFCLASS64:
		f.wide = true
	case elf.ELFCLASS32:
	default:
		return nil, bad("class %d", p[4])
	}
	switch elf.Data(p[5]) {
	case elf.ELFDATA2LSB:
		f.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		f.order = binary.BigEndian
	default:
		return nil, bad("byte order %d", p[5])
	}
	if f.wide && len(p) < 64 {
		return nil, bad("a header of %d bytes", len(p))
	}
	f.readHeader(p)
	if err := f.readSegments(); err != nil {
		f.notes = append(f.notes, "its program headers are not read: "+err.Error())
		f.segments = nil
	}
	if err := f.readSections(); err != nil {
		f.notes = append(f.notes, "its section headers are not read: "+err.Error())
		f.sections = nil
	}
	return f, f.overlap()
}

// fields reads numbers one after the other.
type fields struct {
	p     []byte
	order binary.ByteOrder
	wide  bool
}

func (r *fields) take(n int) []byte {
	p := r.p[:n]
	r.p = r.p[n:]
	return p
}
func (r *fields) u16() uint16 { return r.order.Uint16(r.take(2)) }
func (r *fields) u32() uint32 { return r.order.Uint32(r.take(4)) }
func (r *fields) u64() uint64 { return r.order.Uint64(r.take(8)) }

// word is as wide as an address.
func (r *fields) word() uint64 {
	if r.wide {
		return r.u64()
	}
	return uint64(r.u32())
}

func (f *elfFile) fields(p []byte) *fields { return &fields{p, f.order, f.wide} }

func (f *elfFile) readHeader(p []byte) {
	h := &f.header
	copy(h.ident[:], p)
	r := f.fields(p[16:])
	h.typ, h.machine, h.version = elf.Type(r.u16()), elf.Machine(r.u16()), r.u32()
	h.entry, h.phoff, h.shoff = r.word(), r.word(), r.word()
	h.flags, h.size, h.phentsize = r.u32(), r.u16(), r.u16()
	h.phnum, h.shentsize = int(r.u16()), r.u16()
	h.shnum, h.shstrndx = int(r.u16()), int(r.u16())
}

func (f *elfFile) headerSize() uint64 {
	if f.wide {
		return 64
	}
	return 52
}

func (f *elfFile) segmentSize() uint64 {
	if f.wide {
		return 56
	}
	return 32
}

func (f *elfFile) sectionSize() uint64 {
	if f.wide {
		return 64
	}
	return 40
}

func (f *elfFile) readSegments() error {
	h := &f.header
	if h.phnum == 0 {
		return nil
	}
	if h.phnum > maxSegments {
		return bad("there are %d", h.phnum)
	}
	if uint64(h.phentsize) != f.segmentSize() {
		return bad("an entry of %d bytes", h.phentsize)
	}
	p, err := readAt(f.in, h.phoff, uint64(h.phnum)*f.segmentSize())
	if err != nil {
		return err
	}
	for range h.phnum {
		r := f.fields(p)
		var s segment
		s.typ = elf.ProgType(r.u32())
		if f.wide {
			s.flags = elf.ProgFlag(r.u32())
		}
		s.off, s.vaddr, s.paddr, s.fileSize, s.memSize = r.word(), r.word(), r.word(), r.word(), r.word()
		if !f.wide {
			s.flags = elf.ProgFlag(r.u32())
		}
		s.algn = r.word()
		f.segments = append(f.segments, s)
		p = p[f.segmentSize():]
	}
	return nil
}

func (f *elfFile) readSections() error {
	h := &f.header
	if h.shoff == 0 {
		return nil
	}
	if uint64(h.shentsize) != f.sectionSize() {
		return bad("an entry of %d bytes", h.shentsize)
	}
	if h.shnum == 0 || h.shstrndx == int(elf.SHN_XINDEX) {
		// The first entry holds what the header has no room for.
		p, err := readAt(f.in, h.shoff, f.sectionSize())
		if err != nil {
			return err
		}
		s := f.parseSection(p)
		if h.shnum == 0 {
			h.shnum = int(min(s.size, maxSections+1))
		}
		if h.shstrndx == int(elf.SHN_XINDEX) {
			h.shstrndx = int(s.link)
		}
	}
	if h.shnum > maxSections {
		return bad("there are over %d", maxSections)
	}
	p, err := readAt(f.in, h.shoff, uint64(h.shnum)*f.sectionSize())
	if err != nil {
		return err
	}
	for range h.shnum {
		f.sections = append(f.sections, f.parseSection(p))
		p = p[f.sectionSize():]
	}
	f.nameSections()
	return nil
}

func (f *elfFile) parseSection(p []byte) section {
	r := f.fields(p)
	var s section
	s.nameOff, s.typ, s.flags = r.u32(), elf.SectionType(r.u32()), elf.SectionFlag(r.word())
	s.addr, s.off, s.size = r.word(), r.word(), r.word()
	s.link, s.info = r.u32(), r.u32()
	s.algn, s.entSize = r.word(), r.word()
	return s
}

// nameSections reads the sections' names. One that is not in the table of
// strings has its number for a name.
func (f *elfFile) nameSections() {
	i := f.header.shstrndx
	for k := range f.sections {
		s := &f.sections[k]
		s.name = fmt.Sprintf("section %d", k)
		if i > 0 && i < len(f.sections) {
			if n, ok := f.stringAt(&f.sections[i], uint64(s.nameOff)); ok && n != "" {
				s.name = n
			}
		}
		s.addrInMem = s.addr
		if f.header.typ == elf.ET_REL {
			s.addrInMem = s.off
		}
	}
}

// stringAt reads a string of a table, cut at maxName bytes.
func (f *elfFile) stringAt(table *section, off uint64) (string, bool) {
	if table.typ == elf.SHT_NOBITS || off >= table.size || table.off > uint64(f.in.Size) || off > uint64(f.in.Size)-table.off {
		return "", false
	}
	return stringIn(f.in, table.off+off, min(table.size-off, uint64(f.in.Size)-table.off))
}

// stringIn reads up to a zero byte.
func stringIn(in *diff.Input, off, most uint64) (string, bool) {
	var buf [maxName]byte
	if off >= uint64(in.Size) {
		return "", false
	}
	for n := uint64(64); ; n = maxName {
		p := buf[:min(n, most, uint64(in.Size)-off)]
		if k, _ := in.ReadAt(p, int64(off)); k < len(p) {
			return "", false
		}
		for i, c := range p {
			if c == 0 {
				return string(p[:i]), true
			}
		}
		if uint64(len(p)) < n || n == maxName {
			return string(p), true
		}
	}
}

// hasBytes reports whether a section has bytes in the file.
func (s *section) hasBytes() bool {
	return s.typ != elf.SHT_NOBITS && s.typ != elf.SHT_NULL && s.size > 0
}

// overlap refuses a file whose sections would have its bytes compared many
// times over.
func (f *elfFile) overlap() error {
	size := uint64(f.in.Size)
	var sum uint64
	for i := range f.sections {
		if f.sections[i].hasBytes() {
			sum += min(f.sections[i].size, size)
		}
	}
	if len(f.sections) == 0 {
		for _, s := range f.segments {
			sum += min(s.fileSize, size)
		}
	}
	if sum > overlapTimes*size+1<<20 {
		return bad("its sections overlap: together they have %d bytes, and the file %d", sum, size)
	}
	return nil
}

// section finds one by its name.
func (f *elfFile) section(name string) *section {
	for i := range f.sections {
		if f.sections[i].name == name {
			return &f.sections[i]
		}
	}
	return nil
}
