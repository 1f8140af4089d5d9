package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// chainScreen is the first screen: the stages from the seed to packages.
type chainScreen struct {
	app    *app
	rows   *chainRows
	list   *list.List
	panes  panes
	about  *list.List // detail of the stage under the cursor
	sheet  sheet
	ladder bool
	query  string // last filter or search, for n and N

	shownFor aboutKey // what the sheet was built for
	recipes  recipePane
}

// aboutKey is all that the detail of a stage depends on.
type aboutKey struct {
	id       string
	w        int
	standing Standing
	tainted  string
	judged   int
}

var _ screen = (*chainScreen)(nil)

func newChainScreen(a *app) *chainScreen {
	s := &chainScreen{app: a, rows: newChainRows(a), about: list.New(nil)}
	s.list = list.New(s.rows)
	s.list.Skip = s.skip
	s.list.Home()
	s.recipes.init(a)
	s.panes.all = []*pane{
		{name: "Stages", list: s.list, weight: 1, title: s.title, head: s.head},
		{name: "Detail", list: s.about, title: s.aboutTitle, fit: s.fitAbout, note: func() string { return "" }},
		{name: "Recipe", list: s.recipes.list, title: s.recipes.title},
	}
	return s
}

func (s *chainScreen) skip(i int) bool {
	if l, ok := s.list.Rows().(ladderRows); ok {
		return l.rows[i].rung == nil
	}
	return s.rows.rows[i].stage == nil
}

func (s *chainScreen) crumb() string  { return "chain" }
func (s *chainScreen) close()         {}
func (s *chainScreen) layout() *panes { return &s.panes }

func (s *chainScreen) start() tea.Cmd { return nil }

func (s *chainScreen) title() look.Line {
	if s.ladder {
		return look.T(look.Title, "Ladder").Add(look.Muted, " from the seed up")
	}
	return look.T(look.Title, "Stages").Add(look.Muted, " "+orderNames[s.rows.sort])
}

func (s *chainScreen) head(w int) look.Line {
	if s.ladder {
		return fitLadder(w - 3).head()
	}
	return chainColumns(w - 3).head()
}

// selected is the stage under the cursor, or nil.
func (s *chainScreen) selected() *chain.Stage {
	i := s.list.Cursor()
	if i < 0 {
		return nil
	}
	if row := s.ladderRow(); row != nil {
		return row.stage
	}
	return s.rows.rows[i].stage
}

func (s *chainScreen) selectedStep() *chain.Step {
	if i := s.list.Cursor(); i >= 0 && !s.ladder {
		return s.rows.rows[i].step
	}
	return nil
}

func (s *chainScreen) counts() []look.Line {
	c := s.app.cfg.Chain
	out := []look.Line{look.T(look.Muted, plural(len(c.Stages), "stage", "stages"))}
	for _, st := range []Standing{running, Reproduced, Differs, Failed} {
		n := 0
		for _, g := range c.Stages {
			if s.app.standing(g.ID) == st {
				n++
			}
		}
		if n > 0 {
			f := st.face()
			out = append(out, look.T(f.role, f.sign).Add(look.Muted, fmt.Sprintf(" %d %s", n, f.word)))
		}
	}
	if l := s.app.judgingLine(); l != nil {
		out = append(out[:1:1], append([]look.Line{l}, out[1:]...)...)
	}
	out = append(out, s.app.verdictCounts()...)
	if n := len(c.Findings); n > 0 {
		out = append(out, look.T(look.Warn, plural(n, "finding", "findings")))
	}
	return out
}

func (s *chainScreen) draw(w, h int) look.Block {
	s.arrange(w)
	return s.panes.draw(w, h)
}

// arrange decides which panes there is room for.
func (s *chainScreen) arrange(w int) {
	s.panes.all[0].weight, s.panes.all[1].weight, s.panes.all[2].weight = 1, 0, 0
	switch {
	case w >= 170:
		s.panes.all[0].weight, s.panes.all[1].weight, s.panes.all[2].weight = 42, 26, 32
	case w >= 110:
		s.panes.all[0].weight, s.panes.all[1].weight = 62, 38
	}
}

// want reads the recipe of the selected stage where its pane is on screen.
func (s *chainScreen) want() tea.Cmd {
	s.arrange(s.app.w)
	st := s.selected()
	if st == nil || s.panes.all[2].weight == 0 && s.panes.focus != 2 {
		return nil
	}
	return s.recipes.want(st.Containerfile)
}

