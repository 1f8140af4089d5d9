package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/prompt"
)

// question is a line that is typed at the bottom of a screen.
type question struct {
	prompt  *prompt.Prompt
	changed func(string) tea.Cmd // after each change; may be nil
	done    func(string) tea.Cmd // enter; may be nil
	dropped func() tea.Cmd       // esc; may be nil
	note    func() string        // at the right, e.g. how many were found; may be nil
}

// typed sends a key or a paste to the line or the menu that takes text.
func (a *app) typed(msg tea.Msg) tea.Cmd {
	if a.menu != nil {
		return a.menu.typed(msg)
	}
	q := a.ask
	if q == nil {
		return nil
	}
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "enter":
			a.ask = nil
			return a.answer(q.done, q.prompt.Value())
		case "esc":
			a.ask = nil
			if q.dropped != nil {
				return q.dropped()
			}
			return nil
		case "up", "down", "pgup", "pgdown":
			// One may look around in what a filter leaves while typing it.
			return a.press(k.String())
		}
	}
	if q.prompt.Update(msg) {
		return a.answer(q.changed, q.prompt.Value())
	}
	return nil
}

func (a *app) answer(f func(string) tea.Cmd, value string) tea.Cmd {
	if f == nil {
		return nil
	}
	return f(value)
}

func (q *question) draw(w int) look.Line {
	line := look.T(look.Plain, " ")
	line = append(line, q.prompt.Draw()...)
	if q.note == nil {
		return line.Fit(w)
	}
	note := q.note()
	if room := w - look.Width(note) - 2; line.Width() < room {
		return line.Fit(room).Add(look.Muted, note).Fit(w)
	}
	return line.Fit(w)
}
