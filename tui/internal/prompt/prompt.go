// Package prompt is the one-line input of the workbench: filters, searches and
// the palette. Editing is the library's; how it is drawn is ours.
//
// It does not know what the text is for.
package prompt

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// Prompt is a line that is being typed.
type Prompt struct {
	Label string // what stands before it, e.g. "/"
	input textinput.Model
}

// limit bounds what can be typed or pasted.
const limit = 500

// New makes a focused prompt that holds value.
func New(label, value string) *Prompt {
	in := textinput.New()
	in.CharLimit = limit
	in.SetValue(value)
	in.CursorEnd()
	in.Focus()
	return &Prompt{Label: label, input: in}
}

// Value is what has been typed.
func (p *Prompt) Value() string { return p.input.Value() }

// Update takes a key or pasted text and reports whether the value changed.
func (p *Prompt) Update(msg tea.Msg) bool {
	before := p.input.Value()
	if paste, ok := msg.(tea.PasteMsg); ok {
		// The library would keep control characters of a paste.
		paste.Content = strings.Join(strings.Fields(paste.Content), " ")
		msg = paste
	}
	p.input, _ = p.input.Update(msg)
	return p.input.Value() != before
}

// Draw gives the prompt with a cursor of its own, for the terminal's cursor is
// hidden.
func (p *Prompt) Draw() look.Line {
	v := []rune(p.input.Value())
	at := min(p.input.Position(), len(v))
	line := look.T(look.Accent, p.Label).Add(look.Strong, safe.Text(string(v[:at])))
	if at == len(v) {
		return line.Add(look.Accent, "▏")
	}
	return line.Add(look.MatchHere, safe.Text(string(v[at:at+1]))).Add(look.Strong, safe.Text(string(v[at+1:])))
}
