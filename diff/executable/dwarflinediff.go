package executable

import (
	"bytes"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// lineTables compares .debug_line: units as .debug_info pairs them, their files by
// name, and their rows by what they say of code.
func (d *dwarfPair) lineTables(g *tiling, r *dwarfResult) (bool, error) {
	ta, okA := d.a.lineUnits()
	tb, okB := d.b.lineUnits()
	if !okA || !okB {
		return false, nil
	}
	c := &lineDiff{d: d, g: g}
	tiles := func(s *dwarfSide, ts []*lineTable) []tile {
		of := d.unitLines(s)
		out := make([]tile, len(ts))
		for i, t := range ts {
			out[i] = tile{t.off, t.end, hashNumber(t.head, of[t.off])}
		}
		return out
	}
	ua, ub := tiles(d.a, ta), tiles(d.b, tb)
	var err error
	var pairs [][2]int
	onlyA, onlyB, err2 := g.pairs(ua, ub, func(i, j int) bool { return ua[i].token == ub[j].token }, func(i, j int) { pairs = append(pairs, [2]int{i, j}) })
	if err2 != nil {
		return false, err2
	}
	m := d.places["line"]
	for _, p := range pairs {
		if err = g.ctx.Err(); err != nil {
			return false, err
		}
		x, y := ta[p[0]], tb[p[1]]
		m.add(x.off, y.off, 1)
		if bytes.Equal(g.a[x.off:x.end], g.b[y.off:y.end]) && d.sameStart(x, y) {
			continue
		}
		if err = c.table(x, y); err != nil {
			return false, err
		}
	}
	for _, i := range onlyA {
		g.put(&g.open, ua[i].rng(), ends(ub, i))
	}
	for _, j := range onlyB {
		g.put(&g.open, ends(ua, j), ub[j].rng())
	}
	if len(onlyA)+len(onlyB) > 0 {
		r.reasons = append(r.reasons, diff.Reason{Field: "units", A: fmt.Sprintf("%d that B has not", len(onlyA)), B: fmt.Sprintf("%d that A has not", len(onlyB))})
	}
	if len(c.filesA)+len(c.filesB) > 0 {
		r.reasons = append(r.reasons, diff.Reason{Field: "source files", A: some(c.filesA), B: some(c.filesB)})
	}
	if c.rowsA+c.rowsB > 0 {
		r.reasons = append(r.reasons, diff.Reason{Field: "rows of line numbers", A: fmt.Sprintf("%d that are not so in B%s", c.rowsA, c.atA), B: fmt.Sprintf("%d that are not so in A%s", c.rowsB, c.atB)})
	}
	r.what = "addresses of functions and numbers of files"
	return true, nil
}

// sameStart reports whether two tables of equal bytes are of the same code.
func (d *dwarfPair) sameStart(x, y *lineTable) bool {
	qa, okA := d.sequences(d.a, x)
	qb, okB := d.sequences(d.b, y)
	if !okA || !okB || len(qa) != len(qb) {
		return false
	}
	for i := range qa {
		if !d.sameAddr(qa[i].begin, qb[i].begin) {
			return false
		}
	}
	return true
}

// lineDiff compares pairs of line tables.
type lineDiff struct {
	d              *dwarfPair
	g              *tiling
	filesA, filesB []string
	rowsA, rowsB   int
	atA, atB       string // where the first of them is
}

func (c *lineDiff) table(x, y *lineTable) error {
	// The header's numbers have one hash; its lengths were followed.
	c.pair(tile{off: x.off, end: x.fixed}, tile{off: y.off, end: y.fixed})
	onlyA, onlyB, err := c.g.table(x.names, y.names, func(i, j int) bool {
		return x.names[i].token == y.names[j].token && (i != 1 || j != 1 || x.version != 5 || c.d.sameText(x.built, y.built))
	}, nil)
	if err != nil {
		return err
	}
	c.filesA, c.filesB = append(c.filesA, x.called(onlyA)...), append(c.filesB, y.called(onlyB)...)
	qa, okA := c.d.sequences(c.d.a, x)
	qb, okB := c.d.sequences(c.d.b, y)
	if !okA || !okB {
		c.g.put(&c.g.open, rangeOf(x.program, x.end-x.program), rangeOf(y.program, y.end-y.program))
		return nil
	}
	of := func(qs []lineSequence) []tile {
		out := make([]tile, len(qs))
		for i, q := range qs {
			out[i] = q.tile
		}
		return out
	}
	ta, tb := of(qa), of(qb)
	same := func(i, j int) bool { return c.d.sameAddr(qa[i].begin, qb[j].begin) && c.sameRows(x, y, ta[i], tb[j]) }
	pairA, pairB := map[int]bool{}, map[int]bool{}
	onlyA, onlyB, err = c.g.pairs(ta, tb, same, func(i, j int) {
		pairA[i], pairB[j] = true, true
		c.pair(ta[i], tb[j])
	})
	if err != nil {
		return err
	}
	return c.left(x, y, qa, qb, onlyA, onlyB)
}

// pair notes a pair of which all was held to be the same.
func (c *lineDiff) pair(x, y tile) {
	if !c.d.sameBytes(c.g, x, y) {
		c.g.put(&c.g.closed, x.rng(), y.rng())
	}
}

// called gives the names of entries of the lists of a header.
func (t *lineTable) called(only []int) []string {
	var out []string
	first := len(t.names) - len(t.files)
	for _, i := range only {
		if k := i - first; t.version == 5 && k >= 0 && k < len(t.files) && len(out) < 8 {
			out = append(out, short(t.files[k]))
		}
	}
	return out
}

// readRows gives all rows of a sequence.
func (s *dwarfSide) readRows(t *lineTable, q tile) ([]lineRow, bool) {
	out := make([]lineRow, 0, 4+(q.end-q.off)/4)
	ok := s.rows(t, q.off, q.end, func(r lineRow, _ bool) { out = append(out, r) })
	return out, ok && len(out) > 0
}

// sameRows reports whether two sequences say the same, row by row: rows are as far
// from where the sequence begins, and functions that begin among them are the same.
func (c *lineDiff) sameRows(x, y *lineTable, ta, tb tile) bool {
	ra, okA := c.d.a.readRows(x, ta)
	rb, okB := c.d.b.readRows(y, tb)
	if !okA || !okB || len(ra) != len(rb) || !c.sameOperations(x, y, ta, tb) {
		return false
	}
	for i := range ra {
		q, r := ra[i], rb[i]
		if q.line != r.line || q.file != r.file || q.col != r.col || q.flags != r.flags || q.disc != r.disc || q.isa != r.isa || q.op != r.op || q.addr-ra[0].addr != r.addr-rb[0].addr {
			return false
		}
		if _, starts := c.d.p.identity(q.addr, false); starts && i+1 < len(ra) && !c.d.sameAddr(q.addr, r.addr) {
			return false
		}
	}
	return true
}

// sameOperations reports whether two stretches of programs are equal but for
// numbers that say addresses, which follow from these, and numbers of files.
func (c *lineDiff) sameOperations(x, y *lineTable, ta, tb tile) bool {
	a := &cursor{p: c.g.a[:ta.end], at: ta.off, order: c.d.a.order}
	b := &cursor{p: c.g.b[:tb.end], at: tb.off, order: c.d.b.order}
	for a.at < ta.end && b.at < tb.end && !a.bad && !b.bad {
		op := a.number(1)
		if b.number(1) != op {
			return false
		}
		switch {
		case op >= x.first || op == 1 || op >= 6 && op <= 8 || op == 10 || op == 11:
		case op == 2:
			a.uleb()
			b.uleb()
		case op == 9:
			a.take(2)
			b.take(2)
		case op == 4:
			if !sameNumber(x, y, a.uleb(), b.uleb()) {
				return false
			}
		case op == 0:
			n := a.uleb()
			if b.uleb() != n || n == 0 {
				return false
			}
			if p, q := a.take(n), b.take(n); p == nil || q == nil || p[0] != q[0] || p[0] != 2 && !bytes.Equal(p, q) {
				return false
			}
		case op == 3 || op == 5 || op == 12:
			if a.uleb() != b.uleb() {
				return false
			}
		default:
			for range x.lengths[op-1] {
				if a.uleb() != b.uleb() {
					return false
				}
			}
		}
	}
	return !a.bad && !b.bad && a.at == ta.end && b.at == tb.end && a.padded == b.padded
}

// left compares the sequences that are not the same: those that begin at the same
// place, or that are all that is left, row by row.
func (c *lineDiff) left(x, y *lineTable, qa, qb []lineSequence, onlyA, onlyB []int) error {
	at := map[uint64]int{}
	for _, i := range onlyA {
		at[c.d.addrKey(c.d.a, qa[i].begin)] = i
	}
	taken := map[int]bool{}
	for _, j := range onlyB {
		i, ok := at[c.d.addrKey(c.d.b, qb[j].begin)]
		if !ok && len(onlyA) == 1 && len(onlyB) == 1 {
			i, ok = onlyA[0], true
		}
		if ok && !taken[i] {
			taken[i] = true
			if err := c.rows(x, y, qa[i].tile, qb[j].tile); err != nil {
				return err
			}
			continue
		}
		c.g.put(&c.g.open, rangeOf(x.end, 0), qb[j].rng())
		c.count(nil, rowsOf(c.d.b, y, qb[j].tile))
	}
	for _, i := range onlyA {
		if !taken[i] {
			c.g.put(&c.g.open, qa[i].rng(), rangeOf(y.end, 0))
			c.count(rowsOf(c.d.a, x, qa[i].tile), nil)
		}
	}
	return nil
}

func rowsOf(s *dwarfSide, t *lineTable, q tile) []lineRow {
	out, _ := s.readRows(t, q)
	return out
}

// count counts rows that the other side has not.
func (c *lineDiff) count(ra, rb []lineRow) {
	say := func(rs []lineRow, at *string) {
		if *at == "" && len(rs) > 0 {
			*at = fmt.Sprintf(", first %s:%d", short(rs[0].file), rs[0].line)
		}
	}
	say(ra, &c.atA)
	say(rb, &c.atB)
	c.rowsA, c.rowsB = c.rowsA+len(ra), c.rowsB+len(rb)
}

// rows aligns the rows of two sequences.
func (c *lineDiff) rows(x, y *lineTable, qa, qb tile) error {
	ra, okA := c.d.a.readRows(x, qa)
	rb, okB := c.d.b.readRows(y, qb)
	if !okA || !okB {
		c.g.put(&c.g.open, qa.rng(), qb.rng())
		return nil
	}
	of := func(rs []lineRow) []tile {
		out := make([]tile, len(rs))
		for i, r := range rs {
			out[i] = r.tile
		}
		return out
	}
	ta, tb := of(ra), of(rb)
	onlyA, onlyB, err := c.g.table(ta, tb, func(i, j int) bool {
		return c.d.sameBytes(c.g, ta[i], tb[j]) || c.d.sameRow(ra[i], rb[j]) && c.sameOperations(x, y, ta[i], tb[j])
	}, nil)
	if err != nil {
		return err
	}
	pick := func(rs []lineRow, only []int) []lineRow {
		var out []lineRow
		for _, i := range only {
			out = append(out, rs[i])
		}
		return out
	}
	c.count(pick(ra, onlyA), pick(rb, onlyB))
	return nil
}
