package executable

import (
	"encoding/binary"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// pointers explains ranges of data that hold addresses of what moved: words as
// wide as an address, where the program is not moved any more or the loader says
// that there is one, and, in the tables of exceptions, words that are counted from
// where they lie. Any other number may be just a number.
func (p *pairing) pointers(n *diff.Node, al *aligned) {
	p.collect()
	var open, closed []diff.Hunk
	a, b := p.a.input(al.a), p.b.input(al.b)
	for _, h := range al.data {
		if p.pointer(al, a, b, h) {
			closed = append(closed, h)
		} else {
			open = append(open, h)
		}
	}
	setHunks(n, open, closed)
	p.suspectRedirections(n, append(p.redirectedWords(al, open), p.leftCases(al, closed)...))
	if len(closed) == 0 {
		return
	}
	n.Reasons = append(n.Reasons, diff.Reason{Field: "addresses of what moved, in " + plural(len(closed), "range"),
		Cause: &diff.Cause{ID: "derived", Name: "addresses of code and data that moved", Confidence: diff.Derived}})
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// pointer reports whether all words that a range touches are addresses of the
// same thing on both sides.
func (p *pairing) pointer(al *aligned, a, b *diff.Input, h diff.Hunk) bool {
	if h.A.Len != h.B.Len || h.A.Len > 1<<16 {
		return false
	}
	size := int64(p.bits() / 8)
	return p.words(al, a, b, h, size, nil) || unwinds(al.name) && p.words(al, a, b, h, 4, fromItself) || p.jumps(al, a, b, h)
}

// jumps reports whether all words that a range touches are distances to code that
// is the same, counted from the table that holds them: where the code refers to
// last before them.
func (p *pairing) jumps(al *aligned, a, b *diff.Input, h diff.Hunk) bool {
	if p.refs == nil || al.a.write || h.A.Off%4 != h.B.Off%4 {
		return false
	}
	from, n := h.A.Off%4, (h.A.Off%4+h.A.Len+3)/4*4
	offA, offB := h.A.Off-from, h.B.Off-from
	if offA+n > a.Size || offB+n > b.Size {
		return false
	}
	wa, errA := readAt(a, uint64(offA), uint64(n))
	wb, errB := readAt(b, uint64(offB), uint64(n))
	if errA != nil || errB != nil {
		return false
	}
	for i := int64(0); i < n; i += 4 {
		if string(wa[i:i+4]) == string(wb[i:i+4]) {
			continue
		}
		r, ok := p.refs.before(0, al.a.addr+uint64(offA+i), al.a)
		if !ok || !p.refs.partners(r.a, r.b) || al.a.addr+uint64(offA+i)-r.a != al.b.addr+uint64(offB+i)-r.b {
			return false
		}
		x, y := fromStart(wa[i:i+4], p.a.order, 0, r.a), fromStart(wb[i:i+4], p.b.order, 0, r.b)
		if q := p.a.at(x); q == nil || !q.exec || !p.known(x, y) {
			return false
		}
	}
	return true
}

// unwinds reports a section in which words are counted from where they lie.
func unwinds(name string) bool { return name == ".eh_frame" || name == ".gcc_except_table" }

// relocated reports whether words at two addresses are addresses, in the same way,
// to who loads the programs. In programs that are not moved any word may be one.
func (p *pairing) relocated(x, y, vx, vy uint64) bool {
	if p.a.fixed && p.b.fixed || p.a.filled == nil || p.b.filled == nil {
		return p.a.fixed && p.b.fixed
	}
	if p.a.dynamicAt != 0 && p.a.dynamicAt == vx && p.b.dynamicAt == vy {
		return true // the loader finds its tables by it
	}
	fa, okA := p.a.filledAt(x)
	fb, okB := p.b.filledAt(y)
	return okA && okB && fa.key == fb.key
}

func (p *pairing) bits() int {
	if p.a.isa == nil {
		return 64
	}
	return p.a.isa.bits()
}

// meaning gives the address that a word holds, from the word, where it lies and
// where its part begins.
type meaning func(word []byte, o binary.ByteOrder, at, start uint64) uint64

func absolute(w []byte, o binary.ByteOrder, _, _ uint64) uint64 {
	if len(w) == 8 {
		return o.Uint64(w)
	}
	return uint64(o.Uint32(w))
}

func fromItself(w []byte, o binary.ByteOrder, at, _ uint64) uint64 {
	return at + uint64(int64(int32(o.Uint32(w))))
}

func fromStart(w []byte, o binary.ByteOrder, _, start uint64) uint64 {
	return start + uint64(int64(int32(o.Uint32(w))))
}

// words reports whether all words that a range touches lead to the same on both
// sides. m is what they mean; nil stands for addresses that the loader knows of.
func (p *pairing) words(al *aligned, a, b *diff.Input, h diff.Hunk, size int64, m meaning) bool {
	fromA, fromB := h.A.Off/size*size, h.B.Off/size*size
	toA := (h.A.Off + h.A.Len + size - 1) / size * size
	if h.A.Off-fromA != h.B.Off-fromB || toA > a.Size || fromB+toA-fromA > b.Size {
		return false
	}
	wa, wb := make([]byte, toA-fromA), make([]byte, toA-fromA)
	if k, _ := a.ReadAt(wa, fromA); k < len(wa) {
		return false
	}
	if k, _ := b.ReadAt(wb, fromB); k < len(wb) {
		return false
	}
	relocs := m == nil
	if relocs {
		m = absolute
	}
	for i := int64(0); i < int64(len(wa)); i += size {
		if relocs && string(wa[i:i+size]) != string(wb[i:i+size]) && !p.relocated(al.a.addr+uint64(fromA+i), al.b.addr+uint64(fromB+i), word(p.a.order, wa[i:i+size]), word(p.b.order, wb[i:i+size])) {
			return false
		}
		x := m(wa[i:i+size], p.a.order, al.a.addr+uint64(fromA+i), al.a.addr)
		y := m(wb[i:i+size], p.b.order, al.b.addr+uint64(fromB+i), al.b.addr)
		if string(wa[i:i+size]) == string(wb[i:i+size]) {
			continue
		}
		ra := p.a.at(x)
		if ra == nil || ra.empty || !p.sameTarget(x, y, lengthAfter(p, wa, wb, int(i), int(size))) {
			return false
		}
	}
	return true
}

// FieldUsed is the field of reasons that say which code refers to data that differ.
const FieldUsed = "data that code refers to"

// FieldStrings is the field of reasons that say which strings one side of debug
// information has alone.
const FieldStrings = "strings"

// maxUsed bounds the places of data whose use is said.
const maxUsed = 16

// usedBy says, of the first ranges that nothing explains, which code refers to
// what holds them.
func (p *pairing) usedBy(n *diff.Node, al *aligned) {
	if len(n.UnexplainedB) == 0 {
		return
	}
	p.collect()
	p.refer()
	var used []refPair
	var addrs, code []uint64
	for _, h := range n.UnexplainedB {
		r, ok := p.refs.before(1, al.b.addr+uint64(h.Off), al.b)
		if !ok || len(used) > 0 && used[len(used)-1].b == r.b {
			continue
		}
		if len(used) == maxUsed {
			break
		}
		used, addrs, code = append(used, r), append(addrs, r.b), append(code, r.in.b.addr+uint64(r.from))
	}
	if len(used) == 0 {
		return
	}
	names, in := p.b.names(p.ctx, addrs), p.b.names(p.ctx, code)
	for i, r := range used {
		at := hexNumber(addrs[i])
		if names[addrs[i]] != "" {
			at = names[addrs[i]] + " at " + at
		}
		by := called(p.b, in, code[i])
		if r.n > 1 {
			by = fmt.Sprintf("%s and %s more", by, plural(int(r.n)-1, "place"))
		}
		n.Reasons = append(n.Reasons, diff.Reason{Field: FieldUsed, A: hexNumber(r.a), B: at + ", used by " + by})
	}
}
