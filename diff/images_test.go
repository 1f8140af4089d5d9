package diff

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var base = []file{{name: "bin/", typ: '5', mode: 0o755}, {name: "bin/sh", body: "the shell", mode: 0o755}, {name: "etc/conf", body: "a\nb\nc\n"}}

func TestEqualImages(t *testing.T) {
	s := imageSpec{layers: [][]byte{tarBytes(t, base...)}}
	n := compare(t, s, s, Options{})
	if n.Status != Same || n.Residue != ResidueNone || n.Capped {
		t.Fatal(sketch(n, ""))
	}
}

func TestText(t *testing.T) {
	other := append([]file(nil), base...)
	other[2].body = "a\nB\nc\n"
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, base...)}}, imageSpec{layers: [][]byte{tarBytes(t, other...)}}, Options{})
	f := mustFind(t, n, "etc/conf")
	if len(f.Reasons) != 0 {
		t.Errorf("a header that differs for nothing is a reason: %+v", f.Reasons)
	}
	if n.Status != Differs || f.Kind != KindText || f.Status != Differs || f.Residue != ResidueKnown || len(f.RangesA) != 1 || f.RangesA[0] != (Range{2, 1}) {
		t.Fatal(sketch(n, ""))
	}
	l := mustFind(t, n, "layer 1")
	if l.Equal != 3 || len(l.Children) != 1 { // bin/, bin/sh and the end
		t.Fatal(sketch(n, ""))
	}
	for _, name := range []string{"config", "manifest linux/amd64"} {
		for _, r := range mustFind(t, n, name).Reasons {
			if r.Cause == nil || r.Cause.Confidence != Derived {
				t.Errorf("%s: %s is not derived", name, r.Field)
			}
		}
	}
	if mustFind(t, n, "config").Residue != ResidueNone {
		t.Error(sketch(n, ""))
	}
}

func TestAllReasons(t *testing.T) {
	a := file{name: "f", body: "x", mode: 0o755, xattrs: map[string]string{"user.k": "1"}}
	b := file{name: "f", body: "yy", mode: 0o4755, uid: 1000, at: time.Unix(1e9, 5e8), xattrs: map[string]string{"user.k": "2", "security.capability": "\x01\x02"}}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a)}}, imageSpec{layers: [][]byte{tarBytes(t, b)}}, Options{})
	f := mustFind(t, n, "f")
	got := map[string]string{}
	for _, r := range f.Reasons {
		got[r.Field] = r.A + " -> " + r.B
	}
	for field, want := range map[string]string{
		"mode": "0755 -> 4755", "uid": "0 -> 1000", "mtime": "1970-01-01T00:00:01Z -> 2001-09-09T01:46:40.5Z",
		"xattr user.k": "1 -> 2", "xattr security.capability": " -> 0x0102", "size": "1 -> 2",
	} {
		if got[field] != want {
			t.Errorf("%s: %q, want %q", field, got[field], want)
		}
	}
	for _, r := range f.Reasons {
		if r.Field == "mode" && (r.Cause == nil || r.Cause.ID != "D7a") {
			t.Errorf("a set-id bit is not suspicious: %+v", r.Cause)
		}
		// What runs with its owner's power has another owner.
		if r.Field == "uid" && (r.Cause == nil || r.Cause.ID != "B3" || r.Cause.Confidence != Likely) {
			t.Errorf("uid: %+v", r.Cause)
		}
		if r.Field == "mtime" && (r.Cause == nil || r.Cause.ID != "B1" || r.Cause.Confidence != Proved) {
			t.Errorf("mtime: %+v", r.Cause)
		}
	}
}

