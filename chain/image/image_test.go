package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain/store"
)

func hello(t testing.TB) []byte { return layer(t, entry{name: "hello", data: "hello, world\n"}) }

// readAll reads a layer to its verified end.
func readAll(ctx context.Context, l *Layer) ([]byte, error) {
	r, err := l.OpenTar(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestCompressions(t *testing.T) {
	for name, pack := range map[string]func([]byte) ([]byte, string){"none": plainLayer, "gzip": gzipLayer, "zstd": zstdLayer} {
		b := newBuilder(t)
		m := b.image(pack, hello(t))
		b.root(m, "")
		i := mustOpen(t, b.dir, Options{})
		if i.ManifestDigest() != chainDigest(m.Digest) || i.Index() != nil || i.Platform() != "linux/amd64" {
			t.Errorf("%s: manifest %s, index %v, platform %s", name, i.ManifestDigest(), i.Index(), i.Platform())
		}
		l := i.Layers()[0]
		data, err := readAll(t.Context(), l)
		if err != nil || !bytes.Equal(data, hello(t)) {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
		if c, err := l.Compression(t.Context()); err != nil || string(c) != name || c != l.DeclaredCompression() {
			t.Errorf("%s: compression %s, declared %s, %v", name, c, l.DeclaredCompression(), err)
		}
	}
}

// TestShapes opens one image in every form it comes in.
func TestShapes(t *testing.T) {
	b := newBuilder(t)
	m := b.image(gzipLayer, hello(t))
	idx := b.index(m)
	b.root(idx, "latest").root(b.image(gzipLayer, layer(t)), "other")
	archive := filepath.Join(t.TempDir(), "image.tar")
	data := tarDir(t, b.dir)
	if err := os.WriteFile(archive, data, 0o644); err != nil {
		t.Fatal(err)
	}
	packed, _ := gzipLayer(data)
	if err := os.WriteFile(archive+".gz", packed, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root, err := s.ImportOCITar(t.Context(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{store.StageTag("core-x"), store.TrialTag("core-x", 2)} {
		if err := s.Tag(t.Context(), tag, root); err != nil {
			t.Fatal(err)
		}
	}
	for _, ref := range []string{
		b.dir, "oci:" + b.dir, "oci:" + b.dir + ":latest", archive, "oci:" + archive, archive + ".gz",
		"oci:" + b.dir + "@" + string(idx.Digest), "stage:core-x", "trial:core-x/2", string(idx.Digest),
	} {
		i := mustOpen(t, ref, Options{Store: s})
		if i.ManifestDigest() != chainDigest(m.Digest) || i.IndexDigest() != chainDigest(idx.Digest) {
			t.Errorf("%s: index %s, manifest %s", ref, i.IndexDigest(), i.ManifestDigest())
		}
		if _, err := readAll(t.Context(), i.Layers()[0]); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if i := mustOpen(t, "oci:"+b.dir+"@"+string(m.Digest), Options{}); i.ManifestDigest() != chainDigest(m.Digest) || i.Index() != nil {
		t.Error("a manifest inside the index, by digest")
	}
	for _, ref := range []string{"oci:" + b.dir + ":none", "oci:" + b.dir + "/none", "stage:core-y", "trial:core-x/3", "./none"} {
		if _, err := Open(t.Context(), ref, Options{Store: s}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if left, _ := filepath.Glob(os.TempDir() + "/stagescope-archive-*"); len(left) > 1 {
		t.Logf("temporary archives while images are open: %d", len(left))
	}
}

func TestPlatforms(t *testing.T) {
	b := newBuilder(t)
	amd, arm, proof := b.image(gzipLayer, hello(t)), b.image(gzipLayer, layer(t)), b.image(plainLayer, layer(t, entry{name: "proof"}))
	amd.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	arm.Platform = &ocispec.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	proof.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	b.root(b.index(proof, arm, amd), "")
	for platform, want := range map[string]digest.Digest{"": amd.Digest, "linux/amd64": amd.Digest, "linux/arm64": arm.Digest, "linux/arm64/v8": arm.Digest} {
		i := mustOpen(t, b.dir, Options{Platform: platform})
		if i.ManifestDigest() != chainDigest(want) || len(i.Others()) != 2 || len(i.Attestations()) != 1 {
			t.Errorf("%q: %s, %d others, %d attestations", platform, i.ManifestDigest(), len(i.Others()), len(i.Attestations()))
		}
	}
	if _, err := Open(t.Context(), b.dir, Options{Platform: "linux/386"}); err == nil || !strings.Contains(err.Error(), "linux/arm64/v8, linux/amd64") {
		t.Errorf("error = %v", err)
	}
}

// TestMismatches damages one blob after another.
func TestMismatches(t *testing.T) {
	build := func() (*builder, *Image, ocispec.Descriptor) {
		b := newBuilder(t)
		idx := b.index(b.image(gzipLayer, hello(t)))
		b.root(idx, "")
		return b, mustOpen(t, b.dir, Options{}), idx
	}
	flip := func(b *builder, d digest.Digest) {
		data, err := os.ReadFile(b.path(d))
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1] ^= 0x20
		if err := os.WriteFile(b.path(d), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for what, pick := range map[string]func(*Image, ocispec.Descriptor) digest.Digest{
		"index":    func(_ *Image, idx ocispec.Descriptor) digest.Digest { return idx.Digest },
		"manifest": func(i *Image, _ ocispec.Descriptor) digest.Digest { return i.Manifest().Descriptor.Digest },
		"config":   func(i *Image, _ ocispec.Descriptor) digest.Digest { return i.ConfigObject().Descriptor.Digest },
		"layer 1":  func(i *Image, _ ocispec.Descriptor) digest.Digest { return i.Layers()[0].Descriptor.Digest },
	} {
		b, i, idx := build()
		d := pick(i, idx)
		flip(b, d)
		again, err := Open(t.Context(), b.dir, Options{})
		if err == nil {
			_, err = readAll(t.Context(), again.Layers()[0])
		}
		var m *MismatchError
		if !errors.As(err, &m) || m.What != what || m.Want != chainDigest(d) || m.Got == m.Want || !strings.Contains(err.Error(), string(m.Got)) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestBadLayers(t *testing.T) {
	text := hello(t)
	for name, test := range map[string]struct {
		pack func([]byte) ([]byte, string)
		want func(error) bool
	}{
		"another layer's diff ID": {func([]byte) ([]byte, string) { return gzipLayer(layer(t, entry{name: "evil"})) }, func(err error) bool {
			var m *MismatchError
			return errors.As(err, &m) && m.What == "layer 1, uncompressed" && m.Want == chainDigest(digest.FromBytes(text))
		}},
		"gzip cut off": {func(b []byte) ([]byte, string) { p, m := gzipLayer(b); return p[:len(p)/2], m }, isCorrupt},
		"gzip with a bad checksum": {func(b []byte) ([]byte, string) {
			p, m := gzipLayer(b)
			p[len(p)-6] ^= 1
			return p, m
		}, isCorrupt},
		"no gzip at all": {func([]byte) ([]byte, string) { return []byte("\x1f\x8bnonsense"), ocispec.MediaTypeImageLayerGzip }, isCorrupt},
		"zstd cut off":   {func(b []byte) ([]byte, string) { p, m := zstdLayer(b); return p[:len(p)-9], m }, isCorrupt},
		"xz":             {func([]byte) ([]byte, string) { return []byte("\xfd7zXZ\x00\x00\x04"), ocispec.MediaTypeImageLayer }, func(err error) bool { return strings.Contains(err.Error(), "xz") }},
	} {
		b := newBuilder(t)
		b.root(b.image(test.pack, text), "")
		i := mustOpen(t, b.dir, Options{})
		_, err := readAll(t.Context(), i.Layers()[0])
		if err == nil || !test.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func isCorrupt(err error) bool {
	var c *CorruptError
	return errors.As(err, &c) && c.What == "layer 1" && c.Digest != ""
}

func TestDeclaredCompressionMayBeWrong(t *testing.T) {
	b := newBuilder(t)
	b.root(b.image(func(l []byte) ([]byte, string) { p, _ := zstdLayer(l); return p, ocispec.MediaTypeImageLayerGzip }, hello(t)), "")
	l := mustOpen(t, b.dir, Options{}).Layers()[0]
	if _, err := readAll(t.Context(), l); err != nil {
		t.Error(err)
	}
	if c, err := l.Compression(t.Context()); err != nil || c != Zstd || l.DeclaredCompression() != Gzip {
		t.Errorf("compression %s, declared %s, %v", c, l.DeclaredCompression(), err)
	}
}

// TestBombs reads images that want more than they may have.
func TestBombs(t *testing.T) {
	var limit *LimitError
	b := newBuilder(t)
	b.root(b.image(gzipLayer, make([]byte, 64<<20)), "")
	i := mustOpen(t, b.dir, Options{Limits: Limits{Inflated: 1 << 20}})
	if _, err := readAll(t.Context(), i.Layers()[0]); !errors.As(err, &limit) || limit.Limit != 1<<20 {
		t.Errorf("inflated bytes: %v", err)
	}

	var many []entry
	for n := range 100 {
		many = append(many, entry{name: strings.Repeat("d/", n) + "f"})
	}
	b = newBuilder(t)
	b.root(b.image(gzipLayer, layer(t, many...)), "")
	i = mustOpen(t, b.dir, Options{Limits: Limits{Entries: 50}})
	if err := i.Layers()[0].Walk(t.Context(), func(*tar.Header, io.Reader) error { return nil }); !errors.As(err, &limit) {
		t.Errorf("entries: %v", err)
	}
	if _, err := i.FS(t.Context(), false); !errors.As(err, &limit) {
		t.Errorf("entries of a file system: %v", err)
	}

	b = newBuilder(t)
	b.root(b.image(gzipLayer, hello(t), hello(t), hello(t)), "")
	if _, err := Open(t.Context(), b.dir, Options{Limits: Limits{Layers: 2}}); !errors.As(err, &limit) {
		t.Errorf("layers: %v", err)
	}
	if _, err := Open(t.Context(), b.dir, Options{Limits: Limits{Manifest: 100}}); !errors.As(err, &limit) {
		t.Errorf("manifest: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	b := newBuilder(t)
	b.root(b.image(gzipLayer, hello(t)), "")
	i := mustOpen(t, b.dir, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readAll(ctx, i.Layers()[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestNotImages(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	packed, _ := gzipLayer([]byte(strings.Repeat("text", 1000)))
	for _, p := range []string{dir, write("text", []byte("hello")), write("empty", nil), write("other.tar", hello(t)), write("text.gz", packed)} {
		if _, err := Open(t.Context(), p, Options{}); !errors.Is(err, ErrNotImage) {
			t.Errorf("%s: %v", filepath.Base(p), err)
		}
	}
	b := newBuilder(t)
	b.root(b.image(plainLayer), "")
	mustOpen(t, b.dir, Options{})
}

// TestOtherClaims checks the hook for claims.
func TestOtherClaims(t *testing.T) {
	b := newBuilder(t)
	b.root(b.image(plainLayer, hello(t)), "")
	o := Options{Claim: func(_ context.Context, claim string) (Reference, error) {
		if claim != "alice/core-x" {
			return Reference{}, errors.New("unknown party")
		}
		return ParseReference("oci:" + b.dir)
	}}
	if i := mustOpen(t, "claim:alice/core-x", o); i.Ref().Text != "claim:alice/core-x" {
		t.Errorf("reference %q", i.Ref())
	}
	if _, err := Open(t.Context(), "claim:bob/core-x", o); err == nil {
		t.Error("an unknown party has no error")
	}
	if _, err := Open(t.Context(), "claim:alice/core-x", Options{}); err == nil {
		t.Error("without a resolver there is no error")
	}
}