func (s *chainScreen) update(msg tea.Msg) tea.Cmd {
	if m, ok := msg.(laddered); ok {
		s.climb(m)
		return nil
	}
	return toScreen(s, s.recipes.update(msg))
}

func (s *chainScreen) aboutTitle() look.Line {
	st := s.selected()
	if st == nil {
		return look.T(look.Title, "Detail")
	}
	return look.T(look.Title, safe.Text(st.ID)).Add(look.Muted, " "+safe.Text(st.Version))
}

// fitAbout builds the detail of the selected stage for a width.
func (s *chainScreen) fitAbout(w, _ int) {
	st := s.selected()
	id := ""
	if st != nil {
		id = st.ID
	}
	key := aboutKey{id, w, s.app.standing(id), s.app.tainted[id], s.app.judgedGen}
	if key == s.shownFor {
		return
	}
	fresh := id != s.shownFor.id
	s.shownFor = key
	s.sheet = sheet{w: w - 3}
	if st != nil {
		s.app.aboutStage(&s.sheet, st)
	}
	s.about.SetRows(&s.sheet)
	if fresh {
		s.about.Home()
	}
}

func (s *chainScreen) back() bool {
	switch {
	case s.panes.back():
	case s.list.Filtered() || s.list.Mark != "":
		s.clearFilter()
	case s.ladder:
		s.closeLadder()
	default:
		return false
	}
	return true
}

func (s *chainScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "open the stage", Group: "Go", Hint: "open", Run: s.enter},
		{Keys: []string{"o"}, Name: "show or hide the steps of the stage", Group: "Show", Hint: "steps", Run: do(s.toggleSteps)},
		{Keys: []string{"/"}, Name: "filter (a leading ! inverts)", Group: "Find", Hint: "filter", Run: do(s.askFilter)},
		{Keys: []string{"r"}, Name: "rebuild the stage", Group: "Do", Hint: "rebuild", Run: func() tea.Cmd { return s.app.rebuild(s.selected()) }},
		{Keys: []string{"V"}, Name: "gather and judge the claims about all stages; again: stop", Group: "Do", Hint: "verify", Run: func() tea.Cmd { return s.app.verify() }},
		{Keys: []string{"v"}, Name: "who says what: claims of all parties", Group: "Go", Hint: "claims", Run: func() tea.Cmd { return s.app.openMatrix(s.selected()) }},
		{Keys: []string{"t"}, Name: "ladder: the way from the seed to the stage", Group: "Show", Hint: "ladder", Run: s.toggleLadder},
		{Keys: []string{"n"}, Name: "next match", Group: "Find", Run: func() tea.Cmd { return s.find(1) }},
		{Keys: []string{"N"}, Name: "previous match", Group: "Find", Run: func() tea.Cmd { return s.find(-1) }},
		{Keys: []string{"J"}, Name: "jump to a stage by name", Group: "Find", Run: do(s.askJump)},
		{Keys: []string{"s"}, Name: "sort another way", Group: "Show", Run: do(s.nextOrder)},
		{Keys: []string{"f"}, Name: "findings of the whole tree", Group: "Go", Run: func() tea.Cmd { return s.app.push(newFindingsScreen(s.app)) }},
		{Keys: []string{"e"}, Name: "where trust ends below the stage: the seed, byte by byte", Group: "Go", Hint: "seed", Run: func() tea.Cmd { return s.app.openTrust(s.selected()) }},
		{Keys: []string{"i"}, Name: "files of the stage's image", Group: "Go", Run: func() tea.Cmd { return s.app.openFiles(s.selected()) }},
		{Keys: []string{"y"}, Name: "copy the digest", Group: "Do", Run: s.copyDigest},
		{Keys: []string{"Y"}, Name: "copy the stage's ID", Group: "Do", Run: s.copyID},
	}
	return append(t, s.panes.moves()...)
}

func (s *chainScreen) enter() tea.Cmd {
	if s.panes.focus == 1 {
		if r := s.sheet.at(s.about.Cursor()); r != nil && r.open != nil {
			return r.open()
		}
	}
	st := s.selected()
	if st == nil {
		return nil
	}
	line := 0
	if step := s.selectedStep(); step != nil {
		line = step.Line
	}
	if row := s.ladderRow(); row != nil && row.rung != nil {
		line = row.rung.Line
	}
	return s.app.push(newStageScreen(s.app, st, line))
}

