package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// program is a file that a new version of a package changes: so many functions
// differ, and some strings.
func program(name string, functions int) *diff.Node {
	text := &diff.Node{Kind: diff.KindCode, Name: ".text", Status: diff.Differs, Reasons: []diff.Reason{{Field: "instructions"}}}
	for i := range functions {
		k := diff.SuspectChangedCode
		if i < functions/4 {
			k = diff.SuspectNewCode
		}
		text.Suspect(diff.Suspicion{Kind: k, What: fmt.Sprintf("in func@%#x: one → two", i)})
	}
	rodata := &diff.Node{Kind: diff.KindBinary, Name: ".rodata", Status: diff.Differs, Reasons: []diff.Reason{{Field: "strings"}}}
	rodata.Suspect(diff.Suspicion{Kind: diff.SuspectString, What: `side B has a string that A has not: "1.1"`})
	return &diff.Node{Kind: "ELF", Name: name, Status: diff.Differs, Children: []*diff.Node{text, rodata}}
}

// release is a package in which three programs changed as a new version changes
// them, and three other files as an attack would.
func release() *diff.Node {
	quiet := program("usr/bin/import", 4)
	dyn := &diff.Node{Kind: diff.KindTable, Name: ".dynsym", Status: diff.Differs, Reasons: []diff.Reason{{Field: "symbols"}}}
	dyn.Suspect(diff.Suspicion{Kind: diff.SuspectImport, Telling: true, What: "side B asks for a function that A does not: system"})
	quiet.Children = append(quiet.Children, dyn)
	start := program("usr/bin/init", 4)
	start.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: "the functions that run before or after main differ: 1 in A, 2 in B, and not all are the same"})
	power := &diff.Node{Kind: diff.KindEntry, Name: "usr/bin/setuid", Status: diff.Differs, Reasons: []diff.Reason{{Field: "mode", A: "0755", B: "4755"}}}
	power.Suspect(diff.Suspicion{Kind: diff.SuspectPower, What: "its set-id bits differ: mode 0755 in A, 4755 in B"})
	layer := &diff.Node{Kind: diff.KindLayer, Name: "layer 1", Status: diff.Differs, Children: []*diff.Node{
		program("usr/bin/a", 40), program("usr/bin/b", 80), quiet, program("usr/bin/c", 120), start, power}}
	root := &diff.Node{Kind: diff.KindImage, Name: "image", Status: diff.Differs, A: side("a:1", 1), B: side("b:2", 2), Children: []*diff.Node{layer}}
	root.Settle()
	return root
}

// summaryOf is the part of a text report before the tree.
func summaryOf(t *testing.T, root *diff.Node, o Options) string {
	t.Helper()
	o.Complete = true
	var b bytes.Buffer
	if err := Text(&b, root, o); err != nil {
		t.Fatal(err)
	}
	s, _, _ := strings.Cut(b.String(), "\n\n")
	return s
}

