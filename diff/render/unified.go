package render

import (
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// contextLines is how many equal lines are shown around a change.
const contextLines = 3

// longLine is from how many bytes on a line is shown only around what differs in
// it; longRow is how much of such a line one row has.
const (
	longLine = 4 << 10
	longRow  = 2000
)

// unified shows the lines that differ with some around them, as they are read:
// neither text is in memory as a whole.
func (w *lineWriter) unified(n *diff.Node, a, b oneSide) error {
	u := &unified{w: w, n: n, whole: n.Kind != diff.KindValue, a: textSide{oneSide: a}, b: textSide{oneSide: b}}
	ia, ib := a.Input, b.Input
	if ia == nil {
		ia = &diff.Input{ReaderAt: strings.NewReader("")}
	}
	if ib == nil {
		ib = &diff.Input{ReaderAt: strings.NewReader("")}
	}
	d, err := diff.AlignLines(w.ctx, ia, ib)
	if err != nil {
		return err
	}
	u.d = d
	var changes []diff.LineStretch // of one hunk
	left := 0
	flush := func() error {
		if len(changes) == 0 {
			return nil
		}
		defer func() { changes = changes[:0] }()
		if u.hunks++; u.hunks > w.o.hunks || w.n > w.o.lines {
			left++
			return nil
		}
		return u.hunk(changes)
	}
	for s := range d.Stretches() {
		if w.done {
			return nil
		}
		if !s.Equal {
			changes = append(changes, s)
		} else if s.A1-s.A0 > 2*contextLines {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if left > 0 {
		w.left(left, "more place", "more places")
	}
	return nil
}

// unified is a unified difference that is being written.
type unified struct {
	w     *lineWriter
	n     *diff.Node
	d     *diff.LineDiff
	whole bool // the content is that of a whole file, so that its last line should have an end
	a, b  textSide
	hunks int
	lines int // of the hunk
	next  int // of the node's ranges, which are looked through once
}

// hunk writes changes that lie close together, with the lines around them.
func (u *unified) hunk(cs []diff.LineStretch) error {
	first, last := cs[0], cs[len(cs)-1]
	before := min(contextLines, first.A0, first.B0)
	after := min(contextLines, u.d.A.Len()-last.A1, u.d.B.Len()-last.B1)
	a0, a1, b0, b1 := first.A0-before, last.A1+after, first.B0-before, last.B1+after
	u.w.note("@@ -%d,%d +%d,%d @@", from(a0, a1), a1-a0, from(b0, b1), b1-b0)
	u.lines = 0
	at := a0
	for _, c := range cs {
		if err := u.both(at, c.A0); err != nil {
			return err
		}
		if err := u.change(c); err != nil {
			return err
		}
		at = c.A1
	}
	if err := u.both(at, a1); err != nil {
		return err
	}
	if u.lines > u.w.o.lines {
		u.w.left(u.lines-u.w.o.lines, "more line", "more lines")
	}
	return nil
}

// from is a hunk's first line as it is written: that before it when it has none.
func from(from, to int) int {
	if to > from {
		return from + 1
	}
	return from
}

// room reports whether one more line may be written.
func (u *unified) room() bool {
	u.lines++
	return u.lines <= u.w.o.lines && !u.w.done
}

// both writes lines of both sides.
func (u *unified) both(from, to int) error {
	for i := from; i < to; i++ {
		if !u.room() {
			continue
		}
		s, err := u.a.text(u.d.A.Line(i), longRow)
		if err != nil {
			return err
		}
		u.w.put(lineBoth, " "+u.w.cut(shown(s, u.whole)))
	}
	return nil
}

// change writes lines that only one side has, those of A first. Where both have
// as many, and few, what differs inside them is marked.
func (u *unified) change(c diff.LineStretch) error {
	ra, rb := u.d.A.Lines(c.A0, c.A1), u.d.B.Lines(c.B0, c.B1)
	if ra.Len > 0 && rb.Len > 0 && len(u.n.RangesA) > 0 && (u.long(u.d.A, c.A0, c.A1) || u.long(u.d.B, c.B0, c.B1)) {
		return u.fragments(ra, rb)
	}
	const mostMarked = 400
	paired := c.A1-c.A0 == c.B1-c.B0 && c.A1-c.A0 <= mostMarked
	var inA []string
	for i := c.A0; i < c.A1; i++ {
		if !u.room() {
			continue
		}
		s, err := u.a.line(u.d.A.Line(i), u)
		if err != nil {
			return err
		}
		if !paired {
			u.rows(lineA, "-", s, [2]int{})
			continue
		}
		inA = append(inA, s)
	}
	var inB []string
	for i := c.B0; i < c.B1; i++ {
		if !u.room() {
			continue
		}
		s, err := u.b.line(u.d.B.Line(i), u)
		if err != nil {
			return err
		}
		if !paired {
			u.rows(lineB, "+", s, [2]int{})
			continue
		}
		inB = append(inB, s)
	}
	marks := make([][2][2]int, len(inA))
	for i, s := range inA {
		if i < len(inB) {
			marks[i] = inside(s, inB[i])
		}
		u.rows(lineA, "-", s, marks[i][0])
	}
	for i, s := range inB {
		u.rows(lineB, "+", s, marks[i][1])
	}
	return nil
}

// inside gives what differs of two lines, unless that is most of them.
func inside(a, b string) (marks [2][2]int) {
	from, endA, endB := diff.Inside(a, b)
	if same := from + len(a) - endA; same*4 < max(len(a), len(b)) {
		return marks
	}
	return [2][2]int{{from, endA}, {from, endB}}
}

// long reports whether one of the lines is too long to be read as a line.
func (u *unified) long(t *diff.LineTable, from, to int) bool {
	for i := from; i < to; i++ {
		if t.Line(i).Len > longLine {
			return true
		}
	}
	return false
}

// rows writes one line, in several rows when it is long and whole.
func (u *unified) rows(k lineKind, sign, s string, mark [2]int) {
	if !u.w.o.raw || len(s) <= longLine {
		s = u.w.cut(s)
		if mark[1] > len(s) {
			mark = [2]int{}
		} else if mark[1] > mark[0] {
			mark = [2]int{mark[0] + len(sign), mark[1] + len(sign)}
		}
		u.w.give(contentLine{kind: k, text: sign + s, mark: mark})
		return
	}
	for len(s) > 0 {
		n := min(longRow, len(s))
		for n < len(s) && s[n]&0xc0 == 0x80 {
			n++
		}
		u.w.put(k, sign+s[:n])
		s, sign = s[n:], "⋯"
	}
}

// fragments shows, of lines that are too long, each stretch that differs with
// some bytes around it.
func (u *unified) fragments(ra, rb diff.Range) error {
	const around = 40
	end := ra.Off + ra.Len
	as, bs := u.n.RangesA, u.n.RangesB
	for ; u.next < min(len(as), len(bs)) && as[u.next].Off+as[u.next].Len <= ra.Off && as[u.next].Off < ra.Off; u.next++ {
	}
	for ; u.next < min(len(as), len(bs)) && as[u.next].Off < end; u.next++ {
		if !u.room() {
			continue
		}
		a, b := as[u.next], bs[u.next]
		u.w.note("@@ A bytes %#x+%d, B bytes %#x+%d, in a long line @@", a.Off, a.Len, b.Off, b.Len)
		if err := u.fragment(&u.a, lineA, "-", a, ra, around); err != nil {
			return err
		}
		if err := u.fragment(&u.b, lineB, "+", b, rb, around); err != nil {
			return err
		}
	}
	return nil
}

// fragment writes one side's bytes of a stretch, whole where pages are to be had.
func (u *unified) fragment(t *textSide, k lineKind, sign string, r, in diff.Range, around int64) error {
	from, to := max(in.Off, r.Off-around), min(in.Off+in.Len, r.Off+r.Len+around)
	most := int64(longRow)
	for at := from; at < to && !u.w.done; {
		n := min(most, to-at)
		if !u.w.o.all && n > maxValue {
			n = maxValue
		}
		s, err := t.text(diff.Range{Off: at, Len: n}, n)
		if err != nil {
			return err
		}
		lead, tail := "", ""
		if at == from && from > in.Off {
			lead = "…"
		}
		if at+n == to && to < in.Off+in.Len {
			tail = "…"
		}
		if !u.w.o.all && at+n < to {
			u.w.put(k, sign+lead+safe.Text(s))
			u.w.note("%s … %d more bytes (--full shows them)", sign, to-at-n)
			return nil
		}
		u.w.give(marked(k, sign+lead, s, tail, r.Off-at, r.Off+r.Len-at))
		at, sign = at+n, "⋯"
	}
	return nil
}

// marked is a row of text of which the bytes [from, to) differ, escaped part by
// part so that the mark stays where it is.
func marked(k lineKind, lead, s, tail string, from, to int64) contentLine {
	from, to = min(max(from, 0), int64(len(s))), min(max(to, 0), int64(len(s)))
	l := contentLine{kind: k, text: lead + safe.Text(s[:from])}
	at := len(l.text)
	l.text += safe.Text(s[from:to])
	if len(l.text) > at && to-from < int64(len(s)) {
		l.mark = [2]int{at, len(l.text)}
	}
	l.text += safe.Text(s[to:]) + tail
	return l
}

// textSide reads lines that follow each other, many at once.
type textSide struct {
	oneSide
	buf []byte
	off int64
}

// line is a line as it is shown: all of it where all is wanted.
func (t *textSide) line(r diff.Range, u *unified) (string, error) {
	most := int64(4 * maxValue)
	if u.w.o.all {
		most = r.Len
	}
	s, err := t.text(r, most)
	if err != nil {
		return "", err
	}
	if r.Len > most {
		return shown(s, false) + "…", nil
	}
	return shown(s, u.whole), nil
}

// text is the text of a range, at most so many bytes of it.
func (t *textSide) text(r diff.Range, most int64) (string, error) {
	r.Len = min(r.Len, most)
	if r.Len == 0 {
		return "", nil
	}
	if r.Off < t.off || r.Off+r.Len > t.off+int64(len(t.buf)) {
		const block = 64 << 10
		p, err := t.read(diff.Range{Off: r.Off, Len: min(max(r.Len, block), t.Size-r.Off)})
		if err != nil {
			return "", err
		}
		t.buf, t.off = p, r.Off
	}
	return string(t.buf[r.Off-t.off:][:r.Len]), nil
}

// cut shortens a line that is too long to be read, unless all is wanted.
func (w *lineWriter) cut(s string) string {
	if w.o.all {
		return s
	}
	return cut(s)
}

// shown makes visible what a line's end hides. The end of what is a part of a
// file, not a whole one, says nothing.
func shown(text string, whole bool) string {
	s, had := strings.CutSuffix(text, "\n")
	if t, cr := strings.CutSuffix(s, "\r"); cr {
		s = t + `\r`
	}
	s = safe.Line(s)
	if !had && whole {
		s += " (no newline at the end)"
	}
	return s
}
