package xz

// Numbers of the format's models. The presets share how many bits of the
// position and of the byte before choose a model.
const (
	minMatch   = 2
	positions  = 4 // of pb 2
	litContext = 3 // lc; lp is 0
	states     = 12
	reps       = 4
	lenLow     = 8
	lenMid     = 8
	lenHigh    = 256
	distKinds  = 4
	distSlots  = 64
	modelStart = 4
	modelEnd   = 14
	fullDist   = 1 << (modelEnd / 2)
	alignBits  = 4
	alignSize  = 1 << alignBits
)

// lengths codes match lengths.
type lengths struct {
	choice, choice2 prob
	low, mid        [positions][lenLow]prob
	high            [lenHigh]prob
	prices          [positions][lenLow + lenMid + lenHigh]uint32
	size            int // of the prices that are needed
	counts          [positions]int
}

func (l *lengths) reset(priced bool) {
	l.choice, l.choice2 = probInit, probInit
	for p := range positions {
		reset(l.low[p][:])
		reset(l.mid[p][:])
	}
	reset(l.high[:])
	if priced {
		for p := range positions {
			l.price(p)
		}
	}
}

func (l *lengths) price(p int) {
	l.counts[p] = l.size
	a0, a1 := price0(l.choice), price1(l.choice)
	b0, b1 := a1+price0(l.choice2), a1+price1(l.choice2)
	for i := range l.size {
		switch {
		case i < lenLow:
			l.prices[p][i] = a0 + treePrice(l.low[p][:], 3, uint32(i))
		case i < lenLow+lenMid:
			l.prices[p][i] = b0 + treePrice(l.mid[p][:], 3, uint32(i-lenLow))
		default:
			l.prices[p][i] = b1 + treePrice(l.high[:], 8, uint32(i-lenLow-lenMid))
		}
	}
}

// state is what the last symbols were; the lowest seven end in a literal.
type state uint8

const litStates = 7

func (s state) afterLiteral() state {
	switch {
	case s <= 3:
		return 0
	case s <= 9:
		return s - 3
	}
	return s - 6
}

func (s state) after(lit, other state) state {
	if s < litStates {
		return lit
	}
	return other
}
func (s state) afterMatch() state    { return s.after(7, 10) }
func (s state) afterRep() state      { return s.after(8, 11) }
func (s state) afterShortRep() state { return s.after(9, 11) }

// literalSymbol is the distance that stands for a literal.
const literalSymbol = 1<<32 - 1

// lzma codes the symbols that an optimum chooses.
type lzma struct {
	*finder
	rangeCoder
	now       state
	last      [reps]uint32 // distances, less one
	begun     bool
	pos       uint32 // bytes that were coded
	ms        [maxMatch + 1]found
	count     int    // of ms
	longest   uint32 // of ms
	literals  [0x300 << litContext]prob
	isMatch   [states][positions]prob
	isRep     [states]prob
	isRep0    [states]prob
	isRep1    [states]prob
	isRep2    [states]prob
	isLong    [states][positions]prob
	slots     [distKinds][distSlots]prob
	special   [fullDist - modelEnd]prob
	align     [alignSize]prob
	matchLen  lengths
	repLen    lengths
	slotSize  int
	slotCost  [distKinds][distSlots]uint32
	distCost  [distKinds][fullDist]uint32
	distAge   uint32 // matches since distances were priced
	alignCost [alignSize]uint32
	alignAge  uint32
	optEnd    uint32
	optAt     uint32
	opt       [opts]option
}

func newLzma(o Options) *lzma {
	z := &lzma{finder: newFinder(o)}
	for 1<<(z.slotSize/2) < o.DictSize() {
		z.slotSize += 2
	}
	z.matchLen.size, z.repLen.size = z.nice+1-minMatch, z.nice+1-minMatch
	z.begin()
	return z
}

// begin starts a block.
func (z *lzma) begin() {
	z.finder.start()
	z.begun, z.pos = false, 0
	z.reset()
}

// reset forgets all probabilities.
func (z *lzma) reset() {
	z.rangeCoder.start()
	z.now, z.last = 0, [reps]uint32{}
	reset(z.literals[:])
	for i := range states {
		reset(z.isMatch[i][:])
		reset(z.isLong[i][:])
	}
	for _, ps := range [][]prob{z.isRep[:], z.isRep0[:], z.isRep1[:], z.isRep2[:], z.special[:], z.align[:]} {
		reset(ps)
	}
	for i := range distKinds {
		reset(z.slots[i][:])
	}
	z.matchLen.reset(!z.fast)
	z.repLen.reset(!z.fast)
	z.distAge, z.alignAge = 1<<31, 1<<31 // old enough to be priced
	z.optEnd, z.optAt = 0, 0
}

