package image

import (
	"archive/tar"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// small are limits under which a fuzzer cannot make the machine slow.
var small = Limits{Layers: 8, Entries: 1000, Inflated: 1 << 20, Manifest: 1 << 16}

// readEverything opens what a path holds and reads all of it. Whatever it is,
// this must end, without a panic.
func readEverything(t *testing.T, path string) {
	i, err := Open(t.Context(), "oci:"+path, Options{Limits: small})
	if err != nil {
		return
	}
	defer i.Close()
	for _, l := range i.Layers() {
		_ = l.Walk(t.Context(), func(_ *tar.Header, r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		})
	}
	fs, err := i.FS(t.Context(), true)
	if err != nil {
		return
	}
	if _, err := fs.Tree(); err == nil && len(fs.Problems) > 0 {
		t.Error("a tree root in spite of problems")
	}
	if f, err := fs.Find("hello"); err == nil {
		if r, err := fs.Open(t.Context(), f); err == nil {
			_, _ = io.Copy(io.Discard, r)
			r.Close()
		}
	}
}

func FuzzArchive(f *testing.F) {
	b := newBuilder(f)
	b.root(b.index(b.image(gzipLayer, hello(f))), "latest")
	f.Add(tarDir(f, b.dir))
	f.Add(layer(f, entry{name: "manifest.json", data: `[{"Config":"c.json","Layers":["l"]}]`}, entry{name: "c.json", data: `{"rootfs":{"diff_ids":[]}}`}))
	packed, _ := gzipLayer(tarDir(f, b.dir))
	f.Add(packed)
	f.Fuzz(func(t *testing.T, data []byte) {
		p := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(p, data, 0o644); err != nil {
			t.Fatal(err)
		}
		readEverything(t, p)
	})
}

func FuzzLayer(f *testing.F) {
	f.Add(layer(f, dir("a"), file("a/b", "x"), hard("c", "a/b"), symlink("d", "a"), file("d/.wh.b", ""), file("a/.wh..wh..opq", "")))
	f.Add(layer(f, symlink("a", "b"), symlink("b", "a"), file("a/x", "")))
	f.Add([]byte("\x1f\x8b\x08"))
	f.Add([]byte("\x28\xb5\x2f\xfd\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBuilder(t)
		b.root(b.image(plainLayer, data, data), "")
		readEverything(t, b.dir)
	})
}

func FuzzLayout(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:aa","size":3}]}`), []byte(`{"schemaVersion":2,"config":{"digest":"x"},"layers":[]}`))
	f.Add([]byte(`{"manifests":[]}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, index, manifest []byte) {
		b := newBuilder(t)
		d := b.blob("application/vnd.oci.image.manifest.v1+json", manifest)
		b.root(d, "")
		readEverything(t, b.dir)
		b.write("index.json", index)
		readEverything(t, b.dir)
	})
}

func FuzzReference(f *testing.F) {
	for _, s := range []string{"busybox", "oci:x:y", "docker-archive:/x", "dir:x", "docker://x/y", "stage:core-a", "trial:a/1", "claim:a/b", "sha256:00", "./x", "a/b:c@sha256:d", "oci:@sha256:", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseReference(s)
		if err != nil {
			return
		}
		if r.Text != s || r.Kind == "" {
			t.Errorf("ParseReference(%q) = %+v", s, r)
		}
		if (r.Kind == KindOCI || r.Kind == KindDockerArchive || r.Kind == KindDir) && r.Path == "" {
			t.Errorf("ParseReference(%q) names no path", s)
		}
	})
}

func TestReferences(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"layout", "with:colon", "busybox.tar"} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]Reference{
		"oci:layout":           {Kind: KindOCI, Path: "layout"},
		"oci:layout:v1":        {Kind: KindOCI, Path: "layout", Tag: "v1"},
		"oci:with:colon":       {Kind: KindOCI, Path: "with:colon"},
		"oci:with:colon:v1":    {Kind: KindOCI, Path: "with:colon", Tag: "v1"},
		"oci:none/sub:v1":      {Kind: KindOCI, Path: "none/sub", Tag: "v1"},
		"docker-archive:x.tar": {Kind: KindDockerArchive, Path: "x.tar"},
		"oci-archive:x.tar:v1": {Kind: KindOCI, Path: "x.tar", Tag: "v1"},
		"dir:layout":           {Kind: KindDir, Path: "layout"},
		"busybox.tar":          {Kind: KindOCI, Path: "busybox.tar"},
		"./none":               {Kind: KindOCI, Path: "./none"},
		"stage:core-gcc":       {Kind: KindStore, Tag: "stage/core-gcc"},
		"trial:core-gcc/3":     {Kind: KindStore, Tag: "trial/core-gcc/3"},
		"claim:alice/core-gcc": {Kind: KindClaim, Claim: "alice/core-gcc"},
	} {
		want.Text = text
		if got, err := ParseReference(text); err != nil || got != want {
			t.Errorf("ParseReference(%q) = %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"busybox", "busybox:1.36", "quay.io/stagex/core-x@" + string(vectorHello), "localhost:5000/x", "docker://busybox:1.36"} {
		if got, err := ParseReference(text); err != nil || got.Kind != KindRegistry {
			t.Errorf("ParseReference(%q) = %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "oci:", "docker-archive:", "stage:", "stage:a/b", "stage:../x", "trial:a", "trial:a/0", "trial:a/01", "trial:a/-1", "trial:a/x", "claim:a", "claim:/x", "sha256:xyz", "UPPER", "oci:x@sha256:zz", "http://x/y", "dir:", "dir:x:tag", "docker:", "docker://", "docker://UPPER"} {
		if got, err := ParseReference(text); err == nil {
			t.Errorf("ParseReference(%q) = %+v, want an error", text, got)
		}
	}
}
