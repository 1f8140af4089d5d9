package render

import (
	"slices"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/expect"
)

// Options say what is written and how.
type Options struct {
	A, B     string // what was compared, as it was named
	Color    bool   // styles, for text on a terminal
	Width    int    // columns of the terminal that text is written for; 0 means that lines are as long as they are
	Stat     bool   // the summary only
	Full     bool   // all content and all entries of a group, however many
	Complete bool   // whether comparing was not cut short
	// Only shows just the nodes whose path matches one of these globs, or whose
	// kind is one of them, with all that is in them. What is left out is counted.
	Only []string
	// Fold shows one line instead of the entries that differ for one of these
	// causes alone.
	Fold []string
	// MaxLines bounds the lines that are shown of one content; 0 means the
	// format's own bound. Full lifts both.
	MaxLines int
	// MaxBytes bounds the whole report: after so many bytes no more nodes are
	// written, but counted where they would be. 0 means that there is no bound.
	MaxBytes int64
	// Expected says which differences are permitted; nil when nobody asked.
	Expected *expect.Outcome

	paged  bool // content lies in pages that are opened one by one
	narrow bool // there is little room for rows of bytes
}

// bounds of one content, and of the list behind a group.
type bounds struct {
	hunks int
	lines int
	rows  int  // of 16 bytes, of one range
	group int  // entries
	all   bool // lines are not cut
	raw   bool // long ranges may be given as bytes, and long lines in several rows

	narrow bool // rows of bytes have half as many
}

const noBound = 1 << 60

// bounds are those in force. What lies in pages is whole.
func (o Options) bounds() bounds {
	b := bounds{hunks: 12, lines: 120, rows: 8, group: 3}
	if o.MaxLines > 0 {
		b.lines = o.MaxLines
		b.hunks, b.rows = noBound, max(b.rows, o.MaxLines)
	}
	if o.Full || o.paged {
		b = bounds{hunks: noBound, lines: noBound, rows: noBound, group: noBound, all: true, raw: o.paged}
	}
	if o.paged && o.MaxLines > 0 && !o.Full {
		b.lines = o.MaxLines
	}
	b.narrow = o.narrow
	return b
}

// wanted reports whether a node is to be shown by itself.
func (o Options) wanted(n *diff.Node) bool {
	if len(o.Only) == 0 {
		return true
	}
	if slices.Contains(o.Only, string(n.Kind)) {
		return true
	}
	return slices.ContainsFunc(o.Only, func(g string) bool { return diff.Glob(g, n.Name) })
}

// below are the options for what is in a node: all of it is shown when the node is.
func (o Options) below(n *diff.Node) Options {
	if len(o.Only) > 0 && o.wanted(n) {
		o.Only = nil
	}
	return o
}

// within reports whether a node, or any below it, is to be shown.
func (o Options) within(n *diff.Node) bool {
	if o.wanted(n) {
		return true
	}
	return slices.ContainsFunc(n.Children, o.within)
}

// folded reports whether a node differs only for causes that are folded.
func (o Options) folded(n *diff.Node) bool {
	if len(o.Fold) == 0 || len(n.Reasons) == 0 || n.Suspicious > 0 || n.Residue != diff.ResidueNone {
		return false
	}
	for _, r := range n.Reasons {
		if r.Cause == nil || !slices.Contains(o.Fold, r.Cause.ID) {
			return false
		}
	}
	return true
}
