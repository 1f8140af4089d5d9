package executable

import (
	"fmt"
	"strings"
)

// listing writes the instructions around what differs, of both sides, so that
// lines that are equal are the same instruction: they have no addresses. A line
// that differs has its address, its place in the file, and its bytes.
type listing struct {
	p    *pairing
	al   *aligned
	rows []row
	left int // places that are not listed
}

// row is a line of a listing: a pair of instructions, or one.
type row struct {
	w    *window
	i, j int // -1 when the side has none
	head *changedFunction
	same bool // but for addresses
}

// Bounds of a listing.
const (
	maxRows = 6000
	around  = 24  // instructions around what differs
	maxEdit = 400 // instructions of one place
)

// write gives both sides' text.
func (l *listing) write(j *judged, fs []*changedFunction) (a, b string) {
	for _, f := range fs {
		if len(l.rows) > maxRows {
			l.left += len(f.edits)
			continue
		}
		l.rows = append(l.rows, row{head: f, w: f.w})
		doneA, doneB := -1, -1
		for k, e := range f.edits {
			l.before(f, e, doneA, doneB)
			for n := range max(e.a1-e.a0, e.b1-e.b0) {
				if n == maxEdit {
					l.left++
					break
				}
				// All of A, then all of B, as differences are read.
				if e.a0+n < e.a1 {
					l.rows = append(l.rows, row{w: f.w, i: e.a0 + n, j: -1})
				}
			}
			for n := range min(e.b1-e.b0, maxEdit) {
				l.rows = append(l.rows, row{w: f.w, i: -1, j: e.b0 + n})
			}
			doneA, doneB = e.a1, e.b1
			next := edit{a0: len(f.w.a.ins), b0: len(f.w.b.ins)}
			if k+1 < len(f.edits) {
				next = f.edits[k+1]
			}
			for n := 0; n < around && doneA < next.a0 && doneB < next.b0 && l.pair(f.w, doneA, doneB); n++ {
				l.rows = append(l.rows, row{w: f.w, i: doneA, j: doneB, same: true})
				doneA, doneB = doneA+1, doneB+1
			}
		}
	}
	return l.text()
}

// before adds the instructions that lead to an edit, down to what is listed.
func (l *listing) before(f *changedFunction, e edit, doneA, doneB int) {
	i, j := e.a0, e.b0
	for n := 0; n < around && i-1 >= max(doneA, f.startA, 0) && j-1 >= max(doneB, f.startB, 0) && l.pair(f.w, i-1, j-1); n++ {
		i, j = i-1, j-1
	}
	for ; i < e.a0; i, j = i+1, j+1 {
		l.rows = append(l.rows, row{w: f.w, i: i, j: j, same: true})
	}
}

// pair reports whether two instructions are paired.
func (l *listing) pair(w *window, i, j int) bool {
	r, ok := w.runOf(i)
	return ok && r.b+i-r.a == j
}

func (l *listing) text() (string, string) {
	var addrsA, addrsB []uint64
	for _, r := range l.rows {
		if r.head != nil {
			continue
		}
		if r.i >= 0 {
			addrsA = append(addrsA, targets(l.p.a, l.al.a, &r.w.a, r.i)...)
		}
		if r.j >= 0 && !r.same {
			addrsB = append(addrsB, targets(l.p.b, l.al.b, &r.w.b, r.j)...)
		}
	}
	namesA, namesB := l.p.a.names(l.p.ctx, addrsA), l.p.b.names(l.p.ctx, addrsB)
	var a, b strings.Builder
	for _, r := range l.rows {
		switch {
		case r.head != nil:
			l.heading(&a, &b, r.head)
		case r.same:
			s := fmt.Sprintf("%*s%s\n", lineMargin, "", insText(l.p.a, l.al.a, &r.w.a, r.i, namesA))
			a.WriteString(s)
			b.WriteString(s)
		case r.i >= 0:
			a.WriteString(insLine(l.p.a, l.al.a, &r.w.a, r.i, namesA))
		default:
			b.WriteString(insLine(l.p.b, l.al.b, &r.w.b, r.j, namesB))
		}
	}
	return a.String(), b.String()
}

// lineMargin is the width of address, place and bytes.
const lineMargin = 44

func (l *listing) heading(a, b *strings.Builder, f *changedFunction) {
	fmt.Fprintf(a, "%s: %s\n", orNothing(f.nameA, f.whole.String() == "only in B"), l.p.a.where(f.addr(l.al, false)))
	fmt.Fprintf(b, "%s: %s\n", orNothing(f.nameB, f.whole.String() == "only in A"), l.p.b.where(f.addr(l.al, true)))
}

func orNothing(name string, missing bool) string {
	if missing {
		return "after " + name
	}
	return name
}

// insLine writes an instruction with its address, its place in the file and its
// bytes.
func insLine(of *program, r *region, s *stream, i int, names map[uint64]string) string {
	off := s.begin(i)
	addr := r.addr + off
	if of.relaxed {
		addr = off
	}
	head := fmt.Sprintf("%8x @%-6x % x", addr, r.off+off, s.code(i))
	return fmt.Sprintf("%-*s%s\n", lineMargin, head, insText(of, r, s, i, names))
}
