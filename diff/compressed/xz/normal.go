package xz

// opts is how many bytes one decision looks at.
const opts = 1 << 12

const noPrice = 1 << 30

// option is the cheapest way found so far to come to a place.
type option struct {
	state    state
	literal  bool // a literal comes before what is chosen here
	twoSteps bool // and something else before that
	from2    uint32
	back2    uint32
	price    uint32
	from     uint32 // where it comes from
	back     uint32
	last     [reps]uint32
}

func (o *option) makeLiteral() { o.back, o.literal = literalSymbol, false }

// better takes a way when it is cheaper.
func (o *option) better(price, from, back uint32) {
	if price < o.price {
		o.price, o.from, o.back, o.literal = price, from, back, false
	}
}

func (z *lzma) literalPrice(before byte, plain bool, m, c uint32) (sum uint32) {
	ps := z.literalModel(before)
	if plain {
		return treePrice(ps, 8, c)
	}
	offset := uint32(0x100)
	for c += 1 << 8; c < 1<<16; {
		m <<= 1
		sum += price(ps[offset+m&offset+c>>8], c>>7&1)
		c <<= 1
		offset &= ^(m ^ c)
	}
	return sum
}

func (z *lzma) shortRepPrice(s state, p uint32) uint32 {
	return price0(z.isRep0[s]) + price0(z.isLong[s][p])
}

// whichPrice is what it costs to say which of the last distances it is.
func (z *lzma) whichPrice(which uint32, s state, p uint32) uint32 {
	if which == 0 {
		return price0(z.isRep0[s]) + price1(z.isLong[s][p])
	}
	sum := price1(z.isRep0[s])
	if which == 1 {
		return sum + price0(z.isRep1[s])
	}
	return sum + price1(z.isRep1[s]) + price(z.isRep2[s], which-2)
}

func (l *lengths) of(n, p uint32) uint32 { return l.prices[p][n-minMatch] }

// matchPrice is that of a match's distance and length.
func (z *lzma) matchPrice(dist, n, p uint32) uint32 {
	kind := distKind(n)
	var sum uint32
	if dist < fullDist {
		sum = z.distCost[kind][dist]
	} else {
		sum = z.slotCost[kind][distSlot(dist)] + z.alignCost[dist&(alignSize-1)]
	}
	return sum + z.matchLen.of(n, p)
}

func (z *lzma) priceDistances() {
	for kind := range distKinds {
		costs := &z.slotCost[kind]
		for s := range z.slotSize {
			costs[s] = treePrice(z.slots[kind][:], 6, uint32(s))
		}
		for s := modelEnd; s < z.slotSize; s++ {
			costs[s] += uint32(s>>1-1-alignBits) << 4
		}
		copy(z.distCost[kind][:], costs[:modelStart])
	}
	for d := uint32(modelStart); d < fullDist; d++ {
		slot := distSlot(d)
		footer := int(slot>>1) - 1
		base := (2 | slot&1) << footer
		cost := reversePrice(z.special[:], int(base)-int(slot)-1, footer, d-base)
		for kind := range distKinds {
			z.distCost[kind][d] = cost + z.slotCost[kind][slot]
		}
	}
	z.distAge = 0
}

func (z *lzma) priceAlign() {
	for i := range uint32(alignSize) {
		z.alignCost[i] = reversePrice(z.align[:], 0, alignBits, i)
	}
	z.alignAge = 0
}

// backward turns the way to a place round, so that it can be gone.
func (z *lzma) backward(to uint32) (back, n uint32) {
	z.optEnd = to
	o := &z.opt
	from, b := o[to].from, o[to].back
	for at := to; ; {
		if o[at].literal {
			o[from].makeLiteral()
			o[from].from = from - 1
			if o[at].twoSteps {
				o[from-1].literal = false
				o[from-1].from, o[from-1].back = o[at].from2, o[at].back2
			}
		}
		k := from
		from, o[k].from = o[k].from, at
		b, o[k].back = o[k].back, b
		if at = k; at == 0 {
			break
		}
	}
	z.optAt = o[0].from
	return o[0].back, o[0].from
}

