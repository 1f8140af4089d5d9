package judge

import (
	"fmt"

	"github.com/stagescope/stagescope/chain/claim"
)

// builder is one party with one set of inputs.
type builder struct{ party, inputs uint32 }

// trials are what one builder got.
type trials struct {
	best     map[*group]int // the most trials that are said to have given a group's output
	repeats  int
	claims   []*record
	admitted bool // that not all trials were identical
}

// intermittent looks for builders who get several outputs from equal inputs. A
// stage is flaky only if that explains all that contradicts: those who get one
// output get the same one, and every builder with several has it among them.
// Otherwise somebody could turn a dispute into noise by contradicting himself.
func (j *judging) intermittent(s *local) {
	if s.steady() {
		return
	}
	all := map[builder]*trials{}
	for k := range s.members {
		m := &s.members[k]
		if !m.built() || m.group == nil {
			continue
		}
		b := builder{m.party, m.inputs}
		t := all[b]
		if t == nil {
			t = &trials{best: map[*group]int{}}
			all[b] = t
		}
		t.best[m.group] = max(t.best[m.group], max(1, int(m.identical)))
		t.repeats = max(t.repeats, int(m.repeats))
		t.claims = append(t.claims, m.record)
		t.admitted = t.admitted || m.identical < m.repeats
	}
	top, total := 0, 0
	several := map[uint32]bool{} // parties with several outputs
	var admitted, equivocal roll
	for b, t := range all {
		if len(t.best) < 2 && !t.admitted {
			continue
		}
		best, sum := 0, 0
		for _, n := range t.best {
			best, sum = max(best, n), sum+n
		}
		top, total = top+best, total+max(sum, t.repeats)
		if len(t.best) > 1 {
			several[b.party] = true
			if !j.party(b.party).Self && !t.admitted {
				equivocal.list = append(equivocal.list, t.claims...)
			}
		}
		if t.admitted {
			admitted.list = append(admitted.list, t.claims...)
		}
	}
	if total == 0 {
		return
	}
	if len(equivocal.list) > 0 {
		s.flag(claim.FlagEquivocation, "one party states several outputs for equal inputs, and does not say that its trials differed", j.names(equivocal.list...), equivocal.list...)
	}
	if len(admitted.list) > 0 {
		s.flag(claim.FlagIntermittent, fmt.Sprintf("not every trial gave the same output: %d of %d did", top, total), j.names(admitted.list...), admitted.list...)
	}
	if s.flaky = s.explained(all, several); s.flaky {
		s.v.Trials, s.v.Rate = total, float64(top)/float64(total)
	}
}

// steady says at once what holds of nearly all stages: one output, whatever the
// trial.
func (s *local) steady() bool {
	var only *group
	for k := range s.members {
		m := &s.members[k]
		if !m.built() || m.group == nil {
			continue
		}
		if m.identical < m.repeats || only != nil && only != m.group {
			return false
		}
		only = m.group
	}
	return true
}

// explained says whether the builders with several outputs explain all that
// blocks.
func (s *local) explained(all map[builder]*trials, several map[uint32]bool) bool {
	var steady *group
	for k := range s.members {
		m := &s.members[k]
		if m.group == nil || !m.group.blocks || m.built() && several[m.party] || !m.bound {
			continue
		}
		if steady != nil && steady != m.group {
			return false
		}
		steady = m.group
	}
	if steady == nil {
		return true
	}
	for b, t := range all {
		if _, has := t.best[steady]; several[b.party] && len(t.best) > 1 && !has {
			return false
		}
	}
	// An output of another's, or with other inputs, is no noise.
	for _, g := range s.groups[:s.blocks] {
		if g == steady {
			continue
		}
		for _, k := range g.members {
			m := &s.members[k]
			t := all[builder{m.party, m.inputs}]
			if m.bound && (t == nil || len(t.best) < 2) {
				return false
			}
		}
	}
	return true
}
