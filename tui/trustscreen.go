package tui

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// trustScreen says where trust ends below a stage: its seeds byte by byte, and
// everything else that has to be trusted without source.
type trustScreen struct {
	app    *app
	stage  *chain.Stage
	report *audit.Report
	err    error
	source string // path of the seed's annotated source; "" when there is none

	panes  panes
	facts  *list.List
	sheet  sheet
	width  int // that the sheet was built for
	seed   *list.List
	which  int // which seed is listed
	recipe recipePane

	offsets map[int]int // offset in the seed to a line of its source

	ctx    context.Context
	cancel context.CancelFunc
}

var _ screen = (*trustScreen)(nil)

func newTrustScreen(a *app, st *chain.Stage) *trustScreen {
	s := &trustScreen{app: a, stage: st, facts: list.New(nil), width: -1}
	s.ctx, s.cancel = context.WithCancel(a.ctx)
	s.seed = list.New(seedRows{s})
	s.recipe.init(a)
	s.recipe.list.Shows = true
	s.panes.all = []*pane{
		{name: "Where trust ends", list: s.facts, fit: s.fit, note: func() string { return "" }},
		{name: "Seed", list: s.seed, title: s.seedTitle, head: func(int) look.Line {
			return look.T(look.Faint, "   offset  address   bytes                    meaning")
		}},
		{name: "Source", list: s.recipe.list, title: func() look.Line {
			return look.T(look.Title, "Source").Add(look.Muted, " "+safe.Text(s.source))
		}},
	}
	return s
}

func (s *trustScreen) crumb() string  { return "trust below " + safe.Text(s.stage.ID) }
func (s *trustScreen) layout() *panes { return &s.panes }
func (s *trustScreen) close()         { s.cancel() }

// audited brings the report.
type audited struct {
	report *audit.Report
	source string
	err    error
}

func (s *trustScreen) start() tea.Cmd {
	c, id := s.app.cfg.Chain, s.stage.ID
	return toScreen(s, func() tea.Msg {
		if c.FS == nil {
			return audited{err: fmt.Errorf("auditing %q: the chain has no tree", id)}
		}
		r, err := audit.Stages(c, []string{id}, audit.Options{Listing: true})
		m := audited{report: r, err: err}
		if err == nil && len(r.Seeds) > 0 {
			m.source = r.Seeds[0].Spelled
		}
		return m
	})
}

// show lists one of the seeds, beside its source where it has one.
func (s *trustScreen) show(i int) {
	s.which, s.source, s.offsets = i, s.report.Seeds[i].Spelled, nil
	s.seed.SetRows(seedRows{s})
	s.seed.Home()
	s.panes.focus = 1
}

func (s *trustScreen) update(msg tea.Msg) tea.Cmd {
	if m, ok := msg.(audited); ok {
		s.report, s.err, s.source = m.report, m.err, m.source
		s.width = -1
		s.seed.SetRows(seedRows{s})
		return nil
	}
	return toScreen(s, s.recipe.update(msg))
}

func (s *trustScreen) want() tea.Cmd {
	if s.source == "" {
		return nil
	}
	cmd := s.recipe.want(s.source)
	s.followSource()
	return cmd
}

// offsetNote is the offset that a line of annotated hex gives in its comment:
// "7F 45 4C 46  # 00  magic number".
var offsetNote = regexp.MustCompile(`^\s*(?:[0-9A-Fa-f]{2}\s+)+#\s+([0-9A-Fa-f]{2,})\s`)

// followSource keeps the source at the byte that is under the seed's cursor.
func (s *trustScreen) followSource() {
	file := s.recipe.known[s.source]
	lines := seedRows{s}.lines()
	at := s.seed.Cursor()
	if file == nil || s.panes.focus != 1 || at < 0 || at >= len(lines) {
		return
	}
	if s.offsets == nil {
		s.offsets = map[int]int{}
		for i, l := range file.lines {
			if m := offsetNote.FindStringSubmatch(l.Text()); m != nil {
				if off, err := strconv.ParseInt(m[1], 16, 32); err == nil {
					s.offsets[int(off)] = i
				}
			}
		}
	}
	for off := lines[at].Offset; off >= 0; off-- {
		if line, ok := s.offsets[off]; ok {
			s.recipe.list.MoveTo(line)
			s.recipe.list.Center()
			return
		}
	}
}

