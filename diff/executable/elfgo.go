package executable

import (
	"context"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// maxGoTable bounds a table of Go's functions that is taken apart.
const maxGoTable = 96 << 20

// goTables takes .gopclntab apart; nil when it is not as Go's linker writes it.
func (f *elfFile) goTables(s *section, in *diff.Input) (*goTables, error) {
	if in.Size > maxGoTable {
		return nil, nil
	}
	p, err := readAt(in, 0, uint64(in.Size))
	if err != nil {
		return nil, err
	}
	var text, rodata uint64
	if t := f.section(".text"); t != nil {
		text = t.addr
	}
	for _, name := range []string{".rodata", ".data.rel.ro"} {
		if t := f.section(name); t != nil && rodata == 0 {
			rodata = t.addr
		}
	}
	t := parseGoTables(p, f.order, s.addrInMem, text, rodata)
	if t == nil || t.data < uint64(len(p)) {
		return t, nil
	}
	// Before Go 1.26 the data of functions lie elsewhere.
	var at uint64
	if err := f.allSymbols(func(s symbol) bool {
		if name := s.name(); name == "go:func.*" || name == "go.func.*" {
			at = s.addr
		}
		return at == 0
	}); err != nil || at == 0 {
		return t, nil
	}
	for i := range f.sections {
		q := &f.sections[i]
		if q.hasBytes() && q.addr <= at && at-q.addr < q.size && q.size <= maxGoTable {
			if own, err := readAt(f.in, q.off+at-q.addr, q.size-(at-q.addr)); err == nil {
				if t.setOwn(own, at); !t.sound() {
					t.own, t.parts = nil, nil
				}
			}
			break
		}
	}
	return t, nil
}

// compareGoTable compares what Go's run time knows of functions: names, files and
// lines, and maps of pointers. Functions are paired as their code is. What is
// equal in meaning only refers to what moved.
func (e *elfPair) compareGoTable(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	sa, sb := e.sectionOf(e.a, n.A), e.sectionOf(e.b, n.B)
	if sa == nil || sb == nil || e.p.distrust || e.p.a.relaxed || e.p.b.relaxed || e.a.order != e.b.order {
		return e.p.comparePart(ctx, x, n, a, b)
	}
	ta, err := e.a.goTables(sa, a)
	if err != nil {
		return err
	}
	tb, err := e.b.goTables(sb, b)
	if err != nil {
		return err
	}
	if ta == nil || tb == nil || ta.magic != tb.magic || ta.pointer != tb.pointer || ta.p[6] != tb.p[6] {
		return e.p.comparePart(ctx, x, n, a, b)
	}
	c := &goFuncs{p: e.p, a: ta, b: tb, g: &tiling{ctx: ctx, a: ta.p, b: tb.p}, changed: e.p.changedFunctions()}
	for side := range 2 {
		c.filed[side], c.unlike[side] = map[uint32]bool{}, map[uint32]bool{}
	}
	n.Kind = diff.KindTable
	if err := c.compare(n); err != nil {
		return err
	}
	setHunks(n, c.g.open, c.g.closed)
	c.sayings(n)
	if len(c.g.closed) > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "places in tables of functions, in " + plural(len(c.g.closed), "range"),
			Cause: &diff.Cause{ID: "derived", Name: "addresses of code and data that moved", Confidence: diff.Derived,
				Evidence: "each leads to the same function, name, file or table on both sides"}})
	}
	if al := e.p.regionsOf(n); al != nil {
		e.p.texts(n, al.a, al.b, hunksOf(n))
	}
	return nil
}

// changedFunctions gives where functions of A begin whose code differs by more
// than addresses.
func (p *pairing) changedFunctions() map[uint64]bool {
	p.collect()
	out := map[uint64]bool{}
	for i := range p.a.regions {
		al := p.regions(p.a.regions[i].name)
		if al == nil || al.err != nil || al.code == nil || al.code.bodies == nil {
			continue
		}
		for _, k := range al.code.open {
			out[al.a.addr+uint64(al.code.bodies.a[k].off)] = true
		}
	}
	return out
}

// compare compares table after table.
func (c *goFuncs) compare(n *diff.Node) error {
	c.head()
	names := func(t *goTables) []tile { return stringTiles(t.p, t.names, t.units) }
	files := func(t *goTables) []tile { return stringTiles(t.p, t.files, t.values) }
	if err := c.strings(n, "names of functions", names(c.a), names(c.b)); err != nil {
		return err
	}
	if err := c.functions(n); err != nil {
		return err
	}
	ua, ub := c.a.unitTiles(), c.b.unitTiles()
	if _, _, err := c.g.table(ua, ub, func(i, j int) bool { return ua[i].token == ub[j].token && c.sameUnit(ua[i], ub[j]) }, nil); err != nil {
		return err
	}
	if err := c.strings(n, "source files", files(c.a), files(c.b)); err != nil {
		return err
	}
	va, vb := c.a.valueTiles(), c.b.valueTiles()
	explained := func(i int, isB bool) bool {
		t, ts, side := c.a, va, 0
		if isB {
			t, ts, side = c.b, vb, 1
		}
		off := uint32(ts[i].off - t.values)
		return c.filed[side][off] && !c.unlike[side][off] && !t.otherUse(off)
	}
	if _, _, err := c.g.table(va, vb, c.g.equalTiles(va, vb), explained); err != nil {
		return err
	}
	return c.rest()
}

