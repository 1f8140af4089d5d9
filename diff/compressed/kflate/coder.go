package kflate

import (
	"io"
	"math"
)

// coder chooses how each block is coded. The codes of a block are left open where
// they can, so that the next block goes on with them and needs no header.
type coder struct {
	bitWriter
	builder
	era         Era
	penalty     uint // new codes are taken to be worse than estimated by 1 in 2^penalty
	lits, spare []code
	dists       []code
	header      int  // bits of the header of the codes that are open; 0 when none are
	onlyLits    bool // of codes without matches
	closing     bool // the stream is to be ended, not flushed
	litFreq     [nLiterals + 3]uint16
	distFreq    [32]uint16
	runs        runs
}

func (c *coder) init(w io.Writer, e Era, penalty uint) {
	c.era, c.penalty, c.trees = e, penalty, e >= Since1_20_4
	c.lits, c.spare = make([]code, nLiterals+3), make([]code, nLiterals+3)
	c.dists = make([]code, 32)
	c.restart(w)
}

func (c *coder) restart(w io.Writer) {
	c.bitWriter = bitWriter{w: w, out: c.out[:0]}
	c.header, c.onlyLits, c.closing = 0, false, false
}

// finish ends a block whose codes are open.
func (c *coder) finish() {
	if c.header > 0 {
		c.code(c.lits[endBlock])
		c.header = 0
	}
}

// stored writes bytes as they are.
func (c *coder) stored(p []byte) {
	c.storedHeader(len(p))
	c.bytes(p)
}

func (c *coder) storedHeader(n int) {
	c.finish()
	c.put(0, 3)
	c.align()
	c.put(uint64(n), 16)
	c.put(uint64(^uint16(n)), 16)
}

// mark ends what was written with an empty stored block, at which decoding can
// begin.
func (c *coder) mark() {
	c.storedHeader(0)
	c.align()
}

// last writes an empty block of fixed codes, the last one.
func (c *coder) last() {
	c.finish()
	c.put(3, 3)
	c.put(0, 7)
	c.align()
}

// never is more bits than any block has.
const never = math.MaxInt32

// storedSize is how many bits it takes to store bytes; never when they cannot be.
func storedSize(p []byte) int {
	if p == nil || len(p) > maxBlock {
		return never
	}
	return (len(p) + 5) * 8
}

// few is how many tokens a block has at most that may have fixed codes.
const few = 250

// dynamic writes a block in the way that takes least; raw is what it stands for,
// or nil. Closed says that the block is to be ended.
func (c *coder) dynamic(b *block, raw []byte, closed bool) {
	if c.era < Since1_14_4 {
		c.complete(b, raw, closed)
		return
	}
	if closed {
		b.end()
	}
	if c.onlyLits && c.header > 0 {
		c.finish()
		c.onlyLits = false
	}
	if c.header > 0 && !c.covers(b) {
		c.finish()
	}
	nLit, nDist := c.count(b, closed)
	stored, extra := storedSize(raw), 0
	if stored < never || c.header > 0 {
		extra = b.extraBits()
	}
	if c.header > 0 && c.reuse(b, raw, stored, extra, closed) {
		return
	}
	if c.header == 0 && c.renew(b, raw, stored, extra, nLit, nDist, closed) {
		return
	}
	if closed {
		c.header = 0
	}
	c.tokens(b, c.lits, c.dists)
}

// covers reports whether the open codes have one for each symbol of a block.
func (c *coder) covers(b *block) bool {
	return covered(c.dists, b.dists[:nDists]) && covered(c.lits[endBlock:], b.lens[:nLiterals-endBlock]) && covered(c.lits, b.lits[:])
}

func covered(codes []code, freq []uint16) bool {
	for i, f := range freq {
		if f != 0 && codes[i] == 0 {
			return false
		}
	}
	return true
}

// count takes over how often symbols occur, and says how many codes a header is
// to list.
func (c *coder) count(b *block, closed bool) (nLit, nDist int) {
	copy(c.litFreq[:], b.lits[:])
	copy(c.litFreq[endBlock:], b.lens[:])
	c.distFreq = b.dists
	if c.era < Since1_18_2 && !closed {
		return nLiterals, nDists
	}
	if c.era >= Since1_18_2 {
		c.litFreq[endBlock] = 1
	}
	nLit, nDist = used(c.litFreq[:]), used(c.distFreq[:])
	if nDist == 0 {
		c.distFreq[0], nDist = 1, 1 // there is always one
	}
	return nLit, nDist
}

func used(freq []uint16) int {
	n := len(freq)
	for n > 0 && freq[n-1] == 0 {
		n--
	}
	return n
}

