package render

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// Markdown writes a report for an issue or a mail: a summary, and each
// difference folded behind its name.
func Markdown(w io.Writer, root *diff.Node, o Options) error {
	m := &markdown{w: newReport(w, o), o: o}
	m.summary(root)
	if !o.Stat && root.Status != diff.Same {
		m.line("")
		m.line("## Differences")
		m.line("")
		if len(root.Children) == 0 {
			m.node(root, nil)
		} else if len(root.Reasons)+len(root.Suspicions) > 0 {
			m.open(root, []string{root.Name})
			m.body(root, nil, false)
			m.line("</details>")
			m.line("")
		}
		m.children(root, nil)
	}
	return m.w.Flush()
}

type markdown struct {
	w      *report
	o      Options
	within string // what every path begins with, and need not be said
}

func (m *markdown) line(format string, args ...any) {
	fmt.Fprintf(m.w, format, args...)
	m.w.WriteByte('\n')
}

func (m *markdown) summary(root *diff.Node) {
	s := m.o.summarize(root)
	m.line("# Comparison")
	m.line("")
	m.line("**%s**", prose(m.o.verdict(s)))
	m.line("")
	m.line("| side | what | digest |")
	m.line("|---|---|---|")
	for i, side := range []*diff.Side{root.A, root.B} {
		what, digest := []string{m.o.A, m.o.B}[i], ""
		if side != nil {
			if what == "" {
				what = side.Name
			}
			digest = string(side.Digest)
		}
		m.line("| %s | %s | %s |", "AB"[i:i+1], cell(what), digest)
	}
	if root.Note != "" {
		m.line("")
		m.line("Note: %s", prose(root.Note))
	}
	for _, l := range m.o.unmatched(root) {
		m.line("")
		m.line("Note: %s", prose(l))
	}
	m.within = wrapping(root)
	m.suspicious(root, s)
	if s.Differing > 0 {
		m.line("")
		m.line("%s.", tallies(s, code))
	}
	if len(s.Causes) > 0 {
		m.line("")
		m.line("| cause | entries | what | how sure | remedy |")
		m.line("|---|---:|---|---|---|")
		for _, c := range s.Causes {
			m.line("| %s | %d | %s | %s | %s |", cell(c.ID), c.Entries, cell(c.Name), c.Confidence, cell(c.Fix))
		}
	}
	if ls := m.o.permits(); len(ls) > 0 {
		m.line("")
		for _, l := range ls {
			m.line("- %s", prose(strings.TrimSpace(l)))
		}
	}
	m.unexplained(s.unexplainedFiles())
	m.findings("Not read, so that nothing is known of it", s.Unread)
}

func (m *markdown) findings(title string, fs []Finding) {
	if len(fs) == 0 {
		return
	}
	m.line("")
	m.line("### %s", title)
	m.line("")
	for i, f := range fs {
		if i == maxFindings && !m.o.Full {
			m.line("- … and %s more (`--full` lists them)", number(len(fs)-i))
			break
		}
		m.line("- %s: %s", code(strings.TrimPrefix(f.Path, m.within)), prose(f.What))
	}
}

// unexplained says which files nothing explains, and which parts of them.
func (m *markdown) unexplained(fs []unexplainedFile) {
	if len(fs) == 0 {
		return
	}
	m.line("")
	m.line("### Not explained, worst first")
	m.line("")
	for i, f := range fs {
		if i == maxFindings && !m.o.Full {
			m.line("- … and %s (`--full` lists them)", plural(len(fs)-i, "more file"))
			break
		}
		m.line("- %s: %s", code(strings.TrimPrefix(f.path, m.within)), prose(f.said(m.o.Full)))
	}
}

// detailedShort is how many files have lines of their own where a report is to be
// pasted.
const detailedShort = 5

