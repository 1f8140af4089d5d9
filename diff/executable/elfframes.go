package executable

import (
	"context"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// frame is a record of .eh_frame: how to unwind the stack of one function, or
// what several such records have in common.
type frame struct {
	off, size uint64 // in the section
	common    uint64 // offset of the record that has what is common; its own for that one
	begin     uint64 // address of the function
	length    uint64 // of the function
	token     uint64 // the hash of all but places
	plain     uint64 // the same without the function's length
	catch     uint64 // address of what handles its exceptions, or of the table of them; 0 for none
	hole      uint64 // where in the record that address lies; 0 when there is none
}

// frames reads the records of a section; nil when it is not as compilers write it.
func (f *elfFile) frames(p []byte, base uint64) []frame {
	var out []frame
	commons := map[uint64]augmented{}
	for off := uint64(0); off+4 <= uint64(len(p)); {
		size := uint64(f.order.Uint32(p[off:]))
		if size == 0xffffffff || size > uint64(len(p))-off-4 || size > 0 && size < 4 {
			return nil
		}
		r := frame{off: off, size: size + 4, common: off}
		body := p[off+4 : off+4+size]
		switch {
		case size == 0:
			r.token = hashStart
		case f.order.Uint32(body) == 0:
			c := augmentation(body)
			if c.odd {
				return nil
			}
			if r.token = c.token; c.handler > 0 {
				at := uint64(c.handler)
				r.hole = 4 + at
				r.catch = fromItself(body[at:at+framePointers], f.order, base+off+4+at, 0)
			}
			commons[off] = c
		default:
			back := uint64(f.order.Uint32(body))
			if size < 12 || back > off+4 {
				return nil
			}
			r.common = off + 4 - back
			in, ok := commons[r.common]
			if !ok {
				return nil
			}
			r.begin = fromItself(body[4:8], f.order, base+off+8, 0)
			r.length = uint64(f.order.Uint32(body[8:]))
			rest := body[12:]
			r.plain = hashNumber(hashStart, in.token)
			r.token = hashNumber(r.plain, r.length)
			if at := in.landing(body); at > 0 {
				if f.order.Uint32(body[at:]) != 0 {
					r.catch = fromItself(body[at:at+framePointers], f.order, base+off+4+uint64(at), 0)
				}
				r.hole = 4 + uint64(at)
				r.token, r.plain, rest = hash(r.token, body[12:at]), hash(r.plain, body[12:at]), body[at+framePointers:]
			}
			r.token, r.plain = hash(r.token, rest), hash(r.plain, rest)
		}
		out = append(out, r)
		off += r.size
	}
	return out
}

// compareFrames compares .eh_frame record by record. A record of which only the
// places differ follows when its function is the same one.
func (e *elfPair) compareFrames(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	sa, sb := e.sectionOf(e.a, n.A), e.sectionOf(e.b, n.B)
	if sa == nil || sb == nil || max(sa.size, sb.size) > maxTable {
		return e.p.comparePart(ctx, x, n, a, b)
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	fa, fb := e.a.frames(pa, sa.addrInMem), e.b.frames(pb, sb.addrInMem)
	if fa == nil || fb == nil {
		return e.p.comparePart(ctx, x, n, a, b)
	}
	ka, kb := e.frameKeys(fa, false), e.frameKeys(fb, true)
	runs, err := alignTokens(ctx, ka, kb)
	if err != nil {
		return err
	}
	n.Kind = diff.KindTable
	d := &framesDiff{e: e, t: e.table(), pa: pa, pb: pb}
	var left lonelyFrames
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(fa), b: len(fb)}) {
		left.gap(ia, r.a, ib, r.b)
		for k := range r.n {
			d.pair(fa[r.a+k], fb[r.b+k])
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
	onlyA, onlyB := d.otherOrder(&left, fa, fb, ka, kb)
	setHunks(n, d.t.open, d.t.closed)
	e.suspectThrown(n, d.thrown)
	if d.moved > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: plural(d.moved, "record") + " of functions that moved", Cause: &diff.Cause{ID: "derived", Name: "addresses of code and data that moved", Confidence: diff.Derived}})
	}
	if d.order > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "order of the records", A: plural(d.order, "record"), B: "the same records, in another order",
			Cause: &diff.Cause{ID: "D4c", Name: "order of the functions", Confidence: diff.Proved, Evidence: "they are about the same functions and say the same of them; each is found by its function", Fix: "sort what is given to the linker; build with -j1 to find it"}})
	}
	if len(onlyA)+len(onlyB) > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "records of how to unwind the stack", A: e.p.a.framesSaid(e.p, onlyA, "B"), B: e.p.b.framesSaid(e.p, onlyB, "A")})
	}
	if len(d.other) > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: plural(len(d.other), "record") + " of functions that differ, or of others", B: e.p.b.framesSaid(e.p, d.other, "")})
	}
	return nil
}