func (s *trustScreen) counts() []look.Line {
	switch {
	case s.err != nil:
		return []look.Line{look.T(look.Bad, "! cannot be audited")}
	case s.report == nil:
		return []look.Line{look.T(look.Busy, "auditing…")}
	}
	r := s.report
	out := []look.Line{look.T(look.Muted, plural(len(r.Seeds), "seed", "seeds"))}
	if n := len(r.Opaque()); n > 0 {
		out = append(out, look.T(look.Bad, "! "+plural(n, "opaque root", "opaque roots")))
	}
	if !r.Complete() {
		out = append(out, look.T(look.Warn, "! not all was checked"))
	}
	return out
}

func (s *trustScreen) draw(w, h int) look.Block {
	p := s.panes.all
	p[0].weight, p[1].weight, p[2].weight = 0, 0, 0
	switch {
	case w >= 170 && s.source != "":
		p[0].weight, p[1].weight, p[2].weight = 24, 41, 35
	case w >= 110:
		p[0].weight, p[1].weight = 42, 58
	default:
		p[s.panes.focus].weight = 1
	}
	return s.panes.draw(w, h)
}

func (s *trustScreen) fit(w, _ int) {
	if w == s.width {
		return
	}
	s.width = w
	s.sheet = sheet{w: w - 3}
	switch {
	case s.err != nil:
		s.sheet.para(look.Bad, s.err.Error())
	case s.report == nil:
		s.sheet.para(look.Faint, "auditing…")
	default:
		s.fill(&s.sheet, s.report)
	}
	s.facts.SetRows(&s.sheet)
}

// fill writes the report: first what is trusted, last what was not looked at.
func (s *trustScreen) fill(sh *sheet, r *audit.Report) {
	sh.heading("Seeds", fmt.Sprint(len(r.Seeds)))
	for i, seed := range r.Seeds {
		sh.link(look.T(look.Accent, safe.Text(path.Base(seed.File))).Add(look.Plain, " "+size(seed.Size)).Add(look.Muted, " "+safe.Text(seed.Content.Format)),
			func() tea.Cmd { s.show(i); return nil }).copy = string(seed.SHA256)
		sh.field("sha256", look.Plain, seed.SHA256.Hex())
		sh.field("begins", look.Plain, fmt.Sprintf("%s; %s on it", seed.Stage, plural(seed.Above, "stage rests", "stages rest")))
		sh.field("known as", look.Plain, seed.Known)
		if seed.Spelled != "" {
			sh.field("source", look.Good, "= "+path.Base(seed.Spelled)+" spells exactly these bytes")
		} else {
			sh.field("source", look.Warn, "no text beside it spells its bytes")
		}
	}
	sh.heading("Images that are no stages", fmt.Sprint(len(r.Roots)))
	for _, root := range r.Roots {
		role, sign := look.Muted, "· "
		if root.Kind == audit.RootOpaque {
			role, sign = look.Bad, "! "
		}
		sh.add(look.T(role, sign).Add(look.Plain, safe.Text(root.Name)).Add(look.Muted, " "+string(root.Kind)))
		sh.field("", look.Muted, root.Why)
	}
	sh.binaries("Other binaries in the tree", r.Binaries)
	sh.binaries("Text that hides data", r.Encoded)
	sh.inputs("Inputs without a pin", r.Unpinned)
	sh.inputs("Inputs that the builder would fetch", r.Network)
	sh.heading("Steps that keep the network", fmt.Sprint(len(r.Steps)))
	for _, st := range r.Steps {
		sh.add(look.T(look.Warn, "! ").Add(look.Plain, safe.Text(st.Name)).Add(look.Faint, fmt.Sprintf(" %s:%d", safe.Text(st.File), st.Line)))
	}
	src := r.Sources
	sh.heading("Sources", fmt.Sprintf("%d pinned of %d, %d looked into", src.Pinned, src.Total, src.Opened))
	sh.heading("Not checked", fmt.Sprint(len(r.Gaps)))
	for _, g := range r.Gaps {
		sh.para(look.Warn, strings.TrimSpace(g.Stage+" "+g.What))
		sh.para(look.Muted, g.Why)
	}
	sh.heading("Trusted always, and outside the chain", "")
	for _, o := range r.Outside {
		sh.para(look.Muted, o)
	}
}

