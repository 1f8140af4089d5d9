package kflate

// runs is how a header lists the lengths of codes: each length, or how often one
// is repeated, coded itself (RFC 1951, 3.2.7).
type runs struct {
	lengths []uint8
	list    []run
	freq    [nLengths]uint16
	codes   [nLengths]code
	n       int // lengths of codes that are listed
}

// run is a length, or one of the repeats 16 to 18 with its extra bits.
type run struct{ symbol, extra uint8 }

// lengthOrder is the order in which the codes for lengths are listed.
var lengthOrder = [nLengths]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// repeatBits are how many extra bits follow the repeats 16, 17 and 18.
var repeatBits = [3]uint{2, 3, 7}

// of finds the runs in two codes, which are listed as if they were one.
func (r *runs) of(b *builder, lits, dists []code) {
	r.lengths, r.list = r.lengths[:0], r.list[:0]
	clear(r.freq[:])
	for _, c := range lits {
		r.lengths = append(r.lengths, uint8(c.len()))
	}
	for _, c := range dists {
		r.lengths = append(r.lengths, uint8(c.len()))
	}
	for i := 0; i < len(r.lengths); {
		n := 1
		for i+n < len(r.lengths) && r.lengths[i+n] == r.lengths[i] {
			n++
		}
		r.repeat(r.lengths[i], n)
		i += n
	}
	b.build(r.codes[:], r.freq[:], 7)
	for r.n = nLengths; r.n > 4 && r.freq[lengthOrder[r.n-1]] == 0; r.n-- {
	}
}

// repeat lists one length n times.
func (r *runs) repeat(length uint8, n int) {
	if length == 0 {
		for n >= 11 {
			k := min(n, 138)
			r.add(18, uint8(k-11))
			n -= k
		}
		if n >= 3 {
			r.add(17, uint8(n-3))
			n = 0
		}
	} else {
		r.add(length, 0)
		for n--; n >= 3; {
			k := min(n, 6)
			r.add(16, uint8(k-3))
			n -= k
		}
	}
	for range n {
		r.add(length, 0)
	}
}

func (r *runs) add(symbol, extra uint8) {
	r.list = append(r.list, run{symbol, extra})
	r.freq[symbol]++
}

// size is how many bits the header takes.
func (r *runs) size() int {
	n := 3 + 5 + 5 + 4 + 3*r.n + size(r.codes[:], r.freq[:])
	for i, k := range repeatBits {
		n += int(r.freq[16+i]) * int(k)
	}
	return n
}

// write writes the header of a block that is not the last.
func (r *runs) write(w *bitWriter, nLit, nDist int) {
	w.put(4, 3)
	w.put(uint64(nLit-257), 5)
	w.put(uint64(nDist-1), 5)
	w.put(uint64(r.n-4), 4)
	for _, s := range lengthOrder[:r.n] {
		w.put(uint64(r.codes[s].len()), 3)
	}
	for _, x := range r.list {
		w.code(r.codes[x.symbol])
		if x.symbol >= 16 {
			w.put(uint64(x.extra), repeatBits[x.symbol-16])
		}
	}
}