// framesSaid says of which functions records are, and how many the other side has not.
func (p *program) framesSaid(of *pairing, fs []frame, other string) string {
	const few = 4
	out := ""
	if other != "" {
		if out = fmt.Sprintf("%d that %s has not", len(fs), other); len(fs) == 0 {
			return out
		}
		out += ": "
	}
	var at []uint64
	for _, f := range fs[:min(few, len(fs))] {
		at = append(at, f.begin)
	}
	names := p.names(of.ctx, at)
	for i, a := range at {
		if i > 0 {
			out += ", "
		}
		if fs[i].begin == 0 && fs[i].common == fs[i].off {
			out += "what others have in common"
			continue
		}
		out += called(p, names, a)
	}
	if len(fs) > few {
		out += fmt.Sprintf(", and %d more", len(fs)-few)
	}
	return out
}

// frameKeys are what records are paired by: the function they are about, where it is
// known, else what they say.
func (e *elfPair) frameKeys(fs []frame, isB bool) []uint64 {
	out := make([]uint64, len(fs))
	for i, f := range fs {
		out[i] = f.token
		if f.common != f.off {
			if id, ok := e.p.identity(f.begin, isB); ok {
				out[i] = id
			}
		}
	}
	return out
}

// framesDiff is what the records of two sections differ in.
type framesDiff struct {
	e      *elfPair
	t      *tableDiff
	pa, pb []byte

	moved  int
	order  int     // in another order
	other  []frame // of B
	thrown []redirection
}

// pair compares two records that are about the same.
func (d *framesDiff) pair(f, g frame) {
	p := d.e.p
	caught := f.catch == 0 && g.catch == 0 || f.catch != 0 && g.catch != 0 && p.moved(f.catch, g.catch)
	if !caught {
		d.thrown = append(d.thrown, redirection{at: [2]uint64{f.begin, g.begin}, was: p.a.where(f.catch), is: p.b.where(g.catch)})
	}
	// One that others have in common is about no function.
	commonA, commonB := f.common == f.off, g.common == g.off
	equal := string(d.pa[f.off:f.off+f.size]) == string(d.pb[g.off:g.off+g.size])
	if equal && (commonA || p.moved(f.begin, g.begin)) {
		return
	}
	h := diff.Hunk{A: rangeOf(f.off, f.size), B: rangeOf(g.off, g.size)}
	tables := !commonA && !commonB && f.ofTable(p.a) && g.ofTable(p.b)
	if caught && (f.token == g.token || tables && f.plain == g.plain) && f.alike(g, d.pa, d.pb, tables) && commonA == commonB && (commonA || p.moved(f.begin, g.begin)) {
		d.t.closed = append(d.t.closed, h)
		d.moved++
		return
	}
	d.t.open = append(d.t.open, h)
	d.other = append(d.other, g)
}

// ofTable reports whether a record is about a whole table of jumps to imports: its
// length follows from that of the table, which is compared itself.
func (f frame) ofTable(p *program) bool {
	r := p.at(f.begin)
	return r != nil && r.exec && strings.HasPrefix(r.name, ".plt") && r.addr == f.begin && r.size == f.length
}

// lonelyFrames are records that have no partner in order, by their numbers, each with
// where on the other side it would be.
type lonelyFrames struct {
	a, b     []int
	inB, inA []int
}

func (l *lonelyFrames) gap(a0, a1, b0, b1 int) {
	for i := a0; i < a1; i++ {
		l.a, l.inB = append(l.a, i), append(l.inB, b0)
	}
	for j := b0; j < b1; j++ {
		l.b, l.inA = append(l.b, j), append(l.inA, a1)
	}
}

