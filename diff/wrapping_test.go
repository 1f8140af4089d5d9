package diff

import (
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/image"
)

// An index around the same manifest has other bytes: the references differ,
// proved, and by nothing else.
func TestIndexWrapping(t *testing.T) {
	layer := tarBytes(t, file{name: "a", body: "1"})
	bare := imageSpec{layers: [][]byte{layer}}
	once, twice := bare, bare
	once.indexes = []map[string]any{{}}
	twice.indexes = []map[string]any{{}, {}}
	for _, tc := range []struct {
		name string
		a, b imageSpec
	}{{"index against manifest", once, bare}, {"manifest against index", bare, once}, {"index in an index against manifest", twice, bare}, {"index in an index against index", twice, once}} {
		n := compare(t, tc.a, tc.b, Options{})
		if n.Status != Differs || n.Residue != ResidueNone || len(n.Reasons) != 1 {
			t.Fatalf("%s: %s", tc.name, sketch(n, ""))
		}
		r := n.Reasons[0]
		if r.Field != "index" || r.A == r.B || r.Cause == nil || r.Cause.ID != "A1" || r.Cause.Confidence != Proved {
			t.Errorf("%s: %+v %+v", tc.name, r, r.Cause)
		}
		if m := mustFind(t, n, "manifest linux/amd64"); m.Status != Same && m.Status != NotChecked {
			t.Error(sketch(n, ""))
		}
	}
	other := once
	other.layers = [][]byte{tarBytes(t, file{name: "a", body: "2"})}
	if n := compare(t, other, bare, Options{}); n.Residue != ResidueKnown || len(n.Reasons) != 1 {
		t.Error("what differs inside is explained by the index: " + sketch(n, ""))
	}
}

// What an index lists beside is not compared, and that is said.
func TestIndexListsMore(t *testing.T) {
	layer := tarBytes(t, file{name: "a", body: "1"})
	a := imageSpec{layers: [][]byte{layer}, annotations: map[string]string{}}
	b := a
	a.indexes = []map[string]any{{"manifests": []any{
		map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digestOf([]byte("other")), "size": 5, "platform": map[string]any{"os": "linux", "architecture": "arm64"}},
	}}}
	// The list above names another image alone; that of this one stands first.
	a.indexes[0]["manifests"] = append([]any{manifestOf(t, b)}, a.indexes[0]["manifests"].([]any)...)
	if n := compare(t, a, b, Options{}); n.Status != Differs || !strings.Contains(n.Note, "lists 1 more that the other side does not name") {
		t.Error(sketch(n, ""))
	}
}

// An index in which another reader finds another image is no mere wrapping.
func TestIndexInTwoWays(t *testing.T) {
	bare := imageSpec{layers: [][]byte{tarBytes(t, file{name: "a", body: "1"})}}
	a := bare
	a.indexes = []map[string]any{{"Manifests": []any{
		map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digestOf([]byte("other")), "size": 5, "platform": map[string]any{"os": "linux", "architecture": "amd64"}},
	}}}
	if n := compare(t, a, bare, Options{}); n.Status != Differs || n.Residue == ResidueNone {
		t.Error(sketch(n, ""))
	}
}

// Of indexes in indexes, each pair is compared.
func TestIndexInIndex(t *testing.T) {
	layer := tarBytes(t, file{name: "a", body: "1"})
	spec := func(note string) imageSpec {
		return imageSpec{layers: [][]byte{layer}, indexes: []map[string]any{{"annotations": map[string]string{"note": note}}, {}}}
	}
	n := compare(t, spec("one"), spec("two"), Options{})
	found := 0
	for _, c := range n.Children {
		if c.Kind == KindIndex && c.Status == Differs {
			found++
			for _, r := range c.Reasons {
				if strings.HasPrefix(r.Field, "/annotations") && (r.Cause != nil || n.Residue != ResidueKnown) {
					t.Error(sketch(n, ""))
				}
			}
		}
	}
	if found != 2 {
		t.Errorf("%d indexes are shown:\n%s", found, sketch(n, ""))
	}
}

// manifestOf is how an index names a bare image's manifest.
func manifestOf(t *testing.T, s imageSpec) map[string]any {
	t.Helper()
	im, err := image.Open(t.Context(), s.write(t), image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	return map[string]any{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": im.ManifestDigest(), "size": len(im.RawManifest()), "platform": map[string]any{"os": "linux", "architecture": "amd64"}}
}
