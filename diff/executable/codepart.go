package executable

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/stagescope/stagescope/diff"
)

// Fields of reasons that rules about causes look for.
const (
	FieldInstructions = "instructions"
	FieldOrder        = "order of the functions"
)

// comparer is how a pair of parts is compared.
type comparer = func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error

// comparePart compares a pair of parts that are mapped into memory.
func (p *pairing) comparePart(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	al := p.regionsOf(n)
	if al != nil && al.err == nil && al.code != nil {
		p.codePart(n, al)
		return nil
	}
	if al != nil && al.err == nil && len(al.data) > 0 {
		n.Kind = diff.KindBinary
		if (al.a.name == ".got.plt" || al.a.name == ".got") && p.a.slotsFollow(al.a) && p.b.slotsFollow(al.b) {
			setHunks(n, nil, al.data)
			derivedTable(n, "slots of imports")
			return nil
		}
		p.pointers(n, al)
		p.usedBy(n, al)
		p.texts(n, al.a, al.b, hunksOf(n))
		return nil
	}
	if err := x.Binary(ctx, n, a, b); err != nil || al == nil {
		return err
	}
	if al.a.exec || al.b.exec {
		p.opaqueCode(n, al)
		return nil
	}
	p.texts(n, al.a, al.b, hunksOf(n))
	return nil
}

// regionsOf gives what is known of the regions that a node's sides are.
func (p *pairing) regionsOf(n *diff.Node) *aligned {
	if n.A == nil || n.B == nil || n.A.Within == nil || n.B.Within == nil {
		return nil
	}
	a, b := p.a.lying(*n.A.Within), p.b.lying(*n.B.Within)
	if a == nil || b == nil {
		return nil
	}
	if al := p.regions(a.name); al != nil && al.b == b {
		return al
	}
	return nil
}

// lying gives the region that lies in a range of the file.
func (p *program) lying(r diff.Range) *region {
	for i := range p.regions {
		if q := &p.regions[i]; !q.empty && q.off == uint64(r.Off) && q.size == uint64(r.Len) {
			return q
		}
	}
	return nil
}

// opaqueCode says of code that could not be aligned that it differs.
func (p *pairing) opaqueCode(n *diff.Node, al *aligned) {
	n.Kind = diff.KindCode
	var sum int64
	for _, r := range n.RangesB {
		sum += r.Len
	}
	what := fmt.Sprintf("%d bytes of code differ, and its instructions were not compared", sum)
	if p.a.isa == nil {
		what += ": those of " + p.a.machine + " are not known here"
	}
	n.Suspect(diff.Suspicion{Kind: diff.SuspectChangedCode, What: what})
	p.texts(n, al.a, al.b, hunksOf(n))
}

func hunksOf(n *diff.Node) []diff.Hunk {
	out := make([]diff.Hunk, 0, len(n.UnexplainedA))
	for i := range n.UnexplainedA {
		out = append(out, diff.Hunk{A: n.UnexplainedA[i], B: n.UnexplainedB[i]})
	}
	return out
}

// codePart fills the node of a pair of regions whose instructions are aligned.
func (p *pairing) codePart(n *diff.Node, al *aligned) {
	n.Kind = diff.KindCode
	j := p.judge(al)
	stubs, stubsA, stubsB := p.takeStubs(al, j)
	var open, closed []diff.Hunk
	for i, es := range j.edits {
		for _, e := range es {
			open = append(open, (&judging{w: &al.code.windows[i]}).hunk(e.a0, e.a1, e.b0, e.b1))
		}
	}
	open = append(open, j.unread...)
	for _, hs := range [][]diff.Hunk{j.operands, j.order, j.padding, stubs} {
		closed = append(closed, hs...)
	}
	setHunks(n, open, closed)
	derived := func(field, a, b, name string) {
		n.Reasons = append(n.Reasons, diff.Reason{Field: field, A: a, B: b, Cause: &diff.Cause{ID: "derived", Name: name, Confidence: diff.Derived}})
	}
	if k := j.refer.instructions; k > 0 {
		what := fmt.Sprintf("operands of %s, which point to what moved", plural(k, "instruction"))
		if f := j.refer.functions; f > 0 {
			what += fmt.Sprintf("; nothing else differs in %s", plural(f, "function"))
		}
		if m := j.refer.numbers; m > 0 {
			what += fmt.Sprintf("; %s among them likely addresses, by their value alone", plural(m, "number"))
		}
		derived(what, "", "", "addresses of code and data that moved")
	}
	n.Reasons = append(n.Reasons, stubReasons(stubsA, stubsB)...)
	if k := len(j.padding); k > 0 {
		derived("padding at "+plural(k, "place"), "", "", "space up to the next boundary")
	}
	if j.functions > 0 {
		n.Reasons = append(n.Reasons, diff.Reason{Field: FieldOrder, A: fmt.Sprintf("%d functions", j.functions), B: "the same functions, in another order",
			Cause: &diff.Cause{ID: "D4c", Name: "order of the functions", Confidence: diff.Proved, Evidence: "their instructions are equal one by one, but for addresses of what moved", Fix: "sort what is given to the linker; build with -j1 to find it"}})
	}
	p.strange(n, al, j)
}

