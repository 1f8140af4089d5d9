package tui

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// stageScreen is one stage: what it is and needs, its recipe, its steps.
type stageScreen struct {
	app   *app
	stage *chain.Stage
	panes panes

	facts    *list.List
	sheet    sheet
	shownFor aboutKey
	trials   []Trial
	trialErr error
	marked   string // reference of the rebuild that is side A of a comparison
	dirty    bool   // the trials changed since the sheet was built

	recipe recipePane
	steps  *list.List
	query  string

	ctx    context.Context
	cancel context.CancelFunc
}

var _ screen = (*stageScreen)(nil)

// newStageScreen shows a stage, at a line of its recipe when line is not 0.
func newStageScreen(a *app, st *chain.Stage, line int) *stageScreen {
	s := &stageScreen{app: a, stage: st, facts: list.New(nil)}
	s.ctx, s.cancel = context.WithCancel(a.ctx)
	s.recipe.init(a)
	s.recipe.goTo = line
	s.recipe.list.Shows = true
	s.steps = list.New(stepRows{st})
	s.panes.all = []*pane{
		{name: "Stage", list: s.facts, fit: s.fit, note: func() string { return "" }},
		{name: "Recipe", list: s.recipe.list, title: s.recipe.title},
		{name: "Steps", list: s.steps, title: func() look.Line {
			return look.T(look.Title, "Steps").Add(look.Muted, fmt.Sprintf(" %d", len(st.Steps)))
		}},
	}
	if line > 0 {
		s.panes.focus = 1
	}
	return s
}

func (s *stageScreen) crumb() string  { return safe.Text(s.stage.ID) }
func (s *stageScreen) close()         { s.cancel() }
func (s *stageScreen) layout() *panes { return &s.panes }

// trialsRead brings what the store holds of a stage's rebuilds.
type trialsRead struct {
	trials []Trial
	err    error
}

func (s *stageScreen) start() tea.Cmd {
	b := s.app.cfg.Builder
	if b == nil {
		return nil
	}
	ctx, id := s.ctx, s.stage.ID
	return toScreen(s, func() tea.Msg {
		t, err := b.Trials(ctx, id)
		return trialsRead{t, err}
	})
}

func (s *stageScreen) want() tea.Cmd { return s.recipe.want(s.stage.Containerfile) }

func (s *stageScreen) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case trialsRead:
		s.trials, s.trialErr, s.dirty = msg.trials, msg.err, true
	case tick:
		if s.shownFor.standing == running && !s.app.runs.running(s.stage.ID) {
			return s.start()
		}
	}
	return toScreen(s, s.recipe.update(msg))
}

func (s *stageScreen) counts() []look.Line {
	f := s.app.standing(s.stage.ID).face()
	out := []look.Line{look.T(f.role, f.sign+" "+f.word)}
	if l := s.app.judgingLine(); l != nil {
		out = append(out, l)
	}
	if v := s.app.verdict(s.stage.ID); v != nil {
		g := verdictFace(v)
		out = append(out, look.T(g.role, "claims "+g.sign+" "+g.word))
	}
	if d := s.stage.Digest(); d != "" {
		out = append(out, look.T(look.Muted, short(d)))
	}
	return out
}

func (s *stageScreen) draw(w, h int) look.Block {
	p := s.panes.all
	p[0].weight, p[1].weight, p[2].weight = 0, 0, 0
	switch {
	case w >= 160:
		p[0].weight, p[1].weight, p[2].weight = 32, 42, 26
	case w >= 100:
		p[0].weight, p[1].weight = 42, 58
	default:
		p[s.panes.focus].weight = 1
	}
	return s.panes.draw(w, h)
}

