package xz

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
)

// maxContent bounds what one block may hold: places are numbered in 32 bits.
const maxContent = 3 << 30

// Writer compresses what is written to it. Its output is complete after Close.
type Writer struct {
	w      io.Writer
	o      Options
	c      *chunks
	open   bool
	plain  int64 // of the block so far, before and after it is coded
	coded  int64
	sum    hash.Hash
	body   []byte // of a block whose header is not written yet
	blocks []record
	raw    []byte // content of a sized block, for when it does not compress
	err    error
}

// record is a block as the index lists it.
type record struct{ unpadded, plain int64 }

// NewWriter makes one.
func NewWriter(w io.Writer, o Options) (*Writer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	z := &Writer{w: w, o: o}
	z.c = newChunks(o, z.emit)
	head := []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	_, z.err = w.Write(append(head, z.flags()...))
	return z, z.err
}

// flags are the stream's flags and their sum.
func (z *Writer) flags() []byte {
	f := []byte{0, byte(z.o.Check)}
	return binary.LittleEndian.AppendUint32(f, crc32.ChecksumIEEE(f))
}

func (z *Writer) emit(p []byte) error {
	z.coded += int64(len(p))
	if z.o.Sized {
		z.body = append(z.body, p...)
		return nil
	}
	_, err := z.w.Write(p)
	return err
}

// Write takes more input.
func (z *Writer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && z.err == nil {
		if !z.open {
			z.begin()
		}
		const step = 1 << 20
		k := min(len(p), step)
		if z.o.Block > 0 {
			k = int(min(int64(k), z.o.Block-z.plain))
		}
		z.add(p[:k])
		p = p[k:]
		if z.err == nil && z.o.Block > 0 && z.plain == z.o.Block {
			z.end()
		}
	}
	return n - len(p), z.err
}

func (z *Writer) add(p []byte) {
	if z.plain += int64(len(p)); z.plain > maxContent {
		z.err = fmt.Errorf("a block of more than %d bytes is not written here", int64(maxContent))
		return
	}
	z.sum.Write(p)
	if z.o.Sized {
		z.raw = append(z.raw, p...)
	}
	z.c.add(p)
	z.err = z.c.run(false)
}

// begin starts a block.
func (z *Writer) begin() {
	z.open, z.plain, z.coded, z.body, z.raw = true, 0, 0, z.body[:0], z.raw[:0]
	z.sum = newSum(z.o.Check)
	if len(z.blocks) > 0 {
		z.c.begin()
	}
	if !z.o.Sized {
		_, z.err = z.w.Write(header(z.o.DictSize(), -1, -1, headerSize(-1, -1)))
	}
}

// end completes a block.
func (z *Writer) end() {
	if z.err = z.c.run(true); z.err != nil {
		return
	}
	size := headerSize(-1, -1)
	if z.o.Sized {
		size = z.sized()
	}
	sum := z.sum.Sum(nil)
	if z.o.Check == CheckCRC32 || z.o.Check == CheckCRC64 {
		reverse(sum)
	}
	tail := append(make([]byte, -z.coded&3), sum...)
	if z.err == nil {
		_, z.err = z.w.Write(tail)
	}
	z.blocks = append(z.blocks, record{int64(size) + z.coded + int64(len(sum)), z.plain})
	z.open = false
}

// sized writes a block whose header says how long it is. Its room there is made
// before that is known; a block that outgrows its room is not compressed.
func (z *Writer) sized() int {
	block := z.o.Block
	if block == 0 {
		block = z.o.ThreadBlock()
	}
	room := bound(block)
	size := headerSize(room, block)
	dict := z.o.DictSize()
	if int64(size)+(z.coded+3)&^3+int64(len(z.sum.Sum(nil))) > room {
		z.body, z.coded = stored(z.raw), plainBound(z.plain)
		size, dict = headerSize(z.coded, z.plain), minDict
	}
	if _, z.err = z.w.Write(header(dict, z.coded, z.plain, size)); z.err == nil {
		_, z.err = z.w.Write(z.body)
	}
	return size
}

// stored is a block of chunks that are as they are.
func stored(p []byte) (out []byte) {
	for control := byte(plainReset); len(p) > 0; control = plainChunk {
		k := min(len(p), chunkCoded)
		out = append(append(out, control, byte((k-1)>>8), byte(k-1)), p[:k]...)
		p = p[k:]
	}
	return append(out, 0)
}

// plainBound is how long stored is.
func plainBound(n int64) int64 { return n + (n+chunkCoded-1)/chunkCoded*3 + 1 }

// bound is the room that a thread has for a block.
func bound(n int64) int64 {
	const around = (1 + 1 + 2*9 + 3 + 4 + 64 + 3) &^ 3
	return around + (plainBound(n)+3)&^3
}

func reverse(p []byte) {
	for i, k := 0, len(p)-1; i < k; i, k = i+1, k-1 {
		p[i], p[k] = p[k], p[i]
	}
}

// none is the sum of nothing.
type none struct{ hash.Hash }

func (none) Write(p []byte) (int, error) { return len(p), nil }
func (none) Sum(b []byte) []byte         { return b }

func newSum(c Check) hash.Hash {
	switch c {
	case CheckCRC32:
		return crc32.NewIEEE()
	case CheckCRC64:
		return crc64.New(crc64.MakeTable(crc64.ECMA))
	case CheckSHA256:
		return sha256.New()
	}
	return none{}
}

// headerSize is how long a block's header is that says two sizes, or -1 for none.
func headerSize(coded, plain int64) int {
	n := 2 + 3 + 4
	for _, v := range []int64{coded, plain} {
		if v >= 0 {
			n += len(binary.AppendUvarint(nil, uint64(v)))
		}
	}
	return (n + 3) &^ 3
}

// header is a block's header.
func header(dict, coded, plain int64, size int) []byte {
	h := []byte{byte(size/4 - 1), 0}
	for i, v := range []int64{coded, plain} {
		if v >= 0 {
			h = binary.AppendUvarint(h, uint64(v))
			h[1] |= 0x40 << i
		}
	}
	const lzma2, propsSize = 0x21, 1
	h = append(h, lzma2, propsSize, dictProperty(dict))
	h = append(h, make([]byte, size-4-len(h))...)
	return binary.LittleEndian.AppendUint32(h, crc32.ChecksumIEEE(h))
}

// dictProperty is a size, rounded up to two bits.
func dictProperty(n int64) byte {
	for p := range byte(40) {
		if (2|int64(p&1))<<(p/2+11) >= n {
			return p
		}
	}
	return 40
}

// Close ends the stream with its index.
func (z *Writer) Close() error {
	if z.err == nil && z.open {
		z.end()
	}
	if z.err != nil {
		return z.err
	}
	x := binary.AppendUvarint([]byte{0}, uint64(len(z.blocks)))
	for _, b := range z.blocks {
		x = binary.AppendUvarint(binary.AppendUvarint(x, uint64(b.unpadded)), uint64(b.plain))
	}
	x = append(x, make([]byte, -len(x)&3)...)
	x = binary.LittleEndian.AppendUint32(x, crc32.ChecksumIEEE(x))
	foot := binary.LittleEndian.AppendUint32(nil, uint32(len(x)/4-1))
	foot = append(foot, z.flags()[:2]...)
	x = binary.LittleEndian.AppendUint32(x, crc32.ChecksumIEEE(foot))
	_, z.err = z.w.Write(append(append(x, foot...), 'Y', 'Z'))
	return z.err
}
