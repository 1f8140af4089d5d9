package xz

import (
	"encoding/binary"
	"math/bits"
)

// Sizes of the tables by the first two and three bytes, which lie before that by
// all hashed bytes.
const (
	hash2Size = 1 << 10
	hash3Size = 1 << 16
	maxMatch  = 273
	// lookAhead is how far one decision may read.
	lookAhead = opts + 1
	keepAfter = lookAhead + maxMatch
)

// found is a match: its length, and its distance less one.
type found struct{ len, dist uint32 }

// finder finds earlier places that begin with the same bytes.
type finder struct {
	effort
	buf    []byte
	at     int    // where it is in buf
	offset uint32 // of a place in buf to its number, which is never 0
	ahead  int    // how far it is ahead of what was encoded
	cycle  uint32 // how many places are remembered
	slot   uint32 // of this place
	hash   []uint32
	mask   uint32
	sons   []uint32 // of each place one, or a pair in trees
	dict   int
}

func newFinder(o Options) *finder {
	f := &finder{effort: o.effort(), dict: int(o.DictSize())}
	f.cycle = uint32(f.dict) + 1
	m := uint32(f.dict) - 1
	for _, s := range []int{1, 2, 4, 8} {
		m |= m >> s
	}
	if m = m>>1 | 0xffff; m > 1<<24 {
		if m >>= 1; f.hashed == 3 {
			m = 1<<24 - 1
		}
	}
	f.mask = m
	n := int(m) + 1 + hash2Size
	if f.hashed > 3 {
		n += hash3Size
	}
	f.hash = make([]uint32, n)
	f.start()
	return f
}

// start forgets everything.
func (f *finder) start() {
	clear(f.hash)
	f.buf, f.at, f.ahead, f.slot, f.offset = f.buf[:0], 0, 0, 0, f.cycle
}

// add takes more input, and lets go of what lies too far back.
func (f *finder) add(p []byte) {
	if gone := f.at - f.dict - opts - 1<<16; gone > max(4<<20, f.dict/2) {
		f.buf = f.buf[:copy(f.buf, f.buf[gone:])]
		f.at -= gone
		f.offset += uint32(gone)
	}
	f.buf = append(f.buf, p...)
}

func (f *finder) avail() int { return len(f.buf) - f.at }

// crcTable is that of CRC-32; its numbers hash a byte.
var crcTable = func() (t [256]uint32) {
	for i := range t {
		v := uint32(i)
		for range 8 {
			v = v>>1 ^ 0xedb88320&-(v&1)
		}
		t[i] = v
	}
	return t
}()

// common is how many bytes are equal at two places, n of them known to be, and
// at most limit.
func common(b []byte, i, k int, n, limit uint32) uint32 {
	p, q := b[i:][:limit], b[k:][:limit]
	for n+8 <= limit {
		if x := binary.LittleEndian.Uint64(p[n:]) ^ binary.LittleEndian.Uint64(q[n:]); x != 0 {
			return n + uint32(bits.TrailingZeros64(x))/8
		}
		n += 8
	}
	for n < limit && p[n] == q[n] {
		n++
	}
	return n
}

// find gives the matches here, each longer and farther than the one before, and
// the length of the longest, and goes on.
func (f *finder) find(ms []found) (n int, longest uint32) {
	n = f.matches(ms)
	if n > 0 {
		longest = ms[n-1].len
		if longest == uint32(f.nice) {
			limit := min(uint32(f.avail()+1), maxMatch)
			longest = common(f.buf, f.at-1, f.at-2-int(ms[n-1].dist), longest, limit)
		}
	}
	f.ahead++
	return n, longest
}

// skip goes on by n places.
func (f *finder) skip(n int) {
	for range n {
		limit := uint32(min(f.avail(), f.nice))
		if limit < uint32(f.hashed) {
			f.at++
			continue
		}
		_, _, last := f.look()
		if f.tree {
			f.sink(limit, last)
		} else {
			*f.chain() = last
		}
		f.move()
	}
	f.ahead += n
}

func (f *finder) move() {
	if f.slot++; f.slot == f.cycle {
		f.slot = 0
	}
	f.at++
}

func (f *finder) number() uint32 { return uint32(f.at) + f.offset }

// look makes this place known by its bytes, and gives the last places that began
// with the same two, three, and all bytes that are hashed.
func (f *finder) look() (last2, last3, last uint32) {
	b, here := f.buf[f.at:], f.number()
	t := crcTable[b[0]] ^ uint32(b[1])
	h2 := t & (hash2Size - 1)
	t ^= uint32(b[2]) << 8
	last2, f.hash[h2] = f.hash[h2], here
	if f.hashed == 3 {
		h := hash2Size + t&f.mask
		last, f.hash[h] = f.hash[h], here
		return last2, 0, last
	}
	h3 := hash2Size + t&(hash3Size-1)
	last3, f.hash[h3] = f.hash[h3], here
	h := hash2Size + hash3Size + (t^crcTable[b[3]]<<5)&f.mask
	last, f.hash[h] = f.hash[h], here
	return last2, last3, last
}

