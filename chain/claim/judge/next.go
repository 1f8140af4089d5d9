package judge

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/chain/claim"
)

// maxNext bounds how many rebuilds are proposed.
const maxNext = 16

// firsts are the stages where a dispute begins, in chain order, each with what
// hangs on it.
func (j *judging) firsts() []First {
	affected := map[string][]string{}
	for i := range j.stages {
		v := &j.stages[i].v
		if v.Status == claim.Reconverged {
			continue
		}
		for _, id := range v.Taint {
			affected[id] = append(affected[id], v.Stage)
		}
	}
	var out []First
	for i := range j.stages {
		s := &j.stages[i]
		_, blamed := affected[s.v.Stage]
		if s.sided() && s.v.Own || blamed {
			out = append(out, First{Stage: s.v.Stage, Affected: affected[s.v.Stage], Assumed: s.v.Assumed})
		}
	}
	return out
}

// next proposes, for each dispute, the rebuild by the user that would settle most
// per hour: of the stage itself, or, where its inputs are only assumed to be
// equal, of one below it that the user has not built.
func (j *judging) next(firsts []First) []Next {
	var out []Next
	for _, f := range firsts {
		if len(out) == maxNext {
			break
		}
		out = append(out, j.nextFor(f))
	}
	slices.SortStableFunc(out, func(a, b Next) int { return cmp.Compare(worth(b), worth(a)) })
	return out
}

// worth is what a rebuild settles per hour. One of unknown length is taken to
// take an hour.
func worth(n Next) float64 {
	hours := n.Hours
	if hours <= 0 {
		hours = 1
	}
	return float64(n.Settles) / hours
}

func (j *judging) nextFor(f First) Next {
	at := j.at[f.Stage]
	if !j.own(at) {
		best := Next{Stage: f.Stage, Dispute: f.Stage, Settles: 1 + len(f.Affected), Hours: j.c.Stages[at].Hours, Why: "a build of your own, with inputs that you know, says which side is right"}
		if len(f.Assumed) == 0 {
			return best
		}
		for _, k := range j.below(at) {
			n := Next{Stage: j.c.Stages[k].ID, Dispute: f.Stage, Settles: best.Settles, Hours: j.c.Stages[k].Hours,
				Why: "the sides do not state their inputs: this one below has not been built by you, and may be where it begins"}
			if !j.own(k) && j.stages[k].v.Status != claim.Reproduced && worth(n) > worth(best) {
				best = n
			}
		}
		return best
	}
	n := Next{Stage: f.Stage, Dispute: f.Stage, Settles: 1 + len(f.Affected), Hours: j.c.Stages[at].Hours}
	n.Why = "you have built it: the next word is another person's, or yours on a CPU of another maker"
	if s := &j.stages[at]; s.v.Status == claim.Flaky {
		n.Why = fmt.Sprintf("you have built it and %d outputs are known: trials under one variation after the other show what it depends on", s.blocks)
	}
	return n
}

// own says whether the user has built the stage by its present recipe.
func (j *judging) own(i int) bool {
	s := &j.stages[i]
	for k := range s.members {
		if m := &s.members[k]; m.built() && j.party(m.party).Self {
			return true
		}
	}
	return false
}

// below are all stages that one is built from.
func (j *judging) below(i int) []int {
	seen := map[int]bool{i: true}
	queue := []int{i}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, id := range j.c.Stages[at].Needs {
			if k, ok := j.at[id]; ok && !seen[k] {
				seen[k] = true
				queue = append(queue, k)
			}
		}
	}
	delete(seen, i)
	out := make([]int, 0, len(seen))
	for k := range seen {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
