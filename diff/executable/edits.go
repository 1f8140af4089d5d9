package executable

import (
	"bytes"

	"github.com/stagescope/stagescope/diff"
)

// edit is a place at which the instructions of a window differ for another
// reason than that they moved: a[a0:a1] became b[b0:b1].
type edit struct {
	a0, a1, b0, b1 int
	operand        bool // one instruction each, equal but for where its operand points
}

// judged is what was found of a pair of regions of code, as offsets in them.
type judged struct {
	edits [][]edit // of each window
	// What follows: operands that point to what moved, functions in another
	// order, padding.
	operands, order, padding []diff.Hunk
	functions                int // in another order
	refer                    referring
	// unread is code that could not be read again, or that is not held: held counts
	// the instructions, and left the functions that are not.
	unread     []diff.Hunk
	held, left int
}

// judge looks at everything that differs between the instructions of two
// regions.
func (p *pairing) judge(al *aligned) *judged {
	if al.code.bodies != nil {
		return p.judgeBodies(al)
	}
	j := &judged{}
	for i := range al.code.windows {
		w := &al.code.windows[i]
		in := &judging{p: p, al: al, w: w, j: j}
		j.edits = append(j.edits, in.window())
		j.functions += len(w.moved)
	}
	return j
}

type judging struct {
	p  *pairing
	al *aligned
	w  *window
	j  *judged
	// Of a pair of functions: the map it is of, and who collects what it refers to,
	// while that is done. Both may be nil.
	m *bodyMap
	c *collector
}

func (g *judging) window() []edit {
	var out []edit
	pa, pb := 0, 0
	w := g.w
	end := run{a: len(w.a.ins), b: len(w.b.ins)}
	for k := 0; k <= len(w.runs); k++ {
		r := end
		if k < len(w.runs) {
			r = w.runs[k]
		}
		out = append(out, g.gap(pa, r.a, pb, r.b)...)
		for i := range r.n {
			if e, bad := g.pair(r.a+i, r.b+i); bad {
				out = append(out, e)
			}
		}
		pa, pb = r.a+r.n, r.b+r.n
	}
	for _, r := range w.moved {
		for i := range r.n {
			if e, bad := g.pair(r.a+i, r.b+i); bad {
				out = append(out, e)
			}
		}
		g.j.order = append(g.j.order, g.hunk(r.a, r.a+r.n, r.b, r.b))
		g.j.order = append(g.j.order, g.hunk(r.a, r.a, r.b, r.b+r.n))
	}
	return out
}

// hunk is a stretch of instructions as ranges of the regions.
func (g *judging) hunk(a0, a1, b0, b1 int) diff.Hunk {
	return diff.Hunk{A: span(&g.w.a, a0, a1), B: span(&g.w.b, b0, b1)}
}

func span(s *stream, from, to int) diff.Range {
	off := s.begin(from)
	r := diff.Range{Off: int64(off)}
	if to > from {
		r.Len = int64(s.begin(to-1)) + int64(s.ins[to-1].n) - int64(off)
	}
	return r
}

// pair looks at two instructions that were paired. It reports one that differs
// in more than addresses that moved.
func (g *judging) pair(i, j int) (edit, bool) {
	pa, pb := g.w.a.code(i), g.w.b.code(j)
	equal := bytes.Equal(pa, pb)
	if equal && (g.m == nil && !g.p.moving() || g.w.a.ins[i].nops == 0) {
		return edit{}, false
	}
	e := edit{a0: i, a1: i + 1, b0: j, b1: j + 1}
	if g.w.a.ins[i].kind != insCode || g.w.b.ins[j].kind != insCode {
		return e, !equal
	}
	sa := g.p.a.isa.step(pa, g.al.a.addr+g.w.a.begin(i))
	sb := g.p.b.isa.step(pb, g.al.b.addr+g.w.b.begin(j))
	if sa.plain != sb.plain || sa.nops != sb.nops || sa.nops == 0 {
		return e, true
	}
	same := true
	for k := range sa.nops {
		same = g.points(&sa, &sb, k, i, j) && same
	}
	if !same {
		e.operand = true
		return e, true
	}
	if equal {
		return edit{}, false
	}
	g.j.refer.instructions++
	for k := range sa.nops {
		if !sa.ops[k].rel && sa.ops[k].addr != sb.ops[k].addr {
			g.j.refer.numbers++
		}
	}
	if sa.n != sb.n {
		g.j.operands = append(g.j.operands, g.hunk(i, i+1, j, j+1))
		return e, false
	}
	for k := range sa.nops {
		oa, ob := sa.ops[k], sb.ops[k]
		h := diff.Hunk{A: diff.Range{Off: int64(g.w.a.begin(i)) + int64(oa.at), Len: int64(oa.n)},
			B: diff.Range{Off: int64(g.w.b.begin(j)) + int64(ob.at), Len: int64(ob.n)}}
		g.j.operands = append(g.j.operands, h)
	}
	return e, false
}

