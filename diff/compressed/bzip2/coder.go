package bzip2

// Numbers of the coding of a block.
const (
	groupSize  = 50 // symbols that share a table
	maxTables  = 6
	maxSymbols = 258
	maxLength  = 17 // of a code; 20 before version 1.0.3
	rounds     = 4
	dear       = 15 // what a symbol outside of a table's first share costs
)

// coder turns a sorted block into bits.
type coder struct {
	symbols []uint16
	freq    [maxSymbols]int
	lengths [maxTables][maxSymbols]uint8
	chosen  []uint8 // the table of each group
}

// block writes the tables and the symbols of a block whose rotations are sorted.
func (c *coder) block(b *bitWriter, block []byte, order []int32, used *[256]bool) {
	n := c.moveToFront(block, order, used) + 2
	tables := c.tables()
	c.share(tables, n)
	for range rounds {
		c.improve(tables, n)
	}
	writeUsed(b, used)
	c.writeChoice(b, tables)
	c.writeLengths(b, tables, n)
	var codes [maxTables][maxSymbols]uint32
	for t := range tables {
		assign(codes[t][:n], c.lengths[t][:n])
	}
	for i, s := range c.symbols {
		t := c.chosen[i/groupSize]
		b.put(int(c.lengths[t][s]), codes[t][s])
	}
}

// moveToFront makes the symbols, and says how many byte values are used. Symbols
// 0 and 1 are the digits of how often the front is met again; the last one ends
// the block.
func (c *coder) moveToFront(block []byte, order []int32, used *[256]bool) int {
	var index [256]byte
	n := 0
	for i, u := range used {
		if u {
			index[i] = byte(n)
			n++
		}
	}
	var front [256]byte
	for i := range front {
		front[i] = byte(i)
	}
	c.symbols, c.freq = c.symbols[:0], [maxSymbols]int{}
	emit := func(s int) {
		c.symbols = append(c.symbols, uint16(s))
		c.freq[s]++
	}
	run := 0
	again := func() {
		for ; run > 0; run = (run - 1) / 2 {
			emit((run - 1) & 1)
		}
	}
	for _, at := range order {
		if at--; at < 0 {
			at = int32(len(block) - 1)
		}
		v := index[block[at]]
		if v == front[0] {
			run++
			continue
		}
		again()
		k, before := 0, front[0]
		for before != v {
			k++
			before, front[k] = front[k], before
		}
		front[0] = v
		emit(k + 1)
	}
	again()
	emit(n + 1)
	return n
}

// tables is how many code tables the block has.
func (c *coder) tables() int {
	switch n := len(c.symbols); {
	case n < 200:
		return 2
	case n < 600:
		return 3
	case n < 1200:
		return 4
	case n < 2400:
		return 5
	}
	return maxTables
}

// share gives each table a share of the alphabet in which about as many symbols
// fall as in the others.
func (c *coder) share(tables, n int) {
	left, from := len(c.symbols), 0
	for part := tables; part > 0; part-- {
		want, have, to := left/part, 0, from-1
		for have < want && to < n-1 {
			to++
			have += c.freq[to]
		}
		if to > from && part != tables && part != 1 && (tables-part)%2 == 1 {
			have -= c.freq[to]
			to--
		}
		for s := range n {
			c.lengths[part-1][s] = dear
			if s >= from && s <= to {
				c.lengths[part-1][s] = 0
			}
		}
		from, left = to+1, left-have
	}
}

// improve lets each group choose the table that codes it shortest, and fits the
// tables to the groups that chose them.
func (c *coder) improve(tables, n int) {
	var freq [maxTables][maxSymbols]int
	c.chosen = c.chosen[:0]
	for from := 0; from < len(c.symbols); from += groupSize {
		group := c.symbols[from:min(from+groupSize, len(c.symbols))]
		best, lowest := 0, 1<<30
		for t := range tables {
			cost, lengths := 0, &c.lengths[t]
			for _, s := range group {
				cost += int(lengths[s])
			}
			if cost < lowest {
				best, lowest = t, cost
			}
		}
		c.chosen = append(c.chosen, uint8(best))
		for _, s := range group {
			freq[best][s]++
		}
	}
	for t := range tables {
		codeLengths(c.lengths[t][:n], freq[t][:n])
	}
}