func (s *chainScreen) toggleSteps() {
	st := s.selected()
	if st == nil || s.ladder || len(st.Steps) == 0 {
		return
	}
	s.rows.open[st.ID] = !s.rows.open[st.ID]
	s.rebuild(st.ID)
}

// rebuild makes the rows anew and keeps cursor and filter.
func (s *chainScreen) rebuild(id string) {
	s.rows.build()
	s.list.SetRows(s.rows)
	if s.query != "" && s.list.Mark != "" {
		s.filter(s.query)
	}
	if i := s.rows.find(id); i >= 0 {
		s.list.MoveTo(i)
	}
}

// resort puts the rows in order again after what they are sorted by changed.
func (s *chainScreen) resort() {
	if st := s.selected(); st != nil && !s.ladder && s.rows.sort == byStanding {
		s.rebuild(st.ID)
	}
}

func (s *chainScreen) nextOrder() {
	st := s.selected()
	if s.ladder || st == nil {
		return
	}
	s.rows.sort = (s.rows.sort + 1) % nOrders
	s.rebuild(st.ID)
}

func (s *chainScreen) askFilter() {
	if s.ladder {
		s.closeLadder()
	}
	before := s.selected()
	s.app.ask = &question{prompt: prompt.New("/", ""),
		changed: func(q string) tea.Cmd { s.filter(q); return nil },
		done:    func(q string) tea.Cmd { s.query = q; return nil },
		dropped: func() tea.Cmd {
			s.clearFilter()
			if before != nil {
				s.list.MoveTo(max(0, s.rows.find(before.ID)))
			}
			return nil
		},
		note: s.list.Position,
	}
}

func (s *chainScreen) filter(q string) {
	s.query = q
	m := list.Match(q)
	s.list.Mark = m.Needle()
	found := m.Filter(s.rows.Len(), s.rows.text)
	if found == nil {
		s.list.Show(nil)
		return
	}
	// Headings stay where something below them was found.
	with := make([]int, 0, len(found)+4)
	next := 0
	heading := -1
	for i, row := range s.rows.rows {
		if row.stage == nil {
			heading = i
		}
		for next < len(found) && found[next] < i {
			next++
		}
		if row.stage != nil && next < len(found) && found[next] == i {
			if heading >= 0 {
				with = append(with, heading)
				heading = -1
			}
			with = append(with, i)
		}
	}
	s.list.Show(with)
}

func (s *chainScreen) clearFilter() {
	s.list.Mark = ""
	s.list.Show(nil)
}

func (s *chainScreen) find(dir int) tea.Cmd {
	if s.query == "" || s.ladder {
		return s.app.say("nothing to search for yet: type / first")
	}
	m := list.Match(s.query)
	i := m.Next(s.rows.Len(), s.list.Cursor(), dir, func(i int) string {
		if s.rows.rows[i].stage == nil {
			return ""
		}
		return s.rows.text(i)
	})
	if i < 0 {
		return s.app.say(fmt.Sprintf("nothing matches %q", s.query))
	}
	s.list.Mark = m.Needle()
	s.list.MoveTo(i)
	return nil
}

func (s *chainScreen) askJump() {
	s.app.ask = &question{prompt: prompt.New("stage: ", ""),
		changed: func(q string) tea.Cmd { s.jump(q); return nil },
		done: func(q string) tea.Cmd {
			if !s.jump(q) {
				return s.app.say(fmt.Sprintf("no stage is called %q", q))
			}
			return nil
		}}
}

func (s *chainScreen) jump(q string) bool {
	found := s.app.cfg.Chain.Find(q)
	if q == "" || len(found) == 0 {
		return false
	}
	if s.ladder {
		s.closeLadder()
	}
	s.clearFilter()
	s.list.MoveTo(max(0, s.rows.find(found[0].ID)))
	return true
}

func (s *chainScreen) copyDigest() tea.Cmd {
	if row := s.ladderRow(); row != nil && row.rung != nil && row.rung.Digest != "" {
		return s.app.copyText("", string(row.rung.Digest))
	}
	if st := s.selected(); st != nil {
		return s.app.copyText("", string(st.Digest()))
	}
	return nil
}

func (s *chainScreen) copyID() tea.Cmd {
	if st := s.selected(); st != nil {
		return s.app.copyText("", st.ID)
	}
	return nil
}
