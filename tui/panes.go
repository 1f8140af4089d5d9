package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// pane is one framed list of a screen.
type pane struct {
	name  string
	title func() look.Line      // nil gives the name
	head  func(w int) look.Line // a line above the list that does not scroll; may be nil
	note  func() string         // lower right; nil gives the list's position
	list  *list.List
	// fit prepares the rows for a window of w by h cells, e.g. wraps text. It is
	// called before every drawing and must be cheap when nothing changed.
	fit    func(w, h int)
	weight int // share of the width; 0 hides the pane unless it has the keys

	x, y, w, h int // where the list was drawn last, inside the screen
}

// panes places a screen's panes side by side, or the focused one alone where
// there is no room, and says which one has the keys.
type panes struct {
	all   []*pane
	focus int
	zoom  bool // the focused pane fills the screen
	stack bool // panes lie on top of each other, their weights share the height
	top   int  // rows of the screen above the panes
}

func (p *panes) focused() *pane { return p.all[p.focus] }

// plainHeight and plainWidth are the sizes below which frames cost too much.
const (
	plainWidth  = 50
	plainHeight = 12
)

func (p *panes) draw(w, h int) look.Block {
	for _, q := range p.all {
		q.w, q.h = 0, 0
	}
	if w < plainWidth || h < plainHeight {
		return p.focused().place(0, 0, w, h).body(w, true)
	}
	shown := p.shown()
	if len(shown) == 1 {
		return p.frame(shown[0], 0, 0, w, h)
	}
	total := 0
	for _, q := range shown {
		total += q.weight
	}
	var out look.Block
	var blocks []look.Block
	at := 0
	for i, q := range shown {
		all := w
		if p.stack {
			all = h
		}
		share := all * q.weight / total
		if i == len(shown)-1 {
			share = all - at
		}
		if p.stack {
			out = append(out, p.frame(q, 0, at, w, share)...)
		} else {
			blocks = append(blocks, p.frame(q, at, 0, share, h))
		}
		at += share
	}
	if p.stack {
		return out
	}
	return look.Beside(blocks...)
}

// shown is the panes with a weight, or the focused one alone when it is zoomed
// or has no place beside the others.
func (p *panes) shown() []*pane {
	if p.zoom || p.focused().weight == 0 {
		return []*pane{p.focused()}
	}
	var out []*pane
	for _, q := range p.all {
		if q.weight > 0 {
			out = append(out, q)
		}
	}
	return out
}

func (p *panes) frame(q *pane, x, y, w, h int) look.Block {
	focused := q == p.focused()
	body := q.place(x+1, y+1, w-2, h-2).body(w-2, focused)
	note := q.list.Position()
	if q.note != nil {
		note = q.note()
	}
	return look.Pane{Title: p.heading(q), Note: note, Focused: focused}.Frame(body, w, h)
}

// heading is the pane's title or, when it hides others, the names of all.
func (p *panes) heading(q *pane) look.Line {
	if len(p.shown()) > 1 || len(p.all) == 1 {
		if q.title != nil {
			return q.title()
		}
		return look.T(look.Title, q.name)
	}
	var l look.Line
	for i, o := range p.all {
		if i > 0 {
			l = l.Add(look.Faint, " · ")
		}
		if o == q && q.title != nil {
			l = append(l, q.title()...)
			continue
		}
		role := look.Muted
		if o == q {
			role = look.Accent
		}
		l = l.Add(role, o.name)
	}
	return l
}

func (q *pane) place(x, y, w, h int) *pane {
	if q.head != nil {
		y, h = y+1, h-1
	}
	q.x, q.y, q.w, q.h = x, y, max(0, w), max(0, h)
	q.list.Resize(q.w, q.h)
	if q.fit != nil {
		q.fit(q.w, q.h)
		q.list.Resize(q.w, q.h)
	}
	return q
}

func (q *pane) body(w int, focused bool) look.Block {
	rows := q.list.Draw(focused)
	if q.head == nil {
		return rows
	}
	return append(look.Block{q.head(w).Fit(w)}, rows...)
}

