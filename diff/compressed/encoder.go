package compressed

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/stagescope/stagescope/diff/compressed/kflate"
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
	open  func(w io.Writer) (io.WriteCloser, error)
	twins int // those with one number, but for 0, write the same of the first twinBytes
}

// twinBytes is how much pgzip cuts into one block at least.
const twinBytes = umociBlock

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
		e, ok := first(ctx, deflateCandidates(g.members[0]), io.NewSectionReader(encoded, d.Off, d.Len), decoded)
		e.Name = "gzip"
		return e, ok, ""
	case bytes.HasPrefix(head, []byte(zstdMagic)):
		cs, why = zstdCandidates(encoded), "klauspost/compress/zstd alone is tried, and not the C library"
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
	return first(ctx, deflateCandidates(gzipMember{}), encoded, decoded)
}

// Encoded is Identify, or IdentifyDeflate, with the encoder's name.
func Encoded(ctx context.Context, deflate bool, encoded, decoded *io.SectionReader) (string, bool) {
	find := Identify
	if deflate {
		find = IdentifyDeflate
	}
	e, ok := find(ctx, encoded, decoded)
	return e.String(), ok
}

func again(r *io.SectionReader) *io.SectionReader { return io.NewSectionReader(r, 0, r.Size()) }

// deflateCandidates are in the order in which they are tried. Levels often make
// the same bytes, so that the one which gzip's XFL claims comes first. Most of
// klauspost's streams have a time in their header that no other encoder writes.
// Where that is not so, recent versions are tried if Go's OS byte speaks for a
// library in Go, and otherwise the likeliest alone.
func deflateCandidates(m gzipMember) []candidate {
	levels := []int{6, 9, 1, 5, 4, 3, 2, 7, 8, 0, -2}
	switch m.xfl {
	case 2:
		levels = []int{9, 6, 1, 5, 4, 3, 2, 7, 8, 0, -2}
	case 4:
		levels = []int{1, 6, 9, 5, 4, 3, 2, 7, 8, 0, -2}
	}
	if m.mtime == kflate.ZeroTime {
		likely := levels
		if m.xfl == 0 {
			likely = []int{kflate.DefaultLevel, 6, 4, 3, 2, 7, 8, 0, -2, 1, 9}
		}
		return append(flateCandidates(likely, true), plainCandidates(levels, false)...)
	}
	const unknown = 255 // RFC 1952, OS
	if m.os == unknown {
		return append(plainCandidates(levels, false), flateCandidates(levels, false)...)
	}
	return plainCandidates(levels, true)
}

// plainCandidates are Go's encoder, the C libraries', and klauspost's likeliest.
func plainCandidates(levels []int, klauspost bool) (out []candidate) {
	add := func(level int, library string, open func(w io.Writer) (io.WriteCloser, error)) {
		out = append(out, candidate{Encoder: Encoder{Name: "deflate", Level: level, Library: library}, open: open})
	}
	for _, level := range levels {
		add(level, "Go compress/flate", func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, level) })
		if klauspost {
			spans, _ := likely(level, false)
			add(level, flateLibrary(spans[0]), func(w io.Writer) (io.WriteCloser, error) { return kflate.NewWriter(w, spans[0].Era, level) })
		}
		if level < 1 {
			continue
		}
		add(level, "zlib", func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w, zlib.Zlib, level) })
		add(level, "GNU gzip", func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w, zlib.GNUGzip, level) })
	}
	return out
}

// first gives the first candidate that makes the encoded bytes.
func first(ctx context.Context, cs []candidate, encoded, decoded *io.SectionReader) (Encoder, bool) {
	budget := 4*decoded.Size() + 64<<20 // a block of 4 MiB is read before it differs
	refuted := 0                        // whose twins begin with other bytes too
	for _, c := range cs {
		if ctx.Err() != nil || budget < 0 {
			break
		}
		if c.twins != 0 && c.twins == refuted {
			continue
		}
		fed, ok, ended := c.makes(ctx, encoded, decoded)
		if ok {
			return c.Encoder, true
		}
		if !ended && fed < twinBytes {
			refuted = c.twins
		}
		budget -= fed
	}
	return Encoder{}, false
}

// makes encodes until the output is another, and says how much was read, and
// whether all was before the output was found to be another.
func (c candidate) makes(ctx context.Context, encoded, decoded *io.SectionReader) (fed int64, ok, ended bool) {
	m := &matcher{ctx: ctx, r: bufio.NewReaderSize(again(encoded), 64<<10)}
	w, err := c.open(m)
	if err != nil {
		return 0, false, true
	}
	// Only Read and Write are shown, so that nothing is read past what is asked.
	in := &counting{r: again(decoded)}
	_, err = io.CopyBuffer(struct{ io.Writer }{w}, in, make([]byte, 32<<10))
	ended = err == nil
	if e := w.Close(); err == nil {
		err = e
	}
	return in.n, err == nil && in.n == decoded.Size() && m.n == encoded.Size(), ended
}

// counting counts what is read.
type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
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
