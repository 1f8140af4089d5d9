package kflate

// complete is dynamic before v1.14.4: the codes of a block that is not to be ended
// are of all symbols, so that every next block can go on with them. What gains less
// than a sixteenth is stored.
func (c *coder) complete(b *block, raw []byte, closed bool) {
	total := b.n
	if closed {
		b.end()
	} else {
		total += fillUp(b.lits[:]) + fillUp(b.lens[:nLiterals-endBlock])
		fillUp(b.dists[:nDists])
	}
	if c.onlyLits && c.header > 0 {
		c.finish()
		c.onlyLits = false
	}
	nLit, nDist := c.count(b, closed)
	stored, extra := storedSize(raw), b.extraBits()
	if c.header > 0 {
		fresh := c.header + b.estimate(total)
		fresh += fresh >> c.penalty
		bits := size(c.lits, c.litFreq[:]) + size(c.dists, c.distFreq[:]) + extra
		if fresh < bits {
			c.finish()
			bits = fresh
		}
		if stored < bits+bits>>4 {
			c.stored(raw)
			return
		}
	}
	if c.header == 0 {
		c.build(c.lits, c.litFreq[:nLiterals], maxBits)
		c.build(c.dists, c.distFreq[:nDists], maxBits)
		c.runs.of(&c.builder, c.lits[:nLit], c.dists[:nDist])
		bits := c.runs.size() + size(c.lits, c.litFreq[:]) + size(c.dists, c.distFreq[:]) + extra
		if stored < bits+bits>>4 {
			c.stored(raw)
			return
		}
		c.runs.write(&c.bitWriter, nLit, nDist)
		c.header = c.runs.size()
		c.onlyLits = false
	}
	if closed {
		c.header = 0
	}
	c.tokens(b, c.lits, c.dists)
}

// completeLiterals is literalBlock before v1.12.3: what codes would gain is
// estimated, and those of a block that is not to be ended are of all bytes.
func (c *coder) completeLiterals(p []byte, closed bool) {
	const n = endBlock + 1
	freq := c.litFreq[:endBlock]
	bits, others := c.estimateLiterals(freq, len(p), closed)
	bits += c.header
	if c.header == 0 {
		bits += headerGuess
	}
	if bits += bits >> c.penalty; storedSize(p) < bits {
		c.stored(p)
		return
	}
	if c.era < Since1_11_13 && !closed {
		fillUp(freq)
		bits += others
	}
	if c.header > 0 && bits < size(c.lits, freq) {
		c.finish()
	}
	if c.header == 0 {
		if !closed {
			fillUp(freq)
		}
		c.litFreq[endBlock] = 1
		c.build(c.lits, c.litFreq[:n], maxBits)
		c.runs.of(&c.builder, c.lits[:n], noDists)
		c.runs.write(&c.bitWriter, n, 1)
		c.onlyLits = true
		c.header = c.runs.size()
	}
	c.literals(p, closed)
}

// estimateLiterals is about how many bits literals take that occur so often, n in
// all, and how many more those that do not occur, where codes are to have them.
func (c *coder) estimateLiterals(freq []uint16, n int, closed bool) (bits, others int) {
	missing := 0
	for _, f := range freq {
		if f == 0 {
			missing++
		}
	}
	total := n
	if c.era >= Since1_11_13 && !closed {
		total += missing
	}
	sum, rest, per := float32(0), float32(0), 1/float32(total)
	one := max(-log2(per), 1)
	for _, f := range freq {
		if f == 0 {
			rest += one
			continue
		}
		k := float32(f)
		sum += float32(max(-log2(float32(k*per)), 1) * k)
	}
	bits = int(sum + 0.99)
	if c.era < Since1_11_13 {
		return bits + 15, int(rest + 0.99)
	}
	return bits + n/32, 0
}

// fillUp counts each symbol once that does not occur, and gives how many those are.
func fillUp(freq []uint16) (n int) {
	for i, f := range freq {
		if f == 0 {
			freq[i] = 1
			n++
		}
	}
	return n
}
