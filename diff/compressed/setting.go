package compressed

import (
	"compress/gzip"
	"io"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/klauspost/pgzip"
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
	return out[:len(out):len(out)]
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
