package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// chainRow is a line of the chain screen: the heading of a tier, a stage, or a
// step of a stage that is open.
type chainRow struct {
	tier  string
	count int
	stage *chain.Stage
	step  *chain.Step
}

// chainRows is the flat list that the chain screen shows.
type chainRows struct {
	app  *app
	rows []chainRow
	open map[string]bool
	sort chainOrder
	// What a row shows is counted once, not for each frame.
	used, needs, depth map[string]int
	faults             map[string]int
}

// chainOrder is how stages are sorted.
type chainOrder int

const (
	byTier chainOrder = iota
	byChain
	byName
	byUsers
	byDepth
	byStanding
	nOrders
)

var orderNames = [nOrders]string{"by tier", "in chain order", "by name", "most used first", "deepest first", "worst first"}

func newChainRows(a *app) *chainRows {
	r := &chainRows{app: a, open: map[string]bool{}, used: map[string]int{}, needs: map[string]int{}, depth: map[string]int{}, faults: map[string]int{}}
	c := a.cfg.Chain
	for _, s := range c.Stages {
		r.used[s.ID] = len(c.Dependents(s.ID))
		r.needs[s.ID] = len(c.Needs(s.ID))
		r.depth[s.ID] = c.Depth(s.ID)
	}
	for _, f := range c.Findings {
		if f.Severity > chain.Notice {
			r.faults[f.Stage]++
		}
	}
	r.build()
	return r
}

func (r *chainRows) sorted() []*chain.Stage {
	stages := slices.Clone(r.app.cfg.Chain.Stages)
	var less func(a, b *chain.Stage) int
	switch r.sort {
	case byTier:
		rank := map[string]int{}
		for _, t := range []string{"bootstrap", "core", "pallet", "user"} {
			rank[t] = len(rank) - 4
		}
		less = func(a, b *chain.Stage) int {
			return cmp.Or(cmp.Compare(rank[a.Tier], rank[b.Tier]), cmp.Compare(a.Tier, b.Tier))
		}
	case byName:
		less = func(a, b *chain.Stage) int { return cmp.Compare(a.Name, b.Name) }
	case byUsers:
		less = func(a, b *chain.Stage) int { return cmp.Compare(r.used[b.ID], r.used[a.ID]) }
	case byDepth:
		less = func(a, b *chain.Stage) int { return cmp.Compare(r.depth[b.ID], r.depth[a.ID]) }
	case byStanding:
		less = func(a, b *chain.Stage) int {
			return cmp.Or(cmp.Compare(r.app.badness(b.ID), r.app.badness(a.ID)), cmp.Compare(r.depth[a.ID], r.depth[b.ID]))
		}
	default:
		return stages
	}
	slices.SortStableFunc(stages, less)
	return stages
}

// badness ranks a stage by the worse of what was rebuilt here and what all say.
func (a *app) badness(id string) int {
	n := badness[a.standing(id)]
	if v := a.verdict(id); v != nil {
		n = max(n, claimBadness[v.Status])
	}
	return n
}

var claimBadness = map[claim.Status]int{claim.Disputed: 8, claim.Tainted: 7, claim.Flaky: 6, claim.Failed: 5, claim.Equivalent: 3, claim.SelfOnly: 1, claim.Single: 1, claim.Signed: 1, claim.Reproduced: -1, claim.Reconverged: -1}

var badness = map[Standing]int{Differs: 6, Failed: 5, NotBuilt: 4, Interrupted: 3, NoClaim: 2, running: 1, NotChecked: 0, Reproduced: -1}

// build makes the rows anew after a stage was opened or the order changed.
func (r *chainRows) build() {
	r.rows = r.rows[:0]
	perTier := map[string]int{}
	for _, s := range r.app.cfg.Chain.Stages {
		perTier[s.Tier]++
	}
	tier := ""
	for i, s := range r.sorted() {
		if r.sort == byTier && (i == 0 || s.Tier != tier) {
			tier = s.Tier
			r.rows = append(r.rows, chainRow{tier: tier, count: perTier[tier]})
		}
		r.rows = append(r.rows, chainRow{stage: s})
		if r.open[s.ID] {
			for k := range s.Steps {
				r.rows = append(r.rows, chainRow{stage: s, step: &s.Steps[k]})
			}
		}
	}
}

// find is the number of the row of a stage, or -1.
func (r *chainRows) find(id string) int {
	return slices.IndexFunc(r.rows, func(w chainRow) bool { return w.stage != nil && w.step == nil && w.stage.ID == id })
}

