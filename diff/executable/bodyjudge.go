package executable

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// referring counts the instructions, and the functions that hold them, of which
// only the operands differ, and point to the same. numbers counts the operands among
// them that are taken for addresses because something begins there.
type referring struct{ instructions, functions, numbers int }

// collect looks at all pairs of functions of all regions once: it finds which may
// differ by more than names and alignment explain, and what data their
// instructions refer to.
func (p *pairing) collect() {
	if p.collecting || p.refs != nil {
		return
	}
	p.collecting = true
	r := &refs{}
	for i := range p.a.regions {
		if al := p.regions(p.a.regions[i].name); al != nil && al.err == nil && al.code != nil && al.code.bodies != nil {
			c := &collector{p: p, al: al, m: al.code.bodies, refs: r}
			al.err = c.run()
		}
	}
	p.pointed(r)
	r.finish()
	p.refs, p.collecting = r, false
	p.held = map[uint64]bool{} // what was not known then may be now
	for i := range p.a.regions {
		if al := p.by[p.a.regions[i].name]; al != nil && al.code != nil {
			p.decide(al.code)
		}
	}
}

// decide looks at what was left for later.
func (p *pairing) decide(c *codeDiff) {
	for _, l := range c.later {
		same := true
		for _, d := range l.data {
			same = same && p.sameTarget(d.a, d.b, d.ev)
		}
		if !same {
			c.open = append(c.open, l.i)
			continue
		}
		c.operands = append(c.operands, l.operands...)
		if l.n > 0 {
			c.refer.functions++
			c.refer.instructions += l.n
			c.refer.numbers += l.numbers
		}
	}
	c.later = nil
}

// collector looks at the pairs of functions of one region.
type collector struct {
	p    *pairing
	al   *aligned
	m    *bodyMap
	refs *refs
	w    window // its memory is used for one pair after the other
	data []dataPair
}

