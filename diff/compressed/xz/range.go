package xz

import "math/bits"

// prob is the probability that a bit is zero, in 2,048ths.
type prob = uint16

const (
	probBits = 11
	probInit = 1 << probBits / 2
	moveBits = 5
	top      = 1 << 24
)

func reset(ps []prob) {
	for i := range ps {
		ps[i] = probInit
	}
}

// rangeCoder writes bits by their probabilities.
type rangeCoder struct {
	low    uint64
	held   int // bytes that a carry may still change
	size   uint32
	cached byte
	out    []byte
}

func (r *rangeCoder) start() {
	r.low, r.held, r.size, r.cached = 0, 1, 1<<32-1, 0
}

// pending is how many bytes will come at most when it is flushed.
func (r *rangeCoder) pending() int { return r.held + 4 }

func (r *rangeCoder) shift() {
	if uint32(r.low) < 0xff000000 || r.low>>32 != 0 {
		carry := byte(r.low >> 32)
		r.out = append(r.out, r.cached+carry)
		for ; r.held > 1; r.held-- {
			r.out = append(r.out, 0xff+carry)
		}
		r.held = 0
		r.cached = byte(r.low >> 24)
	}
	r.held++
	r.low = r.low & 0x00ffffff << 8
}

func (r *rangeCoder) flush() {
	if r.size < top {
		r.shift()
	}
	for range 5 {
		r.shift()
	}
	r.start()
}

func (r *rangeCoder) bit(p *prob, bit uint32) {
	if r.size < top {
		r.shift()
		r.size <<= 8
	}
	bound := r.size >> probBits * uint32(*p)
	if bit == 0 {
		r.size = bound
		*p += (1<<probBits - *p) >> moveBits
		return
	}
	r.low += uint64(bound)
	r.size -= bound
	*p -= *p >> moveBits
}

// tree writes a symbol of n bits, the highest first.
func (r *rangeCoder) tree(ps []prob, n int, symbol uint32) {
	m := uint32(1)
	for n--; n >= 0; n-- {
		b := symbol >> n & 1
		r.bit(&ps[m], b)
		m = m<<1 | b
	}
}

// reverse writes the n low bits of a symbol, the lowest first. Its model m lies
// at ps[base+m]; base may be -1.
func (r *rangeCoder) reverse(ps []prob, base, n int, symbol uint32) {
	m := 1
	for range n {
		b := symbol & 1
		symbol >>= 1
		r.bit(&ps[base+m], b)
		m = m<<1 | int(b)
	}
}

// direct writes n bits that are as often zero as one.
func (r *rangeCoder) direct(v uint32, n int) {
	for n--; n >= 0; n-- {
		if r.size < top {
			r.shift()
			r.size <<= 8
		}
		r.size >>= 1
		if v>>n&1 != 0 {
			r.low += uint64(r.size)
		}
	}
}

// prices are what a bit costs, in sixteenths of a bit, by the probability that it
// had in 128ths. The library comes to them by squaring, with 16 bits of each
// square kept.
var prices = func() (t [128]uint8) {
	for i := range t {
		w, cost := uint32(i*16+8), 0
		for range 4 {
			w *= w
			cost <<= 1
			for w >= 1<<16 {
				w >>= 1
				cost++
			}
		}
		t[i] = uint8(probBits<<4 - 15 - cost)
	}
	return t
}()

func price0(p prob) uint32 { return uint32(prices[p>>4]) }
func price1(p prob) uint32 { return uint32(prices[(p^(1<<probBits-1))>>4]) }

func price(p prob, bit uint32) uint32 {
	return uint32(prices[(p^prob(-bit)&(1<<probBits-1))>>4])
}

func treePrice(ps []prob, n int, symbol uint32) (sum uint32) {
	for symbol += 1 << n; symbol != 1; {
		b := symbol & 1
		symbol >>= 1
		sum += price(ps[symbol], b)
	}
	return sum
}

func reversePrice(ps []prob, base, n int, symbol uint32) (sum uint32) {
	m := 1
	for range n {
		b := symbol & 1
		symbol >>= 1
		sum += price(ps[base+m], b)
		m = m<<1 | int(b)
	}
	return sum
}

// distSlot is a distance's highest bit and the one below it.
func distSlot(d uint32) uint32 {
	if d < 4 {
		return d
	}
	n := uint32(bits.Len32(d)) - 1
	return 2*n + d>>(n-1)&1
}
