package kflate

import (
	"encoding/binary"
	"math"
	"math/bits"
)

const (
	shortest  = 4 // bytes of a match that is sought
	lookahead = shortest + maxLength
	chainBits = 17
	maxTokens = 1 << 15 // of a block
)

// lazy is a level from 7 to 9: chains of places with one hash, and a match is
// taken when the next byte does not begin a longer one.
type lazy struct {
	c *coder
	block
	enough, nice, chain int // a length that is not improved on; one that ends the search; places to look at
	window              [2 * reach]byte
	end, index, begin   int // of what the window holds; what is next; where the block began, if it is still there
	head                [1 << chainBits]int32
	prev                [reach]int32
	base                int // is added to an index in the chains
	first               int // the place before that of the index
	insertEnd           int // where four bytes are no more there
	length, dist        int // of the match at the index before, or 3
	misses              uint16
	waiting, closed     bool      // the byte before is still to be written; nothing more will come
	bits                []int32   // level 9: what the window's bytes take as literals, summed up
	costs               [256]code // level 9: codes of literals
}

func newLazy(c *coder, level int) *lazy {
	z := &lazy{c: c}
	z.era = c.era
	switch level {
	case 7:
		z.enough, z.nice, z.chain = 12, 16, 24
	case 8:
		z.enough, z.nice, z.chain = 30, 40, 64
	default:
		z.enough, z.nice, z.chain = 258, 258, 1024
		z.bits = make([]int32, len(z.window)+1)
	}
	return z
}

func (z *lazy) restart(dict []byte) {
	z.reset()
	clear(z.head[:])
	clear(z.prev[:])
	z.base, z.first, z.insertEnd = 1, -1, 0
	z.length, z.dist, z.misses, z.waiting = shortest-1, 0, 0, false
	z.end = copy(z.window[:], dict[max(0, len(dict)-reach):])
	z.index, z.begin = z.end, 0
	if z.era >= Since1_20_0 {
		z.begin = z.end
	}
	for i := range z.end - shortest + 1 {
		z.link(i)
	}
}

func (z *lazy) fill(p []byte) int {
	if z.index >= len(z.window)-lookahead {
		z.slide()
	}
	n := copy(z.window[z.end:], p)
	z.end += n
	return n
}

// slide drops the first half of the window.
func (z *lazy) slide() {
	copy(z.window[:], z.window[reach:])
	z.index -= reach
	z.end -= reach
	if z.begin -= reach; z.begin < 0 {
		z.begin = math.MaxInt // the block is no more there as a whole
	}
	if z.base += reach; z.base > 1<<28 {
		down := z.base - 1
		z.base, z.first = 1, z.first-down
		for i, v := range z.prev {
			z.prev[i] = max(v-int32(down), 0)
		}
		for i, v := range z.head {
			z.head[i] = max(v-int32(down), 0)
		}
	}
}

func (z *lazy) hash(i int) uint32 {
	return binary.LittleEndian.Uint32(z.window[i:]) * prime4 >> (32 - chainBits)
}

// link puts an index into its chain and gives the place that was first there.
func (z *lazy) link(i int) int {
	h := z.hash(i)
	was := z.head[h]
	z.prev[i&(reach-1)] = was
	z.head[h] = int32(i + z.base)
	return int(was)
}

// enter links the index, where that is possible.
func (z *lazy) enter() {
	if z.index < z.insertEnd {
		z.first = z.link(z.index)
	}
}

func (z *lazy) step(closed bool) {
	z.closed = closed
	if z.end-z.index < lookahead && !closed {
		return
	}
	if z.bits != nil && z.end > z.index {
		z.weigh()
	}
	z.insertEnd = z.end - shortest + 1
	for {
		left := z.end - z.index
		if left < lookahead && !closed {
			return
		}
		if left == 0 {
			break
		}
		z.advance(left)
	}
	if z.waiting {
		z.literal(z.window[z.index-1])
		z.waiting = false
	}
	if z.n > 0 {
		z.write()
	}
}

// weigh finds what the bytes to come would take as literals. Of 65,536 equal ones
// the count is 0, as in the library.
func (z *lazy) weigh() {
	p := z.window[z.index:z.end]
	counted := p
	if z.era >= Since1_18_2 {
		counted = p[:min(len(p), maxTokens)]
	}
	var freq [256]uint16
	for _, v := range counted {
		freq[v]++
	}
	z.c.build(z.costs[:], freq[:], maxBits)
	sum := int32(0)
	for i, v := range p {
		z.bits[z.index+i] = sum
		sum += int32(z.costs[v].len())
	}
	z.bits[z.end] = sum
}

// write writes the block up to the index.
func (z *lazy) write() {
	var raw []byte
	if z.begin <= z.index {
		raw = z.window[z.begin:z.index]
	}
	z.begin = z.index
	z.c.dynamic(&z.block, raw, z.closed)
	z.reset()
}

