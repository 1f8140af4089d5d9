package formats

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// tool finds a program that makes real input; where CI installs it, it must be
// there.
func tool(t *testing.T, name string) string {
	t.Helper()
	return realtool.Find(t, name, "a tree is not compared with what it writes")
}

// treeIn makes a directory with files of all kinds that anybody can make.
func treeIn(t *testing.T, dir string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []struct {
		name, body string
		mode       os.FileMode
	}{{"bin/tool", "#!/bin/sh\necho tool\n", 0o755}, {"etc/conf", "a\nb\nc\n", 0o644}, {"etc/empty", "", 0o600}, {"usr/share/big", strings.Repeat("text ", 60_000), 0o644}, {"usr/share/a-b", "1", 0o644}, {"usr/share/a/b", "2", 0o644}} {
		p := filepath.Join(dir, f.name)
		must(os.MkdirAll(filepath.Dir(p), 0o755))
		must(os.WriteFile(p, []byte(f.body), f.mode))
		must(os.Chmod(p, f.mode))
	}
	must(os.Symlink("tool", filepath.Join(dir, "bin/alias")))
	must(os.Link(filepath.Join(dir, "etc/conf"), filepath.Join(dir, "etc/hard")))
	must(os.Mkdir(filepath.Join(dir, "empty"), 0o750))
	must(os.Chmod(dir, 0o755))
}

func comparePaths(t *testing.T, a, b string) (*diff.Node, error) {
	t.Helper()
	c, err := diff.Refs(t.Context(), a, b, image.Options{Offline: true}, diff.Options{})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { c.Close() })
	return c.Root, nil
}

// TestTreeAndArchive compares a directory with what real tools make of it, and of it
// with changes: the same tree in another container, or the changes and no more.
func TestTreeAndArchive(t *testing.T) {
	for _, c := range []struct {
		name, tool, kind string
		script           string // makes $O of the directory $D; it runs in $D
		lost             []string
	}{
		{"tar", "tar", "tar", `tar -cf $O .`, nil},
		{"tar, without the root", "tar", "tar", `tar -cf $O *`, []string{"mode"}},
		{"tar.gz", "tar", "tar in gzip", `tar -czf $O .`, nil},
		{"tar.xz", "xz", "tar in xz", `tar -c . | xz >$O`, nil},
		{"tar.bz2", "bzip2", "tar in bzip2", `tar -c . | bzip2 >$O`, nil},
		{"tar.zst", "zstd", "tar in zstd", `tar -c . | zstd -q >$O`, nil},
		{"tar.lz4", "lz4", "tar in lz4", `tar -c . | lz4 -q >$O`, nil},
		{"zip", "zip", "zip", `zip -qry - . >$O`, []string{"uid", "hard link"}},
		{"cpio", "cpio", "cpio", `find . | LC_ALL=C sort | cpio -o -H newc --quiet >$O`, nil},
		{"cpio, each name with its content", "cpio", "cpio", `find . | LC_ALL=C sort | cpio -o -H odc --quiet >$O`, nil},
		{"tar of Unix V7", "tar", "tar", `tar --format=v7 -cf $O .`, nil},
		{"squashfs", "mksquashfs", "squashfs", `rm -f $O; mksquashfs . $O -quiet -no-progress >/dev/null`, []string{"hard link"}},
		{"deb", "dpkg-deb", "tar in xz in deb", `cp -a . $O.d; mkdir $O.d/DEBIAN; printf 'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n' >$O.d/DEBIAN/control; dpkg-deb -Zxz -b $O.d $O >/dev/null`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tool(t, c.tool)
			tool(t, "tar")
			dir := filepath.Join(t.TempDir(), "tree")
			treeIn(t, dir)
			out := filepath.Join(t.TempDir(), "archive")
			cmd := exec.Command("sh", "-ec", c.script)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "D="+dir, "O="+out)
			if b, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			for _, refs := range [][2]string{{dir, out}, {out, dir}} {
				sameTree(t, refs, c.kind, c.lost)
			}
			changedTree(t, dir, out)
		})
	}
}

