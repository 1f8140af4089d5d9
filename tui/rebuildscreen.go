package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/pages"
)

// rebuildScreen is one rebuild while it runs and after it ended: its steps and
// what they print.
type rebuildScreen struct {
	app   *app
	run   *run
	panes panes
	steps *list.List
	log   *pageView
	order []int // the run's steps in the order in which they are shown
	auto  int   // where the step cursor was put last
	moved bool  // the person has moved it since
	only  int   // number of the step whose log is shown, or wholeLog
	src   interface {
		pages.Source
		Len() int
	}
}

// wholeLog in rebuildScreen.only means that the log of all steps is shown.
const wholeLog = -1

var _ screen = (*rebuildScreen)(nil)

func newRebuildScreen(a *app, r *run) *rebuildScreen {
	s := &rebuildScreen{app: a, run: r, only: wholeLog}
	s.steps = list.New(s)
	s.log = newPageView(a, s)
	s.log.list.Tails = true
	s.panes.all = []*pane{
		{name: "Steps", list: s.steps},
		{name: "Log", list: s.log.list, title: s.logTitle, note: s.logNote},
	}
	s.show(wholeLog)
	s.arrange()
	return s
}

func (s *rebuildScreen) crumb() string  { return "rebuild " + safe.Text(s.run.stage.ID) }
func (s *rebuildScreen) start() tea.Cmd { return nil }
func (s *rebuildScreen) close()         { s.log.clear() }
func (s *rebuildScreen) layout() *panes { return &s.panes }

// show puts the log of one step, or the whole log, into the log pane.
func (s *rebuildScreen) show(step int) {
	s.only = step
	if step == wholeLog {
		s.src = s.run.log
	} else {
		s.src = s.run.log.Step(s.run.seen[step].step)
	}
	s.log.open(s.app.ctx, s.src, s.src.Len())
	s.log.list.Follow = !s.run.done
	s.log.list.End()
}

func (s *rebuildScreen) logTitle() look.Line {
	if s.only == wholeLog {
		return look.T(look.Title, "Log").Add(look.Muted, " of the whole build")
	}
	return look.T(look.Title, "Log").Add(look.Muted, " of "+safe.Text(s.run.seen[s.only].name))
}

func (s *rebuildScreen) logNote() string {
	note := s.log.list.Position()
	if s.log.list.Follow && !s.run.done {
		note += " following"
	}
	if err := s.run.log.Err(); err != nil {
		note = "not whole: " + safe.Text(err.Error())
	}
	return note
}

// arrange sorts steps: those that have begun by their beginning, then those
// that wait, in the order of the recipe. The cursor stays with the step that
// runs as long as nobody moved it.
func (s *rebuildScreen) arrange() {
	s.order = s.order[:0]
	for i := range s.run.seen {
		s.order = append(s.order, i)
	}
	slices.SortStableFunc(s.order, func(a, b int) int {
		x, y := s.run.seen[a], s.run.seen[b]
		switch {
		case x.state == stepWaiting && y.state == stepWaiting:
			return 0
		case x.state == stepWaiting:
			return 1
		case y.state == stepWaiting:
			return -1
		}
		return x.when().Compare(y.when())
	})
	s.steps.SetRows(s)
	if s.run.done || s.moved || len(s.order) == 0 {
		return
	}
	if at := s.steps.Cursor(); at != s.auto {
		s.moved = true
		return
	}
	for i, k := range s.order {
		if s.run.seen[k].state == stepRunning {
			s.steps.MoveTo(i)
		}
	}
	s.auto = s.steps.Cursor()
}

func (s *rebuildScreen) want() tea.Cmd { return s.log.want() }

func (s *rebuildScreen) update(msg tea.Msg) tea.Cmd {
	if _, ok := msg.(tick); ok {
		s.arrange()
		s.log.cache.Grow(s.src.Len())
		return nil
	}
	s.log.update(msg)
	return nil
}

// Len and Row make it the rows of the step list.
func (s *rebuildScreen) Len() int { return len(s.order) }

var stepFaces = [...]face{
	stepWaiting: {"·", look.Faint, ""},
	stepRunning: {"►", look.Busy, ""},
	stepDone:    {"✓", look.Good, ""},
	stepCached:  {"○", look.Muted, "cached"},
	stepFailed:  {"!", look.Bad, "failed"},
}

func (s *rebuildScreen) Row(i, width int) look.Line {
	st := s.run.seen[s.order[i]]
	f := stepFaces[st.state]
	right := f.word
	switch {
	case st.state == stepRunning && !s.run.done:
		right = took(s.app.cfg.Now().Sub(st.began))
	case st.state == stepRunning:
		f, right = face{"~", look.Warn, ""}, "stopped"
	case (st.state == stepDone || st.state == stepFailed) && !st.began.IsZero():
		right = took(st.end.Sub(st.began))
	}
	role := look.Plain
	if st.state == stepWaiting {
		role = look.Muted
	}
	room := width - look.Width(right) - 1
	name := look.T(f.role, f.sign+" ")
	if st.step >= 0 {
		name = name.Add(look.Faint, fmt.Sprintf("%3d ", st.step+1))
	} else {
		name = name.Add(look.Faint, "    ")
		role = look.Muted
	}
	return name.Add(role, safe.Text(st.name)).Fit(room).Add(look.Faint, " ").Add(look.Muted, right)
}

func (s *rebuildScreen) counts() []look.Line {
	f := running.face()
	if s.run.done {
		f = s.run.standing().face()
	}
	out := []look.Line{look.T(f.role, f.sign+" "+f.word)}
	if n := s.app.runs.active(); n > 1 {
		out = append(out, look.T(look.Muted, fmt.Sprintf("%d rebuilds run", n)))
	}
	return out
}

