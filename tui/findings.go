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

// findingsScreen lists what was noticed in the tree.
type findingsScreen struct {
	app   *app
	all   []chain.Finding
	list  *list.List
	text  *list.List
	sheet sheet
	panes panes
	shown [2]int // finding and width that the sheet was built for
}

var _ screen = (*findingsScreen)(nil)

func newFindingsScreen(a *app) *findingsScreen {
	s := &findingsScreen{app: a, all: a.cfg.Chain.Findings, text: list.New(nil), shown: [2]int{-2, 0}}
	s.list = list.New(findingRows{s.all})
	s.panes.all = []*pane{
		{name: "Findings", list: s.list},
		{name: "What and where", list: s.text, fit: s.fit, note: func() string { return "" }},
	}
	return s
}

func (s *findingsScreen) crumb() string          { return "findings" }
func (s *findingsScreen) start() tea.Cmd         { return nil }
func (s *findingsScreen) update(tea.Msg) tea.Cmd { return nil }
func (s *findingsScreen) close()                 {}
func (s *findingsScreen) layout() *panes         { return &s.panes }

func (s *findingsScreen) counts() []look.Line {
	n := map[chain.Severity]int{}
	for _, f := range s.all {
		n[f.Severity]++
	}
	var out []look.Line
	for _, sev := range []chain.Severity{chain.Fault, chain.Warning, chain.Notice} {
		role, sign := severityFace(sev)
		if n[sev] > 0 {
			out = append(out, look.T(role, sign+" ").Add(look.Muted, plural(n[sev], sev.String(), sev.String()+"s")))
		}
	}
	return out
}

func (s *findingsScreen) draw(w, h int) look.Block {
	s.panes.all[0].weight, s.panes.all[1].weight = 1, 0
	if w >= 100 {
		s.panes.all[0].weight, s.panes.all[1].weight = 60, 40
	}
	return s.panes.draw(w, h)
}

func (s *findingsScreen) fit(w, _ int) {
	i := s.list.Cursor()
	if s.shown == [2]int{i, w} {
		return
	}
	s.shown = [2]int{i, w}
	s.sheet = sheet{w: w - 3}
	if i >= 0 {
		f := s.all[i]
		role, _ := severityFace(f.Severity)
		s.sheet.add(look.T(role, f.Severity.String()).Add(look.Muted, "  "+f.Rule))
		s.sheet.gap()
		s.sheet.para(look.Plain, f.Text)
		s.sheet.gap()
		s.sheet.field("where", look.Plain, f.Where())
		s.sheet.field("stage", look.Accent, f.Stage)
		if f.Hint != "" {
			s.sheet.heading("What to do", "")
			s.sheet.para(look.Plain, f.Hint)
		}
	}
	s.text.SetRows(&s.sheet)
	s.text.Home()
}

func (s *findingsScreen) back() bool {
	if s.list.Filtered() {
		s.list.Mark = ""
		s.list.Show(nil)
		return true
	}
	return s.panes.back()
}

func (s *findingsScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "open the stage at that line", Group: "Go", Hint: "open", Run: s.enter},
		{Keys: []string{"/"}, Name: "filter (a leading ! inverts)", Group: "Find", Hint: "filter", Run: do(s.askFilter)},
		{Keys: []string{"y"}, Name: "copy the finding", Group: "Do", Run: s.copy},
	}
	return append(t, s.panes.moves()...)
}

func (s *findingsScreen) enter() tea.Cmd {
	i := s.list.Cursor()
	if i < 0 {
		return nil
	}
	st, err := s.app.cfg.Chain.Stage(s.all[i].Stage)
	if err != nil {
		return s.app.say("this finding belongs to no stage that was loaded")
	}
	line := 0
	if s.all[i].File == st.Containerfile {
		line = max(1, s.all[i].Line)
	}
	return s.app.push(newStageScreen(s.app, st, line))
}

func (s *findingsScreen) askFilter() {
	rows := findingRows{s.all}
	s.app.ask = &question{prompt: prompt.New("/", ""),
		changed: func(q string) tea.Cmd {
			m := list.Match(q)
			s.list.Mark = m.Needle()
			s.list.Show(m.Filter(rows.Len(), func(i int) string { return rows.Row(i, 80).Text() + s.all[i].Hint }))
			return nil
		},
		dropped: func() tea.Cmd { s.back(); return nil },
		note:    s.list.Position,
	}
}

func (s *findingsScreen) copy() tea.Cmd {
	if i := s.list.Cursor(); i >= 0 {
		f := s.all[i]
		return s.app.copyText("", fmt.Sprintf("%s: %s: %s", f.Where(), f.Severity, f.Text))
	}
	return nil
}

type findingRows struct{ all []chain.Finding }

func (r findingRows) Len() int { return len(r.all) }

func (r findingRows) Row(i, _ int) look.Line {
	f := r.all[i]
	role, sign := severityFace(f.Severity)
	l := look.T(role, sign+" ").Add(look.Plain, safe.Text(f.Text))
	return l.Add(look.Faint, "  "+safe.Text(f.Where()))
}
