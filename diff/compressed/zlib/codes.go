package zlib

import "math/bits"

// Numbers of codes (RFC 1951, 3.2).
const (
	nLiterals = 286
	nDists    = 30
	nLengths  = 19 // codes of code lengths
	endBlock  = 256
	heapSize  = 2*nLiterals + 1
)

var (
	lengthBits = [29]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBits   = [30]int{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	order      = [nLengths]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

	lengthCode [256]int
	lengthBase [29]int
	distBase   [30]int
	fixedLit   = fixedTree()
	fixedDist  [nDists]code
)

func init() {
	n := 0
	for c := range 28 {
		lengthBase[c] = n
		for range 1 << lengthBits[c] {
			lengthCode[n] = c
			n++
		}
	}
	lengthCode[255] = 28
	n = 0
	for c := range nDists {
		distBase[c] = n
		n += 1 << distBits[c]
		fixedDist[c] = code{bits: uint32(bits.Reverse8(uint8(c)) >> 3), len: 5}
	}
}

// distCode is the code of a distance, less one.
func distCode(d int) int {
	lo, hi := 0, nDists-1
	for lo < hi {
		if mid := (lo + hi + 1) / 2; distBase[mid] <= d {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// code is a symbol's frequency and what it is written as.
type code struct {
	freq, dad, len int
	bits           uint32
}

func fixedTree() []code {
	t := make([]code, 288)
	for i := range t {
		switch {
		case i < 144:
			t[i].len = 8
		case i < 256:
			t[i].len = 9
		case i < 280:
			t[i].len = 7
		default:
			t[i].len = 8
		}
	}
	number(t, 287)
	return t
}

// number gives codes of the given lengths their bits.
func number(t []code, most int) {
	var count, next [16]int
	for i := range most + 1 {
		count[t[i].len]++
	}
	count[0] = 0
	for n := 1; n < 16; n++ {
		next[n] = (next[n-1] + count[n-1]) << 1
	}
	for i := range most + 1 {
		if n := t[i].len; n > 0 {
			t[i].bits = uint32(bits.Reverse16(uint16(next[n])) >> (16 - n))
			next[n]++
		}
	}
}
