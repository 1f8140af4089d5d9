package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

func (t *text) summary(root *diff.Node) {
	s := t.o.summarize(root)
	t.line("A  %s", name(t.o.A, root.A))
	t.line("B  %s", name(t.o.B, root.B))
	t.line("%s", t.paint(verdictStyle(s), t.o.verdict(s)))
	if root.Note != "" {
		t.line("note: %s", safe.Line(root.Note))
	}
	for _, l := range t.o.unmatched(root) {
		t.line("%s", t.paint(yellow, "note: "+l))
	}
	t.within = wrapping(root)
	t.suspicious(root, s)
	if s.Differing > 0 {
		t.line("%s", tallies(s, safe.Line))
	}
	t.causes(s)
	for _, l := range t.o.permits() {
		t.line("%s", l)
	}
	t.unexplained(s.unexplainedFiles())
	t.findings("not read, or not all of it:", yellow, s.Unread)
}

// causes is a table: each cause, how many entries have it, how sure that is, and what
// would mend it.
func (t *text) causes(s Summary) {
	if len(s.Causes) == 0 {
		return
	}
	id, entries := len("cause"), len("entries")
	for _, c := range s.Causes {
		id, entries = max(id, ansi.StringWidth(safe.Line(c.ID))), max(entries, len(number(c.Entries)))
	}
	t.line("  %s", t.paint(faint, fmt.Sprintf("%-*s  %*s  why", id, "cause", entries, "entries")))
	for _, c := range s.Causes {
		fix := ""
		if c.Fix != "" {
			fix = t.paint(faint, "; fix: "+safe.Line(c.Fix))
		}
		name := safe.Line(c.ID)
		t.hang(id+entries+4, "  %s%s  %*s  %s (%s)%s", name, strings.Repeat(" ", id-ansi.StringWidth(name)), entries, number(c.Entries), safe.Line(c.Name), c.Confidence, fix)
	}
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
			t.hang(2, "    %s", l.below())
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
	case s.Status == diff.Same && s.Complete && s.images:
		return "same: every byte of both images was read and hashed"
	case s.Status == diff.Same && s.Complete:
		return "same: every byte of both was read and hashed"
	case s.SameTree && s.listed:
		return "differs in what it is: all files are as the list says, which has no times and no contents" + partly
	case s.SameTree && len(s.Unrecorded) > 0:
		return "differs in the container: same tree, other container, in all that both record" + partly
	case s.SameTree:
		return "differs in the container: same tree, other container" + partly
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
		names, k := worstNames(s.unexplainedFiles())
		var worst []string
		for _, f := range names[:min(k, 3)] {
			worst = append(worst, name(f))
		}
		if k > 3 {
			worst = append(worst, "…")
		}
		in := ""
		if k < n {
			in = " in " + plural(k, "file")
		}
		out += fmt.Sprintf("; %s unexplained%s: %s", number(n), in, strings.Join(worst, ", "))
		if k > 1 {
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
