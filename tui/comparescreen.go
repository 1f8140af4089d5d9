package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// compareScreen is the difference of two images: the tree, and the content of
// the node under the cursor.
type compareScreen struct {
	app   *app
	a, b  string // references
	rows  diffRows
	err   error
	panes panes
	tree  *list.List
	why   *list.List // reasons
	sheet sheet
	both  *bothView // content of both sides
	mode  viewMode
	by    map[diff.Status]int

	shown  whyKey
	ctx    context.Context
	cancel context.CancelFunc
	opened *diff.Comparison
}

type whyKey struct {
	node *diff.Node
	w    int
}

// viewMode is how the right pane shows a node.
type viewMode int

const (
	viewReasons viewMode = iota
	viewUnified
	viewHex
	nModes
)

var modeNames = [nModes]string{"Reasons", "Unified", "Hex"}

var _ screen = (*compareScreen)(nil)

func newCompareScreen(a *app, refA, refB string) *compareScreen {
	s := &compareScreen{app: a, a: refA, b: refB, by: map[diff.Status]int{}}
	s.rows.shut = map[*diff.Node]bool{}
	s.ctx, s.cancel = context.WithCancel(a.ctx)
	s.tree, s.why = list.New(&s.rows), list.New(nil)
	s.both = newBothView(a, s)
	s.panes.all = []*pane{
		{name: "Differences", list: s.tree},
		{name: "Content", list: s.why, title: s.title, fit: s.fit},
	}
	return s
}

func (s *compareScreen) crumb() string  { return "compare" }
func (s *compareScreen) layout() *panes { return &s.panes }

// close lets go of the images. Content that is being read then fails, and
// nobody looks at it any more.
func (s *compareScreen) close() {
	s.cancel()
	s.both.close()
	if s.opened != nil {
		s.opened.Close()
	}
}

// compared brings the difference tree.
type compared struct {
	c   *diff.Comparison
	err error
}

func (s *compareScreen) start() tea.Cmd {
	ctx, f, a, b := s.ctx, s.app.cfg.Compare, s.a, s.b
	return toScreen(s, func() tea.Msg {
		c, err := f(ctx, a, b)
		if err != nil && ctx.Err() != nil && c != nil {
			c.Close() // nobody waits for it any more
			c = nil
		}
		return compared{c, err}
	})
}

func (s *compareScreen) update(msg tea.Msg) tea.Cmd {
	m, ok := msg.(compared)
	if !ok {
		return s.both.update(msg)
	}
	s.err = m.err
	if m.c == nil {
		return nil
	}
	s.opened = m.c
	s.rows.root = m.c.Root
	if m.err != nil {
		return nil
	}
	tallyDiff(m.c.Root, s.by)
	s.rows.build()
	s.tree.SetRows(&s.rows)
	if i := s.rows.next(s.tree, -1, 1); i >= 0 {
		s.tree.MoveTo(i)
	}
	return nil
}

// want opens the content of the node under the cursor when it is on screen.
func (s *compareScreen) want() tea.Cmd {
	if s.mode == viewReasons {
		return nil
	}
	n := s.node()
	if n == nil {
		return nil
	}
	return s.both.want(n, s.mode)
}

func (s *compareScreen) node() *diff.Node {
	if i := s.tree.Cursor(); i >= 0 {
		return s.rows.rows[i].node
	}
	return nil
}

func (s *compareScreen) title() look.Line {
	var l look.Line
	for m := range nModes {
		if m > 0 {
			l = l.Add(look.Faint, " · ")
		}
		role := look.Muted
		if m == s.mode {
			role = look.Accent
		}
		l = l.Add(role, modeNames[m])
	}
	if s.mode == viewHex && s.both.hex != nil && s.both.hex.Unscanned() > 0 {
		l = l.Add(look.Warn, "  ! the last "+size(s.both.hex.Unscanned())+" were not compared")
	}
	if s.mode != viewReasons && s.both.busy {
		l = l.Add(look.Busy, "  reading…")
	}
	return l
}

// fit prepares the reasons, and hangs the list of the present view in the pane.
func (s *compareScreen) fit(w, _ int) {
	if s.mode != viewReasons {
		return
	}
	key := whyKey{s.node(), w}
	if key == s.shown {
		return
	}
	s.shown = key
	s.sheet = sheet{w: w - 3}
	if key.node != nil {
		s.sheet.node(key.node)
	}
	s.why.SetRows(&s.sheet)
	s.why.Home()
}

func (s *compareScreen) setMode(m viewMode) {
	s.mode = m
	s.panes.all[1].list = s.why
	if m != viewReasons {
		s.panes.all[1].list = s.both.view.list
	}
}

func (s *compareScreen) counts() []look.Line {
	switch {
	case s.err != nil:
		return []look.Line{look.T(look.Bad, "! cannot be compared")}
	case s.rows.root == nil:
		return []look.Line{look.T(look.Busy, "comparing…")}
	}
	var out []look.Line
	for _, st := range []diff.Status{diff.Differs, diff.OnlyA, diff.OnlyB, diff.Unreadable, diff.NotChecked, diff.Same} {
		if n := s.by[st]; n > 0 {
			f := diffFaces[st]
			out = append(out, look.T(f.role, f.sign).Add(look.Muted, fmt.Sprintf(" %d %s", n, f.word)))
		}
	}
	return out
}

