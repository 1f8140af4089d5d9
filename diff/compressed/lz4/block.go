package lz4

import "encoding/binary"

// Numbers of the block format and of the fast search (lz4.c).
const (
	minMatch     = 4
	lastLiterals = 5
	matchLimit   = 12 // a match does not begin in the last bytes
	maxDistance  = 65535
	shortBlock   = 64<<10 + matchLimit - 1 // shorter ones use a table of their own kind
	skipTrigger  = 6
	noLimit      = -1
)

// encoder compresses blocks, each for itself.
type encoder struct {
	src   []byte
	table [1 << 13]uint32
	short bool
	out   []byte
	limit int
}

// hash is of four bytes in short blocks, else of five.
func (e *encoder) hash(at int) uint32 {
	if e.short {
		return binary.LittleEndian.Uint32(e.src[at:]) * 2654435761 >> (32 - 13)
	}
	return uint32(binary.LittleEndian.Uint64(e.src[at:]) << 24 * 889523592379 >> (64 - 12))
}

func (e *encoder) same(a, b int) bool {
	return binary.LittleEndian.Uint32(e.src[a:]) == binary.LittleEndian.Uint32(e.src[b:])
}

// block compresses one, in at most limit bytes; false when that is not enough.
func (e *encoder) block(out, src []byte, limit int) ([]byte, bool) {
	e.src, e.out, e.limit, e.short = src, out[:0], limit, len(src) < shortBlock
	clear(e.table[:])
	anchor := 0
	if len(src) > matchLimit {
		var ok bool
		if anchor, ok = e.sequences(); !ok {
			return nil, false
		}
	}
	n := len(src) - anchor
	if !e.room(n + 1 + (n+255-15)/255) {
		return nil, false
	}
	e.token(n, 0)
	e.out = append(e.out, src[anchor:]...)
	return e.out, true
}

// room reports whether so many more bytes may come.
func (e *encoder) room(n int) bool { return e.limit == noLimit || len(e.out)+n <= e.limit }

// token begins a sequence of n literals, and a match code that may be patched.
func (e *encoder) token(n, match int) {
	e.out = append(e.out, byte(min(n, 15)<<4|min(match, 15)))
	if n >= 15 {
		e.rest(n - 15)
	}
}

// rest writes what is left of a length.
func (e *encoder) rest(n int) {
	for ; n >= 255; n -= 255 {
		e.out = append(e.out, 255)
	}
	e.out = append(e.out, byte(n))
}

// sequences writes all matches with the literals before them, and says where the
// last literals begin.
func (e *encoder) sequences() (anchor int, ok bool) {
	last := len(e.src) - matchLimit + 1
	e.table[e.hash(0)] = 0
	at, ahead := 1, e.hash(1)
	for {
		match, from, found := e.search(at, ahead, last)
		if !found {
			return anchor, true
		}
		for at = from; at > anchor && match > 0 && e.src[at-1] == e.src[match-1]; {
			at, match = at-1, match-1
		}
		n := at - anchor
		if !e.room(1 + n + 2 + 1 + lastLiterals + n/255) {
			return 0, false
		}
		token := len(e.out)
		e.token(n, 0)
		e.out = append(e.out, e.src[anchor:at]...)
		for {
			if at, ok = e.match(token, at, match); !ok {
				return 0, false
			}
			if anchor = at; at >= last {
				return anchor, true
			}
			e.table[e.hash(at-2)] = uint32(at - 2)
			h := e.hash(at)
			match = int(e.table[h])
			e.table[h] = uint32(at)
			if !e.near(match, at) || !e.same(match, at) {
				break
			}
			token = len(e.out)
			e.token(0, 0)
		}
		at++
		ahead = e.hash(at)
	}
}

func (e *encoder) near(match, at int) bool { return e.short || match+maxDistance >= at }

// search goes on, in ever larger steps, until four bytes are found again.
func (e *encoder) search(at int, h uint32, last int) (match, from int, ok bool) {
	next, step, tries := at, 1, 1<<skipTrigger
	for {
		from = next
		match = int(e.table[h])
		next += step
		step = tries >> skipTrigger
		tries++
		if next > last {
			return 0, 0, false
		}
		ahead := e.hash(next)
		e.table[h] = uint32(from)
		h = ahead
		if e.near(match, from) && e.same(match, from) {
			return match, from, true
		}
	}
}

// match writes a match's distance and length, the latter's beginning into the
// token, and gives the place behind it.
func (e *encoder) match(token, at, match int) (int, bool) {
	e.out = binary.LittleEndian.AppendUint16(e.out, uint16(at-match))
	n, end := minMatch, len(e.src)-lastLiterals
	for at+n < end && e.src[at+n] == e.src[match+n] {
		n++
	}
	code := n - minMatch
	if !e.room(1 + lastLiterals + (code+240)/255) {
		return 0, false
	}
	e.out[token] |= byte(min(code, 15))
	if code >= 15 {
		e.rest(code - 15)
	}
	return at + n, true
}
