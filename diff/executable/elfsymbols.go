package executable

import (
	"context"
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// symbolsRead are the entries of one side's table, with what names them.
type symbolsRead struct {
	f    *elfFile
	t    *section
	syms []elfSymbol
	name []string
	// version is what stands behind the names of dynamic symbols, and told those of
	// which it is part of what they are paired by. Both are nil for other tables.
	version []string
	told    versioned
	keys    []uint64
}

// known is what a symbol is paired by: its name, with the version where that has to
// be told.
func (r *symbolsRead) known(i int) string {
	if r.told[r.name[i]] {
		return r.name[i] + r.version[i]
	}
	return r.name[i]
}

// full is a symbol's name with its version.
func (r *symbolsRead) full(i int) string {
	if r.version == nil {
		return r.name[i]
	}
	return r.name[i] + r.version[i]
}

func (f *elfFile) readSymbols(t *section) (*symbolsRead, error) {
	if t.size > maxTable {
		return nil, bad("a table of %d bytes", t.size)
	}
	r := &symbolsRead{f: f, t: t}
	var v *versions
	if t.typ == elf.SHT_DYNSYM && f.versions().any() {
		v = f.versions()
		if f.versioned != nil {
			r.told = f.versioned()
		}
	}
	err := f.eachSymbol(t, func(_ int, s elfSymbol) bool {
		name, ok := f.symbolName(t, s)
		if !ok && s.nameOff != 0 {
			name = fmt.Sprintf("name at %d, outside of the table", s.nameOff)
		}
		if s.typ() == elf.STT_SECTION && s.nameOff == 0 && int(s.shndx) < len(f.sections) {
			name = f.sections[s.shndx].name // one that has a name of its own goes by that
		}
		r.syms, r.name = append(r.syms, s), append(r.name, name)
		if v != nil {
			r.version = append(r.version, v.version(len(r.syms)-1, s.defined()))
		}
		k := hashNumber(hashNumber(hash(hashStart, []byte(r.known(len(r.name)-1))), uint64(s.info)), uint64(s.other))
		r.keys = append(r.keys, hash(k, []byte(f.sectionName(s.shndx))))
		return true
	})
	return r, err
}

// sectionName names the section that a symbol is in.
func (f *elfFile) sectionName(i uint16) string {
	if i > 0 && int(i) < len(f.sections) {
		return f.sections[i].name
	}
	return elf.SectionIndex(i).String()
}

// compareSymbols compares the tables of symbols by name.
func (e *elfPair) compareSymbols(typ elf.SectionType) comparer {
	return func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		ta, tb := e.a.symbolTable(typ), e.b.symbolTable(typ)
		if ta == nil || tb == nil || e.a.wide != e.b.wide {
			return x.Binary(ctx, n, a, b)
		}
		ra, err := e.a.readSymbols(ta)
		if err != nil {
			return err
		}
		rb, err := e.b.readSymbols(tb)
		if err != nil {
			return err
		}
		runs, err := alignTokens(ctx, ra.keys, rb.keys)
		if err != nil {
			return err
		}
		s := &symbolDiff{e: e, a: ra, b: rb, t: e.table()}
		s.runs(runs)
		size := e.a.symbolSize()
		if err := s.t.tail(a, b, uint64(len(ra.syms))*size, uint64(len(rb.syms))*size); err != nil {
			return err
		}
		s.report(x, n)
		if typ == elf.SHT_DYNSYM {
			e.suspectImports(n, ra, rb)
		}
		return nil
	}
}

// symbolDiff is what differs between two tables of symbols.
type symbolDiff struct {
	e            *elfPair
	a, b         *symbolsRead
	t            *tableDiff
	onlyA, onlyB []int
	changed      [][2]int
	moved        int
}

