package tui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/render"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// diffRow is a visible node of a difference tree.
type diffRow struct {
	node  *diff.Node
	depth int
	up    *diffPlace // nil for the root
}

// diffPlace is a node that others lie in. Paths are made of them when one is asked for:
// a hundred thousand rows are built within a frame.
type diffPlace struct {
	node *diff.Node
	up   *diffPlace
}

// diffRows is the tree as the flat list of its visible nodes.
type diffRows struct {
	root *diff.Node
	rows []diffRow
	shut map[*diff.Node]bool // nodes that are closed
	all  bool                // nodes that are the same are shown too
	flat bool                // only nodes without children, by their path
	open bool                // only what is not explained, and what that lies in
	list bool                // rows stand alone, as those that a filter leaves: each says in which file it is
}

var diffFaces = map[diff.Status]face{
	diff.NotChecked: {"·", look.Warn, "not checked"},
	diff.Same:       {"=", look.Good, "same"},
	diff.Differs:    {"≠", look.Bad, "differs"},
	diff.OnlyA:      {"-", look.AddedA, "only in A"},
	diff.OnlyB:      {"+", look.AddedB, "only in B"},
	diff.Unreadable: {"!", look.Warn, "unreadable"},
}

func (r *diffRows) build() {
	r.rows = make([]diffRow, 0, len(r.rows)) // a filter may still look at the old ones
	if r.root != nil {
		r.add(r.root, diffRow{node: r.root})
	}
}

func (r *diffRows) add(n *diff.Node, row diffRow) {
	depth := row.depth
	hide := depth > 0 && (!r.all && n.Status == diff.Same || r.open && (n.Residue == diff.ResidueNone || derived(n) && len(n.Children) == 0))
	closed := r.shut[n] && n.Kind == diff.KindGroup
	if !hide && (!r.flat || len(n.Children) == 0 || closed) {
		shown := row
		if r.flat {
			shown.depth = 0
		}
		r.rows = append(r.rows, shown)
	}
	if hide || closed || len(n.Children) == 0 || r.shut[n] && !r.flat {
		return
	}
	up := &diffPlace{n, row.up}
	for _, c := range n.Children {
		r.add(c, diffRow{node: c, depth: depth + 1, up: up})
	}
}

// pathSep stands between the names of a path.
const pathSep = " › "

