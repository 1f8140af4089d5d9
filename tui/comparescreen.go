package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/render"
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

	filterGen int    // counts filters and whatever makes one void
	query     string // the filter that is on; "" for none
	unfilter  context.CancelFunc

	shown              whyKey
	wanted, wantedView string // where to go once the tree is there

	ctx    context.Context
	cancel context.CancelFunc
	opened *diff.Comparison

	watch   *compareWatch
	busy    bool // the comparison runs
	took    time.Duration
	warned  time.Time // when it was said that esc leaves the comparison
	partly  bool      // it was ended early, and this is what it had found
	sum     render.Summary
	counted string       // the summary's sentence that counts
	worst   []*diff.Node // with suspicions, worst first
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
	viewSides
	viewHex
	viewStructure
	viewCode
	nModes
)

var modeNames = [nModes]string{"Reasons", "Unified", "Sides", "Hex", "Structure", "Code"}

var _ screen = (*compareScreen)(nil)

func newCompareScreen(a *app, refA, refB string) *compareScreen {
	s := &compareScreen{app: a, a: refA, b: refB, by: map[diff.Status]int{}}
	s.rows.shut = map[*diff.Node]bool{}
	s.watch = &compareWatch{}
	s.ctx, s.cancel = context.WithCancel(a.ctx)
	s.tree, s.why = list.New(&s.rows), list.New(nil)
	s.both = newBothView(a, s)
	s.panes.all = []*pane{
		{name: "Differences", list: s.tree, title: s.treeTitle},
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
	by  map[diff.Status]int
	sum render.Summary

	counted string
}

// start compares, in a context of its own: stopping it leaves the screen open,
// with what was found until then.
func (s *compareScreen) start() tea.Cmd {
	ctx, f, a, b, watch := s.ctx, s.app.cfg.Compare, s.a, s.b, s.watch
	s.busy, s.watch.began = true, s.app.cfg.Now()
	compare := toScreen(s, func() tea.Msg {
		m := compared{by: map[diff.Status]int{}}
		m.c, m.err = f(ctx, a, b, watch.add)
		if m.c != nil && m.c.Root != nil {
			tallyDiff(m.c.Root, m.by)
			m.sum = render.Summarize(m.c.Root, ctx.Err() == nil)
			m.counted = m.sum.Tallies()
		}
		return m
	})
	return tea.Batch(compare, s.app.keepTicking())
}

// working reports whether the screen waits for something that ticks show.
func (s *compareScreen) working() bool { return s.busy }

// stop ends the comparison early.
func (s *compareScreen) stop() tea.Cmd {
	if !s.busy {
		return s.app.say("the comparison is over")
	}
	s.partly = true
	s.cancel()
	return nil
}

func (s *compareScreen) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case compared:
		return s.take(m)
	case filtered:
		if m.gen == s.filterGen {
			s.tree.Show(m.rows)
		}
		return nil
	case exported:
		if m.err != nil {
			return s.app.complain(m.err)
		}
		return s.app.say("written to " + m.path)
	case tick:
		if s.busy {
			s.tree.SetRows(s.watch.rows())
		}
		return nil
	}
	return s.both.update(msg)
}

// errStopped is what remains of a comparison that was ended too early.
var errStopped = errors.New("it was stopped before anything was compared: C compares the two again")

// take shows the tree that a comparison gave.
func (s *compareScreen) take(m compared) tea.Cmd {
	s.busy, s.took = false, s.app.cfg.Now().Sub(s.watch.began)
	if s.partly && m.c != nil && m.c.Root != nil {
		m.err = nil // the person ended it, and gets what there is
	}
	s.err = m.err
	if m.c == nil {
		if s.partly {
			s.err = errStopped
		}
		return nil
	}
	s.opened = m.c
	s.rows.root = m.c.Root
	if m.err != nil {
		return nil
	}
	s.by, s.sum, s.counted = m.by, m.sum, m.counted
	s.findWorst()
	s.rows.shutGroups(m.c.Root)
	s.rows.build()
	s.tree.SetRows(&s.rows)
	s.begin()
	s.openWanted()
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
	if i := s.tree.Cursor(); i >= 0 && i < len(s.rows.rows) {
		return s.rows.rows[i].node
	}
	return nil
}