// matches finds what begins like this place.
func (f *finder) matches(ms []found) int {
	limit := uint32(min(f.avail(), f.nice))
	if limit < uint32(f.hashed) {
		f.at++
		return 0
	}
	here := f.number()
	last2, last3, last := f.look()
	n, best := f.short(ms, here-last2, here-last3, limit)
	switch {
	case n > 0 && best == limit && f.tree:
		f.sink(limit, last)
	case n > 0 && best == limit:
		*f.chain() = last
	case f.tree:
		n = f.climb(ms, n, max(best, uint32(f.hashed-1)), limit, last)
	default:
		n = f.follow(ms, n, max(best, uint32(f.hashed-1)), limit, last)
	}
	f.move()
	return n
}

// short finds the matches of two and three bytes.
func (f *finder) short(ms []found, d2, d3, limit uint32) (n int, best uint32) {
	b, at := f.buf, f.at
	near := func(d uint32) bool { return d < f.cycle && b[at-int(d)] == b[at] }
	best = 1
	d := d2
	if near(d2) {
		best = 2
		ms[0] = found{2, d2 - 1}
		n = 1
	}
	if f.hashed == 4 && d2 != d3 && near(d3) {
		best = 3
		ms[n].dist = d3 - 1
		n++
		d = d3
	}
	if n > 0 {
		best = common(b, at-int(d), at, best, limit)
		ms[n-1].len = best
	}
	return n, best
}

// chain is what this place remembers.
func (f *finder) chain() *uint32 {
	f.grow(int(f.slot) + 1)
	return &f.sons[f.slot]
}

// grow makes room for so many sons: memory is taken as content comes.
func (f *finder) grow(n int) {
	if n > len(f.sons) {
		most := int(f.cycle)
		if f.tree {
			most *= 2
		}
		f.sons = append(f.sons, make([]uint32, min(max(n, 2*len(f.sons), 1<<16), most)-len(f.sons))...)
	}
}

// back is the slot of a place so far back.
func (f *finder) back(delta uint32) uint32 {
	if delta > f.slot {
		return f.slot - delta + f.cycle
	}
	return f.slot - delta
}

// follow goes through a chain of places.
func (f *finder) follow(ms []found, n int, best, limit, last uint32) int {
	*f.chain() = last
	here, cur := f.number(), f.buf[f.at:]
	for range f.depth {
		delta := here - last
		if delta >= f.cycle {
			break
		}
		at := f.at - int(delta)
		last = f.sons[f.back(delta)]
		if f.buf[at+int(best)] != cur[best] || f.buf[at] != cur[0] {
			continue
		}
		if l := common(f.buf, at, f.at, 1, limit); l > best {
			best = l
			ms[n] = found{l, delta - 1}
			if n++; l == limit {
				break
			}
		}
	}
	return n
}

// climb goes down a tree of places, and makes this one its root.
func (f *finder) climb(ms []found, n int, best, limit, last uint32) int {
	f.grow(2*int(f.slot) + 2)
	here, cur := f.number(), f.buf[f.at:]
	sons := f.sons
	more, less := 2*f.slot+1, 2*f.slot // where the next on each side hangs
	var lenMore, lenLess uint32
	for depth := f.depth; ; depth-- {
		delta := here - last
		if depth == 0 || delta >= f.cycle {
			sons[more], sons[less] = 0, 0
			return n
		}
		pair := 2 * f.back(delta)
		at := f.at - int(delta)
		l := min(lenMore, lenLess)
		if f.buf[at+int(l)] == cur[l] {
			l = common(f.buf, at, f.at, l+1, limit)
			if l > best {
				best = l
				ms[n] = found{l, delta - 1}
				n++
				if l == limit {
					sons[less], sons[more] = sons[pair], sons[pair+1]
					return n
				}
			}
		}
		if f.buf[at+int(l)] < cur[l] {
			sons[less] = last
			less = pair + 1
			last, lenLess = sons[less], l
		} else {
			sons[more] = last
			more = pair
			last, lenMore = sons[more], l
		}
	}
}

// sink is climb without noting what is found.
func (f *finder) sink(limit, last uint32) {
	f.grow(2*int(f.slot) + 2)
	here, cur := f.number(), f.buf[f.at:]
	sons := f.sons
	more, less := 2*f.slot+1, 2*f.slot
	var lenMore, lenLess uint32
	for depth := f.depth; ; depth-- {
		delta := here - last
		if depth == 0 || delta >= f.cycle {
			sons[more], sons[less] = 0, 0
			return
		}
		pair := 2 * f.back(delta)
		at := f.at - int(delta)
		l := min(lenMore, lenLess)
		if f.buf[at+int(l)] == cur[l] {
			if l = common(f.buf, at, f.at, l+1, limit); l == limit {
				sons[less], sons[more] = sons[pair], sons[pair+1]
				return
			}
		}
		if f.buf[at+int(l)] < cur[l] {
			sons[less] = last
			less = pair + 1
			last, lenLess = sons[less], l
		} else {
			sons[more] = last
			more = pair
			last, lenMore = sons[more], l
		}
	}
}
