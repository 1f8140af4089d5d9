package render

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// maxText bounds the text that is read to be shown line by line.
const maxText = 32 << 20

// content writes what differs inside a node, when no child does.
func (t *text) content(in string, n *diff.Node) {
	for _, l := range t.o.lines(n) {
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

// lines gives the difference of a node's content: a unified difference of text,
// or hex of both sides; nothing where children or reasons say it all.
func (o Options) lines(n *diff.Node) []contentLine {
	if n.Content == nil || n.Status != diff.Differs || !leaf(n) {
		return nil
	}
	switch n.Kind {
	case diff.KindIndex, diff.KindManifest, diff.KindConfig:
		return nil // the reasons say it by field
	}
	var out []contentLine
	var err error
	if diff.Textual(n.Kind) || n.Listing {
		out, err = o.unified(n)
	} else {
		out, err = o.hex(n)
	}
	if err != nil {
		out = append(out, contentLine{lineNote, "its content could not be shown: " + safe.Line(err.Error())})
	}
	return out
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

func (o Options) unified(n *diff.Node) ([]contentLine, error) {
	a, err := readSide(n.Content.OpenA)
	if err != nil {
		return nil, err
	}
	b, err := readSide(n.Content.OpenB)
	if err != nil {
		return nil, err
	}
	all := diff.Lines(string(a), string(b))
	var out []contentLine
	hunks, left := 0, 0
	for i := 0; i < len(all); {
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
		if !o.Full && (hunks > maxHunks || len(out) > maxLines) {
			left++
		} else {
			out = append(out, hunk(all[from:to], n.Kind != diff.KindValue)...)
		}
		i = to
	}
	if left > 0 {
		out = append(out, contentLine{lineNote, fmt.Sprintf("… %s left out (--full shows them)", plural(left, "more place", "more places"))})
	}
	return out, nil
}

// hunk writes a stretch of lines with its head.
func hunk(ls []diff.Line, whole bool) []contentLine {
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
	out := []contentLine{{lineNote, fmt.Sprintf("@@ -%d,%d +%d,%d @@", fa, na, fb, nb)}}
	for _, l := range ls {
		k, sign := lineBoth, " "
		switch l.Op {
		case diff.InA:
			k, sign = lineA, "-"
		case diff.InB:
			k, sign = lineB, "+"
		}
		out = append(out, contentLine{k, sign + cut(shown(l.Text, whole))})
	}
	return out
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
func (o Options) hex(n *diff.Node) ([]contentLine, error) {
	ra, _, err := n.Content.OpenA()
	if err != nil {
		return nil, err
	}
	defer closeIt(ra)
	rb, _, err := n.Content.OpenB()
	if err != nil {
		return nil, err
	}
	defer closeIt(rb)
	if ra == nil || rb == nil {
		return nil, nil
	}
	var out []contentLine
	for i := range n.RangesA {
		if !o.Full && (i >= maxHunks || len(out) > maxLines) {
			out = append(out, contentLine{lineNote, fmt.Sprintf("… %s left out (--full shows them)", plural(len(n.RangesA)-i, "more range", "more ranges"))})
			break
		}
		a, b := n.RangesA[i], n.RangesB[i]
		out = append(out, contentLine{lineNote, fmt.Sprintf("@@ A bytes %#x+%d, B bytes %#x+%d @@", a.Off, a.Len, b.Off, b.Len)})
		rows, err := o.rows(ra, a, lineA, "-")
		if err != nil {
			return out, err
		}
		out = append(out, rows...)
		if rows, err = o.rows(rb, b, lineB, "+"); err != nil {
			return out, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

func closeIt(r io.Closer) {
	if r != nil {
		r.Close()
	}
}

// rows are a range's bytes, sixteen in a row, in rows that begin where hex dumps
// begin theirs.
func (o Options) rows(r io.ReaderAt, at diff.Range, k lineKind, sign string) ([]contentLine, error) {
	if at.Len == 0 {
		return nil, nil
	}
	var out []contentLine
	for from := at.Off &^ 15; from < at.Off+at.Len; from += 16 {
		if !o.Full && len(out) == maxHex {
			out = append(out, contentLine{lineNote, fmt.Sprintf("%s … %d more bytes (--full shows them)", sign, at.Off+at.Len-from)})
			break
		}
		p := make([]byte, 16)
		n, err := r.ReadAt(p, from)
		if err != nil && err != io.EOF {
			return out, err
		}
		out = append(out, contentLine{k, sign + hexRow(from, p[:n])})
	}
	return out, nil
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