// otherOrder pairs records that lie in another order, by their functions, and gives
// those that have no partner at all.
func (d *framesDiff) otherOrder(l *lonelyFrames, fa, fb []frame, ka, kb []uint64) (onlyA, onlyB []frame) {
	const twice = -1
	byKey := map[uint64]int{}
	for _, j := range l.b {
		if _, ok := byKey[kb[j]]; ok {
			byKey[kb[j]] = twice
			continue
		}
		byKey[kb[j]] = j
	}
	seen := map[uint64]int{}
	for _, i := range l.a {
		seen[ka[i]]++
	}
	paired := map[int]bool{}
	for k, i := range l.a {
		j, ok := byKey[ka[i]]
		if !ok || j == twice || seen[ka[i]] > 1 || !d.sameElsewhere(fa[i], fb[j]) {
			d.t.open = append(d.t.open, diff.Hunk{A: rangeOf(fa[i].off, fa[i].size), B: stretchOf(fb, l.inB[k], l.inB[k], d.pb)})
			onlyA = append(onlyA, fa[i])
			continue
		}
		paired[j] = true
		d.order++
		d.t.closed = append(d.t.closed, diff.Hunk{A: rangeOf(fa[i].off, fa[i].size), B: rangeOf(fb[j].off, fb[j].size)})
	}
	for k, j := range l.b {
		if !paired[j] {
			d.t.open = append(d.t.open, diff.Hunk{A: stretchOf(fa, l.inA[k], l.inA[k], d.pa), B: rangeOf(fb[j].off, fb[j].size)})
			onlyB = append(onlyB, fb[j])
		}
	}
	return onlyA, onlyB
}

// sameElsewhere reports whether two records that lie in another order are about one
// function, and say the same of it.
func (d *framesDiff) sameElsewhere(f, g frame) bool {
	p := d.e.p
	if f.common == f.off || g.common == g.off {
		return false // it is what others have in common
	}
	caught := f.catch == 0 && g.catch == 0 || f.catch != 0 && g.catch != 0 && p.moved(f.catch, g.catch)
	return caught && f.token == g.token && f.alike(g, d.pa, d.pb, false) && p.moved(f.begin, g.begin)
}

// alike reports whether two records are equal but for the places that they name, and
// for the lengths of the tables that they are about, and so is what they have in common
// with others.
func (f frame) alike(g frame, pa, pb []byte, tables bool) bool {
	same := func(offA, offB uint64, from, to uint64) bool {
		return string(pa[offA+from:offA+to]) == string(pb[offB+from:offB+to])
	}
	if f.size != g.size || f.hole != g.hole || (f.common == f.off) != (g.common == g.off) {
		return false
	}
	begin := uint64(0)
	if f.common != f.off {
		begin = 12 // after where its function begins
		if tables {
			begin = 16 // and its length
		}
	}
	if f.hole > 0 {
		return same(f.off, g.off, begin, f.hole) && same(f.off, g.off, f.hole+framePointers, f.size)
	}
	return same(f.off, g.off, begin, f.size)
}

// suspectThrown says whose exceptions are handled elsewhere.
func (e *elfPair) suspectThrown(n *diff.Node, list []redirection) {
	for i, r := range list {
		if i == alone {
			n.Suspect(diff.Suspicion{Kind: diff.SuspectChangedCode, What: fmt.Sprintf("exceptions of %s more are handled elsewhere", plural(len(list)-i, "function"))})
			return
		}
		whose := "exceptions"
		if r.at[1] != 0 {
			whose = "exceptions in " + e.p.b.codeName(e.p, r.at[1])
		}
		n.Suspect(diff.Suspicion{Kind: diff.SuspectChangedCode, What: fmt.Sprintf("%s are handled by what lies at %s in A, and at %s in B", whose, r.was, r.is)})
	}
}

// identity is a number for the function that begins at an address, which is that of
// its partner on the other side, too.
func (p *pairing) identity(addr uint64, isB bool) (uint64, bool) {
	of := p.a
	if isB {
		of = p.b
	}
	r := of.at(addr)
	if r == nil {
		return 0, false
	}
	al := p.regions(r.name)
	if al == nil || al.err != nil || al.code == nil || al.code.bodies == nil {
		return 0, false
	}
	m := al.code.bodies
	list := m.a
	if isB {
		list = m.b
	}
	i, ok := find(list, uint32(addr-r.addr))
	if !ok || uint64(list[i].off) != addr-r.addr {
		return 0, false
	}
	h := hash(hashStart, []byte(r.name))
	switch {
	case !isB:
		return hashNumber(h, uint64(i)), true
	case m.toA[i] >= 0:
		return hashNumber(h, uint64(m.toA[i])), true
	}
	return hashNumber(h, uint64(i)<<32|1), true
}

// stretchOf is the range of some records; that of none is where they would be.
func stretchOf(fs []frame, from, to int, p []byte) diff.Range {
	off := uint64(len(p))
	if from < len(fs) {
		off = fs[from].off
	}
	end := off
	if to > from {
		end = fs[to-1].off + fs[to-1].size
	}
	return rangeOf(off, end-off)
}
