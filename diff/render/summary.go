package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// Summary is what a tree says in a few lines.
type Summary struct {
	Status      diff.Status  `json:"status"`
	Complete    bool         `json:"complete"` // nothing was capped, unreadable or cut short
	Residue     diff.Residue `json:"residue"`
	Differing   int          `json:"differing"` // entries that differ or are on one side only
	Equal       int          `json:"equal"`     // entries and parts that are equal
	Explained   int          `json:"explained"` // of the differing: proved, or derived from what is
	Expected    int          `json:"expected"`  // of the differing: permitted by the file of --expect
	Causes      []Tally      `json:"causes"`
	Suspicious  []Finding    `json:"suspicious"`  // never folded, worst first
	Suspects    []Suspect    `json:"suspects"`    // the files that these are in, worst first
	Unexplained []Finding    `json:"unexplained"` // worst first
	Unread      []Finding    `json:"unread"`      // not checked, or not completely

	images     bool              // what is compared are images, and not the files that hold them
	listed     bool              // one side is a list of files, without their contents
	SameTree   bool              `json:"sameTree,omitempty"`   // they differ in their containers, and the files in these were found equal
	Unrecorded []diff.Unrecorded `json:"unrecorded,omitempty"` // properties that one side does not record, and that were not compared
}

// Tally counts the entries that have one cause.
type Tally struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Confidence diff.Confidence `json:"confidence"` // the weakest of all
	Entries    int             `json:"entries"`
	Fix        string          `json:"fix,omitempty"`
}

// Finding is a node that needs a person.
type Finding struct {
	Path    string             `json:"path"`           // names from the root down, joined by " / "
	File    string             `json:"file,omitempty"` // the path of the file that it is in, or is
	Kind    diff.SuspicionKind `json:"kind,omitempty"`
	Telling bool               `json:"telling,omitempty"` // it reaches for what an attack needs
	What    string             `json:"what"`
	Bytes   int64              `json:"bytes"` // that nothing explains, of both sides

	node *diff.Node
	file *diff.Node
}

// Node is what the finding is about.
func (f Finding) Node() *diff.Node { return f.node }

// wrapping is the beginning of every path of a tree that says nothing: the root,
// and the manifest where there is one.
func wrapping(root *diff.Node) string {
	out := root.Name + " / "
	if len(root.Children) == 1 && root.Children[0].Kind == diff.KindManifest {
		out += root.Children[0].Name + " / "
	}
	return out
}

// Summarize walks a tree once.
func Summarize(root *diff.Node, complete bool) Summary {
	s := Summary{images: root.Kind == diff.KindImage, Status: root.Status, Residue: root.Residue, Complete: complete && !root.Capped, Causes: []Tally{}, Suspicious: []Finding{}, Suspects: []Suspect{}, Unexplained: []Finding{}, Unread: []Finding{}}
	s.SameTree = root.Kind == diff.KindTree && root.Status == diff.Differs && leaf(root) && s.Complete
	for _, r := range root.Reasons {
		s.listed = s.listed || strings.Contains(r.A+r.B, string(diff.KindFileList))
	}
	s.Unrecorded = root.Unrecorded
	w := &summing{s: &s, by: map[string]*Tally{}}
	w.walk(root, nil, place{file: root, path: root.Name})
	for _, t := range w.by {
		s.Causes = append(s.Causes, *t)
	}
	slices.SortFunc(s.Causes, func(a, b Tally) int {
		return cmp.Or(-cmp.Compare(a.Entries, b.Entries), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(s.Suspicious, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.weight(), a.weight()), cmp.Compare(b.Bytes, a.Bytes))
	})
	s.Suspects = suspects(s.Suspicious)
	slices.SortStableFunc(s.Unexplained, func(a, b Finding) int { return cmp.Compare(badness(b.node), badness(a.node)) })
	if len(s.Unread) > 0 {
		s.Complete = false
	}
	return s
}

type summing struct {
	s  *Summary
	by map[string]*Tally
}

// place is the file that a node is or lies in.
type place struct {
	file *diff.Node
	path string
}

func (w *summing) walk(n *diff.Node, at []string, in place) {
	if n.Listing {
		return
	}
	w.s.Equal += n.Equal
	if n.Kind == diff.KindGroup {
		for _, c := range n.Children {
			w.walk(c, at, place{file: c})
		}
		return
	}
	at = append(at[:len(at):len(at)], n.Name)
	where := strings.Join(at, " / ")
	if in.file == n {
		in.path = where
	}
	for _, f := range n.Suspicions {
		w.s.Suspicious = append(w.s.Suspicious, Finding{Path: where, File: in.path, Kind: f.Kind, Telling: f.Telling, What: f.What, Bytes: unexplained(n), node: n, file: in.file})
	}
	switch {
	case n.Status == diff.Same:
		if len(n.Children) == 0 {
			w.s.Equal++
		}
	case n.Status == diff.Unreadable, n.Status == diff.NotChecked && len(n.Children) == 0:
		w.s.Unread = append(w.s.Unread, Finding{Path: where, What: cmp.Or(n.Note, "it was not looked at"), node: n})
	default:
		w.differing(n, where, in)
	}
	files := len(n.Children) > 0 && diff.HoldsFiles(n.Kind)
	for _, c := range n.Children {
		if files {
			in = place{file: c}
		}
		w.walk(c, at, in)
	}
}

