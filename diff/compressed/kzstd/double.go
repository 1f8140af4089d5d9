package kzstd

// double is level 2: two tables, of eight and of five bytes hashed.
type double struct {
	window
	long  [1 << doubleLog]entry
	short [1 << doubleShortLog]entry
}

const (
	doubleLog      = 17
	doubleShortLog = 15
)

// The shortest block in which matches are looked for, and how many bytes are read
// ahead, of levels 2 and 3.
const (
	leastBlock = 16
	readAhead  = 10
)

func (d *double) block(p *parsed, src []byte, alone bool) {
	if d.full() {
		d.shrink(d.long[:])
		d.shrink(d.short[:])
		d.cur = d.size
	}
	c, ok := d.begin(p, src, leastBlock, readAhead)
	if !ok {
		return
	}
	for {
		repeats := c.repeats()
		t, ok := d.search(&c, repeats)
		if !ok {
			break
		}
		begin := c.match(t, 4+common(c.buf, c.s+4, t+4))
		if c.over() {
			break
		}
		d.index(&c, begin)
		if repeats || alone && c.repeats() {
			d.again(&c, alone)
		}
		if c.over() {
			break
		}
	}
	c.end()
}

// search is as of fast.
func (d *double) search(c *cursor, repeats bool) (t int32, ok bool) {
	for !c.over() {
		v := load64(c.buf, c.s)
		long, short := &d.long[hash8(v, doubleLog)], &d.short[hash5(v, doubleShortLog)]
		e, e5 := *long, *short
		pos := c.s + d.cur
		*long = entry{uint32(v), pos}
		*short = *long
		if at := c.s - c.dist + 1; repeats && at >= 0 && load32(c.buf, at) == uint32(v>>8) {
			c.repeat(1, common)
			continue
		}
		if pos-e.pos < d.size && uint32(v) == e.val {
			return e.pos - d.cur, true
		}
		if pos-e5.pos < d.size && uint32(v) == e5.val {
			// A long match one byte later is better.
			v = load64(c.buf, c.s+1)
			long = &d.long[hash8(v, doubleLog)]
			e = *long
			*long = entry{uint32(v), pos + 1}
			if pos+1-e.pos < d.size && uint32(v) == e.val {
				c.s++
				return e.pos - d.cur, true
			}
			return e5.pos - d.cur, true
		}
		c.s += 1 + (c.s-c.done)>>7
	}
	return 0, false
}

// index puts two places of the match that ended at c.s into the tables: behind its
// begin and before its end.
func (d *double) index(c *cursor, begin int32) {
	for _, at := range [2]int32{begin + 1, c.s - 2} {
		v := load64(c.buf, at)
		d.long[hash8(v, doubleLog)] = entry{uint32(v), at + d.cur}
		v >>= 8
		d.short[hash5(v, doubleShortLog)] = entry{uint32(v), at + 1 + d.cur}
	}
}

// again takes matches of the distance before the last, as long as there are any.
// When the block is alone the library puts all of them where the first hashes.
func (d *double) again(c *cursor, alone bool) {
	first := hash5(load64(c.buf, c.s), doubleShortLog)
	for !c.over() {
		v := load64(c.buf, c.s)
		t := c.s - c.dist2
		if load32(c.buf, t) != uint32(v) {
			return
		}
		h := first
		if !alone {
			h = hash5(v, doubleShortLog)
		}
		n := 4 + common(c.buf, c.s+4, t+4)
		d.long[hash8(v, doubleLog)] = entry{uint32(v), c.s + d.cur}
		d.short[h] = entry{uint32(v), c.s + d.cur}
		c.again(n)
	}
}