// strange reports the instructions that nothing explains.
func (p *pairing) strange(n *diff.Node, al *aligned, j *judged) {
	var ina, inb int
	for _, es := range j.edits {
		for _, e := range es {
			ina, inb = ina+e.a1-e.a0, inb+e.b1-e.b0
		}
	}
	if ina+inb == 0 {
		return
	}
	fs := p.functions(al, j)
	var changed, onlyA, onlyB int
	for _, f := range fs {
		switch f.whole {
		case diff.OnlyA:
			onlyA++
		case diff.OnlyB:
			onlyB++
		default:
			changed++
		}
	}
	say := func(k int, other string, only int) string {
		s := fmt.Sprintf("%d that are not so in %s, in %s", k, other, plural(changed, "function"))
		if only > 0 {
			s += fmt.Sprintf(" and %d that %s has not", only, other)
		}
		return s
	}
	n.Reasons = append(n.Reasons, diff.Reason{Field: FieldInstructions, A: say(ina, "B", onlyA), B: say(inb, "A", onlyB)})
	p.suspectFunctions(n, al, fs)
	if j.left > 0 {
		n.Suspect(diff.Suspicion{Kind: diff.SuspectChangedCode, What: fmt.Sprintf("%s more differ, beyond the bound of what is named", plural(j.left, "function"))})
		addNote(n, fmt.Sprintf("the instructions of %s that differ are not shown: at most %d are held", plural(j.left, "function"), maxHeld))
	}
	l := &listing{p: p, al: al}
	a, b := l.write(j, fs)
	p.x.Listing(n, "disassembly", a, b)
	if l.left > 0 {
		listing := n.Children[len(n.Children)-1]
		listing.Note = fmt.Sprintf("%d more places differ and are not disassembled", l.left)
	}
	if p.a.bare || p.b.bare {
		p.texts(n, al.a, al.b, j.data(al))
	}
}

// data gives the edits in which something is not an instruction.
func (j *judged) data(al *aligned) []diff.Hunk {
	var out []diff.Hunk
	for i, es := range j.edits {
		w := &al.code.windows[i]
		for _, e := range es {
			if w.a.holdsData(e.a0, e.a1) || w.b.holdsData(e.b0, e.b1) {
				out = append(out, (&judging{w: w}).hunk(e.a0, e.a1, e.b0, e.b1))
			}
		}
	}
	return out
}

func (s *stream) holdsData(from, to int) bool {
	for _, in := range s.ins[from:to] {
		if in.kind != insCode {
			return true
		}
	}
	return false
}

// maxHunks bounds the explained ranges that a node lists. Neighbours are joined
// beyond, where nothing that is not explained lies between them.
const maxHunks = 8192

// setHunks gives a node its ranges, in the order in which they lie in B.
func setHunks(n *diff.Node, open, closed []diff.Hunk) {
	order := func(hs []diff.Hunk) {
		slices.SortStableFunc(hs, func(x, y diff.Hunk) int { return cmp.Or(cmp.Compare(x.B.Off, y.B.Off), cmp.Compare(x.A.Off, y.A.Off)) })
	}
	order(open)
	order(closed)
	for gap := int64(16); len(open) > maxHunks && gap < 1<<40; gap *= 2 {
		open = joined(open, closed, gap)
	}
	for gap := int64(16); len(closed) > maxHunks && gap < 1<<40; gap *= 2 {
		closed = joined(closed, open, gap)
	}
	all := append(slices.Clone(open), closed...)
	order(all)
	n.RangesA, n.RangesB, n.UnexplainedA, n.UnexplainedB = nil, nil, nil, nil
	for _, h := range all {
		n.RangesA, n.RangesB = append(n.RangesA, h.A), append(n.RangesB, h.B)
	}
	for _, h := range open {
		n.UnexplainedA, n.UnexplainedB = append(n.UnexplainedA, h.A), append(n.UnexplainedB, h.B)
	}
}

// joined joins explained ranges that lie near each other.
func joined(closed, open []diff.Hunk, gap int64) []diff.Hunk {
	var out []diff.Hunk
	for _, h := range closed {
		if k := len(out) - 1; k >= 0 {
			l := &out[k]
			da, db := h.A.Off-l.A.Off-l.A.Len, h.B.Off-l.B.Off-l.B.Len
			if da >= 0 && db >= 0 && da <= gap && db <= gap && !between(open, l.B.Off, h.B.Off) {
				l.A.Len, l.B.Len = h.A.Off+h.A.Len-l.A.Off, h.B.Off+h.B.Len-l.B.Off
				continue
			}
		}
		out = append(out, h)
	}
	return out
}

// between reports whether something that is not explained begins in a range of B.
func between(open []diff.Hunk, from, to int64) bool {
	i := sort.Search(len(open), func(i int) bool { return open[i].B.Off >= from })
	return i < len(open) && open[i].B.Off <= to
}