// path is the names from the root on, for filters and copying.
func (r diffRow) path() string {
	names := []string{r.node.Name}
	for at := r.up; at != nil; at = at.up {
		names = append(names, at.node.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, pathSep)
}

// short is the names from the file on that the node is or lies in, and what holds the
// file; "" where that is the root, of which there is only one.
func (r diffRow) short() (path, in string) {
	names := []string{r.node.Name}
	for at := r.up; at != nil; at = at.up {
		if at.node.Kind != diff.KindGroup && diff.HoldsFiles(at.node.Kind) {
			if at.up != nil {
				in = at.node.Name
			}
			break
		}
		names = append(names, at.node.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, pathSep), in
}

// Len and Row make it the rows of a list.
func (r *diffRows) Len() int { return len(r.rows) }

func (r *diffRows) Row(i, width int) look.Line {
	row := r.rows[i]
	n := row.node
	f := diffFaces[n.Status]
	alone := r.flat || r.list
	name, in := n.Name, ""
	indent := row.depth
	if alone {
		name, in = row.short()
		indent = 0
	}
	line := look.T(look.Faint, strings.Repeat("  ", indent))
	arrow := "  "
	if len(n.Children) > 0 && (!alone || r.shut[n]) {
		arrow = "▾ "
		if r.shut[n] {
			arrow = "▸ "
		}
	}
	role := look.Plain
	if n.Status == diff.Same {
		role = look.Muted
	}
	line = line.Add(look.Faint, arrow).Add(f.role, f.sign+" ").Add(role, safe.Text(name))
	if n.Kind != diff.KindGroup && !strings.HasPrefix(n.Name, string(n.Kind)) {
		line = line.Add(look.Faint, " "+safe.Text(string(n.Kind)))
	}
	if len(n.Suspicions) > 0 {
		line = line.Add(look.Bad, "  ‼ "+safe.Text(string(n.Suspicions[0].Kind)))
	} else if n.Suspicious > 0 && r.shut[n] {
		line = line.Add(look.Bad, fmt.Sprintf("  ‼ %d inside", n.Suspicious))
	}
	why, role := cause(n)
	if why == "" && r.shut[n] && openInside(n) {
		why, role = insideOpen, look.Warn
	}
	if why != "" {
		line = line.Add(role, "  "+safe.Text(why))
	}
	if n.Capped {
		line = line.Add(look.Warn, " cut short")
	}
	if in != "" {
		line = line.Add(look.Faint, "  in "+safe.Text(in))
	}
	return line
}

// insideOpen is said of a node whose own properties are explained, or that is closed,
// where something that lies in it is not: else its row would read as if all were noise.
const insideOpen = "unexplained inside"

// openInside reports whether nothing explains some of what lies in a node.
func openInside(n *diff.Node) bool {
	return n.Status == diff.Differs && n.Residue != diff.ResidueNone && !n.Leaf()
}

// cause is what a person must know of a node in a few words: what nothing
// explains, else the least certain of its causes.
func cause(n *diff.Node) (string, look.Role) {
	if s := lonelySide(n); s != nil {
		if s.Size >= 0 {
			return size(s.Size), look.Muted
		}
		return "", look.Muted
	}
	var least *diff.Cause
	var fields []string
	for _, r := range n.Reasons {
		switch {
		case r.Cause == nil:
			fields = append(fields, r.Field)
		case least == nil || r.Cause.Confidence < least.Confidence:
			least = r.Cause
		}
	}
	left := total(n.UnexplainedA) + total(n.UnexplainedB)
	switch {
	case len(fields) > 0:
		return strings.Join(render.Together(fields), ", "), look.Warn
	case least != nil && least.Confidence == diff.Likely:
		return least.Name + ", " + least.Confidence.String(), look.Warn
	case left > 0 && n.Leaf():
		return plural(int(left), "byte", "bytes") + " not explained", look.Warn
	case least != nil && openInside(n):
		return least.Name + "; " + insideOpen, look.Warn
	case least != nil && n.Kind != diff.KindGroup:
		return least.Name, look.Muted
	case least != nil:
		return least.ID + " " + least.Name + ", " + least.Confidence.String(), look.Muted
	}
	return n.Note, look.Warn
}

// lonelySide is the one side that a node has; nil when it has both.
func lonelySide(n *diff.Node) *diff.Side {
	switch n.Status {
	case diff.OnlyA:
		return n.A
	case diff.OnlyB:
		return n.B
	}
	return nil
}

// isDifference reports a node at which next and previous stop: one that is
// not the same, has nothing below it that says more, and is not only the hash
// of what differs elsewhere.
func isDifference(n *diff.Node) bool {
	if n.Status == diff.Same || n.Listing || derived(n) {
		return false
	}
	for _, c := range n.Children {
		if c.Status != diff.Same && !c.Listing {
			return false
		}
	}
	return true
}

// derived reports a node that differs only because something else does.
func derived(n *diff.Node) bool {
	for _, r := range n.Reasons {
		if r.Cause == nil || r.Cause.Confidence != diff.Derived {
			return false
		}
	}
	return len(n.Reasons) > 0
}

// next is the row of the next difference after from in direction dir, or -1.
func (r *diffRows) next(l *list.List, from, dir int) int {
	for i := from + dir; i >= 0 && i < len(r.rows); i += dir {
		if n := r.rows[i].node; isDifference(n) || r.shut[n] && n.Status != diff.Same && !derived(n) {
			return i
		}
	}
	return -1
}

// tallyDiff counts the statuses of the leaves below n.
func tallyDiff(n *diff.Node, by map[diff.Status]int) {
	if n.Listing {
		return
	}
	if n.Leaf() {
		by[n.Status] += max(1, n.Count)
		return
	}
	for _, c := range n.Children {
		tallyDiff(c, by)
	}
}

// reasons fills a sheet with what is known of a node.
func (sh *sheet) node(n *diff.Node) {
	f := diffFaces[n.Status]
	sh.add(look.T(f.role, f.sign+" "+f.word).Add(look.Muted, "  "+safe.Text(string(n.Kind))))
	for _, f := range n.Suspicions {
		sh.para(look.Bad, "‼ "+string(f.Kind)+": "+f.What)
	}
	if n.Note != "" {
		sh.para(look.Warn, n.Note)
	}
	if n.Capped {
		sh.para(look.Warn, "a bound was hit: more differs, or may differ, than is shown")
	}
	sh.gap()
	sh.side("A", look.AddedA, n.A)
	sh.side("B", look.AddedB, n.B)
	for _, r := range n.Reasons {
		sh.heading(safe.Text(r.Field), "")
		sh.sideValue("A", look.AddedA, r.A)
		sh.sideValue("B", look.AddedB, r.B)
		if c := r.Cause; c != nil {
			sh.field("cause", look.Strong, c.ID+" "+c.Name)
			sh.field("", look.Muted, c.Confidence.String())
			sh.field("evidence", look.Plain, c.Evidence)
			sh.field("fix", look.Plain, c.Fix)
		}
	}
	if n.Status == diff.Differs && len(n.Children) == 0 {
		sh.gap()
		sh.residue(n)
	}
}

// summary is what the report says first: what accounts for what, and what
// nothing explains.
func (sh *sheet) summary(s render.Summary, tallies string) {
	if s.Differing == 0 {
		return
	}
	sh.gap()
	sh.para(look.Strong, tallies)
	for _, c := range s.Causes {
		role := look.Plain
		if c.Confidence == diff.Likely {
			role = look.Warn
		}
		sh.field(fmt.Sprintf("%-4s %d", c.ID, c.Entries), role, c.Name+", "+c.Confidence.String())
	}
	sh.suspects(s)
	for _, part := range []struct {
		title string
		role  look.Role
		list  []render.Finding
	}{{"Not explained, worst first", look.Warn, s.Unexplained}, {"Not read", look.Warn, s.Unread}} {
		if len(part.list) == 0 {
			continue
		}
		sh.heading(part.title, fmt.Sprint(len(part.list)))
		for i, f := range part.list {
			if i == maxSummary {
				sh.para(look.Muted, fmt.Sprintf("… and %d more", len(part.list)-i))
				break
			}
			sh.para(part.role, f.Path+": "+f.What)
		}
	}
}

// suspects lists the files with suspicions, worst first: what each has, and its worst.
func (sh *sheet) suspects(s render.Summary) {
	if len(s.Suspects) == 0 {
		return
	}
	sh.heading("Suspicious, worst first", fmt.Sprint(len(s.Suspicious)))
	for i, f := range s.Suspects {
		if i == maxSummary {
			sh.para(look.Muted, fmt.Sprintf("… and %d more files; s goes through all", len(s.Suspects)-i))
			break
		}
		worst := f.Found()[0]
		what := f.Path + ": " + worst.Said()
		if f.Findings > 1 {
			what += fmt.Sprintf("; with %s", f.Others())
		}
		sh.para(look.Bad, what)
	}
}

// maxSummary bounds each list of the summary; the tree has them all.
const maxSummary = 50

func (sh *sheet) side(name string, role look.Role, s *diff.Side) {
	if s == nil {
		sh.add(look.T(role, look.Left(name, 3)).Add(look.Faint, "is not there"))
		return
	}
	bytes := ""
	if s.Size >= 0 {
		bytes = "  " + size(s.Size)
	}
	sh.add(look.T(role, look.Left(name, 3)).Add(look.Plain, safe.Text(s.Name)).Add(look.Muted, bytes)).copy = string(s.Digest)
	if s.Digest != "" {
		sh.sideValue("", look.Faint, string(s.Digest))
	}
}

func (sh *sheet) sideValue(name string, role look.Role, v string) {
	for i, l := range look.Wrap(look.Plain, safe.Text(v), breakAt(v, sh.w-3)) {
		label := "   "
		if i == 0 {
			label = look.Left(name, 3)
		}
		sh.add(append(look.T(role, label), l...)).copy = v
	}
}

func (sh *sheet) residue(n *diff.Node) {
	switch n.Residue {
	case diff.ResidueNone:
		sh.para(look.Good, "every differing byte is explained")
	case diff.ResidueKnown:
		if total(n.UnexplainedA)+total(n.UnexplainedB) == 0 {
			sh.para(look.Bad, "not explained: "+openFields(n))
			return
		}
		sh.para(look.Bad, fmt.Sprintf("not explained: %s of A, and %d of B", plural(int(total(n.UnexplainedA)), "byte", "bytes"), total(n.UnexplainedB)))
	default:
		sh.para(look.Warn, "nobody has examined whether every differing byte is explained")
	}
}

// openFields are the properties that no cause accounts for.
func openFields(n *diff.Node) string {
	var fields []string
	for _, r := range n.Reasons {
		if r.Cause == nil || r.Cause.Confidence < diff.Derived {
			fields = append(fields, r.Field)
		}
	}
	if len(fields) == 0 {
		return "why it differs"
	}
	return strings.Join(fields, ", ")
}

func total(rs []diff.Range) int64 {
	var n int64
	for _, r := range rs {
		n += r.Len
	}
	return n
}
