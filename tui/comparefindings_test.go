package tui

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// noisyDiff is a layer in which many entries differ in one property, before and
// after one that has got a set-id bit and a start entry that changed.
func noisyDiff() *diff.Node {
	mtime := []diff.Reason{{Field: "mtime", A: "1", B: "2", Cause: &diff.Cause{ID: "B1", Name: "modification time", Confidence: diff.Proved}}}
	group := &diff.Node{Kind: diff.KindGroup, Name: "mtime of 300 entries", Status: diff.Differs, Count: 300, Reasons: mtime}
	for i := range 300 {
		group.Children = append(group.Children, &diff.Node{Kind: diff.KindEntry, Name: fmt.Sprintf("a/%d", i), Status: diff.Differs, Reasons: mtime, Residue: diff.ResidueNone})
	}
	start := &diff.Node{Kind: diff.KindEntry, Name: "m/start", Status: diff.Differs, Reasons: []diff.Reason{{Field: "content"}}}
	start.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: "it starts elsewhere"})
	power := &diff.Node{Kind: diff.KindEntry, Name: "z/power", Status: diff.Differs, Reasons: []diff.Reason{{Field: "mode", A: "0755", B: "4755"}}}
	power.Suspect(diff.Suspicion{Kind: diff.SuspectPower, What: "its set-id bits differ"})
	root := &diff.Node{Kind: diff.KindLayer, Name: "layer 1", Status: diff.Differs, Children: []*diff.Node{group, start, power}}
	root.Settle()
	return root
}

func comparingNoise(t *testing.T) (*driver, *compareScreen) {
	t.Helper()
	cfg := sampleConfig(newFakeBuilder())
	cfg.Compare = func(context.Context, string, string, func(diff.Progress)) (*diff.Comparison, error) {
		return &diff.Comparison{Root: noisyDiff()}, nil
	}
	cfg.CompareFirst = [2]string{"old.tar", "new.tar"}
	d := newDriver(t, cfg, 100, 30)
	s, ok := d.app.top().(*compareScreen)
	if !ok || s.a != "old.tar" || s.b != "new.tar" {
		t.Fatalf("the workbench opens on %T", d.app.top())
	}
	return d, s
}

// TestWorstFirst shows that a comparison opens on its worst finding, that noise
// is one line, and that s goes through the findings by their weight.
func TestWorstFirst(t *testing.T) {
	d, s := comparingNoise(t)
	if s.node().Name != "z/power" || s.tree.Len() != 4 {
		t.Fatalf("it opens on %q with %d rows:\n%s", s.node().Name, s.tree.Len(), d.screen())
	}
	for _, want := range []string{"m/start", "z/power"} {
		d.keys("s")
		if s.node().Name != want || !strings.Contains(d.screen(), "of 2: ") {
			t.Errorf("s goes to %q, not %q:\n%s", s.node().Name, want, d.screen())
		}
	}
	d.keys("g")
	for _, want := range []string{"mtime of 300 entries", "m/start", "z/power"} {
		if d.keys("n"); s.node().Name != want {
			t.Errorf("n goes to %q, not %q", s.node().Name, want)
		}
	}
	d.keys("N", "N", "o")
	if s.tree.Len() != 304 || !strings.Contains(d.screen(), "a/3") {
		t.Errorf("the group does not open: %d rows\n%s", s.tree.Len(), d.screen())
	}
	d.keys("o", "F")
	if s.tree.Len() != 3 {
		t.Errorf("the flat list has %d rows:\n%s", s.tree.Len(), d.screen())
	}
}

// TestRevealHidden shows that a finding is reached behind a closed node and behind
// a filter.
func TestRevealHidden(t *testing.T) {
	d, s := comparingNoise(t)
	d.keys("g", "o")
	if !strings.Contains(d.screen(), "2 inside") {
		t.Errorf("a closed node hides what is suspicious:\n%s", d.screen())
	}
	d.keys("s")
	if s.node().Name != "z/power" {
		t.Errorf("s goes to %q", s.node().Name)
	}
	d.run(s.filter("cause:B1"))
	d.keys("s")
	if s.node().Name != "z/power" || s.tree.Filtered() {
		t.Errorf("s goes to %q, filtered: %v", s.node().Name, s.tree.Filtered())
	}
}

