package look

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Span is text of one role on one ground. The text holds no escape sequence
// and no line end.
type Span struct {
	Text   string
	Role   Role
	Ground Ground
}

// Line is one row of cells.
type Line []Span

// T makes a line of one span.
func T(r Role, text string) Line { return Line{{Text: text, Role: r}} }

// Add appends a span and gives the line back.
func (l Line) Add(r Role, text string) Line {
	if text == "" {
		return l
	}
	return append(l, Span{Text: text, Role: r})
}

// On gives a copy of the line that lies on ground g.
func (l Line) On(g Ground) Line {
	out := make(Line, len(l))
	for i, s := range l {
		s.Ground = g
		out[i] = s
	}
	return out
}

// Width is the number of cells of text.
func Width(text string) int {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return ansi.StringWidth(text)
		}
	}
	return len(text)
}

// Width is the number of cells of the line.
func (l Line) Width() int {
	n := 0
	for _, s := range l {
		n += Width(s.Text)
	}
	return n
}

// Text is the line without roles.
func (l Line) Text() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Cut gives the cells from column from up to, not including, column to. A wide
// character that the cut would halve is replaced by spaces.
func (l Line) Cut(from, to int) Line {
	out := make(Line, 0, len(l)+1)
	col := 0
	for _, s := range l {
		if col >= to {
			break
		}
		w := Width(s.Text)
		lo, hi := max(0, from-col), min(w, to-col)
		switch {
		case lo >= hi:
		case lo == 0 && hi == w:
			out = append(out, s)
		case w == len(s.Text): // one byte a cell
			s.Text = s.Text[lo:hi]
			out = append(out, s)
		default:
			s.Text = cutWide(s.Text, lo, hi)
			out = append(out, s)
		}
		col += w
	}
	return out
}

func cutWide(text string, lo, hi int) string {
	var b strings.Builder
	col := 0
	for len(text) > 0 {
		cluster, w := ansi.FirstGraphemeCluster(text, ansi.GraphemeWidth)
		text = text[len(cluster):]
		switch {
		case col >= lo && col+w <= hi:
			b.WriteString(cluster)
		case col+w > lo && col < hi:
			b.WriteString(strings.Repeat(" ", min(col+w, hi)-max(col, lo)))
		}
		col += w
		if col >= hi {
			break
		}
	}
	return b.String()
}

// Fit makes the line exactly w cells wide: cut with an ellipsis, or padded.
func (l Line) Fit(w int) Line {
	switch n := l.Width(); {
	case w <= 0:
		return nil
	case n > w:
		return l.Cut(0, w-1).Add(Faint, "…").pad(w)
	}
	return l.pad(w)
}

func (l Line) pad(w int) Line {
	if n := w - l.Width(); n > 0 {
		return append(l[:len(l):len(l)], Span{Text: spaces(n)})
	}
	return l
}

const blank = "                                                                                                                                                                                                        "

func spaces(n int) string {
	if n <= len(blank) {
		return blank[:max(0, n)]
	}
	return strings.Repeat(" ", n)
}

// Left fits text into w cells, for a column.
func Left(text string, w int) string {
	n := Width(text)
	if n == w {
		return text
	}
	if n > w {
		return Ellipsis(text, w)
	}
	return text + spaces(w-n)
}

// Right is Left with the padding before the text.
func Right(text string, w int) string {
	n := Width(text)
	if n >= w {
		return Left(text, w)
	}
	return spaces(w-n) + text
}

// Ellipsis cuts text to at most w cells and says so with an ellipsis.
func Ellipsis(text string, w int) string {
	switch {
	case Width(text) <= w:
		return text
	case w <= 0:
		return ""
	case w == 1:
		return "…"
	}
	return ansi.Truncate(text, w, "…")
}

// Mark gives a copy of the line with the cells of every occurrence of needle
// in role. The comparison ignores case when needle has no upper case letter.
func (l Line) Mark(needle string, role Role) Line {
	if needle == "" {
		return l
	}
	text := l.Text()
	hay := text
	if strings.ToLower(needle) == needle {
		if low := strings.ToLower(text); len(low) == len(text) {
			hay = low
		}
	}
	var hits [][2]int
	for at := 0; ; {
		i := strings.Index(hay[at:], needle)
		if i < 0 {
			break
		}
		hits = append(hits, [2]int{at + i, at + i + len(needle)})
		at += i + len(needle)
	}
	if len(hits) == 0 {
		return l
	}
	return l.recolour(hits, role)
}

// recolour gives the byte ranges of the line's text another role.
func (l Line) recolour(hits [][2]int, role Role) Line {
	out := make(Line, 0, len(l)+2*len(hits))
	pos := 0
	for _, s := range l {
		end := pos + len(s.Text)
		at := pos
		for _, h := range hits {
			lo, hi := max(h[0], at), min(h[1], end)
			if lo >= hi {
				continue
			}
			if lo > at {
				out = append(out, Span{s.Text[at-pos : lo-pos], s.Role, s.Ground})
			}
			out = append(out, Span{s.Text[lo-pos : hi-pos], role, s.Ground})
			at = hi
		}
		if at < end {
			out = append(out, Span{s.Text[at-pos:], s.Role, s.Ground})
		}
		pos = end
	}
	return out
}
