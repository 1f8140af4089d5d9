package kzstd

import (
	"io"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// Writer compresses what is written to it. Its output is complete after Close.
type Writer struct {
	w      io.Writer
	o      Options
	in     []byte // of a block that is not full
	out    []byte
	find   finder
	parsed parsed
	blocks blocks
	sum    *xxhash.Digest
	begun  bool // the frame's header is written
	err    error
}

// NewWriter makes one.
func NewWriter(w io.Writer, o Options) (*Writer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Writer{w: w, o: o, sum: xxhash.New(), blocks: blocks{o: o, huff: newHuffman(o)}}, nil
}

// finder makes what is large, and so not before there is something to look for.
func (o Options) finder() finder {
	switch win := newWindow(o.window()); o.Level {
	case Fastest:
		return &fast{window: win, era: o.Era}
	case Default:
		return &double{window: win}
	case Better:
		return &better{window: win, era: o.Era}
	default:
		return &best{window: win, era: o.Era}
	}
}

// Write takes more input.
func (z *Writer) Write(p []byte) (int, error) {
	n := len(p)
	z.sum.Write(p)
	for len(p) > 0 && z.err == nil {
		k := min(z.o.block()-len(z.in), len(p))
		z.in, p = append(z.in, p[:k]...), p[k:]
		if len(z.in) == z.o.block() {
			z.flush(false)
		}
	}
	if z.err != nil {
		return 0, z.err
	}
	return n, nil
}

// Flush ends the block.
func (z *Writer) Flush() error {
	if len(z.in) > 0 {
		z.flush(false)
	}
	return z.err
}

// flush writes the block that z.in holds, in a frame whose length is not known. The
// header goes out before matches are sought: where other bytes are wanted they need
// not be.
func (z *Writer) flush(last bool) {
	if !z.begun {
		z.begun = true
		z.put(append(append(z.out[:0], magic...), hasSum, windowByte(z.o.window())))
	}
	z.block(last, false)
}

// put writes out, whose memory is used again.
func (z *Writer) put(out []byte) {
	z.out = out
	_, z.err = z.w.Write(out)
}

// block writes the block that z.in holds; alone says that it is the only one.
func (z *Writer) block(last, alone bool) {
	if z.err != nil {
		return
	}
	out := z.out[:0]
	if len(z.in) == 0 {
		out = appendRaw(out, nil, last)
	} else {
		if z.find == nil {
			z.find = z.o.finder()
		}
		z.find.block(&z.parsed, z.in, alone)
		if out, z.err = z.blocks.append(out, &z.parsed, z.in, last); z.err != nil {
			return
		}
	}
	if last {
		out = appendBytes(out, z.sum.Sum64()&(1<<32-1), 4)
	}
	z.in = z.in[:0]
	z.put(out)
}

// Close ends the frame. Of no input at all old releases make nothing.
func (z *Writer) Close() error {
	switch {
	case z.err != nil:
	case z.begun || len(z.in) == 0 && z.o.Era >= V1_178:
		z.flush(true)
	case len(z.in) > 0:
		z.put(appendSized(z.out[:0], len(z.in)))
		z.block(true, true)
	}
	return z.err
}

// Parts of a frame's header (RFC 8878, 3.1.1.1).
const (
	magic     = "\x28\xb5\x2f\xfd"
	hasSum    = 1 << 2
	noWindow  = 1 << 5 // the content's size is the window's
	minWindow = 1 << 10
)

// windowByte describes a window whose size is a power of two.
func windowByte(size int) byte { return byte((bits.Len(uint(size-1)) - 10) << 3) }

// appendSized appends the header of a frame whose only block has n bytes.
func appendSized(out []byte, n int) []byte {
	out = append(out, magic...)
	size := 0 // log2 of the bytes of the content's size
	switch {
	case n >= 65536+256:
		size = 2
	case n >= 256:
		size = 1
	}
	flags := byte(hasSum | size<<6)
	if n > minWindow {
		out = append(out, flags|noWindow)
	} else {
		out = append(out, flags, windowByte(max(1<<bits.Len(uint(n)), minWindow)))
	}
	switch size {
	case 1:
		return appendBytes(out, uint64(n-256), 2)
	case 2:
		return appendBytes(out, uint64(n), 4)
	}
	return out
}