// TestNextStaysInFilter shows that next and previous go through what a filter
// leaves, and leave the filter as it is.
func TestNextStaysInFilter(t *testing.T) {
	d, s := comparingNoise(t)
	d.run(s.filter("is:suspicious"))
	var got []string
	for range 3 {
		got = append(got, s.node().Name)
		d.keys("n")
	}
	if strings.Join(got, " ") != "m/start z/power z/power" && strings.Join(got, " ") != "z/power z/power z/power" || !s.tree.Filtered() {
		t.Errorf("%q, filtered: %v", got, s.tree.Filtered())
	}
	d.keys("N")
	if s.node().Name != "m/start" {
		t.Errorf("N goes to %q", s.node().Name)
	}
}

// TestSummaryOfRoot shows that the first row says what the report's summary says.
func TestSummaryOfRoot(t *testing.T) {
	d, _ := comparingNoise(t)
	d.keys("g", "tab", "G")
	out := d.screen()
	d.keys("g")
	out += d.screen()
	for _, want := range []string{"302 differing entries", "B1   300", "Suspicious, worst first", "z/power: power: its set-id bits differ", "Not explained, worst first"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not there:\n%s", want, out)
		}
	}
}

// TestAskCompare compares what is typed, and takes up what is compared already.
func TestAskCompare(t *testing.T) {
	d := newDriver(t, sampleConfig(newFakeBuilder()), 100, 30)
	d.keys("C", "enter")
	if !strings.Contains(d.screen(), "nothing was named") {
		t.Error(d.screen())
	}
	d.keys("C", "type:a.tar", "enter", "type:b.tar", "enter")
	s, ok := d.app.top().(*compareScreen)
	if !ok || s.a != "a.tar" || s.b != "b.tar" {
		t.Fatalf("%T\n%s", d.app.top(), d.screen())
	}
	d.keys("C")
	if !strings.Contains(d.screen(), "compare a.tar") {
		t.Error(d.screen())
	}
}

// TestStoppedEarly says that nothing was compared, not what a program says when
// it is cancelled.
func TestStoppedEarly(t *testing.T) {
	cfg := sampleConfig(newFakeBuilder())
	cfg.Compare = func(ctx context.Context, _, _ string, _ func(diff.Progress)) (*diff.Comparison, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	d := newDriver(t, cfg, 100, 30)
	cmd := d.app.push(newCompareScreen(d.app, "a", "b"))
	d.keys("x")
	d.run(cmd)
	if out := d.screen(); !strings.Contains(out, "stopped before anything was compared") || strings.Contains(out, "context canceled") {
		t.Error(out)
	}
}

// TestWhatIsNotExplained names the property when no byte of content is at issue.
func TestWhatIsNotExplained(t *testing.T) {
	d, s := comparingNoise(t)
	s.node().Residue = diff.ResidueKnown
	d.keys("tab", "G")
	if out := d.screen(); !strings.Contains(out, "not explained: mode") {
		t.Error(out)
	}
}

// TestFilterComesLate shows that a filter which ends after the tree has changed is
// not applied to other rows: the one that the change began is.
func TestFilterComesLate(t *testing.T) {
	d, s := comparingNoise(t)
	late := s.filter("m/start")
	d.keys("F")
	d.run(late)
	if s.tree.Len() != 1 || s.node().Name != "m/start" {
		t.Errorf("rows of the tree are shown in the flat list:\n%s", d.screen())
	}
	d.run(s.filter("m/start"))
	if s.tree.Len() != 1 || s.node().Name != "m/start" {
		t.Errorf("%d rows:\n%s", s.tree.Len(), d.screen())
	}
}
