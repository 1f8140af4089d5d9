package render

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

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
		}
		t.children(root, -1)
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

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(t.w, format, args...)
	t.w.WriteByte('\n')
}

var marks = map[diff.Status]string{diff.NotChecked: "·", diff.Same: "=", diff.Differs: "≠", diff.OnlyA: "-", diff.OnlyB: "+", diff.Unreadable: "!"}

func (t *text) summary(root *diff.Node) {
	s := t.o.summarize(root)
	t.line("A  %s", name(t.o.A, root.A))
	t.line("B  %s", name(t.o.B, root.B))
	t.line("%s", t.paint(verdictStyle(s), t.o.verdict(s)))
	if root.Note != "" {
		t.line("note: %s", safe.Line(root.Note))
	}
	t.within = wrapping(root)
	t.suspicious(root, s)
	if s.Differing > 0 {
		t.line("%s", tallies(s, safe.Line))
	}
	for _, c := range s.Causes {
		fix := ""
		if c.Fix != "" {
			fix = t.paint(faint, "  → "+safe.Line(c.Fix))
		}
		t.line("  %-4s %8s  %s (%s)%s", safe.Line(c.ID), number(c.Entries), safe.Line(c.Name), c.Confidence, fix)
	}
	for _, l := range t.o.permits() {
		t.line("%s", l)
	}
	t.unexplained(s.unexplainedFiles())
	t.findings("not read, so that nothing is known of it:", yellow, s.Unread)
}

// maxFindings bounds each list of the summary but that of suspicions.
const maxFindings = 10

// suspicious says which files are suspicious, and why: each has its line.
func (t *text) suspicious(root *diff.Node, s Summary) {
	if len(s.Suspects) == 0 {
		return
	}
	t.line("%s", t.paint(red, "suspicious, the worst file first:"))
	for _, l := range t.o.suspiciousLines(root, s.Suspects, detailed) {
		if l.file == nil {
			t.line("    %s", l.below())
			continue
		}
		flag := ""
		if l.flag != "" {
			flag = t.paint(faint, "  (all of them: "+l.flag+")")
		}
		t.line("  %s: %s%s", t.paint(bold, safe.Line(strings.TrimPrefix(l.file.Path, t.within))), safe.Line(l.text), flag)
	}
}

func (t *text) findings(title string, st style, fs []Finding) {
	if len(fs) == 0 {
		return
	}
	t.line("%s", t.paint(st, title))
	for i, f := range fs {
		if i == maxFindings && !t.o.Full {
			t.line("  … and %s more (--full lists them)", number(len(fs)-i))
			break
		}
		t.line("  %s: %s", safe.Line(strings.TrimPrefix(f.Path, t.within)), safe.Line(f.What))
	}
}

// unexplained says which files nothing explains, and which parts of them.
func (t *text) unexplained(fs []unexplainedFile) {
	if len(fs) == 0 {
		return
	}
	t.line("%s", t.paint(yellow, "not explained, worst first:"))
	for i, f := range fs {
		if i == maxFindings && !t.o.Full {
			t.line("  … and %s (--full lists them)", plural(len(fs)-i, "more file"))
			break
		}
		t.line("  %s: %s", safe.Line(strings.TrimPrefix(f.path, t.within)), safe.Line(f.said(t.o.Full)))
	}
}

func name(given string, s *diff.Side) string {
	if given == "" && s != nil {
		given = s.Name
	}
	out := safe.Line(given)
	if s != nil && s.Digest != "" {
		out += "  " + string(s.Digest)
	}
	return out
}

func verdictStyle(s Summary) style {
	switch s.Status {
	case diff.Same:
		return green
	case diff.Differs:
		return red
	}
	return yellow
}

// verdict is the one sentence.
func (o Options) verdict(s Summary) string {
	partly := ""
	if !s.Complete {
		partly = "; not all of it was seen"
	}
	switch {
	case s.Status == diff.Differs && o.Expected.All():
		return "differs, and every difference is expected by " + safe.Line(o.Expected.File.Name) + partly
	case s.Status == diff.Same && s.Complete:
		return "same: every byte of both was read and hashed"
	case s.Status == diff.Differs && s.Residue == diff.ResidueNone:
		return "differs, and every difference is accounted for" + partly
	case s.Status == diff.Differs && len(s.Suspicious) > 0:
		if n := len(s.Suspicious); n > 1 {
			return "differs, and " + plural(n, "finding") + " in " + plural(len(s.Suspects), "file") + " are suspicious" + partly
		}
		return "differs, and 1 finding is suspicious" + partly
	case s.Status == diff.Differs && len(s.Unexplained) > 0:
		return "differs, and nothing explains " + number(len(s.Unexplained)) + " of " + plural(s.Differing, "differing entry", "differing entries") + partly
	case s.Status == diff.Differs:
		return "differs" + partly
	}
	return "neither the same nor different as far as it could be read" + partly
}

