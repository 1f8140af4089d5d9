package executable

import (
	"bytes"
	"debug/elf"
	"fmt"
	"slices"
	"sync"
)

// Numbers of versions that are no version: the symbol is the file's own, or has none.
const (
	versionLocal  = 0
	versionGlobal = 1
	// versionHidden marks a version that is found only by who asks for it.
	versionHidden = 0x8000
)

// versionRow is a record of .gnu.version_r or .gnu.version_d. Both are lists of
// records, each with records of its own behind it.
type versionRow struct {
	off, size uint64 // in the section
	head      bool   // it has others behind it
	library   string // that has to have the version; "" where the file itself has it
	name      string // of the version; "" for the head of those that are needed
	number    uint16 // by which symbols name it; 0 for a record that gives none
}

// versions are those of a file's dynamic symbols.
type versions struct {
	of           []uint16 // by symbol, as .gnu.version has them
	needs, gives []versionRow
	needed, own  map[uint16]versionRow // by number
	odd          bool                  // a table is not as linkers write it
}

// any reports whether the file says anything of versions.
func (v *versions) any() bool { return len(v.of) > 0 }

// sectionTyped gives the first section of a type; nil when there is none.
func (f *elfFile) sectionTyped(t elf.SectionType) *section {
	for i := range f.sections {
		if s := &f.sections[i]; s.typ == t && s.hasBytes() {
			return s
		}
	}
	return nil
}

// readVersions reads what the file says of versions.
func (f *elfFile) readVersions() *versions {
	v := &versions{needed: map[uint16]versionRow{}, own: map[uint16]versionRow{}}
	for _, typ := range []elf.SectionType{elf.SHT_GNU_VERSYM, elf.SHT_GNU_VERNEED, elf.SHT_GNU_VERDEF} {
		count := 0
		for i := range f.sections {
			if f.sections[i].typ == typ {
				count++
			}
		}
		v.odd = v.odd || count > 1 // which of them the loader uses is not known here
	}
	if s := f.sectionTyped(elf.SHT_GNU_VERSYM); s != nil && s.size <= maxTable {
		if p, err := readAt(f.in, s.off, s.size); err == nil {
			for ; len(p) >= 2; p = p[2:] {
				v.of = append(v.of, f.order.Uint16(p))
			}
		} else {
			v.odd = true
		}
	}
	fill := func(typ elf.SectionType, rows func(s *section, p []byte) []versionRow, by map[uint16]versionRow) []versionRow {
		s := f.sectionTyped(typ)
		if s == nil {
			return nil
		}
		if s.size > maxTable {
			v.odd = true
			return nil
		}
		p, err := readAt(f.in, s.off, s.size)
		if err != nil {
			v.odd = true
			return nil
		}
		out := rows(s, p)
		v.odd = v.odd || out == nil
		for _, r := range out {
			if r.number == 0 {
				continue
			}
			if _, twice := by[r.number]; twice {
				v.odd = true // which of them the loader takes is its own affair
			}
			by[r.number] = r
		}
		return out
	}
	v.needs = fill(elf.SHT_GNU_VERNEED, f.neededVersions, v.needed)
	v.gives = fill(elf.SHT_GNU_VERDEF, f.ownVersions, v.own)
	for k := range v.own {
		if _, twice := v.needed[k]; twice {
			v.odd = true
		}
	}
	return v
}

// linked is a string of the table that a section is linked to.
func (f *elfFile) linked(s *section, off uint32) string {
	if int(s.link) >= len(f.sections) {
		return ""
	}
	name, _ := f.stringAt(&f.sections[s.link], uint64(off))
	return name
}

// Sizes of the records: of what is needed, of what is given and of its names.
const (
	needSize  = 16
	giveSize  = 20
	givenSize = 8
)

// neededVersions reads .gnu.version_r as linkers write it: each library, and right
// behind it what is needed of it; nil when it is not so.
func (f *elfFile) neededVersions(s *section, p []byte) (out []versionRow) {
	u16 := func(at uint64) uint16 { return f.order.Uint16(p[at:]) }
	u32 := func(at uint64) uint32 { return f.order.Uint32(p[at:]) }
	n := uint64(len(p))
	for off, last := uint64(0), false; off < n; {
		if last || n-off < needSize {
			return nil
		}
		head := versionRow{off: off, size: needSize, head: true, library: f.linked(s, u32(off+4))}
		count, next := uint64(u16(off+2)), uint64(u32(off+12))
		if count == 0 || (n-off)/needSize < count+1 || u32(off+8) != needSize || next != 0 && next != needSize*(count+1) {
			return nil
		}
		out = append(out, head)
		for k := range count {
			at := off + needSize*(k+1)
			want := uint32(needSize)
			if k+1 == count {
				want = 0
			}
			if u32(at+12) != want {
				return nil
			}
			r := versionRow{off: at, size: needSize, library: head.library, name: f.linked(s, u32(at+8)), number: u16(at + 6)}
			if r.name == "" || r.number <= versionGlobal || r.number&versionHidden != 0 {
				return nil
			}
			out = append(out, r)
		}
		last = next == 0
		off += needSize * (count + 1)
	}
	return out
}

