package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// screen is one question and its answer. Screens are changed by the
// workbench's own goroutine only.
type screen interface {
	// crumb is its name in the line of breadcrumbs, safe to show.
	crumb() string
	// actions is all that can be done on it, besides the workbench's own.
	actions() action.Table
	// start gives the command that fetches what the screen shows.
	start() tea.Cmd
	// update takes the messages of the screen's own commands, and ticks.
	update(msg tea.Msg) tea.Cmd
	// draw gives a block of w by h cells.
	draw(w, h int) look.Block
	// layout gives the panes that mouse and movement go to.
	layout() *panes
	// counts is the summary at the right of the top line, most important first;
	// what has no room is left out.
	counts() []look.Line
	// back undoes one thing inside the screen, e.g. a filter, and reports
	// whether there was one.
	back() bool
	// close ends the screen's commands.
	close()
}

// forScreen brings the result of a screen's command back to that screen, or
// nowhere when it has been left meanwhile.
type forScreen struct {
	to  screen
	msg tea.Msg
}

// tick is sent every tickEvery while something runs.
type tick struct{ at time.Time }

const tickEvery = 100 * time.Millisecond

// toScreen makes cmd's message come back to s. It is for commands of the
// screen's own; those of Bubble Tea have to reach Bubble Tea.
func toScreen(s screen, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		switch msg := cmd().(type) {
		case nil:
			return nil
		case forScreen:
			return msg
		case tea.BatchMsg:
			for i, c := range msg {
				msg[i] = toScreen(s, c)
			}
			return msg
		default:
			return forScreen{s, msg}
		}
	}
}

// do is an action's effect that needs no command.
func do(f func()) func() tea.Cmd {
	return func() tea.Cmd {
		f()
		return nil
	}
}
