package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// ladderRow is a rung of the ladder, or the rail between two stages.
type ladderRow struct {
	stage  *chain.Stage
	depth  int         // of the stage on this ladder
	rung   *audit.Rung // nil for a rail
	others int         // of a rail: needs of the stage above that the ladder leaves out
}

// ladderRows is the longest way from a root of the chain up to one stage, by
// what makes what: the seed, the tools of the first stages, the compilers that
// steps build, and every stage.
type ladderRows struct {
	*chainRows
	rows []ladderRow
}

// newLadder puts rungs between the stages of a way; a stage without any is one.
func newLadder(r *chainRows, way []*chain.Stage, rungs []audit.Rung) ladderRows {
	l := ladderRows{chainRows: r}
	for depth, s := range way {
		if depth > 0 {
			l.rows = append(l.rows, ladderRow{stage: s, depth: depth, others: r.needs[s.ID] - 1})
		}
		before := len(l.rows)
		for i := range rungs {
			if rungs[i].Stage == s.ID {
				l.rows = append(l.rows, ladderRow{stage: s, depth: depth, rung: &rungs[i]})
			}
		}
		if len(l.rows) == before {
			known, _ := audit.Pins(s)
			l.rows = append(l.rows, ladderRow{stage: s, depth: depth,
				rung: &audit.Rung{Kind: audit.RungStage, Name: strings.TrimSpace(s.ID + " " + s.Version), Stage: s.ID, Digest: s.Digest(), Source: known}})
		}
	}
	return l
}

// ladderColumns are the widths of what a rung shows; 0 leaves a column out.
type ladderColumns struct{ name, size, digest, bytes, source int }

const ladderMargin = 6 // depth and sign

// fitLadder gives up the size first and the name last.
func fitLadder(w int) ladderColumns {
	c := ladderColumns{size: 9, digest: 13, bytes: 16, source: 8}
	rest := func() int { return w - ladderMargin - c.size - c.digest - c.bytes - c.source }
	for _, drop := range []*int{&c.size, &c.digest, &c.source, &c.bytes} {
		if rest() >= 17 {
			break
		}
		*drop = 0
	}
	c.name = max(4, rest())
	if extra := c.name - 22; extra > 0 && c.source > 0 { // "equal to version control" is long
		grow := min(extra, 17)
		c.source, c.name = c.source+grow, c.name-grow
	}
	return c
}

func (c ladderColumns) head() look.Line {
	text := "  " + look.Left("depth rung", ladderMargin+c.name) // the list has its cursor before each row
	if c.size > 0 {
		text += look.Right("size", c.size-1) + " "
	}
	text += look.Left("digest", c.digest) + look.Left("bytes", c.bytes) + look.Left("source", c.source)
	return look.T(look.Faint, text)
}

// Len and Row make it the rows of a list.
func (l ladderRows) Len() int { return len(l.rows) }

func (l ladderRows) Row(i, width int) look.Line {
	row := l.rows[i]
	if row.rung == nil {
		line := look.T(look.Faint, "    │ ")
		if row.others > 0 {
			line = line.Add(look.Faint, "  and "+plural(row.others, "other need", "other needs"))
		}
		return line
	}
	g, c := row.rung, fitLadder(width)
	f := l.face(row)
	depth, role := "    ", look.Muted
	if g.Kind == audit.RungStage {
		depth, role = fmt.Sprintf("%3d ", row.depth), look.Plain
	}
	name := safe.Text(g.Name)
	if g.Kind != audit.RungStage {
		name = "  " + name
	}
	line := look.T(look.Faint, depth).Add(f.role, f.sign+" ").Add(role, look.Left(look.Ellipsis(name, c.name-1), c.name))
	if c.size > 0 {
		text := ""
		if g.Size > 0 {
			text = size(g.Size)
		}
		line = line.Add(look.Muted, look.Right(text, c.size-1)+" ")
	}
	if c.digest > 0 {
		line = line.Add(look.Faint, look.Left(short(g.Digest), c.digest))
	}
	if c.bytes > 0 {
		line = line.Add(f.role, look.Left(look.Ellipsis(f.word, c.bytes-1), c.bytes))
	}
	if c.source > 0 && g.Kind != audit.RungSeed {
		line = line.Add(look.Muted, look.Ellipsis(g.Source.String(), c.source))
	}
	return line
}

// face is the first answer of a rung: whether its bytes follow from its source.
// Only of an image is there a claim; a tool can be no more than built here.
func (l ladderRows) face(row ladderRow) face {
	switch {
	case row.rung.Kind == audit.RungSeed:
		return face{"*", look.Accent, "no one built it"}
	case row.rung.Kind == audit.RungStage:
		return l.app.standing(row.stage.ID).face()
	case row.rung.Built:
		return face{"+", look.Good, "built here"}
	}
	return NotChecked.face()
}

// laddered brings the rungs of a stage's ladder.
type laddered struct {
	id    string
	rungs []audit.Rung
}

// ladderRow is the row of the ladder under the cursor, or nil.
func (s *chainScreen) ladderRow() *ladderRow {
	l, ok := s.list.Rows().(ladderRows)
	if i := s.list.Cursor(); ok && i >= 0 && i < len(l.rows) {
		return &l.rows[i]
	}
	return nil
}

// toggleLadder shows the stages of the way at once; what lies between them
// takes the reading of the recipes, and comes when that is done.
func (s *chainScreen) toggleLadder() tea.Cmd {
	st := s.selected()
	if st == nil {
		return nil
	}
	if s.ladder {
		s.closeLadder()
		return nil
	}
	s.clearFilter()
	s.ladder = true
	c, made := s.app.cfg.Chain, s.app.cfg.Made
	s.list.SetRows(newLadder(s.rows, c.Path(st.ID), nil))
	s.list.End()
	if c.FS == nil {
		return nil
	}
	return toScreen(s, func() tea.Msg {
		r, err := audit.Stages(c, []string{st.ID}, audit.Options{Made: made})
		if err != nil {
			return nil // the stages are there already
		}
		return laddered{st.ID, r.Ladder}
	})
}

// climb puts the rungs in, unless the ladder was left meanwhile.
func (s *chainScreen) climb(m laddered) {
	l, ok := s.list.Rows().(ladderRows)
	if !ok || len(l.rows) == 0 || l.rows[len(l.rows)-1].stage.ID != m.id {
		return
	}
	at := s.selected()
	l = newLadder(s.rows, s.app.cfg.Chain.Path(m.id), m.rungs)
	s.list.SetRows(l)
	for i, row := range l.rows {
		if row.stage == at && row.rung != nil && row.rung.Kind == audit.RungStage {
			s.list.MoveTo(i)
		}
	}
}

func (s *chainScreen) closeLadder() {
	st := s.selected()
	s.clearFilter()
	s.ladder = false
	s.list.SetRows(s.rows)
	if st != nil {
		s.list.MoveTo(max(0, s.rows.find(st.ID)))
	}
}
