package kzstd

import (
	"encoding/binary"
	"math/bits"
)

// The primes of XXH64 (xxHash's specification).
const (
	prime1 uint64 = 11400714785074694791
	prime2 uint64 = 14029467366897019727
	prime3 uint64 = 1609587929392839161
	prime4 uint64 = 9650029242287828579
	prime5 uint64 = 2870177450012600261
)

// xxh64 is a running sum of seed 0.
type xxh64 struct {
	lanes [4]uint64
	left  []byte // fewer than 32
	n     uint64
}

func newSum() *xxh64 {
	p := prime1
	return &xxh64{lanes: [4]uint64{p + prime2, prime2, 0, -p}}
}

func round(acc, v uint64) uint64 { return bits.RotateLeft64(acc+v*prime2, 31) * prime1 }

func (x *xxh64) write(p []byte) {
	x.n += uint64(len(p))
	if len(x.left) > 0 {
		k := min(32-len(x.left), len(p))
		x.left, p = append(x.left, p[:k]...), p[k:]
		if len(x.left) < 32 {
			return
		}
		x.stripes(x.left)
		x.left = x.left[:0]
	}
	whole := len(p) &^ 31
	x.stripes(p[:whole])
	x.left = append(x.left, p[whole:]...)
}

func (x *xxh64) stripes(p []byte) {
	a, b, c, d := x.lanes[0], x.lanes[1], x.lanes[2], x.lanes[3]
	for ; len(p) >= 32; p = p[32:] {
		a = round(a, binary.LittleEndian.Uint64(p))
		b = round(b, binary.LittleEndian.Uint64(p[8:]))
		c = round(c, binary.LittleEndian.Uint64(p[16:]))
		d = round(d, binary.LittleEndian.Uint64(p[24:]))
	}
	x.lanes = [4]uint64{a, b, c, d}
}

func (x *xxh64) value() uint64 {
	h := prime5
	if x.n >= 32 {
		h = bits.RotateLeft64(x.lanes[0], 1) + bits.RotateLeft64(x.lanes[1], 7) + bits.RotateLeft64(x.lanes[2], 12) + bits.RotateLeft64(x.lanes[3], 18)
		for _, v := range x.lanes {
			h = (h^round(0, v))*prime1 + prime4
		}
	}
	h += x.n
	p := x.left
	for ; len(p) >= 8; p = p[8:] {
		h = bits.RotateLeft64(h^round(0, binary.LittleEndian.Uint64(p)), 27)*prime1 + prime4
	}
	if len(p) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(p))*prime1, 23)*prime2 + prime3
		p = p[4:]
	}
	for _, c := range p {
		h = bits.RotateLeft64(h^uint64(c)*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}
