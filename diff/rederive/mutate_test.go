package rederive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
)

// mutant is a JSON object of an image, changed in one place.
type mutant struct {
	what string // and where, as a JSON pointer
	at   string
	raw  []byte
}

// mutants changes each value of a document in all ways that it has: takes it out,
// writes another, puts it there twice, exchanges it with its neighbour, adds what
// nobody knows.
func mutants(t *testing.T, raw []byte) (out []mutant) {
	t.Helper()
	read := func() (v any) {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	var paths [][]string
	var walk func(v any, at []string)
	walk = func(v any, at []string) {
		paths = append(paths, slices.Clone(at))
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(v[k], append(at, k))
			}
		case []any:
			for i := range v {
				walk(v[i], append(at, fmt.Sprint(i)))
			}
		}
	}
	walk(read(), nil)
	for _, p := range paths {
		for _, what := range []string{"delete", "other", "null", "twice", "exchange", "add", "capital"} {
			v := read()
			if !change(&v, p, what) {
				continue
			}
			if made := compact(v); !bytes.Equal(made, raw) {
				out = append(out, mutant{what, "/" + strings.Join(p, "/"), made})
			}
		}
	}
	return append(out, mutant{"a space", "", append(bytes.Clone(raw), ' ')}, mutant{"a letter", "", append(bytes.Clone(raw), 'x')},
		mutant{"a key twice", "", append([]byte(`{"schemaVersion":1,"architecture":"arm64",`), raw[1:]...)}, mutant{"a byte order mark", "", append([]byte("\xef\xbb\xbf"), raw...)})
}

// change changes the value at a path, and reports whether it could.
func change(v *any, at []string, what string) bool {
	if len(at) == 0 {
		m, ok := (*v).(map[string]any)
		if ok && what == "add" {
			m["zz"] = "new"
		}
		return ok && what == "add"
	}
	switch in := (*v).(type) {
	case map[string]any:
		k := at[0]
		if len(at) > 1 {
			kid := in[k]
			ok := change(&kid, at[1:], what)
			in[k] = kid
			return ok
		}
		switch what {
		case "delete":
			delete(in, k)
		case "capital": // some readers take it for the same
			in[strings.ToUpper(k[:1])+k[1:]] = other(in[k])
		default:
			kid, ok := changed(in[k], what)
			in[k] = kid
			return ok
		}
		return true
	case []any:
		var i int
		fmt.Sscan(at[0], &i)
		if len(at) > 1 {
			return change(&in[i], at[1:], what)
		}
		switch {
		case what == "delete":
			*v = slices.Delete(in, i, i+1)
		case what == "twice":
			*v = slices.Insert(in, i, in[i])
		case what == "exchange" && i > 0:
			in[i-1], in[i] = in[i], in[i-1]
		default:
			kid, ok := changed(in[i], what)
			in[i] = kid
			return ok
		}
		return true
	}
	return false
}

func changed(v any, what string) (any, bool) {
	m, isMap := v.(map[string]any)
	switch {
	case what == "add" && isMap:
		m["zz"] = "new"
	case what == "other" && !isMap:
		return other(v), true
	case what == "null":
		return nil, true
	default:
		return v, false
	}
	return v, true
}

func other(v any) any {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, "sha256:") {
			return "sha256:" + strings.Repeat("0", 64)
		}
		return v + "x"
	case json.Number:
		return json.Number(v.String() + "1")
	case bool:
		return !v
	case []any:
		return append(slices.Clone(v), "x")
	}
	return "x"
}

// harmless are what an object may differ in, and be explained: it says nothing of
// what is run, and names nothing that is.
var harmless = map[string]*regexp.Regexp{
	"config":   regexp.MustCompile(`^/(?:created|author|history(?:/.*)?|architecture|os|os\.version|variant|config/Labels(?:/.*)?)$`),
	"manifest": regexp.MustCompile(`^/(?:(?:layers/\d+/|config/)?annotations(?:/.*)?|mediaType)$`),
	"index":    regexp.MustCompile(`^/(?:(?:manifests/\d+/)?annotations(?:/.*)?|manifests/1(?:/.*)?|manifests/0/platform|mediaType)$`),
}

