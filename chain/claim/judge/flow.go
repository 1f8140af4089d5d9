package judge

import (
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/chain/claim"
)

// sided says whether more than one output of a stage is in use, so that what is
// built from it may be built from the wrong one.
func (s *local) sided() bool {
	return s.blocks > 1 && (s.v.Status == claim.Disputed || s.v.Status == claim.Flaky)
}

// flow looks at a stage's inputs, which have been judged: a dispute may have been
// inherited, an agreement may rest on one side of a dispute.
func (j *judging) flow(i int) {
	s := &j.stages[i]
	suspects := j.suspects(i)
	if s.sided() {
		j.inherited(s, suspects)
		return
	}
	if len(suspects) > 0 && s.v.Status != claim.Failed {
		j.tainted(s, suspects)
	}
}

// suspects are the direct needs of which a bad image may be in use.
func (j *judging) suspects(i int) []int {
	var out []int
	for _, id := range j.c.Stages[i].Needs {
		k, ok := j.at[id]
		if !ok || k >= i {
			continue
		}
		if n := &j.stages[k]; n.sided() || len(n.v.Taint) > 0 && n.v.Status != claim.Reconverged {
			out = append(out, k)
		}
	}
	return out
}

// known are the distinct input sets of the builds in groups, and whether some
// claim of an output does not state its inputs.
func (j *judging) known(s *local, groups []*group, counting bool) (sets []uint32, unknown bool) {
	for _, g := range groups {
		for _, k := range g.members {
			m := &s.members[k]
			switch {
			case counting && !m.counts:
			case !m.built() || m.inputs == 0 || !j.l.sets[m.inputs].known:
				unknown = true
			case !slices.Contains(sets, m.inputs):
				sets = append(sets, m.inputs)
			}
		}
	}
	return sets, unknown
}

// manifests are the images of a stage that are in input sets.
func (j *judging) manifests(stage uint32, sets []uint32) []uint32 {
	var out []uint32
	for _, id := range sets {
		for _, u := range j.l.sets[id].list {
			if u.stage == stage && u.manifest != 0 && !slices.Contains(out, u.manifest) {
				out = append(out, u.manifest)
			}
		}
	}
	return out
}

// tainted judges a stage that nobody disputes and that is built from what is
// disputed. If those who agree on it built it from more than one side, what
// differs there does not reach it.
func (j *judging) tainted(s *local, suspects []int) {
	v := &s.v
	groups := s.groups[:min(len(s.groups), max(s.blocks, 1))]
	sets, _ := j.known(s, groups, true)
	var open, closed []int
	for _, k := range suspects {
		n := &j.stages[k]
		in := j.manifests(n.id, sets)
		switch {
		case len(in) > 1:
			closed = append(closed, k)
		case len(in) == 1 && n.accepted(in[0]):
		default:
			open = append(open, k)
			if len(in) == 0 {
				s.assume(fmt.Sprintf("built from %s, which is disputed or tainted: which image of it was used is not stated", n.v.Stage))
			}
		}
	}
	if len(open) == 0 {
		if len(closed) > 0 && v.Status != claim.Flaky && v.Status != claim.Equivalent {
			v.Status = claim.Reconverged
			v.From = j.ids(closed)
			v.Taint = j.origins(closed)
		}
		return
	}
	v.From, v.Taint = j.ids(open), j.origins(open)
	v.Met = false
	v.Lacks = append(v.Lacks, "undisputed inputs")
	if v.Status != claim.Flaky {
		v.Status = claim.Tainted
	}
}

// accepted says whether an image is of the side that the policy accepts.
func (s *local) accepted(manifest uint32) bool {
	for _, g := range s.groups {
		if g.Accepted && g.out[1] == manifest {
			return len(s.v.Taint) == 0
		}
	}
	return false
}

