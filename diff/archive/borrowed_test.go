package archive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// with writes a number into a column of the header of a member of a newc archive.
func with(p []byte, name, key string, v int) []byte {
	p = bytes.Clone(p)
	h := bytes.Index(p, []byte(name+"\x00")) - cpioForms["070701"].size
	for _, c := range cpioForms["070701"].columns {
		if c.key == key {
			copy(p[h+c.from:h+c.to], fmt.Sprintf("%08X", v))
		}
	}
	return p
}

// linked gives two members of a newc archive inode numbers and more than one name.
func linked(p []byte, a, b int) []byte {
	for name, ino := range map[string]int{"bin/su": a, "tmp/z": b} {
		p = with(with(p, name, "nlink", 2), name, "ino", ino)
	}
	return p
}

// stamped is a gzip stream with a time in its header.
func stamped(p []byte, at uint32) []byte {
	p = gzipped(p)
	binary.LittleEndian.PutUint32(p[4:], at)
	return p
}

// TestBorrowedCause changes an archive beside a difference that has a cause of its
// own, which must not account for both.
func TestBorrowedCause(t *testing.T) {
	cpio := func(at int) []byte {
		return cpioOf("070701", cpioFile{name: "bin/su", body: "honest", mtime: at, ino: 1}, cpioFile{name: "tmp/z", body: "wicked", mtime: at, ino: 2})
	}
	lib := cpioFile{name: "lib", body: "tmp", mode: 0o120777, mtime: 1}
	inside := cpioFile{name: "lib/x", body: "x", mtime: 1}
	sign, control, data := tarred(".SIGN.RSA.key", "sig"), tarred(".PKGINFO", "pkgname = x\n"), tarred("usr/x", "x")
	apk := func(at uint32, parts ...[]byte) (out []byte) {
		for _, p := range parts {
			out = append(out, stamped(p, at)...)
		}
		return out
	}
	hidden := func(text string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		e, err := w.CreateRaw(&zip.FileHeader{Name: "a", CRC32: 0x3610a686, CompressedSize64: 5, UncompressedSize64: 5, Extra: append([]byte{0x55, 0x54, byte(1 + len(text)), 0, 1}, text...)})
		if err != nil {
			t.Fatal(err)
		}
		e.Write([]byte("hello"))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	mode := func(at, mode string) []byte {
		return bytes.Replace(ar(file{"a/", "x", at}), []byte("100644"), []byte(mode), 1)
	}
	for what, c := range map[string][2][]byte{
		"files that become one":              {cpio(1), linked(cpio(2), 1, 1)},
		"files that become one by the first": {linked(cpio(1), 1, 2), linked(cpio(2), 2, 2)},
		"files that are one no more":         {linked(cpio(1), 1, 1), linked(cpio(2), 1, 2)},
		"an entry behind a symlink":          {cpioOf("070701", lib, inside), cpioOf("070701", inside, lib)},
		"members in another order":           {apk(1, sign, control, data), apk(2, control, sign, data)},
		"text where a time should be":        {hidden("what nobody sees"), hidden("what nobody said")},
		"a size spelled otherwise":           {ar(file{"a/", "five!", "1"}), bytes.Replace(ar(file{"a/", "five!", "2"}), []byte("5         `"), []byte("+5        `"), 1)},
		"a size with zeros before it":        {ar(file{"a/", "on 2026-01-02", "1"}), bytes.Replace(ar(file{"a/", "on 2026-01-03", "2"}), []byte("13        `"), []byte("013       `"), 1)},
		"words where a time should be":       {ar(file{"a/", "x", "1"}), ar(file{"a/", "x", "1 call me"})},
		"words where an owner should be":     {ar(file{"a/", "x", "1"}), bytes.Replace(ar(file{"a/", "x", "2"}), []byte("0     0     "), []byte("0 ?   0     "), 1)},
		"a mode that is none":                {mode("1", "100644"), mode("2", "1006r4")},
		"a member with power":                {mode("1", "100644"), mode("2", "104755")},
	} {
		if n := classified(t, c[0], c[1]); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Errorf("%s: %s, %s\n%s", what, n.Status, n.Residue, sketch(n))
		}
	}
	// Numbers of inodes that mean the same, and times that are some, have their cause.
	for what, c := range map[string][2][]byte{
		"the same files are one": {linked(cpio(1), 1, 1), linked(cpio(2), 7, 7)},
		"another time":           {hidden("\x01\x02\x03\x04"), hidden("\x01\x02\x03\x05")},
	} {
		if n := classified(t, c[0], c[1]); n.Status != diff.Differs || n.Residue != diff.ResidueNone {
			t.Errorf("%s: %s, %s\n%s", what, n.Status, n.Residue, sketch(n))
		}
	}
}
