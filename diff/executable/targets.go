package executable

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// evidence is what an instruction or a table says of what it points to.
type evidence struct {
	size uint64 // bytes; 0 when it is not known
	text bool   // size is the length of a text, as Go keeps it, and says nothing of other data
}

// lengths reports whether both programs keep the length of a text beside its
// address, as those of Go do.
func (p *pairing) lengths() bool { return p.a.lengths && p.b.lengths }

// maxEvidence bounds the bytes of a thing that are compared.
const maxEvidence = 1 << 16

// moved reports whether what lies at an address of A is what lies at an address
// of B.
func (p *pairing) moved(x, y uint64) bool { return p.sameTarget(x, y, evidence{}) }

// sameTarget reports whether two addresses lead to the same thing: the same
// import, the same symbol with the same content, the same place of regions that
// are aligned, or the same bytes, to which the same instructions refer on both
// sides. What is not known to be the same is not the same.
func (p *pairing) sameTarget(x, y uint64, ev evidence) bool {
	if p.distrust {
		return x == y
	}
	if p.known(x, y) {
		return true
	}
	p.collect()
	return p.sameThing(x, y, ev)
}

// constant reports whether nothing can write to either address: two things of
// the same bytes are then the same to who reads them.
func (p *pairing) constant(x, y uint64) bool {
	ra, rb := p.a.at(x), p.b.at(y)
	return ra != nil && rb != nil && !ra.write && !rb.write
}

// known is what names and alignment say of two addresses, without regard to who
// refers to them.
func (p *pairing) known(x, y uint64) bool {
	if p.a.imports != nil && p.b.imports != nil {
		if na, nb := p.a.imports()[x], p.b.imports()[y]; na != "" || nb != "" {
			return na == nb
		}
	}
	if decided, same := p.inHeader(x, y); decided {
		return same
	}
	if p.sameEnd(x, y) || p.sameAnchor(x, y) {
		return true
	}
	if decided, same := p.sameSymbol(x, y); decided {
		// Names are what somebody wrote: of what can be written to, a name that went to
		// another place says nothing while other code still finds the thing at its own.
		return same && (p.collecting || p.constant(x, y) || p.samePlace(x, y) || p.agreed(x, y))
	}
	if p.variable(x, y) && (p.collecting || p.refs != nil && len(p.refs.pairs) > 0) {
		// What can be written to is told apart by who refers to it, once that is known: of
		// several variables of one content any may be aligned with any.
		return !p.collecting && p.settled(x, y) && (p.samePlace(x, y) || p.a.at(x).empty && p.refs.partners(x, y))
	}
	return p.samePlace(x, y) || p.sameImport(x, y)
}

// variable reports whether data can be written to at an address of A and at one of B.
func (p *pairing) variable(x, y uint64) bool {
	ra, rb := p.a.at(x), p.b.at(y)
	return ra != nil && rb != nil && !ra.exec && !rb.exec && (ra.write || rb.write)
}

// agreed reports whether all code that refers to one of two addresses refers to the
// other on the other side, that which is equal as well.
func (p *pairing) agreed(x, y uint64) bool {
	p.collect()
	p.refer()
	return p.referred && p.refs.partners(x, y) && p.settled(x, y)
}

// sameEnd reports whether two addresses are where regions of one name end, up to
// the next word, and at least on one side nothing begins there that could be meant
// instead.
func (p *pairing) sameEnd(x, y uint64) bool {
	if p.a.at(x) != nil && p.b.at(y) != nil {
		return false
	}
	word := func(end uint64) uint64 { return (end + 7) &^ 7 }
	for i := range p.a.regions {
		r := &p.a.regions[i]
		end := r.addr + r.size
		if x < end || x != end && x != word(end) {
			continue
		}
		if q := p.b.region(r.name); q != nil && (x == end && y == q.addr+q.size || x == word(end) && y == word(q.addr+q.size)) {
			return true
		}
	}
	return false
}

// dataSymbol is a name for data.
type dataSymbol struct {
	addr, size uint64
	key        uint64 // the hash of its name, which no other symbol has
}

// dataSymbols are the names of a program's data, by address; byKey has their
// numbers.
type dataSymbols struct {
	list  []dataSymbol
	byKey map[uint64]int32
}