func (s *rebuildScreen) draw(w, h int) look.Block {
	p := s.panes.all
	banner := s.banner(w)
	s.panes.top = len(banner)
	s.panes.stack = w < 100
	p[0].weight, p[1].weight = 40, 60
	if s.panes.stack && h < 16 {
		p[0].weight, p[1].weight = 0, 0
		p[s.panes.focus].weight = 1
	}
	return append(banner, s.panes.draw(w, h-len(banner))...)
}

// banner says how far the rebuild is or, at its end, what it proved.
func (s *rebuildScreen) banner(w int) look.Block {
	ended, all := s.run.counts()
	t := took(s.run.took(s.app.cfg.Now()))
	if !s.run.done {
		line := look.T(look.Busy, " ► ").Add(look.Plain, t).Add(look.Faint, "  ")
		if all > 0 {
			const width = 24
			full := width * ended / all
			line = line.Add(look.Bar, strings.Repeat("█", full)).Add(look.BarRest, strings.Repeat("░", width-full)).
				Add(look.Muted, fmt.Sprintf("  %d of %s", ended, plural(all, "step", "steps")))
		}
		if s.run.asked {
			line = line.Add(look.Warn, "  cancelling…")
		}
		return look.Block{line.Fit(w)}
	}
	f := s.run.standing().face()
	var out look.Block
	for i, l := range look.Wrap(look.Strong, safe.Text(s.run.verdict()), max(10, w-4)) {
		lead := "   "
		if i == 0 {
			lead = " " + f.sign + " "
		}
		out = append(out, append(look.T(f.role, lead), l...).Fit(w))
	}
	if s.run.trial != nil && w >= 60 {
		d := look.T(look.Muted, "   "+t)
		if s.run.trial.Digest != "" {
			d = d.Add(look.Faint, " · ").Add(look.Muted, string(s.run.trial.Digest))
		}
		out = append(out, d.Fit(w))
	}
	return out
}

func (s *rebuildScreen) back() bool {
	switch {
	case s.log.clear():
	case s.panes.zoom:
		s.panes.zoom = false
	case s.only != wholeLog:
		s.show(wholeLog)
		s.panes.focus = 0
	default:
		return false
	}
	return true
}

func (s *rebuildScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "log of the step under the cursor", Group: "Go", Hint: "step's log", Run: s.enter},
		{Keys: []string{"a"}, Name: "log of the whole build", Group: "Show", Run: do(func() { s.show(wholeLog) })},
		{Keys: []string{"/"}, Name: "search the log, also while it grows", Group: "Find", Hint: "search", Run: do(func() { s.panes.focus = 1; s.log.ask() })},
		{Keys: []string{"n"}, Name: "next match", Group: "Find", Run: func() tea.Cmd { return s.log.again(1) }},
		{Keys: []string{"N"}, Name: "previous match", Group: "Find", Run: func() tea.Cmd { return s.log.again(-1) }},
		{Keys: []string{"F"}, Name: "follow the log", Group: "Show", Run: do(func() { s.log.list.Follow = true })},
		{Keys: []string{"x"}, Name: "cancel the rebuild", Group: "Do", Hint: "cancel", Run: s.askCancel},
		{Keys: []string{"r"}, Name: "rebuild once more", Group: "Do", Run: s.again},
		{Keys: []string{"c"}, Name: "compare with the claimed image", Group: "Go", Hint: "compare", Run: s.compare},
		{Keys: []string{"i"}, Name: "files of the image that came out", Group: "Go", Run: s.files},
		{Keys: []string{"y"}, Name: "copy the digest, or the line of the log", Group: "Do", Run: s.copy},
	}
	return append(t, s.panes.moves()...)
}

func (s *rebuildScreen) enter() tea.Cmd {
	if i := s.steps.Cursor(); s.panes.focus == 0 && i >= 0 {
		s.show(s.order[i])
		s.panes.focus = 1
	}
	return nil
}

func (s *rebuildScreen) askCancel() tea.Cmd {
	if s.run.done {
		return s.app.say("this rebuild has ended")
	}
	s.app.menu = s.app.confirm("Cancel the rebuild?", "What "+safe.Text(s.run.stage.ID)+" has built so far stays cached; nothing will be proven.", "cancel it", func() tea.Cmd {
		s.run.asked = true
		s.run.cancel()
		return nil
	})
	return nil
}

func (s *rebuildScreen) again() tea.Cmd {
	if !s.run.done {
		return s.app.say("it is still running")
	}
	s.app.pop()
	return s.app.rebuild(s.run.stage)
}

func (s *rebuildScreen) compare() tea.Cmd {
	if s.run.trial == nil {
		return s.app.say("there is no result to compare yet")
	}
	return s.app.compareTrial(s.run.stage, *s.run.trial)
}

func (s *rebuildScreen) files() tea.Cmd {
	if s.run.trial == nil || s.run.trial.Ref == "" {
		return s.app.say("there is no image yet")
	}
	return s.app.openImage(s.run.trial.Ref)
}

func (s *rebuildScreen) copy() tea.Cmd {
	if i := s.log.list.Cursor(); s.panes.focus == 1 && i >= 0 {
		text, _ := s.log.cache.Line(i)
		return s.app.copyText("the line", text)
	}
	if s.run.trial != nil {
		return s.app.copyText("", string(s.run.trial.Digest))
	}
	return s.app.say("there is no digest yet")
}
