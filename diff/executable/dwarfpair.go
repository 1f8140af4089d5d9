package executable

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/stagescope/stagescope/diff"
)

// places says which offsets of A's section are which of B's: stretches of records
// that are paired.
type places struct{ runs []placeRun }

type placeRun struct{ a, b, n uint64 }

func (m *places) add(a, b, n uint64) {
	if k := len(m.runs) - 1; k >= 0 {
		if r := &m.runs[k]; r.a+r.n == a && r.b+r.n == b {
			r.n += n
			return
		}
	}
	m.runs = append(m.runs, placeRun{a, b, n})
}

// pair adds a pair of records: where they begin is the same place, and what is in
// them when they are equally long.
func (m *places) pair(a, b tile) {
	n := a.end - a.off
	if n != b.end-b.off {
		n = 1
	}
	m.add(a.off, b.off, n)
}

func (m *places) sort() {
	slices.SortStableFunc(m.runs, func(x, y placeRun) int { return cmp.Compare(x.a, y.a) })
}

func (m *places) same(a, b uint64) bool {
	i := sort.Search(len(m.runs), func(i int) bool { return m.runs[i].a > a })
	return i > 0 && a-m.runs[i-1].a < m.runs[i-1].n && a-m.runs[i-1].a == b-m.runs[i-1].b
}

// dwarfPair compares the debug information of two sides. Entries, rows, lists and
// records are paired by what they say; then what they refer to is held to be the
// pair of one another.
type dwarfPair struct {
	p      *pairing
	a, b   *dwarfSide
	places map[string]*places
	units  []unitPair
	alone  [2][]int32 // units without a partner
	done   map[string]*dwarfResult
	tiles  [2][]entryTile         // of the units that were paired last
	mapped func(a, b string) bool // two paths are one but for the directory of the build
}

type unitPair struct {
	a, b int32
	runs []run // of their entries
}

// dwarfResult is what is found of one section.
type dwarfResult struct {
	open, closed []diff.Hunk
	reasons      []diff.Reason
	what         string // what is explained
}

// dwarf reads the debug information of both sides once; nil when it cannot be
// taken apart, with what there is to say of it.
func (e *elfPair) dwarf(ctx context.Context) (*dwarfPair, error) {
	if e.debugRead {
		return e.debugPair, nil
	}
	e.debugRead = true
	if e.p.distrust || e.p.a.relaxed || e.p.b.relaxed || e.a.order != e.b.order {
		return nil, nil
	}
	a, err := e.a.dwarf(ctx, e.p.a, false, e.p.x.Limits().Debug)
	if a == nil || err != nil {
		return nil, e.notTaken(ctx, "A", err)
	}
	b, err := e.b.dwarf(ctx, e.p.b, true, e.p.x.Limits().Debug)
	if b == nil || err != nil {
		return nil, e.notTaken(ctx, "B", err)
	}
	e.p.collect()
	d := &dwarfPair{p: e.p, a: a, b: b, places: map[string]*places{}, done: map[string]*dwarfResult{}, mapped: e.mapped}
	for _, name := range dwarfNames {
		d.places[name] = &places{}
	}
	ok, err := d.prepare(ctx)
	if ok && err == nil {
		e.debugPair = d
	} else {
		e.debugWhy = "what it refers to is not as compilers write it"
	}
	return e.debugPair, err
}

// notTaken keeps why a side's debug information is not taken apart.
func (e *elfPair) notTaken(ctx context.Context, side string, err error) error {
	e.debugWhy = "that of side " + side + " is not as compilers write it"
	if err != nil {
		e.debugWhy = fmt.Sprintf("that of side %s could not be read: %v", side, err)
	}
	return ctx.Err()
}

// prepare pairs what others refer to.
func (d *dwarfPair) prepare(ctx context.Context) (bool, error) {
	for _, name := range []string{"str", "line_str"} {
		if ok, err := d.section(ctx, name); !ok || err != nil {
			return false, err
		}
		d.places[name].sort()
	}
	if err := d.pairUnits(ctx); err != nil {
		return false, err
	}
	for i := range d.units {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if ok, err := d.pairEntries(ctx, &d.units[i]); !ok || err != nil {
			return false, err
		}
	}
	d.places["info"].sort()
	d.tiles = [2][]entryTile{}
	for side, s := range []*dwarfSide{d.a, d.b} {
		for _, i := range d.alone[side] {
			if !s.collectLists(i) {
				return false, nil
			}
		}
		s.sortLists()
	}
	for _, name := range []string{"addr", "str_offsets", "line", "rnglists", "loclists", "ranges", "loc"} {
		if ok, err := d.section(ctx, name); !ok || err != nil {
			return false, err
		}
	}
	for _, m := range d.places {
		m.sort()
	}
	return true, nil
}

