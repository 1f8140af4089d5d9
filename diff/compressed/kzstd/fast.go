package kzstd

// fast is level 1: one table, of six bytes hashed, and two places at a step.
type fast struct {
	window
	era   Era
	table [1 << fastLog]entry
}

const fastLog = 15

// alike is common, in whole words only in the releases before 1.14.
func (f *fast) alike(buf []byte, a, b int32) int32 {
	n := common(buf, a, b)
	if f.era < V1_14 {
		n = min(n, int32(len(buf)-int(a))&^7)
	}
	return n
}

// stride is how many bytes without a match double the step, as a power of two.
func (f *fast) stride(alone bool) int32 {
	switch {
	case f.era >= V1_14:
		return 5
	case alone:
		return 7
	}
	return 6
}

func (f *fast) block(p *parsed, src []byte, alone bool) {
	if f.full() {
		f.shrink(f.table[:])
		f.cur = f.size
	}
	const margin = 8
	c, ok := f.begin(p, src, margin+2, margin)
	if !ok {
		return
	}
	for stride := f.stride(alone); ; {
		repeats := c.repeats()
		t, ok := f.search(&c, repeats, stride)
		if !ok {
			break
		}
		c.match(t, 4+f.alike(c.buf, c.s+4, t+4))
		if c.over() {
			break
		}
		if repeats || alone && c.repeats() {
			v := load64(c.buf, c.s)
			if t := c.s - c.dist2; load32(c.buf, t) == uint32(v) {
				f.table[hash6(v, fastLog)] = entry{uint32(v), c.s + f.cur}
				c.again(4 + f.alike(c.buf, c.s+4, t+4))
			}
		}
		if c.over() {
			break
		}
	}
	c.end()
}

// search looks for the next match, which is at c.s and t; repeated ones on the way
// are taken.
func (f *fast) search(c *cursor, repeats bool, stride int32) (t int32, ok bool) {
	for !c.over() {
		v := load64(c.buf, c.s)
		h, h1 := hash6(v, fastLog), hash6(v>>8, fastLog)
		e, e1 := f.table[h], f.table[h1]
		pos := c.s + f.cur
		f.table[h] = entry{uint32(v), pos}
		f.table[h1] = entry{uint32(v >> 8), pos + 1}
		if at := c.s - c.dist + 2; repeats && at >= 0 && load32(c.buf, at) == uint32(v>>16) {
			c.repeat(2, f.alike)
			continue
		}
		if pos-e.pos < f.size && uint32(v) == e.val {
			return e.pos - f.cur, true
		}
		if pos+1-e1.pos < f.size && uint32(v>>8) == e1.val {
			c.s++
			return e1.pos - f.cur, true
		}
		c.s += 2 + (c.s-c.done)>>stride
	}
	return 0, false
}
