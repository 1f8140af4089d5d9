package compressed

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand"
	"strings"
	"testing"
	"time"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/compressed/xz"
)

func input(b []byte) *diff.Input {
	return &diff.Input{ReaderAt: bytes.NewReader(b), Name: "f.gz", Size: int64(len(b))}
}

// words is a text that levels compress differently.
func words(n int) []byte {
	r := rand.New(rand.NewSource(1))
	list := make([][]byte, 400)
	for i := range list {
		list[i] = make([]byte, 2+r.Intn(9))
		for j := range list[i] {
			list[i][j] = byte('a' + r.Intn(26))
		}
	}
	var b bytes.Buffer
	for b.Len() < n {
		b.Write(list[r.Intn(len(list))])
		b.WriteByte(' ')
	}
	return b.Bytes()[:n]
}

func gz(t testing.TB, level int, mtime int64, parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		w, err := gzip.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		if mtime != 0 {
			w.ModTime = time.Unix(mtime, 0)
		}
		w.Write(p)
		w.Close()
	}
	return b.Bytes()
}

func pair(t testing.TB, a, b []byte) *diff.Node {
	t.Helper()
	x := diff.NewExaminer(diff.Options{TempDir: t.TempDir(), Limits: diff.Limits{Decoded: 64 << 20, Spool: 128 << 20}})
	n, err := x.Pair(t.Context(), "", "f.gz", input(a), input(b))
	if err != nil {
		t.Fatal(err)
	}
	n.Settle()
	return n
}

func reason(t testing.TB, n *diff.Node, field string) diff.Reason {
	t.Helper()
	for _, r := range n.Reasons {
		if r.Field == field {
			return r
		}
	}
	t.Fatalf("no reason %q among %+v, note %q", field, n.Reasons, n.Note)
	return diff.Reason{}
}

func TestGzipLevelIsProved(t *testing.T) {
	p := words(300_000)
	n := pair(t, gz(t, 1, 0, p), gz(t, 9, 0, p))
	r := reason(t, n, "encoder")
	if r.A != "gzip level 1 (Go compress/flate)" || r.B != "gzip level 9 (Go compress/flate)" || r.Cause == nil || r.Cause.Confidence != diff.Proved {
		t.Errorf("%+v", r)
	}
	if n.Kind != KindGzip || n.Residue != diff.ResidueNone {
		t.Errorf("%s: residue %s", n.Kind, n.Residue)
	}
}

func TestGzipTime(t *testing.T) {
	p := words(5000)
	n := pair(t, gz(t, 6, 1000, p), gz(t, 6, 2000, p))
	if r := reason(t, n, "mtime"); r.Cause.ID != "D1c" || len(n.Reasons) != 1 || n.Residue != diff.ResidueNone {
		t.Errorf("%+v, residue %s", n.Reasons, n.Residue)
	}
}