// writeUsed says which byte values there are, by sixteens.
func writeUsed(b *bitWriter, used *[256]bool) {
	var rows [16]uint32
	all := uint32(0)
	for i, u := range used {
		if u {
			rows[i/16] |= 1 << (15 - i%16)
			all |= 1 << (15 - i/16)
		}
	}
	b.put(16, all)
	for _, r := range rows {
		if r != 0 {
			b.put(16, r)
		}
	}
}

// writeChoice writes the groups' tables, each by how recently it was chosen.
func (c *coder) writeChoice(b *bitWriter, tables int) {
	b.put(3, uint32(tables))
	b.put(15, uint32(len(c.chosen)))
	front := [maxTables]uint8{0, 1, 2, 3, 4, 5}
	for _, t := range c.chosen {
		k, before := 0, front[0]
		for before != t {
			k++
			before, front[k] = front[k], before
			b.put(1, 1)
		}
		front[0] = t
		b.put(1, 0)
	}
}

// writeLengths writes the code lengths, each as the steps from the one before.
func (c *coder) writeLengths(b *bitWriter, tables, n int) {
	for t := range tables {
		at := c.lengths[t][0]
		b.put(5, uint32(at))
		for _, l := range c.lengths[t][:n] {
			for ; at < l; at++ {
				b.put(2, 2)
			}
			for ; at > l; at-- {
				b.put(2, 3)
			}
			b.put(1, 0)
		}
	}
}

// assign numbers the codes, the shortest first.
func assign(codes []uint32, lengths []uint8) {
	next := uint32(0)
	for l := uint8(1); l <= maxLength; l++ {
		for s := range lengths {
			if lengths[s] == l {
				codes[s] = next
				next++
			}
		}
		next <<= 1
	}
}

// tree builds Huffman codes. A node's weight holds its depth in the low byte, so
// that of equal frequencies the shallower comes first.
type tree struct {
	heap   [maxSymbols + 2]int
	weight [2 * maxSymbols]int
	parent [2 * maxSymbols]int
	n      int // in the heap, which begins at 1
}

func (t *tree) push(node int) {
	t.n++
	at := t.n
	for ; t.weight[node] < t.weight[t.heap[at>>1]]; at >>= 1 {
		t.heap[at] = t.heap[at>>1]
	}
	t.heap[at] = node
}

func (t *tree) pop() int {
	top, node := t.heap[1], t.heap[t.n]
	t.heap[1] = node
	t.n--
	at := 1
	for {
		k := at << 1
		if k > t.n {
			break
		}
		if k < t.n && t.weight[t.heap[k+1]] < t.weight[t.heap[k]] {
			k++
		}
		if t.weight[node] < t.weight[t.heap[k]] {
			break
		}
		t.heap[at] = t.heap[k]
		at = k
	}
	t.heap[at] = node
	return top
}

// codeLengths sets the lengths of codes for symbols of these frequencies. While
// one is too long the frequencies are made more even.
func codeLengths(lengths []uint8, freq []int) {
	var t tree
	n := len(freq)
	for i, f := range freq {
		t.weight[i+1] = max(f, 1) << 8
	}
	for {
		nodes := n
		t.n = 0
		for i := 1; i <= n; i++ {
			t.parent[i] = 0
			t.push(i)
		}
		for t.n > 1 {
			a, b := t.pop(), t.pop()
			nodes++
			t.parent[a], t.parent[b], t.parent[nodes] = nodes, nodes, 0
			wa, wb := t.weight[a], t.weight[b]
			t.weight[nodes] = wa&^255 + wb&^255 | 1 + max(wa&255, wb&255)
			t.push(nodes)
		}
		long := false
		for i := range lengths {
			depth := 0
			for k := i + 1; t.parent[k] > 0; k = t.parent[k] {
				depth++
			}
			lengths[i] = uint8(depth)
			long = long || depth > maxLength
		}
		if !long {
			return
		}
		for i := 1; i <= n; i++ {
			t.weight[i] = (1 + t.weight[i]>>8/2) << 8
		}
	}
}
