package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// builder makes OCI layouts, good and bad ones.
type builder struct {
	t     testing.TB
	dir   string
	roots []ocispec.Descriptor
}

func newBuilder(t testing.TB) *builder {
	b := &builder{t: t, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(b.dir, "blobs", "sha256"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return b
}

func (b *builder) write(name string, data []byte) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *builder) path(d digest.Digest) string {
	return filepath.Join(b.dir, "blobs", "sha256", d.Encoded())
}

func (b *builder) blob(mediaType string, data []byte) ocispec.Descriptor {
	b.t.Helper()
	d := digest.FromBytes(data)
	b.write("blobs/sha256/"+d.Encoded(), data)
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
}

func (b *builder) json(mediaType string, v any) ocispec.Descriptor {
	b.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.blob(mediaType, data)
}

// image makes a manifest over uncompressed layers, packed by pack.
func (b *builder) image(pack func([]byte) ([]byte, string), layers ...[]byte) ocispec.Descriptor {
	var config ocispec.Image
	config.OS, config.Architecture = "linux", "amd64"
	config.RootFS.Type = "layers"
	m := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	for _, l := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.FromBytes(l))
		packed, mediaType := pack(l)
		m.Layers = append(m.Layers, b.blob(mediaType, packed))
	}
	m.Config = b.json(ocispec.MediaTypeImageConfig, config)
	return b.json(ocispec.MediaTypeImageManifest, m)
}

func (b *builder) index(entries ...ocispec.Descriptor) ocispec.Descriptor {
	return b.json(ocispec.MediaTypeImageIndex, ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: entries})
}

// root lists a descriptor in index.json, under a tag when that is not "".
func (b *builder) root(d ocispec.Descriptor, tag string) *builder {
	if tag != "" {
		d.Annotations = map[string]string{ocispec.AnnotationRefName: tag}
	}
	b.roots = append(b.roots, d)
	data, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: b.roots})
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("index.json", data)
	return b
}

// tarFiles packs a directory's files into an archive.
func tarDir(t testing.TB, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func plainLayer(b []byte) ([]byte, string) { return b, ocispec.MediaTypeImageLayer }

func gzipLayer(b []byte) ([]byte, string) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes(), ocispec.MediaTypeImageLayerGzip
}

func zstdLayer(b []byte) ([]byte, string) {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil), ocispec.MediaTypeImageLayerZstd
}

// entry is a tar entry; an empty type means a regular file.
type entry struct {
	name, data string
	typ        byte
	link       string
	mode       int64
	xattrs     map[string]string
}

func layer(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.typ, Linkname: e.link, Mode: e.mode, Size: int64(len(e.data)), Format: tar.FormatPAX}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		for k, v := range e.xattrs {
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords["SCHILY.xattr."+k] = v
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func mustOpen(t testing.TB, ref string, o Options) *Image {
	t.Helper()
	i, err := Open(t.Context(), ref, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i
}

// chainDigest converts a digest of the OCI types.
func chainDigest(d digest.Digest) chain.Digest { return chain.Digest(d) }