// ownVersions reads .gnu.version_d in the same way: each version, and right behind it
// its name and those of the versions that it goes on from.
func (f *elfFile) ownVersions(s *section, p []byte) (out []versionRow) {
	u16 := func(at uint64) uint16 { return f.order.Uint16(p[at:]) }
	u32 := func(at uint64) uint32 { return f.order.Uint32(p[at:]) }
	n := uint64(len(p))
	for off, last := uint64(0), false; off < n; {
		if last || n-off < giveSize+givenSize {
			return nil
		}
		count, next := uint64(u16(off+6)), uint64(u32(off+16))
		size := giveSize + givenSize*count
		if count == 0 || n-off < size || u32(off+12) != giveSize || next != 0 && next != size {
			return nil
		}
		head := versionRow{off: off, size: giveSize, head: true, name: f.linked(s, u32(off+giveSize)), number: u16(off + 4)}
		if head.name == "" || head.number == 0 || head.number&versionHidden != 0 {
			return nil
		}
		out = append(out, head)
		for k := range count {
			at := off + giveSize + givenSize*k
			want := uint32(givenSize)
			if k+1 == count {
				want = 0
			}
			if u32(at+4) != want {
				return nil
			}
			out = append(out, versionRow{off: at, size: givenSize, library: head.name, name: f.linked(s, u32(at))})
		}
		last = next == 0
		off += size
	}
	return out
}

// version says what a dynamic symbol has behind its name: @VERSION of what is asked
// for, or found only by who asks for it, and @@VERSION of what is found by all.
func (v *versions) version(i int, defined bool) string {
	if i >= len(v.of) {
		return ""
	}
	k := v.of[i] &^ versionHidden
	if k == versionGlobal || k == versionLocal && !defined {
		return ""
	}
	if k == versionLocal {
		return "@(local)"
	}
	in, other := v.needed, v.own
	at := "@"
	if defined {
		in, other = v.own, v.needed
		if v.of[i]&versionHidden == 0 {
			at = "@@"
		}
	}
	r, ok := in[k]
	if !ok {
		r, ok = other[k]
	}
	if !ok {
		return fmt.Sprintf("%s(version %d, which no table has)", at, k)
	}
	return at + r.name
}

// versioned is the set of names of dynamic symbols of which the version has to be
// said, because a name alone would not tell: the two sides have it in other versions,
// or one side has it in several. Names are as they are in the tables.
type versioned map[string]bool

// versionedNames finds them. Where only one side has versions at all, that is said
// once, and not of each name.
func versionedNames(a, b *elfFile) versioned {
	va, vb := a.versions(), b.versions()
	if !va.any() && !vb.any() {
		return nil
	}
	sa, sb := a.versionsByName(va), b.versionsByName(vb)
	both := va.any() && vb.any()
	out := versioned{}
	for name, x := range sa {
		if y, ok := sb[name]; len(x) > 1 || both && ok && !slices.Equal(x, y) {
			out[name] = true
		}
	}
	for name, y := range sb {
		if len(y) > 1 {
			out[name] = true
		}
	}
	return out
}

// severalVersions is how many versions of one name are told apart: of more, the name
// does not say which is meant, whichever they are.
const severalVersions = 8

// versionsByName gives the versions of each name, in order.
func (f *elfFile) versionsByName(v *versions) map[string][]string {
	t := f.symbolTable(elf.SHT_DYNSYM)
	if t == nil || t.size > maxTable || int(t.link) >= len(f.sections) {
		return nil
	}
	strs := &f.sections[t.link]
	if !strs.hasBytes() || strs.size > maxTable {
		return nil
	}
	p, err := readAt(f.in, strs.off, strs.size)
	if err != nil {
		return nil
	}
	out := map[string][]string{}
	_ = f.eachSymbol(t, func(i int, s elfSymbol) bool { // what cannot be read is said where it is compared
		if s.nameOff == 0 || uint64(s.nameOff) >= uint64(len(p)) {
			return true
		}
		name := p[s.nameOff:min(uint64(s.nameOff)+maxName, uint64(len(p)))]
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		ver := v.version(i, s.defined())
		if list := out[string(name)]; len(list) < severalVersions && !slices.Contains(list, ver) {
			out[string(name)] = append(list, ver)
		}
		return true
	})
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// tellVersions lets both files say the versions of the names that are not enough.
func tellVersions(a, b *elfFile) {
	names := sync.OnceValue(func() versioned { return versionedNames(a, b) })
	a.versioned, b.versioned = names, names
}
