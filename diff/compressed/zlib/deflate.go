package zlib

import (
	"fmt"
	"io"
)

// Variant is whose choices are made.
type Variant int

// The variants.
const (
	Zlib Variant = iota
	GNUGzip
)

// Sizes that both variants share.
const (
	wSize     = 32 << 10
	wMask     = wSize - 1
	minMatch  = 3
	maxMatch  = 258
	minAhead  = maxMatch + minMatch + 1
	maxDist   = wSize - minAhead
	tooFar    = 4096 // a match of three bytes from farther costs more than literals
	hashSize  = 1 << 15
	hashMask  = hashSize - 1
	hashShift = 5
)

// effort is what a level means: when to search less (good), when not to look for
// a better match (lazy), when to be content (nice), how far to search (chain).
type effort struct {
	good, lazy, nice, chain int
	slow                    bool
}

var efforts = [10]effort{
	1: {4, 4, 8, 4, false}, 2: {4, 5, 16, 8, false}, 3: {4, 6, 32, 32, false},
	4: {4, 4, 16, 16, true}, 5: {8, 16, 32, 32, true}, 6: {8, 16, 128, 128, true},
	7: {8, 32, 128, 256, true}, 8: {32, 128, 258, 1024, true}, 9: {32, 258, 258, 4096, true},
}

// Writer compresses what is written to it. Its output is complete after Close.
type Writer struct {
	effort
	trees
	window, pending   []byte
	head, prev        []uint16
	hash              int
	pos, ahead, begin int // where it is, what is read after it, where the block began
	length, from      int // of the match here
	prevLength        int
	prevFrom          int
	waiting           bool // the byte before is not yet decided on
	err               error
}

// NewWriter makes one of a level from 1 to 9.
func NewWriter(w io.Writer, v Variant, level int) (*Writer, error) {
	if level < 1 || level > 9 {
		return nil, fmt.Errorf("deflate of level %d", level)
	}
	z := &Writer{effort: efforts[level], window: make([]byte, 2*wSize+maxMatch), head: make([]uint16, hashSize), prev: make([]uint16, wSize),
		length: minMatch - 1, prevLength: minMatch - 1}
	z.trees.start(w, v, level)
	return z, nil
}

// Write takes more input. It is handed on in pieces as large as the window has
// room for, as a program does that reads a file: GNU gzip looks past the end of
// its input, at what the piece before has left there.
func (z *Writer) Write(p []byte) (int, error) {
	z.pending = append(z.pending, p...)
	for z.err == nil && len(z.pending) >= z.room() {
		z.fill()
		z.run(false)
	}
	if z.err != nil {
		return 0, z.err
	}
	return len(p), nil
}

// Close ends the stream.
func (z *Writer) Close() error {
	for z.err == nil && len(z.pending) > 0 {
		z.fill()
		z.run(false)
	}
	if z.err != nil {
		return z.err
	}
	z.slide()
	if z.v == GNUGzip {
		clear(z.window[z.pos+z.ahead:][:minMatch-1])
	}
	z.run(true)
	if z.waiting && z.err == nil {
		z.waiting = false
		z.literal(z.window[z.pos-1])
	}
	if z.err == nil {
		z.block(true)
	}
	return z.err
}

// room is how much input the window takes now.
func (z *Writer) room() int {
	n := 2*wSize - z.pos - z.ahead
	if z.pos >= wSize+maxDist {
		n += wSize
	}
	return n
}

// slide moves the window's second half to its beginning when it is used up.
func (z *Writer) slide() {
	if z.pos < wSize+maxDist {
		return
	}
	copy(z.window[:wSize], z.window[wSize:2*wSize])
	z.from, z.pos, z.begin = z.from-wSize, z.pos-wSize, z.begin-wSize
	z.prevFrom -= wSize
	for _, t := range [][]uint16{z.head, z.prev} {
		for i, v := range t {
			if v >= wSize {
				t[i] = v - wSize
			} else {
				t[i] = 0
			}
		}
	}
}

// fill takes input into the window.
func (z *Writer) fill() {
	z.slide()
	n := copy(z.window[z.pos+z.ahead:2*wSize], z.pending)
	z.pending = z.pending[:copy(z.pending, z.pending[n:])]
	z.ahead += n
	if z.ahead >= minMatch {
		z.rehash()
	}
}

