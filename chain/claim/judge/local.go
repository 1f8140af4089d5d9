package judge

import (
	"fmt"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

// local is what the claims about one stage say by themselves, before its inputs
// are looked at.
type local struct {
	v      claim.Verdict
	id     uint32 // the stage's name
	recipe uint32
	level  chain.Level

	members []member
	groups  []*group // blocking ones first
	blocks  int      // how many of groups block
	union   []*group // groups that answers show to be one, when they are all that block
	flaky   bool

	failed, refused, pulled, stale, machine, replay, legacy roll
	unverified                                              []uint32 // outputs that unverified claims state
	loose                                                   roll     // who states them
}

// member is a verified claim of an output that takes part in the comparison.
type member struct {
	*record
	out    output // with what seen bytes commit to
	counts bool   // as a person's rebuild
	bound  bool   // it is of this release, not of one that is not stated
	group  *group
}

type seenKey struct {
	bundle claim.Digest
	party  uint32
	state  uint8
}

// roll is the claims that a flag is about.
type roll struct{ list []*record }

func (r *roll) add(x *record) { r.list = append(r.list, x) }

// local judges a stage by its own claims.
func (j *judging) local(i int) {
	s, st := &j.stages[i], &j.c.Stages[i]
	s.id, s.recipe = j.l.names.find(st.ID), 0
	s.v = claim.Verdict{Stage: st.ID, Recipe: st.Recipe}
	if r, ok := raw(st.Recipe); ok {
		s.recipe = j.l.digests.find(r)
	}
	j.gather(s)
	j.commit(s)
	j.group(s)
	j.intermittent(s)
	for _, g := range s.groups {
		j.count(s, g)
	}
	j.standing(s, st)
	j.flags(s)
}

// gather sorts the stage's claims by what they can be used for.
func (j *judging) gather(s *local) {
	if j.seen == nil {
		j.seen = map[seenKey]bool{}
	}
	clear(j.seen)
	if s.id == 0 {
		return
	}
	numbers := j.l.byStage[s.id]
	var slab []record // records are pointed to, so a slab is filled and never grows
	for i, n := range numbers {
		if len(slab) == cap(slab) {
			slab = make([]record, 0, min(1024, len(numbers)-i))
		}
		slab = append(slab, j.l.unpack(j.l.at(n)))
		r := &slab[len(slab)-1]
		bound, about, keep := j.about(s, r)
		if !about {
			if !keep {
				slab = slab[:len(slab)-1]
			}
			continue
		}
		if !r.bundle.IsZero() {
			k := seenKey{r.bundle, r.party, r.state}
			if j.seen[k] {
				continue
			}
			j.seen[k] = true
		}
		j.take(s, r, bound)
	}
}

// about says whether a claim is about this stage as the release has it. A claim
// that states a recipe is about that recipe and no other; one that states none is
// about its release, or, if it states none either, perhaps about this one.
// Keep says that a claim which is not about the stage is flagged all the same.
func (j *judging) about(s *local, r *record) (bound, about, keep bool) {
	switch claim.Kind(r.kind) {
	case claim.KindRebuild, claim.KindOwn:
		if r.recipe != 0 && r.recipe == s.recipe {
			return true, true, true
		}
		if claim.Kind(r.kind) == claim.KindRebuild && claim.State(r.state) == claim.Verified && j.release != 0 && r.release == j.release {
			s.replay.add(r)
			return false, false, true
		}
		return false, false, false
	case claim.KindTree:
		return true, true, true
	case claim.KindPGP, claim.KindRegistry:
		return r.release != 0 && r.release == j.release, r.release == 0 || r.release == j.release, true
	}
	return false, false, false // an attestation says who built, and nothing about the source
}

// take files one claim.
func (j *judging) take(s *local, r *record, bound bool) {
	switch claim.State(r.state) {
	case claim.Verified:
	case claim.Refused:
		s.v.Skipped++
		s.refused.add(r)
		return
	default:
		s.v.Skipped++
		if r.output != 0 && r.bits&bitFailed == 0 {
			s.unverified = append(s.unverified, r.output)
			s.loose.add(r)
		}
		return
	}
	if r.bits&bitLegacy != 0 {
		s.legacy.add(r)
	}
	if r.bits&bitFailed != 0 {
		s.failed.add(r)
		return
	}
	if r.output == 0 {
		return
	}
	m := member{record: r, out: j.l.outputs.value(r.output), bound: bound}
	switch claim.Kind(r.kind) {
	case claim.KindRebuild, claim.KindOwn:
		switch {
		case claim.Mode(r.mode) != claim.ModeRebuilt:
			s.pulled.add(r)
			m.bound = false // it says what is served somewhere, and that blocks nothing
		case !j.c.Policy.Counts(j.party(r.party)):
			s.machine.add(r)
		case !j.fresh(r):
			s.stale.add(r)
		default:
			m.counts = true
		}
	}
	s.members = append(s.members, m)
}

// fresh says whether a claim is young enough to count. One that does not say
// when it was made, or says that it is from the future, is not, where age
// matters.
func (j *judging) fresh(r *record) bool {
	now := j.c.Now.Unix()
	if int64(r.finished) > now+24*3600 {
		return false
	}
	return j.maxAge == 0 || r.finished != 0 && now-int64(r.finished) <= j.maxAge
}

// built says whether a member is somebody's build.
func (m *member) built() bool {
	k := claim.Kind(m.kind)
	return (k == claim.KindRebuild || k == claim.KindOwn) && claim.Mode(m.mode) == claim.ModeRebuilt
}

// hashed says whether the bytes behind the claim were hashed here, so that its
// outer digests do commit to its inner ones.
func (m *member) hashed() bool {
	k := claim.Kind(m.kind)
	return k == claim.KindOwn || k == claim.KindRegistry
}

// standing gives the verdict that follows from the groups alone.
func (j *judging) standing(s *local, st *Stage) {
	v := &s.v
	v.Level = s.level
	for _, g := range s.groups {
		v.Groups = append(v.Groups, g.Group)
	}
	if s.blocks > 1 {
		j.split(s)
		return
	}
	g := s.best()
	if g == nil {
		v.Status = claim.Unclaimed
		switch {
		case len(s.failed.list) > 0:
			v.Status = claim.Failed
		case st.Seed:
			v.Status = claim.Seed
		}
		v.Lacks = append(v.Lacks, "a claim")
		return
	}
	v.Output, v.Persons, v.Vendors, v.Signers = g.Output, g.Persons, g.Vendors, g.Signers
	j.agreed(s, g, st)
}

// best is the group that speaks for the stage when nothing that blocks
// disagrees: the one that blocks, else the one with most signers.
func (s *local) best() *group {
	if len(s.groups) == 0 {
		return nil
	}
	if s.blocks == 1 {
		return s.groups[0]
	}
	best := s.groups[0]
	for _, g := range s.groups[1:] {
		if g.Signers > best.Signers {
			best = g
		}
	}
	return best
}

// agreed gives the verdict of a stage on whose output all that blocks agree.
func (j *judging) agreed(s *local, g *group, st *Stage) {
	v, p := &s.v, j.c.Policy
	reproduced := p.Persons > 0 && g.Persons >= p.Persons && g.Vendors >= p.CPUVendors && len(g.persons) > 0
	signed := p.Signers > 0 && g.Signers >= p.Signers && len(s.groups) == 1 && !s.flaky
	switch {
	case s.flaky:
		v.Status = claim.Flaky
		reproduced = reproduced && p.Intermittent == policy.Warn
	case reproduced:
		v.Status = claim.Reproduced
	case g.Persons > 0 && g.onlySelf:
		v.Status = claim.SelfOnly
	case g.Persons > 0:
		v.Status = claim.Single
	case g.Signers > 0:
		v.Status = claim.Signed
	case len(s.failed.list) > 0:
		v.Status = claim.Failed
	case st.Seed:
		v.Status = claim.Seed
	default:
		v.Status = claim.Unclaimed
	}
	if v.Met = reproduced || signed; v.Met {
		j.preferred(s, g)
		return
	}
	v.Lacks = j.lacks(g)
	if s.flaky && len(v.Lacks) == 0 {
		v.Lacks = append(v.Lacks, "one output from every trial")
	}
	if p.Signers > 0 && g.Signers >= p.Signers && !signed {
		v.Lacks = append(v.Lacks, "one digest that all signatures are of")
	}
}

// lacks says what the policy asks of a group and does not get.
func (j *judging) lacks(g *group) []string {
	p := j.c.Policy
	var out []string
	if n := p.Persons - g.Persons; n > 0 {
		out = append(out, more(n, "person"))
	}
	if n := p.CPUVendors - g.Vendors; n > 0 {
		out = append(out, more(n, "CPU vendor"))
	}
	return out
}

func more(n int, what string) string {
	if n == 1 {
		return "1 more " + what
	}
	return fmt.Sprintf("%d more %ss", n, what)
}
