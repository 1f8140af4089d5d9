package executable

import (
	"context"
	"debug/elf"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// relocation is an entry of a table of relocations.
type relocation struct {
	off    uint64 // where, as an address of a region
	typ    uint32
	sym    string
	addend uint64
	target uint64 // the address that the addend is, or is counted from; 0 when there is none
	has    bool   // it has an addend
	// section is the name of the section whose beginning sym stands for; "" when it
	// stands for something else.
	section string
}

func (r relocation) same(o relocation) bool { return r.typ == o.typ && r.sym == o.sym }

// relocations reads a table.
func (f *elfFile) relocations(t *section) ([]relocation, error) {
	size, wide := f.relocationSize(t), f.wide
	rela := t.typ == elf.SHT_RELA
	if t.size > maxTable {
		return nil, bad("a table of %d bytes", t.size)
	}
	var syms *symbolsRead
	if int(t.link) < len(f.sections) && (f.sections[t.link].typ == elf.SHT_SYMTAB || f.sections[t.link].typ == elf.SHT_DYNSYM) {
		var err error
		if syms, err = f.readSymbols(&f.sections[t.link]); err != nil {
			return nil, err
		}
	}
	var base uint64
	if f.header.typ == elf.ET_REL && int(t.info) < len(f.sections) {
		base = f.sections[t.info].addrInMem
	}
	var out []relocation
	err := f.eachEntry(t, size, func(_ int, p []byte) bool {
		r := f.fields(p)
		v := relocation{off: base + r.word(), has: rela}
		info := r.word()
		sym := info >> 32
		v.typ = uint32(info)
		if !wide {
			sym, v.typ = info>>8, uint32(info&0xff)
		}
		if rela {
			v.addend = r.word()
		}
		v.target = v.addend
		if sym != 0 && syms != nil && sym < uint64(len(syms.syms)) {
			s := syms.syms[sym]
			v.sym = syms.known(int(sym))
			v.target = 0
			if s.typ() == elf.STT_SECTION && int(s.shndx) < len(f.sections) {
				v.target = f.sections[s.shndx].addrInMem + v.addend
				v.section = f.sections[s.shndx].name
			}
		} else if sym != 0 {
			v.sym = fmt.Sprintf("symbol %d", sym)
		}
		out = append(out, v)
		return true
	})
	return out, err
}

// relocationSize is that of an entry.
func (f *elfFile) relocationSize(t *section) uint64 {
	size := uint64(8)
	if f.wide {
		size = 16
	}
	if t.typ == elf.SHT_RELA {
		size += size / 2
	}
	return size
}

// compareRelocations compares tables entry by entry, in their order.
func (e *elfPair) compareRelocations(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	ta, tb := e.sectionOf(e.a, n.A), e.sectionOf(e.b, n.B)
	if ta == nil || tb == nil || e.a.wide != e.b.wide || ta.typ != tb.typ {
		return x.Binary(ctx, n, a, b)
	}
	ra, err := e.a.relocations(ta)
	if err != nil {
		return err
	}
	rb, err := e.b.relocations(tb)
	if err != nil {
		return err
	}
	keys := func(rs []relocation) []uint64 {
		out := make([]uint64, len(rs))
		for i, r := range rs {
			out[i] = hash(hashNumber(hashStart, uint64(r.typ)), []byte(r.sym))
		}
		return out
	}
	runs, err := alignTokens(ctx, keys(ra), keys(rb))
	if err != nil {
		return err
	}
	size := e.a.relocationSize(ta)
	d := &relocationsDiff{e: e, ta: ta, tb: tb, t: e.table(), size: size}
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(ra), b: len(rb)}) {
		d.alone(ra, rb, ia, r.a, ib, r.b)
		for k := range r.n {
			d.pair(r.a+k, r.b+k, ra[r.a+k], rb[r.b+k])
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
	t := d.t
	if err := t.tail(a, b, uint64(len(ra))*size, uint64(len(rb))*size); err != nil {
		return err
	}
	setHunks(n, t.open, t.closed)
	n.Reasons = append(n.Reasons, t.reasons...)
	n.Reasons = append(n.Reasons, d.reasons()...)
	e.p.suspectRedirections(n, e.redirectedRelocations(d.la, d.lb))
	differ := d.onlyA + d.onlyB + d.changed
	x.Listing(n, "relocations", relocationLines(ra, differ), relocationLines(rb, differ))
	return nil
}

// relocationsDiff is what two tables of relocations differ in.
type relocationsDiff struct {
	e      *elfPair
	ta, tb *section
	t      *tableDiff
	size   uint64 // of an entry

	onlyA, onlyB, moved, changed int
	la, lb                       []relocation // those that nothing explains
}

// alone takes entries that the other side has not.
func (d *relocationsDiff) alone(ra, rb []relocation, fromA, toA, fromB, toB int) {
	if fromA == toA && fromB == toB {
		return
	}
	d.t.open = append(d.t.open, diff.Hunk{A: rangeOf(uint64(fromA)*d.size, uint64(toA-fromA)*d.size), B: rangeOf(uint64(fromB)*d.size, uint64(toB-fromB)*d.size)})
	d.onlyA, d.onlyB = d.onlyA+toA-fromA, d.onlyB+toB-fromB
	d.la, d.lb = append(d.la, ra[fromA:toA]...), append(d.lb, rb[fromB:toB]...)
}

// pair takes the i-th entry of A and the k-th of B, which are of one type and symbol.
func (d *relocationsDiff) pair(i, k int, x, y relocation) {
	p := d.e.p
	if x == y {
		// It may lead to something else all the same, when all around it moved.
		if x.target != 0 && p.a.at(x.target) != nil && !p.moved(x.target, y.target) {
			d.la, d.lb = append(d.la, x), append(d.lb, y)
		}
		return
	}
	h := diff.Hunk{A: rangeOf(uint64(i)*d.size, d.size), B: rangeOf(uint64(k)*d.size, d.size)}
	if d.follows(x, y) || d.e.debugRelocation(d.ta, d.tb, x, y) {
		d.t.closed = append(d.t.closed, h)
		d.moved++
		return
	}
	d.t.open = append(d.t.open, h)
	d.changed++
	d.la, d.lb = append(d.la, x), append(d.lb, y)
}

// follows reports whether two relocations put the same thing into the same place. By
// its own import every place that is filled in is the same as any other.
func (d *relocationsDiff) follows(x, y relocation) bool {
	p := d.e.p
	if !x.same(y) || !p.samePlaceOf(x.off, y.off) && !d.e.sameSlot(x, y) {
		return false
	}
	if x.target == 0 || y.target == 0 {
		return x.addend == y.addend && x.target == y.target
	}
	return p.moved(x.target, y.target)
}

// reasons says how many entries are explained, and how many are not.
func (d *relocationsDiff) reasons() (out []diff.Reason) {
	if d.moved > 0 {
		out = append(out, diff.Reason{Field: plural(d.moved, "relocation") + " of what moved", Cause: &diff.Cause{ID: "derived", Name: "addresses of code and data that moved", Confidence: diff.Derived}})
	}
	if d.onlyA+d.onlyB > 0 {
		out = append(out, diff.Reason{Field: "relocations", A: fmt.Sprintf("%d that B has not", d.onlyA), B: fmt.Sprintf("%d that A has not", d.onlyB)})
	}
	if d.changed > 0 {
		out = append(out, diff.Reason{Field: plural(d.changed, "relocation") + " of another place, or to another"})
	}
	return out
}

// sameSlot reports whether two relocations fill in the slot of one import. Code finds
// it by the import that is in it, in whatever order the slots lie.
func (e *elfPair) sameSlot(x, y relocation) bool {
	if e.p.a.imports == nil || e.p.b.imports == nil {
		return false
	}
	na, nb := e.p.a.imports()[x.off], e.p.b.imports()[y.off]
	ra, rb := e.p.a.at(x.off), e.p.b.at(y.off)
	return na != "" && na == nb && ra != nil && rb != nil && (ra.name == ".got.plt" || ra.name == ".got") && (rb.name == ".got.plt" || rb.name == ".got")
}

// relocationLines lists a table without places, so that what moved is no line
// that differs.
func relocationLines(rs []relocation, differ int) string {
	if differ == 0 || len(rs) > maxLines {
		return ""
	}
	var out []string
	for _, r := range rs {
		s := fmt.Sprintf("type %d %s", r.typ, r.sym)
		if r.has && r.target == 0 {
			s += fmt.Sprintf(" %+d", int64(r.addend))
		}
		out = append(out, s)
	}
	return lines(out)
}

// sectionOf gives the section that a node's side is.
func (e *elfPair) sectionOf(f *elfFile, s *diff.Side) *section {
	if s == nil || s.Within == nil {
		return nil
	}
	for i := range f.sections {
		if t := &f.sections[i]; t.hasBytes() && t.off == uint64(s.Within.Off) && t.size == uint64(s.Within.Len) && t.name == s.Name {
			return t
		}
	}
	return nil
}
