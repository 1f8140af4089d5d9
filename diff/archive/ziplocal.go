package archive

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"

	"github.com/stagescope/stagescope/diff"
)

const (
	zipLocal      = "PK\x03\x04"
	zipDescriptor = "PK\x07\x08"
	zipHead       = 30
)

// localStream gives the members of a zip archive by the headers before them, as far
// as they go: for an archive whose directory, which stands at the end, is lost. why
// says how that is; it is nil for the other side.
type localStream struct {
	in    *diff.Input
	limit int64 // bytes that a member may become
	off   int64
	order []func() io.Reader
	why   error
}

// compareLocals compares two archives by their local headers. One of them has lost
// its directory.
func compareLocals(ctx context.Context, x *diff.Examiner, n *diff.Node, ins [2]*diff.Input, why [2]error) error {
	var ss [2]*localStream
	for i, in := range ins {
		ss[i] = &localStream{in: in, limit: x.Limits().Decoded, why: why[i]}
		first := *ss[i]
		if m, err := first.Next(ctx); err != nil || m == nil {
			return fmt.Errorf("side %c: %w", 'A'+i, cmp.Or(why[i], err, diff.ErrFormat))
		}
	}
	n.Broken = true
	return x.Streams(ctx, n, ss[0], ss[1])
}

// Close ends reading.
func (s *localStream) Close() error { return nil }

// Reopen gives the body of a member that was given before.
func (s *localStream) Reopen(_ context.Context, i int) (io.ReadCloser, error) {
	if i < 0 || i >= len(s.order) {
		return nil, fmt.Errorf("there is no member %d", i)
	}
	return io.NopCloser(s.order[i]()), nil
}

func (s *localStream) Next(ctx context.Context) (*diff.Member, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var h [zipHead]byte
	k, _ := s.in.ReadAt(h[:], s.off)
	if k < len(h) || string(h[:4]) != zipLocal {
		if s.why != nil {
			return nil, fmt.Errorf("no member begins at byte %d of %d: %w", s.off, s.in.Size, s.why)
		}
		return nil, ended(s.in, io.EOF)
	}
	le := binary.LittleEndian
	flags, method := le.Uint16(h[6:]), le.Uint16(h[8:])
	nameLen, extraLen := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	rest := make([]byte, nameLen+extraLen)
	if k, _ := s.in.ReadAt(rest, s.off+zipHead); k < len(rest) {
		return nil, bad("it ends within the header at byte %d", s.off)
	}
	data := diff.Range{Off: s.off + zipHead + nameLen + extraLen, Len: int64(le.Uint32(h[18:]))}
	name := string(rest[:nameLen])
	if flags&1 != 0 || method != 0 && method != 8 || data.Len == 0xffffffff {
		return nil, bad("%q at byte %d is encrypted, of method %d or larger than 4 GB, and cannot be read without the directory", name, s.off, method)
	}
	crc, checks := le.Uint32(h[14:]), true
	if flags&8 != 0 { // its sizes and sum come after it
		if method == 0 {
			return nil, bad("%q at byte %d does not say how long it is", name, s.off)
		}
		n, err := s.inflated(ctx, data.Off)
		if checks = false; err != nil {
			n = s.in.Size - data.Off // as far as it goes; its body says so
		}
		data.Len = n
	}
	open := func() io.Reader {
		r := bodyOf(s.in, data)
		if method == 8 {
			r = flate.NewReader(r)
		}
		if checks {
			r = &checked{r: r, want: crc}
		}
		return r
	}
	raw := append(bytes.Clone(h[:]), rest...)
	s.off = data.Off + data.Len
	if flags&8 != 0 {
		s.off += s.descriptor(s.off)
	}
	s.order = append(s.order, open)
	m := &diff.Member{Name: name, Raw: raw, Size: -1, Body: open()}
	m.Fields = func() []diff.Field { return localFields(h[:], rest[nameLen:]) }
	return m, nil
}

// inflated is how many bytes a deflate stream takes.
func (s *localStream) inflated(ctx context.Context, off int64) (int64, error) {
	c := &byteCounter{r: io.NewSectionReader(s.in, off, s.in.Size-off)}
	_, err := io.Copy(io.Discard, &limited{ctx: ctx, r: flate.NewReader(c), left: s.limit})
	return c.n, err
}

// byteCounter reads byte by byte, so that nothing is read past the end of a stream.
type byteCounter struct {
	r   *io.SectionReader
	buf [4096]byte
	p   []byte
	n   int64
}

func (c *byteCounter) ReadByte() (byte, error) {
	if len(c.p) == 0 {
		k, err := c.r.Read(c.buf[:])
		if k == 0 {
			return 0, err
		}
		c.p = c.buf[:k]
	}
	b := c.p[0]
	c.p, c.n = c.p[1:], c.n+1
	return b, nil
}

func (c *byteCounter) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := c.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// descriptor is how long that is which follows a member and says its sizes.
func (s *localStream) descriptor(off int64) int64 {
	var p [20]byte
	k, _ := s.in.ReadAt(p[:], off)
	n := int64(12)
	if k >= 4 && string(p[:4]) == zipDescriptor {
		n = 16
	}
	return n
}

func localFields(h, extra []byte) []diff.Field {
	le := binary.LittleEndian
	return []diff.Field{
		{Key: "local version needed", Value: strconv.Itoa(int(le.Uint16(h[4:])))}, {Key: "local flags", Value: fmt.Sprintf("%04x", le.Uint16(h[6:]))},
		{Key: "local method", Value: strconv.Itoa(int(le.Uint16(h[8:])))}, {Key: "mtime", Value: dosTime(h[10:])},
		{Key: "CRC-32", Value: fmt.Sprintf("%08x", le.Uint32(h[14:]))}, {Key: "compressed size", Value: strconv.Itoa(int(le.Uint32(h[18:])))},
		{Key: "size", Value: strconv.Itoa(int(le.Uint32(h[22:])))}, {Key: "local extra fields", Value: fmt.Sprintf("%x", extra)},
	}
}
