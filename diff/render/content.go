package render

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// maxText bounds the text that is read to be shown line by line.
const maxText = 32 << 20

// content writes what differs inside a node, when no child does.
func (t *text) content(in string, n *diff.Node) {
	for l := range t.o.lines(n) {
		switch l.kind {
		case lineA:
			t.line("%s%s", in, t.paint(red, l.text))
		case lineB:
			t.line("%s%s", in, t.paint(green, l.text))
		case lineNote:
			t.line("%s%s", in, t.paint(faint, l.text))
		default:
			t.line("%s%s", in, l.text)
		}
	}
}

// contentLine is a line of a content's difference, safe to be shown.
type contentLine struct {
	kind lineKind
	text string // with its sign
}

type lineKind int

const (
	lineBoth lineKind = iota
	lineA
	lineB
	lineNote // a hunk's head, or what was left out
)

// lines gives the difference of a node's content, line by line as it is read: a
// unified difference of text, or hex of both sides; nothing where children or
// reasons say it all.
func (o Options) lines(n *diff.Node) iter.Seq[contentLine] {
	return func(yield func(contentLine) bool) {
		if n.Content == nil || n.Status != diff.Differs || !n.Leaf() {
			return
		}
		if follows(n) {
			return
		}
		switch n.Kind {
		case diff.KindIndex, diff.KindManifest, diff.KindConfig:
			return // the reasons say it by field
		case diff.KindTable, diff.KindCode:
			if len(n.Reasons) > 0 {
				return
			}
		}
		w := &lineWriter{o: o.bounds(), yield: yield}
		var err error
		if diff.Textual(n.Kind) || n.Listing {
			err = w.unified(n)
		} else {
			err = w.hex(n)
		}
		if err != nil {
			w.note("its content could not be shown: %s", safe.Line(err.Error()))
		}
	}
}

// lineWriter gives lines to whoever asked for them.
type lineWriter struct {
	o     bounds
	yield func(contentLine) bool
	n     int  // lines given
	done  bool // nobody wants more
}

func (w *lineWriter) put(k lineKind, text string) {
	if w.done {
		return
	}
	w.n++
	w.done = !w.yield(contentLine{k, text})
}

func (w *lineWriter) note(format string, args ...any) { w.put(lineNote, fmt.Sprintf(format, args...)) }

// left says that something of a content was left out.
func (w *lineWriter) left(n int, forms ...string) {
	w.note("… %s left out (--full shows them)", plural(n, forms...))
}

// follows reports whether all of a node's difference follows from what is said
// elsewhere.
func follows(n *diff.Node) bool {
	for _, r := range n.Reasons {
		if r.Cause == nil || r.Cause.ID != "derived" {
			return false
		}
	}
	return len(n.Reasons) > 0 && n.Residue == diff.ResidueNone
}

