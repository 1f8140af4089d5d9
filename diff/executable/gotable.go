package executable

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// The magic numbers of .gopclntab, by the version of Go that began with them.
const (
	goTable116 = 0xfffffffa
	goTable118 = 0xfffffff0
	goTable120 = goMagic
)

// goTables is .gopclntab of one side, taken apart: what the run time and its
// tracebacks know of functions. Offsets are in the section.
type goTables struct {
	p       []byte
	order   binary.ByteOrder
	magic   uint32
	pointer uint64 // bytes of one
	base    uint64 // the section's address
	text    uint64 // the address that entries are counted from
	rodata  uint64 // the address that masks of pointers are counted from
	// Where its tables begin: the names of functions, the files of compilation
	// units, the names of files, values by program counter, functions; then, when
	// they lie in the section, data of functions and the index of functions.
	names, units, files, values, table, records, recordsEnd uint64
	data, index                                             uint64
	funcs                                                   []goFunc
	end                                                     uint64 // the address where the last function ends
	// own is the data of functions, wherever it lies; nil when that is not known.
	own     []byte
	ownAddr uint64
	parts   []goPart        // of own, in order
	others  map[uint32]bool // tables of values that are used for something else than files
	spent   int             // bytes that were looked at
}

// goFunc is a record of one function.
type goFunc struct {
	entry       uint64 // an address
	at, size    uint32 // of the record
	values      uint32 // how many more tables of values there are
	data        uint8  // how many pieces of data
	fixed, refs uint32 // bytes up to the tables of values, and up to the data
}

// goPart is a piece of the functions' data.
type goPart struct {
	off, end uint32
	kind     uint8
}

// Kinds of pieces of data, as the run time numbers them.
const (
	goArguments = 0
	goLocals    = 1
	goObjects   = 2
	goInlined   = 3
	goWrapped   = 7
)

// Words of a function's record, after its entry.
const (
	goName = iota
	goArgs
	goDefer
	goStack // the first of three tables of values
	goFiles
	goLines
	goCount
	goUnit
	goStart // since Go 1.20; before, the last word lies here
)

// maxGoFuncs bounds the functions of a table.
const maxGoFuncs = 1 << 20

// parseGoTables takes a section apart; nil when anything in it is not as Go's
// linker writes it. own gives the data of functions that lie elsewhere, from an
// address on.
func parseGoTables(p []byte, order binary.ByteOrder, base, text, rodata uint64) *goTables {
	if len(p) < 16 || p[7] != 4 && p[7] != 8 {
		return nil
	}
	t := &goTables{p: p, order: order, magic: order.Uint32(p), pointer: uint64(p[7]), base: base, text: text, rodata: rodata}
	words := uint64(7)
	switch t.magic {
	case goTable116:
	case goTable118, goTable120:
		words = 8
	default:
		return nil
	}
	head := 8 + words*t.pointer
	if head > uint64(len(p)) {
		return nil
	}
	next := func(i uint64) uint64 { return word(order, p[8+i*t.pointer:8+(i+1)*t.pointer]) }
	n := next(0)
	if words == 8 {
		if at := next(2); at != 0 {
			t.text = at
		}
	} else {
		t.text = 0
	}
	t.names, t.units, t.files, t.values, t.table = next(words-5), next(words-4), next(words-3), next(words-2), next(words-1)
	if n == 0 || n > maxGoFuncs || t.names < head || t.units < t.names || t.files < t.units || t.values < t.files || t.table < t.values || t.table > uint64(len(p)) || !zero(p[head:t.names]) {
		return nil
	}
	if !t.readFuncs(n) {
		return nil
	}
	t.findRest()
	return t
}

func zero(p []byte) bool {
	for _, c := range p {
		if c != 0 {
			return false
		}
	}
	return true
}

// entrySize is how wide an entry's address is.
func (t *goTables) entrySize() uint64 {
	if t.magic == goTable116 {
		return t.pointer
	}
	return 4
}

// word32 reads a word of 4 bytes; the caller knows that it is there.
func (t *goTables) word32(at uint64) uint32 { return t.order.Uint32(t.p[at:]) }

