package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// menu lies over the screen: the help of all actions, which runs the one that
// is chosen, or a question with two answers.
type menu struct {
	app      *app
	title    string
	text     string // of a question
	rows     []menuRow
	list     *list.List
	prompt   *prompt.Prompt // filter; nil for a question
	quitting bool
	x, y     int // upper left corner of the list when last drawn
}

type menuRow struct {
	keys, name string
	heading    bool
	run        func() tea.Cmd
}

// help lists what can be done on the present screen. With label ":" it is the
// palette: the same actions without headings.
func (a *app) help(label string) *menu {
	m := &menu{app: a, title: "What can be done here", prompt: prompt.New("/", "")}
	if label != "" {
		m.title = "Commands"
		m.prompt = prompt.New(label, "")
	}
	all := append(a.top().actions(), a.actions()...)
	for _, g := range []string{"Go", "Do", "Find", "Show", "Move"} {
		first := true
		for _, act := range all {
			if act.Group != g {
				continue
			}
			if first && label == "" {
				m.rows = append(m.rows, menuRow{name: g, heading: true})
			}
			first = false
			m.rows = append(m.rows, menuRow{keys: act.KeyNames(), name: act.Name, run: act.Run})
		}
	}
	m.list = list.New(m)
	m.list.Skip = func(i int) bool { return m.rows[i].heading }
	m.list.Home()
	return m
}

// confirm asks whether to do something that cannot be undone.
func (a *app) confirm(title, text, yes string, run func() tea.Cmd) *menu {
	m := &menu{app: a, title: title, text: text, rows: []menuRow{
		{keys: "esc", name: "no, go back", run: func() tea.Cmd { return nil }},
		{keys: "y", name: "yes, " + yes, run: run},
	}}
	m.list = list.New(m)
	return m
}

// Len and Row make the menu the rows of its own list.
func (m *menu) Len() int { return len(m.rows) }

func (m *menu) Row(i, width int) look.Line {
	r := m.rows[i]
	if r.heading {
		return look.T(look.Title, r.name)
	}
	kw := 20
	if width < 44 {
		kw = 9
	}
	return look.T(look.Accent, look.Left(r.keys, kw)).Add(look.Plain, " "+r.name)
}

func (m *menu) key(k tea.KeyPressMsg) tea.Cmd {
	name := k.String()
	switch name {
	case "esc":
		m.app.menu = nil
	case "enter":
		return m.choose()
	case "up", "ctrl+k":
		m.list.Move(-1)
	case "down", "ctrl+j", "tab":
		m.list.Move(1)
	case "pgup":
		m.list.Page(-1)
	case "pgdown":
		m.list.Page(1)
	case "home":
		m.list.Home()
	case "end":
		m.list.End()
	default:
		if m.prompt == nil {
			return m.answer(name)
		}
		return m.typed(k)
	}
	return nil
}

// answer takes the keys of a question.
func (m *menu) answer(name string) tea.Cmd {
	switch name {
	case "y", "Y":
		m.list.MoveTo(1)
		return m.choose()
	case "n", "N", "q", "h", "left":
		m.app.menu = nil
	case "j":
		m.list.Move(1)
	case "k":
		m.list.Move(-1)
	}
	return nil
}

// typed changes the filter.
func (m *menu) typed(msg tea.Msg) tea.Cmd {
	if m.prompt == nil || !m.prompt.Update(msg) {
		return nil
	}
	q := list.Match(m.prompt.Value())
	if q.Empty() {
		m.list.Mark = ""
		m.list.Show(nil)
		m.list.Home()
		return nil
	}
	m.list.Mark = q.Needle()
	found := []int{}
	for i, r := range m.rows {
		if !r.heading && (q.Text(r.name) || r.keys == m.prompt.Value()) {
			found = append(found, i)
		}
	}
	m.list.Show(found)
	m.list.Home()
	return nil
}

func (m *menu) choose() tea.Cmd {
	at := m.list.Cursor()
	m.app.menu = nil
	if at < 0 || m.rows[at].heading {
		return nil
	}
	return m.rows[at].run()
}

func (m *menu) click(x, y int) tea.Cmd {
	if hit, again := m.list.Click(y - m.y); hit && again {
		return m.choose()
	}
	return nil
}

func (m *menu) wheel(ev tea.Mouse) {
	switch ev.Button {
	case tea.MouseWheelUp:
		m.list.Wheel(-3)
	case tea.MouseWheelDown:
		m.list.Wheel(3)
	}
}

// draw gives the menu and where to put it on a screen of w by h cells.
func (m *menu) draw(w, h int) (look.Block, int, int) {
	bw := min(w, 76)
	var above look.Block
	if m.prompt != nil {
		above = append(above, append(look.T(look.Plain, " "), m.prompt.Draw()...))
	} else {
		above = append(look.Wrap(look.Plain, m.text, bw-4), look.Line{})
		for i := range above {
			above[i] = append(look.T(look.Plain, " "), above[i]...)
		}
	}
	rows := len(m.rows)
	bh := min(h-1, rows+len(above)+2)
	m.list.Resize(bw-2, bh-2-len(above))
	body := append(above, m.list.Draw(true)...)
	note := ""
	if m.prompt != nil {
		note = "enter runs it · esc closes"
	}
	x, y := (w-bw)/2, max(0, (h-bh)/2)
	m.x, m.y = x+1, y+1+len(above)
	return look.Pane{Title: look.T(look.Title, m.title), Note: note, Focused: true}.Frame(body, bw, bh), x, y
}
