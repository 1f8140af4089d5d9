package zlib

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/stagescope/stagescope/diff/compressed/internal/sample"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// inputs are contents that the trees and the search treat differently.
func inputs() map[string][]byte {
	r := sample.Rand()
	noise := sample.Noise(r, 120_000)
	text := sample.Text(r, 250_000)
	few := sample.Few(r, 70_000)
	skewed := sample.Skewed(r, 60_000, 40) // codes longer than are allowed
	return map[string][]byte{
		"empty": nil, "one": {'x'}, "two": []byte("ab"), "three": []byte("abc"), "short": []byte("hello hello hello hello"), "zeros": make([]byte, 300_000),
		"noise": noise, "text": text, "few": few, "skewed": skewed, "mixed": bytes.Join([][]byte{noise[:40_000], text[:90_000], make([]byte, 70_000), noise[:50_000], text}, nil),
	}
}

func deflated(t testing.TB, p []byte, v Variant, level, chunk int) []byte {
	t.Helper()
	return sample.Compressed(t, func(w io.Writer) (io.WriteCloser, error) { return NewWriter(w, v, level) }, p, chunk)
}

// TestRoundTrip: what is written is what was meant, however it was handed over.
func TestRoundTrip(t *testing.T) {
	for name, p := range inputs() {
		for _, v := range []Variant{Zlib, GNUGzip} {
			for _, level := range []int{1, 3, 4, 6, 9} {
				z := deflated(t, p, v, level, 1<<20)
				got, err := io.ReadAll(flate.NewReader(bytes.NewReader(z)))
				if err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%s, level %d: %d bytes, %v", name, level, len(got), err)
				}
				if !bytes.Equal(z, deflated(t, p, v, level, 777)) {
					t.Fatalf("%s, level %d: other bytes when it comes in pieces", name, level)
				}
			}
		}
	}
}

func tool(t *testing.T, name string) string {
	t.Helper()
	return realtool.Find(t, name, "nothing to compare with")
}

// TestZlib compares with zlib itself, through Python.
func TestZlib(t *testing.T) {
	python := tool(t, "python3")
	for name, p := range inputs() {
		c := exec.Command(python, "-c", `import sys,zlib
p=sys.stdin.buffer.read()
for level in range(1,10):
  o=zlib.compressobj(level,8,-15)
  z=o.compress(p)+o.flush()
  sys.stdout.buffer.write(len(z).to_bytes(4,"big")+z)`)
		c.Stdin = bytes.NewReader(p)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		for level := 1; level <= 9; level++ {
			n := binary.BigEndian.Uint32(out)
			want := out[4:][:n]
			out = out[4+n:]
			if got := deflated(t, p, Zlib, level, 1<<20); !bytes.Equal(got, want) {
				t.Errorf("%s, level %d: %d bytes instead of %d, equal up to %d", name, level, len(got), len(want), same(got, want))
			}
		}
	}
}

// TestGzip compares with GNU gzip.
func TestGzip(t *testing.T) {
	gzip := tool(t, "gzip")
	for name, p := range inputs() {
		for level := 1; level <= 9; level++ {
			c := exec.Command(gzip, "-n", "-c", fmt.Sprintf("-%d", level))
			c.Stdin = bytes.NewReader(p)
			out, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			want := out[10 : len(out)-8]
			if got := deflated(t, p, GNUGzip, level, 1<<20); !bytes.Equal(got, want) {
				t.Errorf("%s, level %d: %d bytes instead of %d, equal up to %d", name, level, len(got), len(want), same(got, want))
			}
		}
	}
}

func same(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello hello hello"), 6)
	f.Add(bytes.Repeat([]byte("ab"), 40_000), 1)
	f.Fuzz(func(t *testing.T, p []byte, level int) {
		level = 1 + int(uint(level)%9)
		for _, v := range []Variant{Zlib, GNUGzip} {
			got, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated(t, p, v, level, 1000))))
			if err != nil || !bytes.Equal(got, p) {
				t.Fatal(err)
			}
		}
	})
}
