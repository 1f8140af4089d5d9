package executable

import (
	"bytes"
	"context"
	"debug/elf"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// compareNames compares a table of names byte by byte, and says which imports and
// libraries have other names: the tables that point here may be equal. When those
// tables account for every byte, and say of what is equal the same, it follows from
// them.
func (e *elfPair) compareNames(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	n.Kind = diff.KindBinary
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	sa, sb := e.sectionOf(e.a, n.A), e.sectionOf(e.b, n.B)
	if sa == nil || sb == nil {
		return nil
	}
	if e.namesFollow(sa, sb, a, b) {
		derivedTable(n, "names, each of which another table has")
	}
	ta, tb := e.a.symbolTable(elf.SHT_DYNSYM), e.b.symbolTable(elf.SHT_DYNSYM)
	if ta == nil || tb == nil || int(ta.link) >= len(e.a.sections) || sa != &e.a.sections[ta.link] {
		return nil
	}
	if err := e.suspectVersions(n); err != nil {
		return err
	}
	if !e.saidDynamic {
		da, db := e.a.dynamicSection(), e.b.dynamicSection()
		e.dynamicNames(n, da, db)
	}
	return nil
}

// namesFollow reports whether two tables of names hold nothing but names that other
// tables have, in which they are compared. Where such a table is equal on both sides,
// nothing compares it, so that its names have to be the same.
func (e *elfPair) namesFollow(sa, sb *section, a, b *diff.Input) bool {
	if e.a.wide != e.b.wide || e.a.bigEndian() != e.b.bigEndian() {
		return false
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return false
	}
	ua, okA := e.a.namesUsed(sa)
	ub, okB := e.b.namesUsed(sb)
	if !okA || !okB || len(ua) != len(ub) || !allUsed(pa, ua) || !allUsed(pb, ub) {
		return false
	}
	for i := range ua {
		x, y := ua[i], ub[i]
		if x.table != y.table {
			return false
		}
		equal := bytes.Equal(x.bytes, y.bytes)
		if equal && !slices.EqualFunc(x.at, y.at, func(v, w uint64) bool { return stringOf(pa, v) == stringOf(pb, w) }) {
			return false
		}
	}
	return true
}

// nameUse is a table that points to names, and where in the table of names it does.
type nameUse struct {
	table string
	bytes []byte
	at    []uint64
}

// namesUsed gives the tables that point to names in a section; false when one of them
// is not read here.
func (f *elfFile) namesUsed(strs *section) (out []nameUse, ok bool) {
	own := -1
	for i := range f.sections {
		if &f.sections[i] == strs {
			own = i
		}
	}
	for i := range f.sections {
		s := &f.sections[i]
		if int(s.link) != own || !s.hasBytes() {
			continue
		}
		u := nameUse{table: s.name}
		if s.size > maxTable {
			return nil, false
		}
		var err error
		if u.bytes, err = readAt(f.in, s.off, s.size); err != nil {
			return nil, false
		}
		if u.at, ok = f.namesIn(s, u.bytes); !ok {
			return nil, false
		}
		out = append(out, u)
	}
	if f.header.shstrndx == own {
		p, err := readAt(f.in, f.header.shoff, uint64(len(f.sections))*f.sectionSize())
		if err != nil {
			return nil, false
		}
		u := nameUse{table: partSections, bytes: p}
		for i := range f.sections {
			u.at = append(u.at, uint64(f.sections[i].nameOff))
		}
		out = append(out, u)
	}
	return out, len(out) > 0
}

// namesIn gives where a table's names are, of those kinds that are compared by name.
func (f *elfFile) namesIn(s *section, p []byte) (at []uint64, ok bool) {
	u32 := func(off uint64) uint64 { return uint64(f.order.Uint32(p[off:])) }
	switch s.typ {
	case elf.SHT_SYMTAB, elf.SHT_DYNSYM:
		if s != f.symbolTable(s.typ) || s.size%f.symbolSize() != 0 {
			return nil, false
		}
		for off := uint64(0); off < s.size; off += f.symbolSize() {
			if sym := f.parseSymbol(p[off:]); sym.typ() == elf.STT_SECTION && sym.nameOff != 0 {
				return nil, false // it is compared by the section's name
			}
			at = append(at, u32(off))
		}
	case elf.SHT_DYNAMIC:
		if slices.ContainsFunc(f.sections, func(o section) bool { return o.typ == elf.SHT_DYNAMIC && o.off != s.off }) {
			return nil, false
		}
		for _, t := range f.dynamic(p) {
			if t.named() {
				at = append(at, t.val)
			}
		}
	case elf.SHT_GNU_VERNEED, elf.SHT_GNU_VERDEF:
		v, rows, by := f.versions(), f.versions().needs, uint64(8)
		if s.typ == elf.SHT_GNU_VERDEF {
			rows, by = v.gives, 0
		}
		if v.odd || len(rows) == 0 || sizeOf(rows) != s.size {
			return nil, false
		}
		for _, r := range rows {
			switch {
			case !r.head:
				at = append(at, u32(r.off+by))
			case s.typ == elf.SHT_GNU_VERNEED:
				at = append(at, u32(r.off+4))
			}
		}
	default:
		return nil, false
	}
	return at, true
}

// allUsed reports whether every byte of a table of names belongs to a name that is
// used, and that is compared to its end. The first byte is the end of the empty name.
func allUsed(p []byte, uses []nameUse) bool {
	begin := make([]bool, len(p))
	for _, u := range uses {
		for _, at := range u.at {
			if at >= uint64(len(p)) {
				return false
			}
			begin[at] = true
		}
	}
	n := 0 // bytes of the name so far
	in := false
	for i, c := range p {
		in = in || begin[i] || i == 0 && c == 0
		if n++; !in || n >= maxName {
			return false
		}
		if in = c != 0; !in {
			n = 0
		}
	}
	return !in // the last name ends
}

func stringOf(p []byte, at uint64) string {
	if at >= uint64(len(p)) {
		return ""
	}
	s, _, _ := bytes.Cut(p[at:], []byte{0})
	return string(s)
}
