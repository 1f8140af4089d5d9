package diff

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/image"
)

// listOf writes the list of an image's files.
func listOf(t *testing.T, dir string) []byte {
	t.Helper()
	im, err := image.Open(t.Context(), "oci:"+dir, image.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	fs, err := im.FS(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := image.WriteFileList(&b, fs.Files()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func inFile(t *testing.T, p []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(name, p, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func compareRefs(t *testing.T, a, b string, o Options) *Node {
	t.Helper()
	c, err := Refs(t.Context(), a, b, image.Options{}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Root
}

var listedFiles = []file{{name: "bin/", typ: '5', mode: 0o755}, {name: "bin/sh", body: "the shell", mode: 0o755}, {name: "bin/su", body: "root", mode: 0o755},
	{name: "etc/", typ: '5', mode: 0o755}, {name: "etc/conf", body: "a\nb\nc\n"}, {name: "etc/old", body: "it moves"}, {name: "etc/link", typ: '2', link: "conf"}}

// changedFiles are listedFiles with one change of each kind.
func changedFiles() []file {
	out := slices.Clone(listedFiles)
	out[2].mode = 0o4755
	out[4].body = "a\nB\nc\n"
	out[5].name = "etc/new"
	out[6].link = "elsewhere"
	return out
}

// TestFileList compares an image with the list of its files, and with that of
// another: never same, as the list's contents are somebody's word, and each file that
// differs is named.
func TestFileList(t *testing.T) {
	a := imageSpec{layers: [][]byte{tarBytes(t, listedFiles...)}}.write(t)
	b := imageSpec{layers: [][]byte{tarBytes(t, changedFiles()...)}}.write(t)
	own := compareRefs(t, "oci:"+a, inFile(t, listOf(t, a)), Options{})
	if own.Kind != KindTree || own.Status != Differs || own.Capped || len(own.Children) != 0 || own.Residue == ResidueNone || len(own.Reasons) != 1 ||
		own.Reasons[0].Cause.Name != "same tree as listed" || own.Reasons[0].Cause.Confidence != Likely || strings.Contains(own.Reasons[0].Cause.Evidence, "hashed") {
		t.Errorf("with its own list:\n%s", sketch(own, ""))
	}
	if !slices.ContainsFunc(own.Unrecorded, func(u Unrecorded) bool { return u.Field == "mtime" && u.Side == "B" && u.Entries > 0 }) {
		t.Errorf("it is not said that times were not compared: %+v", own.Unrecorded)
	}
	n := compareRefs(t, "oci:"+a, inFile(t, listOf(t, b)), Options{})
	if n.Status != Differs || n.Residue == ResidueNone || len(n.Children) != 4 || n.Reasons[0].Cause.Name != "other container" {
		t.Fatalf("with another's list:\n%s", sketch(n, ""))
	}
	if c := mustFind(t, n, "etc/conf"); c.Status != Differs || c.Residue == ResidueNone || !strings.Contains(c.Note, "holds no contents") || c.A.Digest == c.B.Digest {
		t.Errorf("a content that differs: %+v", c)
	} else if r, _, err := c.Content.OpenB(); !errors.Is(err, errListed) {
		t.Errorf("its content on the list's side: %v, %v", r, err)
	}
	if c := mustFind(t, n, "bin/su"); len(c.Suspicions) == 0 {
		t.Errorf("a set-id bit is not suspicious: %+v", c)
	}
	if s := sketch(n, ""); !strings.Contains(s, "etc/new") {
		t.Errorf("the file that moved:\n%s", s)
	}
}

// TestFileListAgainstList compares two lists, of which each byte is accounted for.
func TestFileListAgainstList(t *testing.T) {
	a := listOf(t, imageSpec{layers: [][]byte{tarBytes(t, listedFiles...)}}.write(t))
	b := listOf(t, imageSpec{layers: [][]byte{tarBytes(t, changedFiles()...)}}.write(t))
	if n := compareRefs(t, inFile(t, a), inFile(t, a), Options{}); n.Status != Same {
		t.Errorf("equal lists:\n%s", sketch(n, ""))
	}
	n := compareRefs(t, inFile(t, a), inFile(t, b), Options{})
	if n.Kind != KindFileList || n.Status != Differs || n.Residue == ResidueNone {
		t.Fatal(sketch(n, ""))
	}
	if c := mustFind(t, n, "etc/conf"); !slices.ContainsFunc(c.Reasons, func(r Reason) bool { return r.Field == "digest" && r.A != r.B }) {
		t.Errorf("%+v", c.Reasons)
	}
	// One file in other words: its two attributes in another order.
	x := listOf(t, imageSpec{layers: [][]byte{tarBytes(t, file{name: "f", xattrs: map[string]string{"user.a": "1", "user.b": "2"}})}}.write(t))
	pair := func(name, value string) []byte {
		var p []byte
		for _, s := range []string{name, value} {
			p = append(binary.LittleEndian.AppendUint32(p, uint32(len(s))), s...)
		}
		return p
	}
	one, two := pair("user.a", "1"), pair("user.b", "2")
	y := bytes.Replace(x, slices.Concat(one, two), slices.Concat(two, one), 1)
	if bytes.Equal(x, y) {
		t.Fatal("the attributes are not found")
	}
	if n := compareRefs(t, inFile(t, x), inFile(t, y), Options{}); n.Status != Differs || n.Residue == ResidueNone {
		t.Errorf("other words:\n%s", sketch(n, ""))
	}
}

// TestHostileFileList: a list that is cut, or that makes no tree, is the same as
// nothing.
func TestHostileFileList(t *testing.T) {
	dir := imageSpec{layers: [][]byte{tarBytes(t, listedFiles...)}}.write(t)
	whole := listOf(t, dir)
	magic := len("stagescope files 1\n")
	for name, list := range map[string][]byte{
		"cut": whole[:len(whole)-7], "no file at all": whole[:magic], "twice": slices.Concat(whole, whole[magic:]), "only the first line, cut": whole[:magic-1],
	} {
		c, err := Refs(t.Context(), "oci:"+dir, inFile(t, list), image.Options{}, Options{})
		if err != nil {
			continue // it is said to be no list
		}
		if n := c.Root; n.Status == Same || n.Residue == ResidueNone || len(n.Reasons) > 0 && n.Reasons[0].Cause.Name == "same tree as listed" {
			t.Errorf("%s:\n%s", name, sketch(n, ""))
		}
		c.Close()
		for _, other := range [][]byte{whole, list[:len(list)-1]} {
			if n := compareRefs(t, inFile(t, list), inFile(t, other), Options{}); n.Status == Same || n.Residue == ResidueNone {
				t.Errorf("%s, with another list:\n%s", name, sketch(n, ""))
			}
		}
	}
}

// TestListedInstead: for an image that is not to be had its list is compared, which is
// said; for one that is there and is wrong, it is not.
func TestListedInstead(t *testing.T) {
	dir := imageSpec{layers: [][]byte{tarBytes(t, listedFiles...)}}.write(t)
	list := listOf(t, dir)
	asked := 0
	o := Options{Listed: func(context.Context, string) (*Listed, error) {
		asked++
		return &Listed{Files: io.NopCloser(bytes.NewReader(list)), Said: "alice's list"}, nil
	}}
	missing := image.Options{Claim: func(context.Context, string) (image.Reference, error) { return image.Reference{}, image.ErrNotFound }}
	c, err := Refs(t.Context(), "oci:"+dir, "claim:alice/core-x", missing, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n := c.Root; asked != 1 || n.Name != "oci:"+dir || n.Reasons[0].Cause.Name != "same tree as listed" || !strings.Contains(n.Note, "side B: ") || !strings.Contains(n.Note, "alice's list") {
		t.Errorf("asked %d times:\n%s", asked, sketch(n, ""))
	}
	o.Listed = func(context.Context, string) (*Listed, error) { return nil, errors.New("no list either") }
	if _, err := Refs(t.Context(), "oci:"+dir, "claim:alice/core-x", missing, o); err == nil || !errors.Is(err, image.ErrNotFound) || !strings.Contains(err.Error(), "no list either") {
		t.Errorf("error = %v", err)
	}
	wrong := image.Options{Claim: func(context.Context, string) (image.Reference, error) {
		return image.Reference{}, &image.MismatchError{What: "manifest"}
	}}
	if _, err := Refs(t.Context(), "oci:"+dir, "claim:alice/core-x", wrong, o); err == nil || strings.Contains(err.Error(), "no list either") {
		t.Errorf("error = %v", err)
	}
}
