package executable

import "bytes"

// lineRow is a row of a line table, with the operations that make it.
type lineRow struct {
	tile
	addr        uint64
	op          uint64
	line        int64
	file        string
	col         uint64
	flags, disc uint64
	isa         uint64
}

// lineSequence is the rows of one stretch of code.
type lineSequence struct {
	tile
	begin uint64 // its first address
}

// lineState is the machine whose operations make rows.
type lineState struct {
	lineRow
	before int64 // the line of the row before
	fileNo uint64
}

func (t *lineTable) reset() lineState {
	st := lineState{fileNo: 1, before: 1}
	st.line, st.flags = 1, 1
	return st
}

// rows reads the program of a table. It calls back for each row; ends says that it
// is the last of a sequence. It gives false when an operation is not known.
func (s *dwarfSide) rows(t *lineTable, from, to uint64, yield func(r lineRow, ends bool)) bool {
	c := &cursor{p: s.sec["line"][:to], at: from, order: s.order}
	st := t.reset()
	begin := from
	emit := func(ends bool) {
		r := st.lineRow
		r.file, _ = t.file(st.fileNo)
		r.tile = tile{off: begin, end: c.at}
		h := hashNumber(hashStart, uint64(r.line-st.before))
		h = hash(hashNumber(hashNumber(hashNumber(hashNumber(h, r.col), r.flags), r.disc), r.isa), []byte(r.file))
		r.token = hashNumber(h, c1(ends))
		yield(r, ends)
		begin, st.before, st.disc = c.at, st.line, 0
		st.flags &= 1
		if ends {
			st = t.reset()
		}
	}
	for c.at < to && !c.bad {
		op := c.number(1)
		switch {
		case op >= t.first:
			k := op - t.first
			t.advance(&st, k/t.span)
			st.line += t.base + int64(k%t.span)
			emit(false)
		case op == 0:
			if !s.extended(c, t, &st, emit) {
				return false
			}
		default:
			t.standard(c, op, &st, emit)
		}
	}
	if c.bad {
		return false
	}
	if begin < to {
		yield(lineRow{tile: tile{begin, to, hash(hashStart, c.p[begin:to])}}, true)
	}
	return true
}

func (t *lineTable) advance(st *lineState, n uint64) {
	if t.most <= 1 {
		st.addr += n * t.least
		return
	}
	st.addr += t.least * ((st.op + n) / t.most)
	st.op = (st.op + n) % t.most
}

// Bits of a row's flags.
const (
	rowStatement = 1 << iota
	rowBlock
	rowPrologue
	rowEpilogue
)

// standard does an operation that all versions know, or whose operands the header
// counts.
func (t *lineTable) standard(c *cursor, op uint64, st *lineState, emit func(bool)) {
	switch op {
	case 1:
		emit(false)
	case 2:
		t.advance(st, c.uleb())
	case 3:
		st.line += c.sleb()
	case 4:
		st.fileNo = c.uleb()
	case 5:
		st.col = c.uleb()
	case 6:
		st.flags ^= rowStatement
	case 7:
		st.flags |= rowBlock
	case 8:
		t.advance(st, (255-t.first)/t.span)
	case 9:
		st.addr, st.op = st.addr+c.number(2), 0
	case 10:
		st.flags |= rowPrologue
	case 11:
		st.flags |= rowEpilogue
	case 12:
		st.isa = c.uleb()
	default:
		for range t.lengths[op-1] {
			c.uleb()
		}
	}
}

// extended does an operation that says how long it is.
func (s *dwarfSide) extended(c *cursor, t *lineTable, st *lineState, emit func(bool)) bool {
	n := c.uleb()
	from := c.at
	if c.bad || n == 0 || n > uint64(len(c.p))-from {
		return false
	}
	switch op := c.number(1); op {
	case 1:
		emit(true)
	case 2:
		st.addr, st.op = c.number(n-1), 0
	case 3:
		return false // a file of the program's own, which nobody writes any more
	case 4:
		st.disc = c.uleb()
	default:
		c.take(n - 1)
	}
	return !c.bad && c.at == from+n
}

// sequences cuts the program of a table into sequences. A sequence's token is the
// hash of its rows, without their addresses but with the distances between them.
func (d *dwarfPair) sequences(s *dwarfSide, t *lineTable) ([]lineSequence, bool) {
	var out []lineSequence
	var q lineSequence
	h, last, open := uint64(hashStart), uint64(0), false
	ok := s.rows(t, t.program, t.end, func(r lineRow, ends bool) {
		if !open {
			q = lineSequence{tile: tile{off: r.off}, begin: r.addr}
			h, open = hashNumber(hashStart, d.addrKey(s, r.addr)), true
			last = r.addr
		}
		h = hashNumber(hashNumber(h, r.token), r.addr-last)
		last = r.addr
		if ends {
			q.end, q.token = r.end, h
			out = append(out, q)
			open = false
		}
	})
	return out, ok && !open
}

// lineUnits gives the tables of a side in order; false when one is not known.
func (s *dwarfSide) lineUnits() ([]*lineTable, bool) {
	var out []*lineTable
	for off := uint64(0); off < uint64(len(s.sec["line"])); {
		t := s.lineTableAt(off)
		if t == nil || len(out) > maxUnits {
			return nil, false
		}
		out = append(out, t)
		off = t.end
	}
	return out, true
}

// unitLines says which pair of units each table of a side is of.
func (d *dwarfPair) unitLines(s *dwarfSide) map[uint64]uint64 {
	out := map[uint64]uint64{}
	for k, p := range d.units {
		u := &s.units[p.a]
		if s.isB {
			u = &s.units[p.b]
		}
		if _, ok := out[u.line]; u.hasLine && !ok {
			out[u.line] = uint64(k) + 1
		}
	}
	return out
}

// sameRow reports whether two rows say the same of the same place.
func (d *dwarfPair) sameRow(x, y lineRow) bool {
	return x.line == y.line && x.file == y.file && x.col == y.col && x.flags == y.flags && x.disc == y.disc && x.isa == y.isa && x.op == y.op && d.sameAddr(x.addr, y.addr)
}

func (d *dwarfPair) sameBytes(g *tiling, x, y tile) bool {
	return bytes.Equal(g.a[x.off:x.end], g.b[y.off:y.end])
}
