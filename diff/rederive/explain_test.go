package rederive

import (
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
)

// explained compares two images and explains the tree as the verb does.
func explained(t *testing.T, a, b spec) (*diff.Node, *Answer) {
	t.Helper()
	c, err := diff.Refs(t.Context(), a.build(t), b.build(t), image.Options{Offline: true}, diff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ans, err := Explain(t.Context(), c.Root, c.ImageA, c.ImageB, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := cause.Classify(t.Context(), c.Root, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	return c.Root, ans
}

func reasonOf(n *diff.Node, kind diff.Kind, field string) *diff.Reason {
	var out *diff.Reason
	visit(n, kind, func(n *diff.Node) {
		for i := range n.Reasons {
			if n.Reasons[i].Field == field && out == nil {
				out = &n.Reasons[i]
			}
		}
	})
	return out
}

func TestExplainRecompressed(t *testing.T) {
	b := published(t)
	b.pack = asGzip(9)
	root, ans := explained(t, published(t), b)
	r := reasonOf(root, diff.KindLayer, "encoder")
	if ans == nil || !ans.Found || r == nil || r.Cause.ID != "A5" || r.Cause.Confidence != diff.Proved || r.Cause.Name != "recompressed: gzip level 6 → 9 (Go compress/flate)" {
		t.Fatalf("%+v %+v", ans, r)
	}
	if root.Status != diff.Differs || root.Residue != diff.ResidueNone || !strings.Contains(root.Note, "differs only by: recompressed: gzip level 6 → 9") {
		t.Errorf("%s, residue %s, note %q", root.Status, root.Residue, root.Note)
	}
}

// An encoder that nobody knows leaves its bytes in the residue, though the
// archives are equal.
func TestExplainUnknownEncoder(t *testing.T) {
	b := published(t)
	b.pack = asOdd
	root, ans := explained(t, published(t), b)
	if ans == nil || ans.Confidence() != diff.Likely || root.Residue != diff.ResidueKnown || root.Status != diff.Differs {
		t.Errorf("%+v; %s, residue %s", ans, root.Status, root.Residue)
	}
}

// Every rewriting that is proved leaves nothing of the tree unexplained, and
// none of them makes the images the same.
func TestExplainAll(t *testing.T) {
	for _, tc := range rewritings {
		if tc.want != 0 {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			b := published(t)
			tc.change(&b)
			root, ans := explained(t, published(t), b)
			if ans == nil || !ans.Found {
				t.Fatalf("%+v", ans)
			}
			if root.Status != diff.Differs || root.Residue != diff.ResidueNone {
				t.Errorf("%s, residue %s: %s", root.Status, root.Residue, ans.Sentence())
			}
		})
	}
}

// What is run is never explained away.
func TestExplainEntrypoint(t *testing.T) {
	b := published(t)
	b.pack = asGzip(9)
	b.config = func(c *ocispec.Image) { c.Config.Entrypoint = []string{"/bin/evil"} }
	root, ans := explained(t, published(t), b)
	if ans == nil || ans.Found || root.Residue != diff.ResidueKnown {
		t.Errorf("%+v; residue %s", ans, root.Residue)
	}
	r := reasonOf(root, diff.KindConfig, "/config/Entrypoint")
	if r == nil || r.Cause == nil || r.Cause.Confidence != diff.Likely {
		t.Errorf("%+v", r)
	}
}

// Other content and damage are no matter of containers.
func TestExplainNothing(t *testing.T) {
	b := published(t)
	b.layers[1] = archive(t, entryOf{name: "etc/conf", body: "other"})
	if _, ans := explained(t, published(t), b); ans != nil {
		t.Error(ans.Sentence())
	}
	if root, ans := explained(t, published(t), published(t)); ans != nil || root.Status != diff.Same {
		t.Error(ans.Sentence())
	}
}

// A layer whose times the exporter did not rewrite, beside one whose times it
// did.
func TestTimesRewrittenOnOneSide(t *testing.T) {
	a, b := published(t), published(t)
	files := func(at int64) []byte {
		return archive(t, entryOf{name: "etc/", dir: true, at: at}, entryOf{name: "etc/conf", body: "x", at: at}, entryOf{name: "etc/more", body: "y", at: at * 2})
	}
	a.layers[1], b.layers[1] = files(1), files(1_000_000_000)
	a.layers[1] = archive(t, entryOf{name: "etc/", dir: true}, entryOf{name: "etc/conf", body: "x"}, entryOf{name: "etc/more", body: "y"})
	root, _ := explained(t, a, b)
	r := reasonOf(root, diff.KindLayer, "rewritten times")
	if r == nil || r.Cause.ID != "A8" || r.Cause.Confidence != diff.Proved || r.A != "all 1970-01-01T00:00:01Z" || r.B != "2 times" {
		t.Fatalf("%+v", r)
	}
	if root.Residue != diff.ResidueNone {
		t.Errorf("residue %s", root.Residue)
	}
	// All layers alike are no matter of one that was not rewritten.
	b.layers[0] = archive(t, entryOf{name: "bin/", dir: true, at: 7}, entryOf{name: "bin/sh", body: prose(1, 90_000), at: 8})
	root, _ = explained(t, a, b)
	if r := reasonOf(root, diff.KindLayer, "rewritten times"); r != nil {
		t.Errorf("%+v", r)
	}
}
