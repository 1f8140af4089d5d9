package zlib

import "io"

// symbol is a literal, or the length and distance of a match.
type symbol struct{ dist, n int }

// trees gathers a block's symbols and writes them.
type trees struct {
	w           io.Writer
	v           Variant
	level       int
	symbols     []symbol
	matches     int
	input       int // bytes that the symbols stand for
	lit         [heapSize]code
	dist        [2*nDists + 1]code
	lengths     [2*nLengths + 1]code
	opt, static int // bits of the block, with trees of its own and without
	bitBuf      uint64
	bitN        int
	out         []byte
	heap        [heapSize]int
	depth       [heapSize]int
}

func (t *trees) start(w io.Writer, v Variant, level int) {
	t.w, t.v, t.level = w, v, level
	t.clear()
}

func (t *trees) clear() {
	t.symbols, t.matches, t.input = t.symbols[:0], 0, 0
	clear(t.lit[:])
	clear(t.dist[:])
	clear(t.lengths[:])
	t.lit[endBlock].freq = 1
	t.opt, t.static = 0, 0
}

// literal and match take a symbol and report whether the block is full.
func (t *trees) literal(c byte) bool {
	t.symbols = append(t.symbols, symbol{0, int(c)})
	t.lit[c].freq++
	t.input++
	return t.full()
}

func (t *trees) match(dist, n int) bool {
	t.symbols = append(t.symbols, symbol{dist, n})
	t.matches++
	t.input += n + minMatch
	t.lit[lengthCode[n]+endBlock+1].freq++
	t.dist[distCode(dist-1)].freq++
	return t.full()
}

// full ends blocks: zlib's after a number of symbols, GNU gzip's also where the
// block compresses well already.
func (t *trees) full() bool {
	n := len(t.symbols)
	if t.v == Zlib {
		return n == 16<<10-1
	}
	if t.level > 2 && n&0xfff == 0 {
		out := n * 8
		for c := range nDists {
			out += t.dist[c].freq * (5 + distBits[c])
		}
		if t.matches < n/2 && out>>3 < t.input/2 {
			return true
		}
	}
	return n == 32<<10-1 || t.matches == 32<<10
}

// tree is what a tree is made of.
type tree struct {
	codes []code
	n     int // symbols
	fixed []code
	extra func(i int) int
	most  int // longest code
}

func (t *trees) smaller(c []code, a, b int) bool {
	return c[a].freq < c[b].freq || c[a].freq == c[b].freq && t.depth[a] <= t.depth[b]
}

// down restores the heap below a place.
func (t *trees) down(c []code, n, k int) {
	v := t.heap[k]
	for j := 2 * k; j <= n; j *= 2 {
		if j < n && t.smaller(c, t.heap[j+1], t.heap[j]) {
			j++
		}
		if t.smaller(c, v, t.heap[j]) {
			break
		}
		t.heap[k], k = t.heap[j], j
	}
	t.heap[k] = v
}

// build makes a tree of the frequencies, and gives the largest symbol in it.
func (t *trees) build(d tree) int {
	c := d.codes
	n, top, most := 0, heapSize, -1
	for i := range d.n {
		if c[i].freq != 0 {
			n++
			t.heap[n], most, t.depth[i] = i, i, 0
		} else {
			c[i].len = 0
		}
	}
	for n < 2 { // there are always two codes
		i := 0
		if most < 2 {
			most++
			i = most
		}
		n++
		t.heap[n] = i
		c[i].freq, t.depth[i] = 1, 0
		t.opt--
		if d.fixed != nil {
			t.static -= d.fixed[i].len
		}
	}
	for i := n / 2; i >= 1; i-- {
		t.down(c, n, i)
	}
	for node := d.n; ; node++ {
		a := t.heap[1]
		t.heap[1] = t.heap[n]
		n--
		t.down(c, n, 1)
		b := t.heap[1]
		t.heap[top-1], t.heap[top-2] = a, b
		top -= 2
		c[node].freq = c[a].freq + c[b].freq
		t.depth[node] = max(t.depth[a], t.depth[b]) + 1
		c[a].dad, c[b].dad = node, node
		t.heap[1] = node
		if t.down(c, n, 1); n < 2 {
			break
		}
	}
	top--
	t.heap[top] = t.heap[1]
	t.measure(d, top, most)
	number(c, most)
	return most
}

// measure gives the codes their lengths, none longer than allowed.
func (t *trees) measure(d tree, top, most int) {
	c := d.codes
	var count [17]int
	over, h := 0, top+1
	c[t.heap[top]].len = 0
	for ; h < heapSize; h++ {
		i := t.heap[h]
		n := c[c[i].dad].len + 1
		if n > d.most {
			n = d.most
			over++
		}
		if c[i].len = n; i > most {
			continue // no symbol
		}
		count[n]++
		x := d.extra(i)
		t.opt += c[i].freq * (n + x)
		if d.fixed != nil {
			t.static += c[i].freq * (d.fixed[i].len + x)
		}
	}
	if over == 0 {
		return
	}
	for ; over > 0; over -= 2 {
		n := d.most - 1
		for count[n] == 0 {
			n--
		}
		count[n]--
		count[n+1] += 2
		count[d.most]--
	}
	for n := d.most; n > 0; n-- {
		for k := count[n]; k > 0; {
			h--
			i := t.heap[h]
			if i > most {
				continue
			}
			if c[i].len != n {
				t.opt += (n - c[i].len) * c[i].freq
				c[i].len = n
			}
			k--
		}
	}
}

