package store

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func digestOf(data []byte) chain.Digest {
	d, err := chain.HashReader(bytes.NewReader(data))
	if err != nil {
		panic(err)
	}
	return d
}

// layoutTar is an OCI layout in a tar archive with one image of one layer. Edit
// may change a blob's bytes without its name.
func layoutTar(t testing.TB, text string, edit func(name string, data []byte) []byte) (data []byte, root ocispec.Descriptor) {
	t.Helper()
	blobs := map[string][]byte{}
	put := func(mediaType string, data []byte) ocispec.Descriptor {
		d := digestOf(data)
		blobs["blobs/sha256/"+d.Hex()] = data
		return ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(d), Size: int64(len(data))}
	}
	marshal := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	layer := put(ocispec.MediaTypeImageLayer, []byte(text))
	config := put(ocispec.MediaTypeImageConfig, marshal(map[string]any{"rootfs": map[string]any{"type": "layers", "diff_ids": []string{string(layer.Digest)}}}))
	m := put(ocispec.MediaTypeImageManifest, marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{layer}}))
	root = put(ocispec.MediaTypeImageIndex, marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{m}}))
	blobs["index.json"] = marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: []ocispec.Descriptor{root}})
	blobs["oci-layout"] = []byte(`{"imageLayoutVersion":"1.0.0"}`)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range blobs {
		if edit != nil {
			data = edit(name, data)
		}
		if data == nil {
			continue
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), root
}

