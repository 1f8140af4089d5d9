package expect

import (
	"slices"
	"strings"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// Outcome is what a file permits of one tree.
type Outcome struct {
	File       *File
	Expected   int       // differences that a permit covers
	Unexpected int       // all others
	Expired    []*Permit // they would cover something, or not; they count no more
	Unused     []*Permit // they cover nothing of this tree

	by map[*diff.Node]*Permit
}

// Apply holds every difference of a tree against the permits. The tree is not
// changed.
func (f *File) Apply(root *diff.Node, now time.Time) *Outcome {
	o := &Outcome{File: f, by: map[*diff.Node]*Permit{}}
	var valid []*Permit
	for _, p := range f.Permits {
		p.Found = 0
		if p.expired(now) {
			o.Expired = append(o.Expired, p)
		} else {
			valid = append(valid, p)
		}
	}
	o.walk(root, nil, valid)
	for _, p := range valid {
		if p.Found == 0 {
			o.Unused = append(o.Unused, p)
		}
	}
	return o
}

// Of is the permit that covers a node's own difference; nil when none does, or
// when o is nil.
func (o *Outcome) Of(n *diff.Node) *Permit {
	if o == nil {
		return nil
	}
	return o.by[n]
}

// All reports whether there are differences and each of them is expected.
func (o *Outcome) All() bool { return o != nil && o.Unexpected == 0 && o.Expected > 0 }

func (o *Outcome) walk(n *diff.Node, above []string, ps []*Permit) {
	if n.Kind != diff.KindGroup {
		above = append(above[:len(above):len(above)], n.Name)
	}
	if n.Itself() {
		i := slices.IndexFunc(ps, func(p *Permit) bool { return p.covers(n, above) })
		if i < 0 {
			o.Unexpected++
		} else {
			o.Expected++
			ps[i].Found++
			o.by[n] = ps[i]
		}
	}
	for _, c := range n.Children {
		o.walk(c, above, ps)
	}
}

// covers reports whether a permit covers a node: its path is that of the node or
// of something the node lies in, and each of its reasons has the cause.
func (p *Permit) covers(n *diff.Node, names []string) bool {
	if p.Kind != "" && p.Kind != n.Kind || !p.causes(n) {
		return false
	}
	return slices.ContainsFunc(names, func(name string) bool { return diff.Glob(p.Path, name) })
}

// causes reports whether the permit's cause is that of every reason, derived
// ones apart. Without a cause in it a permit covers all but what could be an
// attack: that has to be named.
func (p *Permit) causes(n *diff.Node) bool {
	if len(n.Suspicions) > 0 && !strings.HasPrefix(p.Cause, "D7") {
		return false
	}
	if p.Cause == "" {
		return !slices.ContainsFunc(n.Reasons, func(r diff.Reason) bool {
			return r.Cause != nil && strings.HasPrefix(r.Cause.ID, "D7")
		})
	}
	found := false
	for _, r := range n.Reasons {
		switch {
		case r.Cause != nil && r.Cause.Confidence == diff.Derived:
		case r.Cause == nil || r.Cause.ID != p.Cause:
			return false
		default:
			found = true
		}
	}
	return found
}