// text is what filters and searches look at.
func (r *chainRows) text(i int) string {
	row := r.rows[i]
	switch {
	case row.stage == nil:
		return ""
	case row.step != nil:
		return row.step.Name
	}
	s := row.stage
	return s.ID + " " + s.Version + " " + string(s.Digest()) + " " + s.Description
}

// Len and Row make it the rows of a list.
func (r *chainRows) Len() int { return len(r.rows) }

func (r *chainRows) Row(i, width int) look.Line {
	row := r.rows[i]
	switch {
	case row.stage == nil:
		return look.T(look.Title, safe.Text(row.tier)).Add(look.Faint, "  "+plural(row.count, "stage", "stages"))
	case row.step != nil:
		return stepLine(row.stage, row.step, width)
	}
	return r.stageLine(row.stage, chainColumns(width))
}

// columns are the widths of the chain's columns; 0 leaves one out.
type columns struct{ name, version, digest, needs, used, depth int }

// chainColumns gives up columns from the right as the width shrinks, and the
// name last.
func chainColumns(w int) columns {
	c := columns{version: 10, digest: 13, needs: 6, used: 6, depth: 6}
	rest := func() int { return w - 4 - c.version - c.digest - c.needs - c.used - c.depth }
	for _, drop := range []*int{&c.depth, &c.digest, &c.needs, &c.used, &c.version} {
		if rest() >= 22 {
			break
		}
		*drop = 0
	}
	c.name = max(4, rest())
	// A name needs no more than this; what is left goes to the version.
	if extra := c.name - 40; extra > 0 && c.version > 0 {
		grow := min(extra, 14)
		c.version += grow
		c.name -= grow
	}
	return c
}

func (c columns) head() look.Line {
	var b strings.Builder
	b.WriteString("      " + look.Left("stage", c.name))
	for _, col := range []struct {
		w    int
		name string
	}{{c.version, "version"}, {c.digest, "digest"}} {
		if col.w > 0 {
			b.WriteString(look.Left(col.name, col.w))
		}
	}
	for _, col := range []struct {
		w    int
		name string
	}{{c.needs, "needs"}, {c.used, "used"}, {c.depth, "depth"}} {
		if col.w > 0 {
			b.WriteString(look.Right(col.name, col.w))
		}
	}
	return look.T(look.Faint, b.String())
}

func (r *chainRows) stageLine(s *chain.Stage, c columns) look.Line {
	f := r.app.standing(s.ID).face()
	name := s.Name
	if r.sort != byTier {
		name = s.ID
	}
	arrow := "  "
	if len(s.Steps) > 0 {
		arrow = "▸ "
		if r.open[s.ID] {
			arrow = "▾ "
		}
	}
	line := look.T(f.role, f.sign).Add(look.Plain, " ")
	if r.app.judged != nil {
		// Two answers of two questions: what was rebuilt here, what all say.
		g := verdictFace(r.app.verdict(s.ID))
		line = look.T(f.role, f.sign).Add(g.role, g.sign)
	}
	line = line.Add(look.Faint, arrow)
	mark := ""
	if r.app.tainted[s.ID] != "" {
		mark = " ^"
	}
	if r.faults[s.ID] > 0 {
		mark += " !"
	}
	name = look.Ellipsis(safe.Text(name), c.name-1-len(mark))
	line = line.Add(look.Plain, name).Add(look.Warn, mark)
	line = line.Add(look.Plain, look.Left("", c.name-look.Width(name)-len(mark)))
	if c.version > 0 {
		line = line.Add(look.Muted, look.Left(look.Ellipsis(safe.Text(s.Version), c.version-1), c.version))
	}
	if c.digest > 0 {
		line = line.Add(look.Faint, look.Left(short(s.Digest()), c.digest))
	}
	for _, col := range []struct{ w, n int }{{c.needs, r.needs[s.ID]}, {c.used, r.used[s.ID]}, {c.depth, r.depth[s.ID]}} {
		if col.w == 0 {
			continue
		}
		role := look.Muted
		if col.n == 0 {
			role = look.Faint
		}
		line = line.Add(role, look.Right(strconv.Itoa(col.n), col.w))
	}
	return line
}

// stepLine shows one RUN of an opened stage.
func stepLine(s *chain.Stage, st *chain.Step, width int) look.Line {
	guide := "│ "
	if st.Index == len(s.Steps)-1 {
		guide = "╰ "
	}
	line := look.T(look.Faint, "  "+guide+fmt.Sprintf("%3d ", st.Index+1)).Add(look.Plain, safe.Text(st.Name))
	where := fmt.Sprintf("line %d", st.Line)
	if gap := width - line.Width() - len(where); gap > 1 {
		line = line.Add(look.Plain, strings.Repeat(" ", gap)).Add(look.Faint, where)
	}
	return line
}
