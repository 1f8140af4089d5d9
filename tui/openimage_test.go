package tui

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain/image"
)

// layout writes an OCI layout of layers and gives its directory.
func layout(t *testing.T, layers ...[]tar.Header) string {
	t.Helper()
	dir := t.TempDir()
	put := func(data []byte, media string) ocispec.Descriptor {
		sum := sha256.Sum256(data)
		d := digest.NewDigestFromBytes(digest.SHA256, sum[:])
		file := filepath.Join(dir, "blobs", "sha256", d.Encoded())
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o644)); err != nil {
			t.Fatal(err)
		}
		return ocispec.Descriptor{MediaType: media, Digest: d, Size: int64(len(data))}
	}
	asJSON := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	config := ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}, RootFS: ocispec.RootFS{Type: "layers"}}
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest}
	m.SchemaVersion = 2
	for _, entries := range layers {
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		for _, h := range entries {
			body := "content of " + h.Name
			if h.Typeflag == tar.TypeReg {
				h.Size = int64(len(body))
			}
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if h.Typeflag == tar.TypeReg {
				io.WriteString(w, body)
			}
		}
		w.Close()
		d := put(buf.Bytes(), ocispec.MediaTypeImageLayer)
		m.Layers = append(m.Layers, d)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, d.Digest)
		config.History = append(config.History, ocispec.History{CreatedBy: "a layer"})
	}
	m.Config = put(asJSON(config), ocispec.MediaTypeImageConfig)
	idx := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{put(asJSON(m), ocispec.MediaTypeImageManifest)}}
	idx.SchemaVersion = 2
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "index.json"), asJSON(idx), 0o644),
		os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func regular(name string, mode int64) tar.Header {
	return tar.Header{Name: name, Mode: mode, Typeflag: tar.TypeReg}
}

func TestOpenImage(t *testing.T) {
	dir := layout(t,
		[]tar.Header{{Name: "etc/", Mode: 0o755, Typeflag: tar.TypeDir}, regular("etc/one", 0o644), regular("etc/two", 0o4755)},
		[]tar.Header{regular("etc/.wh.one", 0), {Name: "link", Linkname: "etc/two", Mode: 0o777, Typeflag: tar.TypeSymlink}, regular("etc/three", 0o600)})
	temp := t.TempDir()
	im, err := ImageOpener(image.Options{Offline: true}, temp)(t.Context(), "oci:"+dir)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	if ls := im.Layers(); len(ls) != 2 || ls[0].CreatedBy != "a layer" || im.Digest() == "" {
		t.Errorf("layers are %+v", ls)
	}
	names := func(layer int) string {
		es, err := im.Entries(t.Context(), layer)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, e := range es {
			n := e.Path
			if e.Whiteout {
				n = "-" + n
			}
			out = append(out, n)
		}
		return strings.Join(out, " ")
	}
	if got := names(Effective); got != "etc etc/three etc/two link" {
		t.Errorf("the whole image holds %q", got)
	}
	if got := names(1); got != "-etc/one etc/three link" {
		t.Errorf("the second layer holds %q", got)
	}
	for _, layer := range []int{Effective, 0} {
		r, n, err := im.Open(t.Context(), layer, "etc/two")
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, n)
		if _, err := r.ReadAt(buf, 0); err != nil || string(buf) != "content of etc/two" {
			t.Errorf("from layer %d: %q, %v", layer, buf, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := im.Open(t.Context(), 1, "etc/two"); !errors.Is(err, errNoEntry) {
		t.Errorf("a file that the layer lacks: %v", err)
	}
	if _, err := im.Entries(t.Context(), 7); err == nil {
		t.Error("a layer that does not exist opens")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := im.Open(ctx, 0, "etc/two"); err == nil {
		t.Error("a file opens although the person has left")
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
}

func TestListMode(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0o644: "-rw-r--r--", fs.ModeDir | 0o755: "drwxr-xr-x", fs.ModeSymlink | 0o777: "lrwxrwxrwx", fs.ModeSetuid | 0o755: "-rwsr-xr-x",
		fs.ModeDir | fs.ModeSticky | 0o777: "drwxrwxrwt", fs.ModeSetgid | 0o640: "-rw-r-S---", fs.ModeDevice | fs.ModeCharDevice | 0o600: "crw-------",
	} {
		if got := listMode(mode); got != want {
			t.Errorf("mode %v is shown as %q, want %q", mode, got, want)
		}
	}
}

// TestDamagedLayerIsNotShown: bytes that are not those of their digest never
// reach the screen.
func TestDamagedLayerIsNotShown(t *testing.T) {
	dir := layout(t, []tar.Header{regular("file", 0o644)})
	cfg := sampleConfig(newFakeBuilder())
	cfg.OpenImage = ImageOpener(image.Options{Offline: true}, t.TempDir())
	err := filepath.Walk(filepath.Join(dir, "blobs"), func(p string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if err == nil && bytes.Contains(b, []byte("content of")) {
			err = os.WriteFile(p, bytes.Replace(b, []byte("content of"), []byte("CONTENT OF"), 1), 0o644)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d := newDriver(t, cfg, 120, 24)
	d.run(d.app.openImage("oci:" + dir))
	d.keys("enter")
	if s := d.screen(); strings.Contains(s, "CONTENT") || !strings.Contains(s, "!") {
		t.Errorf("the screen shows:\n%s", s)
	}
}
