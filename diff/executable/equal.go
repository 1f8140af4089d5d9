package executable

import (
	"debug/elf"
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// suspectEqual looks at what is equal on both sides and means something else all the
// same, because what it leads to moved, or because the loader fills in something
// else. No byte of it differs, so that nothing else would say it.
func (e *elfPair) suspectEqual() error {
	if !e.p.moving() {
		return nil
	}
	for i := range e.p.a.regions {
		al := e.p.regions(e.p.a.regions[i].name)
		if al == nil || al.err != nil || !al.same || !al.a.exec || !al.b.exec || al.a.empty {
			continue
		}
		if err := e.p.equalCode(e.n, al); err != nil {
			return err
		}
	}
	return e.equalRelocations()
}

// maxLeft bounds the instructions of equal code that are said to lead elsewhere.
const maxLeft = 256

// equalCode says which functions of equal code lead to other things than on the other
// side.
func (p *pairing) equalCode(n *diff.Node, al *aligned) error {
	p.collect()
	p.refer()
	type left struct{ at, x, y uint64 }
	var out []left
	err := p.a.eachCode(p.ctx, al.a, func(code []byte, off uint64, st *step) bool {
		if st.nops == 0 {
			return true
		}
		other := p.b.isa.step(code, al.b.addr+off)
		for k, o := range st.ops[:st.nops] {
			if k >= other.nops || st.n != other.n {
				out = append(out, left{al.b.addr + off, o.addr, 0})
				break
			}
			x, y := o.addr, other.ops[k].addr
			if al.a.holds(x) && y-al.b.addr == x-al.a.addr || !o.rel && p.a.at(x) == nil || o.half && x == y || p.sameTarget(x, y, evidence{size: uint64(o.size)}) {
				continue
			}
			out = append(out, left{al.b.addr + off, x, y})
			break
		}
		return len(out) < maxLeft
	})
	if err != nil || len(out) == 0 {
		return err
	}
	var at, xs, ys []uint64
	for _, l := range out {
		at, xs, ys = append(at, l.at), append(xs, l.x), append(ys, l.y)
	}
	names, was, is := p.b.names(p.ctx, at), p.a.names(p.ctx, xs), p.b.names(p.ctx, ys)
	name := func(of *program, names map[uint64]string, v uint64) string {
		if of.imports != nil && of.imports()[v] != "" {
			return "the slot of " + short(of.imports()[v]) + " at " + hexNumber(v)
		}
		if s := names[v]; s != "" {
			return s + " at " + hexNumber(v)
		}
		return hexNumber(v)
	}
	for i, l := range out {
		if i == alone {
			n.Suspect(diff.Suspicion{Kind: diff.SuspectChangedCode, What: fmt.Sprintf("%s more of equal code lead to other things than in A", atLeast(len(out)-i, len(out) == maxLeft))})
			return nil
		}
		n.Suspect(diff.Suspicion{Kind: diff.SuspectChangedCode, What: fmt.Sprintf("in %s (%s), an instruction that is equal on both sides leads to %s in A and to %s in B", called(p.b, names, l.at), p.b.where(l.at), name(p.a, was, l.x), name(p.b, is, l.y))})
	}
	return nil
}

func atLeast(k int, more bool) string {
	s := plural(k, "instruction")
	if more {
		return "at least " + s
	}
	return s
}

// equalRelocations looks at tables of relocations whose bytes are equal: what they
// name may be another import, and what they lead to may have moved.
func (e *elfPair) equalRelocations() error {
	if e.a.wide != e.b.wide {
		return nil
	}
	var list []redirection
	for i := range e.a.sections {
		s := &e.a.sections[i]
		t := e.b.section(s.name)
		if s.typ != elf.SHT_RELA && s.typ != elf.SHT_REL || s.flags&elf.SHF_ALLOC == 0 || t == nil || t.typ != s.typ || t.size != s.size {
			continue
		}
		if slices.ContainsFunc(e.n.Children, func(c *diff.Node) bool { return c.Name == s.name }) {
			continue // it was compared
		}
		ra, errA := e.a.relocations(s)
		rb, errB := e.b.relocations(t)
		if errA != nil || errB != nil {
			continue // the file's notes say what could not be read
		}
		var la, lb []relocation
		for k := range min(len(ra), len(rb)) {
			x, y := ra[k], rb[k]
			if x != y || x.target != 0 && e.p.a.at(x.target) != nil && !e.p.moved(x.target, y.target) {
				la, lb = append(la, x), append(lb, y)
			}
		}
		list = append(list, e.redirectedRelocations(la, lb)...)
	}
	e.p.suspectRedirections(e.n, list)
	return nil
}