func sameTree(t *testing.T, refs [2]string, kind string, lost []string) {
	t.Helper()
	n, err := comparePaths(t, refs[0], refs[1])
	if err != nil {
		t.Fatal(err)
	}
	if n.Kind != diff.KindTree || n.Status != diff.Differs || n.Capped || len(n.Children) > 0 || n.Equal != 15 || n.Residue == diff.ResidueNone {
		t.Fatalf("%v: %s %s, %d equal, residue %s: %s", refs, n.Kind, n.Status, n.Equal, n.Residue, notes(n))
	}
	r := n.Reasons[0]
	if len(n.Reasons) != 1 || r.Field != "container" || r.A != kind && r.B != kind || r.Cause.ID != "A9" || r.Cause.Confidence != diff.Likely {
		t.Errorf("%+v", n.Reasons)
	}
	for _, field := range append([]string{"mtime"}, lost...) {
		if !slices.ContainsFunc(n.Unrecorded, func(u diff.Unrecorded) bool { return u.Field == field && u.Entries > 0 }) {
			t.Errorf("it is not said that %s was not compared: %+v", field, n.Unrecorded)
		}
	}
}

// changedTree changes a directory and compares it with the archive of what it was.
func changedTree(t *testing.T, dir, archive string) {
	t.Helper()
	want := map[string]string{"bin/tool": "mode", "etc/conf": "", "etc/new": "only in A", "usr/share/a/b": "only in B", "bin/alias": "link", "etc/hard": ""}
	for _, err := range []error{
		os.Chmod(filepath.Join(dir, "bin/tool"), os.ModeSetuid|0o755),
		os.WriteFile(filepath.Join(dir, "etc/conf"), []byte("a\nB\nc\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "etc/new"), []byte("x"), 0o644),
		os.Remove(filepath.Join(dir, "usr/share/a/b")),
		os.Remove(filepath.Join(dir, "bin/alias")),
		os.Symlink("elsewhere", filepath.Join(dir, "bin/alias")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	n, err := comparePaths(t, dir, archive)
	if err != nil {
		t.Fatal(err)
	}
	if n.Status != diff.Differs || n.Capped || len(n.Children) != len(want) || len(n.Reasons) != 1 || n.Reasons[0].Cause.Name != "other container" || n.Residue == diff.ResidueNone {
		t.Fatal(notes(n))
	}
	for name, how := range want {
		c := findNode(n, name)
		if c == nil || how != "" && c.Status.String() != how && !slices.ContainsFunc(c.Reasons, func(r diff.Reason) bool { return r.Field == how }) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := findNode(n, "etc/conf"); c.Kind != diff.KindText || len(c.RangesA) != 1 {
		t.Errorf("its content is not compared: %+v", c)
	}
	if c := findNode(n, "bin/tool"); len(c.Suspicions) == 0 {
		t.Error("a set-id bit is not suspicious")
	}
}

// TestTreeAndObjects compares a directory with an archive of objects: what ar writes
// with D says nothing of its files, and what has one name twice is no directory.
func TestTreeAndObjects(t *testing.T) {
	tool(t, "ar")
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"d/a.o": "one", "d/b.o": "two", "d/a_long_name_of_an_object.o": "three", "e/a.o": "four"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) {
		t.Helper()
		if b, err := exec.Command("ar", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
	}
	objects := []string{"d/a.o", "d/b.o", "d/a_long_name_of_an_object.o"}
	run(append([]string{"rcD", "x.a"}, objects...)...)
	run(append([]string{"rcU", "u.a"}, objects...)...)
	run(append([]string{"qcD", "twice.a"}, append(objects, "e/a.o")...)...)
	n, err := comparePaths(t, "x.a", "d")
	if err != nil || n.Kind != diff.KindTree || n.Status != diff.Differs || n.Capped || len(n.Children) > 0 || n.Equal != 4 || n.Reasons[0].Cause.Name != "same tree, other container" {
		t.Fatal(err, notes(n))
	}
	lost := func(field string) bool {
		return slices.ContainsFunc(n.Unrecorded, func(u diff.Unrecorded) bool { return u.Field == field && u.Side == "A" })
	}
	if !lost("mode") || !lost("uid") {
		t.Errorf("%+v", n.Unrecorded)
	}
	if err := errors.Join(os.WriteFile("d/b.o", []byte("2"), 0o644), os.Remove("d/a.o")); err != nil {
		t.Fatal(err)
	}
	if n, err = comparePaths(t, "d", "u.a"); err != nil || n.Status != diff.Differs || n.Capped || findNode(n, "a.o").Status != diff.OnlyB || len(findNode(n, "b.o").Reasons) == 0 || !slices.ContainsFunc(findNode(n, "b.o").Reasons, func(r diff.Reason) bool { return r.Field == "size" }) {
		t.Error(err, notes(n))
	}
	if n, err = comparePaths(t, "twice.a", "d"); err != nil || !n.Capped || n.Status == diff.Same || !strings.Contains(notes(n), `several members with the name "a.o"`) {
		t.Error(err, notes(n))
	}
}

// TestArchivesOfOtherKinds compares two archives of different kinds.
func TestArchivesOfOtherKinds(t *testing.T) {
	a, b := archiveOf(t, "one"), archiveOf(t, "two")
	if n := refs(t, a, streamOf(t, a, wrapped["gzip"])); n.Kind != diff.KindTree || n.Status != diff.Differs || n.Equal != 32 || len(n.Reasons) != 1 ||
		!strings.Contains(n.Reasons[0].Cause.Evidence, "byte by byte") || n.Residue == diff.ResidueNone {
		t.Error(notes(n))
	}
	if n := refs(t, b, streamOf(t, a, wrapped["zstd"])); n.Status != diff.Differs || len(n.Children) != 1 || n.Children[0].Name != "early" || n.Reasons[0].Cause.Name != "other container" {
		t.Error(notes(n))
	}
}

// TestTreeAndCutArchive shows that an archive that is cut proves what comes before,
// and nothing when that is equal.
func TestTreeAndCutArchive(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, err := range []error{os.MkdirAll("d", 0o755), os.WriteFile("d/early", []byte("two"), 0o644), os.WriteFile("cut.tar", archiveOf(t, "one")[:40_000], 0o644), os.WriteFile("same.tar", archiveOf(t, "two")[:40_000], 0o644)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	n, err := comparePaths(t, "d", "cut.tar")
	if err != nil || n.Status != diff.Differs || !n.Capped || findNode(n, "early") == nil || len(n.Reasons) != 0 {
		t.Errorf("%v: %s", err, notes(n))
	}
	if _, err = comparePaths(t, "d", "d/early"); err == nil || !strings.Contains(err.Error(), "nor an archive of files") {
		t.Errorf("a plain file: %v", err)
	}
	// What only the archive has is there, wherever it was cut.
	if n, err = comparePaths(t, "d", "same.tar"); err != nil || n.Status != diff.Differs || !n.Capped || findNode(n, "f01").Status != diff.OnlyB {
		t.Errorf("%v: %s", err, notes(n))
	}
}

// TestChangedWhileRead shows that a file that changes under the comparison proves
// nothing, by itself and in a directory.
func TestChangedWhileRead(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, s string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a", "one")
	write("b", "one")
	grown := false
	o := diff.Options{Progress: func(diff.Progress) {
		if !grown {
			grown = true
			write("a", "one and more")
		}
	}}
	c, err := diff.Refs(context.Background(), "a", "b", image.Options{}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Root.Status != diff.Unreadable || !strings.Contains(c.Root.Note, "it changed while it was read, from 3 to 12 bytes") {
		t.Errorf("%s", notes(c.Root))
	}
	if !grown {
		t.Fatal("it was not changed")
	}
}
