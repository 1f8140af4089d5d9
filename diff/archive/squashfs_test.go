package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// squashOf writes an image with nothing compressed: files of the root, each in
// one block.
func squashOf(made uint32, files ...cpioFile) []byte { return squashWith(made, nil, files...) }

// squashWith is squashOf with a capability of files, which share one value.
func squashWith(made uint32, capable map[string]string, files ...cpioFile) []byte {
	le := binary.LittleEndian
	u16 := func(b []byte, vs ...int) []byte {
		for _, v := range vs {
			b = le.AppendUint16(b, uint16(v))
		}
		return b
	}
	u32 := func(b []byte, vs ...int) []byte {
		for _, v := range vs {
			b = le.AppendUint32(b, uint32(v))
		}
		return b
	}
	out := make([]byte, squashSuper)
	var inodes, dir []byte
	var offs []int
	caps := 0
	for i, f := range files {
		at := len(out)
		out = append(out, f.body...)
		offs = append(offs, len(inodes))
		if _, ok := capable[f.name]; ok {
			inodes = u32(u16(inodes, 9, 0o755, 0, 0), f.mtime, i+2, at, 0, len(f.body), 0, 0, 0, 1, squashNone, 0, caps)
			caps++
		} else {
			inodes = u32(u16(inodes, 2, 0o644, 0, 0), f.mtime, i+2, at, squashNone, 0, len(f.body))
		}
		if f.body != "" {
			inodes = u32(inodes, len(f.body)|1<<24)
		}
	}
	if len(files) > 0 {
		dir = u32(dir, len(files)-1, 0, 2)
	}
	for i, f := range files {
		dir = append(u16(dir, offs[i], i, 2, len(f.name)-1), f.name...)
	}
	root := len(inodes)
	inodes = u16(u32(u32(u16(inodes, 1, 0o755, 0, 0), 0, 1), 0, 2), len(dir)+3, 0)
	inodes = u32(inodes, 99)
	meta := func(p []byte) int {
		at := len(out)
		out = append(u16(out, len(p)|0x8000), p...)
		return at
	}
	inodeAt := meta(inodes)
	dirAt := meta(dir)
	idBlock := meta(make([]byte, 4))
	idAt := len(out)
	out = le.AppendUint64(out, uint64(idBlock))
	xattrAt := -1
	if caps > 0 {
		var list, sets []byte
		for _, f := range files {
			if v, ok := capable[f.name]; ok {
				sets = u32(sets, len(list), 0, 1, 0)
				list = append(u32(append(u16(list, 2, 10), "capability"...), len(v)), v...)
			}
		}
		listAt := meta(list)
		setsAt := meta(sets)
		xattrAt = len(out)
		out = le.AppendUint64(u32(le.AppendUint64(out, uint64(listAt)), caps, 0), uint64(setsAt))
	}
	head := u32([]byte(squashMagic), len(files)+1, int(made), 4096, 0)
	head = u16(head, 1, 12, 0, 1, 4, 0)
	for _, v := range []int{root, len(out), idAt, xattrAt, inodeAt, dirAt, -1, -1} {
		head = le.AppendUint64(head, uint64(v))
	}
	copy(out, head)
	return out
}

func TestSquashfs(t *testing.T) {
	one := []cpioFile{{name: "a", body: "one\n", mtime: 5}, {name: "b", body: "", mtime: 5}}
	a := squashOf(1, one...)
	n := classified(t, a, squashOf(2, one...))
	if n.Kind != KindSquashfs || n.Residue != diff.ResidueNone || len(n.Children) != 0 || fmt.Sprint(allCauses(n)) != "[D1c proved]" {
		t.Error(sketch(n))
	}
	n = classified(t, a, squashOf(1, cpioFile{name: "a", body: "two\n", mtime: 6}, one[1]))
	if n.Kind != KindSquashfs || n.Residue != diff.ResidueKnown || len(n.Children) != 1 || n.Children[0].Name != "a" || n.Children[0].Kind != diff.KindText || n.Equal != 2 {
		t.Error(sketch(n))
	}
	// Bytes that no file has are not lost.
	hidden := append(bytes.Clone(a), 0)
	if n = classified(t, a, hidden); n.Kind != KindSquashfs || n.Residue != diff.ResidueKnown || len(n.Children) != 0 {
		t.Error(sketch(n))
	}
}

