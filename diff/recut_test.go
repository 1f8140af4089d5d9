package diff

import (
	"strings"
	"testing"
)

// TestHiddenByTheCut changes what layers mean by where they are cut. Nothing of it
// may follow from the cut.
func TestHiddenByTheCut(t *testing.T) {
	f, gone := file{name: "f", body: "f"}, file{name: ".wh.f"}
	open, shut := file{name: "d/", typ: '5', mode: 0o1777}, file{name: "d/", typ: '5', mode: 0o755}
	a, b, c := file{name: "d/a", body: "a"}, file{name: "d/b", body: "b"}, file{name: "d/c", body: "c"}
	for name, pair := range map[string]struct {
		a, b [][]byte
		node string // what must not be explained
	}{
		"a whiteout beside its file, or above it": {[][]byte{tarBytes(t, f, gone)}, [][]byte{tarBytes(t, f), tarBytes(t, gone)}, "f"},
		"which of two contents is the last": {
			[][]byte{tarBytes(t, f, file{name: "f", body: "evil"})}, [][]byte{tarBytes(t, file{name: "f", body: "evil"}), tarBytes(t, f)}, "f"},
		"a directory that was open for a while": {[][]byte{tarBytes(t, shut, a, b)}, [][]byte{tarBytes(t, open, a), tarBytes(t, shut, b)}, "layer 1"},
		"a directory that is open at the end":   {[][]byte{tarBytes(t, shut, a, b)}, [][]byte{tarBytes(t, shut, a), tarBytes(t, open, b)}, "d"},
		"bytes behind the first piece": {
			[][]byte{tarBytes(t, shut, a, b)}, [][]byte{append(tarBytes(t, shut, a), "evil"...), tarBytes(t, b)}, "end of the archive"},
		"a file more in a piece":         {[][]byte{tarBytes(t, shut, a, b)}, [][]byte{tarBytes(t, shut, a, c), tarBytes(t, b)}, "d/c"},
		"a file less, and cut elsewhere": {[][]byte{tarBytes(t, shut, a, b), tarBytes(t, c)}, [][]byte{tarBytes(t, shut, a), tarBytes(t, c)}, "d/b"},
		"a piece that grew": {
			[][]byte{tarBytes(t, shut, a, b), tarBytes(t, f)}, [][]byte{tarBytes(t, shut, a), tarBytes(t, file{name: "d/b", body: "evil"}, f)}, "d/b"},
	} {
		for _, turned := range []bool{false, true} {
			x, y := imageSpec{layers: pair.a}, imageSpec{layers: pair.b}
			if turned {
				x, y = y, x
			}
			n := compare(t, x, y, Options{})
			at := find(n, pair.node)
			if at == nil && strings.HasPrefix(pair.node, "layer") {
				at = find(n, "layers 1 and 2")
			}
			if n.Status != Differs || at == nil || at.Status == Same || at.Residue == ResidueNone || n.Residue == ResidueNone {
				t.Errorf("%s, turned %t: it is explained\n%s", name, turned, sketch(n, ""))
			}
		}
	}
}

// TestCutIsAllThereIs compares layers that hold the same entries, with directories
// that pieces repeat: the cut is all that differs, and nothing of it is listed.
func TestCutIsAllThereIs(t *testing.T) {
	d := file{name: "d/", typ: '5', mode: 0o755}
	a, b, c := file{name: "d/a", body: "#!/bin/sh\n", mode: 0o755}, file{name: "d/b", body: "b"}, file{name: "d/c", body: "c"}
	for name, pair := range map[string][2][][]byte{
		"split":       {{tarBytes(t, d, a, b, c)}, {tarBytes(t, d, a), tarBytes(t, d, b), tarBytes(t, d, c)}},
		"cut earlier": {{tarBytes(t, d, a, b), tarBytes(t, d, c)}, {tarBytes(t, d, a), tarBytes(t, d, b, c)}},
		"one more":    {{tarBytes(t, d, a, b), tarBytes(t, d, c)}, {tarBytes(t, d, a), tarBytes(t, d, b), tarBytes(t, d, c)}},
	} {
		for _, turned := range []bool{false, true} {
			x, y := imageSpec{layers: pair[0]}, imageSpec{layers: pair[1]}
			if turned {
				x, y = y, x
			}
			n := compare(t, x, y, Options{})
			fs := mustFind(t, n, "effective file system")
			if n.Status != Differs || fs.Status != Same || n.Suspicious > 0 || n.Residue != ResidueNone {
				t.Errorf("%s, turned %t:\n%s", name, turned, sketch(n, ""))
			}
			for _, l := range mustFind(t, n, "manifest linux/amd64").Children {
				if l.Kind == KindLayer && len(l.Children) > 0 {
					t.Errorf("%s, turned %t: entries are listed\n%s", name, turned, sketch(n, ""))
				}
			}
		}
	}
}

// TestNoManifests is for two archives of the old docker save.
func TestNoManifests(t *testing.T) {
	n := (&imagePair{}).object(KindManifest, "manifest", nil, nil)
	if n.Status != NotChecked || !strings.HasPrefix(n.Note, "neither") {
		t.Errorf("%s: %q", n.Status, n.Note)
	}
}