// TestSuspects: what only an attack does stands above what each new version does,
// each file has its line, and what a file's lines do not say is counted there, with
// the flag that shows it.
func TestSuspects(t *testing.T) {
	root := release()
	var order []string
	for _, f := range Summarize(root, true).Suspects {
		order = append(order, f.Node().Name)
	}
	if want := []string{"usr/bin/setuid", "usr/bin/init", "usr/bin/import", "usr/bin/c", "usr/bin/b", "usr/bin/a"}; !slices.Equal(order, want) {
		t.Errorf("files in the order %v, want %v", order, want)
	}
	out := summaryOf(t, root, Options{})
	for _, want := range []string{
		"differs, and 256 findings in 6 files are suspicious\n",
		"suspicious, the worst file first:\n  layer 1 / usr/bin/setuid: power: its set-id bits differ: mode 0755 in A, 4755 in B\n",
		"  layer 1 / usr/bin/init: 6 findings  (all of them: --only usr/bin/init)\n    start: the functions that run before or after main differ",
		"  layer 1 / usr/bin/import: 6 findings  (all of them: --only usr/bin/import)\n    import, in .dynsym: side B asks for a function that A does not: system\n",
		"  layer 1 / usr/bin/c: 121 findings  (all of them: --only usr/bin/c)\n    new code, in .text: in func@0x0: one → two\n",
		"    new code: and 27 more\n    changed code, in .text: in func@0x1e: one → two\n    changed code: and 89 more\n    string, in .rodata: side B has a string",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	if !strings.Contains(out, "not explained, worst first:\n  layer 1 / usr/bin/setuid: mode\n") {
		t.Errorf("what is explained least is not what is worst:\n%s", out)
	}
	if n := strings.Count(out, "\n"); n > 60 {
		t.Errorf("%d lines for 256 findings:\n%s", n, out)
	}
}

// TestSuspectsCounted: whatever is shown, the findings that are shown and those that
// are counted are all that there are, for each file; and --only and --full show all.
func TestSuspectsCounted(t *testing.T) {
	root := release()
	more := regexp.MustCompile(`: and (\d+) more$`)
	for name, o := range map[string]Options{"": {}, "only": {Only: []string{"usr/bin/c"}}, "full": {Full: true}} {
		got := map[string]int{}
		file, left := "", 0
		for l := range strings.SplitSeq(summaryOf(t, root, o), "\n") {
			switch {
			case strings.HasPrefix(l, "  layer 1 / "):
				file, _, _ = strings.Cut(strings.TrimPrefix(l, "  layer 1 / "), ":")
				if !strings.Contains(l, "findings") {
					got[file]++
				}
			case strings.HasPrefix(l, "    ") && file != "":
				n := 1
				if m := more.FindStringSubmatch(l); m != nil {
					fmt.Sscan(m[1], &n)
					if file == "usr/bin/c" {
						left += n
					}
				}
				got[file] += n
			default:
				if file != "" {
					file = "done"
				}
			}
			if file == "done" {
				break
			}
		}
		for _, s := range Summarize(root, true).Suspects {
			if got[s.node.Name] != s.Findings {
				t.Errorf("%s: %s has %d findings, of which %d are shown or counted", name, s.Path, s.Findings, got[s.node.Name])
			}
		}
		if name != "" && left > 0 {
			t.Errorf("%s leaves out %d findings of the file", name, left)
		}
	}
}

// TestSuspectsMany: from some number of files on each has one line, with its worst.
func TestSuspectsMany(t *testing.T) {
	root := release()
	for i := range 300 {
		root.Children[0].Children = append(root.Children[0].Children, program(fmt.Sprintf("opt/%03d", i), 8))
	}
	root.Settle()
	out := summaryOf(t, root, Options{})
	for i := range 300 {
		if !strings.Contains(out, fmt.Sprintf("  layer 1 / opt/%03d: ", i)) {
			t.Errorf("opt/%03d has no line", i)
		}
	}
	if want := "  layer 1 / opt/299: 9 findings: 2 new code, 6 changed code, 1 string; the worst: new code, in .text: in func@0x0: one → two  (all of them: --only opt/299)\n"; !strings.Contains(out, want) {
		t.Errorf("without %q:\n%s", want, out)
	}
	var md, page bytes.Buffer
	if err := Markdown(&md, root, Options{Stat: true}); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&page, root, Options{}); err != nil {
		t.Fatal(err)
	}
	open, _ := unpacked(t, page.String())
	for _, want := range []string{"- `layer 1 / opt/299`: `9 findings: 2 new code", "(all of them: `--only opt/299`)"} {
		if !strings.Contains(md.String(), want) {
			t.Errorf("Markdown without %q", want)
		}
	}
	list, _, _ := strings.Cut(open, `<section id="tree">`)
	if n, all := strings.Count(list, "<li><strong>"), len(Summarize(root, true).Suspicious); n != all {
		t.Errorf("HTML lists %d findings of %d", n, all)
	}
}

// TestOnlyShowsInside: what is asked for by its path is shown with all that is in it.
func TestOnlyShowsInside(t *testing.T) {
	for ext, write := range writers {
		var b bytes.Buffer
		if err := write(&b, release(), Options{Only: []string{"usr/bin/c"}}); err != nil {
			t.Fatal(err)
		}
		doc := b.String()
		if ext == "html" {
			doc, _ = unpacked(t, doc)
			_, doc, _ = strings.Cut(doc, `<section id="tree">`)
		}
		if n := strings.Count(strings.ReplaceAll(doc, "&#64;", "@"), "func@0x77"); n == 0 || ext == "json" && n < 3 {
			t.Errorf("%s has the file's last function %d times", ext, n)
		}
		if ext == "json" {
			var d struct {
				Details []struct{ Details []struct{ Name string } }
			}
			if err := json.Unmarshal(b.Bytes(), &d); err != nil {
				t.Fatal(err)
			}
			if fs := d.Details[0].Details; len(fs) != 1 || fs[0].Name != "usr/bin/c" {
				t.Errorf("JSON shows %v", fs)
			}
		}
	}
}

