package executable

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// changedFunction is a function in which something differs that nothing explains.
type changedFunction struct {
	w              *window
	startA, startB int // instructions at which it begins; -1 when it is not known
	edits          []edit
	nameA, nameB   string
	whole          diff.Status // OnlyA or OnlyB when one side has nothing of it
	ina, inb       int         // instructions that are not so on the other side
	tells          int         // what they reach for, as texts tell
	reaches        bool        // they call a function that an attack needs
}

// functions groups edits by the functions they lie in.
func (p *pairing) functions(al *aligned, j *judged) []*changedFunction {
	var out []*changedFunction
	for i, es := range j.edits {
		w := &al.code.windows[i]
		var last *changedFunction
		for _, e := range es {
			f := &changedFunction{w: w, startA: owner(w.startsA, w.startsB, e.a0, e.a1, e.b0), startB: owner(w.startsB, w.startsA, e.b0, e.b1, e.a0)}
			if last == nil || last.startA != f.startA || last.startB != f.startB {
				last = f
				out = append(out, f)
			}
			last.edits = append(last.edits, e)
			last.ina, last.inb = last.ina+e.a1-e.a0, last.inb+e.b1-e.b0
		}
	}
	var addrsA, addrsB []uint64
	for _, f := range out {
		f.judge()
		addrsA = append(addrsA, f.addr(al, false))
		addrsB = append(addrsB, f.addr(al, true))
	}
	namesA, namesB := p.a.names(p.ctx, addrsA), p.b.names(p.ctx, addrsB)
	for i, f := range out {
		f.nameA, f.nameB = called(p.a, namesA, addrsA[i]), called(p.b, namesB, addrsB[i])
	}
	return out
}

// inside gives the first start that lies between two instructions.
func inside(starts []int, from, to int) int {
	i := sort.SearchInts(starts, from+1)
	if i < len(starts) && starts[i] < to {
		return starts[i]
	}
	return 0
}

// owner gives the beginning of the function that holds an instruction. What is
// empty belongs to what is before it, or to the function that begins there when
// that of the other side does too.
func owner(starts, others []int, from, to, other int) int {
	if from == to && !(begins(starts, from) && begins(others, other)) {
		from--
	}
	i := sort.SearchInts(starts, from+1)
	if i == 0 {
		return -1
	}
	return starts[i-1]
}

func begins(starts []int, i int) bool {
	_, ok := slices.BinarySearch(starts, i)
	return ok
}

// judge finds whether one side has nothing of the function.
func (f *changedFunction) judge() {
	whole := func(s *stream, starts []int, start int, of func(edit) (int, int)) bool {
		if start < 0 {
			return false
		}
		end := len(s.ins)
		if i := sort.SearchInts(starts, start+1); i < len(starts) {
			end = starts[i]
		}
		for end > start && s.ins[end-1].flow == flowPad {
			end--
		}
		n := 0
		for _, e := range f.edits {
			from, to := of(e)
			n += max(0, min(to, end)-max(from, start))
		}
		return n >= end-start && end > start
	}
	inA, inB := f.ina > 0, f.inb > 0
	switch {
	case !inA && inB && whole(&f.w.b, f.w.startsB, f.startB, func(e edit) (int, int) { return e.b0, e.b1 }):
		f.whole = diff.OnlyB
	case inA && !inB && whole(&f.w.a, f.w.startsA, f.startA, func(e edit) (int, int) { return e.a0, e.a1 }):
		f.whole = diff.OnlyA
	}
}

// addr is where the function begins, or where it differs when that is not known.
func (f *changedFunction) addr(al *aligned, b bool) uint64 {
	if b {
		if f.startB >= 0 {
			return al.b.addr + f.w.b.begin(f.startB)
		}
		return al.b.addr + f.w.b.begin(f.edits[0].b0)
	}
	if f.startA >= 0 {
		return al.a.addr + f.w.a.begin(f.startA)
	}
	return al.a.addr + f.w.a.begin(f.edits[0].a0)
}

