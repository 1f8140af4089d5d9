package kflate

import "math"

const (
	maxBlock   = 65535 // bytes of a stored block, and of a block of levels 1 to 6
	minLength  = 3     // of a match, in RFC 1951
	maxLength  = 258
	reach      = 1 << 15 // no match lies further back
	matchToken = 1 << 31
)

// block gathers what a block is to hold: literals, matches, and how often the
// symbols for them occur.
type block struct {
	era    Era
	n      int // tokens
	lits   [256]uint16
	lens   [32]uint16 // the end of the block, then the length codes
	dists  [32]uint16
	tokens [maxBlock + 1]uint32 // a literal, endBlock, or matchToken | length-3 << 16 | distance-1
}

func (b *block) reset() {
	if b.n == 0 {
		return
	}
	b.n = 0
	clear(b.lits[:])
	clear(b.lens[:])
	clear(b.dists[:])
}

func (b *block) literal(c byte) {
	b.tokens[b.n] = uint32(c)
	b.lits[c]++
	b.n++
}

func (b *block) literals(p []byte) {
	for _, c := range p {
		b.tokens[b.n] = uint32(c)
		b.lits[c]++
		b.n++
	}
}

// rest takes what follows the last match. A block without a match stays empty.
func (b *block) rest(p []byte) {
	if b.n > 0 {
		b.literals(p)
	}
}

// match takes a match of any length; what is too long for one is cut so that
// what is left is long enough.
func (b *block) match(length, dist int32) {
	for length > 0 {
		n := length
		if n > maxLength {
			if n = maxLength - minLength; b.era >= Since1_15_0 && length > maxLength+minLength {
				n = maxLength
			}
		}
		length -= n
		b.lens[1+lengthCode[n-minLength]]++
		b.dists[distCode(uint32(dist-1))]++
		b.tokens[b.n] = matchToken | uint32(n-minLength)<<16 | uint32(dist-1)
		b.n++
	}
}

func (b *block) end() {
	b.tokens[b.n] = endBlock
	b.lens[0]++
	b.n++
}

// lengthCode has the code of a length less three, counted from 257; lengthBase and
// lengthBits are of such codes, distBase and distBits of distances less one.
var (
	lengthCode [256]uint8
	lengthBase [nLiterals - 257]uint8
	lengthBits [32]uint8
	distCodes  [512]uint8 // of the first 256 distances, then of every 128th
	distBase   [nDists]uint16
	distBits   [32]uint8
)

func init() {
	base := 0
	for c := range lengthBase[:28] {
		if c >= 8 {
			lengthBits[c] = uint8(c/4 - 1)
		}
		lengthBase[c] = uint8(base)
		for range 1 << lengthBits[c] {
			lengthCode[base] = uint8(c)
			base++
		}
	}
	lengthCode[255], lengthBase[28] = 28, 255 // the longest has a code of its own
	base = 0
	for c := range distBase {
		if c >= 4 {
			distBits[c] = uint8(c/2 - 1)
		}
		distBase[c] = uint16(base)
		for d := base; d < base+1<<distBits[c]; d++ {
			if d < 256 {
				distCodes[d] = uint8(c)
			} else {
				distCodes[256+d>>7] = uint8(c)
			}
		}
		base += 1 << distBits[c]
	}
	distCodes[256] = 14 // of 32,768, which level 9 asks for by mistake
}

func distCode(d uint32) uint32 {
	if d < 256 {
		return uint32(distCodes[d])
	}
	return uint32(distCodes[256+d>>7&0xff])
}

// extraBits is how many bits follow the codes of the matches.
func (b *block) extraBits() (n int) {
	for i, f := range b.lens[1 : nLiterals-256] {
		n += int(f) * int(lengthBits[i])
	}
	for i, f := range b.dists[:nDists] {
		n += int(f) * int(distBits[i])
	}
	return n
}

// estimate is about how many bits the block would take with codes made for it,
// when its symbols occur so often in all. The sums are of single precision, each step rounded by itself: fused, as some
// machines could, they would be others.
func (b *block) estimate(total int) int {
	if total == 0 {
		return 0
	}
	sum, matches, extra := float32(0), 0, 0
	per := 1 / float32(total)
	for _, f := range b.lits {
		sum += b.cost(f, per)
	}
	sum += 15 // the end of the block
	for i, f := range b.lens[1 : nLiterals-256] {
		sum += b.cost(f, per)
		extra += int(lengthBits[i]) * int(f)
		matches += int(f)
	}
	if matches > 0 {
		per = 1 / float32(matches)
		for i, f := range b.dists[:nDists] {
			sum += b.cost(f, per)
			extra += int(distBits[i]) * int(f)
		}
	}
	return int(sum) + extra
}

// cost is what one symbol takes in all, between 1 and 15 bits each time.
func (b *block) cost(f uint16, per float32) float32 {
	if f == 0 {
		return 0
	}
	n := float32(f)
	bits := -log2(float32(n * per))
	if b.era >= Since1_12_3 {
		bits = min(max(bits, 1), 15)
	}
	return float32(bits * n)
}

// log2 is near the logarithm: the exponent, and a parabola for the rest.
func log2(v float32) float32 {
	u := math.Float32bits(v)
	exponent := float32(int32(u>>23&0xff) - 128)
	x := math.Float32frombits(u&0x807fffff + 127<<23)
	p := float32(float32(-0.34484843*x) + 2.02466578)
	return exponent + float32(float32(p*x)-0.67487759)
}
