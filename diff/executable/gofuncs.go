package executable

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/stagescope/stagescope/diff"
)

// goFuncs compares the records of the functions of two programs.
type goFuncs struct {
	p       *pairing
	a, b    *goTables
	g       *tiling
	changed map[uint64]bool // entries of A's functions whose code differs
	said    [goSayings]goSaid
	// filed are the tables of files of B, and of A, that mean the same by other
	// numbers, and those that mean something else.
	filed, unlike [2]map[uint32]bool
}

// What is said of functions.
const (
	goRenamed = iota
	goRefiled
	goRelined
	goOther
	goChanged
	goSayings
)

// goSaid counts functions of which something is said, and has the first of them.
type goSaid struct {
	n      int
	first  []string
	va, vb string // of the first
}

func (s *goSaid) add(name, va, vb string) {
	if s.n++; s.n == 1 {
		s.va, s.vb = va, vb
	}
	if len(s.first) < 4 {
		s.first = append(s.first, short(name))
	}
}

// record compares two records word by word. Of a word that differs, the place
// that it points to has to mean the same on both sides.
func (c *goFuncs) record(f, g *goFunc) {
	offA, offB := uint64(f.at), uint64(g.at)
	if f.size != g.size || f.values != g.values || f.data != g.data {
		c.g.put(&c.g.open, rangeOf(offA, uint64(f.size)), rangeOf(offB, uint64(g.size)))
		c.say(f, g, goOther)
		return
	}
	e := c.a.entrySize()
	c.word(offA, offB, e, true)
	what := -1
	note := func(ok bool, kind int) bool {
		if !ok && (what < 0 || kind < what) {
			what = kind
		}
		return ok
	}
	files := c.sameFiles(f, g)
	for i := range c.a.fields() {
		x, y := c.a.field(f, i), c.b.field(g, i)
		ok := x == y
		switch i {
		case goName:
			na, nb := c.a.name(x), c.b.name(y)
			ok = note(na != nil && nb != nil && bytes.Equal(na, nb), goRenamed)
		case goStack:
			ok = note(c.sameSeries(x, y), goOther)
		case goLines:
			ok = note(c.sameSeries(x, y), goRelined)
		case goFiles:
			ok = note(files, goRefiled)
		case goUnit:
			ok = note(files && (x == goNone) == (y == goNone), goRefiled)
		case goStart:
			if c.a.magic == goTable120 {
				ok = note(ok, goRelined)
			} else {
				ok = note(ok, goOther)
			}
		default:
			ok = note(ok, goOther)
		}
		c.word(offA+e+4*uint64(i), offB+e+4*uint64(i), 4, ok)
	}
	for k := range f.values {
		at := uint64(f.fixed) + 4*uint64(k)
		c.word(offA+at, offB+at, 4, note(c.sameSeries(c.a.value(f, k), c.b.value(g, k)), goOther))
	}
	for at := uint64(f.fixed) + 4*uint64(f.values); at < uint64(f.refs); at += 4 {
		c.word(offA+at, offB+at, 4, false)
	}
	for k := range f.data {
		at := uint64(f.refs) + e*uint64(k)
		c.word(offA+at, offB+at, e, note(c.samePiece(f, g, k), goOther))
	}
	if what >= 0 {
		c.say(f, g, what)
	}
}

// word notes a word. One that means something else is noted even when its bytes
// are equal.
func (c *goFuncs) word(offA, offB, n uint64, same bool) {
	wa, wb := c.a.p[offA:offA+n], c.b.p[offB:offB+n]
	switch equal := bytes.Equal(wa, wb); {
	case !same && (!equal || !zero(wa)):
		c.g.put(&c.g.open, rangeOf(offA, n), rangeOf(offB, n))
	case same && !equal:
		c.g.put(&c.g.closed, rangeOf(offA, n), rangeOf(offB, n))
	}
}

// say notes what differs of a pair of functions.
func (c *goFuncs) say(f, g *goFunc, what int) {
	name := c.b.nameOf(g)
	if c.changed[f.entry] && what != goRenamed {
		what = goChanged
	}
	var va, vb string
	switch what {
	case goRenamed:
		va, vb = c.a.nameOf(f), name
	case goRefiled:
		va, vb = c.a.firstFile(f), c.b.firstFile(g)
	case goRelined:
		va, vb = c.a.firstLine(f), c.b.firstLine(g)
	}
	c.said[what].add(name, va, vb)
}

// firstFile is the file that a function begins in.
func (t *goTables) firstFile(f *goFunc) string {
	name := ""
	steps(t.series(t.field(f, goFiles)), func(v int64, _ uint64) {
		if name == "" {
			name = string(t.file(t.field(f, goUnit), v))
		}
	})
	return short(name)
}