// TestMutatedObjects changes every value of an image's objects, with all digests
// above mended, beside an image that is the same or compressed otherwise, and holds
// the comparison to saying each, and to explaining none that matters.
func TestMutatedObjects(t *testing.T) {
	sorted := func(v any) []byte { return sortedKeys(compact(v)) }
	base := func() spec {
		return spec{layers: [][]byte{archive(t, entryOf{name: "a", body: "one"}), archive(t, entryOf{name: "b", body: "two"})}, write: sorted, rawConfig: sortedKeys,
			annotations: map[string]string{"org.example.key": "value"}, index: attestation,
			manifest: func(m *ocispec.Manifest) {
				m.ArtifactType = "application/vnd.example"
				m.Subject = &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: godigest(hashOf([]byte("subject"))), Size: 3}
				m.Layers[0].Annotations = map[string]string{"k": "v"}
				m.Layers[0].URLs = []string{"https://example.com/a"}
			},
			config: func(c *ocispec.Image) {
				c.Author, c.OSVersion = "me", "1"
				c.Config = ocispec.ImageConfig{User: "me", Env: []string{"A=1", "B=2"}, Entrypoint: []string{"/a", "-b"}, Cmd: []string{"c"}, Labels: map[string]string{"l": "v"}, WorkingDir: "/w", StopSignal: "9", ExposedPorts: map[string]struct{}{"80": {}}}
				c.History = []ocispec.History{{CreatedBy: "one", Comment: "x"}, {CreatedBy: "two", EmptyLayer: true}}
			}}
	}
	raw := map[string][]byte{}
	plain := base()
	plain.write = func(v any) []byte {
		p := sorted(v)
		switch v.(type) {
		case ocispec.Manifest:
			raw["manifest"] = p
		case ocispec.Index:
			raw["index"] = p
		}
		return p
	}
	plain.rawConfig = func(p []byte) []byte { raw["config"] = sortedKeys(p); return raw["config"] }
	dir := plain.build(t)
	for _, object := range []string{"config", "manifest", "index"} {
		t.Run(object, func(t *testing.T) {
			tried, refused := 0, 0
			for i, m := range mutants(t, raw[object]) {
				for _, pack := range []packer{nil, asGzip(9)} {
					if pack != nil && (object != "config" || i%32 != 0) {
						continue // a manifest lists the layers that it has; and these take long
					}
					s := base()
					if s.pack = pack; object == "config" {
						s.rawConfig = func([]byte) []byte { return m.raw }
					} else {
						s.write = func(v any) []byte {
							if _, is := v.(ocispec.Manifest); is == (object == "manifest") {
								return m.raw
							}
							return sorted(v)
						}
					}
					tried++
					root, opened := compared(t, dir, s)
					if !opened {
						refused++
						continue
					}
					if root.Status == diff.Same {
						t.Errorf("%s %s: same", m.what, m.at)
					}
					if spelling := m.at == "" && m.what == "a space"; root.Residue == diff.ResidueNone && !spelling && !harmless[object].MatchString(m.at) {
						t.Errorf("%s %s: explained: %s\n%s", m.what, m.at, root.Note, tree(root, ""))
					}
				}
			}
			t.Logf("%d mutations, %d of which no image can be read from", tried, refused)
		})
	}
}

// TestOrderOfIndex exchanges entries of an index, of which a client takes the first
// that fits.
func TestOrderOfIndex(t *testing.T) {
	other := func(seed string) ocispec.Descriptor {
		return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: godigest(hashOf([]byte(seed))), Size: 7, Platform: &ocispec.Platform{OS: "linux", Architecture: "arm", Variant: seed}}
	}
	a, b := published(t), published(t)
	a.index = func(ix *ocispec.Index) { ix.Manifests = append(ix.Manifests, other("v6"), other("v7")) }
	b.index = func(ix *ocispec.Index) { ix.Manifests = append(ix.Manifests, other("v7"), other("v6")) }
	if root, ans := explained(t, a, b); ans == nil || ans.Confidence() != diff.Likely || root.Residue == diff.ResidueNone {
		t.Errorf("%+v, residue %s\n%s", ans, root.Residue, tree(root, ""))
	}
}

// TestNamesOfSteps holds causes to their names: annotations that were added are such,
// and a config that lists other layers is not spelled otherwise.
func TestNamesOfSteps(t *testing.T) {
	a, b := published(t), published(t)
	a.annotations = nil
	root, _ := explained(t, a, b)
	if r := reasonOf(root, diff.KindManifest, "/annotations"); r == nil || r.Cause == nil || r.Cause.ID != "A2" || r.Cause.Confidence != diff.Proved {
		t.Errorf("%+v\n%s", r, tree(root, ""))
	}
	files := []entryOf{{name: "a", body: "one"}, {name: "b", body: "two"}}
	split := spec{layers: [][]byte{archive(t, files[:1]...), archive(t, files[1:]...)}}
	if _, ans := explained(t, spec{layers: [][]byte{archive(t, files...)}}, split); ans == nil || !ans.Found || strings.Contains(ans.Sentence(), "spelled otherwise") {
		t.Errorf("%+v", ans)
	}
}

// compared compares an image with one that a test builds; false when the latter is
// no image that can be read.
func compared(t *testing.T, dir string, s spec) (*diff.Node, bool) {
	t.Helper()
	c, err := diff.Refs(t.Context(), dir, s.build(t), image.Options{Offline: true}, diff.Options{Workers: 2})
	if err != nil {
		return nil, false
	}
	defer c.Close()
	if _, err := Explain(t.Context(), c.Root, c.ImageA, c.ImageB, Options{}); err != nil {
		c.Root.Residue = diff.ResidueUnexamined
		return c.Root, true
	}
	if err := cause.Classify(t.Context(), c.Root, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	return c.Root, true
}

func tree(n *diff.Node, in string) string {
	s := fmt.Sprintf("%s%s %q: %s, residue %s %s\n", in, n.Kind, n.Name, n.Status, n.Residue, n.Note)
	for _, r := range n.Reasons {
		s += fmt.Sprintf("%s  - %s: %.60q -> %.60q", in, r.Field, r.A, r.B)
		if r.Cause != nil {
			s += fmt.Sprintf(" (%s %s: %s)", r.Cause.ID, r.Cause.Confidence, r.Cause.Name)
		}
		s += "\n"
	}
	for _, c := range n.Children {
		s += tree(c, in+"  ")
	}
	return s
}