// head compares the header. The offsets in it are those of the tables that were
// read.
func (c *goFuncs) head() {
	w := c.a.pointer
	for at := uint64(0); at < c.a.names && at < c.b.names; at += w {
		ok := at >= 8
		if i := (at - 8) / w; ok && i == 1 {
			ok = c.fileCount(c.a) && c.fileCount(c.b)
		} else if ok && i == 2 && c.a.magic != goTable116 {
			ok = c.p.known(c.a.text, c.b.text)
		}
		if at+w <= min(c.a.names, c.b.names) {
			c.word(at, at, w, ok || string(c.a.p[at:at+w]) == string(c.b.p[at:at+w]))
		}
	}
	if c.a.names != c.b.names {
		m := min(c.a.names, c.b.names)
		c.g.put(&c.g.open, rangeOf(m, c.a.names-m), rangeOf(m, c.b.names-m))
	}
}

// fileCount reports whether the header has the number of files.
func (c *goFuncs) fileCount(t *goTables) bool {
	n := uint64(0)
	for _, s := range stringTiles(t.p, t.files, t.values) {
		if s.end-s.off > 1 {
			n++
		}
	}
	return n == word(t.order, t.p[8+t.pointer:8+2*t.pointer])
}

func (c *goFuncs) strings(n *diff.Node, field string, ta, tb []tile) error {
	onlyA, onlyB, err := c.g.table(ta, tb, c.g.equalTiles(ta, tb), nil)
	if err != nil || len(onlyA)+len(onlyB) == 0 {
		return err
	}
	list := func(p []byte, ts []tile, only []int) []string {
		var out []string
		for _, i := range only {
			if s := p[ts[i].off:ts[i].end]; len(s) > 1 {
				out = append(out, short(string(s[:len(s)-1])))
			}
		}
		return out
	}
	if la, lb := list(c.a.p, ta, onlyA), list(c.b.p, tb, onlyB); len(la)+len(lb) > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: field, A: some(la), B: some(lb)})
	}
	return nil
}

// functions pairs the functions and compares the table of where they begin and
// their records.
func (c *goFuncs) functions(n *diff.Node) error {
	fa, fb := c.funcTiles(c.a, false), c.funcTiles(c.b, true)
	known := map[int]int{}
	same := func(i, j int) bool { return c.p.known(c.a.funcs[i].entry, c.b.funcs[j].entry) }
	e := 2 * c.a.entrySize()
	entries := func(t *goTables, ts []tile) []tile {
		out := make([]tile, len(ts))
		for i := range ts {
			out[i] = tile{t.table + uint64(i)*e, t.table + uint64(i+1)*e, ts[i].token}
		}
		return out
	}
	onlyA, onlyB, err := c.g.table(entries(c.a, fa), entries(c.b, fb), func(i, j int) bool {
		ok := same(i, j)
		if ok {
			known[j] = i
		}
		return ok
	}, nil)
	if err != nil {
		return err
	}
	if len(onlyA)+len(onlyB) > 0 {
		name := func(t *goTables, only []int) (out []string) {
			for _, i := range only {
				out = append(out, short(t.nameOf(&t.funcs[i])))
			}
			return out
		}
		n.Reasons = append(n.Reasons, diff.Reason{Field: "functions", A: some(name(c.a, onlyA)), B: some(name(c.b, onlyB))})
	}
	for j := range c.b.funcs {
		i, ok := known[j]
		if !ok {
			continue
		}
		c.record(&c.a.funcs[i], &c.b.funcs[j])
	}
	for _, i := range onlyA {
		c.g.put(&c.g.open, fa[i].rng(), ends(fb, i))
	}
	for _, j := range onlyB {
		c.g.put(&c.g.open, ends(fa, j), fb[j].rng())
	}
	w := c.a.entrySize()
	lastA, lastB := len(c.a.funcs)-1, len(c.b.funcs)-1
	i, ok := known[lastB]
	c.word(c.a.records-w, c.b.records-w, w, c.p.known(c.a.end, c.b.end) || ok && i == lastA && c.a.end-c.a.funcs[i].entry == c.b.end-c.b.funcs[lastB].entry)
	return nil
}

// funcTiles has a record for each function. Its token says which function it is.
func (c *goFuncs) funcTiles(t *goTables, isB bool) []tile {
	of := c.p.a
	if isB {
		of = c.p.b
	}
	out := make([]tile, len(t.funcs))
	for i := range t.funcs {
		f := &t.funcs[i]
		id, ok := c.p.identity(f.entry, isB)
		if r := of.at(f.entry); !ok && r != nil {
			id = hashNumber(hash(hashStart, []byte(r.name)), f.entry-r.addr)
		}
		out[i] = tile{uint64(f.at), uint64(f.at) + uint64(f.size), id}
	}
	return out
}

