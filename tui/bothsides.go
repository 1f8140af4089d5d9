package tui

import (
	"context"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/both"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// sideTexts gives the rows of a view side by side as texts to be searched.
type sideTexts []both.Pair

// Lines gives the texts of rows [from, from+n).
func (t sideTexts) Lines(_ context.Context, from, n int) ([]string, error) {
	var rows []string
	for i := from; i < min(len(t), from+n); i++ {
		text := ""
		if t[i].A != nil {
			text = t[i].A.Text
		}
		if t[i].B != nil && t[i].Changed() {
			text += " " + t[i].B.Text
		}
		rows = append(rows, text)
	}
	return rows, nil
}

// sideRow draws a row of both sides, each in its half, with what differs inside
// the line set apart.
func (b *bothView) sideRow(i int) look.Line {
	if i >= len(b.side) {
		return nil
	}
	p := b.side[i]
	if p.A != nil && p.A.Op == diff.Fold {
		return look.T(look.Faint, "  "+safe.Line(p.A.Text))
	}
	// The list cuts off the columns that were scrolled away; both halves scroll
	// inside their places instead.
	x := b.view.list.X()
	half := max(8, (b.w-3)/2)
	var from, endA, endB int
	if p.A != nil && p.B != nil && p.Changed() {
		from, endA, endB = diff.Inside(p.A.Text, p.B.Text)
	} else {
		if p.A != nil {
			endA = len(p.A.Text)
		}
		if p.B != nil {
			endB = len(p.B.Text)
		}
	}
	l := look.T(look.Plain, strings.Repeat(" ", x))
	l = append(l, b.half(p.A, p.Changed(), look.AddedA, from, endA, x, half)...)
	sep := " │ "
	if p.Changed() {
		sep = " ≠ "
	}
	return append(l.Add(look.Faint, sep), b.half(p.B, p.Changed(), look.AddedB, from, endB, x, half)...)
}

// half is one side of a row: its line number, and its text from the column on
// to which the list was scrolled.
func (b *bothView) half(l *both.Line, changed bool, role look.Role, from, end, x, w int) look.Line {
	if l == nil {
		return look.T(look.Plain, strings.Repeat(" ", w))
	}
	n := l.A
	if role == look.AddedB {
		n = l.B
	}
	head := look.T(look.Faint, number(n))
	if !changed {
		role = look.Plain
	}
	text := look.T(look.Plain, safe.Line(l.Text[:from])).Add(role, safe.Line(l.Text[from:end])).Add(look.Plain, safe.Line(l.Text[end:]))
	return append(head, text.Cut(x, x+w)...).Fit(w)
}
