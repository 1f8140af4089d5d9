package kflate

import (
	"math/bits"
	"slices"
)

// The alphabets of RFC 1951.
const (
	endBlock  = 256
	nLiterals = 286 // literals, the end of a block, and length codes
	nDists    = 30
	nLengths  = 19 // of the code that lengths of codes are written with
	maxBits   = 15
)

// code is a Huffman code: its length in the low byte, and above it its bits in
// the order in which they are written. Zero is a symbol without one.
type code uint32

func (c code) len() uint     { return uint(c & 0xff) }
func (c code) value() uint64 { return uint64(c >> 8) }

func newCode(value uint16, n int) code {
	return code(bits.Reverse16(value<<(16-n)))<<8 | code(n)
}

// The codes of blocks of fixed codes (RFC 1951, 3.2.6).
var fixedLits, fixedDists = fixedCodes()

func fixedCodes() (lits, dists []code) {
	n := make([]int, nLiterals+2)
	for i := range n {
		switch {
		case i < 144:
			n[i] = 8
		case i < 256:
			n[i] = 9
		case i < 280:
			n[i] = 7
		default:
			n[i] = 8
		}
	}
	lits = make([]code, len(n))
	number(lits, n)
	dists = make([]code, nDists)
	for i := range dists {
		dists[i] = newCode(uint16(i), 5)
	}
	return lits[:nLiterals], dists
}

// number gives codes their bits by their lengths (RFC 1951, 3.2.2).
func number(codes []code, lengths []int) {
	var count, next [maxBits + 2]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	for n := 1; n <= maxBits; n++ {
		next[n] = (next[n-1] + count[n-1]) << 1
	}
	for i, n := range lengths {
		if n > 0 {
			codes[i] = newCode(uint16(next[n]), n)
			next[n]++
		}
	}
}

// builder makes the codes that take least, with none longer than is allowed. It
// merges packages (Larmore and Hirschberg): of two equal weights a package comes
// before a symbol, and of symbols the smaller one.
type builder struct {
	trees   bool     // Huffman's tree is taken where it is not too deep
	order   []uint32 // symbols that occur, weight<<16 | symbol, ascending
	lengths [nLiterals + 3]int
	leaves  [maxBits + 1][]uint16   // of each row, the symbols among its first items
	leafBuf [maxBits + 1][]uint16   // the storage of leaves
	rowBuf  [2][2 * nLiterals]int32 // the storage of row
	weights [nLiterals]int32
	depths  [nLiterals]int
	parents [2 * nLiterals]int
}

// build gives every symbol with a frequency a code of at most the given length.
// Codes has at least the length of freq.
func (b *builder) build(codes []code, freq []uint16, most int) {
	b.order = b.order[:0]
	for i, f := range freq {
		codes[i] = 0
		if f != 0 {
			b.order = append(b.order, uint32(f)<<16|uint32(i))
		}
	}
	n := len(b.order)
	if n <= 2 { // one bit each
		for i, o := range b.order {
			codes[o&0xffff] = newCode(uint16(i), 1)
		}
		return
	}
	slices.Sort(b.order)
	lengths := b.lengths[:len(freq)]
	clear(lengths)
	if !b.trees || !b.tree(lengths, most) {
		b.limited(lengths, most)
	}
	number(codes, lengths)
}

// limited gives the lengths of codes none of which is longer than allowed.
func (b *builder) limited(lengths []int, most int) {
	n := len(b.order)
	most = min(most, n-1)
	b.merge(most)
	// The first items of each row that are needed hold these many symbols; each
	// row that a symbol is in is one bit of its code.
	need := 2*n - 2
	for r := most; r > 0 && need > 0; r-- {
		k := int(b.leaves[r][need-1])
		for _, o := range b.order[:k] {
			lengths[o&0xffff]++
		}
		need = 2 * (need - k)
	}
}

// tree gives the lengths of Huffman's codes: of two equal weights a symbol comes
// before what was put together. False is for codes that are too long.
func (b *builder) tree(lengths []int, most int) bool {
	n := len(b.order)
	leaf, node := 0, 0
	for k := range n - 1 {
		sum := int32(0)
		for range 2 {
			if leaf < n && (node >= k || int32(b.order[leaf]>>16) <= b.weights[node]) {
				sum += int32(b.order[leaf] >> 16)
				b.parents[leaf] = k
				leaf++
			} else {
				sum += b.weights[node]
				b.parents[n+node] = k
				node++
			}
		}
		b.weights[k] = sum
	}
	var count [maxBits + 1]int
	b.depths[n-2] = 0 // the root is the last
	for k := 2*n - 3; k >= 0; k-- {
		d := b.depths[b.parents[k]] + 1
		if k >= n {
			b.depths[k-n] = d
		} else if d > most {
			return false
		} else {
			count[d]++
		}
	}
	at := n // the most frequent symbols have the shortest codes
	for d, k := range count {
		for range k {
			at--
			lengths[b.order[at]&0xffff] = d
		}
	}
	return true
}

// merge fills the rows: the first has the symbols, each next one the symbols and
// the pairs of the row before.
func (b *builder) merge(rows int) {
	n := len(b.order)
	below := b.rowBuf[0][:0]
	for r := 1; r <= rows; r++ {
		row := b.rowBuf[r&1][:0]
		leaves := b.leafBuf[r][:0]
		leaf, pair := 0, 0
		for len(row) < 2*n-2 && (leaf < n || pair+1 < len(below)) {
			if pair+1 >= len(below) || leaf < n && int32(b.order[leaf]>>16) < below[pair]+below[pair+1] {
				row = append(row, int32(b.order[leaf]>>16))
				leaf++
			} else {
				row = append(row, below[pair]+below[pair+1])
				pair += 2
			}
			leaves = append(leaves, uint16(leaf))
		}
		b.leafBuf[r], b.leaves[r] = leaves, leaves
		below = row
	}
}

// size is how many bits the symbols take, but for what extra bits follow them.
func size(codes []code, freq []uint16) (n int) {
	for i, f := range freq {
		if f != 0 {
			n += int(f) * int(codes[i].len())
		}
	}
	return n
}
