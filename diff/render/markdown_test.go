package render

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/expect"
)

// attacks are what names, values and content try to do to the issue that a report is
// pasted into.
var attacks = []string{
	"@octocat", "@org/team", "user@example.org", "#1", "GH-1", "owner/repo#1", "!1", "&1", "$1", "%1", "~label", "%\"mile stone\"", "[vulnerability:1]", "*iteration:\"x\"",
	"/close", "\n/close\n", "\r\n/assign @me\r\n", "/label ~bug",
	"https://evil.example/", "http:/" + "/x", "www.evil.example", "irc://evil", "mailto:a@b.c", "xmpp:a@b.c", "[x](javascript:alert(1))", "![x](http://evil/x.png)", "<http://evil>", "[x]: http://evil", "[^1]",
	"<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "</details>", "</summary></details><h1>x</h1>", "<!-- ", "-->", "<![CDATA[", "<?php", "</code>", "&lt;b&gt;", "&#64;me", "&commat;me",
	"```", "````", "~~~", "`", "``", "` @me `", "`` ` @me", "```\n@me", "\n```\n@me\n```diff\n", "\n~~~\n", "`@me", "@me`", "\\`@me\\`", "\\", "\\\\`",
	"|", "a|b", "\\|", "\\\\|", "| @me |", "`|` @me", "\n| a | b |\n|---|---|\n",
	"**bold**", "_it_", "~~del~~", "# head", "\n# head\n", "> quote", "- item", "1. item", "---", "===", "\n===\n", "$$x$$", "$`x`$", ":tada:", ":+1:", "0123456789abcdef0123456789abcdef01234567", "deadbee",
	"\u202egnp.exe", "\u2066@me\u2069", "\u200b@me", "\u2028@me", "\u0085@me", "\x1b]8;;http://evil\x07x\x1b]8;;\x07", "\xff@me", "\ufeff/close", "a\tb", " ", "  x  ", "",
}

// everywhere is a tree that has a text wherever a text can be.
func everywhere(s string) (*diff.Node, Options) {
	cause := &diff.Cause{ID: "D1a", Name: "a date " + s, Confidence: diff.Likely, Evidence: s, Fix: s}
	mk := func(name string, st diff.Status) *diff.Node {
		return &diff.Node{Kind: diff.KindText, Name: name, Status: st, A: side(s, 1), B: side(s, 2), Note: "note " + s, Residue: diff.ResidueKnown,
			Content: bytesOf{"same\n" + s + "\nold\n", "same\n" + s + "\nnew " + s + "\n"}, Reasons: []diff.Reason{{Field: s, A: s, B: s + s, Cause: cause}, {Field: "f " + s, A: s}}}
	}
	file := mk(s, diff.Differs)
	for range 3 {
		file.Suspect(diff.Suspicion{Kind: diff.SuspectString, What: "side B has the string " + s})
	}
	alone := mk("b"+s, diff.Differs)
	alone.Suspect(diff.Suspicion{Kind: diff.SuspectPower, What: s})
	broken := &diff.Node{Kind: diff.KindLayer, Name: s, Status: diff.Unreadable, Note: s}
	group := &diff.Node{Kind: diff.KindGroup, Name: s, Status: diff.Differs, Children: []*diff.Node{mk(s, diff.Differs), mk(s, diff.OnlyB), mk(s, diff.OnlyA), mk(s, diff.Differs)}, Count: 4, Reasons: file.Reasons}
	layer := &diff.Node{Kind: diff.KindLayer, Name: s, Status: diff.Differs, Children: []*diff.Node{file, alone, group, broken}, Note: s}
	root := &diff.Node{Kind: diff.KindImage, Name: s, Status: diff.Differs, A: side(s, 1), B: side(s, 2), Note: s, Children: []*diff.Node{layer}}
	root.Settle()
	return root, Options{A: s, B: s, Complete: true}
}

// outsideCode is a report without what is in fences, in code spans, and in the code of
// a summary: all that Markdown, and who looks for references in it, acts on.
func outsideCode(t *testing.T, md string) string {
	t.Helper()
	var out []string
	fence := ""
	for l := range strings.SplitSeq(md, "\n") {
		if ticks := l[:len(l)-len(strings.TrimLeft(l, "`"))]; fence == "" && len(ticks) >= 3 {
			fence = ticks
			if info := l[len(ticks):]; info != "diff" {
				t.Fatalf("a fence of %q", info)
			}
			continue
		} else if fence != "" {
			// As CommonMark ends a fence: up to three spaces, as many ticks or more.
			if s := strings.TrimRight(l, " "); len(l)-len(strings.TrimLeft(l, " ")) <= 3 && len(strings.Trim(s, " `")) == 0 && strings.Count(s, "`") >= len(fence) {
				fence = ""
			}
			continue
		}
		if strings.HasPrefix(l, "<details>") {
			if strings.Count(l, "<") != 5 || strings.Count(l, ">") != 5 {
				t.Errorf("markup in a summary: %q", l)
			}
			l = regexp.MustCompile(`<code>[^<]*</code>`).ReplaceAllString(l, "CODE")
		} else {
			if strings.HasPrefix(l, "|") {
				// A table is cut into cells before anything in them is looked at.
				for _, c := range cells(l) {
					if rest := withoutSpans(c); strings.Contains(rest, "`") {
						t.Errorf("a code span across cells: %q", l)
					}
				}
			}
			l = withoutSpans(l)
		}
		out = append(out, l)
	}
	if fence != "" {
		t.Error("a fence does not end")
	}
	return strings.Join(out, "\n")
}

// cells cuts a row of a table as GitHub does.
func cells(l string) (out []string) {
	cell := ""
	for i := 0; i < len(l); i++ {
		switch {
		case l[i] == '\\' && i+1 < len(l):
			cell += l[i : i+2]
			i++
		case l[i] == '|':
			out = append(out, cell)
			cell = ""
		default:
			cell += l[i : i+1]
		}
	}
	return append(out, cell)
}

// withoutSpans takes out code spans, as CommonMark finds them: from a run of ticks to
// the next run as long. The report escapes no tick outside them.
func withoutSpans(l string) string {
	runs := regexp.MustCompile("`+").FindAllStringIndex(l, -1)
	out, at := "", 0
	for i := 0; i < len(runs); i++ {
		open := runs[i]
		end := slices.IndexFunc(runs[i+1:], func(r []int) bool { return r[1]-r[0] == open[1]-open[0] })
		if end < 0 {
			continue
		}
		out += l[at:open[0]] + "CODE"
		i += end + 1
		at = runs[i][1]
	}
	return out + l[at:]
}

// TestMarkdownAttacks: whatever a text is, what is outside code is the same as with a
// text that does nothing: no word of it acts, and it ends nothing it stands in.
func TestMarkdownAttacks(t *testing.T) {
	report := func(s string, full bool) string {
		root, o := everywhere(s)
		o.Full = full
		f, err := expect.Parse("permits", []byte("[[expect]]\npath='**'\ncause='D1a'\nreason='r'\nowner='o'\nuntil=2999-01-01\n"))
		if err != nil {
			t.Fatal(err)
		}
		f.Name = s
		o.Expected = f.Apply(root, time.Unix(0, 0))
		var b bytes.Buffer
		if err := Markdown(&b, root, o); err != nil {
			t.Fatal(err)
		}
		checkSafe(t, "md", b.Bytes())
		out := outsideCode(t, b.String())
		// How much there is of a text, and whether the one or the other is the worse, is
		// counted; that is no text.
		return regexp.MustCompile(`[0-9,]+ bytes?`).ReplaceAllString(out, "N bytes")
	}
	for _, full := range []bool{false, true} {
		want := report("b@d", full)
		if strings.ContainsAny(want, "@#!&~$^[]`\\") && !strings.HasPrefix(want, "# Comparison") {
			t.Fatalf("outside code:\n%s", want)
		}
		for _, s := range attacks {
			got := report(s+"@", full)
			if got != want {
				t.Errorf("%q: outside code:\n%s", s, lineDifference(want, got))
			}
			// And as it is, where it may be harmless: then it is prose, or nothing.
			for l := range strings.SplitSeq(report(s, full), "\n") {
				l = strings.Replace(l, "<summary>! CODE", "<summary>CODE", 1) // the mark of what could not be read
				if strings.ContainsAny(strings.TrimLeft(l, "#"), "@#!&~$^[]`\\") || strings.HasPrefix(l, "/") || strings.Contains(l, "://") || strings.Contains(l, "www.") {
					t.Errorf("%q: outside code: %q", s, l)
				}
			}
		}
	}
}

func lineDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("%q\n%q", as[i], bs[i])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(as), len(bs))
}

// TestProse: what can do nothing stays as it is, all else is code that shows it exactly.
func TestProse(t *testing.T) {
	for _, s := range []string{"its set-id bits differ: mode 0755 in A, 4755 in B", "12 findings", "usr/bin/a: content, 3 bytes", `side B has "x"`, "1 → 2"} {
		if got := prose(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
	for _, s := range []string{"@me", "#1", "GH-1", "a_b", "https://x", "www.x", "/close", ":tada:", "deadbee", "x|y", "[x](y)", "ö", " x", "x-1", "$x$", "a & b", "<b>", "\\", "b@"} {
		if got := prose(s); got != code(s) || !strings.HasPrefix(got, "`") {
			t.Errorf("%q becomes %q", s, got)
		}
	}
	for s, want := range map[string]string{"a": "`a`", "`": "`` ` ``", "a`b": "``a`b``", " a": "`  a `", "": "`  `", "``a": "``` ``a ```", `\`: "`\\`"} {
		if got := code(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
	if got := cell("a|b@"); strings.Contains(got, "|") {
		t.Error(got)
	}
}