// readFuncs reads the table of functions and their records, which have to follow
// one another, each where the table says.
func (t *goTables) readFuncs(n uint64) bool {
	e, size := t.entrySize(), uint64(len(t.p))
	t.records = t.table + n*2*e + e
	if t.records > size {
		return false
	}
	read := func(at uint64) uint64 { return word(t.order, t.p[at:at+e]) }
	t.end = t.text + read(t.records-e)
	t.funcs = make([]goFunc, 0, n)
	at := t.records
	for i := range n {
		f := goFunc{entry: t.text + read(t.table+2*i*e)}
		from := t.table + read(t.table+(2*i+1)*e)
		if from < at || from-at >= 8 || from > size || !zero(t.p[at:from]) || i > 0 && f.entry < t.funcs[i-1].entry {
			return false
		}
		f.at, f.fixed = uint32(from), uint32(e)+uint32(t.fields())*4
		if uint64(f.fixed) > size-from || t.text+read(from) != f.entry {
			return false
		}
		f.values, f.data = t.word32(from+e+4*goCount), t.p[from+uint64(f.fixed)-1]
		if f.values > 1<<12 {
			return false
		}
		f.refs = f.fixed + 4*f.values
		if t.magic == goTable116 && f.data > 0 {
			for (from+uint64(f.refs))%t.pointer != 0 {
				f.refs += 4
			}
		}
		f.size = f.refs + uint32(f.data)*uint32(e)
		if at = from + uint64(f.size); at > size {
			return false
		}
		t.funcs = append(t.funcs, f)
	}
	t.recordsEnd = at
	return true
}

// fields is how many words a record has after its entry.
func (t *goTables) fields() int {
	if t.magic == goTable120 {
		return goStart + 2
	}
	return goStart + 1
}

// field reads a word of a record.
func (t *goTables) field(f *goFunc, i int) uint32 {
	return t.word32(uint64(f.at) + t.entrySize() + 4*uint64(i))
}

// value gives where the i-th further table of values lies.
func (t *goTables) value(f *goFunc, i uint32) uint32 {
	return t.word32(uint64(f.at) + uint64(f.fixed) + 4*uint64(i))
}

// findRest says what lies after the functions' records.
func (t *goTables) findRest() {
	size := uint64(len(t.p))
	t.data, t.index = size, size
	if size-t.recordsEnd <= t.pointer {
		return // it ends here
	}
	if want := t.indexFollows(); uint64(len(want)) <= size-t.recordsEnd && bytes.Equal(t.p[size-uint64(len(want)):], want) {
		t.index = size - uint64(len(want))
	}
	t.data = t.recordsEnd
	// The data begin at the next boundary that they need, which only they know.
	for align := t.pointer; align <= 64; align *= 2 {
		from := (t.base+t.recordsEnd+align-1)&^(align-1) - t.base
		if from >= t.index || !zero(t.p[t.recordsEnd:from]) {
			return
		}
		if t.setOwn(t.p[from:t.index], t.base+from); t.own != nil && t.sound() {
			t.data = from
			return
		}
	}
	t.own, t.parts = nil, nil
}

// sound reports whether the data of functions can be what they have to be: all maps
// of pointers fit into them.
func (t *goTables) sound() bool {
	for _, part := range t.parts {
		if part.kind == goArguments && t.mapSize(t.own[part.off:part.end]) == 0 {
			return false
		}
	}
	return true
}

// Go's index of functions has a bucket for so many bytes of code, and so many parts
// of it.
const (
	goBucket  = 4096
	goBuckets = 16
)

// indexFollows computes the index of functions by program counter from the
// table of functions; nil when there can be none.
func (t *goTables) indexFollows() []byte {
	first, sub := t.funcs[0].entry, uint64(goBucket/goBuckets)
	if t.end <= first || t.end-first > uint64(len(t.p))*sub {
		return nil
	}
	n := (t.end - first + sub - 1) / sub
	lowest := make([]uint32, n)
	for i := range lowest {
		lowest[i] = 1<<31 - 1
	}
	for i := range t.funcs {
		q := t.end
		if i+1 < len(t.funcs) {
			q = t.funcs[i+1].entry
		}
		if q <= t.funcs[i].entry || q > t.end {
			return nil
		}
		for k := (t.funcs[i].entry - first) / sub; k <= (q-1-first)/sub; k++ {
			lowest[k] = min(lowest[k], uint32(i))
		}
	}
	var out []byte
	for i := uint64(0); i < n; i += goBuckets {
		out = appendWord(out, t.order, lowest[i])
		for k := i; k < min(n, i+goBuckets); k++ {
			if lowest[k]-lowest[i] > 255 {
				return nil
			}
			out = append(out, byte(lowest[k]-lowest[i]))
		}
	}
	return out
}

