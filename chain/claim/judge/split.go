package judge

import (
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/policy"
)

// maxQuestions bounds how many pairs are asked about of one stage.
const maxQuestions = 8

// split gives the verdict of a stage on whose output claims contradict each
// other. Whether it began here is for flow to say.
func (j *judging) split(s *local) {
	v, p := &s.v, j.c.Policy
	blocking := s.groups[:s.blocks]
	if level, causes, ok := j.answered(blocking); ok {
		v.Status, v.Causes, v.Level = claim.Equivalent, causes, level
		s.union = blocking
		j.equivalent(s, blocking, level)
		return
	}
	v.Status = claim.Disputed
	if s.flaky {
		v.Status = claim.Flaky
	}
	v.Lacks = append(v.Lacks, "agreement")
	if p.Dissent == policy.Warn && (!s.flaky || p.Intermittent == policy.Warn) {
		j.accept(s, blocking)
	}
	j.questions(v, blocking)
}

// accept says which side meets a policy that only warns of dissent. If two do,
// none is accepted.
func (j *judging) accept(s *local, blocking []*group) {
	var met []int
	for i, g := range blocking {
		if g.Persons >= j.c.Policy.Persons && g.Vendors >= j.c.Policy.CPUVendors && g.level == s.level {
			met = append(met, i)
		}
	}
	if len(met) != 1 {
		return
	}
	v := &s.v
	g := blocking[met[0]]
	g.Accepted, v.Groups[met[0]].Accepted = true, true
	v.Met, v.Lacks = true, nil
	v.Output, v.Persons, v.Vendors, v.Signers = g.Output, g.Persons, g.Vendors, g.Signers
	for i, other := range blocking {
		if i != met[0] {
			s.flag(claim.FlagDissent, fmt.Sprintf("%s against the side that meets the policy", claimsText(other.Claims)), other.Parties)
		}
	}
}

func claimsText(n int) string {
	if n == 1 {
		return "1 claim"
	}
	return fmt.Sprintf("%d claims", n)
}

// equivalent says whether the policy takes outputs that differ by known causes
// only: when it compares at the level at which they are equal, or further in.
func (j *judging) equivalent(s *local, groups []*group, level chain.Level) {
	v, p := &s.v, j.c.Policy
	all := &group{onlySelf: true}
	for _, g := range groups {
		all.members = append(all.members, g.members...)
	}
	// The flags of single groups stand already.
	flags := len(v.Flags)
	j.count(s, all)
	v.Flags = v.Flags[:flags]
	v.Persons, v.Vendors, v.Signers = all.Persons, all.Vendors, all.Signers
	v.Met = p.Level >= level && all.Persons >= p.Persons && all.Vendors >= p.CPUVendors
	if !v.Met {
		if v.Lacks = j.lacks(all); len(v.Lacks) == 0 {
			v.Lacks = []string{fmt.Sprintf("one %s", p.Level)}
		}
	}
}

// answered says whether answers connect all groups, and what they say.
func (j *judging) answered(groups []*group) (level chain.Level, causes []string, ok bool) {
	if len(j.c.Answers) == 0 {
		return 0, nil, false
	}
	at := map[chain.Digest]int{}
	for i, g := range groups {
		if g.Output.Manifest == "" {
			return 0, nil, false
		}
		at[g.Output.Manifest] = i
	}
	root := make([]int, len(groups))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			i = root[i]
		}
		return i
	}
	joined := 1
	for _, a := range j.c.Answers {
		x, okA := at[a.A]
		y, okB := at[a.B]
		if !okA || !okB || a.Level == chain.LevelUnknown || find(x) == find(y) {
			continue
		}
		root[find(x)] = find(y)
		joined++
		level = max(level, a.Level)
		causes = append(causes, a.Causes...)
	}
	slices.Sort(causes)
	return level, slices.Compact(causes), joined == len(groups)
}

// questions asks about the pairs that may be one image in two wrappings: each
// group beside the largest.
func (j *judging) questions(v *claim.Verdict, groups []*group) {
	a := groups[0]
	for _, b := range groups[1:] {
		if len(v.Question) == maxQuestions {
			return
		}
		q := claim.Question{A: a.Output, B: b.Output}
		for l := chain.LevelFiles; l > chain.LevelIndex && q.Level == chain.LevelUnknown; l-- {
			if d := a.out.level(l); d != 0 && d == b.out.level(l) {
				q.Level = l
			}
		}
		differ := false // at an inner level that both state
		for l := chain.LevelRootfs; l <= chain.LevelFiles; l++ {
			x, y := a.out.level(l), b.out.level(l)
			differ = differ || x != 0 && y != 0 && x != y
		}
		switch {
		case q.Level != chain.LevelUnknown:
			q.Text = fmt.Sprintf("both are said to have one %s digest: deriving one manifest from the other would show that only the wrapping differs", q.Level)
		case differ:
			continue // their contents differ: no wrapping explains that
		default:
			q.Text = "one of the two does not say what is in it: comparing the images would show whether only the wrapping differs"
		}
		v.Question = append(v.Question, q)
	}
}
