package look

import (
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Theme holds the escape sequences of every role on every ground.
type Theme struct {
	Dark    bool
	NoColor bool

	seq [nGrounds][nRoles]string
}

// pair is a colour for light and for dark terminals; "" is the terminal's own.
type pair struct{ light, dark string }

// Blue is good and orange is bad: the pair that people who cannot tell red
// from green still tell apart. Every state has a sign as well.
var fore = [nRoles]pair{
	Strong:      {"#14181f", "#f2f5fa"},
	Muted:       {"#5a6473", "#98a2b3"},
	Faint:       {"#9aa3b0", "#566071"},
	Title:       {"#1d2633", "#e6ebf4"},
	Accent:      {"#0f6a8a", "#7fd1e0"},
	Good:        {"#0b57c2", "#6fb1ff"},
	Bad:         {"#b4470a", "#ff9f5a"},
	Warn:        {"#85640a", "#e5c76b"},
	Busy:        {"#6a3fb0", "#b9a2ff"},
	Border:      {"#c3cad4", "#3a4352"},
	BorderFocus: {"#2f7fa0", "#5fb3c8"},
	Match:       {"#1a1400", "#14100a"},
	MatchHere:   {"#ffffff", "#14100a"},
	Badge:       {"#ffffff", "#0d1522"},
	BadgeBad:    {"#ffffff", "#1b0f05"},
	AddedA:      {"#b4470a", "#ffb27a"},
	AddedB:      {"#0b57c2", "#8cc2ff"},
	Keyword:     {"#6a3fb0", "#c3a6ff"},
	String:      {"#2f6b3c", "#a8cfa0"},
	Comment:     {"#7b8492", "#6f7a8c"},
	Number:      {"#85640a", "#e5c76b"},
	Variable:    {"#0f6a8a", "#7fd1e0"},
	Bar:         {"#0b57c2", "#6fb1ff"},
	BarRest:     {"#c3cad4", "#3a4352"},
}

var back = [nRoles]pair{
	Match:     {"#f3d675", "#cfae4e"},
	MatchHere: {"#b4470a", "#ff9f5a"},
	Badge:     {"#0b57c2", "#6fb1ff"},
	BadgeBad:  {"#b4470a", "#ff9f5a"},
}

var grounds = [nGrounds]pair{
	GroundCursor: {"#d5e6f2", "#243447"},
	GroundIdle:   {"#e9edf2", "#1f2733"},
	GroundBar:    {"#eceff3", "#1b212b"},
}

var bold = map[Role]bool{Strong: true, Title: true, Good: true, Bad: true, Busy: true, Match: true, MatchHere: true, Badge: true, BadgeBad: true, Keyword: true}

// New makes the theme of a terminal. Without colour, weight and reverse video
// carry what they can, and signs carry the rest.
func New(dark, noColor bool) *Theme {
	t := &Theme{Dark: dark, NoColor: noColor}
	for g := range nGrounds {
		for r := range nRoles {
			t.seq[g][r] = t.style(g, r).String()
		}
	}
	return t
}

func (t *Theme) style(g Ground, r Role) ansi.Style {
	s := ansi.NewStyle()
	if bold[r] || g == GroundCursor && t.NoColor {
		s = s.Bold()
	}
	if t.NoColor {
		if r == Match || r == MatchHere || r == Badge || r == BadgeBad {
			s = s.Reverse(true)
		}
		return s
	}
	if c := t.pick(fore[r]); c != nil {
		s = s.ForegroundColor(c)
	}
	b := t.pick(back[r])
	if b == nil {
		b = t.pick(grounds[g])
	}
	if b != nil {
		s = s.BackgroundColor(b)
	}
	return s
}

func (t *Theme) pick(p pair) color.Color {
	if p == (pair{}) {
		return nil
	}
	return lipgloss.LightDark(t.Dark)(lipgloss.Color(p.light), lipgloss.Color(p.dark))
}
