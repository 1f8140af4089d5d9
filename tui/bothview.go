package tui

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/both"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/pages"
)

// bothView shows the two sides of a node: as one text with what was taken out
// and put in, side by side, as hex, by structure, or as code.
type bothView struct {
	app  *app
	own  screen
	view *pageView
	node *diff.Node
	mode viewMode
	gen  int
	text []both.Line
	side []both.Pair  // of a view side by side
	mate []*both.Line // by lines of text: what stands in its place on the other side; nil for none
	hex  *both.Hex
	busy bool
	w    int // cells that a row has

	cancel context.CancelFunc
}

// bothOpened brings both sides of a node.
type bothOpened struct {
	gen  int
	text []both.Line
	hex  *both.Hex
	err  error
}

func newBothView(a *app, own screen) *bothView {
	b := &bothView{app: a, own: own, view: newPageView(a, own)}
	b.view.render = b.line
	return b
}

// want shows a node in a mode; it gives the command that reads what is missing.
func (b *bothView) want(n *diff.Node, mode viewMode) tea.Cmd {
	if n == b.node && mode == b.mode {
		return b.view.want()
	}
	b.close()
	b.node, b.mode = n, mode
	b.gen++
	if n.Content == nil && mode != viewStructure && mode != viewCode {
		b.text = []both.Line{{Op: diff.Fold, Text: "there are no bytes to show here; the reasons say what differs"}}
		b.view.open(b.app.ctx, both.Text(b.text), 1)
		return b.view.want()
	}
	b.busy = true
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(b.app.ctx)
	gen := b.gen
	return toScreen(b.own, func() tea.Msg {
		m := bothOpened{gen: gen}
		switch mode {
		case viewHex:
			m.hex, m.err = both.OpenHex(ctx, n)
		case viewStructure:
			m.text, m.err = structureOf(ctx, n)
		case viewCode:
			m.text, m.err = codeOf(ctx, n)
		default:
			m.text, m.err = both.Unified(ctx, n.Content)
		}
		return m
	})
}

func (b *bothView) update(msg tea.Msg) tea.Cmd {
	m, ok := msg.(bothOpened)
	if !ok {
		b.view.update(msg)
		return nil
	}
	if m.gen != b.gen {
		if m.hex != nil {
			m.hex.Close()
		}
		return nil
	}
	b.busy = false
	if m.err != nil {
		m.text = []both.Line{{Op: diff.Fold, Text: m.err.Error()}}
	}
	b.text, b.mate, b.hex = m.text, both.Mates(m.text), m.hex
	switch {
	case b.hex != nil:
		b.view.open(b.app.ctx, b.hex, b.hex.Len())
	case b.mode == viewSides:
		b.side = both.Sides(b.text)
		b.view.open(b.app.ctx, sideTexts(b.side), len(b.side))
	default:
		b.view.open(b.app.ctx, both.Text(b.text), len(b.text))
	}
	if !b.changed(0) {
		b.next(1)
	}
	b.aim()
	return nil
}

func (b *bothView) line(i int, text string) look.Line {
	if b.hex != nil {
		return b.hexRow(i, text)
	}
	if b.side != nil {
		return b.sideRow(i)
	}
	if i >= len(b.text) {
		return nil
	}
	l := b.text[i]
	sign, role := "  ", look.Plain
	switch l.Op {
	case diff.InA:
		sign, role = "- ", look.AddedA
	case diff.InB:
		sign, role = "+ ", look.AddedB
	case diff.Fold:
		return look.T(look.Faint, strings.Repeat(" ", b.view.list.X())+"  "+safe.Line(text))
	}
	var said look.Line
	if i < len(b.mate) && b.mate[i] != nil {
		// Of a line that was changed only the change has the colour of its side.
		from, end, _ := diff.Inside(l.Text, b.mate[i].Text)
		said = look.T(look.Plain, safe.Line(l.Text[:from])).Add(role, safe.Line(l.Text[from:end])).Add(look.Plain, safe.Line(l.Text[end:]))
	} else {
		said = look.T(role, safe.Line(text))
	}
	// The list cuts off the columns that were scrolled away; numbers and sign stay.
	x := b.view.list.X()
	if x > 0 {
		said = said.Cut(x, x+max(8, b.w-numbered)+1)
	}
	return append(look.T(look.Faint, strings.Repeat(" ", x)+number(l.A)+number(l.B)).Add(role, sign), said...)
}