func readSide(open func() (diff.ReaderAtCloser, int64, error)) ([]byte, error) {
	r, n, err := open()
	if err != nil || r == nil {
		return nil, err
	}
	defer r.Close()
	if n > maxText {
		return nil, fmt.Errorf("its %d bytes are too many to be shown as text", n)
	}
	p := make([]byte, n)
	if k, err := r.ReadAt(p, 0); k < len(p) {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return p, nil
}

// contextLines is how many equal lines are shown around a change.
const contextLines = 3

func (w *lineWriter) unified(n *diff.Node) error {
	a, err := readSide(n.Content.OpenA)
	if err != nil {
		return err
	}
	b, err := readSide(n.Content.OpenB)
	if err != nil {
		return err
	}
	all := diff.Lines(string(a), string(b))
	hunks, left := 0, 0
	for i := 0; i < len(all) && !w.done; {
		if !all[i].Changed() {
			i++
			continue
		}
		from := max(0, i-contextLines)
		to, gap := i, 0
		for to < len(all) && gap <= 2*contextLines {
			if gap++; all[to].Changed() {
				gap = 0
			}
			to++
		}
		to = min(to, max(i, to-gap+contextLines))
		hunks++
		if hunks > w.o.hunks || w.n > w.o.lines {
			left++
		} else {
			w.hunk(all[from:to], n.Kind != diff.KindValue)
		}
		i = to
	}
	if left > 0 {
		w.left(left, "more place", "more places")
	}
	return nil
}

// hunk writes a stretch of lines with its head.
func (w *lineWriter) hunk(ls []diff.Line, whole bool) {
	var na, nb, fa, fb int
	for _, l := range ls {
		if l.Op != diff.InB {
			if na++; fa == 0 {
				fa = l.A
			}
		}
		if l.Op != diff.InA {
			if nb++; fb == 0 {
				fb = l.B
			}
		}
	}
	w.note("@@ -%d,%d +%d,%d @@", fa, na, fb, nb)
	for i, l := range ls {
		if i >= w.o.lines {
			w.left(len(ls)-i, "more line", "more lines")
			return
		}
		k, sign := lineBoth, " "
		switch l.Op {
		case diff.InA:
			k, sign = lineA, "-"
		case diff.InB:
			k, sign = lineB, "+"
		}
		w.put(k, sign+w.cut(shown(l.Text, whole)))
	}
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

// hex shows the ranges of both sides.
func (w *lineWriter) hex(n *diff.Node) error {
	ra, _, err := n.Content.OpenA()
	if err != nil {
		return err
	}
	defer closeIt(ra)
	rb, _, err := n.Content.OpenB()
	if err != nil {
		return err
	}
	defer closeIt(rb)
	if ra == nil || rb == nil {
		return nil
	}
	for i := 0; i < min(len(n.RangesA), len(n.RangesB)) && !w.done; i++ {
		if i >= w.o.hunks || w.n > w.o.lines {
			w.left(len(n.RangesA)-i, "more range", "more ranges")
			break
		}
		a, b := n.RangesA[i], n.RangesB[i]
		w.note("@@ A bytes %#x+%d, B bytes %#x+%d @@", a.Off, a.Len, b.Off, b.Len)
		if err := w.rows(ra, a, lineA, "-"); err != nil {
			return err
		}
		if err := w.rows(rb, b, lineB, "+"); err != nil {
			return err
		}
	}
	return nil
}

func closeIt(r io.Closer) {
	if r != nil {
		r.Close()
	}
}

// rows are a range's bytes, sixteen in a row, in rows that begin where hex dumps
// begin theirs.
func (w *lineWriter) rows(r io.ReaderAt, at diff.Range, k lineKind, sign string) error {
	end := at.Off + at.Len
	if at.Len == 0 {
		return nil
	}
	buf := make([]byte, min(64<<10, (at.Len+31)&^15))
	rows := 0
	for from := at.Off &^ 15; from < end && !w.done; {
		n, err := r.ReadAt(buf[:min(int64(len(buf)), (end-from+15)&^15)], from)
		if n == 0 || err != nil && err != io.EOF {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		for p := buf[:n]; len(p) > 0 && !w.done; p = p[min(16, len(p)):] {
			if rows == w.o.rows {
				w.note("%s … %d more bytes (--full shows them)", sign, end-from)
				return nil
			}
			w.put(k, sign+hexRow(from, p[:min(16, len(p))]))
			rows++
			from += int64(min(16, len(p)))
		}
	}
	return nil
}

func hexRow(off int64, p []byte) string {
	var hex, ascii strings.Builder
	for i := range 16 {
		if i == 8 {
			hex.WriteByte(' ')
		}
		if i >= len(p) {
			hex.WriteString("   ")
			continue
		}
		fmt.Fprintf(&hex, " %02x", p[i])
		if p[i] >= 0x20 && p[i] < 0x7f {
			ascii.WriteByte(p[i])
		} else {
			ascii.WriteByte('.')
		}
	}
	return fmt.Sprintf("%08x %s  %s", off, hex.String(), ascii.String())
}