// back leaves the enlarged pane, else goes to the first one, and reports
// whether there was anything to leave.
func (p *panes) back() bool {
	switch {
	case p.zoom:
		p.zoom = false
	case p.focus != 0:
		p.focus = 0
	default:
		return false
	}
	return true
}

// next gives the keys to another pane.
func (p *panes) next(dir int) {
	n := len(p.all)
	p.focus = ((p.focus+dir)%n + n) % n
}

// at finds the pane under a cell of the screen.
func (p *panes) at(x, y int) (int, bool) {
	y -= p.top
	for i, q := range p.all {
		if x >= q.x-1 && x <= q.x+q.w && y >= q.y && y < q.y+q.h && q.w > 0 {
			return i, true
		}
	}
	return 0, false
}

// click takes a click at a cell of the screen and reports whether it was the
// second one on a row, which means to go in.
func (p *panes) click(x, y int) (enter bool) {
	i, ok := p.at(x, y)
	if !ok {
		return false
	}
	same := p.focus == i
	p.focus = i
	_, again := p.all[i].list.Click(y - p.top - p.all[i].y)
	return same && again
}

// wheel scrolls the pane under the pointer, whichever has the keys.
func (p *panes) wheel(m tea.Mouse, x, y int) {
	i, ok := p.at(x, y)
	if !ok {
		return
	}
	l := p.all[i].list
	sideways := m.Mod.Contains(tea.ModShift)
	switch {
	case m.Button == tea.MouseWheelLeft || m.Button == tea.MouseWheelUp && sideways:
		l.ScrollX(-8)
	case m.Button == tea.MouseWheelRight || m.Button == tea.MouseWheelDown && sideways:
		l.ScrollX(8)
	case m.Button == tea.MouseWheelUp:
		l.Wheel(-3)
	case m.Button == tea.MouseWheelDown:
		l.Wheel(3)
	}
}

// moves is the table of movement, which is the same on every screen.
func (p *panes) moves() action.Table {
	l := func() *list.List { return p.focused().list }
	t := action.Table{
		{Keys: []string{"j", "down"}, Name: "down", Group: "Move", Run: do(func() { l().Move(1) })},
		{Keys: []string{"k", "up"}, Name: "up", Group: "Move", Run: do(func() { l().Move(-1) })},
		{Keys: []string{"ctrl+d"}, Name: "half a page down", Group: "Move", Run: do(func() { l().HalfPage(1) })},
		{Keys: []string{"ctrl+u"}, Name: "half a page up", Group: "Move", Run: do(func() { l().HalfPage(-1) })},
		{Keys: []string{"pgdown", "ctrl+f", "space"}, Name: "a page down", Group: "Move", Run: do(func() { l().Page(1) })},
		{Keys: []string{"pgup", "ctrl+b"}, Name: "a page up", Group: "Move", Run: do(func() { l().Page(-1) })},
		{Keys: []string{"g", "home"}, Name: "to the first row", Group: "Move", Run: do(func() { l().Home() })},
		{Keys: []string{"G", "end"}, Name: "to the last row", Group: "Move", Run: do(func() { l().End() })},
		{Keys: []string{"H"}, Name: "scroll left", Group: "Move", Run: do(func() { l().ScrollX(-8) })},
		{Keys: []string{"L"}, Name: "scroll right", Group: "Move", Run: do(func() { l().ScrollX(8) })},
	}
	if len(p.all) > 1 {
		t = append(t,
			action.Action{Keys: []string{"tab"}, Name: "to the next pane", Group: "Move", Hint: "pane", Run: do(func() { p.next(1) })},
			action.Action{Keys: []string{"shift+tab"}, Name: "to the previous pane", Group: "Move", Run: do(func() { p.next(-1) })},
			action.Action{Keys: []string{"z"}, Name: "maximise the pane, or restore it", Group: "Move", Run: do(func() { p.zoom = !p.zoom })})
	}
	return t
}
