package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// shutGroups closes the nodes that fold many others: what hundreds of entries
// share is one line until somebody opens it.
func (r *diffRows) shutGroups(n *diff.Node) {
	if n.Kind == diff.KindGroup {
		r.shut[n] = true
	}
	for _, c := range n.Children {
		r.shutGroups(c)
	}
}

// uncover opens what a node lies in and reports whether it is in the tree.
func (r *diffRows) uncover(at, n *diff.Node) bool {
	if at == n {
		return true
	}
	for _, c := range at.Children {
		if r.uncover(c, n) {
			delete(r.shut, at)
			return true
		}
	}
	return false
}

// reveal puts the cursor on a node, wherever it hides: behind a filter, in a
// closed node, or among what is not shown.
func (s *compareScreen) reveal(n *diff.Node) bool {
	s.dropFilter()
	if s.rows.at(n) < 0 {
		if s.rows.root == nil || !s.rows.uncover(s.rows.root, n) {
			return false
		}
		s.rows.build()
		if s.rows.at(n) < 0 {
			s.rows.open, s.rows.flat, s.rows.all = false, false, true
			s.rows.build()
		}
		s.tree.SetRows(&s.rows)
	}
	i := s.rows.at(n)
	if i >= 0 {
		s.tree.MoveTo(i)
	}
	return i >= 0
}

// at is the row of a node, or -1.
func (r *diffRows) at(n *diff.Node) int {
	for i, row := range r.rows {
		if row.node == n {
			return i
		}
	}
	return -1
}

// begin puts the cursor where a person has to look first: on the worst finding,
// else on what is least explained, else on the first difference.
func (s *compareScreen) begin() {
	for _, n := range s.worst {
		if s.reveal(n) {
			return
		}
	}
	for _, f := range s.sum.Unexplained {
		if s.reveal(f.Node()) {
			return
		}
	}
	if i := s.rows.next(s.tree, -1, 1); i >= 0 {
		s.tree.MoveTo(i)
	}
}

// findWorst notes the nodes with suspicions, worst first, each once.
func (s *compareScreen) findWorst() {
	seen := map[*diff.Node]bool{}
	s.worst = nil
	for _, f := range s.sum.Suspicious {
		if n := f.Node(); !seen[n] {
			seen[n] = true
			s.worst = append(s.worst, n)
		}
	}
}

// suspect goes to the next node with a suspicion, the worst first, and round
// again.
func (s *compareScreen) suspect() tea.Cmd {
	if len(s.worst) == 0 {
		return s.app.say("nothing here is suspicious by itself")
	}
	next, at := 0, s.node()
	for i, n := range s.worst {
		if n == at {
			next = (i + 1) % len(s.worst)
		}
	}
	s.reveal(s.worst[next])
	s.panes.focus = 0
	what := ""
	for _, f := range s.sum.Suspicious {
		if f.Node() == s.worst[next] {
			what = f.What
			if f.Kind != "" {
				what = string(f.Kind) + ": " + what
			}
			break
		}
	}
	return s.app.say(fmt.Sprintf("suspicious place %d of %d: %s", next+1, len(s.worst), safe.Text(what)))
}

// along goes to the next difference among the rows that are shown; -1 when there
// is none that way.
func (s *compareScreen) along(dir int) int {
	if !s.tree.Filtered() {
		return s.rows.next(s.tree, s.tree.Cursor(), dir)
	}
	before := s.tree.Cursor()
	s.tree.Move(dir)
	if at := s.tree.Cursor(); at != before {
		return at
	}
	return -1
}