// firstLine says where a function begins.
func (t *goTables) firstLine(f *goFunc) string {
	line := int64(-1)
	steps(t.series(t.field(f, goLines)), func(v int64, _ uint64) {
		if line < 0 {
			line = v
		}
	})
	return t.firstFile(f) + ":" + strconv.FormatInt(line, 10)
}

// sameSeries reports whether two tables of values are equal.
func (c *goFuncs) sameSeries(x, y uint32) bool {
	if x == 0 || y == 0 {
		return x == y
	}
	p, q := c.a.series(x), c.b.series(y)
	return p != nil && bytes.Equal(p, q)
}

// sameFiles reports whether all code of two functions comes from files of the same
// names, whatever numbers the files have.
func (c *goFuncs) sameFiles(f, g *goFunc) bool {
	x, y := c.a.field(f, goFiles), c.b.field(g, goFiles)
	if x == 0 || y == 0 {
		return x == y
	}
	ok := c.equalFiles(f, g, x, y)
	if ok {
		c.filed[0][x], c.filed[1][y] = true, true
	} else {
		c.unlike[0][x], c.unlike[1][y] = true, true
	}
	return ok
}

func (c *goFuncs) equalFiles(f, g *goFunc, x, y uint32) bool {
	type span struct {
		file  string
		units uint64
	}
	read := func(t *goTables, p []byte, unit uint32) (out []span, size int) {
		known := true
		steps(p, func(v int64, units uint64) {
			name := t.file(unit, v)
			known = known && name != nil
			out = append(out, span{string(name), units})
			// The number that is written is a difference to the last one: it has to be
			// written as short as it can be.
			size++
		})
		if !known {
			return nil, 0
		}
		return out, size
	}
	p, q := c.a.series(x), c.b.series(y)
	if p == nil || q == nil || !shortest(p) || !shortest(q) {
		return false
	}
	sa, na := read(c.a, p, c.a.field(f, goUnit))
	sb, nb := read(c.b, q, c.b.field(g, goUnit))
	if na == 0 || na != nb {
		return false
	}
	for i := range sa {
		if sa[i] != sb[i] {
			return false
		}
	}
	return true
}

// shortest reports whether all numbers of a table are written without a byte more
// than they need.
func shortest(p []byte) bool {
	for i, c := range p {
		if c == 0 && i > 0 && p[i-1]&0x80 != 0 {
			return false
		}
	}
	return true
}

// samePiece reports whether the k-th piece of data of two functions is the same.
func (c *goFuncs) samePiece(f, g *goFunc, k uint8) bool {
	x, okA := c.a.piece(f, k)
	y, okB := c.b.piece(g, k)
	if !okA || !okB {
		return okA == okB
	}
	pa, okA := c.a.part(x)
	pb, okB := c.b.part(y)
	return okA && okB && c.sameParts(pa, pb)
}

// sameParts compares two pieces of data by what they mean.
func (c *goFuncs) sameParts(pa, pb goPart) bool {
	if pa.kind != pb.kind || !c.a.spend(int(pa.end-pa.off)) {
		return false
	}
	p, q := c.a.own[pa.off:pa.end], c.b.own[pb.off:pb.end]
	switch {
	case pa.kind == goArguments:
		m, n := c.a.mapSize(p), c.b.mapSize(q)
		return m > 0 && m == n && bytes.Equal(p[:m], q[:n]) && zero(p[m:]) && zero(q[n:])
	case pa.kind == goInlined && c.a.magic == goTable120:
		return c.sameInlined(p, q)
	case pa.kind == goObjects && c.a.magic == goTable120:
		return c.sameObjects(p, q)
	case pa.kind == goWrapped && len(p) >= 4 && len(q) >= 4:
		x, y := c.a.text+uint64(c.a.order.Uint32(p)), c.b.text+uint64(c.b.order.Uint32(q))
		return zero(p[4:]) && zero(q[4:]) && c.p.known(x, y)
	}
	return bytes.Equal(bytes.TrimRight(p, "\x00"), bytes.TrimRight(q, "\x00"))
}

// mapSize is how long a map of pointers is; 0 when it does not fit.
func (t *goTables) mapSize(p []byte) int {
	if len(p) < 8 {
		return 0
	}
	n, bits := uint64(t.order.Uint32(p)), uint64(t.order.Uint32(p[4:]))
	size := 8 + n*((bits+7)/8)
	if n > 1<<24 || bits > 1<<24 || size > uint64(len(p)) {
		return 0
	}
	return int(size)
}

