package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/diff"
	_ "github.com/stagescope/stagescope/diff/formats"
	"github.com/stagescope/stagescope/diff/render"
)

// packageDiff is a pair of packages: two programs with a time of their own that is
// explained, and code that is not.
func packageDiff() *diff.Node {
	program := func(name string) *diff.Node {
		code := &diff.Node{Kind: diff.KindBinary, Name: ".text", Status: diff.Differs, Residue: diff.ResidueKnown, UnexplainedA: []diff.Range{{Off: 4, Len: 1}}}
		code.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: "only B calls system"})
		n := &diff.Node{Kind: "ELF", Name: name, Status: diff.Differs, Residue: diff.ResidueKnown, Children: []*diff.Node{code},
			Reasons: []diff.Reason{{Field: "mtime", A: "1", B: "2", Cause: &diff.Cause{ID: "B1", Name: "modification time", Confidence: diff.Proved}}}}
		n.Suspicious = 1
		return n
	}
	noise := &diff.Node{Kind: diff.KindText, Name: "usr/share/notes", Status: diff.Differs, Residue: diff.ResidueNone,
		Reasons: []diff.Reason{{Field: "mtime", A: "1", B: "2", Cause: &diff.Cause{ID: "B1", Name: "modification time", Confidence: diff.Proved}}}}
	tar := &diff.Node{Kind: diff.KindTar, Name: "data.tar", Status: diff.Differs, Residue: diff.ResidueKnown, Children: []*diff.Node{program("usr/bin/one"), program("usr/bin/two"), noise}}
	return &diff.Node{Kind: "deb", Name: "old.deb", Status: diff.Differs, Residue: diff.ResidueKnown, Children: []*diff.Node{tar}}
}

func comparingTree(t testing.TB, root *diff.Node, w, h int) (*driver, *compareScreen) {
	t.Helper()
	cfg := sampleConfig(newFakeBuilder())
	cfg.Compare = func(context.Context, string, string, func(diff.Progress)) (*diff.Comparison, error) {
		return &diff.Comparison{Root: root}, nil
	}
	cfg.CompareFirst = [2]string{"old.deb", "new.deb"}
	d := newDriver(t, cfg, w, h)
	return d, d.app.top().(*compareScreen)
}

// TestRowsAloneNameTheirFile shows that rows which stand without what they lie in, in
// a flat list or behind a filter, say which file they are of, at 80 columns.
func TestRowsAloneNameTheirFile(t *testing.T) {
	d, s := comparingTree(t, packageDiff(), 80, 24)
	flat := []string{"≠ usr/bin/one › .text binary", "≠ usr/bin/two › .text binary", "in data.tar"}
	check := func(what string) {
		t.Helper()
		for _, want := range flat {
			if out := d.screen(); !strings.Contains(out, want) {
				t.Errorf("%s: no %q:\n%s", what, want, out)
			}
		}
	}
	d.run(s.filter("is:suspicious"))
	check("a filter")
	if out := d.screen(); !strings.Contains(out, "/is:suspicious") {
		t.Errorf("nothing says which filter is on:\n%s", out)
	}
	d.run(s.filter(""))
	d.keys("F")
	check("a flat list")
}

// TestPathHoldsWhatLiesIn shows that path: keeps the parts of a file: the file itself
// is explained, its code is not.
func TestPathHoldsWhatLiesIn(t *testing.T) {
	d, s := comparingTree(t, packageDiff(), 80, 24)
	if d.run(s.filter("is:unexplained")); s.tree.Len() != len(s.sum.Unexplained) {
		t.Errorf("the filter leaves %d of %d unexplained", s.tree.Len(), len(s.sum.Unexplained))
	}
	d.run(s.filter("path:usr/bin/two is:unexplained"))
	if s.tree.Len() != 1 || s.node().Name != ".text" || !strings.Contains(d.screen(), "usr/bin/two › .text") {
		t.Errorf("%d rows:\n%s", s.tree.Len(), d.screen())
	}
}

