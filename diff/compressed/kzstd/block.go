package kzstd

// parsed is a block as a match finder cut it.
type parsed struct {
	literals  []byte
	sequences []sequence
}

func (p *parsed) reset() { p.literals, p.sequences = p.literals[:0], p.sequences[:0] }

// add appends a sequence and its literals.
func (p *parsed) add(lits []byte, length, offset int32) {
	p.literals = append(p.literals, lits...)
	p.sequences = append(p.sequences, sequence{literals: uint32(len(lits)), match: uint32(length - minMatch), offset: uint32(offset)})
}

// The types of a block (RFC 8878, 3.1.1.2.2).
const (
	blockRaw = iota
	blockOne // one byte repeated
	blockCoded
)

// blocks writes blocks one after another.
type blocks struct {
	o    Options
	huff *huffman
	last [3]*table // of the block before, nil when it may not be used again
	hist histogram
}

func appendBlockHeader(out []byte, last bool, how, size int) []byte {
	v := uint64(how)<<1 | uint64(size)<<3
	if last {
		v |= 1
	}
	return appendBytes(out, v, 3)
}

func appendRaw(out, src []byte, last bool) []byte {
	return append(appendBlockHeader(out, last, blockRaw, len(src)), src...)
}

// append appends the block of src, which p is parsed from.
func (b *blocks) append(out []byte, p *parsed, src []byte, last bool) ([]byte, error) {
	if len(p.sequences) == 0 {
		if b.o.Era < V1_16 && len(src) == b.o.block() {
			return appendRaw(out, src, last), nil
		}
		return b.literalsOnly(out, src, last)
	}
	if s := p.sequences[0]; b.o.Era >= V1_178 && len(p.sequences) == 1 && len(p.literals) <= 1 &&
		int(s.literals) == len(p.literals) && s.offset == 1+3 {
		return append(appendBlockHeader(out, last, blockOne, int(s.match+minMatch+s.literals)), src[0]), nil
	}
	if len(src)-len(p.literals) < b.o.margin(len(src)) {
		return b.literalsOnly(out, src, last)
	}
	at := len(out)
	lits, err := b.huff.code(p.literals, plainHeader(len(p.literals)))
	if err != nil {
		return nil, err
	}
	if lits.coded != nil {
		b.huff.keep()
	}
	out = lits.append(appendBlockHeader(out, last, blockCoded, 0), p.literals)
	out, used, err := b.sequences(out, p.sequences)
	if err != nil {
		return nil, err
	}
	size := len(out) - at - 3
	if size >= len(src) {
		b.huff.forget()
		return appendRaw(out[:at], src, last), nil
	}
	b.last = used
	appendBlockHeader(out[:at], last, blockCoded, size)
	return out, nil
}

// literalsOnly appends a block without sequences.
func (b *blocks) literalsOnly(out, src []byte, last bool) ([]byte, error) {
	if len(src) < 32 || !b.o.literals() {
		return appendRaw(out, src, last), nil
	}
	lits, err := b.huff.code(src, 0)
	switch {
	case err != nil:
		return nil, err
	case lits.how == literalsRaw:
		return appendRaw(out, src, last), nil
	case lits.how == literalsOne:
		return append(appendBlockHeader(out, last, blockOne, len(src)), src[0]), nil
	}
	b.huff.keep()
	size := codedHeader(len(lits.coded), len(src)) + len(lits.coded) + 1
	return append(lits.append(appendBlockHeader(out, last, blockCoded, size), src), 0), nil
}

// The modes of a table (RFC 8878, 3.1.1.3.2.1).
const (
	modePredefined = iota
	modeOne
	modeDescribed
	modeRepeat
)

// sequences appends the sequences section, and gives the tables that the next
// block may use.
func (b *blocks) sequences(out []byte, seqs []sequence) ([]byte, [3]*table, error) {
	out = appendCount(out, len(seqs))
	for i := range seqs {
		seqs[i].setCodes()
	}
	var use, next [3]*table
	var mode [3]int
	for k := range use {
		b.hist.of(seqs, kind(k))
		t, err := b.hist.table()
		if err != nil {
			return nil, next, err
		}
		use[k], mode[k] = b.choose(kind(k), t)
		if mode[k] == modeDescribed || mode[k] == modeRepeat {
			next[k] = use[k]
		}
	}
	out = append(out, byte(mode[literalLengths]<<6|mode[offsets]<<4|mode[matchLengths]<<2))
	for k, t := range use {
		switch mode[k] {
		case modeOne:
			out = append(out, uint8(t.symbols-1))
		case modeDescribed:
			out = t.describe(out)
		}
	}
	return code(out, seqs, use), next, nil
}

func appendCount(out []byte, n int) []byte {
	switch {
	case n < 128:
		return append(out, byte(n))
	case n < 0x7f00:
		return append(out, byte(128+n>>8), byte(n))
	}
	return append(out, 255, byte(n-0x7f00), byte((n-0x7f00)>>8))
}

// choose says which table codes a kind: the one made for it, the predefined or
// that of the block before.
func (b *blocks) choose(k kind, t *table) (*table, int) {
	if t.single {
		return t, modeOne
	}
	counts := b.hist.counts[:b.hist.symbols]
	fresh := t.size(counts) + t.longestHeader()
	fresh += (fresh + 2*8*16) >> 4 // so that little gain makes no new table
	known, before := predefined[k].size(counts), b.last[k].size(counts)
	against := fresh // what the table before must not exceed
	if b.o.Era >= V1_203 {
		if before != cannot {
			against = t.size(counts) + 8*uint32(len(t.describe(nil)))
			before += uint32(b.last[k].log)
		}
		fresh, against = fresh+uint32(t.log), against+uint32(t.log)
		if known != cannot {
			known += uint32(predefined[k].log)
		}
	}
	switch {
	case known <= before && known <= fresh:
		return predefined[k], modePredefined
	case before <= against:
		return b.last[k], modeRepeat
	}
	return t, modeDescribed
}

// code appends the bits of sequences, the last first.
func code(out []byte, seqs []sequence, use [3]*table) []byte {
	w := bitWriter{out: out}
	last := &seqs[len(seqs)-1]
	var at [3]state
	for k, t := range use {
		at[k] = t.start(last.code[k])
	}
	last.extra(&w)
	for i := len(seqs) - 2; i >= 0; i-- {
		s := &seqs[i]
		at[offsets].put(&w, s.code[offsets])
		at[matchLengths].put(&w, s.code[matchLengths])
		at[literalLengths].put(&w, s.code[literalLengths])
		s.extra(&w)
	}
	at[matchLengths].end(&w)
	at[offsets].end(&w)
	at[literalLengths].end(&w)
	w.put(1, 1)
	return w.bytes()
}

// extra writes what the codes leave open.
func (s *sequence) extra(w *bitWriter) {
	w.low(s.literals, literalBits[s.code[literalLengths]])
	w.low(s.match, matchBits[s.code[matchLengths]])
	w.low(s.offset, s.code[offsets])
}