func importImage(t testing.TB, s *Store, text string) ocispec.Descriptor {
	t.Helper()
	data, root := layoutTar(t, text, nil)
	got, err := s.ImportOCITar(t.Context(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest != root.Digest {
		t.Fatalf("imported %s, want %s", got.Digest, root.Digest)
	}
	return got
}

func TestPutBlob(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	data := []byte("some bytes")
	d, n, err := s.PutBlob(ctx, bytes.NewReader(data), "")
	if err != nil || d != digestOf(data) || n != int64(len(data)) {
		t.Fatalf("PutBlob = %s, %d, %v", d, n, err)
	}
	f, err := s.Blob(d)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, _ := io.ReadAll(f); !bytes.Equal(got, data) {
		t.Errorf("read %q", got)
	}
	if _, err := s.Blob(digestOf([]byte("other"))); !errors.Is(err, ErrNotFound) {
		t.Errorf("absent blob: %v", err)
	}
	for _, bad := range []chain.Digest{"", "sha256:../../x", "md5:00"} {
		if s.Has(bad) {
			t.Errorf("Has(%q)", bad)
		}
		if _, err := s.Blob(bad); err == nil {
			t.Errorf("Blob(%q) has no error", bad)
		}
	}
}

func TestPutBlobMismatch(t *testing.T) {
	s := open(t)
	want := digestOf([]byte("expected"))
	_, _, err := s.PutBlobFrom(t.Context(), strings.NewReader("found"), want, 8, "http://mirror/x")
	var m *MismatchError
	if !errors.As(err, &m) || m.Want != want || m.Got != digestOf([]byte("found")) || m.WantSize != 8 || m.GotSize != 5 {
		t.Fatalf("error = %v", err)
	}
	if s.Has(want) || s.Has(m.Got) {
		t.Error("wrong bytes are in the layout")
	}
	if kept, err := os.ReadFile(m.Kept); err != nil || string(kept) != "found" {
		t.Errorf("kept %q, %v", kept, err)
	}
	all, err := s.Asides()
	if err != nil || len(all) != 1 || all[0].Origin != "http://mirror/x" || all[0].Want != want || all[0].Got != m.Got || all[0].Size != 5 || all[0].When.IsZero() {
		t.Errorf("record = %+v, %v", all, err)
	}
	if err := s.RemoveAside("../oci"); err == nil {
		t.Error("a path was taken for a name")
	}
	if err := s.RemoveAside(filepath.Base(m.Kept)); err != nil {
		t.Error(err)
	}
	if all, _ := s.Asides(); len(all) != 0 {
		t.Errorf("still aside: %v", all)
	}
}

// failing gives an error after some bytes.
type failing struct{ n int }

func (f *failing) Read(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errors.New("line cut")
	}
	return len(p), nil
}

func TestPutBlobLeavesNothingOnError(t *testing.T) {
	s := open(t)
	if _, _, err := s.PutBlob(t.Context(), &failing{3}, ""); err == nil || !strings.Contains(err.Error(), "line cut") {
		t.Errorf("error = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.PutBlob(ctx, strings.NewReader("x"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(s.Dir(), ingestDir)); len(left) != 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
}

func TestTags(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	a, b := importImage(t, s, "a"), importImage(t, s, "b")
	a.Annotations = map[string]string{AnnotationMatches: "digests/core.txt"}
	for _, step := range []struct {
		name string
		desc ocispec.Descriptor
	}{{StageTag("core-a"), a}, {TrialTag("core-a", 1), b}, {StageTag("core-a"), b}, {StageTag("core-a"), a}} {
		if err := s.Tag(ctx, step.name, step.desc); err != nil {
			t.Fatal(err)
		}
	}
	tags, err := s.Tags()
	if err != nil || len(tags) != 2 || tags["stage/core-a"].Digest != a.Digest || tags["trial/core-a/1"].Digest != b.Digest {
		t.Fatalf("tags = %v, %v", tags, err)
	}
	if tags["stage/core-a"].Annotations[AnnotationMatches] != "digests/core.txt" {
		t.Error("the descriptor's annotations are lost")
	}
	if err := s.Tag(ctx, "x", ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("absent"), Size: 1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("tagging what is not there: %v", err)
	}
	if err := s.Untag(ctx, "trial/core-a/1"); err != nil {
		t.Error(err)
	}
	if err := s.Untag(ctx, "trial/core-a/1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("untagging twice: %v", err)
	}
	if _, err := s.Resolve("trial/core-a/1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("resolving what is untagged: %v", err)
	}
}

func TestArtifacts(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	subject := importImage(t, s, "subject")
	put := func(typ string, about *ocispec.Descriptor, text string) ocispec.Descriptor {
		d, err := s.PutArtifact(ctx, Artifact{Type: typ, Subject: about, Annotations: map[string]string{"k": text}, Files: []ArtifactFile{{Name: "log", MediaType: "text/plain", Data: []byte(text)}}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	one := put("test/log", &subject, "one")
	put("test/log", nil, "two")
	put("test/result", &subject, "three")
	put("test/result", &subject, "three") // the same again is the same
	for _, c := range []struct {
		typ     string
		subject chain.Digest
		want    int
	}{{"", "", 3}, {"test/log", "", 2}, {"test/log", chain.Digest(subject.Digest), 1}, {"", chain.Digest(subject.Digest), 2}, {"none", "", 0}} {
		got, err := s.Artifacts(c.typ, c.subject)
		if err != nil || len(got) != c.want {
			t.Errorf("Artifacts(%q, %q) gives %d, %v; want %d", c.typ, c.subject, len(got), err, c.want)
		}
	}
	a, err := s.Artifact(chain.Digest(one.Digest))
	if err != nil || a.File("log") == nil || a.Annotations["k"] != "one" || a.Subject.Digest != subject.Digest {
		t.Fatalf("artifact = %+v, %v", a, err)
	}
	data, err := s.ReadBlob(chain.Digest(a.File("log").Descriptor.Digest), 100)
	if err != nil || string(data) != "one" {
		t.Errorf("file = %q, %v", data, err)
	}
	if err := s.RemoveArtifact(ctx, chain.Digest(one.Digest)); err != nil {
		t.Error(err)
	}
	if got, _ := s.Artifacts("test/log", ""); len(got) != 1 {
		t.Errorf("%d logs are left", len(got))
	}
}

func TestImportRefuses(t *testing.T) {
	for name, edit := range map[string]func(string, []byte) []byte{
		"a wrong blob": func(n string, d []byte) []byte {
			if strings.HasPrefix(n, "blobs/") && string(d) == "text" {
				return []byte("evil")
			}
			return d
		},
		"a missing blob": func(n string, d []byte) []byte {
			if string(d) == "text" {
				return nil
			}
			return d
		},
		"no index": func(n string, d []byte) []byte {
			if n == "index.json" {
				return nil
			}
			return d
		},
		"no JSON": func(n string, d []byte) []byte {
			if n == "index.json" {
				return []byte("{")
			}
			return d
		},
	} {
		s := open(t)
		data, root := layoutTar(t, "text", edit)
		if _, err := s.ImportOCITar(t.Context(), bytes.NewReader(data)); err == nil {
			t.Errorf("%s: no error", name)
		} else if name == "a wrong blob" {
			var m *MismatchError
			if !errors.As(err, &m) || m.Kept == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.Contains(name, "blob") && s.Complete(root) == nil {
			t.Errorf("%s: the image is complete", name)
		}
		// What came before the end is no damage: it is what gc removes.
		if faults, err := s.Verify(t.Context(), nil); err != nil || len(faults) > 0 {
			t.Errorf("%s: the store has %v, %v", name, faults, err)
		}
	}
	s := open(t)
	data, _ := layoutTar(t, "text", nil)
	if _, err := s.ImportOCITar(t.Context(), bytes.NewReader(data[:len(data)/2])); err == nil {
		t.Error("a stream that was cut off: no error")
	}
}

func TestIndexRebuilt(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	a, b, c := importImage(t, s, "a"), importImage(t, s, "b"), importImage(t, s, "c")
	for _, err := range []error{s.Tag(ctx, "stage/a", b), s.Tag(ctx, "stage/a", a), s.Tag(ctx, "stage/gone", c), s.Untag(ctx, "stage/gone")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.PutArtifact(ctx, Artifact{Type: "test/log", Subject: &a}); err != nil {
		t.Fatal(err)
	}
	for name, destroy := range map[string]func() error{
		"garbage": func() error { return os.WriteFile(s.indexPath(), []byte("{nonsense"), 0o644) },
		"empty":   func() error { return os.WriteFile(s.indexPath(), nil, 0o644) },
		"gone":    func() error { return os.Remove(s.indexPath()) },
		"other": func() error {
			return os.WriteFile(s.indexPath(), []byte(`{"schemaVersion":2,"manifests":[{"digest":"x"}]}`), 0o644)
		},
	} {
		if err := destroy(); err != nil {
			t.Fatal(err)
		}
		again, err := Open(s.Dir())
		if err != nil {
			t.Fatal(err)
		}
		tags, err := again.Tags()
		if err != nil || len(tags) != 1 || tags["stage/a"].Digest != a.Digest {
			t.Errorf("%s: tags = %v, %v", name, tags, err)
		}
		if got, err := again.Artifacts("test/log", chain.Digest(a.Digest)); err != nil || len(got) != 1 {
			t.Errorf("%s: artifacts = %v, %v", name, got, err)
		}
		if _, err := again.readIndex(); err != nil {
			t.Errorf("%s: not written again: %v", name, err)
		}
	}
	if all, _ := s.Asides(); len(all) != 3 {
		t.Errorf("%d damaged indexes are kept, want 3", len(all))
	}
}

func TestManyWriters(t *testing.T) {
	s := open(t)
	img := importImage(t, s, "x")
	const writers, tags = 8, 6
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			mine, err := Open(s.Dir())
			if err != nil {
				t.Error(err)
				return
			}
			for n := range tags {
				if err := mine.Tag(t.Context(), fmt.Sprintf("t/%d/%d", w, n), img); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got, err := s.Tags()
	if err != nil || len(got) != writers*tags {
		t.Errorf("%d tags, want %d; %v", len(got), writers*tags, err)
	}
}

func TestCache(t *testing.T) {
	s := open(t)
	key := digestOf([]byte("layer"))
	if _, ok := s.Cache("index-1", key); ok {
		t.Error("an empty cache has it")
	}
	if err := s.PutCache("index-1", key, []byte("value")); err != nil {
		t.Fatal(err)
	}
	if v, ok := s.Cache("index-1", key); !ok || string(v) != "value" {
		t.Errorf("Cache = %q, %v", v, ok)
	}
	if _, ok := s.Cache("index-2", key); ok {
		t.Error("another kind has it")
	}
	name := s.cachePath("index-1", key)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Cache("index-1", key); ok {
		t.Error("a damaged value was given")
	}
}

func TestHeld(t *testing.T) {
	s := open(t)
	s.wait = 50 * time.Millisecond
	release, err := s.maintain("gc")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Verify(t.Context(), nil)
	var held *HeldError
	if !errors.As(err, &held) || held.PID != os.Getpid() || held.Work != "gc" || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("error = %v", err)
	}
	writers, err := s.exclusive(t.Context(), lockWriters)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.PutBlob(t.Context(), strings.NewReader("x"), ""); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("writing during gc: %v", err)
	}
	writers()
	release()
	if _, err := s.Verify(t.Context(), nil); err != nil {
		t.Errorf("after its end: %v", err)
	}
}