// TestFilterStays shows that other views of the tree keep the filter.
func TestFilterStays(t *testing.T) {
	d, s := comparingTree(t, packageDiff(), 80, 24)
	d.run(s.filter("cause:B1"))
	for _, key := range []string{"F", "F", "u", "u", "U", "U"} {
		d.keys(key)
		if !s.tree.Filtered() || s.query != "cause:B1" {
			t.Fatalf("%s drops the filter:\n%s", key, d.screen())
		}
	}
	d.keys("esc")
	if s.tree.Filtered() || s.query != "" || d.app.top() != screen(s) {
		t.Errorf("esc:\n%s", d.screen())
	}
}

// TestFilterSaysItsStates names what may follow is: when nothing else fits.
func TestFilterSaysItsStates(t *testing.T) {
	d, _ := comparingTree(t, packageDiff(), 100, 24)
	d.keys("/", "type:is:susp")
	if out := d.screen(); !strings.Contains(out, "is:suspicious") || !strings.Contains(out, "is:unexplained") {
		t.Error(out)
	}
}

// TestNoiseDoesNotHideResidue: a file whose time is explained and whose code is not
// must not read as if it differed in its time alone.
func TestNoiseDoesNotHideResidue(t *testing.T) {
	d, s := comparingTree(t, packageDiff(), 100, 24)
	row := func(name string) string {
		for i, r := range s.rows.rows {
			if r.node.Name == name {
				return s.rows.Row(i, 0).Text()
			}
		}
		t.Fatalf("no %s:\n%s", name, d.screen())
		return ""
	}
	if out := row("usr/bin/one"); !strings.Contains(out, "modification time; unexplained inside") {
		t.Error(out)
	}
	if out := row("usr/share/notes"); strings.Contains(out, "unexplained") {
		t.Error(out)
	}
	d.keys("g", "o")
	if out := row("old.deb"); !strings.Contains(out, "unexplained inside") {
		t.Error(out)
	}
}

// TestRowNamesAFieldOnce shows that a property of which many places differ does not fill
// the row.
func TestRowNamesAFieldOnce(t *testing.T) {
	root := packageDiff()
	code := root.Children[0].Children[0].Children[0]
	for range 3 {
		code.Reasons = append(code.Reasons, diff.Reason{Field: "data that code refers to"})
	}
	d, _ := comparingTree(t, root, 200, 24)
	if out := d.screen(); !strings.Contains(out, "data that code refers to (3 times)") {
		t.Error(out)
	}
}

// TestOutwards shows that h and left close nodes and go up the tree, and never leave
// the comparison.
func TestOutwards(t *testing.T) {
	d, s := comparingTree(t, packageDiff(), 100, 24)
	if s.node().Name != ".text" {
		t.Fatal(s.node().Name)
	}
	one := s.rows.rows[s.tree.Cursor()].up.node
	d.keys("left")
	if s.node() != one {
		t.Fatalf("left from a leaf goes to %q", s.node().Name)
	}
	d.keys("h")
	if s.node() != one || !s.rows.shut[one] {
		t.Fatalf("h does not close it:\n%s", d.screen())
	}
	for range 9 {
		d.keys("h")
	}
	if d.app.top() != screen(s) || s.node().Name != "old.deb" || !strings.Contains(d.screen(), "esc leaves it") {
		t.Errorf("h from the root:\n%s", d.screen())
	}
	d.keys("tab", "left")
	if s.panes.focus != 0 {
		t.Error("left does not lead from the content to the tree")
	}
}