func appendWord(p []byte, o binary.ByteOrder, v uint32) []byte {
	var w [4]byte
	o.PutUint32(w[:], v)
	return append(p, w[:]...)
}

// setOwn takes the data of functions apart, by what the records refer to.
func (t *goTables) setOwn(p []byte, addr uint64) {
	t.own, t.ownAddr, t.parts = p, addr, nil
	var parts []goPart
	for i := range t.funcs {
		for k := range t.funcs[i].data {
			off, ok := t.piece(&t.funcs[i], k)
			if !ok {
				continue
			}
			if off >= uint32(len(p)) {
				t.own, t.parts = nil, nil
				return
			}
			kind := k
			if kind == goLocals {
				kind = goArguments
			}
			parts = append(parts, goPart{off: off, kind: kind})
		}
	}
	slices.SortFunc(parts, func(x, y goPart) int {
		return cmp.Or(cmp.Compare(x.off, y.off), cmp.Compare(x.kind, y.kind))
	})
	for i := 0; i < len(parts); {
		part := parts[i]
		for i++; i < len(parts) && parts[i].off == part.off; i++ {
			if parts[i].kind != part.kind {
				part.kind = 255 // nobody knows what it is
			}
		}
		if part.end = uint32(len(p)); i < len(parts) {
			part.end = parts[i].off
		}
		t.parts = append(t.parts, part)
	}
}

// none is the offset of data that a function has not.
const goNone = 1<<32 - 1

// piece gives where the k-th piece of a function's data lies in own; false when it
// has none.
func (t *goTables) piece(f *goFunc, k uint8) (uint32, bool) {
	e := t.entrySize()
	v := word(t.order, t.p[uint64(f.at)+uint64(f.refs)+uint64(k)*e:][:e])
	if t.magic == goTable116 {
		if v == 0 {
			return 0, false
		}
		if v < t.ownAddr || v-t.ownAddr >= goNone {
			return goNone - 1, true
		}
		return uint32(v - t.ownAddr), true
	}
	return uint32(v), v != goNone
}

// part gives the piece that begins at an offset.
func (t *goTables) part(off uint32) (goPart, bool) {
	i, ok := slices.BinarySearchFunc(t.parts, off, func(p goPart, off uint32) int { return cmp.Compare(p.off, off) })
	if !ok {
		return goPart{}, false
	}
	return t.parts[i], true
}

// spend counts bytes that are looked at, and reports whether that may go on: that
// many functions share their tables does not make the work endless.
func (t *goTables) spend(n int) bool {
	t.spent += n + 1
	return t.spent <= 256*len(t.p)+1<<20
}

// str gives the string at an offset of a table; nil when it does not end there.
func (t *goTables) str(from, to, off uint64) []byte {
	if off >= to-from {
		return nil
	}
	s := t.p[from+off : to]
	if i := bytes.IndexByte(s, 0); i >= 0 && t.spend(i) {
		return s[:i:i]
	}
	return nil
}

func (t *goTables) name(off uint32) []byte { return t.str(t.names, t.units, uint64(off)) }

func (t *goTables) nameOf(f *goFunc) string { return string(t.name(t.field(f, goName))) }

// file gives the name of a file of a unit; nil when there is none.
func (t *goTables) file(unit uint32, k int64) []byte {
	at := int64(unit) + k
	if k < 0 || at >= int64(t.files-t.units)/4 {
		return nil
	}
	return t.str(t.files, t.values, uint64(t.word32(t.units+4*uint64(at))))
}

// series gives a table of values, up to and with its end; nil when it has none.
func (t *goTables) series(off uint32) []byte {
	if uint64(off) >= t.table-t.values {
		return nil
	}
	p := t.p[t.values+uint64(off) : t.table]
	n, ok := steps(p, func(int64, uint64) {})
	if !ok || !t.spend(n) {
		return nil
	}
	return p[:n:n]
}

// steps reads a table of values: each value, and for how many units of code it
// holds.
func steps(p []byte, yield func(value int64, units uint64)) (int, bool) {
	value, at := int64(-1), 0
	for first := true; ; first = false {
		d, n := binary.Uvarint(p[at:])
		if n <= 0 || n > 5 {
			return 0, false
		}
		at += n
		if d == 0 && !first {
			return at, true
		}
		value += int64(d>>1) ^ -int64(d&1)
		u, n := binary.Uvarint(p[at:])
		if n <= 0 || n > 5 {
			return 0, false
		}
		at += n
		yield(value, u)
	}
}
