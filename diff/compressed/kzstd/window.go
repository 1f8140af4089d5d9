package kzstd

import (
	"encoding/binary"
	"math/bits"
)

// window is what was seen, as far as a match may reach back, and what is coded
// next. Tables hold positions in the stream: an index into buf and cur.
type window struct {
	buf  []byte
	size int32 // how far a match may reach back
	cur  int32 // more than size, so that a table's zero is out of reach
}

// slack is how much is taken into the window before what is out of reach is
// dropped from it.
const slack = 4 << 20

// rebase is when positions are made smaller again.
const rebase = 1 << 30

func newWindow(size int) window { return window{size: int32(size), cur: int32(size)} }

// add appends a block, and says where it begins.
func (w *window) add(src []byte) int32 {
	if len(w.buf)+len(src) > int(w.size)+slack {
		drop := len(w.buf) - int(w.size)
		copy(w.buf, w.buf[drop:])
		w.buf = w.buf[:w.size]
		w.cur += int32(drop)
	}
	at := int32(len(w.buf))
	w.buf = append(w.buf, src...)
	return at
}

// full says that positions must be made smaller before the next block.
func (w *window) full() bool { return w.cur >= rebase }

// smaller is what becomes of a position: 0 when it is out of reach.
func (w *window) smaller(pos int32) int32 {
	if pos < w.cur+int32(len(w.buf))-w.size {
		return 0
	}
	return pos - w.cur + w.size
}

// entry is where a hash was seen last, and the four bytes there.
type entry struct {
	val uint32
	pos int32
}

func (w *window) shrink(table []entry) {
	for i := range table {
		table[i].pos = w.smaller(table[i].pos)
	}
}

// pair is where a hash was seen last, and before.
type pair struct{ pos, before int32 }

func (w *window) shrinkPairs(table []pair) {
	for i, e := range table {
		e = pair{w.smaller(e.pos), w.smaller(e.before)}
		if e.pos == 0 {
			e.before = 0
		}
		table[i] = e
	}
}

// put makes pos the last place of an entry, which it gives as it was.
func put(e *pair, pos int32) pair {
	old := *e
	*e = pair{pos, old.pos}
	return old
}

func load32(p []byte, i int32) uint32 { return binary.LittleEndian.Uint32(p[i:]) }
func load64(p []byte, i int32) uint64 { return binary.LittleEndian.Uint64(p[i:]) }

// The hashes of the lowest 4, 5, 6 and 8 bytes.
func hash4(v uint64, log uint) uint32 { return uint32(v) * 2654435761 >> (32 - log) }
func hash5(v uint64, log uint) uint32 { return uint32(v << 24 * 889523592379 >> (64 - log)) }
func hash6(v uint64, log uint) uint32 { return uint32(v << 16 * 227718039650203 >> (64 - log)) }
func hash8(v uint64, log uint) uint32 { return uint32(v * 0xcf1bbcdcb7a56463 >> (64 - log)) }

// common is how many bytes are alike from a and from b on, which is before a.
func common(p []byte, a, b int32) int32 {
	x, y := p[a:], p[b:]
	y = y[:len(x)]
	n := 0
	for ; n+8 <= len(x); n += 8 {
		if d := binary.LittleEndian.Uint64(x[n:]) ^ binary.LittleEndian.Uint64(y[n:]); d != 0 {
			return int32(n + bits.TrailingZeros64(d)>>3)
		}
	}
	for ; n < len(x) && x[n] == y[n]; n++ {
	}
	return int32(n)
}

// cursor is where a match finder stands in a block.
type cursor struct {
	p     *parsed
	buf   []byte
	size  int32 // of the window
	s     int32 // what is looked at
	done  int32 // to here all is in sequences
	limit int32 // from here on nothing is looked for
	// The last two distances; a match that repeats one is cheap.
	dist, dist2 int32
}

// over says that no more is looked for.
func (c *cursor) over() bool { return c.s >= c.limit }

// match takes the match at t of length n, and what is alike before it; it gives
// where that begins.
func (c *cursor) match(t, n int32) (begin int32) {
	c.dist2, c.dist = c.dist, c.s-t
	for low := max(c.s-c.size, 0); t > low && c.s > c.done && c.buf[t-1] == c.buf[c.s-1]; n++ {
		c.s--
		t--
	}
	c.p.add(c.buf[c.done:c.s], n, c.dist+3)
	begin = c.s
	c.s += n
	c.done = c.s
	return begin
}

// repeat takes a match of the last distance that begins ahead bytes further on, of
// which four bytes are alike; one literal at least stays before it.
func (c *cursor) repeat(ahead int32, alike func(buf []byte, a, b int32) int32) {
	from := c.s + ahead
	t := from - c.dist
	n := 4 + alike(c.buf, from+4, t+4)
	next := from + n
	for low := max(c.s-c.size, 0); t > low && from > c.done+1 && c.buf[t-1] == c.buf[from-1]; n++ {
		from--
		t--
	}
	c.p.add(c.buf[c.done:from], n, 1)
	c.s, c.done = next, next
}

// again takes a match of length n at the distance before the last, right behind
// another.
func (c *cursor) again(n int32) {
	c.p.add(nil, n, 1)
	c.dist, c.dist2 = c.dist2, c.dist
	c.s += n
	c.done = c.s
}

// end takes what is left as literals.
func (c *cursor) end() { c.p.literals = append(c.p.literals, c.buf[c.done:]...) }

// repeats says whether distances may be repeated: not before the third match of a
// block.
func (c *cursor) repeats() bool { return len(c.p.sequences) > 2 }

// finder cuts blocks into literals and matches. One that is alone is a stream's
// only block.
type finder interface {
	block(p *parsed, src []byte, alone bool)
}

// begin takes a block into the window; false says that it is too short to look for
// matches.
func (w *window) begin(p *parsed, src []byte, least int, margin int32) (cursor, bool) {
	p.reset()
	c := cursor{p: p, s: w.add(src), size: w.size, dist: 1, dist2: 4}
	c.buf, c.done, c.limit = w.buf, c.s, int32(len(w.buf))-margin
	if len(src) < least {
		c.end()
		return c, false
	}
	return c, true
}
