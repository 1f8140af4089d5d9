package kflate

import (
	"encoding/binary"
	"math/bits"
)

const (
	tiny      = 128          // bytes of a block that is hardly worth a search
	margin    = 12 - 1       // bytes at the end at which no match begins
	tableBits = 15           // of most tables of places
	history   = 5 * maxBlock // bytes that are kept before they are moved down
	farOff    = 1 << 16      // where places begin, so that an empty one is too far away
	rebase    = 1 << 30      // where places are counted anew
	prime4    = 2654435761   // multipliers of hashes
	prime5    = 889523592379 //
	prime7    = 58295818150454627
)

// fast is a level from 1 to 6: blocks of 65,535 bytes, searched by themselves but
// for the 32 KiB before them.
type fast struct {
	simple
	block
	search finder
	past   *past
}

// finder finds the matches in the bytes of the past from a place on, and puts
// them into a block.
type finder interface {
	find(b *block, from int32)
	tables() ([]int32, []slot)
}

func newFast(c *coder, level int) *fast {
	f := &fast{simple: simple{c: c, buf: make([]byte, 0, maxBlock)}}
	f.past = &past{bytes: make([]byte, 0, history), base: farOff}
	f.era = c.era
	switch level {
	case 1, 2:
		f.search = newSingle(f.past, c.era, level)
	case 3:
		f.search = newDouble(f.past, c.era)
	case 4:
		f.search = newTwoSizes(f.past, c.era)
	default:
		f.search = newTwoSlots(f.past, c.era, level)
	}
	return f
}

// restart puts everything out of reach, and then takes a dictionary.
func (f *fast) restart(dict []byte) {
	f.buf = f.buf[:0]
	f.past.restart()
	f.reset()
	if len(dict) > 0 {
		f.encode(dict)
		f.reset()
	}
}

func (f *fast) encode(p []byte) {
	f.past.count(f.search.tables())
	from := f.past.add(p)
	if len(p) < margin+2 {
		f.n = len(p) // it is all literals
		return
	}
	f.search.find(&f.block, from)
}

func (f *fast) step(closed bool) {
	p := f.buf
	if len(p) == 0 {
		return
	}
	newer := f.c.era >= Since1_20_4
	if closed && len(p) < tiny && (!newer || f.c.closing && len(f.past.bytes) == 0) {
		if len(p) <= 32 {
			f.c.stored(p)
		} else {
			f.c.literalBlock(p, true)
		}
		f.restart(nil)
		return
	}
	f.encode(p)
	switch {
	case f.n == 0 && !(newer && len(p) < tiny), newer && len(p) < margin+2: // no match
		f.c.stored(p)
	case f.n == 0, f.n > len(p)-len(p)>>4:
		f.c.literalBlock(p, closed)
	default:
		f.c.dynamic(&f.block, p, closed)
	}
	f.reset()
	f.buf = f.buf[:0]
}

// past holds what matches may refer to. Tables hold places: an index into the
// bytes, plus base.
type past struct {
	bytes []byte
	base  int32
}

func (p *past) restart() {
	p.base += reach + int32(len(p.bytes))
	p.bytes = p.bytes[:0]
}

// add takes a block and gives its index.
func (p *past) add(b []byte) int32 {
	if len(p.bytes)+len(b) > cap(p.bytes) {
		down := len(p.bytes) - reach
		copy(p.bytes, p.bytes[down:])
		p.bytes = p.bytes[:reach]
		p.base += int32(down)
	}
	from := len(p.bytes)
	p.bytes = append(p.bytes, b...)
	return int32(from)
}

// count counts places anew before they become too large.
func (p *past) count(single []int32, slots []slot) {
	if p.base < rebase {
		return
	}
	down := p.base - farOff
	for i := range single {
		single[i] = max(single[i]-down, 0)
	}
	for i := range slots {
		slots[i].last, slots[i].before = max(slots[i].last-down, 0), max(slots[i].before-down, 0)
	}
	p.base = farOff
}

// slot holds the last two places with one hash.
type slot struct{ last, before int32 }

func (s *slot) push(place int32) { s.last, s.before = place, s.last }

func load32(p []byte, i int32) uint32 { return binary.LittleEndian.Uint32(p[i:]) }
func load64(p []byte, i int32) uint64 { return binary.LittleEndian.Uint64(p[i:]) }

func hash4(v uint64) uint32 { return uint32(v) * prime4 >> (32 - tableBits) }
func hash7(v uint64) uint32 { return uint32(v << 8 * prime7 >> (64 - tableBits)) }

// hasher hashes the first bytes of eight.
type hasher struct {
	drop  uint // bits
	mul   uint64
	shift uint
}

func (h hasher) of(v uint64) uint32 { return uint32(v << (h.drop & 63) * h.mul >> (h.shift & 63)) }

// alike is how many bytes are equal from two indexes on; s is the later one.
func alike(p []byte, s, t int32) int32 {
	a, b := p[s:], p[t:]
	n := int32(0)
	for len(a) >= 8 {
		if d := binary.LittleEndian.Uint64(a) ^ binary.LittleEndian.Uint64(b); d != 0 {
			return n + int32(bits.TrailingZeros64(d)>>3)
		}
		a, b = a[8:], b[8:]
		n += 8
	}
	for i := range a {
		if a[i] != b[i] {
			break
		}
		n++
	}
	return n
}

// alikeFrom is alike past the first four bytes, those counted, for no more than
// one match.
func alikeFrom(p []byte, s, t int32) int32 {
	return alike(p[:min(int(s)+maxLength, len(p))], s+4, t+4) + 4
}

// found is a match.
type found struct {
	s, t   int32 // the indexes of its bytes, and of the same ones before
	length int32 // 0 where it was not counted yet
	next   int32 // the index that was to be searched next
}

// put emits a match, begun earlier where the bytes before are equal too, behind
// the bytes since the last one. It gives the index behind it.
func (m *found) put(b *block, p []byte, emit int32) int32 {
	for m.t > 0 && m.s > emit && p[m.t-1] == p[m.s-1] {
		m.s--
		m.t--
		m.length++
	}
	b.literals(p[emit:m.s])
	b.match(m.length, m.s-m.t)
	return m.s + m.length
}