func TestMetadataIsFolded(t *testing.T) {
	var a, b []file
	for i := range 50 {
		f := file{name: fmt.Sprintf("f%02d", i), body: "same"}
		a = append(a, f)
		f.at = time.Unix(1e9+int64(i), 0)
		if i == 7 {
			f.body = "not the same"
		}
		b = append(b, f)
	}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a...)}}, imageSpec{layers: [][]byte{tarBytes(t, b...)}}, Options{})
	l := mustFind(t, n, "layer 1")
	if len(l.Children) != 2 || l.Children[0].Kind != KindGroup || l.Children[0].Count != 49 || len(l.Children[0].Children) != 49 || l.Children[0].Residue != ResidueNone {
		t.Fatal(sketch(l, ""))
	}
	if f := l.Children[1]; f.Name != "f07" || len(f.Reasons) != 2 || f.Kind != KindText {
		t.Fatal(sketch(l, ""))
	}
}

func TestFileSets(t *testing.T) {
	a := []file{{name: "a", body: "1"}, {name: "gone", body: "2"}, {name: "old", body: "moved content"}, {name: "z", body: "3"}}
	b := []file{{name: "a", body: "1"}, {name: "fresh", body: "4"}, {name: "new", body: "moved content"}, {name: "z", body: "3"}}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a...)}}, imageSpec{layers: [][]byte{tarBytes(t, b...)}}, Options{})
	if f := mustFind(t, n, "gone"); f.Status != OnlyA || f.B != nil || f.A.Size != 1 {
		t.Error(sketch(n, ""))
	}
	if f := mustFind(t, n, "fresh"); f.Status != OnlyB || f.A != nil {
		t.Error(sketch(n, ""))
	}
	if f := mustFind(t, n, "old"); f.Status != Differs || f.B.Name != "new" || f.Reasons[0].Field != "name" {
		t.Error(sketch(n, ""))
	}
}

func TestOrderAndDuplicates(t *testing.T) {
	a := []file{{name: "a", body: "1"}, {name: "b", body: "2"}, {name: "c", body: "3"}, {name: "a", body: "again"}}
	b := []file{{name: "c", body: "3"}, {name: "a", body: "1"}, {name: "b", body: "2"}, {name: "a", body: "other"}}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a...)}}, imageSpec{layers: [][]byte{tarBytes(t, b...)}}, Options{})
	l := mustFind(t, n, "layer 1")
	if len(l.Reasons) != 1 || !strings.HasPrefix(l.Reasons[0].Field, "order") || !strings.HasPrefix(l.Reasons[0].B, "1 of 5") {
		t.Error(sketch(l, ""))
	}
	if len(l.Children) != 1 || l.Children[0].Name != "a" || l.Children[0].Reasons != nil && l.Children[0].Reasons[0].Field != "size" {
		t.Error(sketch(l, ""))
	}
}

func TestRecompressed(t *testing.T) {
	l := [][]byte{tarBytes(t, file{name: "f", body: strings.Repeat("some text to compress ", 5000)})}
	n := compare(t, imageSpec{layers: l, level: 1}, imageSpec{layers: l, level: 9}, Options{})
	f := mustFind(t, n, "layer 1")
	if n.Status != Differs || f.Status != Differs || len(f.Children) != 0 || f.Reasons[0].Field != "compressed bytes" {
		t.Fatal(sketch(n, ""))
	}
	if mustFind(t, n, "config").Status != Same {
		t.Error(sketch(n, ""))
	}
}

func TestAnnotationsOnly(t *testing.T) {
	l := [][]byte{tarBytes(t, base...)}
	n := compare(t, imageSpec{layers: l, annotations: map[string]string{"k": "1"}}, imageSpec{layers: l}, Options{})
	m := mustFind(t, n, "manifest linux/amd64")
	if n.Status != Differs || m.Status != Differs || len(m.Reasons) != 1 || m.Reasons[0].Field != "/annotations" {
		t.Fatal(sketch(n, ""))
	}
	if mustFind(t, n, "layer 1").Status != Same {
		t.Error(sketch(n, ""))
	}
}

