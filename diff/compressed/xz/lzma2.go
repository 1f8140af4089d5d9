package xz

// Bounds of a chunk of LZMA2.
const (
	chunkPlain  = 1 << 21
	chunkCoded  = 1 << 16
	properties  = (2*5+0)*9 + litContext // pb, lp, lc
	resetNone   = 0x80
	resetState  = 0xa0
	resetProps  = 0xc0
	resetDict   = 0xe0
	plainReset  = 1
	plainChunk  = 2
	chunkMargin = chunkCoded - lookAhead
)

// chunks codes a block as LZMA2.
type chunks struct {
	*lzma
	emit                            func(p []byte) error
	needProps, needReset, needClear bool
	size                            int // of the chunk's content so far
	open                            bool
}

func newChunks(o Options, emit func(p []byte) error) *chunks {
	c := &chunks{lzma: newLzma(o), emit: emit}
	c.needProps, c.needClear = true, true
	return c
}

// begin starts a block.
func (c *chunks) begin() {
	c.lzma.begin()
	c.out, c.size, c.open = c.out[:0], 0, false
	c.needProps, c.needReset, c.needClear = true, false, true
}

// run codes what can be decided on. At the end that is everything, and the end
// is marked.
func (c *chunks) run(end bool) error {
	for {
		if !c.open {
			if c.avail()+c.ahead == 0 {
				break
			}
			if c.needReset {
				c.lzma.reset()
			}
			c.size, c.open = 0, true
		}
		if !c.chunk(end) {
			break
		}
		if err := c.close(); err != nil {
			return err
		}
	}
	if end {
		return c.emit([]byte{0})
	}
	return nil
}

// ready reports whether enough lies ahead for a decision, or all does.
func (c *chunks) ready(end bool) bool {
	if end {
		return c.avail() > 0
	}
	return c.avail() > keepAfter
}

// chunk codes until the chunk is full or the input is used up, and reports
// whether it is complete.
func (c *chunks) chunk(end bool) bool {
	if !c.begun {
		if !c.ready(end) {
			return false
		}
		c.first()
		c.size = 1
	}
	for c.size < chunkPlain-maxMatch && len(c.out)+c.pending() < chunkMargin {
		if !c.ready(end) {
			if !end {
				return false
			}
			if c.ahead == 0 {
				break
			}
		}
		var back, n uint32
		if c.fast {
			back, n = c.fastOptimum()
		} else {
			back, n = c.optimum()
		}
		c.symbol(back, n)
		c.size += int(n)
	}
	c.flush()
	return true
}

// close writes the chunk: coded when that is shorter, else as it is.
func (c *chunks) close() error {
	c.open = false
	n := len(c.out)
	if n >= c.size {
		return c.plain()
	}
	control := byte(resetNone)
	switch {
	case c.needProps && c.needClear:
		control = resetDict
	case c.needProps:
		control = resetProps
	case c.needReset:
		control = resetState
	}
	size := c.size - 1
	head := []byte{control | byte(size>>16), byte(size >> 8), byte(size), byte((n - 1) >> 8), byte(n - 1)}
	if c.needProps {
		head = append(head, properties)
	}
	c.needProps, c.needReset, c.needClear = false, false, false
	if err := c.emit(head); err != nil {
		return err
	}
	err := c.emit(c.out)
	c.out = c.out[:0]
	return err
}

// plain writes the chunk's content, and what was looked at behind it.
func (c *chunks) plain() error {
	c.size += c.ahead
	c.ahead = 0
	control := byte(plainChunk)
	if c.needClear {
		control = plainReset
	}
	c.needClear, c.needReset = false, true
	if err := c.emit([]byte{control, byte((c.size - 1) >> 8), byte(c.size - 1)}); err != nil {
		return err
	}
	c.out = c.out[:0]
	return c.emit(c.buf[c.at-c.size : c.at])
}
