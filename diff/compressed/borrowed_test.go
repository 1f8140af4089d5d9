package compressed

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
	lz4c "github.com/stagescope/stagescope/diff/compressed/lz4"
)

// classified is pair, with causes.
func classified(t testing.TB, a, b []byte) *diff.Node {
	t.Helper()
	n := pair(t, a, b)
	if err := cause.Classify(t.Context(), n, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	return n
}

// gzWith is a stream of one member with a header of its own.
func gzWith(t testing.TB, p []byte, h gzip.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Header = h
	z.Write(p)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBorrowedCause changes a stream beside a difference that has a cause of its
// own, which must not account for both.
func TestBorrowedCause(t *testing.T) {
	p := words(40_000)
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	zst := e.EncodeAll(p, nil)
	frame := func(p []byte, sum bool) []byte {
		return lz4Of(t, p, lz4c.Options{Level: 1, BlockID: 7, Sum: sum, Size: -1})
	}
	dated := func(day string) []byte { return append([]byte("made "+day+"\n"), p...) }
	tagged := gz(t, 6, 5, p)
	tagged = append(tagged[:10:10], append([]byte("\x02\x00ab"), tagged[10:]...)...)
	tagged[3] |= 4
	for what, c := range map[string][2][]byte{
		"cut elsewhere":              {gz(t, 6, 5, p[:100], p[100:]), gz(t, 6, 9, p[:200], p[200:])},
		"cut elsewhere, three times": {gz(t, 6, 5, p[:100], p[100:300], p[300:]), gz(t, 6, 9, p[:100], p[100:200], p[200:])},
		"a comment and zstd":         {gzWith(t, p, gzip.Header{Comment: "what nobody sees"}), zst},
		"an extra field and zstd":    {gzWith(t, p, gzip.Header{Extra: []byte("what nobody sees")}), zst},
		"a name and lz4":             {gzWith(t, p, gzip.Header{Name: "what nobody sees"}), frame(p, true)},
		"an extra field and a time":  {gz(t, 6, 9, p), tagged},
	} {
		if n := classified(t, c[0], c[1]); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Errorf("%s: %s, %s, %+v %s", what, n.Status, n.Residue, n.Reasons, n.Note)
		}
	}
	// A frame that is written otherwise is said beside content that differs.
	reason(t, classified(t, frame(dated("Jan 2 2026"), true), frame(dated("Jan 12 2026"), false)), "frame")
	// What a header says of its time, and how it was compressed, has its cause.
	n := classified(t, gzWith(t, p, gzip.Header{ModTime: time.Unix(1_700_000_000, 0), OS: 255}), zst)
	if r := reason(t, n, "mtime"); r.Cause == nil || n.Residue != diff.ResidueNone {
		t.Errorf("%s, %+v %s", n.Residue, n.Reasons, n.Note)
	}
}
