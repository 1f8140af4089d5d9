package kflate

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// NewGzip gives a writer that writes a gzip stream as the library's own package
// gzip does. Nothing is allocated before the header was written.
func NewGzip(w io.Writer, e Era, level int) (io.WriteCloser, error) {
	time := uint32(ZeroTime)
	if e >= Since1_20_4 {
		time = 0
	}
	return newGzip(w, e, level, time, func() (io.WriteCloser, error) { return NewWriter(w, e, level) })
}

// NewParallelGzip gives a writer that writes a gzip stream as klauspost/pgzip
// does: in blocks of so many bytes, each with a dictionary of its own, so that
// they can be compressed side by side.
func NewParallelGzip(w io.Writer, e Era, level, blockSize int) (io.WriteCloser, error) {
	return newGzip(w, e, level, ZeroTime, func() (io.WriteCloser, error) { return NewParallel(w, e, level, blockSize) })
}

// NewParallel gives a writer of the deflate stream in such a gzip stream.
func NewParallel(w io.Writer, e Era, level, blockSize int) (io.WriteCloser, error) {
	d, err := NewWriter(w, e, level)
	if err != nil {
		return nil, err
	}
	return &blocks{w: w, d: d, size: blockSize}, nil
}

func newGzip(w io.Writer, e Era, level int, time uint32, body func() (io.WriteCloser, error)) (io.WriteCloser, error) {
	if err := known(e, level); err != nil {
		return nil, err
	}
	return &gzip{w: w, level: level, time: time, open: body}, nil
}

// ZeroTime is what both write as the time when none is set, but for plain gzip since
// v1.20.4: that of Go's zero time, cut to 32 bits.
const ZeroTime = 0x886e0900

// gzip puts a header before a deflate stream and a trailer behind it.
type gzip struct {
	w      io.Writer
	level  int
	time   uint32
	open   func() (io.WriteCloser, error)
	body   io.WriteCloser // nil before the header was written
	sum, n uint32
}

func (g *gzip) Write(p []byte) (int, error) {
	if err := g.begin(); err != nil {
		return 0, err
	}
	n, err := g.body.Write(p)
	g.sum = crc32.Update(g.sum, crc32.IEEETable, p[:n])
	g.n += uint32(n)
	return n, err
}

func (g *gzip) begin() error {
	if g.body != nil {
		return nil
	}
	const unknown = 255 // RFC 1952, OS
	head := append(binary.LittleEndian.AppendUint32([]byte{0x1f, 0x8b, 8, 0}, g.time), 0, unknown)
	switch g.level {
	case 9:
		head[8] = 2
	case 1:
		head[8] = 4
	}
	_, err := g.w.Write(head)
	if err == nil {
		g.body, err = g.open()
	}
	return err
}

func (g *gzip) Close() error {
	if err := g.begin(); err != nil {
		return err
	}
	if err := g.body.Close(); err != nil {
		return err
	}
	_, err := g.w.Write(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, g.sum), g.n))
	return err
}

// tail is how much of a block is the dictionary of the next one.
const tail = 16 << 10

// blocks cuts what is written into blocks that are compressed by themselves.
type blocks struct {
	w    io.Writer
	d    *Writer
	size int
	n    int    // bytes of this block
	last []byte // bytes of it, the last ones and maybe more
}

func (b *blocks) Write(p []byte) (int, error) {
	for q := p; len(q) > 0; {
		part := q[:min(len(q), b.size-b.n)]
		if _, err := b.d.Write(part); err != nil {
			return 0, err
		}
		b.keep(part)
		if b.n += len(part); b.n == b.size {
			if err := b.d.Flush(); err != nil {
				return 0, err
			}
			b.d.restart(b.w, b.last)
			b.n, b.last = 0, b.last[:0]
		}
		q = q[len(part):]
	}
	return len(p), nil
}

// keep keeps the last bytes of a block.
func (b *blocks) keep(p []byte) {
	p = p[max(0, len(p)-tail):]
	if over := len(b.last) + len(p) - tail; over > 0 {
		b.last = b.last[:copy(b.last, b.last[over:])]
	}
	b.last = append(b.last, p...)
}

// Close ends the last block, which may be empty.
func (b *blocks) Close() error {
	if err := b.d.Flush(); err != nil {
		return err
	}
	return b.d.Close()
}
