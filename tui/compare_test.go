package tui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// comparing opens the compare screen on the sample.
func comparing(t *testing.T, w, h int) (*driver, *compareScreen) {
	t.Helper()
	d := newDriver(t, sampleConfig(newFakeBuilder()), w, h)
	s := newCompareScreen(d.app, "a", "b")
	d.run(d.app.push(s))
	return d, s
}

func TestDiffFilter(t *testing.T) {
	d, s := comparing(t, 120, 40)
	for query, want := range map[string]string{
		"cause:B":                "usr/lib/build.conf",
		"cause:none kind:binary": "usr/bin/gcc",
		"is:only":                "var/cache/\x1b[31mevil",
		"is:unread":              "boot/image",
		"is:suspicious":          "usr/bin/gcc",
		"path:usr/** !kind:text": "usr/bin/gcc",
		"path:usr/lib/* host":    "usr/lib/build.conf",
		"is:unexplained BUILD":   "",
		"!is:differs kind:entry": "boot/image",
		"is:nothing":             "",
		"kind:manifest cause:B":  "",
	} {
		d.run(s.filter(query))
		var got []string
		for i := range s.tree.Len() {
			s.tree.Home()
			s.tree.Move(i)
			got = append(got, s.node().Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
	d.run(s.filter(""))
	if s.tree.Filtered() {
		t.Error("an empty query filters")
	}
}

func TestUnexplainedOnly(t *testing.T) {
	d, s := comparing(t, 120, 40)
	s.rows.root.Children[0].Children[0].Residue = diff.ResidueNone
	d.keys("U")
	if out := d.screen(); strings.Contains(out, "build.conf") || !strings.Contains(out, "usr/bin/gcc") {
		t.Error(out)
	}
	d.keys("U")
	if out := d.screen(); !strings.Contains(out, "build.conf") {
		t.Error(out)
	}
}

// TestStopComparing shows that a comparison that is ended early shows what it
// found, and says that this is not all.
func TestStopComparing(t *testing.T) {
	cfg := sampleConfig(newFakeBuilder())
	stopped := false
	cfg.Compare = func(ctx context.Context, _, _ string, progress func(diff.Progress)) (*diff.Comparison, error) {
		progress(diff.Progress{Found: &diff.Found{Name: "f", Status: diff.OnlyA}})
		stopped = ctx.Err() != nil
		return &diff.Comparison{Root: sampleDiff()}, ctx.Err()
	}
	d := newDriver(t, cfg, 120, 40)
	s := newCompareScreen(d.app, "a", "b")
	cmd := d.app.push(s)
	d.keys("x")
	d.run(cmd)
	if out := d.screen(); !stopped || !strings.Contains(out, "ended early") || !strings.Contains(out, "usr/bin/gcc") {
		t.Errorf("stopped %v:\n%s", stopped, out)
	}
	d.keys("x")
	if out := d.screen(); !strings.Contains(out, "the comparison is over") {
		t.Error(out)
	}
}

func TestExport(t *testing.T) {
	d, _ := comparing(t, 120, 40)
	dir := t.TempDir()
	for name, want := range map[string]string{"r.html": "<!DOCTYPE html>", "r.md": "# Comparison", "r.json": `"stagescope-schema-version"`, "r.txt": "usr/bin/gcc"} {
		path := filepath.Join(dir, name)
		d.keys("e")
		for range len("difference.html") {
			d.keys("backspace")
		}
		d.keys("type:"+path, "enter")
		p, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(p), want) || strings.Contains(string(p), "\x1b") {
			t.Errorf("%s: %v %.200q\n%s", name, err, p, d.screen())
		}
	}
	if err := writeReport(filepath.Join(dir, "r.md"), func(*os.File) error { return nil }); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a report was overwritten: %v", err)
	}
	bad := errors.New("bad")
	if err := writeReport(filepath.Join(dir, "half.md"), func(*os.File) error { return bad }); !errors.Is(err, bad) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "half.md")); err == nil {
		t.Error("half a report is left")
	}
}

// TestSidesScroll shows that both halves scroll inside their places.
func TestSidesScroll(t *testing.T) {
	d, s := comparing(t, 100, 30)
	d.keys("N", "v", "v", "tab")
	row := func() string { return s.both.line(1, "").Cut(s.both.view.list.X(), 1000).Text() }
	before := row()
	d.keys("L")
	after := row()
	if !strings.Contains(before, "host=alpha") || !strings.Contains(before, "host=beta") || strings.Contains(after, "host=alpha") || !strings.Contains(after, " ≠ ") || len(before) != len(after) {
		t.Errorf("%q\n%q", before, after)
	}
	d.keys("y")
}