// A changed byte of the content stays what it is; an encoder that is not known
// leaves its bytes unexplained.
func TestGzipResidue(t *testing.T) {
	p := words(50_000)
	q := bytes.Clone(p)
	q[777] ^= 1
	if n := pair(t, gz(t, 6, 0, p), gz(t, 6, 0, q)); n.Residue == diff.ResidueNone || len(n.Children) != 1 {
		t.Errorf("residue %s, %d children", n.Residue, len(n.Children))
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(p[:100])
	w.Flush() // no candidate flushes here
	w.Write(p[100:])
	w.Close()
	n := pair(t, gz(t, 6, 0, p), b.Bytes())
	if n.Residue != diff.ResidueKnown || len(n.UnexplainedB) != 1 || len(n.UnexplainedA) != 0 {
		t.Errorf("residue %s, %v %v", n.Residue, n.UnexplainedA, n.UnexplainedB)
	}
}

func TestGzipMembersAndRest(t *testing.T) {
	p := words(20_000)
	n := pair(t, gz(t, 6, 0, p), gz(t, 6, 0, p[:9000], p[9000:]))
	if reason(t, n, "members").B != "2" || n.Residue != diff.ResidueKnown {
		t.Errorf("%+v, residue %s", n.Reasons, n.Residue)
	}
	one := gz(t, 6, 0, p)
	n = pair(t, one, append(bytes.Clone(one), "hidden"...))
	if n.Kind != KindGzip || len(n.Children) != 1 || n.Children[0].Status != diff.OnlyB || n.Residue != diff.ResidueKnown {
		t.Errorf("%s, residue %s, %d children", n.Kind, n.Residue, len(n.Children))
	}
}

func TestBrokenGzip(t *testing.T) {
	one := gz(t, 6, 0, words(20_000))
	crc := bytes.Clone(one)
	crc[len(crc)-6] ^= 1
	for i, b := range [][]byte{one[:len(one)/2], crc} {
		n := pair(t, one, b)
		if n.Kind != KindGzip || n.Status != diff.Differs || n.Residue != diff.ResidueUnexamined || !n.Capped || len(n.Children) != 1 {
			t.Fatalf("%d: %s %s, residue %s", i, n.Kind, n.Status, n.Residue)
		}
		if c := n.Children[0]; c.Status != diff.Unreadable || !strings.Contains(c.Note, "breaks off at byte") && !strings.Contains(c.Note, "does not fit the content") || !strings.Contains(c.Note, "bytes are equal") {
			t.Errorf("%d: %s %s", i, c.Status, c.Note)
		}
	}
	// Nothing of it can be read: it is compared as bytes.
	if n := pair(t, one, one[:12]); n.Kind != diff.KindBinary || n.Status != diff.Differs || n.Residue != diff.ResidueKnown || !strings.Contains(n.Note, "could not be read as gzip") {
		t.Errorf("%s %s, residue %s: %s", n.Kind, n.Status, n.Residue, n.Note)
	}
}

// zeros reads as very many zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestGzipBombs(t *testing.T) {
	bomb := func(level int) []byte {
		var b bytes.Buffer
		w, _ := kgzip.NewWriterLevel(&b, level)
		io.CopyN(w, zeros{}, 80<<20)
		w.Close()
		return b.Bytes()
	}
	if n := pair(t, bomb(6), bomb(1)); n.Residue == diff.ResidueNone || !n.Capped {
		t.Errorf("residue %s, capped %v", n.Residue, n.Capped)
	}
	empty := gz(t, 6, 0, nil)
	g := &gzipReader{in: newCounter(bytes.NewReader(bytes.Repeat(empty, maxMembers+1)))}
	if _, err := io.Copy(io.Discard, g); !errors.Is(err, diff.ErrLimit) {
		t.Errorf("too many members: %v", err)
	}
}

func TestIdentify(t *testing.T) {
	p := words(200_000)
	section := func(b []byte) *io.SectionReader { return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))) }
	var k, z bytes.Buffer
	w, _ := kgzip.NewWriterLevel(&k, 3)
	w.Write(p)
	w.Close()
	e, ok := Identify(t.Context(), section(k.Bytes()), section(p))
	if !ok || e.Level != 3 || !strings.HasPrefix(e.Library, "klauspost/compress/flate v1.18.2 to ") || e.Name != "gzip" {
		t.Errorf("%v %v", e, ok)
	}
	s, _ := zstd.NewWriter(&z, zstd.WithEncoderLevel(zstd.SpeedDefault))
	s.Write(p)
	s.Close()
	if e, ok := Identify(t.Context(), section(z.Bytes()), section(p)); !ok || e.Name != "zstd" || e.Level != int(zstd.SpeedDefault) {
		t.Errorf("%v %v", e, ok)
	}
	if e, ok := Identify(t.Context(), section(append(k.Bytes(), 0)), section(p)); ok {
		t.Errorf("a byte more: %v", e)
	}
	if e, ok := Identify(t.Context(), section(k.Bytes()), section(p[:len(p)-1])); ok {
		t.Errorf("other content: %v", e)
	}
}

func TestZstdLevels(t *testing.T) {
	p := words(200_000)
	enc := func(l zstd.EncoderLevel) []byte {
		var z bytes.Buffer
		s, _ := zstd.NewWriter(&z, zstd.WithEncoderLevel(l))
		s.Write(p)
		s.Close()
		return z.Bytes()
	}
	n := pair(t, enc(zstd.SpeedFastest), enc(zstd.SpeedBetterCompression))
	if r := reason(t, n, "encoder"); r.Cause == nil || n.Residue != diff.ResidueNone || n.Kind != KindZstd {
		t.Errorf("%+v, residue %s", r, n.Residue)
	}
}

// Broken streams of every format end in a binary comparison.
func TestBrokenStreams(t *testing.T) {
	z, _ := zstd.NewWriter(nil)
	whole := z.EncodeAll(words(9000), nil)
	if n := pair(t, whole, whole[:len(whole)-40]); n.Status != diff.Differs || n.Kind == KindZstd {
		t.Errorf("truncated zstd: %s, residue %s", n.Kind, n.Residue)
	}
	for _, magic := range []string{zstdMagic, xzMagic, "BZh9"} {
		n := pair(t, []byte(magic+"\x00one"), []byte(magic+"\x00two"))
		if n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Errorf("%q: %s, residue %s", magic, n.Status, n.Residue)
		}
	}
}

