package executable

import (
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// sectionText is the text of a section; "" when there is none.
func (f *elfFile) sectionText(name string) string {
	s := f.section(name)
	if s == nil || !s.hasBytes() {
		return ""
	}
	t, _ := stringIn(f.in, s.off, s.size)
	return t
}

// overlaid says which segment is loaded over another, so that what the first maps is
// not what is there; "" when none is.
func (f *elfFile) overlaid() string {
	var loads []segment
	for _, s := range f.segments {
		if s.typ == elf.PT_LOAD && s.memSize > 0 {
			loads = append(loads, s)
		}
	}
	slices.SortStableFunc(loads, func(x, y segment) int { return compare(x.vaddr, y.vaddr) })
	for i := 1; i < len(loads); i++ {
		if s, t := loads[i-1], loads[i]; t.vaddr-s.vaddr < s.memSize {
			return "that at " + hexNumber(t.vaddr)
		}
	}
	return ""
}

// endsWithSections reports whether the memory of a segment ends where its last
// section does, so that the sections say how much it is. What is not loaded, and is
// no memory of threads, takes as much as there is in the file: that of the stack is
// a number of its own.
func (f *elfFile) endsWithSections(i int) bool {
	if i >= len(f.segments) || len(f.sections) == 0 {
		return false
	}
	g := &f.segments[i]
	if g.typ != elf.PT_LOAD && g.typ != elf.PT_TLS {
		return g.typ != elf.PT_GNU_STACK && g.memSize == g.fileSize
	}
	end := g.vaddr + g.fileSize
	for k := range f.sections {
		s := &f.sections[k]
		thread := s.flags&elf.SHF_TLS != 0
		if g.typ == elf.PT_LOAD {
			thread = !thread || s.typ != elf.SHT_NOBITS
		}
		if s.flags&elf.SHF_ALLOC != 0 && thread && s.addr >= g.vaddr && s.addr-g.vaddr <= g.memSize {
			end = max(end, s.addr+s.size)
		}
	}
	if g.typ == elf.PT_TLS && g.algn > 1 && g.algn <= pageSize { // some linkers fill it up
		return g.vaddr+g.memSize == end || g.memSize == (end-g.vaddr+g.algn-1)/g.algn*g.algn
	}
	return g.vaddr+g.memSize == end
}

// permissionsOf are those of the memory that an address is loaded to; 0 for none.
func (f *elfFile) permissionsOf(addr uint64) (p elf.ProgFlag) {
	for _, s := range f.segments {
		if s.typ == elf.PT_LOAD && addr >= s.vaddr && addr-s.vaddr < s.memSize {
			p |= s.flags & (elf.PF_R | elf.PF_W | elf.PF_X)
		}
	}
	return p
}

// suspectPermissions says which sections can be run on one side only, or be both
// written and run: as many segments may be executable, and others.
func (e *elfPair) suspectPermissions() {
	if !e.a.loads() || !e.b.loads() {
		return
	}
	said := 0
	for i := range e.a.sections {
		s := &e.a.sections[i]
		t := e.b.section(s.name)
		if s.flags&elf.SHF_ALLOC == 0 || s.size == 0 || t == nil || t.size == 0 {
			continue
		}
		x, y := e.a.permissionsOf(s.addr), e.b.permissionsOf(t.addr)
		if (x|y)&elf.PF_X == 0 || x == y || said == maxSuspects {
			continue
		}
		said++
		e.n.Suspect(diff.Suspicion{Kind: diff.SuspectExecutable, What: fmt.Sprintf("the memory of %s is %s in A and %s in B", short(s.name), permissions(x), permissions(y))})
	}
}

// elsewhere names the tables that the loader finds at another place than the section
// headers say, so that what is compared is not what is used; "" for none.
func (f *elfFile) elsewhere() string {
	if len(f.sections) == 0 {
		return ""
	}
	at := func(addr uint64, types ...elf.SectionType) bool {
		return slices.ContainsFunc(f.sections, func(s section) bool { return s.addr == addr && slices.Contains(types, s.typ) })
	}
	var out []string
	for _, s := range f.segments {
		if s.typ == elf.PT_DYNAMIC && !at(s.vaddr, elf.SHT_DYNAMIC) {
			out = append(out, "the dynamic section")
		}
	}
	kinds := map[elf.DynTag][]elf.SectionType{
		elf.DT_SYMTAB: {elf.SHT_DYNSYM}, elf.DT_STRTAB: {elf.SHT_STRTAB}, elf.DT_RELA: {elf.SHT_RELA}, elf.DT_REL: {elf.SHT_REL}, elf.DT_JMPREL: {elf.SHT_RELA, elf.SHT_REL},
		elf.DT_VERSYM: {elf.SHT_GNU_VERSYM}, elf.DT_VERNEED: {elf.SHT_GNU_VERNEED}, elf.DT_VERDEF: {elf.SHT_GNU_VERDEF},
		elf.DT_INIT_ARRAY: {elf.SHT_INIT_ARRAY}, elf.DT_FINI_ARRAY: {elf.SHT_FINI_ARRAY}, elf.DT_PREINIT_ARRAY: {elf.SHT_PREINIT_ARRAY},
	}
	sizes := map[elf.DynTag]uint64{}
	tags := f.dynamicSection()
	for _, t := range tags {
		sizes[t.tag] = t.val
	}
	for _, t := range tags {
		types, ok := kinds[t.tag]
		if !ok || at(t.val, types...) || t.tag == elf.DT_RELA && sizes[elf.DT_RELASZ] == 0 || t.tag == elf.DT_REL && sizes[elf.DT_RELSZ] == 0 {
			continue
		}
		out = append(out, t.name())
	}
	return strings.Join(out, ", ")
}

// suspectTables says when the loader finds its tables elsewhere than the sections.
func (e *elfPair) suspectTables() {
	if ea, eb := e.a.elsewhere(), e.b.elsewhere(); ea != eb {
		e.n.Suspect(diff.Suspicion{Kind: diff.SuspectExecutable, What: fmt.Sprintf("the loader finds tables at another place than the section headers say: %s in A, %s in B", orNone(ea), orNone(eb))})
	}
}

// suspectGap says of bytes between sections, which differ and are no padding, that
// they are loaded to where they can be run.
func (e *elfPair) suspectGap(c *diff.Node) {
	if !strings.HasPrefix(c.Name, "after ") || c.Kind != diff.KindBinary || len(c.UnexplainedA)+len(c.UnexplainedB) == 0 {
		return
	}
	const page = 4096
	for i, s := range []*diff.Side{c.A, c.B} {
		f := []*elfFile{e.a, e.b}[i]
		if s == nil || s.Within == nil || s.Within.Len == 0 {
			continue
		}
		from, to := uint64(s.Within.Off), uint64(s.Within.Off+s.Within.Len)
		for _, g := range f.segments {
			// The system maps whole pages.
			lo, hi := g.off&^(page-1), (g.off+g.fileSize+page-1)&^(page-1)
			if g.typ == elf.PT_LOAD && g.flags&elf.PF_X != 0 && from < hi && to > lo {
				c.Suspect(diff.Suspicion{Kind: diff.SuspectNewCode, What: fmt.Sprintf("side %s has bytes that no section holds, and that are loaded to where they can be run (file offset %s)", "AB"[i:i+1], hexNumber(from))})
				break
			}
		}
	}
}
