package lz4

import (
	"encoding/binary"
	"math/bits"
)

// The primes of XXH32 (xxHash's specification, of seed 0).
const (
	prime1 uint32 = 2654435761
	prime2 uint32 = 2246822519
	prime3 uint32 = 3266489917
	prime4 uint32 = 668265263
	prime5 uint32 = 374761393
)

// xxh32 is a running sum.
type xxh32 struct {
	lanes [4]uint32
	left  []byte // fewer than 16
	n     uint64
}

func (x *xxh32) start() {
	p := prime1
	x.lanes = [4]uint32{p + prime2, prime2, 0, -p}
}

func (x *xxh32) write(p []byte) {
	x.n += uint64(len(p))
	if len(x.left) > 0 {
		k := min(16-len(x.left), len(p))
		x.left, p = append(x.left, p[:k]...), p[k:]
		if len(x.left) < 16 {
			return
		}
		x.stripe(x.left)
		x.left = x.left[:0]
	}
	for ; len(p) >= 16; p = p[16:] {
		x.stripe(p)
	}
	x.left = append(x.left, p...)
}

func (x *xxh32) stripe(p []byte) {
	for i := range x.lanes {
		x.lanes[i] = bits.RotateLeft32(x.lanes[i]+binary.LittleEndian.Uint32(p[4*i:])*prime2, 13) * prime1
	}
}

func (x *xxh32) value() uint32 {
	h := prime5
	if x.n >= 16 {
		h = bits.RotateLeft32(x.lanes[0], 1) + bits.RotateLeft32(x.lanes[1], 7) + bits.RotateLeft32(x.lanes[2], 12) + bits.RotateLeft32(x.lanes[3], 18)
	}
	h += uint32(x.n)
	p := x.left
	for ; len(p) >= 4; p = p[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(p)*prime3, 17) * prime4
	}
	for _, c := range p {
		h = bits.RotateLeft32(h+uint32(c)*prime5, 11) * prime1
	}
	h = (h ^ h>>15) * prime2
	h = (h ^ h>>13) * prime3
	return h ^ h>>16
}

// Sum is the XXH32 of bytes, of seed 0.
func Sum(p []byte) uint32 {
	var x xxh32
	x.start()
	x.write(p)
	return x.value()
}
