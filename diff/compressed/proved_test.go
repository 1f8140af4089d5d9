package compressed

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/compressed/bzip2"
	"github.com/stagescope/stagescope/diff/compressed/kzstd"
	lz4c "github.com/stagescope/stagescope/diff/compressed/lz4"
	"github.com/stagescope/stagescope/diff/compressed/xz"
	"github.com/stagescope/stagescope/diff/compressed/zlib"
	uxz "github.com/ulikunitz/xz"
)

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

// zstdOf is a stream as a release of klauspost's library wrote it.
func zstdOf(t testing.TB, p []byte, o kzstd.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := kzstd.NewWriter(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(p)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestZstdIsProved: a stream follows from its content whichever release of the
// library wrote it, and when containers/image did, which hands the first bytes
// over before the rest.
func TestZstdIsProved(t *testing.T) {
	p := words(300_000)
	linked := func(r io.Reader, level zstd.EncoderLevel) []byte {
		var b bytes.Buffer
		z, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(level))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(z, r); err != nil {
			t.Fatal(err)
		}
		z.Close()
		return b.Bytes()
	}
	// io.Copy lets a MultiReader write by itself, and its second reader be read.
	split := func() io.Reader {
		return io.MultiReader(bytes.NewReader(p[:8]), struct{ io.Reader }{bytes.NewReader(p[8:])})
	}
	const image = ", a first block of 8 bytes as of containers/image"
	plain := linked(bytes.NewReader(p), zstd.SpeedDefault)
	for _, tc := range []struct {
		b    []byte
		name string
	}{
		{linked(bytes.NewReader(p), zstd.SpeedBestCompression), "level 4 (klauspost/compress/zstd, at least v1.17.8 to v1.20.2)"},
		{linked(split(), zstd.SpeedDefault), "level 2 (klauspost/compress/zstd, at least v1.17.8 to v1.20.2" + image + ")"},
		{linked(split(), zstd.SpeedFastest), "level 1 (klauspost/compress/zstd, at least v1.17.8 to v1.20.2" + image + ")"},
		{zstdOf(t, p, kzstd.Options{Era: kzstd.V1_11, Level: kzstd.Default}), "level 2 (klauspost/compress/zstd, at least v1.11.0 to v1.13.6)"},
		{zstdOf(t, p, kzstd.Options{Era: kzstd.V1_203, Level: kzstd.Default}), "level 2 (klauspost/compress/zstd, at least v1.20.3 to v1.20.4)"},
		{zstdOf(t, p, kzstd.Options{Era: kzstd.V1_14, Level: kzstd.Better}), "level 3 (klauspost/compress/zstd, at least v1.14.0 to v1.15.9)"},
		{zstdOf(t, p, kzstd.Options{Era: kzstd.V1_17, Level: kzstd.Best}), "level 4 (klauspost/compress/zstd, at least v1.17.0 to v1.17.2)"},
		{zstdOf(t, p, kzstd.Options{Era: kzstd.V1_11, Level: kzstd.Fastest}), "level 1 (klauspost/compress/zstd, at least v1.11.0 to v1.13.6)"},
	} {
		n := pair(t, plain, tc.b)
		if r := reason(t, n, "encoder"); r.A != "zstd level 2 (klauspost/compress/zstd, at least v1.17.8 to v1.20.2)" || r.B != "zstd "+tc.name || r.Cause.Confidence != diff.Proved || n.Residue != diff.ResidueNone {
			t.Errorf("%s: %+v, residue %s, %s", tc.name, n.Reasons, n.Residue, n.Note)
		}
	}
	// A stream that an older release would not have ended there.
	cut := zstdOf(t, p, kzstd.Options{Era: kzstd.V1_11, Level: kzstd.Default})
	cut[len(cut)-20] ^= 1
	if n := pair(t, plain, cut); n.Residue == diff.ResidueNone {
		t.Errorf("%+v", n.Reasons)
	}
}

// TestRareSettings: what is rare comes last, no setting is named twice, and each of
// zstd makes what it names.
func TestRareSettings(t *testing.T) {
	seen := map[string]bool{}
	rare := false
	for _, s := range Settings() {
		if seen[s.String()] || rare && !s.Rare {
			t.Errorf("%s, rare %t", s, s.Rare)
		}
		seen[s.String()], rare = true, s.Rare
		if s.Name != FormatZstd {
			continue
		}
		var b bytes.Buffer
		w, err := s.Open(&b)
		if err != nil {
			t.Fatal(err)
		}
		p := words(90_000)
		for _, c := range [][]byte{p[:3], p[3:50], p[50:]} {
			if n, err := w.Write(c); n != len(c) || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := zstd.NewReader(&b)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, p) {
			t.Errorf("%s: %v", s, err)
		}
		d.Close()
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
