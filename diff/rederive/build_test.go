package rederive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// entryOf is a file of a test's archive.
type entryOf struct {
	name, body string
	dir        bool
	at         int64 // seconds since 1970; 0 means 1
}

func archive(t testing.TB, files ...entryOf) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(f.body)), ModTime: time.Unix(max(1, f.at), 0)}
		if f.dir {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// prose is text that every level compresses to other bytes.
func prose(seed int64, n int) string {
	r := rand.New(rand.NewSource(seed))
	words := make([]string, 500)
	for i := range words {
		w := make([]byte, 2+r.Intn(9))
		for j := range w {
			w[j] = byte('a' + r.Intn(26))
		}
		words[i] = string(w)
	}
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(words[r.Intn(len(words))])
		b.WriteByte(' ')
	}
	return b.String()[:n]
}

// A packer compresses an archive as some tool does.
type packer func(t testing.TB, tar []byte) (blob []byte, mediaType string)

func asGzip(level int) packer {
	return func(t testing.TB, p []byte) ([]byte, string) {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		return closed(t, &b, w, p), ociLayer + "+gzip"
	}
}

func asPgzip(t testing.TB, p []byte) ([]byte, string) {
	var b bytes.Buffer
	return closed(t, &b, pgzip.NewWriter(&b), p), ociLayer + "+gzip"
}

func asZstd(level zstd.EncoderLevel) packer {
	return func(t testing.TB, p []byte) ([]byte, string) {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(level))
		if err != nil {
			t.Fatal(err)
		}
		return closed(t, &b, w, p), ociLayer + "+zstd"
	}
}

func asTar(_ testing.TB, p []byte) ([]byte, string) { return p, ociLayer }

// asGNUGzip runs gzip(1).
func asGNUGzip(level string) packer {
	return func(t testing.TB, p []byte) ([]byte, string) {
		realtool.Find(t, "gzip", "it is not tried what it writes")
		c := exec.Command("gzip", "-n", level, "-c")
		c.Stdin = bytes.NewReader(p)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out, ociLayer + "+gzip"
	}
}

// asOdd flushes in the middle, as no known tool does.
func asOdd(t testing.TB, p []byte) ([]byte, string) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(p[:100]); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return closed(t, &b, w, p[100:]), ociLayer + "+gzip"
}

func closed(t testing.TB, b *bytes.Buffer, w io.WriteCloser, p []byte) []byte {
	t.Helper()
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// spec is an image that a test builds. The zero value of each field is what
// BuildKit writes.
type spec struct {
	layers      [][]byte
	pack        packer
	annotations map[string]string
	config      func(*ocispec.Image)
	rawConfig   func([]byte) []byte
	manifest    func(*ocispec.Manifest)
	write       func(v any) []byte // of the manifest and the index
	index       func(*ocispec.Index)
	bare        bool // index.json names the manifest itself
	harm        func(dir string)
}

func hashOf(p []byte) chain.Digest { return chain.SHA256(sha256.Sum256(p)) }

func indented(v any) []byte {
	p, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return p
}

func compact(v any) []byte {
	p, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return p
}

// dockerPush writes as Docker's registry code does: size before digest, three
// spaces.
func dockerPush(v any) []byte {
	type desc struct {
		MediaType string            `json:"mediaType"`
		Size      int64             `json:"size"`
		Digest    string            `json:"digest"`
		Platform  *ocispec.Platform `json:"platform,omitempty"`
	}
	m, ok := v.(ocispec.Manifest)
	if !ok {
		return indented(v)
	}
	of := func(d ocispec.Descriptor) desc { return desc{d.MediaType, d.Size, string(d.Digest), nil} }
	out := struct {
		SchemaVersion int    `json:"schemaVersion"`
		MediaType     string `json:"mediaType"`
		Config        desc   `json:"config"`
		Layers        []desc `json:"layers"`
	}{2, m.MediaType, of(m.Config), nil}
	for _, l := range m.Layers {
		out.Layers = append(out.Layers, of(l))
	}
	p, err := json.MarshalIndent(out, "", "   ")
	if err != nil {
		panic(err)
	}
	return p
}

// dockerTypes gives a manifest Docker's media types.
func dockerTypes(m *ocispec.Manifest) {
	m.MediaType, m.Config.MediaType = dockerManifest, dockerConfig
	for i := range m.Layers {
		switch m.Layers[i].MediaType {
		case ociLayer:
			m.Layers[i].MediaType = dockerLayer
		default:
			m.Layers[i].MediaType = dockerLayer + ".gzip"
		}
	}
}

// build writes the image as a layout and gives its directory.
func (s spec) build(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(p []byte, mediaType string) ocispec.Descriptor {
		d := hashOf(p)
		if err := os.WriteFile(filepath.Join(blobs, d.Hex()), p, 0o644); err != nil {
			t.Fatal(err)
		}
		return ocispec.Descriptor{MediaType: mediaType, Digest: godigest(d), Size: int64(len(p))}
	}
	if s.pack == nil {
		s.pack = asGzip(6)
	}
	if s.write == nil {
		s.write = indented
	}
	cfg := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, Config: ocispec.ImageConfig{Env: []string{"PATH=/bin"}}}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Annotations: s.annotations}
	m.SchemaVersion = 2
	for _, l := range s.layers {
		blob, mediaType := s.pack(t, l)
		m.Layers = append(m.Layers, put(blob, mediaType))
		cfg.RootFS.DiffIDs = append(cfg.RootFS.DiffIDs, godigest(hashOf(l)))
	}
	cfg.RootFS.Type = "layers"
	if s.config != nil {
		s.config(&cfg)
	}
	raw := compact(cfg)
	if s.rawConfig != nil {
		raw = s.rawConfig(raw)
	}
	m.Config = put(raw, ocispec.MediaTypeImageConfig)
	if s.manifest != nil {
		s.manifest(&m)
	}
	top := put(s.write(m), m.MediaType)
	if top.MediaType == "" {
		top.MediaType = ocispec.MediaTypeImageManifest
	}
	if !s.bare {
		ix := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{top}}
		ix.SchemaVersion = 2
		ix.Manifests[0].Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
		if s.index != nil {
			s.index(&ix)
		}
		top = put(s.write(ix), ix.MediaType)
	}
	layout := ocispec.Index{Manifests: []ocispec.Descriptor{top}}
	layout.SchemaVersion = 2
	for name, text := range map[string][]byte{"index.json": compact(layout), "oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if s.harm != nil {
		s.harm(dir)
	}
	return dir
}

func open(t testing.TB, ref string) *image.Image {
	t.Helper()
	i, err := image.Open(t.Context(), ref, image.Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i
}

func (s spec) open(t testing.TB) *image.Image { return open(t, s.build(t)) }

// describe writes an answer for a failure's message.
func describe(a *Answer, err error) string {
	s := fmt.Sprintf("%s\nlevel %s, tried %d, stopped %q, error %v\n", a.Sentence(), a.Level, a.Tried, a.Stopped, err)
	for _, st := range a.Steps {
		s += fmt.Sprintf("  %s %s: %s [%s -> %s] %v %s\n", st.Cause, st.Confidence, st.Text, st.From, st.To, st.Layers, st.Evidence)
	}
	return s
}