// runs calls each for the runs of equal lengths as they are written: a length,
// how often, and the code for it: the length itself, or one of the repeats.
func runs(c []code, most int, each func(length, count, code int, first bool)) {
	prev, count := -1, 0
	longest, shortest := 7, 4
	if c[0].len == 0 {
		longest, shortest = 138, 3
	}
	for i := range most + 1 {
		cur, next := c[i].len, 0xffff
		if i < most {
			next = c[i+1].len
		}
		if count++; count < longest && cur == next {
			continue
		}
		switch {
		case count < shortest:
			each(cur, count, cur, false)
		case cur != 0:
			each(cur, count, 16, cur != prev)
		case count <= 10:
			each(cur, count, 17, false)
		default:
			each(cur, count, 18, false)
		}
		count, prev = 0, cur
		switch {
		case next == 0:
			longest, shortest = 138, 3
		case cur == next:
			longest, shortest = 6, 3
		default:
			longest, shortest = 7, 4
		}
	}
}

// flush writes a block in the way that takes least: raw is its input, nil when
// that is gone; stored is the input's size.
func (t *trees) flush(raw []byte, stored int, last bool) error {
	mostLit := t.build(tree{codes: t.lit[:], n: nLiterals, fixed: fixedLit, most: 15, extra: func(i int) int {
		if i > endBlock {
			return lengthBits[i-endBlock-1]
		}
		return 0
	}})
	mostDist := t.build(tree{codes: t.dist[:], n: nDists, fixed: fixedDist[:], most: 15, extra: func(i int) int { return distBits[i] }})
	count := func(length, n, c int, first bool) {
		if c < 16 {
			t.lengths[c].freq += n
			return
		}
		if first {
			t.lengths[length].freq++
		}
		t.lengths[c].freq++
	}
	runs(t.lit[:], mostLit, count)
	runs(t.dist[:], mostDist, count)
	t.build(tree{codes: t.lengths[:], n: nLengths, most: 7, extra: func(i int) int { return [nLengths]int{16: 2, 17: 3, 18: 7}[i] }})
	mostLength := nLengths - 1
	for mostLength >= 3 && t.lengths[order[mostLength]].len == 0 {
		mostLength--
	}
	t.opt += 3*(mostLength+1) + 14
	opt, static := (t.opt+10)>>3, (t.static+10)>>3
	if static <= opt {
		opt = static
	}
	final := uint32(0)
	if last {
		final = 1
	}
	switch {
	case stored+4 <= opt && raw != nil:
		t.put(final, 3)
		t.align()
		t.out = append(t.out, byte(stored), byte(stored>>8), byte(^stored), byte(^stored>>8))
		t.out = append(t.out, raw...)
	case static == opt:
		t.put(2|final, 3)
		t.write(fixedLit, fixedDist[:])
	default:
		t.put(4|final, 3)
		t.writeTrees(mostLit, mostDist, mostLength)
		t.write(t.lit[:], t.dist[:])
	}
	t.clear()
	if last {
		t.align()
	}
	_, err := t.w.Write(t.out)
	t.out = t.out[:0]
	return err
}

func (t *trees) writeTrees(mostLit, mostDist, mostLength int) {
	t.put(uint32(mostLit-256), 5)
	t.put(uint32(mostDist), 5)
	t.put(uint32(mostLength-3), 4)
	for i := range mostLength + 1 {
		t.put(uint32(t.lengths[order[i]].len), 3)
	}
	each := func(length, n, c int, first bool) {
		if c < 16 {
			for range n {
				t.code(t.lengths[c])
			}
			return
		}
		if first {
			t.code(t.lengths[length])
			n--
		}
		t.code(t.lengths[c])
		switch c {
		case 16:
			t.put(uint32(n-3), 2)
		case 17:
			t.put(uint32(n-3), 3)
		case 18:
			t.put(uint32(n-11), 7)
		}
	}
	runs(t.lit[:], mostLit, each)
	runs(t.dist[:], mostDist, each)
}

// write writes the symbols.
func (t *trees) write(lit, dist []code) {
	for _, s := range t.symbols {
		if s.dist == 0 {
			t.code(lit[s.n])
			continue
		}
		c := lengthCode[s.n]
		t.code(lit[c+endBlock+1])
		t.put(uint32(s.n-lengthBase[c]), lengthBits[c])
		d := distCode(s.dist - 1)
		t.code(dist[d])
		t.put(uint32(s.dist-1-distBase[d]), distBits[d])
	}
	t.code(lit[endBlock])
}

func (t *trees) code(c code) { t.put(c.bits, c.len) }

func (t *trees) put(v uint32, n int) {
	if n == 0 {
		return
	}
	t.bitBuf |= uint64(v) << t.bitN
	for t.bitN += n; t.bitN >= 8; t.bitN -= 8 {
		t.out = append(t.out, byte(t.bitBuf))
		t.bitBuf >>= 8
	}
}

func (t *trees) align() {
	if t.bitN > 0 {
		t.out = append(t.out, byte(t.bitBuf))
	}
	t.bitBuf, t.bitN = 0, 0
}
