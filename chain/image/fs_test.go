package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
)

// flat opens the effective file system of layers and lists it.
func flat(t *testing.T, layers ...[]byte) (*FS, []string) {
	t.Helper()
	b := newBuilder(t)
	b.root(b.image(gzipLayer, layers...), "")
	fs, err := mustOpen(t, b.dir, Options{}).FS(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for f := range fs.Files() {
		if f.Path == "" {
			continue
		}
		s := f.Path
		switch {
		case f.Type == TypeDir:
			s += "/"
		case f.Type == TypeSymlink:
			s += " -> " + f.Link
		case f.HardLink != "" && f.HardLink != f.Path:
			s += " = " + f.HardLink
		}
		list = append(list, fmt.Sprintf("%s %d", s, f.Layer))
	}
	return fs, list
}

func dir(name string) entry             { return entry{name: name, typ: tar.TypeDir, mode: 0o755} }
func file(name, data string) entry      { return entry{name: name, data: data} }
func symlink(name, target string) entry { return entry{name: name, typ: tar.TypeSymlink, link: target} }
func hard(name, target string) entry    { return entry{name: name, typ: tar.TypeLink, link: target} }

func TestEffectiveFS(t *testing.T) {
	for _, test := range []struct {
		name     string
		layers   [][]entry
		want     []string
		problems int
	}{
		{"a later layer wins", [][]entry{{file("a", "1"), file("b", "1")}, {file("a", "2")}}, []string{"a 2", "b 1"}, 0},
		{"a later entry wins", [][]entry{{file("a", "1"), file("a", "2")}}, []string{"a 1"}, 0},
		{"whiteout", [][]entry{{file("d/a", ""), file("d/b", "")}, {file("d/.wh.a", "")}}, []string{"d/ 0", "d/b 1"}, 0},
		{"whiteout of a directory", [][]entry{{dir("d"), file("d/x/y", "")}, {file(".wh.d", "")}}, nil, 0},
		{"whiteout spares its own layer", [][]entry{{file("a", "")}, {file("a", "new"), file(".wh.a", "")}}, []string{"a 2"}, 0},
		{"whiteout of nothing", [][]entry{{file("a", "")}, {file(".wh.b", ""), file("x/.wh.y", "")}}, []string{"a 1"}, 0},
		{"opaque", [][]entry{{dir("d"), file("d/a", ""), file("d/e/f", "")}, {file("d/new", ""), file("d/.wh..wh..opq", "")}}, []string{"d/ 1", "d/new 2"}, 0},
		{"opaque root", [][]entry{{file("a", "")}, {file(".wh..wh..opq", ""), file("b", "")}}, []string{"b 2"}, 0},
		{"aufs's own files", [][]entry{{file(".wh..wh.plnk/1", ""), file("a", "")}}, []string{"a 1"}, 0},
		{"directory over file", [][]entry{{file("a", "")}, {dir("a"), file("a/b", "")}}, []string{"a/ 2", "a/b 2"}, 0},
		{"file over directory", [][]entry{{dir("a"), file("a/b", "")}, {file("a", "")}}, []string{"a 2"}, 0},
		{"directory over directory keeps", [][]entry{{dir("a"), file("a/b", "")}, {dir("a")}}, []string{"a/ 2", "a/b 1"}, 0},
		{"through a symlink", [][]entry{{dir("usr/lib"), symlink("lib", "usr/lib")}, {file("lib/x", "")}}, []string{"lib -> usr/lib 1", "usr/ 0", "usr/lib/ 1", "usr/lib/x 2"}, 0},
		{"through an absolute symlink", [][]entry{{symlink("lib", "/usr/lib")}, {file("lib/x", "")}}, []string{"lib -> /usr/lib 1", "usr/ 0", "usr/lib/ 0", "usr/lib/x 2"}, 0},
		{"symlink out of the root", [][]entry{{symlink("up", "../../../etc")}, {file("up/x", "")}}, []string{"etc/ 0", "etc/x 2", "up -> ../../../etc 1"}, 0},
		{"symlink to itself", [][]entry{{symlink("a", "a")}, {file("a/x", "")}}, []string{"a -> a 1"}, 1},
		{"dots", [][]entry{{file("../../a", ""), file("./b/../c", "")}}, []string{"a 1", "c 1"}, 0},
		{"hard link", [][]entry{{file("b", "x"), hard("a", "b"), hard("d/c", "./a")}}, []string{"a 1", "b = a 1", "d/ 0", "d/c = a 1"}, 0},
		{"hard link to nothing", [][]entry{{hard("a", "none")}}, nil, 1},
		{"hard link to a directory", [][]entry{{dir("d"), hard("a", "d")}}, []string{"d/ 1"}, 1},
		{"hard link to a lower layer", [][]entry{{file("a", "x")}, {hard("b", "a")}}, []string{"a 1", "b = a 1"}, 0},
		{"hard link then replaced", [][]entry{{file("a", "x"), hard("b", "a")}, {file("a", "y")}}, []string{"a 2", "b 1"}, 0},
		{"below a file", [][]entry{{file("a", "")}, {file("a/b", "")}}, []string{"a 1"}, 1},
		{"unknown type", [][]entry{{entry{name: "a", typ: 'Z'}}}, nil, 1},
		{"a file as root", [][]entry{{entry{name: ".", typ: tar.TypeFifo}}}, nil, 1},
	} {
		var layers [][]byte
		for _, l := range test.layers {
			layers = append(layers, layer(t, l...))
		}
		fs, got := flat(t, layers...)
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, d)
		}
		if len(fs.Problems) != test.problems {
			t.Errorf("%s: problems %q, want %d", test.name, fs.Problems, test.problems)
		}
		if _, err := fs.Tree(); (err != nil) != (test.problems > 0) {
			t.Errorf("%s: tree root: %v", test.name, err)
		}
	}
}

