package render

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// Text writes a report to be read: the summary, what is suspicious, then the
// tree. It is plain unless Options.Color is set, and says the same without.
func Text(w io.Writer, root *diff.Node, o Options) error {
	t := &text{w: newReport(w, o), o: o}
	t.summary(root)
	if !o.Stat && root.Status != diff.Same {
		t.line("")
		if len(root.Children) == 0 {
			t.node(root, 0)
		} else {
			t.own("", root, false)
			t.children(root, -1)
		}
	}
	return t.w.Flush()
}

type text struct {
	w      *report
	o      Options
	within string // what every path begins with, and need not be said
}

// style is an SGR sequence.
type style string

const (
	bold   style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

func (t *text) paint(s style, p string) string {
	if !t.o.Color || p == "" {
		return p
	}
	return "\x1b[" + string(s) + "m" + p + "\x1b[0m"
}

// line writes a line. One that is wider than the terminal goes on below, further in.
func (t *text) line(format string, args ...any) { t.hang(4, format, args...) }

// raw writes a line of content, however wide: it is as the content has it, and no row
// that looks like another line.
func (t *text) raw(s string) {
	t.w.WriteString(s)
	t.w.WriteByte('\n')
}

// hang is line with what is added to a line's own indent where it goes on.
func (t *text) hang(more int, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	for i, l := range wrap(s, t.o.Width, more) {
		if i > 0 {
			t.w.WriteByte('\n')
		}
		t.w.WriteString(l)
	}
	t.w.WriteByte('\n')
}

// leastWidth is below how many columns nothing is wrapped: it would be one word to a
// line.
const leastWidth = 40

// wrap cuts a line into rows of at most so many columns, as a terminal counts them;
// rows after the first are indented by as much as the line, and more. 0 means that
// there is no bound.
func wrap(s string, width, more int) []string {
	if width < leastWidth || ansi.StringWidth(s) <= width {
		return []string{s}
	}
	text := strings.TrimLeft(s, " ")
	in := len(s) - len(text)
	if in+more > width/2 {
		return []string{s} // what is left is no room
	}
	room := width - in
	var rows []string
	row, has, lead := "", 0, s[:in]
	flush := func() {
		rows = append(rows, lead+strings.TrimRight(row, " "))
		row, has, lead, room = "", 0, strings.Repeat(" ", in+more), width-in-more
	}
	for word := range strings.SplitSeq(text, " ") {
		n := ansi.StringWidth(word)
		if has > 0 && has+1+n > room {
			flush()
		}
		for n > room { // a word that no row has room for
			head := ansi.Truncate(word, room, "")
			if head == "" {
				break
			}
			row = head
			flush()
			word = ansi.TruncateLeft(word, ansi.StringWidth(head), "")
			n = ansi.StringWidth(word)
		}
		if has > 0 {
			row, has = row+" ", has+1
		}
		row, has = row+word, has+n
	}
	flush()
	return rows
}

var marks = map[diff.Status]string{diff.NotChecked: "·", diff.Same: "=", diff.Differs: "≠", diff.OnlyA: "-", diff.OnlyB: "+", diff.Unreadable: "!"}

// node writes a node and what is below it.
func (t *text) node(n *diff.Node, depth int) {
	in := strings.Repeat("  ", depth)
	t.line("%s%s %s", in, t.paint(statusStyle(n.Status), marks[n.Status]), t.head(n))
	if n.Status == diff.Same {
		return
	}
	if p := t.o.Expected.Of(n); p != nil {
		t.line("%s    %s", in, t.paint(faint, permitted(p)))
	}
	if t.o.folded(n) {
		t.line("%s    folded: %s (%s; without --fold it is shown)", in, safe.Line(n.Reasons[0].Cause.Name), plural(itself(n), "difference"))
		return
	}
	t.own(in+"    ", n, true)
	if t.o.wanted(n) {
		t.content(in+"    ", n)
	}
	was := t.o
	t.o = t.o.below(n)
	t.children(n, depth)
	t.o = was
}

// own writes what a node says itself. The summary has said the root's note.
func (t *text) own(in string, n *diff.Node, note bool) {
	for _, s := range n.Suspicions {
		t.line("%s%s %s", in, t.paint(red, "suspicious, "+safe.Line(string(s.Kind))+":"), t.o.cut(safe.Line(s.What)))
	}
	var derived []string
	var above *diff.Cause
	for _, r := range n.Reasons {
		if r.Cause != nil && r.Cause.ID == "derived" {
			derived = append(derived, safe.Line(r.Field))
			continue
		}
		t.reason(in, r, above)
		above = r.Cause
	}
	if len(derived) > 0 {
		t.line("%s%s", in, t.paint(faint, "follows from what is below: "+t.o.cut(strings.Join(derived, ", "))))
	}
	if note && n.Note != "" {
		t.line("%s%s %s", in, t.paint(yellow, "note:"), safe.Line(n.Note))
	}
}

func (t *text) children(n *diff.Node, depth int) {
	in := strings.Repeat("  ", depth+1)
	hidden := 0
	for i, c := range n.Children {
		if t.w.full() {
			t.line("%s%s", in, leftOut(n.Children[i:]))
			break
		}
		if n.Kind == diff.KindGroup && i == t.o.bounds().group {
			t.line("%s… and %s (--full lists them)", in, plural(len(n.Children)-i, "more entry", "more entries"))
			break
		}
		if !t.o.within(c) {
			hidden++
			continue
		}
		if n.Kind == diff.KindGroup && len(c.Suspicions) == 0 {
			t.line("%s%s %s", in, t.paint(statusStyle(c.Status), marks[c.Status]), t.head(c)) // the group says what they share
			continue
		}
		t.node(c, depth+1)
	}
	if hidden > 0 {
		t.line("%s%s", in, t.paint(faint, fmt.Sprintf("(%s left out by --only)", plural(hidden, "difference"))))
	}
	if n.Equal > 0 {
		t.line("%s%s", in, t.paint(faint, fmt.Sprintf("= %d equal", n.Equal)))
	}
}

func statusStyle(s diff.Status) style {
	switch s {
	case diff.Same:
		return green
	case diff.Differs, diff.OnlyA, diff.OnlyB:
		return red
	}
	return yellow
}

// head is a node's first line.
func (t *text) head(n *diff.Node) string {
	out := t.paint(bold, safe.Line(n.Name))
	if string(n.Kind) != n.Name && n.Kind != diff.KindGroup && !strings.HasPrefix(n.Name, string(n.Kind)) {
		out += "  " + t.paint(faint, string(n.Kind))
	}
	switch n.Status {
	case diff.Differs, diff.Same:
	default:
		out += "  " + n.Status.String()
	}
	return out + t.paint(faint, sizes(n))
}

// sizes says how large the sides are, and which digests they have.
func sizes(n *diff.Node) string {
	one := func(s *diff.Side) string {
		if s == nil || s.Size < 0 && s.Digest == "" {
			return ""
		}
		out := ""
		if s.Digest != "" {
			out = s.Digest.Short()
		}
		if s.Size >= 0 {
			out += fmt.Sprintf(" %d B", s.Size)
		}
		return strings.TrimSpace(out)
	}
	a, b := one(n.A), one(n.B)
	switch {
	case a == "" && b == "":
		return ""
	case a == b || b == "":
		return "  " + a
	case a == "":
		return "  " + b
	}
	return "  " + a + " → " + b
}

// reason says what differs and why; above is the cause of the line before, which
// need not be said again.
func (t *text) reason(in string, r diff.Reason, above *diff.Cause) {
	a, b := cmp.Or(safe.Line(r.A), "none"), cmp.Or(safe.Line(r.B), "none")
	out := safe.Line(r.Field)
	if r.A != "" || r.B != "" {
		out += ": " + t.paint(red, t.o.cut(a)) + " → " + t.paint(green, t.o.cut(b))
	}
	c := r.Cause
	again := c != nil && above != nil && *c == *above
	switch {
	case again:
		out += t.paint(cyan, "  [as above]")
	case c != nil:
		out += t.paint(cyan, fmt.Sprintf("  [%s %s, %s]", safe.Line(c.ID), safe.Line(c.Name), c.Confidence))
	}
	t.line("%s%s", in, out)
	if c != nil && !again && c.Evidence != "" && c.Confidence != diff.Derived {
		t.line("%s  %s", in, t.paint(faint, safe.Line(c.Evidence)))
	}
}

// maxValue bounds a value in characters.
const maxValue = 200

// cut shortens a value, unless all is asked for.
func (o Options) cut(s string) string {
	if o.Full {
		return s
	}
	return cut(s)
}

func cut(s string) string {
	if r := []rune(s); len(r) > maxValue {
		return string(r[:maxValue]) + fmt.Sprintf("… (%d more)", len(r)-maxValue)
	}
	return s
}
