package cause

import (
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// notRewritten finds layers in which an exporter rewrote the times on one side
// only, as it happens with layers that come from a cache or from a base image:
// all times of one side are one, those of the other are not, and other layers of
// the image have no such difference.
func (c *classifier) notRewritten(n *diff.Node) {
	var layers []*diff.Node
	for _, k := range n.Children {
		c.notRewritten(k)
		if k.Kind == diff.KindLayer && k.A != nil && k.B != nil {
			layers = append(layers, k)
		}
	}
	if len(layers) < 2 {
		return
	}
	found := map[*diff.Node]*times{}
	for _, l := range layers {
		t := &times{a: map[string]bool{}, b: map[string]bool{}, proved: true}
		t.of(l)
		if len(t.a) > 0 {
			found[l] = t
		}
	}
	if len(found) == 0 || len(found) == len(layers) {
		return
	}
	for _, l := range layers {
		if t := found[l]; t != nil && (len(t.a) == 1) != (len(t.b) == 1) {
			l.Reasons = append(l.Reasons, t.reason(len(found), len(layers)))
		}
	}
}

// times are the modification times in which the entries of a layer differ.
type times struct {
	a, b   map[string]bool
	proved bool
}

func (t *times) of(n *diff.Node) {
	for _, r := range n.Reasons {
		if r.Field != "mtime" {
			continue
		}
		t.a[r.A], t.b[r.B] = true, true
		t.proved = t.proved && r.Cause != nil && r.Cause.Confidence == diff.Proved
	}
	for _, k := range n.Children {
		t.of(k)
	}
}

func (t *times) reason(differing, all int) diff.Reason {
	text := func(m map[string]bool) string {
		if len(m) > 1 {
			return fmt.Sprintf("%d times", len(m))
		}
		for k := range m {
			return "all " + strings.TrimSpace(k)
		}
		return ""
	}
	c := &diff.Cause{ID: "A8", Name: "times rewritten on one side only", Confidence: diff.Likely,
		Evidence: fmt.Sprintf("one side has one time in all entries that differ, the other has several, in %d of %d layers", differing, all),
		Fix:      "export with rewrite-timestamp=true from an empty cache; base images need it as well (moby/buildkit#4746)"}
	if t.proved {
		c.Confidence = diff.Proved
		c.Evidence += "; the headers are equal without the times"
	}
	return diff.Reason{Field: "rewritten times", A: text(t.a), B: text(t.b), Cause: c}
}
