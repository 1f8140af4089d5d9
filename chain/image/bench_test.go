package image

import (
	"archive/tar"
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
)

// benchLayer is an archive of 64 files of 1 MiB, half noise and half text.
func benchLayer(b *testing.B) []byte {
	noise := rand.NewChaCha8([32]byte{3})
	var entries []entry
	for n := range 64 {
		data := bytes.Repeat([]byte("bootstrap "), 1<<20/10)
		_, _ = noise.Read(data[:len(data)/2])
		entries = append(entries, entry{name: "f" + string(rune('0'+n)), data: string(data)})
	}
	return layer(b, entries...)
}

// BenchmarkLayer reads a layer to its verified end, per byte of the archive.
func BenchmarkLayer(b *testing.B) {
	data := benchLayer(b)
	for name, pack := range map[string]func([]byte) ([]byte, string){"none": plainLayer, "gzip": gzipLayer, "zstd": zstdLayer} {
		b.Run(name, func(b *testing.B) {
			l := newBuilder(b)
			l.root(l.image(pack, data), "")
			i := mustOpen(b, l.dir, Options{})
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				err := i.Layers()[0].Walk(b.Context(), func(_ *tar.Header, r io.Reader) error {
					_, err := io.Copy(io.Discard, r)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTreeRoot computes T, per byte of the archive.
func BenchmarkTreeRoot(b *testing.B) {
	data := benchLayer(b)
	l := newBuilder(b)
	l.root(l.image(plainLayer, data), "")
	i := mustOpen(b, l.dir, Options{})
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := i.TreeRoot(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
