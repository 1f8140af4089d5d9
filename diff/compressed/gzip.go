package compressed

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/stagescope/stagescope/diff"
)

// maxMembers bounds how many members one gzip stream may have.
const maxMembers = 1 << 16

// maxText bounds a name or comment in a gzip header.
const maxText = 64 << 10

// gzipMember is one member of a gzip stream (RFC 1952).
type gzipMember struct {
	flags, xfl, os         byte
	mtime                  uint32
	extra, name, comment   []byte // nil when the flag is not set
	hcrc                   []byte
	header, deflate, plain diff.Range // plain lies in the decoded content
}

// counter reads byte by byte and knows where it is, so that inflating reads
// nothing past the end of a member.
type counter struct {
	*bufio.Reader
	n int64
}

func newCounter(r io.Reader) *counter { return &counter{Reader: bufio.NewReaderSize(r, 64<<10)} }

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) ReadByte() (byte, error) {
	b, err := c.Reader.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// gzipReader gives the content of all members and keeps where they lie. What
// follows the last one begins at end.
type gzipReader struct {
	in      *counter
	members []gzipMember
	body    io.ReadCloser
	sum     uint32
	n       int64 // decoded so far
	end     int64
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		if g.body == nil {
			if err := g.next(); err != nil {
				return 0, err
			}
		}
		n, err := g.body.Read(p)
		g.sum = crc32.Update(g.sum, crc32.IEEETable, p[:n])
		g.n += int64(n)
		if err == io.EOF {
			err = g.finish()
		}
		if n > 0 || err != nil {
			return n, broken(err)
		}
	}
}

// broken marks what a decoder says of a stream that breaks off, so that nobody
// takes it for the end of the content.
func broken(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return fmt.Errorf("%w: %w", diff.ErrFormat, err)
}

// next reads the header of the next member, and gives io.EOF where none begins.
func (g *gzipReader) next() error {
	if len(g.members) > 0 {
		if magic, _ := g.in.Peek(2); len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
			return io.EOF
		}
	}
	if len(g.members) == maxMembers {
		return fmt.Errorf("%w: more than %d gzip members", diff.ErrLimit, maxMembers)
	}
	m, err := g.readHeader()
	if err != nil {
		return fmt.Errorf("reading the gzip header at byte %d: %w: %w", g.in.n, diff.ErrFormat, err)
	}
	g.members = append(g.members, m)
	g.sum = 0
	g.body = flate.NewReader(g.in)
	return nil
}

func (g *gzipReader) readHeader() (m gzipMember, err error) {
	m.header.Off = g.in.n
	var b [10]byte
	if _, err := io.ReadFull(g.in, b[:]); err != nil {
		return m, err
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || b[3]&0xe0 != 0 {
		return m, fmt.Errorf("header % x", b)
	}
	m.flags, m.mtime, m.xfl, m.os = b[3], binary.LittleEndian.Uint32(b[4:]), b[8], b[9]
	if m.flags&4 != 0 {
		if _, err := io.ReadFull(g.in, b[:2]); err != nil {
			return m, err
		}
		m.extra = make([]byte, binary.LittleEndian.Uint16(b[:]))
		if _, err := io.ReadFull(g.in, m.extra); err != nil {
			return m, err
		}
	}
	if m.flags&8 != 0 {
		if m.name, err = g.text(); err != nil {
			return m, err
		}
	}
	if m.flags&16 != 0 {
		if m.comment, err = g.text(); err != nil {
			return m, err
		}
	}
	if m.flags&2 != 0 {
		m.hcrc = make([]byte, 2)
		if _, err := io.ReadFull(g.in, m.hcrc); err != nil {
			return m, err
		}
	}
	m.header.Len = g.in.n - m.header.Off
	m.deflate.Off, m.plain.Off = g.in.n, g.n
	return m, nil
}

func (g *gzipReader) text() ([]byte, error) {
	out := []byte{}
	for {
		c, err := g.in.ReadByte()
		if err != nil {
			return nil, err
		}
		if c == 0 {
			return out, nil
		}
		if out = append(out, c); len(out) > maxText {
			return nil, fmt.Errorf("%w: a name of more than %d bytes", diff.ErrLimit, maxText)
		}
	}
}

// finish checks the trailer, so that it follows from the content.
func (g *gzipReader) finish() error {
	m := &g.members[len(g.members)-1]
	m.deflate.Len, m.plain.Len = g.in.n-m.deflate.Off, g.n-m.plain.Off
	var b [8]byte
	if _, err := io.ReadFull(g.in, b[:]); err != nil {
		return fmt.Errorf("reading the gzip trailer at byte %d: %w", g.in.n, io.ErrUnexpectedEOF)
	}
	if binary.LittleEndian.Uint32(b[:]) != g.sum || binary.LittleEndian.Uint32(b[4:]) != uint32(m.plain.Len) {
		return fmt.Errorf("%w: the gzip trailer before byte %d does not fit the content", diff.ErrFormat, g.in.n)
	}
	g.body, g.end = nil, g.in.n
	return nil
}
