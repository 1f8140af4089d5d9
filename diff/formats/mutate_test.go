package formats

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/stagescope/stagescope/diff/internal/mutate"
)

// entries writes an archive of a few entries of all kinds, with a time.
func entries(t *testing.T, at int64, format tar.Format) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range []struct {
		h    tar.Header
		body string
	}{
		{tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755}, ""},
		{tar.Header{Name: "bin/tool", Mode: 0o755, Uname: "root", Gname: "root"}, "#!/bin/sh\necho tool\n"},
		{tar.Header{Name: "bin/link", Typeflag: tar.TypeSymlink, Linkname: "tool", Mode: 0o777}, ""},
		{tar.Header{Name: "bin/hard", Typeflag: tar.TypeLink, Linkname: "bin/tool", Mode: 0o755}, ""},
		{tar.Header{Name: "etc/" + string(bytes.Repeat([]byte("long"), 22)) + "/" + string(bytes.Repeat([]byte("name"), 8)), Mode: 0o644}, "some text\n"},
		{tar.Header{Name: "data", Mode: 0o600}, "\x00\x01\x02\x03binary"},
	} {
		e.h.ModTime, e.h.Format, e.h.Size = time.Unix(at, 0), format, int64(len(e.body))
		if format == tar.FormatPAX {
			e.h.ModTime = time.Unix(at, 5)
			if e.h.Typeflag == 0 {
				e.h.PAXRecords = map[string]string{"SCHILY.xattr.user.key": "value"}
			}
		}
		if err := w.WriteHeader(&e.h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// blocks are those of an archive.
func blocks(p []byte) (out [][]byte) {
	for ; len(p) > 512; p = p[512:] {
		out = append(out, p[:512])
	}
	return append(out, p)
}

// harmlessTar knows what a change of an archive may be explained by while the
// checksums of its headers fit: zeros at the end, and records of times and of
// attributes that give nobody power.
func harmlessTar(c mutate.Change) bool {
	if c.Kind == "exchange" && c.Off+1024 <= len(c.Old) && bytes.IndexByte([]byte("125"), c.Old[c.Off+156]) >= 0 && bytes.IndexByte([]byte("125"), c.Old[c.Off+512+156]) >= 0 {
		return true // entries that have no content, in another order
	}
	if len(bytes.Trim(c.Old[c.Off:], "\x00")) == 0 && len(bytes.Trim(c.New[min(c.Off, len(c.New)):], "\x00")) == 0 {
		return true
	}
	line, _, _ := bytes.Cut(c.Old[bytes.LastIndexByte(c.Old[:c.Off], '\n')+1:], []byte("\n"))
	return bytes.Contains(line, []byte("user.key=")) || bytes.Contains(line, []byte(" mtime="))
}

func TestMutatedTar(t *testing.T) {
	for name, f := range map[string]tar.Format{"ustar": tar.FormatUSTAR, "gnu": tar.FormatGNU, "pax": tar.FormatPAX} {
		t.Run(name, func(t *testing.T) {
			mutate.Run(t, mutate.Case{Name: "a.tar", Plain: entries(t, 1, f), Also: [][]byte{entries(t, 1_700_000_000, f)}, Harmless: harmlessTar, Pieces: blocks})
		})
	}
}

// TestMutatedHeaders mends the checksum of a header after each change, as who
// changes it on purpose does, and knows which fields are harmless.
func TestMutatedHeaders(t *testing.T) {
	harmless := func(off int) bool {
		for _, f := range [][2]int{{100, 136}, {136, 148}, {148, 156}, {257, 345}} {
			if off >= f[0] && off < f[1] {
				return f[0] != 100 || off < 124 // sizes are not
			}
		}
		return false
	}
	for _, at := range []int64{1, 1_700_000_000} {
		plain, base := entries(t, 1, tar.FormatUSTAR), entries(t, at, tar.FormatUSTAR)
		for block := 0; block < 3; block++ {
			for off := 0; off < 512; off += 3 {
				p := bytes.Clone(base)
				h := p[block*512:][:512]
				if block == 2 {
					h = p[1536:][:512] // after the content of the second
				}
				h[off] ^= 1 << (off % 8)
				if off < 148 || off >= 156 {
					mend(h)
				}
				n := mutate.Compare(t, "a.tar", plain, p)
				if n.Status.String() == "same" {
					t.Fatalf("block %d, byte %d: same", block, off)
				}
				if n.Residue.String() == "none" && !harmless(off) {
					t.Fatalf("block %d, byte %d: explained\n%s", block, off, mutate.Sketch(n))
				}
				if what := mutate.Accounted(n); what != "" {
					t.Fatalf("block %d, byte %d: %s\n%s", block, off, what, mutate.Sketch(n))
				}
			}
		}
	}
}

func mend(h []byte) {
	copy(h[148:156], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	for i := 5; i >= 0; i-- {
		h[148+i] = byte('0' + sum&7)
		sum >>= 3
	}
	h[154], h[155] = 0, ' '
}

func packed(t *testing.T, p []byte, at int64, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if at > 0 {
		z.ModTime = time.Unix(at, 0)
	}
	z.Write(p)
	z.Close()
	return b.Bytes()
}

func TestMutatedCompression(t *testing.T) {
	text := bytes.Repeat([]byte("some text that can be compressed, and 0123456789\n"), 40)
	gz := func(c mutate.Change) bool {
		// The time, what says how it was compressed, and by which system.
		return (c.Kind == "flip" || c.Kind == "zero") && c.Off >= 4 && c.Off+map[bool]int{true: 1, false: 8}[c.Kind == "flip"] <= 10
	}
	t.Run("gzip", func(t *testing.T) {
		mutate.Run(t, mutate.Case{Name: "a.gz", Plain: packed(t, text, 0, 6), Also: [][]byte{packed(t, text, 1_700_000_000, 6), packed(t, text, 0, 9)}, Harmless: gz, Slow: true})
	})
	t.Run("tar in gzip", func(t *testing.T) {
		mutate.Run(t, mutate.Case{Name: "a.tar.gz", Plain: packed(t, entries(t, 1, tar.FormatUSTAR), 0, 6), Also: [][]byte{packed(t, entries(t, 9, tar.FormatUSTAR), 1_700_000_000, 6)}, Harmless: gz, Slow: true})
	})
	t.Run("zstd", func(t *testing.T) {
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		mutate.Run(t, mutate.Case{Name: "a.zst", Plain: z.EncodeAll(text, nil), Slow: true})
	})
	t.Run("lz4", func(t *testing.T) {
		var b bytes.Buffer
		z := lz4.NewWriter(&b)
		z.Write(text)
		z.Close()
		mutate.Run(t, mutate.Case{Name: "a.lz4", Plain: b.Bytes()})
	})
}
