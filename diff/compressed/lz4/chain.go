package lz4

import "encoding/binary"

// Numbers of the search in chains (lz4hc.c).
const (
	hcHash     = 15
	hcFirst    = 1 << 16 // number of a block's first byte; lower ones are in no block
	hcWindow   = 1 << 16
	hcOptimal  = 18 // a length that the first of several matches is cut to
	hcPatterns = 128
)

// attempts are how many places each level looks at.
func attempts(level int) int { return 4 << (level - 3) }

// chains find earlier places with the same four bytes.
type chains struct {
	src      []byte
	hash     [1 << hcHash]uint32
	chain    [hcWindow]uint16 // how far back the next place is, by a place's low bits
	next     int              // the first place that is not known yet
	attempts int
}

func (c *chains) start(src []byte) {
	c.src, c.next = src, 0
	clear(c.hash[:])
}

func (c *chains) word(at int) uint32 { return binary.LittleEndian.Uint32(c.src[at:]) }

func hcHashOf(v uint32) uint32 { return v * 2654435761 >> (32 - hcHash) }

// insert makes all places before one known.
func (c *chains) insert(to int) {
	for ; c.next < to; c.next++ {
		h := hcHashOf(c.word(c.next))
		n := uint32(c.next) + hcFirst
		c.chain[uint16(n)] = uint16(min(n-c.hash[h], maxDistance))
		c.hash[h] = n
	}
}

// wider is a match that may begin before the place that was asked for.
type wider struct{ len, off, back int }

func (c *chains) before(n uint32) uint32 { return uint32(c.chain[uint16(n)]) }

// widest finds the longest match longer than a length around a place, not before
// low and not behind high.
func (c *chains) widest(at, low, high, longest int) (m wider) {
	m.len = longest
	c.insert(at)
	here := uint32(at) + hcFirst
	lowest := uint32(hcFirst)
	if here > hcFirst+maxDistance {
		lowest = here - maxDistance
	}
	look := at - low
	pattern := c.word(at)
	run, tested := 0, false // of one byte repeated, here
	n := c.hash[hcHashOf(pattern)]
	for tries := c.attempts; n >= lowest && tries > 0; tries-- {
		p := int(n - hcFirst)
		if binary.LittleEndian.Uint16(c.src[low+m.len-1:]) == binary.LittleEndian.Uint16(c.src[p-look+m.len-1:]) && c.word(p) == pattern {
			back := 0
			for back < look && back < p && c.src[at-back-1] == c.src[p-back-1] {
				back++
			}
			l := minMatch
			for at+l < high && c.src[at+l] == c.src[p+l] {
				l++
			}
			if l+back > m.len {
				m = wider{l + back, int(here - n), back}
			}
		}
		step := c.before(n)
		if c.attempts > hcPatterns && step == 1 {
			if !tested {
				tested = true
				if pattern&0xffff == pattern>>16 && pattern&0xff == pattern>>24 {
					run = minMatch + c.repeated(at+minMatch, high, byte(pattern))
				}
			}
			if run > 0 && n-1 >= lowest && c.word(int(n-1-hcFirst)) == pattern {
				var ok bool
				if n, ok = c.leap(n-1, here, lowest, high, run, byte(pattern), look == 0, &m); !ok {
					break
				}
				continue
			}
		}
		n -= step
	}
	return m
}

// repeated counts how often a byte stands there.
func (c *chains) repeated(at, high int, b byte) (n int) {
	for at+n < high && c.src[at+n] == b {
		n++
	}
	return n
}

// leap goes, among places that repeat one byte as this one does, to the best of
// them. It is false when the search is over.
func (c *chains) leap(n, here, lowest uint32, high, run int, b byte, noBack bool, m *wider) (uint32, bool) {
	p := int(n - hcFirst)
	forward := minMatch + c.repeated(p+minMatch, high, b)
	back := 0
	for p-back > 0 && c.src[p-back-1] == b {
		back++
	}
	back = int(n - max(n-min(n, uint32(back)), lowest))
	if back+forward >= run && forward <= run {
		return n + uint32(forward) - uint32(run), true
	}
	n -= uint32(back)
	if !noBack {
		return n, true
	}
	if most := min(back+forward, run); m.len < most {
		if here-n > maxDistance {
			return n, false
		}
		*m = wider{most, int(here - n), 0}
	}
	step := c.before(n)
	return n - step, step <= n
}

// hcEncoder compresses blocks by chains.
type hcEncoder struct {
	encoder
	chains
	anchor int
}

// block is encoder.block at a level from 3 to 9.
func (e *hcEncoder) block(out, src []byte, limit, level int) ([]byte, bool) {
	e.encoder.src, e.out, e.limit, e.anchor = src, out[:0], limit, 0
	e.chains.start(src)
	e.chains.attempts = attempts(level)
	if len(src) > matchLimit && !e.matches() {
		return nil, false
	}
	n := len(src) - e.anchor
	if !e.room(n + 1 + (n+255-15)/255) {
		return nil, false
	}
	e.token(n, 0)
	e.out = append(e.out, src[e.anchor:]...)
	return e.out, true
}