// fit prepares the reasons, and hangs the list of the present view in the pane.
func (s *compareScreen) fit(w, _ int) {
	s.both.w = w - 1
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
	if key.node == s.rows.root {
		s.sheet.summary(s.sum, s.counted)
	}
	s.why.SetRows(&s.sheet)
	s.why.Home()
}

func (s *compareScreen) draw(w, h int) look.Block {
	if s.err != nil {
		b := append(look.Block{nil}, look.Wrap(look.Bad, " ! "+safe.Text(withHintText(s.err)), w-2)...)
		return b.Size(w, h)
	}
	s.rows.list = s.tree.Filtered()
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
	if s.busy {
		s.panes.top = 2
		return append(look.Block{legend, append(look.T(look.Plain, " "), s.watch.line(s.app.cfg.Now())...).Fit(w)}, s.panes.draw(w, h-2)...)
	}
	return append(look.Block{legend}, s.panes.draw(w, h-1)...)
}

func (s *compareScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "open the node, or go to its content", Group: "Go", Hint: "open", Run: s.enter},
		{Keys: []string{"n", "]"}, Name: "next difference, or next match in the content", Group: "Find", Hint: "next", Run: func() tea.Cmd { return s.step(1) }},
		{Keys: []string{"N", "["}, Name: "previous difference, or previous match in the content", Group: "Find", Run: func() tea.Cmd { return s.step(-1) }},
		{Keys: []string{"s"}, Name: "next suspicious finding, the worst first", Group: "Find", Run: s.suspect},
		{Keys: []string{"v"}, Name: "next view: reasons, unified, side by side, hex, structure, code", Group: "Show", Hint: "view", Run: func() tea.Cmd { return s.turn(1) }},
		{Keys: []string{"V"}, Name: "previous view", Group: "Show", Run: func() tea.Cmd { return s.turn(-1) }},
		{Keys: []string{"o"}, Name: "open or close the node", Group: "Show", Run: s.fold},
		{Keys: []string{"u"}, Name: "show or hide what is the same", Group: "Show", Run: func() tea.Cmd { s.rows.all = !s.rows.all; return s.rebuild() }},
		{Keys: []string{"U"}, Name: "only what is not explained, or all", Group: "Show", Run: func() tea.Cmd { s.rows.open = !s.rows.open; return s.rebuild() }},
		{Keys: []string{"F"}, Name: "flat list or tree", Group: "Show", Run: func() tea.Cmd { s.rows.flat = !s.rows.flat; return s.rebuild() }},
		{Keys: []string{"/"}, Name: "filter the tree (cause:B1 kind:elf path:usr/** is:unexplained, text), or search the content", Group: "Find", Hint: "filter", Run: do(s.find)},
		{Keys: []string{"y"}, Name: "copy the path of the node, or the line of the content", Group: "Do", Run: s.copy},
		{Keys: []string{"Y"}, Name: "copy both digests of the node", Group: "Do", Run: s.copyDigests},
		{Keys: []string{"e"}, Name: "export a report", Group: "Do", Run: s.export},
		{Keys: []string{"x"}, Name: "stop comparing, and keep what was found", Group: "Do", Run: s.stop},
	}
	return append(t, s.panes.moves()...)
}

func (s *compareScreen) enter() tea.Cmd {
	n := s.node()
	if n == nil || s.panes.focus == 1 {
		return nil
	}
	if s.rows.shut[n] {
		return s.fold()
	}
	s.panes.focus = 1
	if s.mode == viewReasons && n.Content != nil && len(n.Children) == 0 {
		s.setMode(viewUnified)
		if n.Kind == diff.KindBinary {
			s.setMode(viewHex)
		}
	}
	return nil
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
	if i := s.along(dir); i >= 0 {
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
		changed: s.filter,
		dropped: func() tea.Cmd { return s.filter("") },
		note:    s.filterNote,
	}
}