// reuse goes on with the open codes, or ends them where new ones are thought to
// be better. True is for a block that was written here in another way.
func (c *coder) reuse(b *block, raw []byte, stored, extra int, closed bool) bool {
	fresh := c.header + b.estimate(b.n)
	fresh += int(c.lits[endBlock].len()) + fresh>>c.penalty
	best := size(c.lits, c.litFreq[:]) + size(c.dists, c.distFreq[:]) + extra
	if fresh < best {
		c.finish()
		best = fresh
	}
	if b.n < few {
		if fixed := c.fixedSize(extra) + 7; fixed < best {
			c.small(b, raw, stored <= best, closed)
			return true
		}
	}
	if stored <= best {
		c.stored(raw)
		return true
	}
	return false
}

// renew makes codes for a block and writes the header. True is for a block that
// was written here in another way.
func (c *coder) renew(b *block, raw []byte, stored, extra, nLit, nDist int, closed bool) bool {
	c.litFreq[endBlock] = 1
	c.build(c.lits, c.litFreq[:nLiterals], maxBits)
	c.build(c.dists, c.distFreq[:nDists], maxBits)
	c.runs.of(&c.builder, c.lits[:nLit], c.dists[:nDist])
	bits := c.runs.size() + size(c.lits, c.litFreq[:]) + size(c.dists, c.distFreq[:]) + extra
	if b.n < few {
		if fixed := c.fixedSize(extra); fixed <= bits {
			c.small(b, raw, stored <= fixed, closed)
			return true
		}
	}
	if stored <= bits {
		c.stored(raw)
		return true
	}
	c.runs.write(&c.bitWriter, nLit, nDist)
	if !closed {
		c.header = c.runs.size()
	}
	c.onlyLits = false
	return false
}

// small stores a block or writes it with the fixed codes.
func (c *coder) small(b *block, raw []byte, stored, closed bool) {
	if stored {
		c.stored(raw)
		return
	}
	c.finish()
	c.put(2, 3)
	if !closed {
		b.end()
	}
	c.tokens(b, fixedLits, fixedDists)
}

func (c *coder) fixedSize(extra int) int {
	return 3 + size(fixedLits, c.litFreq[:nLiterals]) + size(fixedDists, c.distFreq[:nDists]) + extra
}

func (c *coder) tokens(b *block, lits, dists []code) {
	for _, t := range b.tokens[:b.n] {
		c.symbol(t, lits, dists)
	}
	c.send()
}

// noDists is the code of distances where there are none.
var noDists = []code{newCode(0, 1)}

// headerGuess is how many bits the header of codes for literals takes, or so.
const headerGuess = 70 * 8

// literalBlock writes bytes with codes for literals alone, or stores them where
// that gains little.
func (c *coder) literalBlock(p []byte, closed bool) {
	clear(c.litFreq[:])
	for _, v := range p {
		c.litFreq[v]++
	}
	if c.era < Since1_12_3 {
		c.completeLiterals(p, closed)
		return
	}
	stored := storedSize(p)
	if c.era >= Since1_14_4 && stored < never && len(p) > 1024 && even(c.litFreq[:256], len(p)) {
		c.stored(p)
		return
	}
	const n = endBlock + 1
	c.litFreq[endBlock] = 1
	c.build(c.spare, c.litFreq[:n], maxBits)
	bits := size(c.spare, c.litFreq[:n])
	if c.header > 0 {
		bits += c.header
	} else {
		bits += headerGuess
	}
	bits += bits >> c.penalty
	if stored <= bits {
		c.stored(p)
		return
	}
	if c.header > 0 && (!covered(c.lits, c.litFreq[:256]) || bits < size(c.lits, c.litFreq[:256])) {
		c.finish()
	}
	if c.header == 0 {
		c.lits, c.spare = c.spare, c.lits
		c.runs.of(&c.builder, c.lits[:n], noDists)
		c.runs.write(&c.bitWriter, n, 1)
		c.onlyLits = true
		c.header = c.runs.size()
	}
	c.literals(p, closed)
}

func (c *coder) literals(p []byte, closed bool) {
	for _, v := range p {
		c.code(c.lits[v])
	}
	if closed {
		c.finish()
		c.onlyLits = false
	}
	c.send()
}

// even reports whether bytes are spread so evenly that no code helps: the squares
// of how far they are from the mean are small together.
func even(freq []uint16, n int) bool {
	sum, mean, most := 0.0, float64(n)/256, float64(2*n)
	for _, f := range freq {
		d := float64(f) - mean
		if sum += float64(d * d); sum > most {
			return false
		}
	}
	return sum < most
}