// section compares a section other than .debug_info, and pairs its records.
func (d *dwarfPair) section(ctx context.Context, name string) (bool, error) {
	g := &tiling{ctx: ctx, a: d.a.sec[name], b: d.b.sec[name]}
	r := &dwarfResult{}
	ok := true
	var err error
	switch name {
	case "str", "line_str":
		err = d.strings(g, r, name)
	case "abbrev":
		ok, err = d.declarations(g, r)
	case "addr", "str_offsets":
		ok, err = d.arrays(g, name)
	case "line":
		ok, err = d.lineTables(g, r)
	case "rnglists", "loclists", "ranges", "loc":
		ok, err = d.lists(g, r, name)
	case "aranges":
		ok, err = d.aranges(g)
	case "frame":
		ok, err = d.frames(g, r)
	case "info":
		err = d.info(g, r)
	default:
		return false, nil
	}
	if ok && err == nil {
		r.open, r.closed = g.open, g.closed
		d.done[name] = r
	}
	return ok, err
}

// result gives what is found of a section; nil when it was not taken apart.
func (d *dwarfPair) result(ctx context.Context, name string) (*dwarfResult, error) {
	if r, ok := d.done[name]; ok {
		return r, nil
	}
	if ok, err := d.section(ctx, name); !ok || err != nil {
		return nil, err
	}
	return d.done[name], nil
}

// addrKey is a number for a place, which is that of its partner on the other side
// too, if that can be: the function that holds it and how far into it.
func (d *dwarfPair) addrKey(s *dwarfSide, addr uint64) uint64 {
	r := s.of.at(addr)
	if r == nil {
		return hashNumber(hashStart, 0)
	}
	al := d.p.regions(r.name)
	if al != nil && al.err == nil && al.code != nil && al.code.bodies != nil {
		list := al.code.bodies.a
		if s.isB {
			list = al.code.bodies.b
		}
		if i, ok := find(list, uint32(addr-r.addr)); ok {
			if id, ok := d.p.identity(r.addr+uint64(list[i].off), s.isB); ok {
				return hashNumber(id, addr-r.addr-uint64(list[i].off))
			}
		}
	}
	return hashNumber(hash(hashStart, []byte(r.name)), addr-r.addr)
}

// sameSpan reports whether two stretches of code are the same: they begin at the
// same place, and their last bytes lie at the same.
func (d *dwarfPair) sameSpan(x0, x1, y0, y1 uint64) bool {
	if x1-x0 != y1-y0 || !d.sameAddr(x0, y0) {
		return false
	}
	return x1 == x0 || d.sameAddr(x1-1, y1-1)
}

// sameAddr reports whether two addresses are those of the same; numbers that are
// no addresses have to be equal.
func (d *dwarfPair) sameAddr(x, y uint64) bool {
	ra, rb := d.p.a.at(x), d.p.b.at(y)
	if ra == nil || rb == nil {
		return x == y && ra == nil && rb == nil || d.p.sameEnd(x, y)
	}
	if ra.exec {
		return rb.exec && d.p.known(x, y)
	}
	if d.p.moved(x, y) {
		return true
	}
	// What debug information says of data is that it has a name: that of the symbol.
	decided, same := d.p.sameSymbol(x, y)
	return decided && same
}

// strings compares a table of strings, in whatever order they come.
func (d *dwarfPair) strings(g *tiling, r *dwarfResult, name string) error {
	ta, tb := stringTiles(g.a, 0, uint64(len(g.a))), stringTiles(g.b, 0, uint64(len(g.b)))
	onlyA, onlyB, err := g.table(ta, tb, g.equalTiles(ta, tb), nil)
	if err != nil {
		return err
	}
	// Of a string that took the place of another it is said here that it differs.
	whole := func(ts []tile, r diff.Range) bool {
		i, ok := slices.BinarySearchFunc(ts, uint64(r.Off), func(t tile, off uint64) int { return cmp.Compare(t.off, off) })
		return ok && ts[i].end == uint64(r.Off+r.Len)
	}
	for i, h := range g.open {
		if whole(ta, h.A) && whole(tb, h.B) {
			d.places[name].add(uint64(h.A.Off), uint64(h.B.Off), 1)
		}
		// The zero byte after both is equal.
		if endA, endB := h.A.Off+h.A.Len, h.B.Off+h.B.Len; h.A.Len > 1 && h.B.Len > 1 && g.a[endA-1] == 0 && g.b[endB-1] == 0 {
			g.open[i].A.Len, g.open[i].B.Len = h.A.Len-1, h.B.Len-1
		}
	}
	list := func(p []byte, ts []tile, only []int) (out []string) {
		for _, i := range only {
			if s := bytes.TrimSuffix(p[ts[i].off:ts[i].end], []byte{0}); len(out) <= 4 && len(s) > 0 {
				out = append(out, short(string(s)))
			}
		}
		if n := len(only); len(out) == 5 {
			out[4] = fmt.Sprintf("and %d more", n-4)
		}
		return out
	}
	// What takes the place of another is shown, and the rules about causes look at it.
	if slices.ContainsFunc(g.open, func(h diff.Hunk) bool { return h.A.Len == 0 || h.B.Len == 0 }) {
		r.reasons = append(r.reasons, diff.Reason{Field: FieldStrings, A: joinNames(list(g.a, ta, onlyA)), B: joinNames(list(g.b, tb, onlyB))})
	}
	r.what = "strings in another order"
	return nil
}

