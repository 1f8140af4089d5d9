package executable

import (
	"debug/elf"
	"fmt"
	"strings"
)

// describe writes the file's headers, to be compared by eye. Places in the file
// are left out where they follow from sizes before them.
func (f *elfFile) describe() string {
	var b strings.Builder
	h := &f.header
	fmt.Fprintf(&b, "%s, %s, %s, %s, version %d\n", elf.Class(h.ident[elf.EI_CLASS]), elf.Data(h.ident[elf.EI_DATA]), h.typ, h.machine, h.version)
	fmt.Fprintf(&b, "ABI %s %d, flags %#x\n", elf.OSABI(h.ident[elf.EI_OSABI]), h.ident[elf.EI_ABIVERSION], h.flags)
	fmt.Fprintf(&b, "entry %#x\n", h.entry)
	if s := f.interpreter(); s != "" {
		fmt.Fprintf(&b, "interpreter %s\n", short(s))
	}
	for i, s := range f.segments {
		if i == maxSegmentLines {
			fmt.Fprintf(&b, "… and %d more segments\n", len(f.segments)-i)
			break
		}
		fmt.Fprintf(&b, "segment %-14s %s  %#x, %d bytes, %d in memory, aligned to %#x\n", strings.TrimPrefix(s.typ.String(), "PT_"), permissions(s.flags), s.vaddr, s.fileSize, s.memSize, s.algn)
	}
	for i := range f.sections {
		if i == maxLines {
			fmt.Fprintf(&b, "… and %d more sections\n", len(f.sections)-i)
			break
		}
		s := &f.sections[i]
		fmt.Fprintf(&b, "section %-20s %-12s %d bytes", short(s.name), strings.TrimPrefix(s.typ.String(), "SHT_"), s.size)
		if s.flags != 0 {
			fmt.Fprintf(&b, ", %s", s.flags)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const maxSegmentLines = 512
