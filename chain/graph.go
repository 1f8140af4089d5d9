package chain

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"
)

// graph holds the edges of a chain by position in Chain.Stages.
type graph struct {
	at         map[string]int
	needs      [][]int // distinct, in order of first mention; only stages that exist
	dependents [][]int // in chain order
	depth      []int   // longest way down to a root stage, in edges
}

// tiers in chain order; others follow by name.
var tierRank = map[string]int{"bootstrap": 0, "core": 1, "pallet": 2, "user": 3}

func byTier(a, b *Stage) int {
	rank := func(s *Stage) int {
		if r, ok := tierRank[s.Tier]; ok {
			return r
		}
		return len(tierRank)
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.ID, b.ID))
}

// New makes a chain of stages and puts them in chain order: every stage after
// all that it needs, ties by tier (bootstrap, core, pallet, user, others), then
// by ID. A need that no stage fulfils and a cycle become findings of severity
// Fault; the stages of a cycle, and those above it, are listed last.
func New(name string, stages []*Stage) *Chain {
	c := &Chain{Name: name}
	seen := map[string]*Stage{}
	for _, s := range stages {
		if first := seen[s.ID]; first != nil {
			c.Findings = append(c.Findings, Finding{Severity: Fault, Rule: "duplicate-stage", Stage: s.ID, File: s.Containerfile,
				Text: fmt.Sprintf("stage %q is defined a second time; the first definition is in %s", s.ID, first.Dir),
				Hint: "rename one of the two packages"})
			continue
		}
		seen[s.ID] = s
		c.Stages = append(c.Stages, s)
	}
	slices.SortFunc(c.Stages, byTier)
	c.link(true)
	order, cyclic := c.order()
	c.reportCycle(cyclic)
	c.Stages = order
	c.link(false)
	c.measure()
	return c
}

// link fills at, needs and dependents for the present order of the stages.
func (c *Chain) link(report bool) {
	g := graph{at: make(map[string]int, len(c.Stages)), needs: make([][]int, len(c.Stages)), dependents: make([][]int, len(c.Stages))}
	for i, s := range c.Stages {
		g.at[s.ID] = i
	}
	for i, s := range c.Stages {
		for _, n := range s.Needs {
			j, ok := g.at[n.ID]
			if !ok {
				if report {
					c.Findings = append(c.Findings, Finding{Severity: Fault, Rule: "unknown-need", Stage: s.ID, File: s.Containerfile, Line: n.Line,
						Text: fmt.Sprintf("%q needs %q, which is no stage of this tree", s.ID, n.ID),
						Hint: "add the package, or correct the name"})
				}
				continue
			}
			if !slices.Contains(g.needs[i], j) {
				g.needs[i] = append(g.needs[i], j)
				g.dependents[j] = append(g.dependents[j], i)
			}
		}
	}
	c.graph = g
}

// positions is a heap of positions, lowest first: c.Stages is sorted by tier
// and ID when it is used, so position is rank.
type positions []int

func (p positions) Len() int           { return len(p) }
func (p positions) Less(i, j int) bool { return p[i] < p[j] }
func (p positions) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *positions) Push(x any)        { *p = append(*p, x.(int)) }
func (p *positions) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}

// order gives the stages in chain order and, among them at the end, those
// that could not be ordered because a cycle is at or below them.
func (c *Chain) order() (sorted, cyclic []*Stage) {
	left := make([]int, len(c.Stages))
	var ready positions
	for i := range c.Stages {
		if left[i] = len(c.graph.needs[i]); left[i] == 0 {
			ready = append(ready, i)
		}
	}
	heap.Init(&ready)
	for ready.Len() > 0 {
		i := heap.Pop(&ready).(int)
		sorted = append(sorted, c.Stages[i])
		for _, d := range c.graph.dependents[i] {
			if left[d]--; left[d] == 0 {
				heap.Push(&ready, d)
			}
		}
	}
	for i, s := range c.Stages {
		if left[i] > 0 {
			cyclic = append(cyclic, s)
		}
	}
	return append(sorted, cyclic...), cyclic
}

// reportCycle names one cycle among stages, all of which are at or above one.
func (c *Chain) reportCycle(stages []*Stage) {
	if len(stages) == 0 {
		return
	}
	ids := c.Cycle(stages[0].ID)
	first := c.Stages[c.graph.at[ids[0]]]
	c.Findings = append(c.Findings, Finding{Severity: Fault, Rule: "cycle", Stage: first.ID, File: first.Containerfile,
		Text: fmt.Sprintf("stages need each other: %s; %d stages cannot be ordered", strings.Join(ids, " needs "), len(stages)),
		Hint: "break the cycle: no stage of it can be built from source"})
}

// measure fills depth. In a cycle, edges that lead back count as nothing.
func (c *Chain) measure() {
	c.graph.depth = make([]int, len(c.Stages))
	for i := range c.Stages {
		for _, j := range c.graph.needs[i] {
			if j < i {
				c.graph.depth[i] = max(c.graph.depth[i], c.graph.depth[j]+1)
			}
		}
	}
}
