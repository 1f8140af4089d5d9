package rederive

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
)

// Explain seeks the rewriting between the two images of a tree and writes it
// into the tree: the reasons of the layers, manifest, config and indexes that it
// accounts for get their cause, and the root says all of it in one line. It
// gives nil when there is nothing to seek: no images, other content, or bytes
// that could not be read. The tree has to be settled anew afterwards.
func Explain(ctx context.Context, root *diff.Node, a, b *image.Image, o Options) (*Answer, error) {
	if a == nil || b == nil || root.Kind != diff.KindImage || unread(root) {
		return nil, nil
	}
	if root.Status != diff.Differs || outermost(a) == outermost(b) {
		return nil, nil // the images are one: what differs is what holds them
	}
	if !slices.Equal(diffIDs(a), diffIDs(b)) {
		if !sameTree(root) {
			return nil, nil
		}
		o.treesEqual, o.hides = true, hides(root)
	}
	o.Read = true // comparing them did
	ans, err := Images(ctx, a, b, o)
	if err != nil || len(ans.Steps) == 0 && len(ans.Against) == 0 {
		return nil, err
	}
	note(root, ans.Sentence())
	if !ans.Found {
		return ans, nil
	}
	for i := range ans.Steps {
		writeStep(root, &ans.Steps[i])
	}
	if ans.Confidence() == diff.Proved {
		objects(root, ans)
	}
	return ans, nil
}

func note(n *diff.Node, s string) {
	if n.Note != "" {
		n.Note += "; "
	}
	n.Note += s
}

// unread reports whether bytes of an image could not be read, so that nothing
// may be said of the whole.
func unread(root *diff.Node) bool {
	return root.Status == diff.Unreadable || slices.ContainsFunc(root.Children, unread)
}

// sameTree reports whether the tree found the effective file systems equal.
func sameTree(root *diff.Node) bool {
	return root.Kind == diff.KindRootfs && root.Status == diff.Same || slices.ContainsFunc(root.Children, sameTree)
}

// hides reports whether layers of a tree have entries that the file system they
// make does not show.
func hides(n *diff.Node) bool {
	return slices.ContainsFunc(n.Reasons, func(r diff.Reason) bool {
		return r.Cause != nil && r.Cause.ID == "A7" && r.Cause.Confidence < diff.Proved && n.Kind == diff.KindLayer && r.Field != "split" && r.Field != "merged"
	}) ||
		slices.ContainsFunc(n.Children, hides)
}

// writeStep gives a step's cause to the nodes that it is about; one that is
// about none of them becomes a reason of the root.
func writeStep(root *diff.Node, s *Step) {
	cause := func() *diff.Cause {
		return &diff.Cause{ID: s.Cause, Name: s.Text, Confidence: s.Confidence, Evidence: s.Evidence, Fix: s.Fix}
	}
	switch {
	case s.Cause == "A5":
		visit(root, diff.KindLayer, func(n *diff.Node) {
			if n.Status != diff.Differs || n.A == nil || !slices.ContainsFunc(s.Layers, func(k int) bool { return n.A.Name == layerName(k) }) {
				return
			}
			for i := range n.Reasons {
				if n.Reasons[i].Cause == nil {
					n.Reasons[i].Cause = cause()
				}
			}
			n.Reasons = append(n.Reasons, diff.Reason{Field: "encoder", A: s.From, B: s.To, Cause: cause()})
		})
	case s.Cause == "A1" || s.Cause == "A6":
		shown := slices.ContainsFunc(root.Reasons, func(r diff.Reason) bool { return r.Field == "index" })
		visit(root, diff.KindIndex, func(*diff.Node) { shown = true })
		if !shown {
			root.Reasons = append(root.Reasons, diff.Reason{Field: "index", A: s.From, B: s.To, Cause: cause()})
		}
	}
}

// objects gives what is left of the reasons of indexes, manifest and config the
// cause that the whole has: all of it was undone, and the rest was equal.
func objects(root *diff.Node, ans *Answer) {
	for kind, id := range map[diff.Kind]string{diff.KindIndex: "A1", diff.KindManifest: "A3", diff.KindConfig: "A4"} {
		visit(root, kind, func(n *diff.Node) {
			for i := range n.Reasons {
				if n.Reasons[i].Cause != nil {
					continue
				}
				c := &diff.Cause{ID: id, Name: string(kind) + " written again", Confidence: diff.Proved, Evidence: ans.Sentence(), Fix: fixBuilder}
				if kind != diff.KindConfig && strings.Contains(n.Reasons[i].Field+"/", "/annotations/") {
					c.ID, c.Name, c.Fix = "A2", "annotations", fixExporter
				}
				n.Reasons[i].Cause = c
			}
		})
	}
}

func visit(n *diff.Node, kind diff.Kind, f func(*diff.Node)) {
	if n.Kind == kind {
		f(n)
	}
	for _, c := range n.Children {
		visit(c, kind, f)
	}
}

func layerName(number int) string { return fmt.Sprintf("layer %d", number) }
