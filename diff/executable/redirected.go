package executable

import (
	"context"
	"debug/elf"
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// spot gives where on B's side the thing lies that is at an address of A: what has
// the same name there, or what is aligned with it. It serves to say what changed at
// one place, and explains nothing.
func (p *pairing) spot(addr uint64) (uint64, bool) {
	if s, ok := p.a.data().at(addr); ok {
		d := p.b.data()
		if i, ok := d.byKey[s.key]; ok && i >= 0 && addr-s.addr < d.list[i].size {
			return d.list[i].addr + addr - s.addr, true
		}
	}
	_, to, ok := p.across(addr)
	return to, ok
}

// samePlaceOf reports whether the loader fills in the same place on both sides: it
// is aligned, or its name says so and nobody else disagrees.
func (p *pairing) samePlaceOf(x, y uint64) bool {
	if p.samePlace(x, y) {
		return true
	}
	decided, same := p.sameSymbol(x, y)
	return decided && same && (p.constant(x, y) || p.agreed(x, y))
}

// redirection is a place that holds the address of code on both sides, and of other
// code on each.
type redirection struct {
	at       [2]uint64
	was, is  string
	starting bool // it runs before or after main
}

// suspectRedirections makes suspicions of places that lead to other code than
// before, first those that run by themselves.
func (p *pairing) suspectRedirections(n *diff.Node, list []redirection) {
	slices.SortStableFunc(list, func(x, y redirection) int {
		switch {
		case x.starting == y.starting:
			return 0
		case x.starting:
			return -1
		}
		return 1
	})
	var addrs []uint64
	for _, r := range list {
		addrs = append(addrs, r.at[1])
	}
	names := p.b.names(p.ctx, addrs)
	for i, r := range list {
		kind := diff.SuspectChangedCode
		if r.starting {
			kind = diff.SuspectStart
		}
		if i == maxSuspects {
			n.Suspect(diff.Suspicion{Kind: kind, What: fmt.Sprintf("%s more hold the address of other code than on the other side", plural(len(list)-i, "place"))})
			return
		}
		at := p.b.where(r.at[1])
		if name := names[r.at[1]]; name != "" {
			at = name + " (" + at + ")"
		}
		what := "leads to other code"
		if r.starting {
			what = "is run by itself, and leads to other code"
		}
		n.Suspect(diff.Suspicion{Kind: kind, What: fmt.Sprintf("what %s holds %s: %s in A, %s in B", at, what, r.was, r.is)})
	}
}

// begins reports whether a function is known to begin at an address.
func (p *program) begins(ctx context.Context, addr uint64) bool {
	if p.begun == nil {
		p.begun = map[uint64]bool{}
		for i := range p.regions {
			if r := &p.regions[i]; r.exec {
				for _, s := range p.starts(ctx, r) {
					p.begun[s.addr] = true
				}
			}
		}
	}
	return p.begun[addr]
}

// codeName is what code at an address is called.
func (p *program) codeName(p2 *pairing, addr uint64) string {
	return called(p, p.names(p2.ctx, []uint64{addr}), addr)
}

// redirectedWords finds words of data that nothing explains, and that hold the
// address of code on both sides. Programs that are moved when they are loaded have
// it in their relocations.
func (p *pairing) redirectedWords(al *aligned, open []diff.Hunk) (out []redirection) {
	if !p.a.fixed || !p.b.fixed {
		return nil
	}
	size := uint64(p.bits() / 8)
	for _, h := range open {
		from := (al.a.addr + uint64(h.A.Off)) / size * size
		for at := max(from, al.a.addr); at+size <= al.a.addr+min(al.a.size, uint64(h.A.Off+h.A.Len)+size-1) && len(out) < maxReasons; at += size {
			if r, ok := p.redirectedWord(al, at, size); ok {
				out = append(out, r)
			}
		}
	}
	return out
}

func (p *pairing) redirectedWord(al *aligned, at, size uint64) (redirection, bool) {
	to, ok := p.spot(at)
	q := p.b.at(to)
	if !ok || q == nil || q.empty || to-q.addr+size > q.size {
		return redirection{}, false
	}
	wa, errA := readAt(p.a.in, al.a.off+at-al.a.addr, size)
	wb, errB := readAt(p.b.in, q.off+to-q.addr, size)
	if errA != nil || errB != nil {
		return redirection{}, false
	}
	x, y := word(p.a.order, wa), word(p.b.order, wb)
	rx, ry := p.a.at(x), p.b.at(y)
	// Any number may lie where code does; what leads to code leads to a function.
	if rx == nil || ry == nil || !rx.exec || !ry.exec || !p.a.begins(p.ctx, x) || p.known(x, y) {
		return redirection{}, false
	}
	return redirection{at: [2]uint64{at, to}, was: p.a.codeName(p, x), is: p.b.codeName(p, y)}, true
}

// maxCases bounds the words of a table of jumps that are looked at.
const maxCases = 4096

// leftCases finds words of tables of jumps that are as they were, where others of the
// table follow what moved: they lead to other code than before.
func (p *pairing) leftCases(al *aligned, closed []diff.Hunk) (out []redirection) {
	if p.refs == nil || al.a.write {
		return nil
	}
	seen := map[uint64]bool{}
	for _, h := range closed {
		at := al.a.addr + uint64(h.A.Off)
		r, ok := p.refs.before(0, at, al.a)
		if !ok || seen[r.a] || !p.refs.partners(r.a, r.b) || at-r.a != al.b.addr+uint64(h.B.Off)-r.b {
			continue
		}
		seen[r.a] = true
		n := min(p.refs.reach(r.a, al.a, false), p.refs.reach(r.b, al.b, true), 4*maxCases) / 4 * 4
		wa, errA := readAt(p.a.in, al.a.off+r.a-al.a.addr, n)
		wb, errB := readAt(p.b.in, al.b.off+r.b-al.b.addr, n)
		if errA != nil || errB != nil {
			continue
		}
		for i := uint64(0); i < n; i += 4 {
			x, y := fromStart(wa[i:i+4], p.a.order, 0, r.a), fromStart(wb[i:i+4], p.b.order, 0, r.b)
			q := p.a.at(x)
			if q == nil || !q.exec {
				break // the table ends
			}
			if string(wa[i:i+4]) == string(wb[i:i+4]) && !p.known(x, y) && len(out) < maxReasons {
				out = append(out, redirection{at: [2]uint64{r.a + i, r.b + i}, was: p.a.placeName(p, x), is: p.b.placeName(p, y)})
			}
		}
	}
	return out
}

// placeName is what a place in code is called.
func (p *program) placeName(p2 *pairing, addr uint64) string {
	if s := p.names(p2.ctx, []uint64{addr})[addr]; s != "" {
		return s
	}
	return hexNumber(addr)
}

// resolverTypes are the relocations by which a function of the program is asked at
// its start what is to be called.
var resolverTypes = map[elf.Machine]uint32{
	elf.EM_X86_64: uint32(elf.R_X86_64_IRELATIVE), elf.EM_386: uint32(elf.R_386_IRELATIVE), elf.EM_AARCH64: uint32(elf.R_AARCH64_IRELATIVE),
	elf.EM_PPC64: uint32(elf.R_PPC64_IRELATIVE), elf.EM_RISCV: 58, elf.EM_S390: 61,
}

// redirectedRelocations pairs relocations that nothing explains by what they fill
// in, and gives those that put something else there that is code or has a name.
func (e *elfPair) redirectedRelocations(la, lb []relocation) (out []redirection) {
	slices.SortStableFunc(lb, func(x, y relocation) int { return compare(x.off, y.off) })
	resolver := resolverTypes[e.a.header.machine]
	for _, x := range la {
		to, ok := e.p.spot(x.off)
		// Slots of imports are used by their names, in whatever order they lie.
		if !ok || len(out) >= maxReasons || e.p.a.imports != nil && e.p.a.imports()[x.off] != "" {
			continue
		}
		i, found := slices.BinarySearchFunc(lb, to, func(r relocation, a uint64) int { return compare(r.off, a) })
		if !found {
			continue
		}
		y := lb[i]
		if x.same(y) && (x.addend == y.addend && x.target == 0 || x.target != 0 && y.target != 0 && e.p.moved(x.target, y.target)) {
			continue // the same is filled in at a place that could not be aligned
		}
		rx, ry := e.p.a.at(x.target), e.p.b.at(y.target)
		code := x.sym != "" || y.sym != "" || rx != nil && rx.exec || ry != nil && ry.exec
		if code {
			at := e.p.a.at(x.off)
			starting := resolver != 0 && (x.typ == resolver || y.typ == resolver) || at != nil && runsByItself(at.name)
			out = append(out, redirection{at: [2]uint64{x.off, to}, was: e.a.filler(e.p, e.p.a, x), is: e.b.filler(e.p, e.p.b, y), starting: starting})
		}
	}
	return out
}

// filler says what a relocation puts at its place.
func (f *elfFile) filler(p *pairing, of *program, r relocation) string {
	s := r.sym
	if s == "" {
		s = of.codeName(p, r.target)
		if q := of.at(r.target); q == nil || !q.exec {
			s = hexNumber(r.target)
		}
	} else if r.addend != 0 {
		s = fmt.Sprintf("%s%+d", s, int64(r.addend))
	}
	return fmt.Sprintf("%s (type %d)", short(s), r.typ)
}

// runsByItself reports a section of functions that run before or after main.
func runsByItself(name string) bool {
	switch name {
	case ".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors":
		return true
	}
	return false
}

// running is an entry of a table of functions that run by themselves.
type running struct {
	at, target uint64
	sym        string
}

// runs gives the functions that run before or after main, in order, as the loader
// finds them: by the dynamic section, and with what relocations put there.
func (f *elfFile) runs(p *program) (out []running) {
	type table struct{ addr, size uint64 }
	var tables []table
	tags := map[elf.DynTag]uint64{}
	for _, t := range f.dynamicSection() {
		tags[t.tag] = t.val
	}
	for _, pair := range [][2]elf.DynTag{{elf.DT_PREINIT_ARRAY, elf.DT_PREINIT_ARRAYSZ}, {elf.DT_INIT_ARRAY, elf.DT_INIT_ARRAYSZ}, {elf.DT_FINI_ARRAY, elf.DT_FINI_ARRAYSZ}} {
		if tags[pair[0]] != 0 {
			tables = append(tables, table{tags[pair[0]], tags[pair[1]]})
		}
	}
	if len(tags) == 0 {
		for i := range p.regions {
			if r := &p.regions[i]; runsByItself(r.name) {
				tables = append(tables, table{r.addr, r.size})
			}
		}
	}
	var fs []filled
	if p.filled != nil {
		fs, _ = p.filled()
	}
	size := uint64(4)
	if f.wide {
		size = 8
	}
	for _, t := range tables {
		for at := t.addr; at+size <= t.addr+t.size && len(out) < maxReasons; at += size {
			v := running{at: at}
			if q := p.at(at); q != nil && !q.empty && at-q.addr+size <= q.size {
				if w, err := readAt(f.in, q.off+at-q.addr, size); err == nil {
					v.target = word(f.order, w)
				}
			}
			if i, ok := slices.BinarySearchFunc(fs, at, func(g filled, a uint64) int { return compare(g.at, a) }); ok {
				v.target, v.sym = fs[i].target, fs[i].sym
			}
			out = append(out, v)
		}
	}
	return out
}

// suspectRunning says when other functions run before or after main, whichever
// bytes say so, if the tables' own comparison did not.
func (e *elfPair) suspectRunning() {
	for _, c := range e.n.Children {
		if slices.ContainsFunc(c.Suspicions, func(s diff.Suspicion) bool { return s.Kind == diff.SuspectStart }) {
			return
		}
	}
	ra, rb := e.a.runs(e.p.a), e.b.runs(e.p.b)
	same := len(ra) == len(rb)
	for i := 0; same && i < len(ra); i++ {
		x, y := ra[i], rb[i]
		same = x.sym == y.sym && (x.target == y.target && e.p.a.at(x.target) == nil || e.p.moved(x.target, y.target))
	}
	if !same {
		e.n.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: fmt.Sprintf("the functions that run before or after main differ: %s in A, %s in B", e.a.runningNames(e.p, e.p.a, ra), e.b.runningNames(e.p, e.p.b, rb))})
	}
}

func (f *elfFile) runningNames(p *pairing, of *program, rs []running) string {
	if len(rs) == 0 {
		return "none"
	}
	out := ""
	for i, r := range rs {
		if i > 0 {
			out += ", "
		}
		if i == 8 {
			return out + "…"
		}
		if r.sym != "" {
			out += short(r.sym)
		} else {
			out += of.codeName(p, r.target)
		}
	}
	return out
}
