package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/pages"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// pageView shows text that is too long to be held: a log, a file, hex rows. It
// reads what its window shows, in commands.
type pageView struct {
	app    *app
	owner  screen
	list   *list.List
	cache  *pages.Cache
	render func(i int, text string) look.Line
	query  string
	note   string // how the last search went
	stop   context.CancelFunc
}

// newPageView makes an empty view; owner gets the messages of its commands.
func newPageView(a *app, owner screen) *pageView {
	v := &pageView{app: a, owner: owner, render: logLine}
	v.list = list.New(v)
	v.list.Plain = true
	return v
}

func logLine(_ int, text string) look.Line {
	if strings.HasPrefix(text, logHeading) {
		return look.T(look.Muted, safe.Line(text))
	}
	return look.T(look.Plain, safe.Line(text))
}

// open shows a source of n rows from now on.
func (v *pageView) open(ctx context.Context, src pages.Source, n int) {
	v.cache = pages.New(ctx, src, n)
	v.list.SetRows(v)
	v.list.Home()
	v.note = ""
}

// Len and Row make it the rows of its list.
func (v *pageView) Len() int {
	if v.cache == nil {
		return 0
	}
	return v.cache.Len()
}

func (v *pageView) Row(i, _ int) look.Line {
	text, ok := v.cache.Line(i)
	if !ok {
		if err := v.cache.Err(); err != nil {
			return look.T(look.Warn, "! "+safe.Text(err.Error()))
		}
		return look.T(look.Faint, "…")
	}
	return v.render(i, text)
}

// want reads what the window lacks.
func (v *pageView) want() tea.Cmd {
	if v.cache == nil {
		return nil
	}
	from, to := v.list.Window()
	return v.cache.Want(from, to)
}

func (v *pageView) update(msg tea.Msg) {
	if v.cache == nil || v.cache.Update(msg) {
		return
	}
	f, ok := msg.(pages.Found)
	if !ok || !f.For(v.cache) || f.Query != v.query {
		return
	}
	switch {
	case f.Err != nil:
		v.note = f.Err.Error()
	case f.Row < 0:
		v.note = fmt.Sprintf("nothing matches %q", v.query)
	default:
		v.note = ""
		v.list.Follow = false
		v.list.MoveTo(f.Row)
	}
}

// ask lets a person type what to search for; the search runs as they type.
func (v *pageView) ask() {
	from := v.list.Cursor()
	v.app.ask = &question{prompt: prompt.New("/", ""),
		changed: func(q string) tea.Cmd { return v.search(q, from-1, 1) },
		dropped: func() tea.Cmd { v.clear(); v.list.MoveTo(from); return nil },
		note:    func() string { return safe.Text(v.note) },
	}
}

// clear ends a search and reports whether there was one.
func (v *pageView) clear() bool {
	was := v.list.Mark != ""
	v.list.Mark, v.note = "", ""
	if v.stop != nil {
		v.stop()
		v.stop = nil
	}
	return was
}

// again goes to the next match in direction dir.
func (v *pageView) again(dir int) tea.Cmd {
	if v.query == "" {
		return v.app.say("nothing to search for yet: type / first")
	}
	return v.search(v.query, v.list.Cursor(), dir)
}

func (v *pageView) search(q string, from, dir int) tea.Cmd {
	v.clear()
	v.query = q
	m := list.Match(q)
	v.list.Mark = m.Needle()
	if v.cache == nil || m.Empty() {
		return nil
	}
	ctx, stop := context.WithCancel(v.app.ctx)
	v.stop = stop
	match := func(text string) bool { return m.Text(safe.Line(text)) }
	return toScreen(v.owner, v.cache.Search(ctx, q, from, dir, match))
}
