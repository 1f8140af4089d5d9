package tui

import (
	"cmp"
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// trialScreen is what is recorded of a rebuild: the verdict with every claim,
// where it ran, what its steps gave, and its log.
type trialScreen struct {
	app   *app
	stage *chain.Stage
	trial Trial
	panes panes
	facts *list.List
	sheet sheet
	width int
	log   *fileView

	ctx    context.Context
	cancel context.CancelFunc
}

var _ screen = (*trialScreen)(nil)

func newTrialScreen(a *app, st *chain.Stage, t Trial) *trialScreen {
	s := &trialScreen{app: a, stage: st, trial: t, facts: list.New(nil), width: -1}
	s.ctx, s.cancel = context.WithCancel(a.ctx)
	s.log = newFileView(a, s)
	s.panes.all = []*pane{
		{name: "Result", list: s.facts, fit: s.fit, note: func() string { return "" }},
		{name: "Log", list: s.log.view.list, title: s.log.title},
	}
	return s
}

func (s *trialScreen) crumb() string {
	return "rebuild of " + s.trial.Started.Format("2006-01-02 15:04")
}
func (s *trialScreen) layout() *panes { return &s.panes }

func (s *trialScreen) close() {
	s.cancel()
	s.log.close()
}

func (s *trialScreen) start() tea.Cmd {
	b, t := s.app.cfg.Builder, s.trial
	if b == nil || t.Result == nil || t.Result.Log == "" {
		return nil
	}
	return s.log.show("log", func(ctx context.Context) (readerAt, int64, error) { return b.Log(ctx, t) })
}

func (s *trialScreen) want() tea.Cmd              { return s.log.view.want() }
func (s *trialScreen) update(msg tea.Msg) tea.Cmd { return s.log.update(msg) }

func (s *trialScreen) counts() []look.Line {
	f := s.trial.Standing.face()
	return []look.Line{look.T(f.role, f.sign+" "+f.word), look.T(look.Muted, took(s.trial.Took))}
}

func (s *trialScreen) draw(w, h int) look.Block {
	p := s.panes.all
	p[0].weight, p[1].weight = 50, 50
	if w < 110 {
		p[0].weight, p[1].weight = 0, 0
		p[s.panes.focus].weight = 1
	}
	return s.panes.draw(w, h)
}

func (s *trialScreen) fit(w, _ int) {
	if w == s.width {
		return
	}
	s.width = w
	s.sheet = sheet{w: w - 3}
	f := s.trial.Standing.face()
	for i, l := range look.Wrap(look.Strong, safe.Text(cmp.Or(s.trial.Text, f.word)), max(10, s.sheet.w-2)) {
		lead := "  "
		if i == 0 {
			lead = f.sign + " "
		}
		s.sheet.add(append(look.T(f.role, lead), l...))
	}
	s.sheet.gap()
	if s.trial.Stale {
		s.sheet.para(look.Warn, "It is of another recipe than the stage has now, and says nothing of that one.")
		s.sheet.gap()
	}
	s.sheet.field("began", look.Plain, s.trial.Started.Format("2006-01-02 15:04:05 MST"))
	s.sheet.field("took", look.Plain, took(s.trial.Took))
	s.sheet.field("kept as", look.Plain, s.trial.Ref)
	if r := s.trial.Result; r != nil {
		s.sheet.result(r)
	}
	s.facts.SetRows(&s.sheet)
}

// result writes all that is recorded of a rebuild.
func (sh *sheet) result(r *rebuild.Result) {
	for _, d := range []struct {
		name   string
		digest chain.Digest
	}{{"index", r.Digests.Index}, {"manifest", r.Digests.Manifest}, {"rootfs", r.Digests.Rootfs}, {"files", r.Digests.Files}} {
		sh.field(d.name, look.Plain, string(d.digest))
	}
	sh.claims(r.Verdict.Compared)
	sh.heading("Inputs", string(r.Mode))
	sh.field("recipe", look.Plain, string(r.Recipe))
	sh.field("all inputs", look.Plain, string(r.InputsSum))
	env := r.Environment
	sh.heading("Where", "")
	sh.field("engine", look.Plain, env.Engine.Address)
	sh.field("buildkit", look.Plain, env.Engine.BuildKit)
	sh.field("snapshots", look.Plain, env.Engine.Snapshotter)
	sh.field("executor", look.Plain, env.Engine.Executor)
	sh.field("system", look.Plain, joined(env.OS, env.Arch, env.Kernel))
	if env.CPUs > 0 {
		sh.field("processor", look.Plain, fmt.Sprintf("%d × %s", env.CPUs, env.CPUModel))
	}
	if f := r.Failure; f != nil {
		sh.heading("Failure", "")
		sh.para(look.Bad, f.Text)
		for _, line := range f.Tail {
			sh.add(look.T(look.Plain, safe.Line(line)))
		}
	}
	if len(r.Steps) > 0 {
		sh.heading("Steps", fmt.Sprint(len(r.Steps)))
	}
	for _, st := range r.Steps {
		how := fmt.Sprintf("%.1f s", st.Seconds)
		if st.Cached {
			how = "cached"
		}
		sh.add(look.T(look.Faint, fmt.Sprintf("%3d ", st.Step+1)).Add(look.Plain, safe.Text(st.Name)).
			Add(look.Muted, "  "+how).Add(look.Faint, "  "+stepDigest(st))).copy = string(st.Digest)
	}
	if len(r.Notes) > 0 {
		sh.heading("Notes", "")
	}
	for _, n := range r.Notes {
		sh.para(look.Warn, n)
	}
}

// stepDigest is what is known of what a step changed.
func stepDigest(st rebuild.StepDigest) string {
	if st.Digest == "" {
		return "what it changed was not recorded"
	}
	return short(st.Digest)
}

// claims writes the claims beside what came out, one by one.
func (sh *sheet) claims(all []rebuild.Comparison) {
	sh.heading("Claims", fmt.Sprint(len(all)))
	for _, c := range all {
		face := faces[Differs]
		switch {
		case c.Equal:
			face = faces[Reproduced]
		case c.Own == "" || c.Note != "":
			face = faces[NotChecked]
		}
		sh.add(look.T(face.role, face.sign+" ").Add(look.Plain, safe.Text(c.Where())).Add(look.Muted, " "+c.Level.String())).copy = string(c.Claim)
		sh.field("  claims", look.Plain, string(c.Claim))
		if !c.Equal {
			sh.field("  ours", look.Plain, string(c.Own))
		}
		if c.Agrees != chain.LevelUnknown {
			sh.field("  but", look.Plain, "the "+c.Agrees.String()+" is the same")
		}
		sh.field("  note", look.Warn, c.Note)
	}
}

func joined(parts ...string) string {
	out := ""
	for _, p := range parts {
		if p != "" && out != "" {
			out += " "
		}
		out += p
	}
	return out
}

func (s *trialScreen) back() bool { return s.log.view.clear() || s.panes.back() }

func (s *trialScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "to the log", Group: "Go", Hint: "log", Run: do(func() { s.panes.focus = 1 })},
		{Keys: []string{"c"}, Name: "compare with the claimed image", Group: "Go", Hint: "compare", Run: func() tea.Cmd { return s.app.compareTrial(s.stage, s.trial) }},
		{Keys: []string{"i"}, Name: "files of the image that came out", Group: "Go", Hint: "files", Run: s.files},
		{Keys: []string{"/"}, Name: "search the log", Group: "Find", Hint: "search", Run: do(func() { s.panes.focus = 1; s.log.view.ask() })},
		{Keys: []string{"n"}, Name: "next match", Group: "Find", Run: func() tea.Cmd { return s.log.view.again(1) }},
		{Keys: []string{"N"}, Name: "previous match", Group: "Find", Run: func() tea.Cmd { return s.log.view.again(-1) }},
		{Keys: []string{"y"}, Name: "copy what is under the cursor", Group: "Do", Run: s.copy},
	}
	return append(t, s.panes.moves()...)
}

func (s *trialScreen) files() tea.Cmd {
	if s.trial.Ref == "" {
		return s.app.say("this rebuild kept no image")
	}
	return s.app.openImage(s.trial.Ref)
}

func (s *trialScreen) copy() tea.Cmd {
	l := s.panes.focused().list
	i := l.Cursor()
	if s.panes.focus == 0 {
		if r := s.sheet.at(i); r != nil && r.copy != "" {
			return s.app.copyText("", r.copy)
		}
	}
	if i < 0 {
		return nil
	}
	return s.app.copyText("the line", l.Rows().Row(i, 200).Text())
}
