package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/diff"
)

var _ located = (*compareScreen)(nil)

// shows reports whether two references are what the screen compares.
func (s *compareScreen) shows(a, b string) bool { return s.a == a && s.b == b }

// goTo puts the cursor on the node of a path, as soon as the tree is there, and
// shows it in a view: by its name, e.g. "code", or as the node suggests.
func (s *compareScreen) goTo(path, view string) tea.Cmd {
	s.wanted, s.wantedView = strings.Trim(path, "/"), view
	s.openWanted()
	return nil
}

// openWanted goes to the path that was asked for, if the tree has it. Other views
// of it have to be asked for anew.
func (s *compareScreen) openWanted() {
	if s.wanted == "" && s.wantedView == "" || s.rows.root == nil {
		return
	}
	path, view := s.wanted, s.wantedView
	s.wanted, s.wantedView = "", ""
	if path != "" && !s.moveTo(path) {
		return
	}
	s.panes.zoom, s.panes.focus = false, 0
	if view == "" && hasCode(s.node()) {
		view = modeNames[viewCode] // what a machine does is what a person wants to see of it
	}
	for m, name := range modeNames {
		if strings.EqualFold(name, view) {
			s.setMode(viewMode(m))
		}
	}
}

// moveTo puts the cursor on the outermost node of a path that differs.
func (s *compareScreen) moveTo(path string) bool {
	s.dropFilter()
	for i, r := range s.rows.rows {
		if r.node.Status != diff.Same && strings.Trim(r.node.Name, "/") == path {
			s.tree.MoveTo(i)
			return true
		}
	}
	return false
}

// hasCode reports whether something in a node was disassembled.
func hasCode(n *diff.Node) bool {
	if n == nil || n.Listing {
		return n != nil && n.Name == disassembly
	}
	return slices.ContainsFunc(n.Children, hasCode)
}