// FuzzLayout: whatever headers say, they are read without harm.
func FuzzLayout(f *testing.F) {
	p := words(3000)
	f.Add(xzOf(f, p, xz.Options{Block: 1000}))
	empty := xzOf(f, p, xz.Options{})
	empty[12] = 0 // a header of no bytes
	f.Add(empty)
	f.Add(lz4Frame(f, p, false))
	f.Add(lz4Frame(f, p, true))
	s, _ := zstd.NewWriter(nil)
	f.Add(s.EncodeAll(p, nil))
	f.Fuzz(func(t *testing.T, p []byte) {
		for _, k := range []diff.Kind{KindXz, KindZstd, KindLz4} {
			layout(k, input(p))
		}
		xzCandidates(io.NewSectionReader(bytes.NewReader(p), 0, int64(len(p))), 100)
	})
}

func FuzzStreams(f *testing.F) {
	a := gz(f, 6, 7, []byte("some content"))
	f.Add(a, gz(f, 9, 8, []byte("some content")))
	f.Add(a, append(bytes.Clone(a), a...))
	f.Add([]byte(zstdMagic+"\x00"), []byte(xzMagic))
	f.Add([]byte("BZh91AY&SY"), []byte("BZh1\x17rE8P\x90\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		n := pair(t, a, b)
		if bytes.Equal(a, b) != (n.Status == diff.Same) {
			t.Fatalf("status %s", n.Status)
		}
	})
}

func lz4Frame(t testing.TB, p []byte, legacy bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	if err := w.Apply(lz4.LegacyOption(legacy)); err != nil {
		t.Fatal(err)
	}
	w.Write(p)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLz4(t *testing.T) {
	a, b := words(100_000), words(100_000)
	b[50_000]++
	for _, legacy := range []bool{false, true} {
		n := pair(t, lz4Frame(t, a, legacy), lz4Frame(t, b, legacy))
		if n.Kind != KindLz4 || len(n.Children) != 1 || n.Children[0].Kind != diff.KindText || n.Residue == diff.ResidueNone {
			t.Errorf("%s %v %s", n.Kind, n.Children, n.Note)
		}
	}
	whole := lz4Frame(t, a, false)
	for _, size := range []int{len(whole) - 1, len(whole) / 2} {
		if n := pair(t, whole, whole[:size]); n.Residue == diff.ResidueNone || n.Note == "" && !n.Capped || n.Kind == KindLz4 && !n.Capped {
			t.Errorf("cut to %d: %s %s", size, n.Kind, n.Note)
		}
	}
}

// TestCompressedOtherwise: the same content in two compressions, and another.
func TestCompressedOtherwise(t *testing.T) {
	p := words(100_000)
	n := pair(t, gz(t, 6, 0, p), lz4Frame(t, p, false))
	if n.Kind != KindOther || n.Equal != 1 || n.Residue != diff.ResidueNone || reason(t, n, "compression").Cause.ID != "A5" {
		t.Errorf("%s, %d equal, residue %s: %s", n.Kind, n.Equal, n.Residue, n.Note)
	}
	var odd bytes.Buffer
	s, _ := zstd.NewWriter(&odd, zstd.WithNoEntropyCompression(true))
	s.Write(p)
	s.Close()
	if n = pair(t, gz(t, 6, 0, p), odd.Bytes()); n.Kind != KindOther || n.Equal != 1 || n.Residue != diff.ResidueKnown || len(n.UnexplainedB) != 1 {
		t.Errorf("%s, %d equal, residue %s: %s", n.Kind, n.Equal, n.Residue, n.Note)
	}
	q := bytes.Clone(p)
	q[7]++
	if n = pair(t, gz(t, 6, 0, p), lz4Frame(t, q, false)); n.Kind != KindOther || len(n.Children) != 1 {
		t.Errorf("%s, %v", n.Kind, n.Children)
	}
	// What follows a stream is not dropped.
	if n = pair(t, append(gz(t, 6, 0, p), "more"...), lz4Frame(t, p, false)); n.Kind == KindOther || n.Residue == diff.ResidueNone {
		t.Errorf("%s %s", n.Kind, n.Note)
	}
}

func FuzzOther(f *testing.F) {
	p := words(2000)
	f.Add(gz(f, 6, 0, p), lz4Frame(f, p, false))
	f.Add(lz4Frame(f, p, true), lz4Frame(f, p[1:], false))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		n := pair(t, a, b)
		if bytes.Equal(a, b) != (n.Status == diff.Same) {
			t.Fatal(n.Status)
		}
		if n.Status == diff.Differs && n.Residue == diff.ResidueNone && len(n.Reasons) == 0 && len(n.Children) == 0 {
			t.Fatalf("no residue without a cause: %s", n.Kind)
		}
	})
}