// data gives the named data of a program.
func (p *program) data() *dataSymbols {
	if p.dataRead != nil {
		return p.dataRead
	}
	d := &dataSymbols{byKey: map[uint64]int32{}}
	p.dataRead = d
	if p.symbols == nil {
		return d
	}
	p.symbols(func(s symbol) bool {
		if s.code || s.size == 0 {
			return true
		}
		if r := p.at(s.addr); r == nil || r.exec || s.size > r.size-(s.addr-r.addr) {
			return true
		}
		if name := s.name(); name != "" {
			d.list = append(d.list, dataSymbol{s.addr, s.size, hash(hashStart, []byte(name))})
		}
		return len(d.list) < maxFunctions
	})
	slices.SortFunc(d.list, func(s, t dataSymbol) int {
		if s.addr != t.addr {
			return compare(s.addr, t.addr)
		}
		if s.size != t.size {
			return compare(t.size, s.size) // the larger first
		}
		return compare(s.key, t.key)
	})
	d.list = slices.CompactFunc(d.list, func(s, t dataSymbol) bool { return s == t })
	for i, s := range d.list {
		if _, ok := d.byKey[s.key]; ok {
			d.byKey[s.key] = -1
		} else {
			d.byKey[s.key] = int32(i)
		}
	}
	return d
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// at gives the symbol that holds an address and that no other has the name of.
func (d *dataSymbols) at(addr uint64) (dataSymbol, bool) {
	i, _ := slices.BinarySearchFunc(d.list, addr, func(s dataSymbol, a uint64) int {
		if s.addr <= a {
			return -1
		}
		return 1
	})
	// Several may begin at one address, or lie in another: the nearest few are
	// looked at.
	for k := i - 1; k >= 0 && k >= i-4; k-- {
		if s := d.list[k]; addr-s.addr < s.size && d.byKey[s.key] >= 0 {
			return s, true
		}
	}
	return dataSymbol{}, false
}

// sameSymbol compares by names. It decides nothing where a side has no name that
// the other knows.
func (p *pairing) sameSymbol(x, y uint64) (decided, same bool) {
	if p.a.relaxed || p.b.relaxed {
		return false, false // what its code refers to is in relocations
	}
	da, db := p.a.data(), p.b.data()
	sa, okA := da.at(x)
	sb, okB := db.at(y)
	knownA, knownB := false, false
	if okA {
		_, knownA = db.byKey[sa.key]
	}
	if okB {
		_, knownB = da.byKey[sb.key]
	}
	if !knownA && !knownB {
		return false, false
	}
	if !okA || !okB || sa.key != sb.key || x-sa.addr != y-sb.addr {
		return true, false
	}
	return true, p.holds(sa, sb)
}

// holds reports whether two things of one name have the same content, or a
// content that differs and is said to where it lies. A name alone proves nothing.
func (p *pairing) holds(sa, sb dataSymbol) bool {
	if v, ok := p.held[sa.addr]; ok {
		return v
	}
	p.held[sa.addr] = true // what points back to it is judged by the rest
	ra, rb := p.a.at(sa.addr), p.b.at(sb.addr)
	v := ra != nil && rb != nil && ra.name == rb.name && ra.empty == rb.empty
	if v && !ra.empty && (sa.size != sb.size || sa.size > 1<<24 || !p.equalBytes(sa.addr, sb.addr, sa.size, 2)) {
		v = p.saidThere(ra.name, sa, sb)
	}
	p.held[sa.addr] = v
	return v
}

// saidThere reports whether some of the bytes of two things are found to differ
// when their regions are compared.
func (p *pairing) saidThere(name string, sa, sb dataSymbol) bool {
	al := p.regions(name)
	if al == nil || al.err != nil {
		return false
	}
	a, b := sa.addr-al.a.addr, sb.addr-al.b.addr
	for _, h := range al.data {
		inA := uint64(h.A.Off) < a+sa.size && uint64(h.A.Off+h.A.Len) > a
		inB := uint64(h.B.Off) < b+sb.size && uint64(h.B.Off+h.B.Len) > b
		if inA || inB {
			return true
		}
	}
	return false
}

// sameThing reports whether data without a name is the same on both sides: it
// has the same bytes, as far as it is known to reach, and whatever refers to the
// one on its side is paired with what refers to the other.
func (p *pairing) sameThing(x, y uint64, ev evidence) bool {
	ra, rb := p.a.at(x), p.b.at(y)
	if ra == nil || rb == nil || ra.exec || rb.exec || ra.name != rb.name || p.refs == nil || p.a.relaxed || p.b.relaxed {
		return false
	}
	if decided, _ := p.sameSymbol(x, y); decided {
		return false
	}
	if p.variable(x, y) && !p.settled(x, y) {
		return false
	}
	if ra.empty || rb.empty {
		return ra.empty && rb.empty && p.refs.partners(x, y)
	}
	// Two constants of one content are the same to who reads all of them, whoever
	// else reads one of them.
	if !p.refs.free(x, y) && (ev.size == 0 || !p.constant(x, y)) {
		return false
	}
	return p.sameBytes(x, y, ev, 2)
}

// sameBytes compares what lies at two addresses, as far as it is known to reach:
// to the size that the instruction gives, or up to the next place that something
// refers to on either side. A zero byte is no end: what begins with a text may be a
// record that goes on after it.
func (p *pairing) sameBytes(x, y uint64, ev evidence, depth int) bool {
	ra, rb := p.a.at(x), p.b.at(y)
	if ra == nil || rb == nil || ra.empty || rb.empty {
		return false
	}
	if ev.size > 0 && (!ev.text || p.constant(x, y) && p.isText(x, ev.size)) {
		return p.equalBytes(x, y, ev.size, depth)
	}
	if p.refs == nil {
		return false // where it ends is not known yet
	}
	na, nb := p.refs.reach(x, ra, false), p.refs.reach(y, rb, true)
	n := min(na, nb)
	if na != nb && !p.filling(x, y, n, na, nb) {
		return false
	}
	return p.equalBytes(x, y, n, depth)
}

// maxFilling bounds the zeros up to the next boundary.
const maxFilling = 64

// filling reports whether what reaches further on one side ends with zeros up to a
// boundary, and what is before them ends by itself: where the next thing begins on
// A's side, or with the zero byte of a text.
func (p *pairing) filling(x, y, n, na, nb uint64) bool {
	of, addr, end := p.b, y, nb
	if na > nb {
		of, addr, end = p.a, x, na
	}
	r := of.at(addr)
	if end-n >= maxFilling || (addr+end)%4 != 0 && addr+end != r.addr+r.size {
		return false
	}
	b, err := readAt(of.in, r.off+addr-r.addr+n, end-n)
	if err != nil || len(bytes.Trim(b, "\x00")) > 0 {
		return false
	}
	if na < nb {
		return true
	}
	if n > maxEvidence {
		return false
	}
	text, err := readAt(of.in, r.off+addr-r.addr, n)
	words := bytes.ReplaceAll(text, []byte{0}, nil)
	return err == nil && text[n-1] == 0 && len(words) > 0 && plainText(words)
}

// isText reports whether bytes of A are text.
func (p *pairing) isText(x, n uint64) bool {
	r := p.a.at(x)
	if n > maxEvidence || n > r.size-(x-r.addr) {
		return false
	}
	b, err := readAt(p.a.in, r.off+x-r.addr, n)
	return err == nil && plainText(b)
}

func plainText(p []byte) bool {
	for _, c := range p {
		if c < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != 0x1b || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(p)
}

// equalBytes reports whether n bytes are equal, but for addresses of what is the
// same on both sides. depth bounds how often addresses are followed.
func (p *pairing) equalBytes(x, y, n uint64, depth int) bool {
	ra, rb := p.a.at(x), p.b.at(y)
	if n == 0 || n > 1<<24 || ra == nil || rb == nil || ra.empty || rb.empty || n > ra.size-(x-ra.addr) || n > rb.size-(y-rb.addr) {
		return false
	}
	const block = 4096 // a multiple of every word
	for done := uint64(0); done < n; done += block {
		k := min(block, n-done)
		pa, errA := readAt(p.a.in, ra.off+x-ra.addr+done, k)
		pb, errB := readAt(p.b.in, rb.off+y-rb.addr+done, k)
		if errA != nil || errB != nil {
			return false
		}
		if !bytes.Equal(pa, pb) && (depth == 0 || !p.equalWords(x, y, done, pa, pb, depth)) {
			return false
		}
	}
	return p.sameFilled(x, y, n, depth)
}

// equalWords reports whether all words that differ are addresses of the same, or
// distances to the same from where the whole begins, as in tables of jumps.
func (p *pairing) equalWords(x, y, done uint64, pa, pb []byte, depth int) bool {
	size := p.bits() / 8
	absoluteOK := x%uint64(size) == 0 && y%uint64(size) == 0
	for i := 0; absoluteOK && i < len(pa); i += size {
		if i+size > len(pa) {
			absoluteOK = bytes.Equal(pa[i:], pb[i:])
			break
		}
		wa, wb := pa[i:i+size], pb[i:i+size]
		absoluteOK = bytes.Equal(wa, wb) || p.leads(absolute(wa, p.a.order, 0, 0), absolute(wb, p.b.order, 0, 0), lengthAfter(p, pa, pb, i, size), depth)
	}
	if absoluteOK {
		return true
	}
	for i := 0; i < len(pa); i += 4 {
		if i+4 > len(pa) {
			return bytes.Equal(pa[i:], pb[i:])
		}
		va, vb := fromStart(pa[i:i+4], p.a.order, 0, x), fromStart(pb[i:i+4], p.b.order, 0, y)
		if r := p.a.at(va); !bytes.Equal(pa[i:i+4], pb[i:i+4]) && (r == nil || !r.exec || !p.known(va, vb)) {
			return false
		}
	}
	return true
}

// lengthAfter is what the word after an address may be: the length of the text
// there, as strings of Go are laid out.
func lengthAfter(p *pairing, pa, pb []byte, i, size int) evidence {
	if !p.lengths() || i+2*size > len(pa) || i+2*size > len(pb) || !bytes.Equal(pa[i+size:i+2*size], pb[i+size:i+2*size]) {
		return evidence{}
	}
	if n := absolute(pa[i+size:i+2*size], p.a.order, 0, 0); n > 0 && n < maxEvidence {
		return evidence{size: n, text: true}
	}
	return evidence{}
}

// leads reports whether two words are addresses of the same.
func (p *pairing) leads(x, y uint64, ev evidence, depth int) bool {
	r := p.a.at(x)
	if r == nil {
		return false
	}
	return p.known(x, y) || depth > 1 && !r.exec && p.sameBytes(x, y, ev, depth-1)
}