func TestFind(t *testing.T) {
	fs, _ := flat(t,
		layer(t, dir("usr/bin"), file("usr/bin/tool", "old"), symlink("bin", "usr/bin"), symlink("usr/bin/alias", "/bin/tool"), symlink("loop", "loop")),
		layer(t, file("bin/tool", "new content"), file("after", strings.Repeat("x", 100))))
	for _, p := range []string{"usr/bin/tool", "/bin/tool", "bin/alias", "./bin/../bin/alias"} {
		f, err := fs.Find(p)
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		r, err := fs.Open(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil || string(data) != "new content" {
			t.Errorf("%s: %q, %v", p, data, err)
		}
	}
	for _, p := range []string{"none", "loop", "usr/bin/tool/x", "../../etc/none"} {
		if f, err := fs.Find(p); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, %v", p, f, err)
		}
	}
	if f, err := fs.Find("/"); err != nil || f.Type != TypeDir {
		t.Errorf("the root: %v, %v", f, err)
	} else if _, err := fs.Open(t.Context(), f); err == nil {
		t.Error("a directory has content")
	}
}

// vectors are file systems with their tree roots, computed by another program
// from the encoding that TreeNode documents.
func vectors() map[chain.Digest][]File {
	d := func(p string, mode uint32) File { return File{Path: p, Type: TypeDir, Mode: mode} }
	f := func(p, content string) File {
		sum, _ := chain.HashReader(strings.NewReader(content))
		return File{Path: p, Type: TypeRegular, Mode: 0o644, Size: int64(len(content)), Digest: sum}
	}
	capable := f("bin/ping", "ping")
	capable.Mode, capable.UID, capable.GID = 0o4755, 1000, 100
	capable.Xattrs = map[string][]byte{"security.capability": {1, 0, 0, 2}, "user.a": []byte("b")}
	one, two := f("bin/a", "same"), f("bin/b", "same")
	one.HardLink, two.HardLink = "bin/a", "bin/a"
	return map[chain.Digest][]File{
		vectorEmpty: {d("", 0o755)},
		vectorHello: {d("", 0o755), f("hello", "hello, world\n")},
		vectorFull: {
			d("", 0o755), d("bin", 0o755), capable, one, two, d("dev", 0o755),
			{Path: "dev/null", Type: TypeChar, Mode: 0o666, Major: 1, Minor: 3},
			{Path: "dev/pipe", Type: TypeFIFO, Mode: 0o600},
			{Path: "lib", Type: TypeSymlink, Mode: 0o777, Link: "usr/lib"},
		},
	}
}

