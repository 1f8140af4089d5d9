package kzstd

import (
	"errors"
	"math/bits"
)

const (
	maxSymbols  = 64 // no code of a sequence is greater
	minTableLog = 5
	maxTableLog = 8
)

var errTable = errors.New("the counts give no table")

// table is one of finite state entropy (RFC 8878, 4.1) as an encoder needs it.
type table struct {
	log     uint8 // of the number of states; 0 when one symbol is all
	symbols int   // up to the last that occurs
	norm    [maxSymbols]int16
	states  [1 << maxTableLog]uint16
	trans   [maxSymbols]transition
	single  bool // one symbol is all
}

// transition says how a symbol changes the state: that many of its bits are
// written, the rest is found at find in states.
type transition struct {
	bits uint32 // (number << 16) - the least state for it
	find int32
}

// cannot is the size of what a table does not code.
const cannot = ^uint32(0)

func high(v uint32) uint32 { return uint32(bits.Len32(v) - 1) }

// build makes states and transitions from the normalised counts.
func (t *table) build() error {
	size := uint32(1) << t.log
	var starts [maxSymbols + 1]uint32
	var symbolAt [1 << maxTableLog]uint8
	top := size - 1
	for i, n := range t.norm[:t.symbols] {
		if n == -1 {
			symbolAt[top] = uint8(i)
			top--
			n = 1
		}
		starts[i+1] = starts[i] + uint32(n)
	}
	if starts[t.symbols] != size {
		return errTable
	}
	step := size>>1 + size>>3 + 3
	pos := uint32(0)
	for i, n := range t.norm[:t.symbols] {
		for ; n > 0; n-- {
			symbolAt[pos] = uint8(i)
			for pos = (pos + step) & (size - 1); pos > top; pos = (pos + step) & (size - 1) {
			}
		}
	}
	next := starts
	for i, s := range symbolAt[:size] {
		t.states[next[s]] = uint16(size) + uint16(i)
		next[s]++
	}
	for i, n := range t.norm[:t.symbols] {
		if n == 0 {
			continue
		}
		if n == -1 {
			n = 1
		}
		most := uint32(t.log)
		if n > 1 {
			most -= high(uint32(n - 1))
		}
		t.trans[i] = transition{most<<16 - uint32(n)<<most, int32(starts[i]) - int32(n)}
	}
	return nil
}

// one makes the table of a single symbol.
func (t *table) one(symbol uint8) {
	t.log, t.single, t.symbols = 0, true, int(symbol)+1
	t.states[0] = 0
	t.trans[symbol] = transition{}
}

// state is where a table stands while symbols are coded, the last first.
type state struct {
	t *table
	v uint32
}

func (t *table) start(symbol uint8) state {
	tr := t.trans[symbol]
	if t.single {
		return state{t, 0}
	}
	n := (tr.bits + 1<<15) >> 16
	return state{t, uint32(t.states[int32((n<<16-tr.bits)>>n)+tr.find])}
}

func (s *state) put(w *bitWriter, symbol uint8) {
	tr := s.t.trans[symbol]
	n := (s.v + tr.bits) >> 16
	w.put(uint64(s.v&(1<<n-1)), uint(n))
	s.v = uint32(s.t.states[int32(s.v>>n)+tr.find])
}

func (s *state) end(w *bitWriter) { w.low(s.v, s.t.log) }

// size estimates the bits that symbols take which occur as often as counts says.
func (t *table) size(counts []uint32) uint32 {
	if t == nil || t.single || t.symbols < len(counts) {
		return cannot
	}
	const scale = 8 // binary digits of a fraction of a bit
	var sum uint32
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if t.norm[i] == 0 {
			return cannot
		}
		least := t.trans[i].bits >> 16
		above := (least+1)<<16 - (t.trans[i].bits + 1<<t.log)
		cost := (least+1)<<scale - above<<scale>>t.log
		if cost > (uint32(t.log)+1)<<scale {
			return cannot
		}
		sum += n * cost
	}
	return sum >> scale
}

// longestHeader estimates the bits of the table's description.
func (t *table) longestHeader() uint32 {
	return (uint32(t.symbols)*uint32(t.log)>>3 + 3) * 8
}

// describe appends the description (RFC 8878, 4.1.1).
func (t *table) describe(out []byte) []byte {
	w := bitWriter{out: out}
	w.put(uint64(t.log-minTableLog), 4)
	left, threshold, width := int32(1)<<t.log+1, int32(1)<<t.log, uint(t.log)+1
	zero := false
	for i := 0; left > 1; {
		if zero {
			from := i
			for t.norm[i] == 0 {
				i++
			}
			w.zeros(i - from)
		}
		n := int32(t.norm[i])
		i++
		most := 2*threshold - 1 - left
		left -= max(n, -n)
		zero = n == 0
		n++
		if n >= threshold {
			n += most
		}
		if n < most {
			w.put(uint64(n), width-1)
		} else {
			w.put(uint64(n), width)
		}
		for left < threshold {
			width--
			threshold >>= 1
		}
	}
	return w.bytes()
}

// zeros writes how many more symbols do not occur.
func (b *bitWriter) zeros(n int) {
	for ; n >= 3; n -= 3 {
		b.put(3, 2)
	}
	b.put(uint64(n), 2)
}