// called is a function's name, or what else is known of it.
func called(p *program, names map[uint64]string, addr uint64) string {
	if n := names[addr]; n != "" {
		return n
	}
	return "func@" + hexNumber(addr)
}

// maxSuspects bounds the functions that are suspicions of their own.
const maxSuspects = 32

// maxTold bounds the instructions of a function that are asked what they reach for.
const maxTold = 4096

// tell counts what the instructions that differ reach for.
func (p *pairing) tell(al *aligned, f *changedFunction) {
	count := func(of *program, r *region, s *stream, from, to int) {
		for i := from; i < min(to, from+maxTold); i++ {
			for _, t := range targets(of, r, s, i) {
				if text := of.textAt(t); text != "" {
					f.tells += tells(text)
				}
			}
		}
	}
	for _, e := range f.edits {
		count(p.a, al.a, &f.w.a, e.a0, e.a1)
		count(p.b, al.b, &f.w.b, e.b0, e.b1)
	}
}

// tells is how much a text says of what a program reaches for: most, when that is
// another machine.
func tells(text string) int {
	for i, t := range telling {
		if t.re.MatchString(text) {
			return 1 << (len(telling) - i)
		}
	}
	return 0
}

// suspectFunctions makes suspicions of changed functions: first those that one
// side has alone; among them those that reach for what is telling, then those
// with most of what one side lacks.
func (p *pairing) suspectFunctions(n *diff.Node, al *aligned, fs []*changedFunction) {
	fs = slices.Clone(fs)
	for _, f := range fs {
		p.tell(al, f)
	}
	slices.SortStableFunc(fs, func(f, g *changedFunction) int {
		return cmp.Or(cmp.Compare(f.rank(), g.rank()), -cmp.Compare(f.tells, g.tells), -cmp.Compare(f.ina+f.inb, g.ina+g.inb))
	})
	for i, f := range fs {
		if i == maxSuspects {
			left, only := len(fs)-i, 0
			for _, f := range fs[i:] {
				if f.whole != diff.NotChecked {
					only++
				}
			}
			n.Suspect(diff.Suspicion{Kind: f.kind(), What: fmt.Sprintf("%s not named here, %d of them on one side only", plural(left, "more function"), only)})
			return
		}
		first := f.edits[0]
		h := (&judging{w: f.w}).hunk(first.a0, f.edits[len(f.edits)-1].a1, first.b0, f.edits[len(f.edits)-1].b1)
		ra, rb := h.A, h.B
		what := p.sentence(al, f)
		n.Suspect(diff.Suspicion{Kind: f.kind(), What: what, Telling: f.tells >= tellsPower || f.reaches, A: &ra, B: &rb})
	}
}

// kind says what about a function is suspicious.
func (f *changedFunction) kind() diff.SuspicionKind {
	if f.rank() == 2 {
		return diff.SuspectChangedCode
	}
	return diff.SuspectNewCode
}

// rank orders functions: whole ones, those with instructions that the other side
// lacks, others.
func (f *changedFunction) rank() int {
	if f.whole != diff.NotChecked {
		return 0
	}
	for _, e := range f.edits {
		if e.a1-e.a0 != e.b1-e.b0 {
			return 1
		}
	}
	return 2
}

