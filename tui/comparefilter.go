package tui

import (
	"context"
	"maps"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/list"
)

// diffFilter is a query over a difference tree: conditions of the form
// word:value, each of which a leading "!" inverts, and one text. All must hold.
//
//	cause:B1    a cause's identifier or its beginning; cause:none has none
//	kind:elf    what a node stands for
//	path:usr/** a pattern, as diff.Glob reads it, and all that lies in what it names
//	is:unexplained, is:suspicious, is:unread, is:only, is:differs
type diffFilter struct {
	conds []diffCond
	text  list.Matcher
	odd   string // a word that would be a condition, were there such a state
}

type diffCond struct {
	not  bool
	test func(diffRow) bool
}

// parseDiffFilter never fails: what is no condition is text.
func parseDiffFilter(query string) diffFilter {
	var f diffFilter
	var words []string
	for _, w := range strings.Fields(query) {
		bare, not := strings.CutPrefix(w, "!")
		key, value, ok := strings.Cut(bare, ":")
		if test := diffTest(key, value); ok && value != "" && test != nil {
			f.conds = append(f.conds, diffCond{not, test})
			continue
		}
		if key == "is" && ok {
			f.odd = value
		}
		words = append(words, w)
	}
	f.text = list.Match(strings.Join(words, " "))
	return f
}

func diffTest(key, value string) func(diffRow) bool {
	switch key {
	case "cause":
		return func(r diffRow) bool { return hasCause(r.node, value) }
	case "kind":
		return func(r diffRow) bool { return strings.EqualFold(string(r.node.Kind), value) }
	case "path":
		return func(r diffRow) bool { return r.within(value) }
	case "is":
		if test := diffStates[value]; test != nil {
			return func(r diffRow) bool { return test(r.node) }
		}
	}
	return nil
}

// within reports whether a node, or what it lies in, has a path.
func (r diffRow) within(pattern string) bool {
	if diff.Glob(pattern, r.node.Name) {
		return true
	}
	for at := r.up; at != nil; at = at.up {
		if diff.Glob(pattern, at.node.Name) {
			return true
		}
	}
	return false
}

var diffStates = map[string]func(*diff.Node) bool{
	"unexplained": unexplained,
	"suspicious":  func(n *diff.Node) bool { return len(n.Suspicions) > 0 },
	"unread":      unread,
	"only":        func(n *diff.Node) bool { return n.Status == diff.OnlyA || n.Status == diff.OnlyB },
	"differs":     func(n *diff.Node) bool { return n.Itself() },
}

// unexplained reports a difference of which something is not accounted for in the node
// itself: what lies in it has rows of its own, and the summary counts it there.
func unexplained(n *diff.Node) bool {
	if !n.Itself() || n.Residue == diff.ResidueNone {
		return false
	}
	return n.Leaf() || total(n.UnexplainedA)+total(n.UnexplainedB) > 0 || slices.ContainsFunc(n.Reasons, func(r diff.Reason) bool {
		return r.Cause == nil || r.Cause.Confidence < diff.Derived
	})
}

// unread reports a node of which nothing, or not all, is known.
func unread(n *diff.Node) bool {
	if n.Status == diff.Unreadable || n.Status == diff.NotChecked && len(n.Children) == 0 {
		return true
	}
	if !n.Capped {
		return false
	}
	for _, c := range n.Children {
		if c.Capped {
			return false // it is said there
		}
	}
	return true
}

// hasCause reports whether one of a node's reasons has a cause whose identifier
// begins so; "none" asks for a reason or residue without cause.
func hasCause(n *diff.Node, id string) bool {
	if id == "none" {
		return n.Itself() && len(causesOf(n)) == 0
	}
	for _, c := range causesOf(n) {
		if len(c.ID) >= len(id) && strings.EqualFold(c.ID[:len(id)], id) {
			return true
		}
	}
	return false
}

func causesOf(n *diff.Node) (out []*diff.Cause) {
	for _, r := range n.Reasons {
		if r.Cause != nil {
			out = append(out, r.Cause)
		}
	}
	return out
}

// keeps reports whether a row is found: by its conditions, and by its text in
// the path or in what is said of the node.
func (f diffFilter) keeps(r diffRow) bool {
	for _, c := range f.conds {
		if c.test(r) == c.not {
			return false
		}
	}
	return f.text.Empty() || f.text.Text(r.path()+" "+said(r.node))
}

// said is what a row says of its node besides the path.
func said(n *diff.Node) string {
	out := safe.Text(n.Name) + " " + string(n.Kind) + " " + diffFaces[n.Status].word
	for _, s := range n.Suspicions {
		out += " " + string(s.Kind) + " " + safe.Text(s.What)
	}
	for _, c := range causesOf(n) {
		out += " " + c.ID + " " + c.Name
	}
	why, _ := cause(n)
	return out + " " + safe.Text(why)
}

// filterNote says how many rows a filter leaves, or what is: may be followed by.
func (s *compareScreen) filterNote() string {
	f := parseDiffFilter(s.query)
	if strings.HasSuffix(s.query, "is:") || f.odd != "" {
		return "is:" + strings.Join(slices.Sorted(maps.Keys(diffStates)), " is:")
	}
	return s.tree.Position()
}

// filtered brings the rows that a filter found.
type filtered struct {
	gen  int
	rows []int
}

// filter gives the command that seeks the rows of a query; until it is done, the
// rows before stay.
func (s *compareScreen) filter(q string) tea.Cmd {
	f := parseDiffFilter(q)
	s.query = q
	s.tree.Mark = f.text.Needle()
	s.filterGen++
	if s.unfilter != nil {
		s.unfilter() // of the letters before
		s.unfilter = nil
	}
	if f.text.Empty() && len(f.conds) == 0 {
		s.tree.Show(nil)
		return nil
	}
	gen, rows := s.filterGen, s.rows.rows
	ctx, cancel := context.WithCancel(s.app.ctx)
	s.unfilter = cancel
	return toScreen(s, func() tea.Msg {
		defer cancel()
		found := []int{}
		for i, r := range rows {
			if i&0x3ff == 0 && ctx.Err() != nil {
				return nil
			}
			if f.keeps(r) {
				found = append(found, i)
			}
		}
		return filtered{gen, found}
	})
}
