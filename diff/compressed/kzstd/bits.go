package kzstd

import "encoding/binary"

// bitWriter appends bits to bytes, the lowest first.
type bitWriter struct {
	out []byte
	acc uint64
	n   uint // bits in acc, fewer than 32
}

// put appends the n lowest bits of v; n is at most 32, and v has no others set.
func (b *bitWriter) put(v uint64, n uint) {
	b.acc |= v << b.n
	b.n += n
	if b.n >= 32 {
		b.out = binary.LittleEndian.AppendUint32(b.out, uint32(b.acc))
		b.acc >>= 32
		b.n -= 32
	}
}

// low appends the n lowest bits of v, whatever is above them; n is at most 31.
func (b *bitWriter) low(v uint32, n uint8) { b.put(uint64(v&(1<<n-1)), uint(n)) }

// bytes ends with zeros up to a whole byte.
func (b *bitWriter) bytes() []byte {
	for ; b.n > 0; b.n -= min(8, b.n) {
		b.out = append(b.out, byte(b.acc))
		b.acc >>= 8
	}
	return b.out
}