// optimum decides on the next symbol: the first of the cheapest way through the
// bytes ahead.
func (z *lzma) optimum() (back, n uint32) {
	if z.optEnd != z.optAt {
		o := &z.opt[z.optAt]
		back, n = o.back, o.from-z.optAt
		z.optAt = o.from
		return back, n
	}
	if z.ahead == 0 {
		if z.distAge >= 1<<7 {
			z.priceDistances()
		}
		if z.alignAge >= alignSize {
			z.priceAlign()
		}
	}
	end, back, n := z.firstStep()
	if end == 0 {
		return back, n
	}
	at := uint32(1)
	for last := z.last; at < end; at++ {
		if z.count, z.longest = z.find(z.ms[:]); z.longest >= uint32(z.nice) {
			break
		}
		s := step{lzma: z, at: at, last: last, buf: z.at - 1, end: end, pos: z.pos + at, full: uint32(min(z.avail()+1, int(opts-1-at)))}
		s.take()
		end, last = s.end, s.last
	}
	return z.backward(at)
}

// firstStep prices all ways from here. When there is only one, or one that is
// taken at once, it gives that and no end.
func (z *lzma) firstStep() (end, back, n uint32) {
	count, longest := z.count, z.longest
	if z.ahead == 0 {
		count, longest = z.find(z.ms[:])
	}
	avail := uint32(min(z.avail()+1, maxMatch))
	if avail < 2 {
		return 0, literalSymbol, 1
	}
	at := z.at - 1
	var repLens [reps]uint32
	best := 0
	for i, d := range z.last {
		if k := at - int(d) - 1; !z.other(at, k) {
			if repLens[i] = common(z.buf, at, k, 2, avail); repLens[i] > repLens[best] {
				best = i
			}
		}
	}
	nice := uint32(z.nice)
	switch {
	case repLens[best] >= nice:
		z.skip(int(repLens[best]) - 1)
		return 0, uint32(best), repLens[best]
	case longest >= nice:
		z.skip(int(longest) - 1)
		return 0, z.ms[count-1].dist + reps, longest
	}
	c, m := z.buf[at], z.buf[at-int(z.last[0])-1]
	if longest < 2 && c != m && repLens[best] < 2 {
		return 0, literalSymbol, 1
	}
	p := z.pos & (positions - 1)
	z.opt[0].state = z.now
	one := &z.opt[1]
	one.price = price0(z.isMatch[z.now][p]) + z.literalPrice(z.buf[at-1], z.now < litStates, uint32(m), uint32(c))
	one.makeLiteral()
	matchCost := price1(z.isMatch[z.now][p])
	repCost := matchCost + price1(z.isRep[z.now])
	if m == c {
		if cost := repCost + z.shortRepPrice(z.now, p); cost < one.price {
			one.price, one.back, one.literal = cost, 0, false
		}
	}
	end = max(longest, repLens[best])
	if end < 2 {
		return 0, one.back, 1
	}
	one.from = 0
	z.opt[0].last = z.last
	for l := end; l >= 2; l-- {
		z.opt[l].price = noPrice
	}
	for i, l := range repLens {
		cost := repCost + z.whichPrice(uint32(i), z.now, p)
		for ; l >= 2; l-- {
			z.opt[l].better(cost+z.repLen.of(l, p), 0, uint32(i))
		}
	}
	cost := matchCost + price0(z.isRep[z.now])
	l := uint32(2)
	if repLens[0] >= 2 {
		l = repLens[0] + 1
	}
	if l > longest {
		return end, 0, 0
	}
	i := 0
	for l > z.ms[i].len {
		i++
	}
	for ; ; l++ {
		d := z.ms[i].dist
		z.opt[l].better(cost+z.matchPrice(d, l, p), 0, d+reps)
		if l == z.ms[i].len {
			if i++; i == count {
				return end, 0, 0
			}
		}
	}
}