// inherited says whether a stage's dispute begins at the stage or comes from its
// inputs: equal inputs with different outputs prove the first, different inputs
// speak for the second, and where inputs are not stated it is assumed.
func (j *judging) inherited(s *local, suspects []int) {
	v := &s.v
	equal, unknown := false, false
	var differ []int // needs of which the sides used different images
	blocking := s.groups[:s.blocks]
	sets := make([][]uint32, len(blocking))
	all := map[uint32]int{}
	for i, g := range blocking {
		var open bool
		sets[i], open = j.known(s, []*group{g}, false)
		unknown = unknown || open && len(sets[i]) == 0
		for _, id := range s.stated(g) {
			if other, ok := all[id]; ok && other != i {
				equal = true
			}
			all[id] = i
		}
	}
	for a := range sets {
		for b := range a {
			equal = equal || j.sameLists(sets[a], sets[b])
			differ = j.differing(s, sets[a], sets[b], differ)
		}
	}
	slices.Sort(differ)
	switch {
	case equal:
		v.Own = true
		v.From, v.Taint = j.ids(differ), j.origins(differ)
	case len(differ) > 0:
		v.From, v.Taint = j.ids(differ), j.origins(differ)
		for _, k := range differ {
			if n := &j.stages[k]; !n.sided() && len(n.v.Taint) == 0 {
				s.assume(fmt.Sprintf("two images of %s were used, though nobody disputes it", n.v.Stage))
			}
		}
	case len(suspects) > 0:
		v.From, v.Taint = j.ids(suspects), j.origins(suspects)
		s.assume("not every side states its inputs: the dispute is assumed to come from the earliest one below")
	default:
		v.Own = true
		if unknown {
			s.assume("not every side states its inputs: they are assumed to be equal, as nothing below is disputed")
		}
	}
	if len(v.Taint) > 0 {
		v.Met = false
	}
}

// stated are the distinct inputs that a side's builds state, by list or by their
// digest alone.
func (s *local) stated(g *group) []uint32 {
	var out []uint32
	for _, k := range g.members {
		if m := &s.members[k]; m.built() && m.inputs != 0 && !slices.Contains(out, m.inputs) {
			out = append(out, m.inputs)
		}
	}
	return out
}

// sameLists says whether two sides used the same images, by lists of which one
// was stated without its digest.
func (j *judging) sameLists(a, b []uint32) bool {
	return slices.ContainsFunc(a, func(x uint32) bool {
		return slices.ContainsFunc(b, func(y uint32) bool { return slices.Equal(j.l.sets[x].list, j.l.sets[y].list) })
	})
}

// differing adds the stages of which one side used only images that the other
// did not.
func (j *judging) differing(s *local, a, b []uint32, to []int) []int {
	if len(a) == 0 || len(b) == 0 {
		return to
	}
	for _, id := range j.c.Stages[j.at[s.v.Stage]].Needs {
		k, ok := j.at[id]
		if !ok || slices.Contains(to, k) {
			continue
		}
		x, y := j.manifests(j.stages[k].id, a), j.manifests(j.stages[k].id, b)
		if len(x) == 0 || len(y) == 0 {
			continue
		}
		if !slices.ContainsFunc(x, func(m uint32) bool { return slices.Contains(y, m) }) {
			to = append(to, k)
		}
	}
	return to
}

func (j *judging) ids(stages []int) []string {
	var out []string
	for _, k := range stages {
		out = append(out, j.stages[k].v.Stage)
	}
	return out
}

// origins are the stages where what is wrong with stages began, in chain order.
func (j *judging) origins(stages []int) []string {
	var at []int
	add := func(k int) {
		if !slices.Contains(at, k) {
			at = append(at, k)
		}
	}
	for _, k := range stages {
		n := &j.stages[k].v
		if len(n.Taint) == 0 || n.Own {
			add(k)
		}
		for _, id := range n.Taint {
			add(j.at[id])
		}
	}
	slices.Sort(at)
	return j.ids(at)
}

func (s *local) assume(text string) {
	if !slices.Contains(s.v.Assumed, text) {
		s.v.Assumed = append(s.v.Assumed, text)
	}
}