// TestSuspicionWithoutReason: a finding at a node that says nothing else is written
// in the tree of every report.
func TestSuspicionWithoutReason(t *testing.T) {
	for ext, write := range writers {
		var b bytes.Buffer
		if err := write(&b, release(), Options{}); err != nil {
			t.Fatal(err)
		}
		doc := b.String()
		if ext == "html" {
			doc, _ = unpacked(t, doc)
		}
		if n := strings.Count(doc, "the functions that run before or after main differ"); n < 2 {
			t.Errorf("%s says it %d times", ext, n)
		}
	}
}

// TestFlag: what is printed to be pasted into a shell does no more than it says,
// whatever a file is called, and finds the file again.
func TestFlag(t *testing.T) {
	root := &diff.Node{Name: "root"}
	for _, name := range []string{"usr/bin/a", "-x", "a b", "$(reboot)", "`id`", "a;b", "a'b", `a"b`, "a,b", "*", "[a-", "a\\", "a\nb", "\x1b[31m\u202e", "\xff\xfe", "日本", "a/b c/d", "~root", "!x", "#1", "{a,b}"} {
		s := Suspect{node: &diff.Node{Name: name}}
		flag := s.flag(root)
		pattern := strings.Trim(strings.TrimPrefix(flag, "--only "), "'")
		if regexp.MustCompile(`[^A-Za-z0-9._/+@%:=?-]`).MatchString(pattern) || strings.ContainsRune(pattern, '?') && !strings.HasPrefix(flag, "--only '") {
			t.Errorf("%q: %s", name, flag)
		}
		if err := diff.CheckGlob(pattern); err != nil || !diff.Glob(pattern, name) {
			t.Errorf("%q: %s does not find it: %v", name, flag, err)
		}
		if sh, err := exec.LookPath("sh"); err == nil {
			out, err := exec.Command(sh, "-c", "printf '%s|' "+flag).Output()
			if err != nil || string(out) != "--only|"+pattern+"|" {
				t.Errorf("%q: a shell reads %s as %q: %v", name, flag, out, err)
			}
		}
	}
	for _, name := range []string{"", strings.Repeat("x", 1000)} {
		if flag := (Suspect{node: &diff.Node{Name: name}}).flag(root); flag != "--full" {
			t.Errorf("%d bytes of name: %s", len(name), flag)
		}
	}
}

// TestNothingCutForGood: what a bound on a line leaves out is there with --full, and
// that of a file's findings with the flag that is printed for it.
func TestNothingCutForGood(t *testing.T) {
	end := "the end of a long sentence"
	long := strings.Repeat("word ", 100) + end
	root := release()
	c := root.Children[0].Children[3]
	c.Children[0].Suspicions[0].What = long
	c.Children[0].Reasons = append(c.Children[0].Reasons, diff.Reason{Field: "text", A: long, B: "b"})
	root.Children[0].Children[5].Suspicions[0].What = long // the only one of its file
	for _, ext := range []string{"txt", "md"} {
		for o, want := range map[*Options]int{{}: 0, {Full: true}: 5} {
			var b bytes.Buffer
			if err := writers[ext](&b, root, *o); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(b.String(), end); n < want || want == 0 && ext == "txt" && n > 0 {
				t.Errorf("%s, full %v: said %d times", ext, o.Full, n)
			}
		}
	}
	if out := summaryOf(t, root, Options{Only: []string{"usr/bin/c"}}); !strings.Contains(out, end) {
		t.Errorf("the flag that is printed does not show it:\n%s", out)
	}
}

// TestSuspectsOfTrees is for trees of files in containers of different kinds, whose
// children are files as those of a directory are.
func TestSuspectsOfTrees(t *testing.T) {
	file := func(name string) *diff.Node {
		return &diff.Node{Kind: diff.KindFile, Name: name, Status: diff.OnlyB, Suspicions: []diff.Suspicion{{Kind: diff.SuspectNewCode, What: "it is new"}}, Suspicious: 1}
	}
	for _, kind := range []diff.Kind{diff.KindDir, diff.KindTree, diff.KindTar} {
		root := &diff.Node{Kind: kind, Name: "root", Status: diff.Differs, Children: []*diff.Node{file("bin/a"), file("bin/b")}, Suspicious: 2}
		if s := Summarize(root, true).Suspects; len(s) != 2 || s[0].Path != "root / bin/a" {
			t.Errorf("%s: %+v", kind, s)
		}
	}
}
