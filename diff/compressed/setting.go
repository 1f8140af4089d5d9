package compressed

import (
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"

	"github.com/stagescope/stagescope/diff/compressed/zlib"
)

// Setting is one way to compress a whole blob, header and all.
type Setting struct {
	Encoder
	// Open begins a stream; what was written is complete when it was closed.
	Open func(w io.Writer) (io.WriteCloser, error)
}

// The formats of settings.
const (
	FormatGzip = "gzip"
	FormatZstd = "zstd"
)

// Settings are the ways in which tools that handle images compress a layer, the
// likeliest first: Go's own gzip is what BuildKit, containerd, Docker and crane
// use, pgzip what skopeo, podman and buildah do, and all of them write zstd with
// klauspost's encoder. None of them stores a name or a time in the header.
func Settings() []Setting {
	var out []Setting
	for _, level := range []int{6, 1, 9} {
		out = append(out, goGzip(level))
	}
	out = append(out, parallelGzip(5), fastGzip(5), parallelGzip(6))
	for level := zstd.SpeedDefault; level <= zstd.SpeedBestCompression; level++ {
		out = append(out, klauspostZstd(level))
	}
	out = append(out, klauspostZstd(zstd.SpeedFastest), parallelGzip(1), parallelGzip(9), fastGzip(1), fastGzip(6), fastGzip(9))
	for _, level := range []int{5, 4, 7, 8, 3, 2, 0, gzip.HuffmanOnly} {
		out = append(out, goGzip(level), fastGzip(level))
		if level >= 0 && level != 5 {
			out = append(out, parallelGzip(level))
		}
	}
	for _, level := range []int{6, 9, 1} {
		out = append(out, plainGzip("GNU gzip", zlib.GNUGzip, level), plainGzip("zlib", zlib.Zlib, level))
	}
	return out[:len(out):len(out)]
}

// plainGzip is a gzip stream as GNU gzip -n and zlib write it on Unix.
func plainGzip(library string, v zlib.Variant, level int) Setting {
	return Setting{Encoder{Name: FormatGzip, Level: level, Library: library}, func(w io.Writer) (io.WriteCloser, error) {
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

func goGzip(level int) Setting {
	return Setting{Encoder{Name: FormatGzip, Level: level, Library: "Go compress/flate"},
		func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, level) }}
}

func fastGzip(level int) Setting {
	return Setting{Encoder{Name: FormatGzip, Level: level, Library: "klauspost/compress/flate"},
		func(w io.Writer) (io.WriteCloser, error) { return kgzip.NewWriterLevel(w, level) }}
}

// parallelGzip cuts its input into blocks of 1 MiB, whatever the number of
// processors, and so writes other bytes than the encoder inside it.
func parallelGzip(level int) Setting {
	return Setting{Encoder{Name: FormatGzip, Level: level, Library: "klauspost/pgzip"},
		func(w io.Writer) (io.WriteCloser, error) {
			z, err := pgzip.NewWriterLevel(w, level)
			if err != nil {
				return nil, err
			}
			return z, z.SetConcurrency(1<<20, 2)
		}}
}

func klauspostZstd(level zstd.EncoderLevel) Setting {
	return Setting{Encoder{Name: FormatZstd, Level: int(level), Library: "klauspost/compress/zstd"},
		func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
		}}
}
