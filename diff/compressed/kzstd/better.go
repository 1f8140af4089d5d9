package kzstd

// better is level 3: two tables as of double, of which that of eight bytes keeps
// two places; of several matches the longest is taken.
type better struct {
	window
	era   Era
	long  [1 << betterLog]pair
	short [1 << betterShortLog]entry
}

const (
	betterLog      = 19
	betterShortLog = 13
)

// found is a match: of n bytes at t. It was looked for at probed.
type found struct{ t, n, probed int32 }

func (b *better) block(p *parsed, src []byte, alone bool) {
	if b.full() {
		b.shrinkPairs(b.long[:])
		b.shrink(b.short[:])
		b.cur = b.size
	}
	c, ok := b.begin(p, src, leastBlock, readAhead)
	if b.era >= V1_178 && len(src) > minMatch && common(src, 1, 0) == int32(len(src)-1) {
		p.reset()
		p.add(src[:1], int32(len(src)-1), 1+3)
		return
	}
	if !ok {
		return
	}
	for {
		repeats := c.repeats()
		m, ok := b.search(&c, repeats)
		if !ok {
			break
		}
		if b.era >= V1_12 {
			b.atEnd(&c, &m)
		}
		begin := c.match(m.t, m.n)
		if c.over() {
			break
		}
		from := begin + 1
		if b.era >= V1_173 {
			from = m.probed + 1
		}
		b.index(&c, from)
		if repeats {
			b.again(&c)
		}
		if c.over() {
			break
		}
	}
	c.end()
}

// at is what the eight bytes v hash to, and puts pos there.
func (b *better) at(v uint64, pos int32) pair {
	return put(&b.long[hash8(v, betterLog)], pos)
}

// alike is how many bytes are alike at c.s and ahead, and at pos in the stream,
// when eight are; else 0.
func (b *better) alike(c *cursor, v uint64, ahead, pos int32) int32 {
	t := pos - b.cur
	if c.s-t >= b.size || load64(c.buf, t) != v {
		return 0
	}
	return 8 + common(c.buf, c.s+ahead+8, t+8)
}

// search is as of fast.
func (b *better) search(c *cursor, repeats bool) (m found, ok bool) {
	for !c.over() {
		v := load64(c.buf, c.s)
		pos := c.s + b.cur
		old := b.at(v, pos)
		short := &b.short[hash5(v, betterShortLog)]
		e := *short
		*short = entry{uint32(v), pos}
		m.probed = c.s
		if t := c.s - c.dist + 1; repeats && t >= 0 && load32(c.buf, t) == uint32(v>>8) {
			c.repeat(1, common)
			if !c.over() {
				b.index(c, m.probed+1)
			}
			continue
		}
		if n, n2 := b.alike(c, v, 0, old.pos), b.alike(c, v, 0, old.before); n > 0 || n2 > 0 {
			m.t, m.n = old.pos-b.cur, n
			if n2 > n {
				m.t, m.n = old.before-b.cur, n2
			}
			return m, true
		}
		if pos-e.pos < b.size && uint32(v) == e.val {
			b.longer(c, &m, e.pos-b.cur)
			return m, true
		}
		c.s += 1 + (c.s-c.done)>>8
	}
	return m, false
}

// longer is the match of four bytes at t, or a longer one a byte later.
func (b *better) longer(c *cursor, m *found, t int32) {
	m.t, m.n = t, 4+common(c.buf, c.s+4, t+4)
	v := load64(c.buf, c.s+1)
	old := b.at(v, c.s+1+b.cur)
	for _, pos := range [2]int32{old.pos, old.before} {
		if n := b.alike(c, v, 1, pos); n > m.n {
			m.t, m.n = pos-b.cur, n
			c.s++
			return
		}
	}
}

// atEnd seeks a longer match among those that hold what follows the one found. Its
// first bytes may differ from 1.15.11 on.
func (b *better) atEnd(c *cursor, m *found) {
	if c.s+m.n >= c.limit {
		return
	}
	skip := int32(0)
	if b.era >= V1_15 {
		skip = 3
	}
	e := b.long[hash8(load64(c.buf, c.s+m.n), betterLog)]
	s := c.s + skip
	v := load32(c.buf, s)
	for _, pos := range [2]int32{e.pos, e.before} {
		t := pos - b.cur - m.n + skip
		if t < 0 || t >= s || s-t >= b.size || load32(c.buf, t) != v {
			continue
		}
		if n := 4 + common(c.buf, s+4, t+4); n > m.n {
			m.t, m.n, c.s = t, n, s
		}
	}
}

// index puts every second place from a place to the end of the match into the
// tables, the short one a byte further on.
func (b *better) index(c *cursor, from int32) {
	for ; from < c.s-1; from += 2 {
		v := load64(c.buf, from)
		b.at(v, from+b.cur)
		v >>= 8
		b.short[hash5(v, betterShortLog)] = entry{uint32(v), from + 1 + b.cur}
	}
}

// again is as of double.
func (b *better) again(c *cursor) {
	for !c.over() {
		v := load64(c.buf, c.s)
		t := c.s - c.dist2
		if load32(c.buf, t) != uint32(v) {
			return
		}
		n := 4 + common(c.buf, c.s+4, t+4)
		b.at(v, c.s+b.cur)
		b.short[hash5(v, betterShortLog)] = entry{uint32(v), c.s + b.cur}
		c.again(n)
	}
}