// sentence says what differs in a function, with its first instructions.
func (p *pairing) sentence(al *aligned, f *changedFunction) string {
	if f.whole != diff.NotChecked {
		of, s, r, name, addr, k, side, other := p.b, &f.w.b, al.b, f.nameB, f.addr(al, true), f.inb, "B", "A"
		first := f.edits[0].b0
		if f.whole == diff.OnlyA {
			of, s, r, name, addr, k, side, other = p.a, &f.w.a, al.a, f.nameA, f.addr(al, false), f.ina, "A", "B"
			first = f.edits[0].a0
		}
		return fmt.Sprintf("side %s has a function that %s has not: %s (%s), %s: %s", side, other, name, of.where(addr), plural(k, "instruction"), p.few(of, r, s, first, first+k))
	}
	e := f.edits[0]
	name := f.nameB
	if f.nameA != f.nameB && f.startA >= 0 {
		name = f.nameA + ", which is " + f.nameB + " in B"
	}
	at := p.b.where(al.b.addr + f.w.b.begin(e.b0))
	places := ""
	if k := len(f.edits) - 1; k > 0 {
		places = ", and " + plural(k, "more place")
	}
	places += p.calls(al, f)
	switch {
	case e.a0 == e.a1:
		return fmt.Sprintf("in %s, B has %s that A has not (%s): %s%s", name, plural(e.b1-e.b0, "instruction"), at, p.few(p.b, al.b, &f.w.b, e.b0, e.b1), places)
	case e.b0 == e.b1:
		return fmt.Sprintf("in %s, A has %s that B has not (%s): %s%s", name, plural(e.a1-e.a0, "instruction"), p.a.where(al.a.addr+f.w.a.begin(e.a0)), p.few(p.a, al.a, &f.w.a, e.a0, e.a1), places)
	}
	return fmt.Sprintf("in %s (%s): %s → %s%s", name, at, p.few(p.a, al.a, &f.w.a, e.a0, e.a1), p.few(p.b, al.b, &f.w.b, e.b0, e.b1), places)
}

// calls says which functions the instructions of one side call that those of the
// other do not, first those that tell most.
func (p *pairing) calls(al *aligned, f *changedFunction) string {
	of := func(of *program, r *region, s *stream, at func(edit) (int, int)) []string {
		var addrs []uint64
		for _, e := range f.edits {
			from, to := at(e)
			for i := from; i < to && len(addrs) < 64; i++ {
				if s.ins[i].flow == flowCall {
					addrs = append(addrs, targets(of, r, s, i)...)
				}
			}
		}
		names := of.names(p.ctx, addrs)
		var out []string
		for _, a := range addrs {
			name := names[a]
			if name == "" {
				name = hexNumber(a)
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		return out
	}
	ca := of(p.a, al.a, &f.w.a, func(e edit) (int, int) { return e.a0, e.a1 })
	cb := of(p.b, al.b, &f.w.b, func(e edit) (int, int) { return e.b0, e.b1 })
	out := ""
	for _, c := range []struct {
		side  string
		names []string
	}{{"A", without(ca, cb)}, {"B", without(cb, ca)}} {
		if k := len(c.names); k > 0 {
			c.names = tellingFirst(c.names)
			f.reaches = f.reaches || reaches(c.names[0])
			out += fmt.Sprintf("; only %s calls %s", c.side, strings.Join(c.names[:min(k, 4)], ", "))
			if k > 4 {
				out += fmt.Sprintf(" and %d more", k-4)
			}
		}
	}
	return out
}

// few writes the first instructions of a stretch.
func (p *pairing) few(of *program, r *region, s *stream, from, to int) string {
	const most = 3
	to = min(to, len(s.ins))
	var addrs []uint64
	for i := from; i < min(to, from+most); i++ {
		addrs = append(addrs, targets(of, r, s, i)...)
	}
	names := of.names(p.ctx, addrs)
	var out []string
	for i := from; i < min(to, from+most); i++ {
		out = append(out, insText(of, r, s, i, names))
	}
	if to-from > most {
		out = append(out, "…")
	}
	return strings.Join(out, "; ")
}

// targets gives the addresses that an instruction holds.
func targets(of *program, r *region, s *stream, i int) []uint64 {
	if s.ins[i].kind != insCode || s.ins[i].nops == 0 {
		return nil
	}
	st := of.isa.step(s.code(i), r.addr+s.begin(i))
	var out []uint64
	for _, o := range st.ops[:st.nops] {
		if !o.half {
			out = append(out, o.addr)
		}
	}
	return out
}

func insText(of *program, r *region, s *stream, i int, names map[uint64]string) string {
	if s.ins[i].kind != insCode {
		return unknownText(s.code(i))
	}
	return of.isa.text(s.code(i), r.addr+s.begin(i), func(a uint64) string { return names[a] })
}
