package compressed

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"testing"
	"time"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/compressed/bzip2"
	lz4c "github.com/stagescope/stagescope/diff/compressed/lz4"
	"github.com/stagescope/stagescope/diff/compressed/xz"
	"github.com/stagescope/stagescope/diff/compressed/zlib"
	uxz "github.com/ulikunitz/xz"
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
	for _, b := range [][]byte{one[:len(one)/2], one[:12], crc} {
		if n := pair(t, one, b); n.Status != diff.Differs || n.Residue == diff.ResidueNone || n.Kind == KindGzip {
			t.Errorf("%s %s, residue %s", n.Kind, n.Status, n.Residue)
		}
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
	if !ok || e.Level != 3 || e.Library != "klauspost/compress/flate" || e.Name != "gzip" {
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

func xzOf(t testing.TB, p []byte, o xz.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	o.Check = max(o.Check, xz.CheckCRC32)
	z, err := xz.NewWriter(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(p)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestXzIsProved: a stream of xz follows from its content, by preset, check,
// dictionary and blocks; that several threads wrote one is told apart.
func TestXzIsProved(t *testing.T) {
	p := words(150_000)
	one := xzOf(t, p, xz.Options{Preset: 6})
	for _, tc := range []struct {
		o    xz.Options
		name string
	}{
		{xz.Options{Preset: 0}, "xz level 0 (liblzma)"},
		{xz.Options{Preset: 6, Extreme: true}, "xz level 6 (liblzma, extreme)"},
		{xz.Options{Preset: 6, Dict: 1 << 21}, "xz level 6 (liblzma, a dictionary of 2097152 bytes)"},
		{xz.Options{Preset: 6, Sized: true}, "xz level 6 (liblzma, threads with blocks of 25165824 bytes)"},
		{xz.Options{Preset: 1, Block: 70_000}, "xz level 1 (liblzma, blocks of 70000 bytes)"},
	} {
		n := pair(t, one, xzOf(t, p, tc.o))
		if r := reason(t, n, "encoder"); r.A != "xz level 6 (liblzma)" || r.B != tc.name || n.Residue != diff.ResidueNone || n.Kind != KindXz {
			t.Errorf("%+v, residue %s, %s", n.Reasons, n.Residue, n.Note)
		}
	}
	n := pair(t, one, xzOf(t, p, xz.Options{Preset: 6, Sized: true, Block: 50_000}))
	if r := reason(t, n, "blocks"); r.A != "1 block" || r.B != "3 blocks of 50000 bytes" || r.Cause.ID != "D3c" || r.Cause.Confidence != diff.Proved || n.Residue != diff.ResidueNone {
		t.Errorf("%+v, residue %s", r, n.Residue)
	}
	n = pair(t, one, xzOf(t, p, xz.Options{Preset: 6, Check: xz.CheckSHA256}))
	if r := reason(t, n, "check type"); r.B != "10" || r.Cause == nil || n.Residue != diff.ResidueNone {
		t.Errorf("%+v, residue %s", r, n.Residue)
	}
	if n = pair(t, one, xzOf(t, p[1:], xz.Options{Preset: 6})); n.Residue == diff.ResidueNone || len(n.UnexplainedA)+len(n.UnexplainedB) != 0 || len(n.Children) != 1 {
		t.Errorf("%+v, residue %s", n.Reasons, n.Residue)
	}
}

// TestUnknownEncoders: what no known encoder makes is residue, however equal the
// contents are, and the node says how much it is and how it is cut.
func TestUnknownEncoders(t *testing.T) {
	p := words(150_000)
	var x bytes.Buffer
	c := uxz.WriterConfig{BlockSize: 60_000}
	w, err := c.NewWriter(&x)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(p)
	w.Close()
	n := pair(t, xzOf(t, p, xz.Options{Preset: 6}), x.Bytes())
	if r := reason(t, n, "blocks"); n.Residue != diff.ResidueKnown || len(n.UnexplainedB) != 1 || r.B != "3 blocks of 60000 bytes" || r.Cause.Confidence != diff.Likely ||
		!strings.Contains(n.Note, fmt.Sprintf("side B: the content was decoded and compared; how its %d bytes code it is not proved to follow from it (3 blocks", x.Len())) {
		t.Errorf("%+v, residue %s, %s", n.Reasons, n.Residue, n.Note)
	}
	var z bytes.Buffer
	s, _ := zstd.NewWriter(&z, zstd.WithNoEntropyCompression(true), zstd.WithEncoderCRC(false))
	s.Write(p)
	s.Close()
	s, _ = zstd.NewWriter(nil)
	n = pair(t, s.EncodeAll(p, nil), z.Bytes())
	if n.Residue != diff.ResidueKnown || !strings.Contains(n.Note, "not proved to follow from it: klauspost/compress/zstd alone is tried") || !strings.Contains(n.Note, "1 frame, 2 blocks") {
		t.Errorf("residue %s, %s", n.Residue, n.Note)
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

// TestZlibIsProved: what the C libraries wrote is known as theirs.
func TestZlibIsProved(t *testing.T) {
	p := words(300_000)
	made := func(v zlib.Variant, level int) []byte {
		g := gz(t, 6, 0, p)
		var b bytes.Buffer
		b.Write(g[:10])
		w, err := zlib.NewWriter(&b, v, level)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(p)
		w.Close()
		b.Write(g[len(g)-8:])
		return b.Bytes()
	}
	n := pair(t, made(zlib.Zlib, 9), made(zlib.GNUGzip, 6))
	r := reason(t, n, "encoder")
	if r.A != "gzip level 9 (zlib)" || r.B != "gzip level 6 (GNU gzip)" || n.Residue != diff.ResidueNone {
		t.Errorf("%+v, residue %s", r, n.Residue)
	}
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
		if n := pair(t, whole, whole[:size]); n.Kind == KindLz4 || n.Residue == diff.ResidueNone || n.Note == "" {
			t.Errorf("cut to %d: %s %s", size, n.Kind, n.Note)
		}
	}
}

func lz4Of(t testing.TB, p []byte, o lz4c.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := lz4c.NewWriter(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(p)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestLz4IsProved: a frame of the C library's fast level, or of pierrec's, follows
// from its content; one whose blocks are linked is not judged.
func TestLz4IsProved(t *testing.T) {
	p := words(200_000)
	c := lz4Of(t, p, lz4c.Options{Level: 1, BlockID: 7, Sum: true, Size: -1})
	n := pair(t, c, lz4Frame(t, p, false))
	if r := reason(t, n, "encoder"); r.A != "lz4 level 1 (lz4)" || r.B != "lz4 level 0 (pierrec/lz4)" || n.Residue != diff.ResidueNone {
		t.Errorf("%+v, residue %s, %s", n.Reasons, n.Residue, n.Note)
	}
	n = pair(t, c, lz4Of(t, p, lz4c.Options{Level: 1, BlockID: 4, BlockSum: true, Size: int64(len(p))}))
	if r := reason(t, n, "how it is cut"); r.Cause == nil || r.Cause.Confidence != diff.Proved || n.Residue != diff.ResidueNone {
		t.Errorf("%+v, residue %s, %s", n.Reasons, n.Residue, n.Note)
	}
	n = pair(t, lz4Of(t, p, lz4c.Options{Level: 9, Legacy: true}), lz4Of(t, p, lz4c.Options{Level: 4, Legacy: true}))
	if r := reason(t, n, "encoder"); r.A != "lz4 level 9 (lz4, the older frame)" || r.B != "lz4 level 4 (lz4, the older frame)" || n.Residue != diff.ResidueNone {
		t.Errorf("%+v, residue %s, %s", n.Reasons, n.Residue, n.Note)
	}
	linked := bytes.Clone(c)
	linked[4] &^= 0x20
	d := linked[4:6]
	linked[6] = byte(lz4c.Sum(d) >> 8)
	if n = pair(t, c, linked); n.Residue != diff.ResidueKnown || !strings.Contains(n.Note, "linked") {
		t.Errorf("%s, residue %s, %s", n.Kind, n.Residue, n.Note)
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

func bz(t testing.TB, level, chunk int, p []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := bzip2.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	for len(p) > chunk {
		z.Write(p[:chunk])
		if err := z.Restart(); err != nil {
			t.Fatal(err)
		}
		p = p[chunk:]
	}
	z.Write(p)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBzip2IsProved: a stream of bzip2 follows from its content, whatever its
// level and however many streams it is cut into; a bit that does not stays.
func TestBzip2IsProved(t *testing.T) {
	p := words(350_000)
	whole := bz(t, 9, len(p), p)
	n := pair(t, bz(t, 2, len(p), p), whole)
	if r := reason(t, n, "encoder"); r.A != "bzip2 level 2 (libbzip2)" || r.B != "bzip2 level 9 (libbzip2)" || n.Residue != diff.ResidueNone || n.Kind != KindBzip2 {
		t.Errorf("%+v, residue %s, %+v", r, n.Residue, n.Reasons)
	}
	n = pair(t, bz(t, 1, len(p), p), bz(t, 1, 100_000, p))
	if r := reason(t, n, "encoder"); n.Residue != diff.ResidueNone || r.B != "bzip2 level 1 (libbzip2, a stream for every 100000 bytes, as of pbzip2)" {
		t.Errorf("%+v, residue %s", n.Reasons, n.Residue)
	}
	q := bytes.Clone(p)
	q[1000] ^= 1
	n = pair(t, whole, bz(t, 9, len(q), q))
	if len(n.Children) != 1 || n.Residue == diff.ResidueNone || len(n.UnexplainedA)+len(n.UnexplainedB) != 0 {
		t.Errorf("%+v, residue %s, %v", n.Reasons, n.Residue, n.UnexplainedB)
	}
	// Cut elsewhere, where no program does it.
	if n = pair(t, whole, bz(t, 9, 70_001, p)); n.Residue != diff.ResidueKnown || len(n.UnexplainedB) != 1 {
		t.Errorf("%+v, residue %s", n.Reasons, n.Residue)
	}
}
