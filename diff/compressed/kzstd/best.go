package kzstd

import "github.com/klauspost/compress"

// best is level 4: two tables, of eight and of four bytes hashed, each of which
// keeps two places; of all matches in reach the one is taken that should cost the
// fewest bits.
type best struct {
	window
	era  Era
	dist [3]int32 // the last distances
	cost int32    // of a byte that is no match, in 2^-10 bits

	// The tables come last: on arm64 the compiler cannot read two numbers at once
	// that lie this far from the beginning.
	short [1 << bestShortLog]pair
	long  [1 << bestLog]pair
}

const (
	bestLog      = 22
	bestShortLog = 18
)

// choice is a match that may be taken: of n bytes at s and t. Rep is -1, or which
// of the last distances it repeats, and straight when no literal stands before it.
type choice struct{ t, s, n, rep, bits int32 }

const (
	straight = 4       // flag in rep
	worst    = 1048592 // bits of no match
	plenty   = 250     // nothing longer is sought
)

func (b *best) block(p *parsed, src []byte, alone bool) {
	if b.full() {
		b.shrinkPairs(b.long[:])
		b.shrinkPairs(b.short[:])
		b.cur = b.size
	}
	c, ok := b.begin(p, src, leastBlock, readAhead+2)
	if b.era >= V1_178 && len(src) > minMatch && common(src, 1, 0) == int32(len(src)-1) {
		p.reset()
		p.add(src[:1], int32(len(src)-1), 1+3)
		return
	}
	if !ok {
		return
	}
	b.dist = [3]int32{1, 4, 8}
	b.cost = max(int32(compress.ShannonEntropyBits(src)*1024/len(src)), 1024)
	for !c.over() {
		probed := c.s
		m := b.search(&c)
		if m.n < 4 {
			c.s += 1 + (c.s-c.done)>>9
			continue
		}
		b.take(&c, m)
		to := c.s
		switch {
		case b.era < V1_173 && c.over():
			to = 0
		case b.era >= V1_173 && m.rep > 0:
			to = min(c.s, c.limit+4)
		case b.era >= V1_173:
			to = min(c.s, c.limit-4)
		}
		for at := probed + 1; at < to; at++ {
			v := load64(c.buf, at)
			put(&b.long[hash8(v, bestLog)], at+b.cur)
			put(&b.short[hash4(v, bestShortLog)], at+b.cur)
		}
	}
	c.end()
}

// take writes the match down.
func (b *best) take(c *cursor, m choice) {
	d := &b.dist
	offset := m.rep & 3
	switch m.rep {
	case 1:
	case 2, straight | 1:
		d[0], d[1] = d[1], d[0]
	case 3, straight | 2:
		d[0], d[1], d[2] = d[2], d[0], d[1]
	case straight | 3:
		d[0], d[1], d[2] = d[0]-1, d[0], d[1]
	default:
		d[0], d[1], d[2] = m.s-m.t, d[0], d[1]
		offset = d[0] + 3
	}
	c.p.add(c.buf[c.done:m.s], m.n, offset)
	c.s = m.s + m.n
	c.done = c.s
}

// search chooses among the matches at c.s and a few bytes later.
func (b *best) search(c *cursor) choice {
	m := choice{s: c.s, bits: worst}
	v := load64(c.buf, c.s)
	pos := c.s + b.cur
	long, short := &b.long[hash8(v, bestLog)], &b.short[hash4(v, bestShortLog)]
	for _, e := range [4]int32{long.pos, long.before, short.pos, short.before} {
		b.improve(c, &m, e-b.cur, c.s, -1)
	}
	if c.repeats() && m.n < plenty {
		b.repeated(c, &m)
	}
	put(long, pos)
	put(short, pos)
	if m.n >= plenty || m.n < 4 {
		return m
	}
	next, far := load64(c.buf, c.s+1), load64(c.buf, c.s+2)
	e4, e8, e9 := b.short[hash4(v>>8, bestShortLog)], b.long[hash8(next, bestLog)], b.long[hash8(far, bestLog)]
	b.improve(c, &m, e4.pos-b.cur, c.s+1, -1)
	b.improve(c, &m, e8.pos-b.cur, c.s+1, -1)
	b.improve(c, &m, e8.before-b.cur, c.s+1, -1)
	b.improve(c, &m, e9.pos-b.cur, c.s+2, -1)
	b.improve(c, &m, e9.before-b.cur, c.s+2, -1)
	b.atEnd(c, &m)
	return m
}