func (s *stageScreen) fit(w, _ int) {
	key := aboutKey{s.stage.ID, w, s.app.standing(s.stage.ID), s.app.tainted[s.stage.ID], s.app.judgedGen}
	if key == s.shownFor && !s.dirty {
		return
	}
	s.shownFor, s.dirty = key, false
	s.sheet = sheet{w: w - 3}
	s.app.aboutStage(&s.sheet, s.stage)
	s.app.aboutEvidence(&s.sheet, s.stage)
	s.aboutTrials()
	s.facts.SetRows(&s.sheet)
}

func (s *stageScreen) aboutTrials() {
	sh := &s.sheet
	if s.trialErr != nil {
		sh.heading("Rebuilds", "")
		sh.para(look.Bad, s.trialErr.Error())
		return
	}
	if len(s.trials) == 0 {
		sh.heading("Rebuilds", "none yet: r starts one")
		return
	}
	sh.heading("Rebuilds", fmt.Sprint(len(s.trials)))
	for _, t := range s.trials {
		f := t.Standing.face()
		l := look.T(f.role, f.sign+" ").Add(look.Plain, t.Started.Format("2006-01-02 15:04")).
			Add(look.Muted, " "+took(t.Took)).Add(look.Faint, "  "+short(t.Digest))
		if t.Stale {
			l = l.Add(look.Warn, "  of another recipe")
		}
		if t.Ref != "" && t.Ref == s.marked {
			l = l.Add(look.AddedA, "  A")
		}
		row := sh.link(l, func() tea.Cmd { return s.app.openTrial(s.stage, t) })
		row.copy, row.trial = string(t.Digest), &t
	}
}

// took is a duration as people say it.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d:%02d h", int(d.Hours()), int(d.Minutes())%60)
}

func (s *stageScreen) back() bool {
	switch {
	case s.panes.zoom:
		s.panes.zoom = false
	case s.panes.focused().list.Mark != "":
		s.panes.focused().list.Mark = ""
	default:
		return false
	}
	return true
}

func (s *stageScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "follow: the stage, step or rebuild under the cursor", Group: "Go", Hint: "follow", Run: s.enter},
		{Keys: []string{"r"}, Name: "rebuild the stage", Group: "Do", Hint: "rebuild", Run: func() tea.Cmd { return s.app.rebuild(s.stage) }},
		{Keys: []string{"V"}, Name: "gather and judge the claims about the stage; again: stop", Group: "Do", Hint: "verify", Run: func() tea.Cmd { return s.app.verify(s.stage.ID) }},
		{Keys: []string{"v"}, Name: "who says what: claims of all parties", Group: "Go", Run: func() tea.Cmd { return s.app.openMatrix(s.stage) }},
		{Keys: []string{"e"}, Name: "where trust ends below the stage: the seed, byte by byte", Group: "Go", Hint: "seed", Run: func() tea.Cmd { return s.app.openTrust(s.stage) }},
		{Keys: []string{"i"}, Name: "files of the stage's image", Group: "Go", Hint: "files", Run: func() tea.Cmd { return s.app.openFiles(s.stage) }},
		{Keys: []string{"m"}, Name: "mark the rebuild under the cursor as side A", Group: "Do", Run: s.mark},
		{Keys: []string{"c"}, Name: "compare the rebuild with the marked one, else with the claimed image", Group: "Go", Run: s.compare},
		{Keys: []string{"/"}, Name: "search", Group: "Find", Hint: "search", Run: do(s.askSearch)},
		{Keys: []string{"n"}, Name: "next match", Group: "Find", Run: func() tea.Cmd { return s.find(1) }},
		{Keys: []string{"N"}, Name: "previous match", Group: "Find", Run: func() tea.Cmd { return s.find(-1) }},
		{Keys: []string{"y"}, Name: "copy what is under the cursor", Group: "Do", Run: s.copy},
		{Keys: []string{"Y"}, Name: "copy the stage's digest", Group: "Do", Run: func() tea.Cmd { return s.app.copyText("", string(s.stage.Digest())) }},
	}
	return append(t, s.panes.moves()...)
}

