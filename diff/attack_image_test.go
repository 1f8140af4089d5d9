package diff

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/image"
)

// compareDirs compares two written layouts.
func compareDirs(t *testing.T, a, b string) *Node {
	t.Helper()
	c, err := Refs(t.Context(), a, b, image.Options{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Root
}

// TestObjectsUnderACover changes what an image runs, or where its layers come
// from, in ways that look as if they followed from something else.
func TestObjectsUnderACover(t *testing.T) {
	one := imageSpec{layers: [][]byte{tarBytes(t, file{name: "f", body: "one"})}}
	two := imageSpec{layers: [][]byte{tarBytes(t, file{name: "f", body: "two"})}}
	more := imageSpec{layers: [][]byte{one.layers[0], tarBytes(t, file{name: "g", body: "g"})}}
	without := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Fatalf("%q is not in %s", old, s)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	env := `"config":{"Env":null},`
	for name, c := range map[string]struct {
		a, b         imageSpec
		object       string
		editA, editB func(string) string
		node, field  string
	}{
		"a config that one side lacks":       {one, two, "config", without(env, ""), without(env, `"config":{"Entrypoint":["/f"],"User":"root"},`), "config", "/config"},
		"a key that comes twice":             {one, one, "config", nil, without(env, `"config":{"Entrypoint":["/f"]},`+env), "config", "what another reader may read otherwise"},
		"a key that comes twice, and a time": {one, one, "config", without(env, `"created":"1970-01-01T00:00:01Z",`+env), without(env, `"created":"1970-01-01T00:00:02Z","config":{"Entrypoint":["/f"]},`+env), "config", "what another reader may read otherwise"},
		"text that is not UTF-8":             {one, one, "config", without(env, "\"x\":\"\xff\","+env), without(env, "\"x\":\"\xfe\","+env), "config", "what another reader may read otherwise"},
		"where a layer is had from":          {one, two, "manifest", nil, without(`"mediaType":"application/vnd.oci.image.layer`, `"urls":["http://evil/"],"mediaType":"application/vnd.oci.image.layer`), "manifest", "/layers/0/urls"},
		"a layer more, had from elsewhere": {one, more, "manifest", nil, func(s string) string {
			i := strings.LastIndex(s, `"mediaType":"application/vnd.oci.image.layer`)
			return s[:i] + `"urls":["http://evil/"],` + s[i:]
		}, "manifest", "/layers/1"},
		"a layer's bytes in its descriptor": {one, two, "manifest", nil, without(`"mediaType":"application/vnd.oci.image.layer`, `"data":"ZXZpbA==","mediaType":"application/vnd.oci.image.layer`), "manifest", "/layers/0/data"},
	} {
		da, db := c.a.write(t), c.b.write(t)
		if c.editA != nil {
			da = editLayout(t, da, c.object, c.editA)
		}
		if c.editB != nil {
			db = editLayout(t, db, c.object, c.editB)
		}
		root := compareDirs(t, da, db)
		var n *Node
		for _, k := range append([]*Node{root}, root.Children...) {
			for _, k := range append([]*Node{k}, k.Children...) {
				if strings.HasPrefix(k.Name, c.node) && n == nil {
					n = k
				}
			}
		}
		if n == nil || root.Status != Differs {
			t.Errorf("%s: %s\n%s", name, root.Status, sketch(root, ""))
			continue
		}
		found := false
		for _, r := range n.Reasons {
			if r.Field != c.field {
				continue
			}
			if found = true; r.Cause != nil && r.Cause.Confidence >= Derived {
				t.Errorf("%s: %s has the cause %+v", name, r.Field, r.Cause)
			}
		}
		if !found {
			t.Errorf("%s: nothing is said of %s\n%s", name, c.field, sketch(root, ""))
		}
	}
}

// TestOtherEntriesOfAnIndex changes the image of another platform in an index.
func TestOtherEntriesOfAnIndex(t *testing.T) {
	rs := []Reason{{Field: "/manifests/0/digest", A: `"sha256:a"`, B: `"sha256:b"`}, {Field: "/manifests/0/size", A: "1", B: "2"}, {Field: "/manifests/1/digest", A: `"sha256:c"`, B: `"sha256:d"`}, {Field: "/manifests/1/size", A: "3", B: "4"}}
	leadOn("sha256:a", "sha256:b", rs)
	for i, want := range []bool{true, true, false, false} {
		if got := rs[i].Cause != nil; got != want {
			t.Errorf("%s follows: %v, want %v", rs[i].Field, got, want)
		}
	}
}

// editLayout writes the layout again with one object changed: "config" or
// "manifest".
func editLayout(t *testing.T, dir, object string, change func(string) string) string {
	t.Helper()
	l := readLayout(t, dir)
	if object == "config" {
		text := change(l.config)
		m := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(l.manifest), &m); err != nil {
			t.Fatal(err)
		}
		m["config"] = l.put(t, text, "application/vnd.oci.image.config.v1+json")
		p, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		l.manifest = string(p)
	} else {
		l.manifest = change(l.manifest)
	}
	l.finish(t)
	return dir
}

// layout is a written layout of one image.
type layout struct{ dir, config, manifest string }

func readLayout(t *testing.T, dir string) *layout {
	t.Helper()
	l := &layout{dir: dir}
	var index struct{ Manifests []struct{ Digest string } }
	if err := json.Unmarshal([]byte(l.read(t, "index.json")), &index); err != nil {
		t.Fatal(err)
	}
	l.manifest = l.blob(t, index.Manifests[0].Digest)
	var m struct{ Config struct{ Digest string } }
	if err := json.Unmarshal([]byte(l.manifest), &m); err != nil {
		t.Fatal(err)
	}
	l.config = l.blob(t, m.Config.Digest)
	return l
}

func (l *layout) read(t *testing.T, name string) string {
	t.Helper()
	p, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func (l *layout) blob(t *testing.T, digest string) string {
	return l.read(t, filepath.Join("blobs", "sha256", strings.TrimPrefix(digest, "sha256:")))
}

func (l *layout) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (l *layout) put(t *testing.T, text, mediaType string) json.RawMessage {
	d := digestOf([]byte(text))
	l.write(t, filepath.Join("blobs", "sha256", d[7:]), text)
	return json.RawMessage(fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, mediaType, d, len(text)))
}

func (l *layout) finish(t *testing.T) {
	d := l.put(t, l.manifest, "application/vnd.oci.image.manifest.v1+json")
	l.write(t, "index.json", `{"schemaVersion":2,"manifests":[`+string(d)+`]}`)
}

// TestHiddenInALayer brings something in one layer and takes it away in the next:
// the trees are equal, and the image holds more.
func TestHiddenInALayer(t *testing.T) {
	f, g := file{name: "f", body: "f"}, file{name: "g", body: "g"}
	whole := imageSpec{layers: [][]byte{tarBytes(t, f, g)}}
	split := imageSpec{layers: [][]byte{tarBytes(t, f), tarBytes(t, g)}}
	hidden := imageSpec{layers: [][]byte{tarBytes(t, f, g), tarBytes(t, file{name: "evil", body: "evil"}), tarBytes(t, file{name: ".wh.evil"})}}
	replaced := imageSpec{layers: [][]byte{tarBytes(t, file{name: "g", body: "evil"}), tarBytes(t, f, g)}}
	for name, c := range map[string]struct {
		b    imageSpec
		want Confidence
	}{"split": {split, Proved}, "hidden": {hidden, Likely}, "replaced": {replaced, Likely}} {
		root := compare(t, whole, c.b, Options{})
		if fs := mustFind(t, root, "effective file system"); fs.Status != Same || root.Status != Differs {
			t.Fatalf("%s: %s\n%s", name, fs.Status, sketch(root, ""))
		}
		least := Proved
		for _, n := range root.Children[len(root.Children)-1].Children {
			if n.Kind != KindLayer {
				continue
			}
			for _, r := range n.Reasons {
				if r.Cause != nil && r.Cause.ID == "A7" && r.Field != "split" && r.Field != "merged" {
					least = min(least, r.Cause.Confidence)
				}
			}
		}
		if least != c.want {
			t.Errorf("%s: the cut is %s, want %s\n%s", name, least, c.want, sketch(root, ""))
		}
	}
}