func (z *Writer) rehash() {
	z.hash = (int(z.window[z.pos])<<hashShift ^ int(z.window[z.pos+1])) & hashMask
}

// insert makes the string here known, and gives the last place with its hash.
func (z *Writer) insert() int {
	z.hash = (z.hash<<hashShift ^ int(z.window[z.pos+2])) & hashMask
	at := int(z.head[z.hash])
	z.prev[z.pos&wMask] = uint16(at)
	z.head[z.hash] = uint16(z.pos)
	return at
}

func (z *Writer) run(end bool) {
	for z.err == nil && (z.ahead >= minAhead || end && z.ahead > 0) {
		if z.slow {
			z.lazily()
		} else {
			z.greedily()
		}
	}
}

// longest finds the longest match from the chain that begins at a place.
func (z *Writer) longest(at int) int {
	chain, best, nice := z.chain, z.prevLength, z.nice
	if z.prevLength >= z.good {
		chain >>= 2
	}
	if z.v == Zlib {
		nice = min(nice, z.ahead)
	}
	limit := max(0, z.pos-maxDist)
	w := z.window
	scan := w[z.pos : z.pos+maxMatch]
	for {
		m := w[at : at+maxMatch]
		if best >= maxMatch || m[best] == scan[best] && m[best-1] == scan[best-1] && m[0] == scan[0] && m[1] == scan[1] {
			n := 2
			for n < maxMatch && m[n] == scan[n] {
				n++
			}
			if n > best {
				z.from, best = at, n
				if n >= nice {
					break
				}
			}
		}
		at = int(z.prev[at&wMask])
		if chain--; at <= limit || chain == 0 {
			break
		}
	}
	return min(best, z.ahead)
}

// lazily decides on the byte before this one, knowing what begins here.
func (z *Writer) lazily() {
	at := 0
	if z.ahead >= minMatch {
		at = z.insert()
	}
	z.prevLength, z.prevFrom = z.length, z.from
	z.length = minMatch - 1
	if at != 0 && z.prevLength < z.lazy && z.pos-at <= maxDist {
		z.length = z.longest(at)
		if z.length == minMatch && z.pos-z.from > tooFar {
			z.length = minMatch - 1
		}
	}
	switch {
	case z.prevLength >= minMatch && z.length <= z.prevLength:
		last := z.pos + z.ahead - minMatch
		full := z.match(z.pos-1-z.prevFrom, z.prevLength-minMatch)
		z.ahead -= z.prevLength - 1
		for range z.prevLength - 2 {
			if z.pos++; z.pos <= last {
				z.insert()
			}
		}
		z.waiting, z.length = false, minMatch-1
		z.pos++
		if full {
			z.block(false)
		}
	case z.waiting:
		if z.literal(z.window[z.pos-1]) {
			z.block(false)
		}
		z.pos, z.ahead = z.pos+1, z.ahead-1
	default:
		z.waiting = true
		z.pos, z.ahead = z.pos+1, z.ahead-1
	}
}

// greedily takes the match that begins here.
func (z *Writer) greedily() {
	at := 0
	if z.ahead >= minMatch {
		at = z.insert()
	}
	z.prevLength = minMatch - 1
	if at != 0 && z.pos-at <= maxDist {
		z.length = z.longest(at)
	}
	var full bool
	if z.length >= minMatch {
		full = z.match(z.pos-z.from, z.length-minMatch)
		z.ahead -= z.length
		if z.length <= z.lazy && z.ahead >= minMatch {
			for range z.length - 1 {
				z.pos++
				z.insert()
			}
			z.pos++
		} else {
			z.pos += z.length
			z.rehash()
		}
		z.length = 0
	} else {
		full = z.literal(z.window[z.pos])
		z.pos, z.ahead = z.pos+1, z.ahead-1
	}
	if full {
		z.block(false)
	}
}

// block writes what was gathered. Of a block that began before the window only
// the codes are left.
func (z *Writer) block(last bool) {
	var raw []byte
	if z.begin >= 0 {
		raw = z.window[z.begin:z.pos]
	}
	z.err = z.flush(raw, z.pos-z.begin, last)
	z.begin = z.pos
}