// TestLongComparisonStays shows that one esc does not throw away a comparison that
// took long, and that one does where it did not.
func TestLongComparisonStays(t *testing.T) {
	cfg := sampleConfig(newFakeBuilder())
	var d *driver
	wait := time.Minute
	cfg.Compare = func(context.Context, string, string, func(diff.Progress)) (*diff.Comparison, error) {
		d.now = d.now.Add(wait)
		return &diff.Comparison{Root: packageDiff()}, nil
	}
	d = newDriver(t, cfg, 100, 24)
	open := func() *compareScreen {
		s := newCompareScreen(d.app, "a", "b")
		d.run(d.app.push(s))
		return s
	}
	s := open()
	d.keys("esc")
	if d.app.top() != screen(s) || !strings.Contains(d.screen(), "esc again leaves this comparison, which took 1m0s") {
		t.Fatalf("the first esc:\n%s", d.screen())
	}
	d.now = d.now.Add(time.Minute)
	d.keys("esc")
	if d.app.top() != screen(s) {
		t.Fatal("an esc much later is taken for the second")
	}
	d.keys("esc")
	if d.app.top() == screen(s) {
		t.Error("the second esc does not leave")
	}
	wait = time.Second
	s = open()
	if d.keys("esc"); d.app.top() == screen(s) {
		t.Error("a short comparison is held back")
	}
}

// TestCountsAddUp shows that the head counts what the report counts, in its terms: no
// second number of what differs.
func TestCountsAddUp(t *testing.T) {
	d, s := comparingTree(t, packageDiff(), 120, 24)
	head, _, _ := strings.Cut(d.screen(), "\n")
	sum := render.Summarize(s.rows.root, true)
	want := fmt.Sprintf("? %d of %d unexplained", len(sum.Unexplained), sum.Differing)
	if !strings.Contains(head, want) || !strings.Contains(head, "‼ 2 suspicious") || strings.Contains(head, "differs") {
		t.Errorf("no %q alone: %s", want, head)
	}
	d.send(tea.WindowSizeMsg{Width: 30, Height: 24})
	if head, _, _ := strings.Cut(d.screen(), "\n"); strings.Contains(head, "unexplained") || strings.Contains(head, "same") {
		t.Errorf("a lesser count stands where a weightier one has no room: %s", head)
	}
}

// TestViewIsNamedWithoutColour shows that the present view has a sign, that it alone
// is named where there is no room for all, and that without frames a line names it.
func TestViewIsNamedWithoutColour(t *testing.T) {
	d, _ := comparingTree(t, packageDiff(), 80, 24)
	d.keys("v", "v")
	if out := d.screen(); !strings.Contains(out, "Unified · [Sides] · Hex") {
		t.Error(out)
	}
	d.keys("tab", "z")
	if out := d.screen(); !strings.Contains(out, "[Sides]") {
		t.Errorf("maximised:\n%s", out)
	}
	d.keys("z")
	d.send(tea.WindowSizeMsg{Width: 50, Height: 24})
	if out := d.screen(); !strings.Contains(out, "[Sides] view 3 of 6") {
		t.Errorf("at 50 columns:\n%s", out)
	}
	d.send(tea.WindowSizeMsg{Width: 40, Height: 10})
	d.keys("v")
	if out := d.screen(); !strings.Contains(out, "[Hex] view 4 of 6") {
		t.Errorf("at 40 columns:\n%s", out)
	}
}

// longLines differ far to the right.
func longLines() *diff.Node {
	pad := strings.Repeat("=", 300)
	return &diff.Node{Kind: diff.KindText, Name: "notes", Status: diff.Differs, Residue: diff.ResidueKnown, UnexplainedA: []diff.Range{{Off: 0, Len: 1}},
		Content: fakeContent{"first\n" + pad + "old\x1b[31m" + pad + "\n", "first\n" + pad + "newer" + pad + "\n"}}
}

