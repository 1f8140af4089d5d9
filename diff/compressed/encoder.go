package compressed

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"

	kflate "github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/stagescope/stagescope/diff/compressed/zlib"
)

// Encoder names what made a compressed stream.
type Encoder struct {
	Name    string // of the format: gzip, deflate, zstd, bzip2, xz, lz4
	Level   int    // as the library counts levels; -2 of deflate is Huffman only
	Library string // e.g. "Go compress/flate"
	Params  string // other settings, e.g. "EncodeAll"; often empty
}

// String is e.g. "gzip level 6 (Go compress/flate)".
func (e Encoder) String() string {
	s := fmt.Sprintf("%s level %d (%s", e.Name, e.Level, e.Library)
	if e.Params != "" {
		s += ", " + e.Params
	}
	return s + ")"
}

var errOther = errors.New("other bytes")

// candidate is one encoder to try.
type candidate struct {
	Encoder
	open func(w io.Writer) (io.WriteCloser, error)
}

// Identify finds the known encoder that makes exactly the encoded bytes, all of
// them, of the decoded ones. Encoded is a gzip stream of one member, a zstd frame,
// an xz stream, an lz4 frame, or streams of bzip2. Each candidate is given up at the first byte
// that differs, and all together after some times the content; false means only
// that none was found.
func Identify(ctx context.Context, encoded, decoded *io.SectionReader) (Encoder, bool) {
	e, ok, _ := identify(ctx, encoded, decoded)
	return e, ok
}

// identify is Identify, and says why no encoder was tried.
func identify(ctx context.Context, encoded, decoded *io.SectionReader) (e Encoder, ok bool, why string) {
	head := make([]byte, 6)
	if _, err := encoded.ReadAt(head, 0); err != nil {
		return e, false, ""
	}
	var cs []candidate
	switch {
	case head[0] == 0x1f && head[1] == 0x8b:
		g := &gzipReader{in: newCounter(io.NewSectionReader(encoded, 0, encoded.Size()))}
		n, err := io.Copy(io.Discard, &matcher{ctx: ctx, r: bufio.NewReader(again(decoded)), through: g})
		if err != nil || n != decoded.Size() || len(g.members) != 1 || g.end != encoded.Size() {
			return e, false, ""
		}
		d := g.members[0].deflate
		e, ok := first(ctx, deflateCandidates(g.members[0].xfl), io.NewSectionReader(encoded, d.Off, d.Len), decoded)
		e.Name = "gzip"
		return e, ok, ""
	case bytes.HasPrefix(head, []byte(zstdMagic)):
		cs, why = zstdCandidates(), "klauspost/compress/zstd alone is tried, and not the C library"
	case bytes.HasPrefix(head, []byte("BZh")):
		cs = bzip2Candidates(head[3])
	case string(head) == xzMagic:
		// Each takes some hundred megabytes.
		select {
		case xzSlots <- struct{}{}:
			defer func() { <-xzSlots }()
		case <-ctx.Done():
			return e, false, ""
		}
		cs, why = xzCandidates(encoded, decoded.Size())
	case bytes.HasPrefix(head, []byte(lz4Magic)), bytes.HasPrefix(head, []byte(lz4Legacy)):
		cs, why = lz4Candidates(encoded)
	default:
		return e, false, "no encoder of this format is tried"
	}
	e, ok = first(ctx, cs, encoded, decoded)
	return e, ok, why
}

// IdentifyDeflate is Identify for a raw deflate stream.
func IdentifyDeflate(ctx context.Context, encoded, decoded *io.SectionReader) (Encoder, bool) {
	return first(ctx, deflateCandidates(0), encoded, decoded)
}

func again(r *io.SectionReader) *io.SectionReader { return io.NewSectionReader(r, 0, r.Size()) }

// deflateCandidates are in the order in which they are tried. Levels often make
// the same bytes, so that the one which gzip's XFL claims comes first.
func deflateCandidates(xfl byte) []candidate {
	var out []candidate
	levels := []int{6, 9, 1, 5, 4, 3, 2, 7, 8, 0, -2}
	switch xfl {
	case 2:
		levels = []int{9, 6, 1, 5, 4, 3, 2, 7, 8, 0, -2}
	case 4:
		levels = []int{1, 6, 9, 5, 4, 3, 2, 7, 8, 0, -2}
	}
	for _, level := range levels {
		out = append(out, candidate{Encoder{Name: "deflate", Level: level, Library: "Go compress/flate"},
			func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, level) }},
			candidate{Encoder{Name: "deflate", Level: level, Library: "klauspost/compress/flate"},
				func(w io.Writer) (io.WriteCloser, error) { return kflate.NewWriter(w, level) }})
		if level < 1 {
			continue
		}
		for _, c := range []struct {
			name string
			v    zlib.Variant
		}{{"zlib", zlib.Zlib}, {"GNU gzip", zlib.GNUGzip}} {
			out = append(out, candidate{Encoder{Name: "deflate", Level: level, Library: c.name},
				func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w, c.v, level) }})
		}
	}
	return out
}

func zstdCandidates() []candidate {
	var out []candidate
	for level := zstd.SpeedFastest; level <= zstd.SpeedBestCompression; level++ {
		s := klauspostZstd(level)
		out = append(out, candidate{s.Encoder, s.Open})
	}
	return out
}

// first gives the first candidate that makes the encoded bytes.
func first(ctx context.Context, cs []candidate, encoded, decoded *io.SectionReader) (Encoder, bool) {
	budget := 4*decoded.Size() + 64<<20 // a block of 4 MiB is read before it differs
	for _, c := range cs {
		if ctx.Err() != nil || budget < 0 {
			break
		}
		fed, ok := c.makes(ctx, encoded, decoded)
		if ok {
			return c.Encoder, true
		}
		budget -= fed
	}
	return Encoder{}, false
}

// makes encodes until the output is another, and says how much was read.
func (c candidate) makes(ctx context.Context, encoded, decoded *io.SectionReader) (fed int64, ok bool) {
	m := &matcher{ctx: ctx, r: bufio.NewReaderSize(again(encoded), 64<<10)}
	w, err := c.open(m)
	if err != nil {
		return 0, false
	}
	// Only Read and Write are shown, so that nothing is read past what is asked.
	fed, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{again(decoded)}, make([]byte, 32<<10))
	if e := w.Close(); err == nil {
		err = e
	}
	return fed, err == nil && fed == decoded.Size() && m.n == encoded.Size()
}

// matcher is a writer that refuses what differs from r's bytes; with through it
// is a reader that passes on what does not.
type matcher struct {
	ctx     context.Context
	r       *bufio.Reader
	through io.Reader
	n       int64
	buf     []byte
}

func (m *matcher) Write(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	if len(m.buf) < len(p) {
		m.buf = make([]byte, len(p))
	}
	got := m.buf[:len(p)]
	if _, err := io.ReadFull(m.r, got); err != nil || !bytes.Equal(got, p) {
		return 0, errOther
	}
	m.n += int64(len(p))
	return len(p), nil
}

func (m *matcher) Read(p []byte) (int, error) {
	n, err := m.through.Read(p)
	if _, e := m.Write(p[:n]); e != nil {
		return 0, e
	}
	return n, err
}
