package diff

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/image"
)

// savedImage is an archive of docker save as other tools write it, with compressed
// layers, whose digests it does not state. Each tag is an image of its own name.
func savedImage(t *testing.T, layers [][]byte, level int, tags ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(name string, p []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(p))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	var ids, names []string
	for i, l := range layers {
		var z bytes.Buffer
		zw, err := gzip.NewWriterLevel(&z, level)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := zw.Write(l); err != nil {
			t.Fatal(err)
		}
		if err := zw.Close(); err != nil {
			t.Fatal(err)
		}
		ids, names = append(ids, digestOf(l)), append(names, fmt.Sprintf("%d.tar.gz", i))
		add(names[i], z.Bytes())
	}
	config, err := json.Marshal(map[string]any{"architecture": "amd64", "os": "linux", "rootfs": map[string]any{"type": "layers", "diff_ids": ids}})
	if err != nil {
		t.Fatal(err)
	}
	add("config.json", config)
	var list []map[string]any
	for _, tag := range append(tags, "z:1")[:max(1, len(tags))] {
		list = append(list, map[string]any{"Config": "config.json", "RepoTags": []string{tag}, "Layers": names})
	}
	manifest, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	add("manifest.json", manifest)
	name := filepath.Join(t.TempDir(), "saved.tar")
	if err := errors.Join(w.Close(), os.WriteFile(name, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return name
}

func refs(t *testing.T, a, b string) *Node {
	t.Helper()
	c, err := Refs(t.Context(), a, b, image.Options{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Root
}

// TestSavedCompressed: layers whose digests nobody states are the same when their
// bytes are, and differ when they do.
func TestSavedCompressed(t *testing.T) {
	layers := [][]byte{tarBytes(t, base...), tarBytes(t, file{name: "x", body: strings.Repeat("some text to compress ", 5000)})}
	a := savedImage(t, layers, 9)
	for _, prefix := range []string{"", "docker-archive:"} {
		if n := refs(t, prefix+a, prefix+savedImage(t, layers, 9)); mustFind(t, n, "layer 2").Status != Same || mustFind(t, n, "config").Status != Same {
			t.Error(sketch(n, ""))
		}
		n := refs(t, prefix+a, prefix+savedImage(t, layers, 1))
		l := mustFind(t, n, "layer 2")
		if n.Status != Differs || l.Status != Differs || len(l.Reasons) != 1 || strings.HasSuffix(l.Reasons[0].A, ", ") || l.A.Digest == l.B.Digest || l.A.Digest == "" {
			t.Error(sketch(n, ""))
		}
		n = refs(t, prefix+a, prefix+savedImage(t, [][]byte{layers[1], layers[0]}, 9))
		if l := mustFind(t, n, "layer 1"); n.Status != Differs || l.Reasons[0].Field != "position" {
			t.Error(sketch(n, ""))
		}
	}
	if n := refs(t, a, a); n.Status != Same {
		t.Error(sketch(n, ""))
	}
}