func TestLayersCutOtherwise(t *testing.T) {
	one := [][]byte{tarBytes(t, base...)}
	two := [][]byte{tarBytes(t, base[:2]...), tarBytes(t, base[2:]...)}
	n := compare(t, imageSpec{layers: one}, imageSpec{layers: two}, Options{})
	fs := mustFind(t, n, "effective file system")
	if n.Status != Differs || fs.Status != Same {
		t.Fatal(sketch(n, ""))
	}
	n = compare(t, imageSpec{layers: two}, imageSpec{layers: [][]byte{two[1], two[0]}}, Options{})
	if fs := mustFind(t, n, "effective file system"); fs.Status != Same {
		t.Fatal(sketch(n, ""))
	}
	if l := mustFind(t, n, "layer 1"); l.Reasons[0].Field != "position" || l.Reasons[0].Cause.ID != "A7" {
		t.Fatal(sketch(n, ""))
	}
}

// TestDamage shows that nothing damaged is ever the same.
func TestDamage(t *testing.T) {
	s := imageSpec{layers: [][]byte{tarBytes(t, base...), tarBytes(t, file{name: "x", body: "y"})}}
	other := append([]file(nil), base...)
	other[1].body = "the shelf"
	d := imageSpec{layers: [][]byte{tarBytes(t, other...), s.layers[1]}}
	layers := func(dir string) []string {
		var out []string
		list, _ := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
		for _, p := range list {
			if b, _ := os.ReadFile(p); len(b) > 0 && b[0] == 0x1f {
				out = append(out, p)
			}
		}
		return out
	}
	for name, harm := range map[string]func(p string){
		"flipped":   func(p string) { b, _ := os.ReadFile(p); b[len(b)-3] ^= 1; os.WriteFile(p, b, 0o644) },
		"truncated": func(p string) { b, _ := os.ReadFile(p); os.WriteFile(p, b[:len(b)/2], 0o644) },
		"longer":    func(p string) { b, _ := os.ReadFile(p); os.WriteFile(p, append(b, 'x'), 0o644) },
		"missing":   func(p string) { os.Remove(p) },
	} {
		t.Run(name, func(t *testing.T) {
			h := s
			h.harm = func(dir string) {
				for _, p := range layers(dir) {
					harm(p)
				}
			}
			n := compare(t, s, h, Options{})
			if n.Status == Same || n.Status == Differs {
				t.Fatal(sketch(n, ""))
			}
			if l := mustFind(t, n, "layer 1"); l.Status != Unreadable || l.Note == "" {
				t.Fatal(sketch(n, ""))
			}
			n = compare(t, d, h, Options{})
			if n.Status != Differs { // the manifests are proof enough
				t.Fatal(sketch(n, ""))
			}
			if l := mustFind(t, n, "layer 2"); l.Status != Unreadable {
				t.Fatal(sketch(n, ""))
			}
		})
	}
}

// TestOnlySizeDiffers shows that the size in a header is no finding of its own
// when the content says it, and is one when it is written otherwise.
func TestOnlySizeDiffers(t *testing.T) {
	a, b := file{name: "f", body: "one\n"}, file{name: "f", body: "one\ntwo\n"}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a)}}, imageSpec{layers: [][]byte{tarBytes(t, b)}}, Options{})
	if f := mustFind(t, n, "f"); len(f.Reasons) != 1 || f.Reasons[0].Field != "size" || f.Reasons[0].Cause.Confidence != Derived {
		t.Error(sketch(n, ""))
	}
	one := tarBytes(t, a)
	other := bytes.Clone(one)
	copy(other[124:136], "          4\x00") // blanks instead of zeros
	sum := 0
	copy(other[148:156], "        ")
	for _, c := range other[:512] {
		sum += int(c)
	}
	copy(other[148:156], fmt.Sprintf("%06o\x00 ", sum))
	n = compare(t, imageSpec{layers: [][]byte{one}}, imageSpec{layers: [][]byte{other}}, Options{})
	if f := mustFind(t, n, "f"); len(f.Reasons) != 1 || f.Reasons[0].Field != "encoding of the header" {
		t.Error(sketch(n, ""))
	}
}