// TestSquashfsCapability: a capability that one image gives a file is shown as
// what it is, and is suspicious.
func TestSquashfsCapability(t *testing.T) {
	files := []cpioFile{{name: "a", body: "one\n", mtime: 5}, {name: "ping", body: "two\n", mtime: 5}}
	a := squashWith(1, map[string]string{"ping": "\x01\x00\x00\x02"}, files...)
	for _, tc := range []struct{ b, want string }{{"\x01\x00\x00\x03", "0x01000003"}, {"0x01000002", "0x30783031303030303032"}} {
		n := classified(t, a, squashWith(1, map[string]string{"ping": tc.b}, files...))
		if n.Kind != KindSquashfs || n.Suspicious != 1 || len(n.Children) != 1 {
			t.Fatal(sketch(n))
		}
		c := n.Children[0]
		if c.Name != "ping" || c.Suspicions[0].Kind != diff.SuspectPower || c.Reasons[0].Field != "xattr security.capability" || c.Reasons[0].A != "0x01000002" || c.Reasons[0].B != tc.want {
			t.Error(sketch(n))
		}
	}
	n := classified(t, a, squashWith(1, map[string]string{"ping": "\x01\x00\x00\x02", "a": "\x01"}, files...))
	if n.Suspicious != 1 || n.Children[0].Name != "a" {
		t.Error(sketch(n))
	}
	for at := len(a) - 80; at < len(a); at++ {
		b := bytes.Clone(a)
		b[at] ^= 0xff
		if n := classified(t, a, b); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Fatal(at, sketch(n))
		}
	}
}

// TestMksquashfs takes real images apart.
func TestMksquashfs(t *testing.T) {
	mk := tool(t, "mksquashfs")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), bytes.Repeat([]byte("some text\n"), 30_000), 0o644); err != nil {
		t.Fatal(err)
	}
	made := func(args ...string) []byte {
		out := filepath.Join(t.TempDir(), "i")
		c := exec.Command(mk, append([]string{dir, out, "-noappend", "-quiet", "-no-progress", "-mkfs-time", "7", "-all-time", "7", "-all-root"}, args...)...)
		c.Env = append(os.Environ(), "LC_ALL=C")
		if p, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, p)
		}
		p, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	n := classified(t, made("-comp", "gzip"), made("-comp", "gzip", "-Xcompression-level", "1", "-b", "65536", "-no-fragments"))
	want := map[string]string{"block size": "131072 65536", "compressor's options": "the usual ones level 1, window of 15 bits, strategies 0"}
	for _, r := range n.Reasons {
		if w, ok := want[r.Field]; ok && w == r.A+" "+r.B {
			delete(want, r.Field)
		}
	}
	if len(want) != 0 || n.Kind != KindSquashfs || len(n.Children) != 0 || n.Residue != diff.ResidueKnown {
		t.Errorf("%v\n%s", want, sketch(n))
	}
	plain := made("-comp", "xz")
	const set = "import os,sys; os.setxattr(sys.argv[1], 'security.capability', bytes.fromhex('0100000200200000000000000000000000000000'))"
	if p, err := exec.Command("python3", "-c", set, filepath.Join(dir, "f")).CombinedOutput(); err != nil && os.Getenv("CI") != "" && os.Getuid() == 0 {
		t.Fatalf("no capability can be given to a file: %v %.300s", err, p)
	} else if err != nil {
		t.Skipf("no capability can be given to a file: %v %.300s", err, p)
	}
	n = classified(t, plain, made("-comp", "xz"))
	if len(n.Children) != 1 || n.Suspicious != 1 || n.Children[0].Reasons[0].Field != "xattr security.capability" || n.Children[0].Reasons[0].B != "0x0100000200200000000000000000000000000000" {
		t.Error(sketch(n))
	}
}

