package lz4

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Options are what a frame's bytes depend on beside its content.
type Options struct {
	Level int // 1 and 2 are fast; 3 to 9 search in chains
	// Legacy frames are those of Linux: blocks of 8 MiB and nothing else.
	Legacy   bool
	BlockID  int   // 4 to 7: blocks of 64 KiB, 256 KiB, 1 MiB, 4 MiB
	BlockSum bool  // each block has a checksum
	Sum      bool  // the content has one
	Size     int64 // of the content, as the frame says it; -1 when it does not
}

const legacyBlock = 8 << 20

// Writer compresses what is written to it. Its output is complete after Close.
type Writer struct {
	w    io.Writer
	o    Options
	e    encoder
	hc   *hcEncoder // from level 3 on
	in   []byte     // of a block that is not full
	size int
	out  []byte
	sum  xxh32
	err  error
}

// NewWriter makes one.
func NewWriter(w io.Writer, o Options) (*Writer, error) {
	z := &Writer{w: w, o: o, size: legacyBlock}
	switch {
	case o.Level < 1 || o.Level > 9:
		return nil, fmt.Errorf("lz4 of level %d is not written here", o.Level)
	case o.Level > 2:
		z.hc = &hcEncoder{}
	}
	if o.Legacy {
		z.o = Options{Legacy: true, Level: o.Level}
		_, z.err = w.Write([]byte{2, 0x21, 0x4c, 0x18})
		return z, z.err
	}
	if o.BlockID < 4 || o.BlockID > 7 {
		return nil, fmt.Errorf("lz4 has no blocks of size %d", o.BlockID)
	}
	z.size = 64 << 10 << (2 * (o.BlockID - 4))
	z.sum.start()
	flags := byte(1<<6 | 1<<5) // version, blocks for themselves
	if o.BlockSum {
		flags |= 1 << 4
	}
	if o.Sum {
		flags |= 1 << 2
	}
	d := []byte{flags, byte(o.BlockID << 4)}
	if o.Size >= 0 {
		d[0] |= 1 << 3
		d = binary.LittleEndian.AppendUint64(d, uint64(o.Size))
	}
	_, z.err = w.Write(append(append([]byte{4, 0x22, 0x4d, 0x18}, d...), byte(Sum(d)>>8)))
	return z, z.err
}

// Write takes more input.
func (z *Writer) Write(p []byte) (int, error) {
	n := len(p)
	if z.o.Sum {
		z.sum.write(p)
	}
	for len(p) > 0 && z.err == nil {
		k := min(len(p), z.size-len(z.in))
		z.in, p = append(z.in, p[:k]...), p[k:]
		if len(z.in) == z.size {
			z.flush()
		}
	}
	return n - len(p), z.err
}

func (z *Writer) flush() {
	if len(z.in) == 0 {
		return
	}
	limit := len(z.in) - 1
	if z.o.Legacy {
		limit = noLimit
	}
	var coded []byte
	var ok bool
	if z.hc != nil {
		coded, ok = z.hc.block(z.out, z.in, limit, z.o.Level)
	} else {
		coded, ok = z.e.block(z.out, z.in, limit)
	}
	head := uint32(len(coded))
	if ok {
		z.out = coded
	} else {
		const asItIs = 1 << 31
		coded, head = z.in, uint32(len(z.in))|asItIs
	}
	if _, z.err = z.w.Write(binary.LittleEndian.AppendUint32(nil, head)); z.err == nil {
		_, z.err = z.w.Write(coded)
	}
	if z.err == nil && z.o.BlockSum {
		_, z.err = z.w.Write(binary.LittleEndian.AppendUint32(nil, Sum(coded)))
	}
	z.in = z.in[:0]
}

// Close ends the frame.
func (z *Writer) Close() error {
	if z.err == nil {
		z.flush()
	}
	if z.err != nil || z.o.Legacy {
		return z.err
	}
	end := make([]byte, 4)
	if z.o.Sum {
		end = binary.LittleEndian.AppendUint32(end, z.sum.value())
	}
	_, z.err = z.w.Write(end)
	return z.err
}
