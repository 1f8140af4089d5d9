// Package sample makes contents for the tests of what writes compressed streams:
// the same ones on every machine, so that sums of streams can be held to.
package sample

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// Compressed is what a writer makes of p when it comes in pieces of so many bytes.
func Compressed(t testing.TB, open func(w io.Writer) (io.WriteCloser, error), p []byte, piece int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := open(&b)
	if err != nil {
		t.Fatal(err)
	}
	for len(p) > 0 {
		n := min(piece, len(p))
		if _, err := w.Write(p[:n]); err != nil {
			t.Fatal(err)
		}
		p = p[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Rand is the source of all of them; what is made depends on what was before.
func Rand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// Noise is n bytes that do not compress.
func Noise(r *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// Text is whole lines, n bytes or a line more.
func Text(r *rand.Rand, n int) []byte {
	var text bytes.Buffer
	for text.Len() < n {
		fmt.Fprintf(&text, "line %d of %x: %s\n", r.IntN(5000), r.IntN(1<<20), []string{"alpha", "beta", "gamma", "delta"}[r.IntN(4)])
	}
	return text.Bytes()
}

// Few is n bytes of three values.
func Few(r *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.IntN(3))
	}
	return p
}

// Skewed is n bytes of which each value is half as frequent as the one before, up
// to the most: their codes grow longer than is allowed.
func Skewed(r *rand.Rand, n int, most byte) []byte {
	p := make([]byte, n)
	for i := range p {
		for p[i] < most && r.IntN(2) == 0 {
			p[i]++
		}
	}
	return p
}