func (z *lazy) writeFull() {
	if z.n == maxTokens {
		z.write()
	}
}

// advance seeks a match at the index, and writes the one before where it is not
// shorter.
func (z *lazy) advance(left int) {
	z.enter()
	length, dist := z.length, z.dist
	z.length, z.dist = shortest-1, 0
	least := max(z.index-reach, 0)
	if at := z.first - z.base; at >= least && left > length && length < z.enough {
		z.seek(at, least, left)
	}
	if length < shortest || z.length > length {
		z.pass()
		return
	}
	if z.era >= Since1_15_15 {
		length, dist = z.shifted(length, dist, least, left)
	} else {
		length, dist = z.longer(length, dist, least, left)
	}
	z.match(int32(length), int32(dist))
	end := z.index + length - 1
	for i := z.index + 1; i < min(end, z.insertEnd); i++ {
		z.link(i)
	}
	z.index, z.waiting = end, false
	z.length, z.misses = shortest-1, 0
	z.writeFull()
}

// pass goes on without a match, faster when there was none for long.
func (z *lazy) pass() {
	if z.length >= shortest {
		z.misses = 0
	}
	if !z.waiting {
		z.index++
		z.waiting = true
		return
	}
	z.misses++
	z.literal(z.window[z.index-1])
	z.writeFull()
	z.index++
	n := int(z.misses) - z.chain
	if n <= 0 {
		return
	}
	for range 1 + n>>6 {
		if z.index >= z.end-1 {
			break
		}
		z.literal(z.window[z.index-1])
		z.writeFull()
		z.enter()
		z.index++
	}
	z.literal(z.window[z.index-1])
	z.waiting = false
	z.writeFull()
}

// common is how many bytes are equal from two indexes on; the first's end at end.
func (z *lazy) common(i, end, j int) int {
	a, b := z.window[i:end], z.window[j:]
	n := 0
	for len(a) >= 8 && len(b) >= 8 {
		if d := binary.LittleEndian.Uint64(a) ^ binary.LittleEndian.Uint64(b); d != 0 {
			return n + bits.TrailingZeros64(d)>>3
		}
		a, b = a[8:], b[8:]
		n += 8
	}
	for k := range a {
		if a[k] != b[k] {
			break
		}
		n++
	}
	return n
}

// seek goes through the chain from a place on, for a match at the index.
func (z *lazy) seek(at, least, left int) {
	pos := z.index
	most := min(left, maxLength)
	nice := min(z.nice, most)
	length, gain := shortest-1, 4
	if z.era < Since1_15_15 {
		gain = 0
	}
	last := z.window[pos+length]
	for tries := z.chain; tries > 0; tries-- {
		if z.window[at+length] == last {
			if n := z.common(pos, pos+most, at); n > length && z.gains(n, pos-at, &gain) {
				length = n
				z.length, z.dist = n, pos-at
				if n >= nice {
					return
				}
				last = z.window[pos+n]
			}
		}
		if at <= least {
			return
		}
		if at = int(z.prev[at&(reach-1)]) - z.base; at < least {
			return
		}
	}
}

// gains reports whether a match saves more bits than the best before it. Only
// level 9 asks.
func (z *lazy) gains(length, dist int, best *int) bool {
	if z.bits == nil {
		return true
	}
	token := 3
	if z.era < Since1_15_15 {
		token = 6
	}
	saved := int(z.bits[z.index+length]-z.bits[z.index]) - int(distBits[distCode(uint32(dist))]) - token - int(lengthBits[lengthCode[length-minLength]])
	if saved <= *best {
		return false
	}
	*best = saved
	return true
}

// longer looks where the last bytes of the match before the index occurred, for a
// longer one.
func (z *lazy) longer(length, dist, least, left int) (int, int) {
	from := z.index - 1
	if from+length+2 >= z.insertEnd {
		return length, dist
	}
	at := int(z.head[z.hash(from+length-2)]) - z.base - length + 2
	if at > least {
		if n := z.common(from, from+min(left, maxLength), at); n > length {
			return n, from - at
		}
	}
	return length, dist
}

// shifted looks where the bytes behind the match before the index occurred, for a
// longer one of which the first two bytes may be others. Those are then written
// as literals.
func (z *lazy) shifted(length, dist, least, left int) (int, int) {
	const other = 2
	from := z.index - 1
	if length >= maxLength-other || from+length >= z.insertEnd {
		return length, dist
	}
	at := int(z.head[z.hash(from+length)]) - z.base - length
	if from-at == dist || at <= least+other {
		return length, dist
	}
	n := z.common(from+other, from+min(left, maxLength+other), at+other)
	if n <= length {
		return length, dist
	}
	owed := other
	for owed > 0 && n < maxLength && z.window[from+owed-1] == z.window[at+owed-1] {
		owed--
		n++
	}
	for i := range owed {
		z.literal(z.window[from+i])
		z.writeFull()
		z.index++
		z.enter()
	}
	return n, from - at
}
