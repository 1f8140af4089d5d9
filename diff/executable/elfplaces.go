package executable

import (
	"debug/elf"
)

// A section that has no bytes in the file is not seen at its offset, nor is one of
// zeros at its address: nothing else in the comparison would differ if these were
// other numbers. They follow from what moved only where they are what linkers write.

// pageSize is what offsets and addresses of loaded sections agree in.
const pageSize = 4096

// maxPlaces bounds the sections of a file that are held against each other.
const maxPlaces = 4096

// offsetFits reports whether the offset of a section without bytes is where the one
// before it ends, up to its alignment, or the place in the page that its address has.
func (f *elfFile) offsetFits(i int) bool {
	if i <= 0 || i >= len(f.sections) {
		return false
	}
	s := &f.sections[i]
	if s.off > uint64(f.in.Size) {
		return false
	}
	before := &f.sections[i-1]
	end := before.off
	if before.hasBytes() {
		end += before.size
	}
	if s.off >= end && s.off-end < max(s.algn, 1) {
		return true
	}
	return s.flags&elf.SHF_ALLOC != 0 && s.off%pageSize == s.addr%pageSize
}

// addressFits reports whether a section of zeros lies, aligned, in the memory of a
// segment that is loaded, and over no other section. Those of threads have no memory
// of their own.
func (f *elfFile) addressFits(i int) bool {
	if i <= 0 || i >= len(f.sections) || len(f.sections) > maxPlaces || f.header.typ == elf.ET_REL {
		return false
	}
	s := &f.sections[i]
	if s.flags&elf.SHF_ALLOC == 0 || s.algn > 1 && s.addr%s.algn != 0 {
		return false
	}
	threads := func(s *section) bool { return s.flags&elf.SHF_TLS != 0 && s.typ == elf.SHT_NOBITS }
	within := false
	for _, g := range f.segments {
		if g.typ == elf.PT_LOAD || g.typ == elf.PT_TLS && threads(s) {
			within = within || s.addr >= g.vaddr && s.addr-g.vaddr <= g.memSize && s.size <= g.memSize-(s.addr-g.vaddr)
		}
	}
	if !within || threads(s) {
		return within
	}
	for k := range f.sections {
		t := &f.sections[k]
		if k != i && t.flags&elf.SHF_ALLOC != 0 && !threads(t) && t.addr < s.addr+s.size && s.addr < t.addr+t.size {
			return false
		}
	}
	return true
}
