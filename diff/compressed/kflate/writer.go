package kflate

import (
	"fmt"
	"io"
)

// Writer writes a deflate stream. What it writes depends on the bytes it is given
// and on where it is flushed, not on how they are cut into calls of Write.
type Writer struct {
	method method
	coder  coder
}

// method is how one level turns bytes into blocks.
type method interface {
	// fill takes some of the bytes and gives how many; none when step is due.
	fill(p []byte) int
	// step writes what is to be written: all there is when it is to be closed.
	step(closed bool)
	// restart forgets everything but for a dictionary.
	restart(dict []byte)
}

// NewWriter gives a writer that writes as the library of an era does at a level:
// 1 to 9, 0 for what is only stored, HuffmanOnly. Other levels are an error, and
// 7 to 9 before v1.14.4.
func NewWriter(w io.Writer, e Era, level int) (*Writer, error) {
	if err := known(e, level); err != nil {
		return nil, err
	}
	z := &Writer{}
	z.coder.init(w, e, penalty(e, level))
	switch {
	case level == HuffmanOnly:
		z.method = &counting{simple{c: &z.coder, buf: make([]byte, 0, countingBlock(e))}}
	case level == 0:
		z.method = &storing{simple{c: &z.coder, buf: make([]byte, 0, maxBlock)}}
	case level <= 6:
		z.method = newFast(&z.coder, level)
	default:
		z.method = newLazy(&z.coder, level)
	}
	z.method.restart(nil)
	return z, nil
}

// penalty is that of a coder.
func penalty(e Era, level int) uint {
	if level == HuffmanOnly {
		switch {
		case e < Since1_11_13:
			return 4
		case e < Since1_12_3:
			return 8
		}
		return 10
	}
	switch {
	case e < Since1_11_13:
		return 6
	case e < Since1_14_4 || level >= 7:
		return 8
	}
	return 7
}

// countingBlock is the size of a block of HuffmanOnly.
func countingBlock(e Era) int {
	if e < Since1_11_13 {
		return maxBlock
	}
	return 32 << 10
}

// known gives an error for what NewWriter has not.
func known(e Era, level int) error {
	if e >= eras {
		return fmt.Errorf("there is no era %d", e)
	}
	if level != HuffmanOnly && (level < 0 || level > 9) {
		return fmt.Errorf("level %d is not from 0 to 9, nor %d", level, HuffmanOnly)
	}
	if e < oldest(level) {
		return fmt.Errorf("level %d is not known before %s", level, spans[oldest(level)][0])
	}
	return nil
}

func (z *Writer) Write(p []byte) (int, error) {
	for q := p; len(q) > 0 && z.coder.err == nil; {
		n := z.method.fill(q)
		if n == 0 {
			z.method.step(false)
		}
		q = q[n:]
	}
	if z.coder.err != nil {
		return 0, z.coder.err
	}
	return len(p), nil
}

// Flush writes everything, and a mark that ends with a byte.
func (z *Writer) Flush() error {
	z.method.step(true)
	z.coder.mark()
	return z.coder.err
}

// Close ends the stream; it does not close what it writes to.
func (z *Writer) Close() error {
	z.coder.closing = true
	z.method.step(true)
	z.coder.last()
	return z.coder.err
}

// restart begins a stream that may refer back to a dictionary.
func (z *Writer) restart(w io.Writer, dict []byte) {
	z.coder.restart(w)
	z.method.restart(dict)
}

// simple gathers a block of bytes.
type simple struct {
	c   *coder
	buf []byte // its capacity is the block's size
}

func (s *simple) fill(p []byte) int {
	n := min(len(p), cap(s.buf)-len(s.buf))
	s.buf = append(s.buf, p[:n]...)
	return n
}

func (s *simple) restart([]byte) { s.buf = s.buf[:0] }

// storing is level 0.
type storing struct{ simple }

func (s *storing) step(bool) {
	if len(s.buf) > 0 {
		s.c.stored(s.buf)
		s.buf = s.buf[:0]
	}
}

// counting makes no matches, and codes the bytes by how often they occur.
type counting struct{ simple }

func (s *counting) step(closed bool) {
	if len(s.buf) > 0 {
		s.c.literalBlock(s.buf, closed)
		s.buf = s.buf[:0]
	}
}