func (c *collector) run() error {
	c.m.level = make([]bool, len(c.m.a))
	for i, j := range c.m.toB {
		if err := c.p.ctx.Err(); err != nil {
			return err
		}
		if j < 0 {
			if err := c.lone(c.p.a, c.al.a, c.m.a[i], &c.w.a, 0); err != nil {
				return err
			}
			continue
		}
		if err := c.pair(int32(i)); err != nil {
			return err
		}
	}
	for j, i := range c.m.toA {
		if i < 0 {
			if err := c.lone(c.p.b, c.al.b, c.m.b[j], &c.w.b, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// lone notes what a function without a partner refers to.
func (c *collector) lone(of *program, r *region, b body, s *stream, side int) error {
	if err := of.decodeBody(r, b, s); err != nil {
		return err
	}
	for i := range s.ins {
		c.alone(of, r, s, i, side)
	}
	return nil
}

func (c *collector) alone(of *program, r *region, s *stream, i, side int) {
	for _, t := range targets(of, r, s, i) {
		if q := of.at(t); q != nil && !q.exec {
			c.refs.alone(side, t)
		}
	}
}

func (c *collector) pair(i int32) error {
	fa, fb := c.m.a[i], c.m.b[c.m.toB[i]]
	if err := c.p.a.readBody(c.al.a, fa, &c.w.a); err != nil {
		return err
	}
	if err := c.p.b.readBody(c.al.b, fb, &c.w.b); err != nil {
		return err
	}
	c.data = c.data[:0]
	if bytes.Equal(c.w.a.bytes, c.w.b.bytes) {
		c.m.level[i] = true
		if !c.equal(fa, fb) {
			c.al.code.open = append(c.al.code.open, i)
		} else if len(c.data) > 0 {
			c.al.code.later = append(c.al.code.later, later{i: i, data: slices.Clone(c.data)})
		}
		return nil
	}
	if err := c.p.a.decodeBody(c.al.a, fa, &c.w.a); err != nil {
		return err
	}
	if err := c.p.b.decodeBody(c.al.b, fb, &c.w.b); err != nil {
		return err
	}
	if err := c.w.pair(c.p); err != nil {
		return err
	}
	c.m.level[i] = c.w.level()
	j := &judged{}
	g := &judging{p: c.p, al: c.al, w: &c.w, j: j, m: c.m, c: c}
	es := g.window()
	if len(es) > 0 {
		for _, e := range es {
			for k := e.a0; k < e.a1; k++ {
				c.alone(c.p.a, c.al.a, &c.w.a, k, 0)
			}
			for k := e.b0; k < e.b1; k++ {
				c.alone(c.p.b, c.al.b, &c.w.b, k, 1)
			}
		}
		c.al.code.open = append(c.al.code.open, i)
		return nil
	}
	l := later{i: i, n: j.refer.instructions, numbers: j.refer.numbers}
	if !c.m.moved[i] {
		// Of one that is in another order everything is listed by that.
		l.operands = joined(append(j.operands, j.padding...), nil, 256)
	}
	l.data = slices.Clone(c.data)
	c.al.code.later = append(c.al.code.later, l)
	return nil
}

// equal looks at two functions of equal bytes, which may refer to different
// things all the same.
func (c *collector) equal(fa, fb body) bool {
	code := c.w.a.bytes
	pa, pb := c.al.a.addr+uint64(fa.off), c.al.b.addr+uint64(fb.off)
	size := uint64(len(code))
	ok := true
	for off := 0; off < len(code); {
		sa := c.p.a.isa.step(code[off:], pa+uint64(off))
		if sa.nops > 0 {
			sb := c.p.b.isa.step(code[off:], pb+uint64(off))
			ok = ok && sa.nops == sb.nops
			for k := range min(sa.nops, sb.nops) {
				x, y := sa.ops[k], sb.ops[k]
				if x.half || y.half {
					ok = ok && x == y
					continue
				}
				if x.addr-pa < size && x.addr-pa == y.addr-pb || !x.rel && x.addr == y.addr {
					continue
				}
				ok = c.target(x.addr, y.addr, evidence{size: uint64(x.size)}, fb.off+uint32(off)) && ok
			}
		}
		off += sa.n
	}
	return ok
}

// target notes a pair of addresses, and reports whether they may be the same: code
// has to be known to be, and data is looked at later.
func (c *collector) target(x, y uint64, ev evidence, from uint32) bool {
	ra, rb := c.p.a.at(x), c.p.b.at(y)
	data := ra != nil && rb != nil && !ra.exec && !rb.exec
	if data {
		c.refs.add(x, y, c.al, from)
	}
	if c.p.known(x, y) {
		return true
	}
	if data {
		c.data = append(c.data, dataPair{x, y, ev})
	}
	return data
}

// judgeBodies looks at the functions of two regions that may differ, and at those
// that one side has alone.
func (p *pairing) judgeBodies(al *aligned) *judged {
	p.collect()
	j := &judged{}
	c := al.code
	m := c.bodies
	if al.err != nil {
		return j
	}
	open := map[int32]bool{}
	for _, i := range c.open {
		open[i] = true
	}
	p.loneBodies(al, j)
	for i := range m.a {
		if m.toB[i] < 0 {
			continue
		}
		var edits []diff.Hunk
		if open[int32(i)] {
			edits = p.openBody(al, j, int32(i))
		}
		if m.moved[i] {
			j.functions++
			j.moved(m.a[i], m.b[m.toB[i]], edits)
		}
	}
	j.operands = append(j.operands, c.operands...)
	j.refer.instructions += c.refer.instructions
	j.refer.functions += c.refer.functions
	j.refer.numbers += c.refer.numbers
	return j
}

// loneBodies judges the functions that one side has alone. They come first, as
// what is held is bounded.
func (p *pairing) loneBodies(al *aligned, j *judged) {
	m := al.code.bodies
	var last uint64 // where what was looked at last ends on the other side
	for i := range m.a {
		if k := m.toB[i]; k < 0 {
			p.loneBody(al, j, m.a[i], last, false)
		} else if !m.moved[i] {
			last = uint64(m.b[k].end)
		}
	}
	last = 0
	for k := range m.b {
		if i := m.toA[k]; i < 0 {
			p.loneBody(al, j, m.b[k], last, true)
		} else if !m.moved[i] {
			last = uint64(m.a[i].end)
		}
	}
}

// maxHeld bounds the instructions of functions that differ that are held in
// memory, to be named and shown.
const maxHeld = 4 << 20

// hold keeps a window in which something differs. Beyond a bound its places are
// all that is known.
func (c *codeDiff) hold(j *judged, w *window, es []edit) {
	if j.held += len(w.a.ins) + len(w.b.ins); j.held > maxHeld {
		j.left++
		for _, e := range es {
			j.unread = append(j.unread, (&judging{w: w}).hunk(e.a0, e.a1, e.b0, e.b1))
		}
		return
	}
	for _, s := range []*stream{&w.a, &w.b} {
		s.tokens, s.ins, s.bytes = nil, slices.Clone(s.ins), slices.Clone(s.bytes)
	}
	c.windows, j.edits = append(c.windows, *w), append(j.edits, es)
}

// openBody judges a pair of functions anew, with all that is known. It gives what
// nothing explains.
func (p *pairing) openBody(al *aligned, j *judged, i int32) []diff.Hunk {
	m := al.code.bodies
	w := &window{}
	if p.a.decodeBody(al.a, m.a[i], &w.a) != nil || p.b.decodeBody(al.b, m.b[m.toB[i]], &w.b) != nil || w.pair(p) != nil {
		fa, fb := m.a[i], m.b[m.toB[i]]
		h := diff.Hunk{A: rangeOf(uint64(fa.off), uint64(fa.end-fa.off)), B: rangeOf(uint64(fb.off), uint64(fb.end-fb.off))}
		j.unread = append(j.unread, h)
		return []diff.Hunk{h}
	}
	g := &judging{p: p, al: al, w: w, j: &judged{}, m: m}
	es := g.window()
	var open []diff.Hunk
	for _, e := range es {
		open = append(open, g.hunk(e.a0, e.a1, e.b0, e.b1))
	}
	if len(es) > 0 {
		al.code.hold(j, w, es)
	} else if g.j.refer.instructions > 0 {
		j.refer.functions++
	}
	j.refer.instructions += g.j.refer.instructions
	j.refer.numbers += g.j.refer.numbers
	if !m.moved[i] {
		j.operands, j.padding = append(j.operands, g.j.operands...), append(j.padding, g.j.padding...)
	}
	return open
}

// loneBody judges a function that one side has alone; at is where the other side
// would have it.
func (p *pairing) loneBody(al *aligned, j *judged, b body, at uint64, isB bool) {
	w := &window{}
	of, r, s, other := p.a, al.a, &w.a, &w.b
	if isB {
		of, r, s, other = p.b, al.b, &w.b, &w.a
	}
	other.from, other.to = at, at
	if of.decodeBody(r, b, s) != nil {
		h := diff.Hunk{A: rangeOf(uint64(b.off), uint64(b.end-b.off)), B: rangeOf(at, 0)}
		if isB {
			h.A, h.B = h.B, h.A
		}
		j.unread = append(j.unread, h)
		return
	}
	n := len(s.ins)
	for n > 0 && s.ins[n-1].flow == flowPad && s.ins[n-1].kind == insCode && emptyPad(s.code(n-1)) {
		n--
	}
	g := &judging{w: w}
	hunk := func(from, to int) diff.Hunk {
		if isB {
			return g.hunk(0, 0, from, to)
		}
		return g.hunk(from, to, 0, 0)
	}
	if n < len(s.ins) {
		j.padding = append(j.padding, hunk(n, len(s.ins)))
	}
	if n == 0 {
		return
	}
	e := edit{a1: n}
	w.startsA = []int{0}
	if isB {
		e, w.startsA, w.startsB = edit{b1: n}, nil, []int{0}
	}
	al.code.hold(j, w, []edit{e})
}

// moved lists a pair of functions that is in another order, but for what differs
// in them.
func (j *judged) moved(fa, fb body, open []diff.Hunk) {
	open = slices.Clone(open)
	part := func(of func(diff.Hunk) diff.Range, from, to int64, put func(diff.Range)) {
		slices.SortFunc(open, func(x, y diff.Hunk) int { return cmp.Compare(of(x).Off, of(y).Off) })
		for _, h := range open {
			if r := of(h); r.Len > 0 {
				if r.Off > from {
					put(diff.Range{Off: from, Len: r.Off - from})
				}
				from = r.Off + r.Len
			}
		}
		if to > from {
			put(diff.Range{Off: from, Len: to - from})
		}
	}
	part(func(h diff.Hunk) diff.Range { return h.A }, int64(fa.off), int64(fa.end), func(r diff.Range) {
		j.order = append(j.order, diff.Hunk{A: r, B: diff.Range{Off: int64(fb.off)}})
	})
	part(func(h diff.Hunk) diff.Range { return h.B }, int64(fb.off), int64(fb.end), func(r diff.Range) {
		j.order = append(j.order, diff.Hunk{A: diff.Range{Off: int64(fa.off)}, B: r})
	})
}
