package kflate

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/pgzip"

	"github.com/stagescope/stagescope/diff/compressed/internal/sample"
)

// levels are all that the library has.
var levels = []int{HuffmanOnly, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

// content is one of the contents that the levels treat differently.
type content struct {
	name string
	p    []byte
}

// contents are the same on every machine and in every run.
func contents() []content {
	r := sample.Rand()
	noise := sample.Noise(r, 100_000)
	text := sample.Text(r, 200_000)
	few := sample.Few(r, 70_000)
	skewed := sample.Skewed(r, 80_000, 40) // codes longer than are allowed
	files := archive(r, 300_000)
	program := machine(r, 200_000)
	letters := make([]byte, 150_000) // no matches, and yet fewer bits than bytes
	for i := range letters {
		letters[i] = ' ' + byte(r.IntN(64))
	}
	out := []content{
		{"nothing", nil}, {"a byte", []byte{'x'}}, {"text", text}, {"noise", noise}, {"three values", few}, {"skewed", skewed},
		{"letters", letters}, {"zeros", make([]byte, 200_000)}, {"files", files}, {"program", program},
		{"mixed", slices.Concat(noise[:40_000], text[:90_000], make([]byte, 70_000), noise[:50_000], few[:9000], skewed[:30_000], text[:200], noise[:70_000], letters[:40_000], program[:50_000], letters[:100], files)},
	}
	for _, n := range []int{12, 13, 32, 33, 127, 128, 1000, 65535, 65536, 65537, 2*65535 + 20} {
		out = append(out, content{fmt.Sprintf("%d of files", n), files[:n]}, content{fmt.Sprintf("%d of mixed", n), out[10].p[30_000:][:n]})
	}
	return out
}

// archive is a tar of many small files, n bytes or a file more.
func archive(r *rand.Rand, n int) []byte {
	var b bytes.Buffer
	for w, i := tar.NewWriter(&b), 0; b.Len() < n; i++ {
		p := sample.Text(r, r.IntN(2000))
		if i%5 == 0 {
			p = sample.Noise(r, r.IntN(700))
		}
		_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("usr/share/doc/package-%d/file-%d", i/7, i), Mode: 0o644, Size: int64(len(p))})
		_, _ = w.Write(p)
		_ = w.Flush()
	}
	return b.Bytes()
}

// machine is like a program: instructions that are alike, addresses, few zeros.
func machine(r *rand.Rand, n int) []byte {
	var b []byte
	for at := uint32(0x401000); len(b) < n; at += 11 {
		b = append(b, [][]byte{{0x48, 0x8b, 0x05}, {0x48, 0x89, 0xe5}, {0xe8}, {0x0f, 0x84}, {0xc3, 0x90, 0x90}}[r.IntN(5)]...)
		b = binary.LittleEndian.AppendUint32(b, at+uint32(r.IntN(4096))*16)
		if r.IntN(9) == 0 {
			b = append(b, make([]byte, r.IntN(40))...)
		}
	}
	return b[:n]
}

// layer is more than four blocks of 1 MiB.
func layer() []byte {
	r := sample.Rand()
	return slices.Concat(archive(r, 2<<20), machine(r, 1<<20), sample.Noise(r, 400_000), make([]byte, 300_000), sample.Text(r, 700_000))
}

// opener opens a writer of gzip.
type opener func(w io.Writer) (io.WriteCloser, error)

func theirs(level, block int) opener {
	return func(w io.Writer) (io.WriteCloser, error) {
		if block == 0 {
			return kgzip.NewWriterLevel(w, level)
		}
		z, err := pgzip.NewWriterLevel(w, level)
		if err != nil {
			return nil, err
		}
		return z, z.SetConcurrency(block, 3)
	}
}

// sum stands for what a level makes of all contents: gzip streams, those in
// blocks of 64 KiB, and at the default level those of a layer.
func sum(t testing.TB, open func(block int) opener, level int) string {
	h := sha256.New()
	for _, c := range contents() {
		h.Write(sample.Compressed(t, open(0), c.p, 1<<20))
		h.Write(sample.Compressed(t, open(64<<10), c.p, 1<<20))
	}
	if level == DefaultLevel {
		big := layer()
		for _, n := range []int{len(big), 1 << 20, 1<<20 + 1} {
			h.Write(sample.Compressed(t, open(1<<20), big[:n], 1<<20))
			h.Write(sample.Compressed(t, open(256<<10), big[:n], 1<<20))
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}