func (s *symbolDiff) runs(runs []run) {
	size := s.e.a.symbolSize()
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(s.a.syms), b: len(s.b.syms)}) {
		if ia < r.a || ib < r.b {
			s.t.open = append(s.t.open, diff.Hunk{A: rangeOf(uint64(ia)*size, uint64(r.a-ia)*size), B: rangeOf(uint64(ib)*size, uint64(r.b-ib)*size)})
		}
		for ; ia < r.a; ia++ {
			s.onlyA = append(s.onlyA, ia)
		}
		for ; ib < r.b; ib++ {
			s.onlyB = append(s.onlyB, ib)
		}
		for k := range r.n {
			s.pair(r.a+k, r.b+k, size)
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
}

func (s *symbolDiff) pair(i, j int, size uint64) {
	x, y := s.a.syms[i], s.b.syms[j]
	if x == y {
		return
	}
	h := diff.Hunk{A: rangeOf(uint64(i)*size, size), B: rangeOf(uint64(j)*size, size)}
	if s.a.known(i) == s.b.known(j) && x.info == y.info && x.other == y.other && s.follows(x, y) {
		s.moved++
		s.t.closed = append(s.t.closed, h)
		return
	}
	s.changed = append(s.changed, [2]int{i, j})
	s.t.open = append(s.t.open, h)
}

// follows reports whether a symbol's beginning and end are the same places on
// both sides.
func (s *symbolDiff) follows(x, y elfSymbol) bool {
	if x.shndx != y.shndx && !s.e.sameSection(uint64(x.shndx), uint64(y.shndx)) {
		return false
	}
	if x.value == y.value && x.size == y.size {
		return true
	}
	ax, okX := s.a.f.symbolAddr(x)
	ay, okY := s.b.f.symbolAddr(y)
	if !okX || !okY || !s.e.p.moved(ax, ay) {
		return false
	}
	return x.size == y.size || x.size > 0 && y.size > 0 && s.e.p.moved(ax+x.size, ay+y.size)
}

func (s *symbolDiff) report(x *diff.Examiner, n *diff.Node) {
	setHunks(n, s.t.open, s.t.closed)
	if s.moved > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: plural(s.moved, "symbol") + " moved with what they name", Cause: &diff.Cause{ID: "derived", Name: "addresses of code and data that moved", Confidence: diff.Derived}})
	}
	if len(s.onlyA)+len(s.onlyB) > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "symbols", A: s.a.some(s.onlyA), B: s.b.some(s.onlyB)})
	}
	n.Reasons = append(n.Reasons, s.t.reasons...)
	if len(s.changed) > 0 {
		var names []int
		for _, c := range s.changed {
			names = append(names, c[0])
		}
		n.Reasons = append(n.Reasons, diff.Reason{Field: "address, size or type of " + s.a.some(names)})
	}
	ia, ib := slices.Clone(s.onlyA), slices.Clone(s.onlyB)
	for _, c := range s.changed {
		ia, ib = append(ia, c[0]), append(ib, c[1])
	}
	x.Listing(n, "symbols", s.a.lines(ia), s.b.lines(ib))
}

// some names the first of many.
func (r *symbolsRead) some(is []int) string {
	var out []string
	for k, i := range is {
		if k == 6 {
			out = append(out, fmt.Sprintf("and %d more", len(is)-k))
			break
		}
		out = append(out, orNoName(r.known(i)))
	}
	return strings.Join(out, ", ")
}

func orNoName(s string) string {
	if s == "" {
		return "(no name)"
	}
	return s
}

// maxLines bounds a listing.
const maxLines = 20_000

func (r *symbolsRead) lines(is []int) string {
	var out []string
	for _, i := range is {
		s := r.syms[i]
		out = append(out, fmt.Sprintf("%s %s %s %s, %d bytes, at %s", orNoName(r.full(i)), strings.TrimPrefix(s.typ().String(), "STT_"), strings.TrimPrefix(elf.ST_BIND(s.info).String(), "STB_"), r.f.sectionName(s.shndx), s.size, hexNumber(s.value)))
		if len(out) == maxLines {
			break
		}
	}
	slices.Sort(out)
	return lines(out)
}