func TestTreeVectors(t *testing.T) {
	for want, files := range vectors() {
		tree, err := TreeOf(files)
		if err != nil {
			t.Fatal(err)
		}
		if tree.Digest != want {
			t.Errorf("%d files: %s, want %s", len(files), tree.Digest, want)
		}
	}
}

// TestTreeOfImage computes the root from an image and from its list of files.
func TestTreeOfImage(t *testing.T) {
	fs, _ := flat(t, layer(t, file("hello", "hello, world\n")))
	tree, err := fs.Tree()
	if err != nil || tree.Digest != vectorHello {
		t.Errorf("root %v, %v; want %s", tree, err, vectorHello)
	}
	fs, _ = flat(t, layer(t, dir("a"), file("a/b", "1"), hard("a-b", "a/b"), symlink("l", "a"), entry{name: "c", data: "c", xattrs: map[string]string{"user.x": "y\x00"}}))
	var list []File
	for f := range fs.Files() {
		list = append(list, *f)
	}
	whole, err := fs.Tree()
	if err != nil {
		t.Fatal(err)
	}
	again, err := TreeOf(list)
	if err != nil || again.Digest != whole.Digest {
		t.Errorf("from the list %v, from the image %s; %v", again, whole.Digest, err)
	}
	for _, change := range []func(*File){
		func(f *File) { f.Mode ^= 0o4000 }, func(f *File) { f.UID = 7 }, func(f *File) { f.GID = 7 }, func(f *File) { f.Size++ },
		func(f *File) { f.Xattrs = map[string][]byte{"security.capability": {1}} }, func(f *File) { f.HardLink = "" }, func(f *File) { f.Minor = 1 },
		func(f *File) { f.Link = "x" }, func(f *File) { f.Digest = vectorHello }, func(f *File) { f.Type = TypeFIFO },
	} {
		changed := append([]File(nil), list...)
		for n := range changed {
			if changed[n].Path == "a/b" {
				change(&changed[n])
			}
		}
		if other, err := TreeOf(changed); err != nil || other.Digest == whole.Digest {
			t.Errorf("a change has the same root, or %v", err)
		}
	}
	for name, files := range map[string][]File{
		"no root": list[1:], "twice": append(list[:len(list):len(list)], list[1]), "no directory": {list[0], {Path: "x/y", Type: TypeFIFO}},
		"not hashed": {list[0], {Path: "x", Type: TypeRegular}}, "not clean": {list[0], {Path: "/x", Type: TypeFIFO}},
	} {
		if _, err := TreeOf(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRootfsVectors(t *testing.T) {
	zero, ff := chain.Digest("sha256:"+strings.Repeat("00", 32)), chain.Digest("sha256:"+strings.Repeat("ff", 32))
	for want, ids := range map[chain.Digest][]chain.Digest{rootfsNone: nil, rootfsOne: {zero}, rootfsTwo: {zero, ff}} {
		if got, err := RootfsDigest(ids); err != nil || got != want {
			t.Errorf("%d diff IDs: %s, %v; want %s", len(ids), got, err, want)
		}
	}
	if _, err := RootfsDigest([]chain.Digest{"sha256:xyz"}); err == nil {
		t.Error("a bad diff ID has no error")
	}
}