// put writes a match and the literals before it.
func (e *hcEncoder) put(at int, m wider) bool {
	n, code := at-e.anchor, m.len-minMatch
	if !e.room(1 + n/255 + n + 2 + 1 + lastLiterals) {
		return false
	}
	e.token(n, code)
	e.out = append(e.out, e.chains.src[e.anchor:at]...)
	e.out = binary.LittleEndian.AppendUint16(e.out, uint16(m.off))
	if !e.room(code/255 + 1 + lastLiterals) {
		return false
	}
	if code >= 15 {
		e.rest(code - 15)
	}
	e.anchor = at + m.len
	return true
}

// three are the matches that are weighed against each other: where they begin,
// and what they are.
type three struct {
	at, at2, at3 int
	m, m2, m3    wider
}

// cut gives the second match what of the first it does better.
func (t *three) cut() {
	if t.at2-t.at >= hcOptimal {
		return
	}
	n := min(t.m.len, hcOptimal)
	if t.at+n > t.at2+t.m2.len-minMatch {
		n = t.at2 - t.at + t.m2.len - minMatch
	}
	if more := n - (t.at2 - t.at); more > 0 {
		t.at2, t.m2.len = t.at2+more, t.m2.len-more
	}
}

// matches writes all matches; false when there is no room for them.
func (e *hcEncoder) matches() bool {
	last, high := len(e.chains.src)-matchLimit, len(e.chains.src)-lastLiterals
	var t three
	for t.at <= last {
		if t.m = e.widest(t.at, t.at, high, minMatch-1); t.m.len < minMatch {
			t.at++
			continue
		}
		if !e.weigh(&t, last, high) {
			return false
		}
		t.at = e.anchor
	}
	return true
}

// weigh writes the match at hand, or better ones that overlap it, until none
// follows.
func (e *hcEncoder) weigh(t *three, last, high int) bool {
	at0, m0 := t.at, t.m
	for {
		t.m2 = wider{}
		if t.at+t.m.len <= last {
			t.at2 = t.at + t.m.len - 2
			t.m2 = e.widest(t.at2, t.at, high, t.m.len)
			t.at2 -= t.m2.back
		}
		if t.m2.len <= t.m.len {
			return e.put(t.at, t.m)
		}
		if at0 < t.at && t.at2 < t.at+m0.len {
			t.at, t.m = at0, m0
		}
		if t.at2-t.at < 3 {
			t.at, t.m = t.at2, t.m2
			continue
		}
		again, ok := e.third(t, last, high)
		if !again {
			return ok
		}
		// The third match becomes the first; what it displaced may come back.
		at0, m0 = t.at2, t.m2
		t.at, t.m = t.at3, t.m3
	}
}

// third looks for a match behind the second, and writes as many as are decided
// on. Again says that the first was written, and the third is the next first.
func (e *hcEncoder) third(t *three, last, high int) (again, ok bool) {
	for {
		t.cut()
		t.m3 = wider{}
		if t.at2+t.m2.len <= last {
			t.at3 = t.at2 + t.m2.len - 3
			t.m3 = e.widest(t.at3, t.at2, high, t.m2.len)
			t.at3 -= t.m3.back
		}
		end := t.at + t.m.len
		if t.m3.len <= t.m2.len {
			if t.at2 < end {
				t.m.len = t.at2 - t.at
			}
			return false, e.put(t.at, t.m) && e.put(t.at2, t.m2)
		}
		if t.at3 < end+3 {
			if t.at3 < end {
				t.at2, t.m2 = t.at3, t.m3
				continue
			}
			if t.at2 < end {
				more := end - t.at2
				if t.at2, t.m2.len = t.at2+more, t.m2.len-more; t.m2.len < minMatch {
					t.at2, t.m2 = t.at3, t.m3
				}
			}
			return true, e.put(t.at, t.m)
		}
		if t.at2 < end {
			if t.at2-t.at < hcOptimal {
				t.m.len = min(t.m.len, hcOptimal)
				if t.at+t.m.len > t.at2+t.m2.len-minMatch {
					t.m.len = t.at2 - t.at + t.m2.len - minMatch
				}
				if more := t.m.len - (t.at2 - t.at); more > 0 {
					t.at2, t.m2.len = t.at2+more, t.m2.len-more
				}
			} else {
				t.m.len = t.at2 - t.at
			}
		}
		if !e.put(t.at, t.m) {
			return false, false
		}
		t.at, t.m, t.at2, t.m2 = t.at2, t.m2, t.at3, t.m3
	}
}
