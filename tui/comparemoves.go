package tui

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// treeTitle names the tree, and the filter that leaves so few of it.
func (s *compareScreen) treeTitle() look.Line {
	l := look.T(look.Title, s.panes.all[0].name)
	if s.tree.Filtered() {
		l = l.Add(look.Accent, "  /"+safe.Line(s.query))
	}
	return l
}

// title names the views of the content. The present one stands in brackets, so that it
// is known without colour; where there is no room for all, it stands alone.
func (s *compareScreen) title() look.Line {
	var l look.Line
	room := s.panes.all[1].w - 2
	if len(s.panes.shown()) == 1 {
		l = look.T(look.Accent, s.panes.all[1].name+": ")
		room -= len("Differences · ")
	}
	for m := range nModes {
		if m > 0 {
			l = l.Add(look.Faint, " · ")
		}
		if m == s.mode {
			l = l.Add(look.Accent, "["+modeNames[m]+"]")
		} else {
			l = l.Add(look.Muted, modeNames[m])
		}
	}
	if l.Width() > room {
		l = look.T(look.Accent, s.modeOf())
	}
	if s.mode == viewHex && s.both.hex != nil && s.both.hex.Unscanned() > 0 {
		l = l.Add(look.Warn, "  ! the last "+size(s.both.hex.Unscanned())+" were not compared")
	}
	if s.mode != viewReasons && s.both.busy {
		l = l.Add(look.Busy, "  reading…")
	}
	return l
}

func (s *compareScreen) modeOf() string {
	return fmt.Sprintf("[%s] view %d of %d", modeNames[s.mode], s.mode+1, nModes)
}

func (s *compareScreen) setMode(m viewMode) {
	s.mode = m
	s.panes.all[1].list = s.why
	if m != viewReasons {
		s.panes.all[1].list = s.both.view.list
	}
}

// turn goes to another view; where no frame says which it is, a line does.
func (s *compareScreen) turn(dir int) tea.Cmd {
	s.setMode((s.mode + nModes + viewMode(dir)) % nModes)
	if s.app.w < plainWidth || s.app.h < plainHeight {
		return s.app.say(s.modeOf())
	}
	return nil
}

// fold opens or closes the node under the cursor.
func (s *compareScreen) fold() tea.Cmd {
	n := s.node()
	if n == nil || len(n.Children) == 0 {
		return nil
	}
	s.rows.shut[n] = !s.rows.shut[n]
	return s.rebuild()
}

// outwards closes the node under the cursor, or goes to what it lies in, as in other
// trees. It never leaves the comparison: one key too many would cost all of it.
func (s *compareScreen) outwards() tea.Cmd {
	switch {
	case s.panes.focus == 1 || s.panes.zoom || s.tree.Filtered():
		s.back()
		return nil
	case s.rows.flat:
		return s.app.say("a flat list: F shows the tree")
	}
	i := s.tree.Cursor()
	if i < 0 || i >= len(s.rows.rows) {
		return nil
	}
	row := s.rows.rows[i]
	if len(row.node.Children) > 0 && !s.rows.shut[row.node] && row.up != nil {
		return s.fold()
	}
	if row.up == nil {
		return s.app.say("this is all that is compared: esc leaves it")
	}
	if at := s.rows.at(row.up.node); at >= 0 {
		s.tree.MoveTo(at)
	}
	return nil
}

// rebuild makes the rows anew, and keeps the node under the cursor and the filter.
func (s *compareScreen) rebuild() tea.Cmd {
	n := s.node()
	s.rows.build()
	s.tree.SetRows(&s.rows)
	if i := s.rows.at(n); i >= 0 {
		s.tree.MoveTo(i)
	}
	return s.filter(s.query)
}

// dropFilter shows all rows again.
func (s *compareScreen) dropFilter() {
	s.filterGen++
	s.query, s.tree.Mark = "", ""
	s.tree.Show(nil)
}

// longCompare is from when on a comparison is not given up for one key.
const longCompare = 5 * time.Second

func (s *compareScreen) back() bool {
	switch {
	case s.both.view.clear():
	case s.panes.zoom:
		s.panes.zoom = false
	case s.tree.Filtered():
		s.dropFilter()
	case s.panes.focus == 1:
		s.panes.focus = 0
	default:
		return false
	}
	return true
}

// keeps says why the screen is not left at once: what took long to compare is left when
// esc comes twice.
func (s *compareScreen) keeps() string {
	now := s.app.cfg.Now()
	took := s.took
	if s.busy {
		took = now.Sub(s.watch.began)
	}
	if s.err != nil || took < longCompare || !s.warned.IsZero() && now.Sub(s.warned) < toastTime {
		return ""
	}
	s.warned = now
	return fmt.Sprintf("esc again leaves this comparison, which took %s", took.Round(time.Second))
}

// counts says how much differs, in the terms of the report's first lines.
func (s *compareScreen) counts() []look.Line {
	switch {
	case s.err != nil:
		return []look.Line{look.T(look.Bad, "! cannot be compared")}
	case s.rows.root == nil:
		return []look.Line{look.T(look.Busy, "comparing…")}
	}
	var out []look.Line
	if s.partly {
		out = append(out, look.T(look.Warn, "! ended early"))
	}
	if n := len(s.sum.Suspicious); n > 0 {
		out = append(out, look.T(look.Bad, fmt.Sprintf("‼ %d suspicious", n)))
	}
	if n := len(s.sum.Unexplained); n > 0 {
		out = append(out, look.T(look.Warn, fmt.Sprintf("? %d of %d unexplained", n, s.sum.Differing)))
	} else if s.sum.Differing > 0 {
		out = append(out, look.T(look.Good, fmt.Sprintf("%d of %d explained", s.sum.Explained, s.sum.Differing)))
	}
	by := s.by
	if s.sum.Differing > 0 {
		by = map[diff.Status]int{diff.OnlyA: s.by[diff.OnlyA], diff.OnlyB: s.by[diff.OnlyB], // some of those that differ
			diff.Unreadable: s.by[diff.Unreadable], diff.NotChecked: s.by[diff.NotChecked], diff.Same: s.sum.Equal}
	}
	for _, st := range []diff.Status{diff.Differs, diff.OnlyA, diff.OnlyB, diff.Unreadable, diff.NotChecked, diff.Same} {
		if n := by[st]; n > 0 {
			f := diffFaces[st]
			out = append(out, look.T(f.role, f.sign).Add(look.Muted, fmt.Sprintf(" %d %s", n, f.word)))
		}
	}
	return out
}
