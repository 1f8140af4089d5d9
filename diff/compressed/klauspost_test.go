package compressed

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/compressed/kflate"
)

func settingOf(t testing.TB, name string, p []byte) []byte {
	t.Helper()
	all := Settings()
	i := slices.IndexFunc(all, func(s Setting) bool { return s.String() == name })
	if i < 0 {
		t.Fatalf("no setting is named %q", name)
	}
	var b bytes.Buffer
	w, err := all[i].Open(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	skopeo = "gzip level 5 (klauspost/pgzip with compress v1.15.10 to v1.18.0)"
	umoci  = "gzip level 5 (klauspost/pgzip with compress v1.15.10 to v1.18.0, blocks of 256 KiB, as umoci's)"
)

// TestPgzipIsProved: a file that one release of a tool compressed is told from what
// others made of it.
func TestPgzipIsProved(t *testing.T) {
	p := append(words(600_000), make([]byte, 9000)...) // of long matches too
	for _, other := range []string{
		umoci,
		"gzip level 5 (klauspost/pgzip with compress v1.18.2 to v1.20.3)",
		"gzip level 5 (klauspost/pgzip with compress v1.15.0 to v1.15.9)",
		"gzip level 5 (klauspost/pgzip with compress v1.14.4)",
		"gzip level 5 (klauspost/pgzip with compress v1.12.3 to v1.13.6)",
		"gzip level 5 (klauspost/pgzip with compress v1.11.0 to v1.11.12)",
		"gzip level 9 (klauspost/pgzip with compress v1.15.15 to v1.18.0)",
		"gzip level 5 (klauspost/compress/flate v1.15.10 to v1.18.0)",
	} {
		n := pair(t, settingOf(t, skopeo, p), settingOf(t, other, p))
		r := reason(t, n, "encoder")
		if r.A != skopeo || r.B != other || r.Cause == nil || r.Cause.Confidence != diff.Proved || n.Residue != diff.ResidueNone {
			t.Errorf("%+v, residue %s", r, n.Residue)
		}
	}
}

// TestPgzipIsNotGuessed: a byte that the encoder would not write stays unexplained,
// however far in.
func TestPgzipIsNotGuessed(t *testing.T) {
	p := words(600_000)
	a := settingOf(t, skopeo, p)
	b := bytes.Clone(a)
	at := bytes.LastIndex(b, []byte{0, 0, 0xff, 0xff}) // the mark that ends the block, before the last block
	b = slices.Insert(b, at+4, 0, 0, 0, 0xff, 0xff)    // another one
	if n := pair(t, a, b); n.Residue != diff.ResidueKnown || len(n.UnexplainedB) != 1 || len(n.UnexplainedA) != 0 {
		t.Errorf("residue %s, %v %v", n.Residue, n.UnexplainedA, n.UnexplainedB)
	}
}

// TestSettings: each has a name of its own, and the rare ones come last.
func TestSettings(t *testing.T) {
	names := map[string]bool{}
	rare := false
	for _, s := range Settings() {
		if names[s.String()] {
			t.Errorf("%s is there twice", s)
		}
		names[s.String()] = true
		if rare && !s.Rare {
			t.Errorf("%s stands behind rare ones", s)
		}
		rare = rare || s.Rare
		w, err := s.Open(io.Discard)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if err := w.Close(); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for level := kflate.HuffmanOnly; level <= 9; level++ {
		for _, s := range kflate.Spans(max(level, 0), true) {
			if level >= 0 && !names[Encoder{Name: FormatGzip, Level: level, Library: pgzipLibrary(s)}.String()] {
				t.Errorf("%s at level %d is missing", pgzipLibrary(s), level)
			}
		}
	}
}