// goInlinedSize is the size of a call that was inlined: what its function is, its
// name, where it was called from, and the line at which it begins.
const goInlinedSize = 16

func (c *goFuncs) sameInlined(p, q []byte) bool {
	if len(p)%goInlinedSize >= 8 || len(p)/goInlinedSize != len(q)/goInlinedSize {
		return false
	}
	for ; len(p) >= goInlinedSize; p, q = p[goInlinedSize:], q[goInlinedSize:] {
		na, nb := c.a.name(c.a.order.Uint32(p[4:])), c.b.name(c.b.order.Uint32(q[4:]))
		if na == nil || nb == nil || !bytes.Equal(na, nb) || !bytes.Equal(p[:4], q[:4]) || !bytes.Equal(p[8:goInlinedSize], q[8:goInlinedSize]) {
			return false
		}
	}
	return zero(p) && zero(q)
}

// goObjectSize is the size of an object on the stack: its offset, its size, how far
// it has pointers, and where the mask of these lies.
const goObjectSize = 16

func (c *goFuncs) sameObjects(p, q []byte) bool {
	w := int(c.a.pointer)
	if len(p) < w || len(q) < w || !bytes.Equal(p[:w], q[:w]) {
		return false
	}
	n := int(min(word(c.a.order, p[:w]), 1<<24))
	if p, q = p[w:], q[w:]; n*goObjectSize > min(len(p), len(q)) {
		return false
	}
	for ; n > 0; n, p, q = n-1, p[goObjectSize:], q[goObjectSize:] {
		if !bytes.Equal(p[:12], q[:12]) {
			return false
		}
		x, y := c.a.order.Uint32(p[12:]), c.b.order.Uint32(q[12:])
		words := (uint64(c.a.order.Uint32(p[8:])) + uint64(w) - 1) / uint64(w)
		if x != y || c.a.rodata != c.b.rodata || x != 0 {
			if (x == 0) != (y == 0) || x != 0 && !c.p.equalBytes(c.a.rodata+uint64(x), c.b.rodata+uint64(y), max((words+7)/8, 1), 0) {
				return false
			}
		}
	}
	return zero(p) && zero(q)
}

// partTiles makes records of the pieces of data. What a piece points to is not in
// its token.
func (c *goFuncs) partTiles(t *goTables, isB bool) []tile {
	out := make([]tile, 0, len(t.parts))
	base := t.data
	for _, part := range t.parts {
		p := t.own[part.off:part.end]
		h := hashNumber(hashStart, uint64(part.kind))
		switch {
		case part.kind == goInlined && t.magic == goTable120:
			for ; len(p) >= goInlinedSize; p = p[goInlinedSize:] {
				h = hash(hash(hash(h, p[:4]), t.name(t.order.Uint32(p[4:]))), p[8:goInlinedSize])
			}
		case part.kind == goObjects && t.magic == goTable120 && len(p) >= int(t.pointer):
			h = hash(h, p[:t.pointer])
			for p = p[t.pointer:]; len(p) >= goObjectSize; p = p[goObjectSize:] {
				h = hash(h, p[:12])
			}
		case part.kind == goWrapped && len(p) >= 4:
			id, _ := c.p.identity(t.text+uint64(t.order.Uint32(p)), isB)
			h = hashNumber(h, id)
		default:
			h = hash(h, bytes.TrimRight(p, "\x00"))
		}
		out = append(out, tile{base + uint64(part.off), base + uint64(part.end), h})
	}
	// Before the first piece that a function refers to lies what nobody knows.
	first := uint64(len(t.own))
	if len(t.parts) > 0 {
		first = uint64(t.parts[0].off)
	}
	if first > 0 {
		out = slices.Insert(out, 0, tile{base, base + first, hash(hashStart, t.own[:first])})
	}
	return out
}

// sayings gives the reasons of what was said.
func (c *goFuncs) sayings(n *diff.Node) {
	for i, field := range [goSayings]string{
		goRenamed: "names of functions that are paired", goRefiled: "source files of functions whose code is the same", goRelined: "lines of functions whose code is the same",
		goOther: "what tracebacks and the garbage collector know of functions whose code is the same", goChanged: "tables of functions whose code differs",
	} {
		s := &c.said[i]
		if s.n == 0 {
			continue
		}
		what := plural(s.n, "function") + ": " + some(s.first)
		if s.n > len(s.first) {
			what += ", …"
		}
		r := diff.Reason{Field: field + ", " + what, A: s.va, B: s.vb}
		n.Reasons = append(n.Reasons, r)
	}
}
