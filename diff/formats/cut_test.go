package formats

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/compressed/bzip2"
	"github.com/stagescope/stagescope/diff/compressed/xz"
)

// archiveOf is a tar archive of thirty contents that do not shrink.
func archiveOf(t testing.TB, early string) []byte {
	t.Helper()
	r := rand.NewChaCha8([32]byte{1})
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	put := func(name string, p []byte) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(p))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	put("early", []byte(early))
	for i := range 30 {
		p := make([]byte, 8_000)
		r.Read(p)
		put(fmt.Sprintf("f%02d", i), p)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func streamOf(t testing.TB, p []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := open(&b)
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

// wrapped are the streams that an archive comes in.
var wrapped = map[diff.Kind]func(io.Writer) (io.WriteCloser, error){
	"gzip":  func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	"zlib":  func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil },
	"bzip2": func(w io.Writer) (io.WriteCloser, error) { return bzip2.NewWriter(w, 1) },
	"xz":    func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w, xz.Options{Preset: 1}) },
	"zstd":  func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
	"lz4": func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
	},
	"tar": nil,
}

func refs(t *testing.T, a, b []byte) *diff.Node {
	t.Helper()
	t.Chdir(t.TempDir())
	paths := [2]string{"a", "b"}
	for i, p := range [][]byte{a, b} {
		if err := os.WriteFile(paths[i], p, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := diff.Refs(t.Context(), paths[0], paths[1], image.Options{}, diff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Root
}

func findNode(n *diff.Node, name string) *diff.Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
		if f := findNode(c, name); f != nil {
			return f
		}
	}
	return nil
}

// TestCutStreams compares archives that are cut, or damaged, within a stream: as far
// as they can be read, with what comes before the damage proven and nothing the same.
func TestCutStreams(t *testing.T) {
	a, b := archiveOf(t, "one"), archiveOf(t, "two")
	for kind, open := range wrapped {
		pa, pb := a, b
		if open != nil {
			pa, pb = streamOf(t, a, open), streamOf(t, b, open)
		}
		flipped := bytes.Clone(pb)
		flipped[len(flipped)*3/4] ^= 0x55
		for what, c := range map[string]struct {
			a, b  []byte
			early bool // the difference in the first member is found
		}{
			"B cut":                   {pa, pb[:len(pb)*3/4], true},
			"A cut":                   {pa[:len(pa)*3/4], pb, true},
			"both, elsewhere":         {pa[:len(pa)*3/4], pb[:len(pb)*2/3], true},
			"one cut, and nothing":    {pa, pa[:len(pa)*3/4], false},
			"damaged":                 {pa, flipped, true},
			"cut in the last byte":    {pa, pb[:len(pb)-1], true},
			"equal and cut elsewhere": {pa[:len(pa)*2/3], pa[:len(pa)*3/4], false},
		} {
			if kind == "tar" && (what == "damaged" || strings.HasPrefix(what, "cut in")) {
				continue // it has no sum of its contents, and its end is padding
			}
			n := refs(t, c.a, c.b)
			if n.Kind != kind || n.Status != diff.Differs || !n.Capped || n.Residue == diff.ResidueNone {
				t.Fatalf("%s, %s: %s %s, capped %v: %s", kind, what, n.Kind, n.Status, n.Capped, n.Note)
			}
			e := findNode(n, "early")
			if (e != nil && e.Status == diff.Differs) != c.early {
				t.Errorf("%s, %s: the first member: %+v", kind, what, e)
			}
			if inner := n; open != nil {
				if inner = n.Children[0]; inner.Kind != diff.KindTar || !inner.Capped || inner.Status == diff.Same || !c.early && inner.Status != diff.Unreadable {
					t.Errorf("%s, %s: %s %s %s", kind, what, inner.Kind, inner.Status, inner.Note)
				}
			}
			if text := notes(n); !strings.Contains(text, "byte") {
				t.Errorf("%s, %s: it is not said where it breaks off: %s", kind, what, text)
			}
			if what != "both, elsewhere" {
				continue
			}
			if again := notes(refs(t, c.a, c.b)); again != notes(n) {
				t.Errorf("%s, %s: two runs say\n%s\n%s", kind, what, notes(n), again)
			}
		}
	}
}

func notes(n *diff.Node) string {
	out := fmt.Sprintf("%s %s %s\n", n.Name, n.Status, n.Note)
	for _, c := range n.Children {
		out += notes(c)
	}
	return out
}

// TestOnlyInTheWholeSide shows that what only the cut side has is proven, and that
// what only the whole side has is not: it may come yet.
func TestOnlyInTheWholeSide(t *testing.T) {
	more := bytes.Replace(archiveOf(t, "one"), []byte("f03\x00"), []byte("x03\x00"), 1)
	fixSum(more)
	n := refs(t, streamOf(t, archiveOf(t, "one"), wrapped["gzip"]), cutOf(t, more))
	if x := findNode(n, "x03"); x == nil || x.Status != diff.OnlyB {
		t.Errorf("%s", notes(n))
	}
	if f := findNode(n, "f03"); f != nil {
		t.Errorf("it may come in what could not be read: %s", f.Status)
	}
}

func cutOf(t testing.TB, p []byte) []byte {
	z := streamOf(t, p, wrapped["gzip"])
	return z[:len(z)/2]
}

// fixSum writes the checksum of the header that has another name.
func fixSum(p []byte) {
	at := bytes.Index(p, []byte("x03\x00"))
	h := p[at : at+512]
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
}

// TestCutMember shows that the content in which an archive is cut is compared up to
// there.
func TestCutMember(t *testing.T) {
	a, b := archiveOf(t, "one"), archiveOf(t, "one")
	at := bytes.Index(b, []byte("f10\x00")) + 512 + 100
	b[at] ^= 1
	n := refs(t, a, b[:at+3000])
	f := findNode(n, "f10")
	if f == nil || f.Status != diff.Differs || !f.Capped || len(f.RangesA) != 1 || f.RangesA[0] != (diff.Range{Off: 100, Len: 1}) {
		t.Fatalf("%+v\n%s", f, notes(n))
	}
	n = refs(t, a, b[:at])
	if f = findNode(n, "f10"); f == nil || f.Status != diff.Unreadable || !strings.Contains(f.Note, "the first 100 bytes are equal") {
		t.Fatalf("%+v\n%s", f, notes(n))
	}
}