// literalModel is where the probabilities of a literal lie.
func (z *lzma) literalModel(before byte) []prob {
	return z.literals[0x300*int(before>>(8-litContext)):][:0x300]
}

// first codes the first byte, which is always a literal.
func (z *lzma) first() {
	z.skip(1)
	z.ahead = 0
	z.bit(&z.isMatch[0][0], 0)
	z.tree(z.literals[:], 8, uint32(z.buf[0]))
	z.begun, z.pos = true, 1
}

// symbol codes one: a literal, a match at one of the last distances, or one at a
// distance of back less four.
func (z *lzma) symbol(back, n uint32) {
	p := z.pos & (positions - 1)
	switch {
	case back == literalSymbol:
		z.bit(&z.isMatch[z.now][p], 0)
		z.literal()
	case back < reps:
		z.bit(&z.isMatch[z.now][p], 1)
		z.bit(&z.isRep[z.now], 1)
		z.rep(p, back, n)
	default:
		z.bit(&z.isMatch[z.now][p], 1)
		z.bit(&z.isRep[z.now], 0)
		z.match(p, back-reps, n)
	}
	z.ahead -= int(n)
	z.pos += n
}

func (z *lzma) literal() {
	at := z.at - z.ahead
	c := uint32(z.buf[at])
	ps := z.literalModel(z.buf[at-1])
	if z.now < litStates {
		z.tree(ps, 8, c)
	} else {
		// The byte at the last distance is not this one: it says what to expect.
		m, offset := uint32(z.buf[at-1-int(z.last[0])]), uint32(0x100)
		for c += 1 << 8; c < 1<<16; {
			m <<= 1
			z.bit(&ps[offset+m&offset+c>>8], c>>7&1)
			c <<= 1
			offset &= ^(m ^ c)
		}
	}
	z.now = z.now.afterLiteral()
}

// length codes a length. Prices are renewed before the probabilities change.
func (z *lzma) length(l *lengths, p, n uint32) {
	if !z.fast {
		if l.counts[p]--; l.counts[p] == 0 {
			l.price(int(p))
		}
	}
	n -= minMatch
	switch {
	case n < lenLow:
		z.bit(&l.choice, 0)
		z.tree(l.low[p][:], 3, n)
	case n < lenLow+lenMid:
		z.bit(&l.choice, 1)
		z.bit(&l.choice2, 0)
		z.tree(l.mid[p][:], 3, n-lenLow)
	default:
		z.bit(&l.choice, 1)
		z.bit(&l.choice2, 1)
		z.tree(l.high[:], 8, n-lenLow-lenMid)
	}
}

// distKind is which models a match of a length uses for its distance.
func distKind(n uint32) uint32 { return min(n-minMatch, distKinds-1) }

func (z *lzma) match(p, dist, n uint32) {
	z.now = z.now.afterMatch()
	z.length(&z.matchLen, p, n)
	slot := distSlot(dist)
	z.tree(z.slots[distKind(n)][:], 6, slot)
	if slot >= modelStart {
		footer := int(slot>>1) - 1
		base := (2 | slot&1) << footer
		rest := dist - base
		if slot < modelEnd {
			z.reverse(z.special[:], int(base)-int(slot)-1, footer, rest)
		} else {
			z.direct(rest>>alignBits, footer-alignBits)
			z.reverse(z.align[:], 0, alignBits, rest&(alignSize-1))
			z.alignAge++
		}
	}
	z.last = [reps]uint32{dist, z.last[0], z.last[1], z.last[2]}
	z.distAge++
}

func (z *lzma) rep(p, which, n uint32) {
	if which == 0 {
		z.bit(&z.isRep0[z.now], 0)
		long := uint32(1)
		if n == 1 {
			long = 0
		}
		z.bit(&z.isLong[z.now][p], long)
	} else {
		z.bit(&z.isRep0[z.now], 1)
		if which == 1 {
			z.bit(&z.isRep1[z.now], 0)
		} else {
			z.bit(&z.isRep1[z.now], 1)
			z.bit(&z.isRep2[z.now], which-2)
		}
		dist := z.last[which]
		copy(z.last[1:which+1], z.last[:which])
		z.last[0] = dist
	}
	if n == 1 {
		z.now = z.now.afterShortRep()
		return
	}
	z.length(&z.repLen, p, n)
	z.now = z.now.afterRep()
}