// aim scrolls sideways to where the line under the cursor differs, unless that is in
// sight.
func (b *bothView) aim() {
	if b.hex != nil {
		b.view.list.ScrollX(-b.view.list.X()) // a text that was shown before may have been scrolled
		return
	}
	i := b.view.list.Cursor()
	var l, mate *both.Line
	room := b.w - numbered
	switch {
	case b.side != nil && i >= 0 && i < len(b.side):
		l, mate = b.side[i].A, b.side[i].B
		room = (b.w-3)/2 - len(number(0))
	case b.side == nil && i >= 0 && i < len(b.mate):
		l, mate = &b.text[i], b.mate[i]
	}
	x := 0
	if l != nil && mate != nil && (b.side == nil || b.side[i].Changed()) {
		from, end, _ := diff.Inside(l.Text, mate.Text)
		first := look.T(look.Plain, safe.Line(l.Text[:from])).Width()
		last := first + look.T(look.Plain, safe.Line(l.Text[from:end])).Width()
		if last > room {
			x = first - room/3
		}
	}
	b.view.list.ScrollX(max(0, x) - b.view.list.X())
}

// numbered is how many cells a unified line has before its text.
const numbered = 14

// copied is what y copies of a row: its text without numbers and signs, both sides of a
// changed one, and whole however narrow the pane is. It is escaped as it is on screen:
// pasted, it must not do anything.
func (b *bothView) copied() string {
	i := b.view.list.Cursor()
	switch {
	case i < 0:
		return ""
	case b.hex != nil || b.side == nil && i >= len(b.text):
		return strings.TrimSpace(b.view.Row(i, 0).Text())
	case b.side == nil:
		return safe.Line(b.text[i].Text)
	}
	p := b.side[i]
	switch {
	case p.B == nil:
		return safe.Line(p.A.Text)
	case p.A == nil || !p.Changed():
		return safe.Line(p.B.Text)
	}
	return safe.Line(p.A.Text) + " → " + safe.Line(p.B.Text)
}

func number(n int) string {
	if n == 0 {
		return "      "
	}
	return fmt.Sprintf("%5d ", n)
}

// hexRow colours the bytes of a row that differ.
func (b *bothView) hexRow(i int, text string) look.Line {
	side, role := "A ", look.AddedA
	if i%2 == 1 {
		side, role = "B ", look.AddedB
	}
	if text == "" {
		if i%2 == 1 {
			return look.T(look.Faint, "  =")
		}
		return look.T(role, side).Add(look.Faint, "has ended")
	}
	if len(text) < pages.TextCell(0) {
		return look.T(look.Faint, safe.Text(text))
	}
	cells := make([]bool, pages.HexWidth)
	for k := range cells {
		cells[k] = b.hex.Differs(i%2 == 1, int64(i/2)*pages.HexWidth+int64(k))
	}
	l := look.T(role, side).Add(look.Faint, text[:10])
	for k, d := range cells {
		r := look.Plain
		if d {
			r = role
		}
		at := pages.HexCell(k)
		end := pages.TextCell(0)
		if k+1 < len(cells) {
			end = pages.HexCell(k + 1)
		}
		l = l.Add(r, text[at:end])
	}
	for k := pages.TextCell(0); k < len(text); k++ {
		r := look.Muted
		if cells[k-pages.TextCell(0)] {
			r = role
		}
		l = l.Add(r, text[k:k+1])
	}
	return l
}

// next moves to the next place that differs and reports whether there is one.
func (b *bothView) next(dir int) bool {
	at := b.view.list.Cursor()
	if b.hex != nil {
		row, ok := b.hex.Next(at/2, dir)
		if ok {
			b.view.list.MoveTo(2 * row)
		}
		return ok
	}
	for i := at + dir; i >= 0 && i < b.view.Len(); i += dir {
		if b.changed(i) && (i == 0 || !b.changed(i-1)) {
			b.view.list.MoveTo(i)
			b.aim()
			return true
		}
	}
	return false
}

// changed reports whether a row of a text is a difference.
func (b *bothView) changed(i int) bool {
	switch {
	case b.side != nil:
		return i < len(b.side) && b.side[i].Changed()
	case b.hex == nil:
		return i < len(b.text) && b.text[i].Changed()
	}
	return false
}

func (b *bothView) close() {
	if b.cancel != nil {
		b.cancel()
		b.cancel = nil
	}
	if b.hex != nil {
		b.hex.Close()
	}
	b.hex, b.text, b.side, b.mate, b.node = nil, nil, nil, nil, nil
	b.view.open(b.app.ctx, both.Text(nil), 0)
}