func joinNames(ss []string) string {
	out := ""
	for i, s := range ss {
		if i > 0 {
			out += "; "
		}
		out += s
	}
	return out
}

// declarations compares .debug_abbrev, declaration by declaration. Their numbers
// follow from their order.
func (d *dwarfPair) declarations(g *tiling, r *dwarfResult) (bool, error) {
	tiles := func(s *dwarfSide) ([]tile, bool) {
		var out []tile
		c := s.cursor("abbrev", 0)
		for c.at < uint64(len(c.p)) {
			off := c.at
			code := c.uleb()
			if c.bad || len(out) > maxAbbrevs {
				return nil, false
			}
			if code == 0 {
				out = append(out, tile{off, c.at, 0})
				continue
			}
			from := c.at
			if _, ok := readAbbrev(c); !ok || c.bad {
				return nil, false
			}
			out = append(out, tile{off, c.at, hash(hashStart, c.p[from:c.at])})
		}
		return out, true
	}
	ta, okA := tiles(d.a)
	tb, okB := tiles(d.b)
	if !okA || !okB {
		return false, nil
	}
	rest := func(p []byte, t tile) []byte {
		c := cursor{p: p[:t.end], at: t.off}
		c.uleb()
		return p[c.at:t.end]
	}
	onlyA, onlyB, err := g.table(ta, tb, func(i, j int) bool { return bytes.Equal(rest(g.a, ta[i]), rest(g.b, tb[j])) }, nil)
	if len(onlyA)+len(onlyB) > 0 {
		r.reasons = append(r.reasons, diff.Reason{Field: "declarations of entries", A: fmt.Sprintf("%d that B has not", len(onlyA)), B: fmt.Sprintf("%d that A has not", len(onlyB))})
	}
	r.what = "numbers of declarations"
	return true, err
}

// arrays compares .debug_addr and .debug_str_offsets: words that are addresses, or
// places of strings.
func (d *dwarfPair) arrays(g *tiling, name string) (bool, error) {
	tiles := func(s *dwarfSide) ([]tile, []uint64, bool) {
		var out []tile
		var values []uint64
		c := s.cursor(name, 0)
		put := func(off, v, token uint64) {
			out, values = append(out, tile{off, c.at, token}), append(values, v)
		}
		for c.at < uint64(len(c.p)) {
			off := c.at
			n, wide := c.length()
			end := c.at + n
			if c.bad || n < 4 || n > uint64(len(c.p))-c.at || c.number(2) != 5 {
				return nil, nil, false
			}
			size := uint64(4)
			if wide {
				size = 8
			}
			if name == "addr" {
				size = c.number(1)
				c.take(1)
			} else {
				c.take(2)
			}
			if size != 4 && size != 8 {
				return nil, nil, false
			}
			put(off, 0, 0)
			for c.at < end && !c.bad {
				off := c.at
				v := c.number(size)
				if name == "addr" {
					put(off, v, d.addrKey(s, v))
				} else {
					put(off, v, hash(hashStart, s.str("str", v)))
				}
			}
			if c.bad || c.at != end {
				return nil, nil, false
			}
		}
		return out, values, true
	}
	ta, va, okA := tiles(d.a)
	tb, vb, okB := tiles(d.b)
	if !okA || !okB {
		return false, nil
	}
	_, _, err := g.table(ta, tb, func(i, j int) bool {
		na, nb := ta[i].end-ta[i].off, tb[j].end-tb[j].off
		ok := na == nb && (ta[i].token == 0) == (tb[j].token == 0)
		switch {
		case !ok:
		case ta[i].token == 0: // the head: all but the length, which was followed
			ok = bytes.Equal(g.a[ta[i].end-4:ta[i].end], g.b[tb[j].end-4:tb[j].end])
		case name == "addr":
			ok = d.sameAddr(va[i], vb[j])
		default:
			sa, sb := d.a.str("str", va[i]), d.b.str("str", vb[j])
			ok = sa != nil && sb != nil && bytes.Equal(sa, sb)
		}
		if ok {
			d.places[name].pair(ta[i], tb[j])
		}
		return ok
	}, nil)
	return true, err
}
