package tui

import (
	"archive/tar"
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	causes "github.com/stagescope/stagescope/diff/cause"
)

// zooDiff compares, for the pictures, two images of the kind that the embedded
// chain's zoo gives: a program that holds the time of its compilation, a log
// with a path, and a table in the order of a hash.
func zooDiff(t *testing.T) *diff.Comparison {
	t.Helper()
	code := strings.Repeat("\x48\x89\xe5\x00\x0f\x05\xc3\x90", 40)
	a := zooImage(t, map[string]string{
		"usr/share/zoo/report":     "\x00\x01" + code + "report: built 2026-03-04 10:11:12\n\x00usage: report FILE\n\x00" + code,
		"usr/share/zoo/table.json": "{\n  \"aardvark\": 8,\n  \"badger\": 6,\n  \"otter\": 5\n}\n",
		"usr/share/zoo/where":      "compiled in /build/one/zoo\n", "usr/share/zoo/LICENSE": "the same for everyone\n",
	})
	b := zooImage(t, map[string]string{
		"usr/share/zoo/report":     "\x00\x01" + code + "report: built 2026-03-05 01:02:03\n\x00usage: report FILE\n\x00" + code,
		"usr/share/zoo/table.json": "{\n  \"otter\": 5,\n  \"aardvark\": 8,\n  \"badger\": 6\n}\n",
		"usr/share/zoo/where":      "compiled in /build/two/zoo\n", "usr/share/zoo/LICENSE": "the same for everyone\n",
	})
	c, err := diff.Refs(t.Context(), a, b, image.Options{}, diff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := causes.Classify(t.Context(), c.Root, causes.Known{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// zooImage writes an image of one layer.
func zooImage(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"usr/share/zoo/LICENSE", "usr/share/zoo/report", "usr/share/zoo/table.json", "usr/share/zoo/where"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), ModTime: time.Unix(1, 0)}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[name])
	}
	w.Close()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: mustConfig(t, img).RootFS})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "image")
	p, err := ocilayout.Write(dir, empty.Index)
	if err == nil {
		err = p.AppendImage(img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustConfig(t *testing.T, img v1.Image) *v1.ConfigFile {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
