package chain

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Stage finds a stage by its exact ID. Its error wraps ErrNoStage and names
// stages that may have been meant.
func (c *Chain) Stage(id string) (*Stage, error) {
	if i, ok := c.graph.at[id]; ok {
		return c.Stages[i], nil
	}
	if near := c.near(id); len(near) > 0 {
		return nil, fmt.Errorf("%w: %q; did you mean %s?", ErrNoStage, id, strings.Join(near, ", "))
	}
	return nil, fmt.Errorf("%w: %q", ErrNoStage, id)
}

// near gives up to three stages whose IDs are like id.
func (c *Chain) near(id string) []string {
	type scored struct {
		id   string
		cost int
	}
	var found []scored
	for _, s := range c.Stages {
		cost := min(distance(id, s.ID), distance(id, s.Name))
		switch {
		case s.Name == id || s.Package == id:
			cost = 0
		case id != "" && strings.Contains(s.ID, id):
			cost = min(cost, 2)
		}
		if cost <= max(2, len(id)/4) {
			found = append(found, scored{s.ID, cost})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return a.cost - b.cost })
	var ids []string
	for _, f := range found[:min(3, len(found))] {
		ids = append(ids, f.id)
	}
	return ids
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Find gives the stages that pattern means, in chain order: the one with that
// ID, else those with that bare name, else those whose ID or name matches it as
// a shell pattern, else those whose ID contains it.
func (c *Chain) Find(pattern string) []*Stage {
	for _, match := range []func(*Stage) bool{
		func(s *Stage) bool { return s.ID == pattern },
		func(s *Stage) bool { return s.Name == pattern },
		func(s *Stage) bool {
			byID, _ := path.Match(pattern, s.ID)
			byName, _ := path.Match(pattern, s.Name)
			return byID || byName
		},
		func(s *Stage) bool { return strings.Contains(s.ID, pattern) },
	} {
		var found []*Stage
		for _, s := range c.Stages {
			if match(s) {
				found = append(found, s)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// Needs gives the stages that id is built from directly, in order of first
// mention; needs that no stage fulfils are left out.
func (c *Chain) Needs(id string) []*Stage { return c.pick(id, c.graph.needs) }

// Dependents gives the stages that are built from id directly, in chain order.
func (c *Chain) Dependents(id string) []*Stage { return c.pick(id, c.graph.dependents) }

func (c *Chain) pick(id string, edges [][]int) []*Stage {
	i, ok := c.graph.at[id]
	if !ok {
		return nil
	}
	var out []*Stage
	for _, j := range edges[i] {
		out = append(out, c.Stages[j])
	}
	return out
}

// Ancestors gives every stage below id, in chain order, without id itself.
func (c *Chain) Ancestors(id string) []*Stage { return c.closure(id, c.graph.needs) }

// Downstream gives every stage that depends on id, directly or not, in chain
// order, without id itself: what a bad id would taint.
func (c *Chain) Downstream(id string) []*Stage { return c.closure(id, c.graph.dependents) }

func (c *Chain) closure(id string, edges [][]int) []*Stage {
	start, ok := c.graph.at[id]
	if !ok {
		return nil
	}
	seen := make([]bool, len(c.Stages))
	seen[start] = true
	for queue := []int{start}; len(queue) > 0; {
		i := queue[0]
		queue = queue[1:]
		for _, j := range edges[i] {
			if !seen[j] {
				seen[j] = true
				queue = append(queue, j)
			}
		}
	}
	var out []*Stage
	for i, s := range c.Stages {
		if seen[i] && i != start {
			out = append(out, s)
		}
	}
	return out
}

// Path gives one longest way from a root stage up to id, both included.
func (c *Chain) Path(id string) []*Stage {
	i, ok := c.graph.at[id]
	if !ok {
		return nil
	}
	way := []*Stage{c.Stages[i]}
	for c.graph.depth[i] > 0 {
		next := slices.IndexFunc(c.graph.needs[i], func(j int) bool { return j < i && c.graph.depth[j] == c.graph.depth[i]-1 })
		i = c.graph.needs[i][next]
		way = append(way, c.Stages[i])
	}
	slices.Reverse(way)
	return way
}

// Depth is the number of edges on the longest way from id down to a root
// stage; 0 for a root stage and for a stage that the chain does not have.
func (c *Chain) Depth(id string) int {
	if i, ok := c.graph.at[id]; ok {
		return c.graph.depth[i]
	}
	return 0
}

// Edges is the number of distinct pairs of a stage and a stage it needs.
func (c *Chain) Edges() int {
	n := 0
	for _, e := range c.graph.needs {
		n += len(e)
	}
	return n
}

// ContextFS is the stage's package directory, the main context of its build.
func (s *Stage) ContextFS(c *Chain) (fs.FS, error) {
	sub, err := fs.Sub(c.FS, s.Dir)
	if err != nil {
		return nil, fmt.Errorf("opening the context of %q: %w", s.ID, err)
	}
	return sub, nil
}

// Cycle gives stages that need each other, at or below the stage id: each needs
// the next, and the last is the first again. It is nil when there are none.
func (c *Chain) Cycle(id string) []string {
	at, ok := c.graph.at[id]
	if !ok {
		return nil
	}
	done := make([]bool, len(c.Stages)) // no cycle at or below it
	place := map[int]int{}              // on the way down to where the walk is
	var way []int
	var down func(i int) bool
	down = func(i int) bool {
		if first, found := place[i]; found {
			way = append(way[first:], i)
			return true
		}
		place[i] = len(way)
		way = append(way, i)
		for _, j := range c.graph.needs[i] {
			if !done[j] && down(j) {
				return true
			}
		}
		done[i], way = true, way[:len(way)-1]
		delete(place, i)
		return false
	}
	if !down(at) {
		return nil
	}
	ids := make([]string, len(way))
	for k, i := range way {
		ids[k] = c.Stages[i].ID
	}
	return ids
}
