package bzip2

import (
	"fmt"
	"io"
)

// overshoot is how far behind the block comparisons of two rotations look
// without turning back to its beginning.
const overshoot = 2 + 12 + 18 + 2

// Writer compresses what is written to it. Its output is complete after Close.
type Writer struct {
	w          io.Writer
	level      int
	most       int // bytes of a block at which it is full
	block      []byte
	used       [256]bool
	sum, total uint32 // CRCs of the block and of the stream
	char, run  int    // bytes that are not in the block yet; run 0 means none
	bits       bitWriter
	sorter     sorter
	coder      coder
	err        error
}

// NewWriter makes one whose blocks have level times 100,000 bytes; level is from
// 1 to 9.
func NewWriter(w io.Writer, level int) (*Writer, error) {
	if level < 1 || level > 9 {
		return nil, fmt.Errorf("bzip2 of level %d", level)
	}
	z := &Writer{w: w, level: level, most: level*100_000 - 19, block: make([]byte, 0, level*100_000+overshoot)}
	z.start()
	return z, nil
}

func (z *Writer) start() {
	z.sum = ^uint32(0)
	z.total = 0
	z.bits.put(32, 'B'<<24|'Z'<<16|'h'<<8|'0'+uint32(z.level))
}

// Write takes more input.
func (z *Writer) Write(p []byte) (int, error) {
	for _, c := range p {
		if z.err != nil {
			return 0, z.err
		}
		switch {
		case z.run > 0 && int(c) == z.char && z.run < 255:
			z.run++
		default:
			z.add()
			z.char, z.run = int(c), 1
		}
		if len(z.block) >= z.most {
			z.flush()
		}
	}
	return len(p), z.err
}

// add puts the run into the block: four bytes or fewer as they are, and after
// four how many more there were.
func (z *Writer) add() {
	if z.run == 0 {
		return
	}
	c := byte(z.char)
	for range z.run {
		z.sum = z.sum<<8 ^ crcTable[byte(z.sum>>24)^c]
	}
	for range min(z.run, 4) {
		z.block = append(z.block, c)
	}
	z.used[c] = true
	if z.run >= 4 {
		z.block = append(z.block, byte(z.run-4))
		z.used[z.run-4] = true
	}
	z.run = 0
}

// flush writes the block.
func (z *Writer) flush() {
	if len(z.block) == 0 {
		return
	}
	sum := ^z.sum
	z.total = z.total<<1 | z.total>>31
	z.total ^= sum
	order := z.sorter.sort(z.block)
	first := 0
	for order[first] != 0 {
		first++
	}
	z.bits.put(24, 0x314159)
	z.bits.put(24, 0x265359)
	z.bits.put(32, sum)
	z.bits.put(1, 0) // not randomised
	z.bits.put(24, uint32(first))
	z.coder.block(&z.bits, z.block, order, &z.used)
	z.err = z.bits.drain(z.w)
	z.block, z.used, z.sum = z.block[:0], [256]bool{}, ^uint32(0)
}

// Close ends the stream.
func (z *Writer) Close() error {
	if z.err != nil {
		return z.err
	}
	return z.end()
}

// Restart ends the stream and begins another behind it.
func (z *Writer) Restart() error {
	err := z.Close()
	z.start()
	return err
}

func (z *Writer) end() error {
	z.add()
	if z.flush(); z.err != nil {
		return z.err
	}
	z.bits.put(24, 0x177245)
	z.bits.put(24, 0x385090)
	z.bits.put(32, z.total)
	z.bits.align()
	z.err = z.bits.drain(z.w)
	return z.err
}

// crcTable is that of the CRC-32 with its bits the usual way round.
var crcTable = func() (t [256]uint32) {
	for i := range t {
		v := uint32(i) << 24
		for range 8 {
			if v&(1<<31) != 0 {
				v = v<<1 ^ 0x04c11db7
			} else {
				v <<= 1
			}
		}
		t[i] = v
	}
	return t
}()

// bitWriter gathers bits, the highest first.
type bitWriter struct {
	out []byte
	buf uint64
	n   int
}

func (b *bitWriter) put(n int, v uint32) {
	b.buf = b.buf<<n | uint64(v)
	for b.n += n; b.n >= 8; b.n -= 8 {
		b.out = append(b.out, byte(b.buf>>(b.n-8)))
	}
}

func (b *bitWriter) align() {
	if b.n > 0 {
		b.put(8-b.n, 0)
	}
}

func (b *bitWriter) drain(w io.Writer) error {
	_, err := w.Write(b.out)
	b.out = b.out[:0]
	return err
}