// suspicious says which files are suspicious, and why: each has its line.
func (m *markdown) suspicious(root *diff.Node, s Summary) {
	if len(s.Suspects) == 0 {
		return
	}
	m.line("")
	m.line("### Suspicious, the worst file first")
	m.line("")
	for _, l := range m.o.suspiciousLines(root, s.Suspects, detailedShort) {
		if l.file == nil {
			m.line("  - %s", prose(l.below()))
			continue
		}
		flag := ""
		if l.flag != "" {
			flag = " (all of them: " + code(l.flag) + ")"
		}
		m.line("- %s: %s%s", code(strings.TrimPrefix(l.file.Path, m.within)), prose(l.text), flag)
	}
}

// node writes a node that differs itself, under its whole path; those that only
// contain others are not written.
func (m *markdown) node(n *diff.Node, at []string) {
	if n.Status == diff.Same {
		return
	}
	at = append(at[:len(at):len(at)], n.Name)
	var lines []contentLine
	if m.o.wanted(n) && !m.o.folded(n) {
		lines = slices.Collect(m.o.lines(n))
	}
	if len(n.Reasons) > 0 || len(n.Suspicions) > 0 || len(lines) > 0 || n.Note != "" || n.Status != diff.Differs {
		m.open(n, at)
		m.body(n, lines, true)
		m.line("</details>")
		m.line("")
	}
	if m.o.folded(n) && len(n.Children) > 0 {
		m.line("… %s folded: %s", plural(itself(n), "difference"), prose(n.Reasons[0].Cause.Name))
		m.line("")
		return
	}
	was := m.o
	m.o = m.o.below(n)
	m.children(n, at)
	m.o = was
}

func (m *markdown) children(n *diff.Node, at []string) {
	hidden := 0
	for i, c := range n.Children {
		switch {
		case m.w.full():
			m.line("%s", leftOut(n.Children[i:]))
			m.line("")
			return
		case n.Kind == diff.KindGroup && i == m.o.bounds().group:
			m.line("… and %s like these (`--full` lists them)", plural(len(n.Children)-i, "more entry", "more entries"))
			m.line("")
			return
		case !m.o.within(c):
			hidden++
		default:
			m.node(c, at)
		}
	}
	if hidden > 0 {
		m.line("… %s of %s left out by `--only`", plural(hidden, "difference"), code(n.Name))
		m.line("")
	}
}

func (m *markdown) open(n *diff.Node, at []string) {
	m.line("<details><summary>%s <code>%s</code> %s</summary>", marks[n.Status], html.EscapeString(safe.Line(strings.Join(at, " / "))), html.EscapeString(string(n.Kind)))
	m.line("")
}

// body is what a node says itself. The summary has said the root's note.
func (m *markdown) body(n *diff.Node, lines []contentLine, note bool) {
	if n.Status != diff.Differs {
		m.line("%s", n.Status)
		m.line("")
	}
	for _, s := range n.Suspicions {
		m.line("- **suspicious, %s**: %s", prose(string(s.Kind)), prose(s.What))
	}
	for _, r := range n.Reasons {
		out := prose(r.Field)
		if r.A != "" || r.B != "" {
			out += ": " + code(m.o.cut(r.A)) + " → " + code(m.o.cut(r.B))
		}
		if c := r.Cause; c != nil {
			out += fmt.Sprintf(" (%s %s, %s)", prose(c.ID), prose(c.Name), c.Confidence)
		}
		m.line("- %s", out)
	}
	if p := m.o.Expected.Of(n); p != nil {
		m.line("- %s", prose(permitted(p)))
	}
	if note && n.Note != "" {
		m.line("- note: %s", prose(n.Note))
	}
	if len(lines) == 0 {
		return
	}
	fence := "```"
	for _, l := range lines {
		for strings.Contains(l.text, fence) {
			fence += "`"
		}
	}
	m.line("")
	m.line("%sdiff", fence)
	for _, l := range lines {
		m.line("%s", l.text)
	}
	m.line("%s", fence)
}
