package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// sheetRow is one line of a sheet, with what enter and y do on it.
type sheetRow struct {
	line  look.Line
	open  func() tea.Cmd // nil: nothing to enter
	trial *Trial         // the rebuild that the line is of, if it is of one
	copy  string         // "" copies the line's text
}

// sheet is a page of facts: headings, fields, paragraphs and links. It is
// built for one width.
type sheet struct {
	rows []sheetRow
	w    int
}

// Len and Row make the sheet the rows of a list.
func (s *sheet) Len() int { return len(s.rows) }

func (s *sheet) Row(i, _ int) look.Line { return s.rows[i].line }

// labelWidth is the width of the column of field names.
const labelWidth = 11

func (s *sheet) add(l look.Line) *sheetRow {
	s.rows = append(s.rows, sheetRow{line: l})
	return &s.rows[len(s.rows)-1]
}

func (s *sheet) gap() {
	if len(s.rows) > 0 {
		s.add(nil)
	}
}

func (s *sheet) heading(text string, count string) {
	s.gap()
	s.add(look.T(look.Title, text).Add(look.Faint, "  "+count))
}

// para wraps text to the width.
func (s *sheet) para(role look.Role, text string) {
	for _, l := range look.Wrap(role, safe.Text(strings.TrimSpace(text)), max(10, s.w)) {
		s.add(l)
	}
}

// field is a name and a value; a long value goes on in its column.
func (s *sheet) field(name string, role look.Role, value string) {
	if value == "" {
		return
	}
	for i, l := range look.Wrap(role, safe.Text(value), breakAt(value, s.w-labelWidth)) {
		label := ""
		if i == 0 {
			label = name
		}
		s.add(append(look.T(look.Muted, look.Left(label, labelWidth)), l...)).copy = value
	}
}

// breakAt is the width at which a value in room cells breaks: a digest does so
// into equal parts.
func breakAt(value string, room int) int {
	room = max(10, room)
	if n := len(value); strings.HasPrefix(value, "sha256:") && !strings.Contains(value, " ") && n > room {
		lines := (n + room - 1) / room
		return (n + lines - 1) / lines
	}
	return room
}

// link is a line that can be entered.
func (s *sheet) link(l look.Line, open func() tea.Cmd) *sheetRow {
	r := s.add(l)
	r.open = open
	return r
}

// at gives the row with that number, or nil.
func (s *sheet) at(i int) *sheetRow {
	if i < 0 || i >= len(s.rows) {
		return nil
	}
	return &s.rows[i]
}