// differing counts a node's own reasons. A node whose children account for it
// counts only with reasons of its own.
func (w *summing) differing(n *diff.Node, where string, in place) {
	own := len(n.Reasons) > 0 || leaf(n) || len(n.UnexplainedA)+len(n.UnexplainedB) > 0
	if ownCapped(n) {
		w.s.Unread = append(w.s.Unread, Finding{Path: where, What: n.Note, node: n})
	}
	if !own {
		return
	}
	seen := map[string]bool{}
	derived := len(n.Reasons) > 0
	for _, r := range n.Reasons {
		if r.Cause == nil || r.Cause.Confidence != diff.Derived {
			derived = false
		}
		if r.Cause == nil || r.Cause.ID == "derived" {
			continue
		}
		key := r.Cause.ID + r.Cause.Name
		t := w.by[key]
		if t == nil {
			t = &Tally{ID: r.Cause.ID, Name: r.Cause.Name, Confidence: r.Cause.Confidence, Fix: r.Cause.Fix}
			w.by[key] = t
		}
		t.Confidence = min(t.Confidence, r.Cause.Confidence)
		if !seen[key] {
			seen[key] = true
			t.Entries++
		}
		if strings.HasPrefix(r.Cause.ID, "D7") && len(n.Suspicions) == 0 {
			w.s.Suspicious = append(w.s.Suspicious, Finding{Path: where, File: in.path, What: r.Cause.Name + said(r), Bytes: unexplained(n), node: n, file: in.file})
		}
	}
	if derived && !ownResidue(n) {
		return // it follows from what is counted elsewhere
	}
	w.s.Differing++
	if ownResidue(n) {
		w.s.Unexplained = append(w.s.Unexplained, Finding{Path: where, File: in.path, What: what(n), Bytes: unexplained(n), node: n, file: in.file})
	} else {
		w.s.Explained++
	}
}

// said is a reason's values, when it has any.
func said(r diff.Reason) string {
	if r.A == "" && r.B == "" {
		return ""
	}
	return fmt.Sprintf(" (%s %s → %s)", r.Field, cmp.Or(r.A, "none"), cmp.Or(r.B, "none"))
}

// leaf reports whether no child accounts for a node.
func leaf(n *diff.Node) bool {
	return !slices.ContainsFunc(n.Children, func(c *diff.Node) bool { return !c.Listing })
}

// ownCapped reports a bound that was hit at this node and not below it.
func ownCapped(n *diff.Node) bool {
	return n.Capped && !slices.ContainsFunc(n.Children, func(c *diff.Node) bool { return c.Capped })
}

// ownResidue reports whether something of the node itself is not explained.
func ownResidue(n *diff.Node) bool {
	if leaf(n) {
		return n.Residue != diff.ResidueNone
	}
	for _, r := range n.Reasons {
		if r.Cause == nil || r.Cause.Confidence < diff.Derived {
			return true
		}
	}
	return len(n.UnexplainedA)+len(n.UnexplainedB) > 0
}

func unexplained(n *diff.Node) (sum int64) {
	for _, r := range n.UnexplainedA {
		sum += r.Len
	}
	for _, r := range n.UnexplainedB {
		sum += r.Len
	}
	return sum
}

// what says in a few words what is not explained of a node.
func what(n *diff.Node) string {
	switch n.Status {
	case diff.OnlyA, diff.OnlyB:
		return n.Status.String()
	}
	var fields []string
	for _, r := range n.Reasons {
		if r.Cause == nil || r.Cause.Confidence < diff.Derived {
			fields = append(fields, r.Field)
		}
	}
	fields = Together(fields)
	if b := unexplained(n); b > 0 {
		fields = append(fields, plural(int(b), "byte")+" of content")
	} else if len(fields) == 0 {
		fields = append(fields, "content, not examined")
	}
	return strings.Join(fields, ", ")
}

// Together names what comes several times once, with its count.
func Together(fields []string) (out []string) {
	times := map[string]int{}
	for _, f := range fields {
		if times[f]++; times[f] == 1 {
			out = append(out, f)
		}
	}
	for i, f := range out {
		if k := times[f]; k > 1 {
			out[i] = fmt.Sprintf("%s (%s times)", f, number(k))
		}
	}
	return out
}

// badness orders what nothing explains: by the heaviest suspicion, then programs
// first, then what is on one side only, then by bytes.
func badness(n *diff.Node) int64 {
	heaviest := 0
	for _, s := range n.Suspicions {
		heaviest = max(heaviest, s.Weight())
	}
	for _, r := range n.Reasons {
		if r.Cause != nil && strings.HasPrefix(r.Cause.ID, "D7") {
			heaviest = max(heaviest, Finding{}.weight())
		}
	}
	b := min(unexplained(n), 1<<40-1) + int64(heaviest)<<48
	if !diff.Textual(n.Kind) {
		b += 1 << 40
	}
	if n.Status == diff.OnlyB {
		b += 1 << 41
	}
	return b
}

// Tallies is the sentence that counts: how many differences the causes account
// for, and the worst of those that none does.
func (s Summary) Tallies() string { return tallies(s, safe.Line) }