// TestChangeIsInSight shows that going to a difference scrolls to where the line
// differs, one above the other and side by side.
func TestChangeIsInSight(t *testing.T) {
	d, s := comparingTree(t, longLines(), 100, 24)
	d.keys("v", "tab")
	for _, view := range []string{"Unified", "Sides"} {
		if out := d.screen(); !strings.Contains(out, `old\x1b[31m`) || !strings.Contains(out, "newer") {
			t.Errorf("%s does not show the change:\n%s", view, out)
		}
		d.keys("v")
	}
	// What was scrolled to in a text says nothing of its bytes.
	if out := d.screen(); !strings.Contains(out, "[Hex]") || !strings.Contains(out, "00000") || s.both.view.list.X() != 0 {
		t.Errorf("the bytes are scrolled away by %d:\n%s", s.both.view.list.X(), out)
	}
	d.keys("V", "V", "g", "n")
	if !strings.Contains(d.screen(), "newer") {
		t.Errorf("n:\n%s", d.screen())
	}
	l := s.both.line(1, s.both.text[1].Text)
	if got := l[len(l)-2].Text; got != `old\x1b[31m` {
		t.Errorf("the change inside the line is %q", got)
	}
}

// TestCopiesTheWholeLine shows that y copies a line without numbers and signs, not cut
// to its pane, and with nothing in it that a terminal would obey.
func TestCopiesTheWholeLine(t *testing.T) {
	d, s := comparingTree(t, longLines(), 100, 24)
	want := strings.Repeat("=", 300) + `old\x1b[31m` + strings.Repeat("=", 300)
	d.keys("v", "tab")
	if got := s.both.copied(); got != want {
		t.Errorf("unified: %q", got)
	}
	d.keys("v")
	if got, _, _ := strings.Cut(s.both.copied(), " → "); got != want {
		t.Errorf("side by side: %q", got)
	}
	evil := &diff.Node{Kind: diff.KindText, Name: "a\nrm -rf ~\n", Status: diff.Differs, Residue: diff.ResidueKnown}
	d, _ = comparingTree(t, evil, 100, 24)
	d.keys("y")
	if got := fmt.Sprint(d.out); !strings.Contains(got, `a\nrm -rf ~`) || strings.Contains(got, "\n") {
		t.Errorf("the clipboard has %q", got)
	}
}

// hugeDiff has n differing files in a tar, each with a part.
func hugeDiff(n int) *diff.Node {
	tar := &diff.Node{Kind: diff.KindTar, Name: "data.tar", Status: diff.Differs, Residue: diff.ResidueKnown}
	for i := range n {
		tar.Children = append(tar.Children, &diff.Node{Kind: diff.KindText, Name: fmt.Sprintf("usr/dir%03d/名前\u202e%06d", i/400, i), Status: diff.Differs, Residue: diff.ResidueKnown,
			UnexplainedA: []diff.Range{{Off: 0, Len: 1}}, Content: fakeContent{"a\n", "b\n"}})
	}
	return tar
}

// BenchmarkCompareKeyToFrame is what a key costs, until the frame is made, where
// 92,000 files differ. A frame of 60 a second has 16 ms.
func BenchmarkCompareKeyToFrame(b *testing.B) {
	for _, keys := range [][]string{{"j", "k"}, {"ctrl+d", "ctrl+u"}, {"G", "g"}, {"n", "N"}, {"o", "o"}, {"F", "F"}, {"U", "U"}} {
		d, s := comparingTree(b, hugeDiff(92_000), 200, 50)
		s.tree.MoveTo(1)
		if keys[0] == "o" {
			s.tree.MoveTo(0)
		}
		b.Run(keys[0], func(b *testing.B) {
			for i := range b.N {
				d.keys(keys[i%2])
				_ = d.app.View().Content
			}
		})
	}
}

// BenchmarkCompareFilter is what a letter of a filter costs, of which the search runs
// beside the screen.
func BenchmarkCompareFilter(b *testing.B) {
	d, s := comparingTree(b, hugeDiff(92_000), 200, 50)
	for i := range b.N {
		d.run(s.filter([]string{"0001", "is:unexplained"}[i%2]))
		_ = d.app.View().Content
	}
}