// repeated tries the last distances.
func (b *best) repeated(c *cursor, m *choice) {
	d := b.dist
	if c.s == c.done {
		b.improve(c, m, c.s-d[1], c.s, straight|1)
		b.improve(c, m, c.s-d[2], c.s, straight|2)
		if d[0] > 1 {
			b.improve(c, m, c.s-(d[0]-1), c.s, straight|3)
		}
	}
	if m.rep > 0 {
		return
	}
	for i, n := range d {
		b.improve(c, m, c.s+1-n, c.s+1, int32(i+1))
	}
	if m.rep >= 0 {
		return
	}
	for i, n := range d {
		b.improve(c, m, c.s+3-n, c.s+3, int32(i+1))
	}
}

// atEnd is as of better, but for two bytes that may differ.
func (b *best) atEnd(c *cursor, m *choice) {
	const skip = 2
	end := m.s + m.n
	if m.s <= c.s-skip || end >= c.limit {
		return
	}
	e := b.long[hash8(load64(c.buf, end), bestLog)]
	if t := e.pos - b.cur - m.n + skip; t >= 0 {
		b.improve(c, m, t, m.s+skip, -1)
		if t := e.before - b.cur - m.n + skip; t >= 0 {
			b.improve(c, m, t, m.s+skip, -1)
		}
	}
}

// improve makes the match at s and t the chosen one if it costs less.
func (b *best) improve(c *cursor, m *choice, t, s, rep int32) {
	buf := c.buf
	if s-t >= b.size || s <= t || load32(buf, t) != load32(buf, s) {
		return
	}
	if m.n > 16 { // that a longer one is not likely is seen near its end
		left := int32(len(buf)) - (m.s + m.n)
		if left <= 0 {
			return
		}
		if at := m.n - (s - m.s) - 8; left > 2 && at > 4 && load32(buf, t+at) != load32(buf, s+at) {
			return
		}
	}
	n := 4 + common(buf, s+4, t+4)
	if b.backwards(m.rep, rep) {
		for low := max(s-b.size, 0); t > low && s > c.done && buf[t-1] == buf[s-1]; n++ {
			s--
			t--
		}
	}
	k := b.weigh(choice{t: t, s: s, n: n, rep: rep})
	if m.bits >= worst || k.bits-m.bits+(k.s-m.s)*b.cost>>10 < 0 {
		*m = k
	}
}

// backwards says whether a match takes in what is alike before it, by the one that
// is chosen so far and by what it repeats itself.
func (b *best) backwards(chosen, rep int32) bool {
	switch {
	case b.era >= V1_176:
		return chosen <= 0
	case b.era >= V1_173:
		return true
	}
	return rep < 0
}

// weigh estimates what a match costs beyond its bytes, by the predefined tables.
func (b *best) weigh(m choice) choice {
	s := sequence{match: uint32(m.n - minMatch), offset: uint32(m.s-m.t) + 3}
	if m.rep >= 0 {
		s.offset = uint32(m.rep)
		if b.era >= V1_173 {
			s.offset &= 3
		}
	}
	s.setCodes()
	o, l := s.code[offsets], s.code[matchLengths]
	m.bits = int32(o) + int32(matchBits[l]) +
		int32(predefined[offsets].trans[o].bits>>16) + int32(predefined[matchLengths].trans[l].bits>>16) -
		m.n*b.cost>>10
	if m.bits > 0 {
		m.n, m.bits = 0, worst
	}
	return m
}
