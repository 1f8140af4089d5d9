package executable

import (
	"bytes"
	"fmt"
	"sort"

	"github.com/stagescope/stagescope/diff"
)

// spanList is a list of stretches of code, or of where a variable is in each.
type spanList struct {
	tile
	unit  int32
	kind  spanKind
	shift uint64 // of a table of offsets: what they are counted from
}

type spanKind uint8

const (
	spanHead   spanKind = iota // of a table
	spanOffset                 // an offset in the table of offsets
	spanEntries
	spanRaw // views, or what nothing refers to
)

// listEntry is one entry of a list.
type listEntry struct {
	op         byte
	begin, end uint64 // addresses, when it has any
	expr       []byte
	rest       bool // it has no addresses
	padded     bool // a number before its end had more bytes than it needs
}

// Kinds of entries of lists since DWARF 5; those of ranges have other numbers.
const (
	spanEnd          = 0
	spanBaseIndex    = 1
	spanStartIndexTo = 2
	spanStartIndex   = 3
	spanOffsetPair   = 4
	spanDefault      = 5 // of places; those after it have one number less in lists of ranges
	spanBase         = 6
	spanStartEnd     = 7
	spanStartLength  = 8
	spanViews        = 9
)

// eachSpan reads a list; it gives where it ends.
func (s *dwarfSide) eachSpan(name string, u *dwarfUnit, at uint64, yield func(listEntry) bool) (uint64, bool) {
	if name == "ranges" || name == "loc" {
		return s.eachOldSpan(name, u, at, yield)
	}
	c := s.cursor(name, at)
	base := u.low
	for !c.bad {
		e := listEntry{op: byte(c.number(1))}
		if name == "rnglists" && e.op >= spanDefault {
			e.op++
		}
		switch e.op {
		case spanEnd:
			if c.bad {
				return 0, false
			}
			return c.at, yield(e)
		case spanBaseIndex:
			base = s.address(u, c.uleb(), c)
			e.begin, e.end = base, base
		case spanBase:
			base = c.number(uint64(u.addr))
			e.begin, e.end = base, base
		case spanStartIndexTo:
			e.begin, e.end = s.address(u, c.uleb(), c), s.address(u, c.uleb(), c)
		case spanStartIndex:
			e.begin = s.address(u, c.uleb(), c)
			e.end = e.begin + c.uleb()
		case spanOffsetPair:
			e.begin, e.end = base+c.uleb(), base+c.uleb()
		case spanDefault:
			e.rest = true
		case spanStartEnd:
			e.begin, e.end = c.number(uint64(u.addr)), c.number(uint64(u.addr))
		case spanStartLength:
			e.begin = c.number(uint64(u.addr))
			e.end = e.begin + c.uleb()
		case spanViews:
			e.begin, e.end, e.rest = c.uleb(), c.uleb(), true
		default:
			return 0, false
		}
		if name == "loclists" && e.op != spanBaseIndex && e.op != spanBase && e.op != spanViews {
			e.expr = c.take(c.uleb())
		}
		if e.padded = c.padded; c.bad || !yield(e) {
			return 0, false
		}
	}
	return 0, false
}

// eachOldSpan reads a list as before DWARF 5.
func (s *dwarfSide) eachOldSpan(name string, u *dwarfUnit, at uint64, yield func(listEntry) bool) (uint64, bool) {
	c := s.cursor(name, at)
	base, size := u.low, uint64(u.addr)
	top := uint64(1)<<(8*size-1)<<1 - 1
	for !c.bad {
		x, y := c.number(size), c.number(size)
		e := listEntry{op: spanOffsetPair, begin: base + x, end: base + y}
		switch {
		case c.bad:
			return 0, false
		case x == 0 && y == 0:
			return c.at, yield(listEntry{})
		case x == top:
			base = y
			e = listEntry{op: spanBase, begin: y, end: y}
		case name == "loc":
			e.expr = c.take(c.number(2))
		}
		if c.bad || !yield(e) {
			return 0, false
		}
	}
	return 0, false
}

// listTiles takes a section of lists apart.
func (d *dwarfPair) listTiles(s *dwarfSide, name string) ([]spanList, bool) {
	p := s.sec[name]
	// Most lists have one use, and little lies between them.
	out := make([]spanList, 0, len(s.lists[name])+len(s.lists[name])/8+16)
	if name == "ranges" || name == "loc" {
		return d.listsIn(out, s, name, 0, uint64(len(p)))
	}
	c := s.cursor(name, 0)
	for c.at < uint64(len(p)) {
		off := c.at
		n, wide := c.length()
		end := c.at + n
		if c.bad || n < 8 || n > uint64(len(p))-c.at || c.number(2) != 5 {
			return nil, false
		}
		c.take(2)
		count := c.number(4)
		base, size := c.at, uint64(4)
		if wide {
			size = 8
		}
		if c.bad || count > (end-base)/size {
			return nil, false
		}
		out = append(out, spanList{tile: tile{off, base, 1}, kind: spanHead})
		var firsts []uint64
		for range count {
			out = append(out, spanList{tile: tile{off: c.at, end: c.at + size}, kind: spanOffset, shift: base})
			firsts = append(firsts, base+c.number(size))
		}
		first := len(out)
		from := first - int(count)
		var ok bool
		if out, ok = d.listsIn(out, s, name, c.at, end); !ok {
			return nil, false
		}
		more := out[first:]
		// An offset is what it leads to.
		for i, at := range firsts {
			k := sort.Search(len(more), func(k int) bool { return more[k].off >= at })
			if k < len(more) && more[k].off == at {
				out[from+i].token = hashNumber(more[k].token, 1)
			}
		}
		c.at = end
	}
	return out, true
}

