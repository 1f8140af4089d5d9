package kflate

import "io"

// bitWriter writes bits, the lowest first.
type bitWriter struct {
	w   io.Writer
	acc uint64
	n   uint // bits of acc, fewer than 48
	out []byte
	err error
}

// put adds at most 16 bits.
func (w *bitWriter) put(v uint64, n uint) {
	w.acc |= v << (w.n & 63)
	if w.n += n; w.n >= 48 {
		a := w.acc
		w.out = append(w.out, byte(a), byte(a>>8), byte(a>>16), byte(a>>24), byte(a>>32), byte(a>>40))
		w.acc >>= 48
		w.n -= 48
	}
}

func (w *bitWriter) code(c code) { w.put(c.value(), c.len()) }

// align fills the byte that was begun, and lets all go that is there.
func (w *bitWriter) align() {
	for ; w.n > 0; w.n -= min(w.n, 8) {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
	}
	w.send()
}

// bytes adds bytes where the bits end with a byte.
func (w *bitWriter) bytes(p []byte) {
	w.align()
	if w.err == nil {
		_, w.err = w.w.Write(p)
	}
}

func (w *bitWriter) send() {
	if w.err == nil && len(w.out) > 0 {
		_, w.err = w.w.Write(w.out)
	}
	w.out = w.out[:0]
}

// symbol writes a token.
func (w *bitWriter) symbol(t uint32, lits, dists []code) {
	if t < matchToken {
		w.code(lits[t])
		return
	}
	length, dist := uint8(t>>16), t&0xffff
	c := lengthCode[length]
	w.code(lits[257+int(c)])
	w.put(uint64(length-lengthBase[c]), uint(lengthBits[c]))
	d := distCode(dist)
	w.code(dists[d])
	w.put(uint64(dist-uint32(distBase[d])), uint(distBits[d]))
}