// tallies is the sentence that counts: how many differences the causes account
// for, and the worst of those that none does. name makes a file's name safe.
func tallies(s Summary, name func(string) string) string {
	sure := 0 // causes that account for what they are found at
	for _, c := range s.Causes {
		if c.Confidence >= diff.Derived {
			sure++
		}
	}
	out := plural(s.Differing, "differing entry", "differing entries")
	if s.Explained > 0 {
		out = fmt.Sprintf("%s for %s of %s", plural(max(sure, 1), "cause accounts", "causes account"), number(s.Explained), out)
	}
	if n := len(s.Unexplained); n > 0 {
		files := s.unexplainedFiles()
		var worst []string
		for _, f := range files[:min(len(files), 3)] {
			worst = append(worst, name(f.name()))
		}
		if len(files) > 3 {
			worst = append(worst, "…")
		}
		in := ""
		if len(files) < n {
			in = " in " + plural(len(files), "file")
		}
		out += fmt.Sprintf("; %s unexplained%s: %s", number(n), in, strings.Join(worst, ", "))
		if len(files) > 1 {
			out += ", worst first"
		}
	}
	if s.Expected > 0 {
		out += fmt.Sprintf("; %s expected", number(s.Expected))
	}
	return out + "; " + plural(s.Equal, "part is", "parts are") + " equal"
}

func plural(n int, forms ...string) string {
	if n == 1 {
		return "1 " + forms[0]
	}
	if len(forms) > 1 {
		return number(n) + " " + forms[1]
	}
	return number(n) + " " + forms[0] + "s"
}

// number writes a count with its thousands apart: 6,680.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

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
	for _, s := range n.Suspicions {
		t.line("%s    %s %s", in, t.paint(red, "suspicious, "+safe.Line(string(s.Kind))+":"), cut(safe.Line(s.What)))
	}
	var derived []string
	for _, r := range n.Reasons {
		if r.Cause != nil && r.Cause.ID == "derived" {
			derived = append(derived, safe.Line(r.Field))
			continue
		}
		t.reason(in+"    ", r)
	}
	if len(derived) > 0 {
		t.line("%s    %s", in, t.paint(faint, "follows from what is below: "+cut(strings.Join(derived, ", "))))
	}
	if n.Note != "" {
		t.line("%s    %s %s", in, t.paint(yellow, "note:"), safe.Line(n.Note))
	}
	if t.o.wanted(n) {
		t.content(in+"    ", n)
	}
	was := t.o
	t.o = t.o.below(n)
	t.children(n, depth)
	t.o = was
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
			t.line("%s… and %s more entries (--full lists them)", in, number(len(n.Children)-i))
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

func (t *text) reason(in string, r diff.Reason) {
	a, b := cmp.Or(safe.Line(r.A), "none"), cmp.Or(safe.Line(r.B), "none")
	out := safe.Line(r.Field)
	if r.A != "" || r.B != "" {
		out += ": " + t.paint(red, cut(a)) + " → " + t.paint(green, cut(b))
	}
	if c := r.Cause; c != nil {
		out += t.paint(cyan, fmt.Sprintf("  [%s %s, %s]", safe.Line(c.ID), safe.Line(c.Name), c.Confidence))
	}
	t.line("%s%s", in, out)
	if c := r.Cause; c != nil && c.Evidence != "" && c.Confidence != diff.Derived {
		t.line("%s  %s", in, t.paint(faint, safe.Line(c.Evidence)))
	}
}

// maxValue bounds a value in characters.
const maxValue = 200

func cut(s string) string {
	if r := []rune(s); len(r) > maxValue {
		return string(r[:maxValue]) + fmt.Sprintf("… (%d more)", len(r)-maxValue)
	}
	return s
}