func TestBrokenSquashfs(t *testing.T) {
	good := squashOf(1, cpioFile{name: "a", body: "one\n"})
	with := func(at int, v ...byte) []byte {
		p := bytes.Clone(good)
		copy(p[at:], v)
		return p
	}
	for name, p := range map[string][]byte{
		"cut": good[:len(good)-4], "version": with(28, 9), "compression": with(20, 3), "block size": with(12, 0xff, 0xff, 0xff, 0xff), "root": with(32, 0xff, 0xff),
		"ids": with(48, 0xff, 0xff), "inodes": with(64, 0xff, 0xff), "fragments": with(16, 0xff, 0xff, 0xff, 0x7f), "negative": with(71, 0xff),
	} {
		n := classified(t, good, p)
		if n.Kind == KindSquashfs || n.Residue == diff.ResidueNone || n.Note == "" {
			t.Errorf("%s: %s", name, sketch(n))
		}
	}
	// A name with a path in it, and a directory that holds itself.
	if n := classified(t, good, squashOf(1, cpioFile{name: "../x", body: "one\n"})); n.Kind == KindSquashfs {
		t.Error(sketch(n))
	}
	loop := bytes.Clone(good)
	dir := int(binary.LittleEndian.Uint64(loop[72:])) + 2 + 12
	binary.LittleEndian.PutUint16(loop[dir:], uint16(binary.LittleEndian.Uint64(loop[32:])))
	if n := classified(t, good, loop); n.Kind == KindSquashfs || !strings.Contains(n.Note, "inside itself") {
		t.Error(sketch(n))
	}
}

// TestRealSquashfs reads what mksquashfs writes, in each compression.
func TestRealSquashfs(t *testing.T) {
	mk := tool(t, "mksquashfs")
	for _, comp := range []string{"gzip", "xz", "lz4", "zstd"} {
		var p [2][]byte
		for i := range p {
			d := tree(t, fmt.Sprintf("made 2026-01-0%d\n", i+1))
			os.Symlink("x", filepath.Join(d, "usr/bin/y"))
			os.Truncate(filepath.Join(d, "usr/share/big"), 3<<20)
			out := filepath.Join(t.TempDir(), "x.sqfs")
			when := time.Unix(1700000000, 0)
			for _, f := range []string{"usr/bin/x", "usr/share/doc", "usr/share/big"} {
				os.Chtimes(filepath.Join(d, f), when, when)
			}
			run(t, d, "", mk, ".", out, "-quiet", "-no-progress", "-comp", comp, "-all-root", "-all-time", "1700000000", "-mkfs-time", fmt.Sprint(1700000000+i))
			p[i], _ = os.ReadFile(out)
		}
		n := classified(t, p[0], p[1])
		s := sketch(n)
		if n.Kind != KindSquashfs || len(n.Children) != 1 || n.Children[0].Name != "usr/share/doc" || n.Children[0].Residue != diff.ResidueNone || n.Equal < 7 || n.Residue != diff.ResidueKnown {
			t.Errorf("%s: %s (%d equal)", comp, s, n.Equal)
		}
	}
}

func FuzzSquashfs(f *testing.F) {
	a := squashOf(1, cpioFile{name: "a", body: "one\n", mtime: 5}, cpioFile{name: "b", body: "two"})
	f.Add(a, squashOf(2, cpioFile{name: "a", body: "one\n", mtime: 6}))
	f.Add(a, a[:len(a)-8])
	f.Add(a, squashWith(1, map[string]string{"a": "\x01"}, cpioFile{name: "a", body: "one\n", mtime: 5}))
	f.Fuzz(fuzz)
}
