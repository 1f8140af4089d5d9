package compressed

import (
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"

	"github.com/stagescope/stagescope/diff/compressed/kflate"
	"github.com/stagescope/stagescope/diff/compressed/zlib"
)

// Setting is one way to compress a whole blob, header and all.
type Setting struct {
	Encoder
	// Open begins a stream; what was written is complete when it was closed.
	Open func(w io.Writer) (io.WriteCloser, error)
	// Rare says that hardly a tool compresses like this: it is worth trying where
	// the bytes to compare with are at hand, so that the first that differs ends it.
	Rare bool
	head bool // the first bytes are a block of their own
}

// The formats of settings.
const (
	FormatGzip = "gzip"
	FormatZstd = "zstd"
)

// Settings are the ways in which tools that handle images compress a layer, the
// likeliest first: Go's own gzip is what BuildKit, containerd, Docker and crane
// use, pgzip what skopeo, podman, buildah and umoci do, and all of them write zstd
// with klauspost's encoder. None of them stores a name or a time in the header.
// The rare ones are the last.
func Settings() []Setting {
	out := slices.Concat(goGzip(6, 1, 9), parallelGzip(false, pgzipBlock, kflate.DefaultLevel),
		parallelGzip(false, umociBlock, kflate.DefaultLevel), flateGzip(false, kflate.DefaultLevel), parallelGzip(false, pgzipBlock, 6))
	older := parallelGzip(true, pgzipBlock, kflate.DefaultLevel)
	for i := range older {
		older[i].Rare = false // of releases that are still supported
	}
	out = append(out, older...)
	zstds, rareZstds := allZstd()
	out = append(out, zstds...)
	out = slices.Concat(out, parallelGzip(false, pgzipBlock, 1, 9), goGzip(5, 4, 7, 8, 3, 2, 0, gzip.HuffmanOnly))
	for _, level := range []int{6, 9, 1} {
		out = append(out, plainGzip("GNU gzip", zlib.GNUGzip, level), plainGzip("zlib", zlib.Zlib, level))
	}
	odd := []int{3, 4, 7, 8, 2, 0}
	rare := slices.Concat(parallelGzip(true, umociBlock, kflate.DefaultLevel), parallelGzip(true, pgzipBlock, 6, 1, 9), flateGzip(false, 1, 6, 9), flateGzip(true, 5, 1, 6, 9),
		parallelGzip(false, pgzipBlock, odd...), parallelGzip(true, pgzipBlock, odd...), flateGzip(false, odd...), flateGzip(true, odd...), flateGzip(false, kflate.HuffmanOnly), rareZstds)
	for i := range rare {
		rare[i].Rare = true
	}
	out = append(out, rare...)
	return out[:len(out):len(out)]
}

// plainGzip is a gzip stream as GNU gzip -n and zlib write it on Unix.
func plainGzip(library string, v zlib.Variant, level int) Setting {
	return Setting{Encoder: Encoder{Name: FormatGzip, Level: level, Library: library}, Open: func(w io.Writer) (io.WriteCloser, error) {
		const unix = 3 // RFC 1952, OS
		head := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, unix}
		switch level {
		case 9:
			head[8] = 2
		case 1:
			head[8] = 4
		}
		if _, err := w.Write(head); err != nil {
			return nil, err
		}
		d, err := zlib.NewWriter(w, v, level)
		if err != nil {
			return nil, err
		}
		return &gzipWriter{w: w, deflate: d}, nil
	}}
}

// gzipWriter puts the trailer behind a deflate stream.
type gzipWriter struct {
	w       io.Writer
	deflate io.WriteCloser
	sum, n  uint32
}

func (g *gzipWriter) Write(p []byte) (int, error) {
	n, err := g.deflate.Write(p)
	g.sum = crc32.Update(g.sum, crc32.IEEETable, p[:n])
	g.n += uint32(n)
	return n, err
}

func (g *gzipWriter) Close() error {
	if err := g.deflate.Close(); err != nil {
		return err
	}
	_, err := g.w.Write(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, g.sum), g.n))
	return err
}

func goGzip(levels ...int) (out []Setting) {
	for _, level := range levels {
		out = append(out, Setting{Encoder: Encoder{Name: FormatGzip, Level: level, Library: "Go compress/flate"},
			Open: func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, level) }})
	}
	return out
}
