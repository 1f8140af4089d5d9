package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// squashOf writes an image with nothing compressed: files of the root, each in
// one block.
func squashOf(made uint32, files ...cpioFile) []byte {
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
	for i, f := range files {
		at := len(out)
		out = append(out, f.body...)
		offs = append(offs, len(inodes))
		inodes = u32(u16(inodes, 2, 0o644, 0, 0), f.mtime, i+2, at, squashNone, 0, len(f.body))
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
	head := u32([]byte(squashMagic), len(files)+1, int(made), 4096, 0)
	head = u16(head, 1, 12, 0, 1, 4, 0)
	for _, v := range []int{root, len(out), idAt, -1, inodeAt, dirAt, -1, -1} {
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
	f.Fuzz(fuzz)
}
