package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// runsScreen lists the rebuilds of this session, newest first.
type runsScreen struct {
	app   *app
	panes panes
}

var _ screen = (*runsScreen)(nil)

func newRunsScreen(a *app) *runsScreen {
	s := &runsScreen{app: a}
	s.panes.all = []*pane{{name: "Rebuilds of this session", list: list.New(s)}}
	return s
}

func (s *runsScreen) crumb() string          { return "rebuilds" }
func (s *runsScreen) start() tea.Cmd         { return nil }
func (s *runsScreen) update(tea.Msg) tea.Cmd { return nil }
func (s *runsScreen) close()                 {}
func (s *runsScreen) layout() *panes         { return &s.panes }
func (s *runsScreen) back() bool             { return false }

func (s *runsScreen) draw(w, h int) look.Block {
	s.panes.all[0].weight = 1
	return s.panes.draw(w, h)
}

func (s *runsScreen) counts() []look.Line {
	return []look.Line{look.T(look.Muted, fmt.Sprintf("%d running, %d in all", s.app.runs.active(), len(s.app.runs.all)))}
}

// Len and Row make it the rows of its list.
func (s *runsScreen) Len() int { return len(s.app.runs.all) }

func (s *runsScreen) at(i int) *run { return s.app.runs.all[len(s.app.runs.all)-1-i] }

func (s *runsScreen) Row(i, _ int) look.Line {
	r := s.at(i)
	ended, all := r.counts()
	f, text := running.face(), fmt.Sprintf("%d of %s", ended, plural(all, "step", "steps"))
	if r.done {
		f, text = r.standing().face(), r.verdict()
	}
	return look.T(f.role, f.sign+" ").Add(look.Plain, look.Left(safe.Text(r.stage.ID), 28)).
		Add(look.Muted, look.Left(took(r.took(s.app.cfg.Now())), 12)).Add(look.Muted, safe.Text(text))
}

func (s *runsScreen) actions() action.Table {
	t := action.Table{
		{Keys: []string{"enter", "l", "right"}, Name: "open the rebuild", Group: "Go", Hint: "open", Run: func() tea.Cmd {
			if i := s.panes.all[0].list.Cursor(); i >= 0 {
				return s.app.push(newRebuildScreen(s.app, s.at(i)))
			}
			return nil
		}},
	}
	return append(t, s.panes.moves()...)
}
