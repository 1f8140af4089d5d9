package render

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/stagescope/stagescope/diff"
)

// unmatched says which of what was asked for is nowhere among the differences: a name
// that was mistyped must not read as one in which nothing differs.
func (o Options) unmatched(root *diff.Node) (out []string) {
	only, fold := slices.Clone(o.Only), slices.Clone(o.Fold)
	var walk func(*diff.Node)
	walk = func(n *diff.Node) {
		if len(only)+len(fold) == 0 {
			return
		}
		if n.Status != diff.Same {
			only = slices.DeleteFunc(only, func(g string) bool { return g == string(n.Kind) || diff.Glob(g, n.Name) })
			fold = slices.DeleteFunc(fold, func(id string) bool {
				return slices.ContainsFunc(n.Reasons, func(r diff.Reason) bool { return r.Cause != nil && r.Cause.ID == id })
			})
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(root)
	for _, g := range only {
		out = append(out, fmt.Sprintf("nothing that differs has the path or kind of --only %s; that may be equal, or not there", strconv.Quote(g)))
	}
	for _, id := range fold {
		out = append(out, fmt.Sprintf("no difference has the cause of --fold %s", strconv.Quote(id)))
	}
	return out
}
