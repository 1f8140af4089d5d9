package diff

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stagescope/stagescope/chain/image"
)

// file is an entry of an archive that tests build.
type file struct {
	name, body string
	mode       int64
	typ        byte
	link       string
	at         time.Time
	uid        int
	xattrs     map[string]string
}

var epoch = time.Unix(1, 0)

func tarBytes(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Typeflag: f.typ, Linkname: f.link, ModTime: f.at, Uid: f.uid, Size: int64(len(f.body))}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if h.ModTime.IsZero() {
			h.ModTime = epoch
		}
		if h.ModTime.Nanosecond() != 0 {
			h.Format = tar.FormatPAX
		}
		for k, v := range f.xattrs {
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords["SCHILY.xattr."+k] = v
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// imageSpec says how a test's image is written.
type imageSpec struct {
	dir         string   // where it is written; "" means a directory of its own
	layers      [][]byte // tar archives
	count       int      // of the layers that source gives, one at a time, instead
	source      func(k int) []byte
	level       int // of gzip; 0 means 6
	annotations map[string]string
	env         []string
	indexes     []map[string]any // around the manifest, the innermost first: what each has beside its list
	harm        func(dir string) // damages the written layout
}

func digestOf(p []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(p)) }

func (s imageSpec) write(t testing.TB) string {
	t.Helper()
	dir := s.dir
	if dir == "" {
		dir = t.TempDir()
	}
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(p []byte) map[string]any {
		d := digestOf(p)
		if err := os.WriteFile(filepath.Join(blobs, d[7:]), p, 0o644); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"digest": d, "size": len(p)}
	}
	putJSON := func(typ string, v any) map[string]any {
		p, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		d := put(p)
		d["mediaType"] = typ
		return d
	}
	level := s.level
	if level == 0 {
		level = 6
	}
	var layers []any
	ids := []string{}
	if s.source == nil {
		s.count, s.source = len(s.layers), func(k int) []byte { return s.layers[k] }
	}
	for k := range s.count {
		l := s.source(k)
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(l)
		z.Close()
		d := put(b.Bytes())
		d["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
		layers = append(layers, d)
		ids = append(ids, digestOf(l))
	}
	config := map[string]any{"architecture": "amd64", "os": "linux", "config": map[string]any{"Env": s.env}, "rootfs": map[string]any{"type": "layers", "diff_ids": ids}}
	manifest := map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": putJSON("application/vnd.oci.image.config.v1+json", config), "layers": layers}
	if s.annotations != nil {
		manifest["annotations"] = s.annotations
	}
	named := putJSON("application/vnd.oci.image.manifest.v1+json", manifest)
	for _, more := range s.indexes {
		ix := map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []any{named}}
		maps.Copy(ix, more)
		named = putJSON("application/vnd.oci.image.index.v1+json", ix)
	}
	index := map[string]any{"schemaVersion": 2, "manifests": []any{named}}
	p, err := json.Marshal(index)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"index.json": p, "oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if s.harm != nil {
		s.harm(dir)
	}
	return dir
}

// compare compares two images of a test and fails when it cannot.
func compare(t testing.TB, a, b imageSpec, o Options) *Node {
	t.Helper()
	c, err := Refs(t.Context(), a.write(t), b.write(t), image.Options{}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Root
}

// find gives the first node of that name below n.
func find(n *Node, name string) *Node {
	if n.Name == name {
		return n
	}
	for _, c := range n.Children {
		if f := find(c, name); f != nil {
			return f
		}
	}
	return nil
}

func mustFind(t testing.TB, n *Node, name string) *Node {
	t.Helper()
	f := find(n, name)
	if f == nil {
		t.Fatalf("there is no node %q in\n%s", name, sketch(n, ""))
	}
	return f
}

// sketch writes a tree for a failure's message.
func sketch(n *Node, in string) string {
	s := fmt.Sprintf("%s%s %q: %s, residue %s, %d equal %s\n", in, n.Kind, n.Name, n.Status, n.Residue, n.Equal, n.Note)
	for _, r := range n.Reasons {
		s += fmt.Sprintf("%s  - %s: %q -> %q", in, r.Field, r.A, r.B)
		if r.Cause != nil {
			s += fmt.Sprintf(" (%s %s)", r.Cause.ID, r.Cause.Confidence)
		}
		s += "\n"
	}
	for _, c := range n.Children {
		s += sketch(c, in+"  ")
	}
	return s
}
