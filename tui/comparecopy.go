package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

func (s *compareScreen) copy() tea.Cmd {
	if s.panes.focus == 1 && s.mode == viewReasons {
		if r := s.sheet.at(s.why.Cursor()); r != nil && r.copy != "" {
			return s.app.copyText("", r.copy)
		}
	}
	if s.panes.focus == 1 && s.mode != viewReasons {
		if text := s.both.copied(); text != "" {
			return s.app.copyText("", text)
		}
	}
	if i := s.tree.Cursor(); i >= 0 && i < len(s.rows.rows) {
		return s.app.copyText("", safe.Line(s.rows.rows[i].path()))
	}
	return nil
}

func (s *compareScreen) copyDigests() tea.Cmd {
	n := s.node()
	if n == nil {
		return nil
	}
	var out []string
	for _, d := range []*diff.Side{n.A, n.B} {
		if d != nil && d.Digest != "" {
			out = append(out, string(d.Digest))
		}
	}
	if len(out) == 0 {
		return s.app.say("it has no digest")
	}
	return s.app.copyText("", strings.Join(out, " "))
}
