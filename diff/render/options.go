package render

import (
	"path"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// Options say what is written and how.
type Options struct {
	A, B     string // what was compared, as it was named
	Color    bool   // styles, for text on a terminal
	Stat     bool   // the summary only
	Full     bool   // all content and all entries of a group, however many
	Complete bool   // whether comparing was not cut short
	// Only shows just the nodes whose path matches one of these globs, or whose
	// kind is one of them. What is left out is counted.
	Only []string
	// Fold shows one line instead of the entries that differ for one of these
	// causes alone.
	Fold []string
}

// Bounds of what is written without Full.
const (
	maxHunks = 12  // of one content
	maxLines = 120 // of one content
	maxGroup = 3   // entries of a folded group
	maxHex   = 8   // rows of 16 bytes of one range
)

// wanted reports whether a node is to be shown by itself.
func (o Options) wanted(n *diff.Node) bool {
	if len(o.Only) == 0 {
		return true
	}
	if slices.Contains(o.Only, string(n.Kind)) {
		return true
	}
	for _, g := range o.Only {
		for _, name := range []string{n.Name, path.Base(n.Name)} {
			if ok, err := path.Match(g, name); ok && err == nil {
				return true
			}
		}
	}
	return false
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