func (s *compareScreen) draw(w, h int) look.Block {
	if s.err != nil {
		b := append(look.Block{nil}, look.Wrap(look.Bad, " ! "+safe.Text(withHintText(s.err)), w-2)...)
		return b.Size(w, h)
	}
	p := s.panes.all
	p[0].weight, p[1].weight = 45, 55
	if w >= 110 && s.mode == viewHex {
		p[0].weight, p[1].weight = w-hexPane-2, hexPane+2 // A or B comes before the row
	}
	s.panes.stack = w < 110
	if s.panes.stack && h < 16 {
		p[0].weight, p[1].weight = 0, 0
		p[s.panes.focus].weight = 1
	}
	legend := look.T(look.AddedA, " A ").Add(look.Plain, safe.Text(s.a)).Add(look.Faint, "   ").
		Add(look.AddedB, "B ").Add(look.Plain, safe.Text(s.b)).Fit(w)
	s.panes.top = 1
	return append(look.Block{legend}, s.panes.draw(w, h-1)...)
}

func (s *compareScreen) back() bool {
	switch {
	case s.both.view.clear():
	case s.panes.zoom:
		s.panes.zoom = false
	case s.tree.Filtered():
		s.tree.Mark = ""
		s.tree.Show(nil)
	case s.panes.focus == 1:
		s.panes.focus = 0
	default:
		return false
	}
	return true
}

func (s *compareScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "open the node, or go to its content", Group: "Go", Hint: "open", Run: do(s.enter)},
		{Keys: []string{"n", "]"}, Name: "next difference, or next match in the content", Group: "Find", Hint: "next", Run: func() tea.Cmd { return s.step(1) }},
		{Keys: []string{"N", "["}, Name: "previous difference, or previous match in the content", Group: "Find", Run: func() tea.Cmd { return s.step(-1) }},
		{Keys: []string{"v"}, Name: "next view: reasons, unified, hex", Group: "Show", Hint: "view", Run: do(func() { s.setMode((s.mode + 1) % nModes) })},
		{Keys: []string{"o"}, Name: "open or close the node", Group: "Show", Run: do(s.fold)},
		{Keys: []string{"u"}, Name: "show or hide what is the same", Group: "Show", Run: do(func() { s.rows.all = !s.rows.all; s.rebuild() })},
		{Keys: []string{"F"}, Name: "flat list or tree", Group: "Show", Run: do(func() { s.rows.flat = !s.rows.flat; s.rebuild() })},
		{Keys: []string{"/"}, Name: "filter the tree, or search the content", Group: "Find", Hint: "filter", Run: do(s.find)},
		{Keys: []string{"y"}, Name: "copy the path of the node", Group: "Do", Run: s.copy},
	}
	return append(t, s.panes.moves()...)
}

func (s *compareScreen) enter() {
	n := s.node()
	if n == nil || s.panes.focus == 1 {
		return
	}
	if s.rows.shut[n] {
		s.fold()
		return
	}
	s.panes.focus = 1
	if s.mode == viewReasons && n.Content != nil && len(n.Children) == 0 {
		s.setMode(viewUnified)
		if n.Kind == diff.KindBinary {
			s.setMode(viewHex)
		}
	}
}

func (s *compareScreen) fold() {
	if n := s.node(); n != nil && len(n.Children) > 0 {
		s.rows.shut[n] = !s.rows.shut[n]
		s.rebuild()
	}
}

// rebuild makes the rows anew and keeps the node under the cursor.
func (s *compareScreen) rebuild() {
	n := s.node()
	s.rows.build()
	s.tree.SetRows(&s.rows)
	s.tree.Mark = ""
	for i, r := range s.rows.rows {
		if r.node == n {
			s.tree.MoveTo(i)
		}
	}
}

// step goes to the next difference: of the tree, or of the content when that
// has the keys.
func (s *compareScreen) step(dir int) tea.Cmd {
	if s.panes.focus == 1 && s.mode != viewReasons {
		if s.both.view.list.Mark != "" {
			return s.both.view.again(dir)
		}
		if s.both.next(dir) {
			return nil
		}
	}
	if i := s.rows.next(s.tree, s.tree.Cursor(), dir); i >= 0 {
		s.tree.Show(nil)
		s.tree.MoveTo(i)
		return nil
	}
	return s.app.say("no more differences this way")
}

func (s *compareScreen) find() {
	if s.panes.focus == 1 && s.mode != viewReasons {
		s.both.view.ask()
		return
	}
	s.panes.focus = 0
	s.app.ask = &question{prompt: prompt.New("/", ""),
		changed: func(q string) tea.Cmd {
			m := list.Match(q)
			s.tree.Mark = m.Needle()
			s.tree.Show(m.Filter(len(s.rows.rows), func(i int) string { return s.rows.rows[i].path + " " + s.rows.Row(i, 200).Text() }))
			return nil
		},
		dropped: func() tea.Cmd { s.tree.Mark = ""; s.tree.Show(nil); return nil },
		note:    s.tree.Position,
	}
}

func (s *compareScreen) copy() tea.Cmd {
	if s.panes.focus == 1 && s.mode == viewReasons {
		if r := s.sheet.at(s.why.Cursor()); r != nil && r.copy != "" {
			return s.app.copyText("", r.copy)
		}
	}
	if i := s.tree.Cursor(); i >= 0 {
		return s.app.copyText("", s.rows.rows[i].path)
	}
	return nil
}