func (s *stageScreen) enter() tea.Cmd {
	switch s.panes.focus {
	case 0:
		if r := s.sheet.at(s.facts.Cursor()); r != nil && r.open != nil {
			return r.open()
		}
		s.panes.focus = 1
	case 2:
		if i := s.steps.Cursor(); i >= 0 {
			s.recipe.list.MoveTo(s.stage.Steps[i].Line - 1)
			s.recipe.list.Center()
			s.panes.focus = 1
		}
	}
	return nil
}

// onTrial is the rebuild under the cursor, or nil.
func (s *stageScreen) onTrial() *Trial {
	if r := s.sheet.at(s.facts.Cursor()); r != nil && s.panes.focus == 0 {
		return r.trial
	}
	return nil
}

func (s *stageScreen) mark() tea.Cmd {
	t := s.onTrial()
	if t == nil || t.Ref == "" {
		return s.app.say("put the cursor on a rebuild that kept its image")
	}
	s.marked, s.dirty = t.Ref, true
	return s.app.say("side A is " + t.Ref + "; c on another rebuild compares the two")
}

func (s *stageScreen) compare() tea.Cmd {
	if t := s.onTrial(); t != nil {
		if s.marked != "" && s.marked != t.Ref && t.Ref != "" && s.app.cfg.Compare != nil {
			return s.app.push(newCompareScreen(s.app, s.marked, t.Ref))
		}
		return s.app.compareTrial(s.stage, *t)
	}
	for _, t := range s.trials {
		if t.Ref != "" && !t.Stale {
			return s.app.compareTrial(s.stage, t)
		}
	}
	return s.app.say("no rebuild of this stage is in the store: r starts one")
}

// texts gives the text of a row of the pane that has the keys, for searching.
func (s *stageScreen) texts() (int, func(int) string) {
	rows := s.panes.focused().list.Rows()
	if rows == nil {
		return 0, nil
	}
	return rows.Len(), func(i int) string { return rows.Row(i, 200).Text() }
}

func (s *stageScreen) askSearch() {
	l := s.panes.focused().list
	from := l.Cursor()
	s.app.ask = &question{prompt: prompt.New("/", ""),
		changed: func(q string) tea.Cmd {
			s.query = q
			m := list.Match(q)
			l.Mark = m.Needle()
			n, text := s.texts()
			if i := m.Next(n, from-1, 1, text); i >= 0 {
				l.MoveTo(i)
			}
			return nil
		},
		dropped: func() tea.Cmd {
			l.Mark = ""
			l.MoveTo(from)
			return nil
		}}
}

func (s *stageScreen) find(dir int) tea.Cmd {
	if s.query == "" {
		return s.app.say("nothing to search for yet: type / first")
	}
	l := s.panes.focused().list
	m := list.Match(s.query)
	n, text := s.texts()
	i := m.Next(n, l.Cursor(), dir, text)
	if i < 0 {
		return s.app.say(fmt.Sprintf("nothing matches %q", s.query))
	}
	l.Mark = m.Needle()
	l.MoveTo(i)
	return nil
}

func (s *stageScreen) copy() tea.Cmd {
	l := s.panes.focused().list
	i := l.Cursor()
	if s.panes.focus == 0 {
		if r := s.sheet.at(i); r != nil && r.copy != "" {
			return s.app.copyText("", r.copy)
		}
	}
	if n, text := s.texts(); i >= 0 && i < n {
		return s.app.copyText("the line", text(i))
	}
	return nil
}

// stepRows is the steps of a stage.
type stepRows struct{ stage *chain.Stage }

func (r stepRows) Len() int { return len(r.stage.Steps) }

func (r stepRows) Row(i, width int) look.Line {
	st := r.stage.Steps[i]
	line := look.T(look.Faint, fmt.Sprintf("%3d ", i+1)).Add(look.Plain, safe.Text(st.Name))
	if st.Network == "host" {
		line = line.Add(look.Bad, " ! asks for the network")
	}
	return line
}