// suspectImports reports, once, functions that one side asks of others, and those
// that both ask for in other versions.
func (e *elfPair) suspectImports(n *diff.Node, a, b *symbolsRead) {
	if e.saidImports {
		return
	}
	e.saidImports = true
	if va, vb := e.a.versions().any(), e.b.versions().any(); va != vb {
		side, other := "A", "B"
		if va {
			side, other = "B", "A"
		}
		n.Suspect(diff.Suspicion{Kind: diff.SuspectImport, What: fmt.Sprintf("side %s does not say which versions it asks for, as %s does: the loader takes those that others get by default", side, other)})
	}
	la, lb := a.asked(), b.asked()
	onlyA, onlyB := onlyIn(la, lb), onlyIn(lb, la)
	onlyA, onlyB = suspectOtherVersions(n, onlyA, onlyB)
	suspectNames(n, diff.SuspectImport, "asks for a function", "A", "B", onlyA)
	suspectNames(n, diff.SuspectImport, "asks for a function", "B", "A", onlyB)
}

// onlyIn gives the names that another list does not have.
func onlyIn(list, other []string) (out []string) {
	in := make(map[string]bool, len(other))
	for _, name := range other {
		in[name] = true
	}
	for _, name := range list {
		if !in[name] {
			out = append(out, name)
		}
	}
	return out
}

// asked gives the names of what is asked of others, each once.
func (r *symbolsRead) asked() (out []string) {
	set := map[string]bool{}
	for i, s := range r.syms {
		if name := r.known(i); !s.defined() && r.name[i] != "" && !set[name] {
			set[name] = true
			out = append(out, name)
		}
	}
	return out
}

// suspectOtherVersions reports what one side asks for in one version and the other in
// another, and gives the rest.
func suspectOtherVersions(n *diff.Node, a, b []string) (restA, restB []string) {
	of := func(names []string) map[string][]string {
		out := map[string][]string{}
		for _, s := range names {
			name, _, _ := strings.Cut(s, "@")
			out[name] = append(out[name], s)
		}
		return out
	}
	ofA, ofB := of(a), of(b)
	other := func(s string) bool {
		name, _, _ := strings.Cut(s, "@")
		return len(ofA[name]) == 1 && len(ofB[name]) == 1
	}
	said := 0
	for _, s := range tellingFirst(a) {
		if !other(s) {
			continue
		}
		name, _, _ := strings.Cut(s, "@")
		if said++; said <= maxSuspects {
			n.Suspect(diff.Suspicion{Kind: diff.SuspectImport, Telling: reaches(name), What: fmt.Sprintf("a function is asked for in another version: %s in A, %s in B", short(s), short(ofB[name][0]))})
		}
	}
	if said > maxSuspects {
		n.Suspect(diff.Suspicion{Kind: diff.SuspectImport, What: fmt.Sprintf("functions are asked for in other versions: %d more", said-maxSuspects)})
	}
	return slices.DeleteFunc(slices.Clone(a), other), slices.DeleteFunc(slices.Clone(b), other)
}

// suspectNames makes suspicions of names that one side has, first of those that
// tell most.
func suspectNames(n *diff.Node, kind diff.SuspicionKind, does, side, other string, names []string) {
	names = tellingFirst(names)
	for i, name := range names {
		if i == maxSuspects {
			n.Suspect(diff.Suspicion{Kind: kind, What: fmt.Sprintf("side %s %s that %s does not: %d more", side, does, other, len(names)-i)})
			return
		}
		n.Suspect(diff.Suspicion{Kind: kind, Telling: kind == diff.SuspectImport && reaches(name), What: fmt.Sprintf("side %s %s that %s does not: %s", side, does, other, short(name))})
	}
}