// unitTiles has a record for each file of a unit, by the file's name.
func (t *goTables) unitTiles() []tile {
	var out []tile
	at := t.units
	for ; at+4 <= t.files; at += 4 {
		out = append(out, tile{at, at + 4, hash(hashStart, t.file(uint32((at-t.units)/4), 0))})
	}
	if at < t.files {
		out = append(out, tile{at, t.files, hash(hashStart, t.p[at:t.files])})
	}
	return out
}

// sameUnit reports whether two records lead to files of one name, or to none.
func (c *goFuncs) sameUnit(ta, tb tile) bool {
	if ta.end-ta.off != 4 || tb.end-tb.off != 4 {
		return string(c.a.p[ta.off:ta.end]) == string(c.b.p[tb.off:tb.end])
	}
	x, y := c.a.word32(ta.off), c.b.word32(tb.off)
	if x == goNone || y == goNone {
		return x == y
	}
	fa, fb := c.a.file(uint32((ta.off-c.a.units)/4), 0), c.b.file(uint32((tb.off-c.b.units)/4), 0)
	return fa != nil && fb != nil && string(fa) == string(fb)
}

// valueTiles has a record for each table of values that a function has, and for
// what lies between them.
func (t *goTables) valueTiles() []tile {
	var offs []uint32
	t.uses(func(off uint32, _ bool) { offs = append(offs, off) })
	slices.Sort(offs)
	var out []tile
	at := uint64(0)
	put := func(from, to uint64) {
		if to > from {
			out = append(out, tile{t.values + from, t.values + to, hash(hashStart, t.p[t.values+from:t.values+to])})
		}
	}
	for _, off := range slices.Compact(offs) {
		p := t.series(off)
		if uint64(off) < at || p == nil {
			continue // it lies in another, or is none
		}
		put(at, uint64(off))
		at = uint64(off) + uint64(len(p))
		put(uint64(off), at)
	}
	put(at, t.table-t.values)
	return out
}

// uses calls back for every table of values that a function has; files says that
// it is one of files.
func (t *goTables) uses(yield func(off uint32, files bool)) {
	for i := range t.funcs {
		f := &t.funcs[i]
		for _, k := range []int{goStack, goFiles, goLines} {
			if off := t.field(f, k); off != 0 {
				yield(off, k == goFiles)
			}
		}
		for k := range f.values {
			if off := t.value(f, k); off != 0 {
				yield(off, false)
			}
		}
	}
}

// otherUse reports whether a table of values is used for something else than files.
func (t *goTables) otherUse(off uint32) bool {
	if t.others == nil {
		t.others = map[uint32]bool{}
		t.uses(func(off uint32, files bool) {
			if !files {
				t.others[off] = true
			}
		})
	}
	return t.others[off]
}

// rest compares what follows the functions.
func (c *goFuncs) rest() error {
	a, b := c.a, c.b
	gap := func(t *goTables) tile {
		return tile{t.recordsEnd, t.data, hash(hashStart, t.p[t.recordsEnd:t.data])}
	}
	ga, gb := gap(a), gap(b)
	if pa, pb := a.p[ga.off:ga.end], b.p[gb.off:gb.end]; string(pa) != string(pb) {
		c.g.alone(ga.rng(), gb.rng(), len(pa) < 8 && len(pb) < 8 && zero(pa) && zero(pb))
	}
	if a.data == uint64(len(a.p)) && b.data == uint64(len(b.p)) {
		return nil
	}
	// The data of one side may be known and lie elsewhere.
	if a.own == nil || b.own == nil || a.data == uint64(len(a.p)) || b.data == uint64(len(b.p)) {
		c.g.put(&c.g.open, rangeOf(a.data, uint64(len(a.p))-a.data), rangeOf(b.data, uint64(len(b.p))-b.data))
		return nil
	}
	ta, tb := c.partTiles(a, false), c.partTiles(b, true)
	shift := func(t *goTables, ts []tile) int { return len(ts) - len(t.parts) }
	if _, _, err := c.g.table(ta, tb, func(i, j int) bool {
		ka, kb := i-shift(a, ta), j-shift(b, tb)
		if ka < 0 || kb < 0 {
			return ka < 0 && kb < 0 && c.g.equalTiles(ta, tb)(i, j)
		}
		return c.sameParts(a.parts[ka], b.parts[kb])
	}, nil); err != nil {
		return err
	}
	ia, ib := a.p[a.index:], b.p[b.index:]
	if string(ia) != string(ib) {
		c.g.alone(rangeOf(a.index, uint64(len(ia))), rangeOf(b.index, uint64(len(ib))), len(ia) > 0 && len(ib) > 0)
	}
	return nil
}
