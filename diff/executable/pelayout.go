package executable

import "math"

// Where a PE file's sections lie follows from their sizes, as linkers lay them out:
// one behind the other, in the file and in memory, each at a multiple of its
// alignment. What does not is where somebody put it.

// upTo is the next multiple of an alignment; 0 stands for none.
func upTo(n uint64, align uint32) uint64 {
	if a := uint64(align); a > 1 && n <= math.MaxUint32*2 {
		return (n + a - 1) / a * a
	}
	return n
}

// wants are the address, the place and the size in the file that section i has when
// it lies right behind the one before it.
func (f *peFile) wants(i int) (addr, off, size uint64) {
	addr, off = uint64(f.headers), uint64(f.headers)
	if i > 0 {
		p := f.sections[i-1]
		addr, off = uint64(p.vaddr)+max(uint64(p.vsize), 1), uint64(p.off)+uint64(p.size)
	}
	return upTo(addr, f.alignMemory), upTo(off, f.alignFile), upTo(uint64(f.sections[i].vsize), f.alignFile)
}

// laidOut makes a rule for a field of section i's header: it follows from the sizes
// when both sides' is what the sizes make it.
func (e *pePair) laidOut(i int, want func(addr, off, size uint64) uint64) func(v, w uint64) bool {
	return func(v, w uint64) bool {
		return i < len(e.a.sections) && i < len(e.b.sections) && v == want(e.a.wants(i)) && w == want(e.b.wants(i))
	}
}

// sectionFields are those of section i's header. The size in the file is how long
// the part is that is compared.
func (e *pePair) sectionFields(i int) []field {
	grown := func(_, _ uint64) bool { return e.a.sections[i].size != e.b.sections[i].size }
	inMemory := func(_, _ uint64) bool {
		_, _, sa := e.a.wants(i)
		_, _, sb := e.b.wants(i)
		return sa != sb && sa == uint64(e.a.sections[i].size) && sb == uint64(e.b.sections[i].size)
	}
	return []field{{name: "name", off: 0, n: 8}, {name: "size in memory", off: 8, n: 4, follows: inMemory},
		{name: "address", off: 12, n: 4, follows: e.laidOut(i, func(addr, _, _ uint64) uint64 { return addr })}, {name: "size", off: 16, n: 4, follows: grown},
		{name: "offset", off: 20, n: 4, follows: e.laidOut(i, func(_, off, _ uint64) uint64 { return off })},
		{name: "relocations", off: 24, n: 4}, {name: "line numbers", off: 28, n: 4}, {name: "numbers of both", off: 32, n: 4}, {name: "characteristics", off: 36, n: 4}}
}

// What sections hold, by the bits of their characteristics.
const (
	peCode = 0x20
	peData = 0x40
)

// sumOf adds up the sizes in the file of the sections that hold something.
func (f *peFile) sumOf(what uint32) (n uint64) {
	for _, s := range f.sections {
		if s.char&what != 0 {
			n += uint64(s.size)
		}
	}
	return n
}

// baseOfCode is where the first section with code lies.
func (f *peFile) baseOfCode() uint64 {
	for _, s := range f.sections {
		if s.char&peCode != 0 {
			return uint64(s.vaddr)
		}
	}
	return math.MaxUint64
}

// end is where the sections end in memory and in the file.
func (f *peFile) end() (addr, off uint64) {
	for _, s := range f.sections {
		addr, off = max(addr, uint64(s.vaddr)+uint64(s.vsize)), max(off, uint64(s.off)+uint64(s.size))
	}
	return upTo(addr, f.alignMemory), off
}

// made makes a rule for a field of the header: it follows from the sections when both
// sides' is what these make it.
func (e *pePair) made(of func(f *peFile) uint64) func(v, w uint64) bool {
	return func(v, w uint64) bool { return v == of(e.a) && w == of(e.b) }
}