// TestSplitAndMerged names layers that hold together what one layer of the other
// side holds, also when the file systems differ elsewhere.
func TestSplitAndMerged(t *testing.T) {
	files := []file{{name: "bin/", typ: '5', mode: 0o755}, {name: "bin/a", body: "a"}, {name: "bin/b", body: "b"}, {name: "bin/c", body: "c"}}
	whole := tarBytes(t, files...)
	one, two := tarBytes(t, files[0], files[1]), tarBytes(t, files[0], files[2], files[3])
	mine, theirs := tarBytes(t, file{name: "top", body: "mine"}), tarBytes(t, file{name: "top", body: "theirs"})
	n := compare(t, imageSpec{layers: [][]byte{whole, mine}}, imageSpec{layers: [][]byte{one, two, theirs}}, Options{})
	find := func(n *Node, field string) (r *Reason) {
		for _, l := range mustFind(t, n, "manifest linux/amd64").Children {
			for i := range l.Reasons {
				if l.Reasons[i].Field == field {
					r = &l.Reasons[i]
				}
			}
		}
		return r
	}
	if r := find(n, "split"); r == nil || r.A != "layer 1" || r.B != "layers 1 and 2" || r.Cause.ID != "A7" || r.Cause.Confidence != Proved {
		t.Errorf("%+v\n%s", r, sketch(n, ""))
	}
	if top := mustFind(t, n, "top"); n.Status != Differs || n.Residue == ResidueNone || top.Status != Differs || find(n, "position") == nil {
		t.Error(sketch(n, ""))
	}
	if l := mustFind(t, n, "layer 1"); l.Residue != ResidueNone || len(l.Children) > 0 {
		t.Errorf("the split is not all of the layer's difference:\n%s", sketch(n, ""))
	}
	n = compare(t, imageSpec{layers: [][]byte{one, two}}, imageSpec{layers: [][]byte{whole}}, Options{})
	if r := find(n, "merged"); r == nil || r.A != "layers 1 and 2" || r.B != "layer 1" {
		t.Errorf("%+v\n%s", r, sketch(n, ""))
	}
	other := tarBytes(t, files[0], file{name: "bin/b", body: "B"}, files[3])
	n = compare(t, imageSpec{layers: [][]byte{whole}}, imageSpec{layers: [][]byte{one, other}}, Options{})
	if b := mustFind(t, n, "bin/b"); find(n, "split") == nil || b.Status != Differs || b.Residue != ResidueKnown || n.Suspicious > 0 {
		t.Errorf("of a layer that was split one file was changed:\n%s", sketch(n, ""))
	}
	for _, e := range mustFind(t, n, "layer 1").Children {
		if e.Name != "bin/b" {
			t.Errorf("%s differs:\n%s", e.Name, sketch(n, ""))
		}
	}
	theirs = tarBytes(t, file{name: "top", body: "theirs"}, file{name: "new", body: "new"})
	if n = compare(t, imageSpec{layers: [][]byte{mine}}, imageSpec{layers: [][]byte{theirs, whole}}, Options{}); find(n, "split") != nil || find(n, "cut elsewhere") != nil {
		t.Errorf("a layer that was added is taken for one that was split off:\n%s", sketch(n, ""))
	}
}

// TestLayersCutElsewhere compares images with as many layers that are cut at
// another place: the tree is the same, and that is said.
func TestLayersCutElsewhere(t *testing.T) {
	a, b, c := file{name: "a", body: "1"}, file{name: "b", body: "2"}, file{name: "c", body: "3"}
	n := compare(t, imageSpec{layers: [][]byte{tarBytes(t, a, b), tarBytes(t, c)}}, imageSpec{layers: [][]byte{tarBytes(t, a), tarBytes(t, b, c)}}, Options{})
	if fs := mustFind(t, n, "effective file system"); n.Status != Differs || fs.Status != Same || !strings.Contains(fs.Note, "same tree") {
		t.Error(sketch(n, ""))
	}
	n = compare(t, imageSpec{layers: [][]byte{tarBytes(t, a, b)}}, imageSpec{layers: [][]byte{tarBytes(t, a, c)}}, Options{})
	if find(n, "effective file system") != nil {
		t.Error(sketch(n, ""))
	}
}