// points reports whether an operand points to the same on both sides.
func (g *judging) points(sa, sb *step, k, i, j int) bool {
	x, y := sa.ops[k], sb.ops[k]
	if x.half || y.half {
		return x.half && y.half && x.addr == y.addr
	}
	if g.m == nil {
		return g.p.moved(x.addr, y.addr)
	}
	if !x.rel && x.addr == y.addr && bytes.Equal(g.w.a.code(i), g.w.b.code(j)) {
		return true // a number, which may be no address at all
	}
	if to := x.addr - g.al.a.addr; to >= g.w.a.from && to < g.w.a.to {
		return (x.rel || g.taken(g.w.a.code(i), x, y)) && g.w.same(to, y.addr-g.al.b.addr)
	}
	if !x.rel && !g.taken(g.w.a.code(i), x, y) {
		return false
	}
	ev := evidence{size: uint64(x.size)}
	if x.size == 0 && g.p.lengths() {
		if n := textLength(&g.w.a, i); n > 0 && n == textLength(&g.w.b, j) {
			ev = evidence{size: n, text: true}
		}
	}
	if g.c != nil {
		return g.c.target(x.addr, y.addr, ev, uint32(g.w.b.begin(j)))
	}
	return g.p.sameTarget(x.addr, y.addr, ev)
}

// gap looks at what lies between two runs. Functions that moved are left out,
// and so is padding.
func (g *judging) gap(a0, a1, b0, b1 int) []edit {
	if a0 == a1 && b0 == b1 {
		return nil
	}
	w := g.w
	if pads(&w.a, a0, a1) && pads(&w.b, b0, b1) {
		g.j.padding = append(g.j.padding, g.hunk(a0, a1, b0, b1))
		return nil
	}
	as := cutAt(w.startsA, rest(w.moved, a0, a1, func(r run) int { return r.a }))
	bs := cutAt(w.startsB, rest(w.moved, b0, b1, func(r run) int { return r.b }))
	var out []edit
	put := func(e edit) {
		if pads(&w.a, e.a0, e.a1) && pads(&w.b, e.b0, e.b1) {
			g.j.padding = append(g.j.padding, g.hunk(e.a0, e.a1, e.b0, e.b1))
			return
		}
		out = append(out, e)
	}
	var last []edit
	// What ends a function is paired with what ends one, and what begins a function
	// that goes on with what begins one that does.
	if len(as) > 0 && len(bs) > 0 && !begins(w.startsA, as[0][0]) && !begins(w.startsB, bs[0][0]) {
		put(edit{as[0][0], as[0][1], bs[0][0], bs[0][1], false})
		as, bs = as[1:], bs[1:]
	}
	if ka, kb := len(as)-1, len(bs)-1; ka >= 0 && kb >= 0 && as[ka][1] == a1 && bs[kb][1] == b1 && begins(w.startsA, a1) == begins(w.startsB, b1) && (!begins(w.startsA, a1) || ka == 0 && kb == 0) {
		last = append(last, edit{as[ka][0], as[ka][1], bs[kb][0], bs[kb][1], false})
		as, bs = as[:ka], bs[:kb]
	}
	for _, r := range as {
		put(edit{r[0], r[1], b0, b0, false})
	}
	for _, r := range bs {
		put(edit{a1, a1, r[0], r[1], false})
	}
	for _, e := range last {
		put(e)
	}
	return out
}

// cutAt cuts stretches where functions begin.
func cutAt(starts []int, rs [][2]int) [][2]int {
	var out [][2]int
	for _, r := range rs {
		for {
			k := inside(starts, r[0], r[1])
			if k == 0 {
				break
			}
			out = append(out, [2]int{r[0], k})
			r[0] = k
		}
		out = append(out, r)
	}
	return out
}

// pads reports whether instructions are nothing but padding: they do nothing and
// hold nothing. A trap does nothing only where execution does not come.
func pads(s *stream, from, to int) bool {
	for k := from; k < to; k++ {
		in := s.ins[k]
		if in.flow != flowPad || in.kind != insCode || !emptyPad(s.code(k)) {
			return false
		}
		if s.code(k)[0] == 0xcc && to < len(s.ins) && !(from > 0 && s.ins[from-1].kind == insCode && (s.ins[from-1].flow == flowJump || s.ins[from-1].flow == flowEnd)) {
			return false
		}
	}
	return true
}

// emptyPad reports whether an instruction that does nothing is as assemblers write
// it: what it could address is zero, so that nothing is hidden there.
func emptyPad(p []byte) bool {
	switch string(p) {
	case "\x90", "\xcc", "\x1f\x20\x03\xd5", "\x01\x00", "\x60\x00\x00\x00", "\x00\x00\x00\x60", "\x13\x00\x00\x00", "\x07\x00", "\x07\x07", "\xc0\x04\x00\x00\x00\x00":
		return true
	}
	for len(p) > 0 && (p[0] == 0x66 || p[0] == 0x2e || p[0] == 0x48 || p[0] == 0x67) {
		p = p[1:]
	}
	switch {
	case len(p) == 1:
		return p[0] == 0x90
	case len(p) >= 3 && p[0] == 0x0f && p[1] == 0x1f && p[2]&^0xc4 == 0:
		return len(bytes.Trim(p[3:], "\x00")) == 0
	}
	return false
}

// rest gives what of [from, to) lies in none of the runs.
func rest(rs []run, from, to int, at func(run) int) [][2]int {
	var out [][2]int
	taken := make([]bool, to-from)
	any := false
	for _, r := range rs {
		for i := max(at(r), from); i < min(at(r)+r.n, to); i++ {
			taken[i-from], any = true, true
		}
	}
	if !any {
		if from < to {
			out = append(out, [2]int{from, to})
		}
		return out
	}
	for i := from; i < to; {
		if taken[i-from] {
			i++
			continue
		}
		k := i
		for k < to && !taken[k-from] {
			k++
		}
		out = append(out, [2]int{i, k})
		i = k
	}
	return out
}
