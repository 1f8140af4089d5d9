package image

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// transported lays a layout's blobs side by side, as skopeo does for dir:. root
// is what manifest.json is; manifests are those of an index.
func transported(t *testing.T, b *builder, root ocispec.Descriptor, manifests ...ocispec.Descriptor) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	names := map[string]string{root.Digest.Encoded(): "manifest.json"}
	for _, m := range manifests {
		names[m.Digest.Encoded()] = m.Digest.Encoded() + ".manifest.json"
	}
	blobs, err := os.ReadDir(filepath.Join(b.dir, "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range blobs {
		data, err := os.ReadFile(filepath.Join(b.dir, "blobs", "sha256", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		name := e.Name()
		if names[name] != "" {
			name = names[name]
		}
		put(name, data)
	}
	put("version", []byte("Directory Transport Version: 1.1\n"))
	return dir
}

func TestTransportDir(t *testing.T) {
	b := newBuilder(t)
	m := b.image(gzipLayer, hello(t))
	idx := b.index(m)
	one, list := transported(t, b, m), transported(t, b, idx, m)
	for ref, index := range map[string]digest.Digest{
		one: "", "dir:" + one: "", "dir:" + one + "@" + string(m.Digest): "",
		list: idx.Digest, "dir:" + list: idx.Digest, "dir:" + list + "@" + string(m.Digest): "",
	} {
		i := mustOpen(t, ref, Options{})
		if i.ManifestDigest() != chainDigest(m.Digest) || i.IndexDigest() != chainDigest(index) {
			t.Errorf("%s: index %q, manifest %s", ref, i.IndexDigest(), i.ManifestDigest())
		}
		if _, err := readAll(t.Context(), i.Layers()[0]); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if _, err := ParseReference("dir:" + one + ":tag"); err == nil {
		t.Error("a tag was taken, and nothing can have it")
	}
}

func TestDamagedTransportDir(t *testing.T) {
	b := newBuilder(t)
	m := b.image(gzipLayer, hello(t))
	layer := func(dir string) string {
		return filepath.Join(dir, mustOpen(t, dir, Options{}).Layers()[0].Descriptor.Digest.Encoded())
	}
	dir := transported(t, b, m)
	if err := os.WriteFile(layer(dir), []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	var mismatch *MismatchError
	if _, err := readAll(t.Context(), mustOpen(t, dir, Options{}).Layers()[0]); !errors.As(err, &mismatch) {
		t.Errorf("another layer: %v", err)
	}
	dir = transported(t, b, m)
	if err := os.Remove(layer(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(t.Context(), mustOpen(t, dir, Options{}).Layers()[0]); !errors.Is(err, ErrNotFound) {
		t.Errorf("no layer: %v", err)
	}
	if _, err := Open(t.Context(), "dir:"+dir+"@"+string(digest.FromString("other")), Options{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a digest that is not there: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{dir, "dir:" + dir, "dir:" + t.TempDir()} {
		if _, err := Open(t.Context(), ref, Options{}); !errors.Is(err, ErrNotImage) {
			t.Errorf("no manifest: %v", err)
		}
	}
}
