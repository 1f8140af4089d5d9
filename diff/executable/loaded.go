package executable

import (
	"debug/elf"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// Loaded gives the ranges of an ELF file that are put into memory when it is run or
// linked in: what its program headers say, and, for files that are loaded by their
// sections, such as modules of Linux, what these say. A section's name says nothing
// of it.
func Loaded(in *diff.Input) ([]diff.Range, error) {
	f, err := openELF(in)
	if err != nil {
		return nil, err
	}
	var out []diff.Range
	for _, s := range f.segments {
		if s.fileSize > 0 && (s.typ == elf.PT_LOAD || s.typ == elf.PT_INTERP || s.typ == elf.PT_DYNAMIC) {
			out = append(out, rangeOf(s.off, s.fileSize))
		}
	}
	for i := range f.sections {
		if s := &f.sections[i]; s.hasBytes() && s.flags&elf.SHF_ALLOC != 0 {
			out = append(out, rangeOf(s.off, s.size))
		}
	}
	return out, nil
}

// loads reports whether program headers say what is loaded.
func (f *elfFile) loads() bool {
	return slices.ContainsFunc(f.segments, func(s segment) bool { return s.typ == elf.PT_LOAD })
}

// misplaced names a section that is loaded at another address, or from another
// place, than its header says; "" when none is. Then what lies at an address is not
// what the sections show. Files without program headers are not loaded by them.
func (f *elfFile) misplaced() string {
	if !f.loads() || f.header.typ == elf.ET_REL {
		return ""
	}
	for k := range f.sections {
		s := &f.sections[k]
		if !s.hasBytes() || s.flags&elf.SHF_ALLOC == 0 {
			continue
		}
		fits := false
		for i := range f.segments {
			g := &f.segments[i]
			fits = fits || g.typ == elf.PT_LOAD && s.off >= g.off && s.off-g.off <= g.fileSize && s.size <= g.fileSize-(s.off-g.off) && s.addr-g.vaddr == s.off-g.off
		}
		if !fits {
			return s.name
		}
	}
	return ""
}

// segmentFits gives the names of the sections that lie in a segment; false when
// one of them lies there at another address than its header says, so that the
// segment maps other bytes than the sections show.
func (f *elfFile) segmentFits(i int) (names []string, ok bool) {
	g := &f.segments[i]
	within := func(at, size, from, length uint64) bool {
		return at >= from && at-from <= length && size <= length-(at-from)
	}
	for k := range f.sections {
		s := &f.sections[k]
		if !s.hasBytes() || s.flags&elf.SHF_ALLOC == 0 {
			continue
		}
		byFile, byAddr := within(s.off, s.size, g.off, g.fileSize), within(s.addr, s.size, g.vaddr, g.fileSize)
		if byFile != byAddr || byFile && s.off-g.off != s.addr-g.vaddr {
			return nil, false
		}
		if byFile {
			names = append(names, s.name)
		}
	}
	return names, true
}

// sameSections reports whether two segments map sections of the same names, each
// where it says.
func (e *elfPair) sameSections(i, j int) bool {
	if len(e.a.sections) == 0 || len(e.b.sections) == 0 {
		return true // the segments themselves are compared
	}
	if i >= len(e.a.segments) || j >= len(e.b.segments) {
		return false
	}
	na, okA := e.a.segmentFits(i)
	nb, okB := e.b.segmentFits(j)
	if len(na) == 0 && len(nb) == 0 {
		return okA && okB && e.a.placedAlone(i) && e.b.placedAlone(j)
	}
	return okA && okB && slices.Equal(na, nb)
}

// placedAlone reports whether a segment that holds no bytes of sections lies where
// one has to: it is the headers of the file, or, where the sections' bytes were
// taken out into another file, it still ends where one of them does.
func (f *elfFile) placedAlone(i int) bool {
	g := &f.segments[i]
	table := f.header.phoff + uint64(f.header.phnum)*uint64(f.header.phentsize)
	switch {
	case g.off == f.header.phoff || g.off == 0 && g.fileSize > 0:
		return g.off+g.fileSize == table
	case g.off > uint64(f.in.Size) || g.off%pageSize != g.vaddr%pageSize:
		return g.off == 0 && g.fileSize == 0
	case g.fileSize == 0:
		return true
	}
	return slices.ContainsFunc(f.sections, func(s section) bool {
		return s.flags&elf.SHF_ALLOC != 0 && s.addr+s.size == g.vaddr+g.fileSize
	})
}