func (sh *sheet) binaries(title string, all []audit.Binary) {
	sh.heading(title, fmt.Sprint(len(all)))
	for _, b := range all {
		sh.add(look.T(look.Warn, "! ").Add(look.Plain, safe.Text(b.File)).Add(look.Muted, " "+size(b.Size)+" "+safe.Text(b.Content.Format))).copy = b.File
	}
}

func (sh *sheet) inputs(title string, all []audit.Input) {
	sh.heading(title, fmt.Sprint(len(all)))
	for _, in := range all {
		sh.add(look.T(look.Warn, "! ").Add(look.Plain, safe.Text(in.What)).Add(look.Faint, fmt.Sprintf(" %s:%d", safe.Text(in.File), in.Line)))
	}
}

func (s *trustScreen) seedTitle() look.Line {
	l := look.T(look.Title, "Seed")
	if s.report != nil && s.which < len(s.report.Seeds) {
		seed := s.report.Seeds[s.which]
		l = l.Add(look.Muted, " "+safe.Text(path.Base(seed.File))+", "+size(seed.Size))
	}
	return l
}

func (s *trustScreen) back() bool { return s.panes.back() }

func (s *trustScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "go to the seed under the cursor, byte by byte", Group: "Go", Hint: "open", Run: s.enter},
		{Keys: []string{"y"}, Name: "copy what is under the cursor", Group: "Do", Hint: "copy", Run: s.copy},
	}
	return append(t, s.panes.moves()...)
}

func (s *trustScreen) enter() tea.Cmd {
	if s.panes.focus != 0 {
		return nil
	}
	if r := s.sheet.at(s.facts.Cursor()); r != nil && r.open != nil {
		return r.open()
	}
	s.panes.focus = 1
	return nil
}

func (s *trustScreen) copy() tea.Cmd {
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

// seedRows lists a seed: every byte, and what it is.
type seedRows struct{ s *trustScreen }

func (r seedRows) lines() []audit.Line {
	if r.s.report == nil || r.s.which >= len(r.s.report.Seeds) {
		return nil
	}
	return r.s.report.Seeds[r.s.which].Listing
}

func (r seedRows) Len() int { return max(1, len(r.lines())) }

var partRoles = map[string]look.Role{"header": look.Variable, "segment": look.Variable, "code": look.Strong, "data": look.String}

func (r seedRows) Row(i, _ int) look.Line {
	lines := r.lines()
	if i >= len(lines) {
		if r.s.report == nil {
			return look.T(look.Faint, "…")
		}
		return look.T(look.Faint, "no seed below this stage lies in the tree")
	}
	l := lines[i]
	addr := ""
	if l.Addr != 0 {
		addr = fmt.Sprintf("%x", l.Addr)
	}
	const most = 8
	hex := fmt.Sprintf("% x", l.Bytes[:min(most, len(l.Bytes))])
	if len(l.Bytes) > most {
		hex += fmt.Sprintf(" +%d", len(l.Bytes)-most)
	}
	return look.T(look.Faint, fmt.Sprintf("%6x  ", l.Offset)).Add(look.Faint, look.Left(addr, 10)).
		Add(look.Number, look.Left(hex, 25)).Add(partRoles[l.Part], safe.Text(l.Text))
}