// listsIn takes a part of a section apart, by where lists begin that something
// refers to, and adds it to out. Those of a table of offsets are of the unit that has
// the others.
func (d *dwarfPair) listsIn(out []spanList, s *dwarfSide, name string, from, to uint64) ([]spanList, bool) {
	uses := s.lists[name]
	i := sort.Search(len(uses), func(i int) bool { return uses[i].off >= from })
	raw := func(a, b uint64) {
		if b > a {
			out = append(out, spanList{tile: tile{a, b, hash(hashStart, s.sec[name][a:b])}, kind: spanRaw})
		}
	}
	at := from
	for ; i < len(uses) && uses[i].off < to; i++ {
		if uses[i].off < at || uses[i].raw {
			continue // it begins in another
		}
		u := &s.units[uses[i].unit]
		h := hashNumber(hashStart, 2)
		first := true
		end, ok := s.eachSpan(name, u, uses[i].off, func(e listEntry) bool {
			h = hashNumber(hashNumber(h, uint64(e.op)), e.end-e.begin)
			if first && e.op != spanEnd && !e.rest && e.begin != 0 {
				h, first = hashNumber(h, d.addrKey(s, e.begin)), false
			}
			h = exprToken(u, &cursor{p: e.expr, order: s.order}, h)
			return true
		})
		if !ok || end > to {
			return nil, false
		}
		raw(at, uses[i].off)
		out = append(out, spanList{tile: tile{uses[i].off, end, h}, unit: uses[i].unit, kind: spanEntries})
		at = end
	}
	raw(at, to)
	return out, true
}

// lists compares lists of ranges and of places, list by list.
func (d *dwarfPair) lists(g *tiling, r *dwarfResult, name string) (bool, error) {
	if len(g.a) == 0 || len(g.b) == 0 {
		return true, nil
	}
	la, okA := d.listTiles(d.a, name)
	lb, okB := d.listTiles(d.b, name)
	if !okA || !okB {
		return false, nil
	}
	of := func(ls []spanList) []tile {
		out := make([]tile, len(ls))
		for i, l := range ls {
			out[i] = l.tile
		}
		return out
	}
	ta, tb := of(la), of(lb)
	m := d.places[name]
	onlyA, onlyB, err := g.table(ta, tb, func(i, j int) bool {
		ok := la[i].kind == lb[j].kind
		switch {
		case !ok:
		case la[i].kind == spanEntries:
			ok = d.sameSpans(name, la[i], lb[j])
		case la[i].kind == spanHead:
			// All but the length and the number of offsets, which were followed.
			x, y := g.a[la[i].end-8:la[i].end-4], g.b[lb[j].end-8:lb[j].end-4]
			ok = bytes.Equal(x, y) && la[i].end-la[i].off == lb[j].end-lb[j].off
		case la[i].kind == spanOffset:
			x, okA := d.a.target(name, la, i)
			y, okB := d.b.target(name, lb, j)
			ok = okA && okB && la[x].kind == spanEntries && lb[y].kind == spanEntries && d.sameSpans(name, la[x], lb[y])
		case la[i].kind == spanRaw:
			ok = bytes.Equal(g.a[la[i].off:la[i].end], g.b[lb[j].off:lb[j].end])
		}
		if ok {
			m.pair(la[i].tile, lb[j].tile)
		}
		return ok
	}, nil)
	if err != nil {
		return false, err
	}
	count := func(ls []spanList, only []int) (n int) {
		for _, i := range only {
			n += int(c1(ls[i].kind == spanEntries))
		}
		return n
	}
	if na, nb := count(la, onlyA), count(lb, onlyB); na+nb > 0 {
		r.reasons = append(r.reasons, diff.Reason{Field: "lists of functions that differ", A: fmt.Sprintf("%d that B has not", na), B: fmt.Sprintf("%d that A has not", nb)})
	}
	return true, nil
}

// target gives the list that an offset in a table leads to.
func (s *dwarfSide) target(name string, ls []spanList, i int) (int, bool) {
	c := s.cursor(name, ls[i].off)
	at := ls[i].shift + c.number(ls[i].end-ls[i].off)
	k := sort.Search(len(ls), func(k int) bool { return ls[k].off >= at })
	return k, !c.bad && k < len(ls) && ls[k].off == at
}

// sameSpans compares two lists entry by entry.
func (d *dwarfPair) sameSpans(name string, x, y spanList) bool {
	ua, ub := &d.a.units[x.unit], &d.b.units[y.unit]
	var spans []listEntry
	if _, ok := d.a.eachSpan(name, ua, x.off, func(e listEntry) bool { spans = append(spans, e); return true }); !ok {
		return false
	}
	k := 0
	_, ok := d.b.eachSpan(name, ub, y.off, func(f listEntry) bool {
		if k == len(spans) {
			return false
		}
		e := spans[k]
		k++
		if e.op != f.op || e.rest != f.rest || e.padded != f.padded || !d.sameExpr(ua, ub, e.expr, f.expr) {
			return false
		}
		switch {
		case e.op == spanEnd:
			return true
		case e.rest:
			return e.begin == f.begin && e.end == f.end
		case e.op == spanBase || e.op == spanBaseIndex:
			return d.sameAddr(e.begin, f.begin)
		}
		return d.sameSpan(e.begin, e.end, f.begin, f.end)
	})
	return ok && k == len(spans)
}
