package tui

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/tui/internal/look"
	"github.com/stagescope/stagescope/tui/internal/shot"
)

var update = flag.Bool("update", false, "write the golden screens and the pictures anew")

// scenes are the states that golden screens hold.
var scenes = []struct {
	name string
	play func(d *driver, b *fakeBuilder)
}{
	{"chain", func(d *driver, _ *fakeBuilder) { d.keys("j", "j", "o") }},
	{"filter", func(d *driver, _ *fakeBuilder) { d.keys("/", "type:mus") }},
	{"ladder", func(d *driver, _ *fakeBuilder) { d.keys("G", "t") }},
	{"help", func(d *driver, _ *fakeBuilder) { d.keys("?", "type:page") }},
	{"stage", func(d *driver, _ *fakeBuilder) { d.keys("J", "type:gcc", "enter", "enter") }},
	{"trust", func(d *driver, _ *fakeBuilder) { d.keys("e") }},
	{"trial", func(d *driver, _ *fakeBuilder) {
		d.run(d.app.openTrial(d.app.cfg.Chain.Stages[0], sampleTrials()[0]))
	}},
	{"judged", func(d *driver, _ *fakeBuilder) { d.keys("V", "J", "type:core-gcc", "enter") }},
	{"evidence", func(d *driver, _ *fakeBuilder) { d.keys("J", "type:core-gcc", "enter", "V", "enter") }},
	{"matrix", func(d *driver, _ *fakeBuilder) { d.keys("J", "type:core-gcc", "enter", "v") }},
	{"story", func(d *driver, _ *fakeBuilder) {
		d.app.story = newStory(sampleStory())
		d.run(d.app.beginStory())
		d.keys("V", "space")
	}},
	{"findings", func(d *driver, _ *fakeBuilder) { d.keys("f") }},
	{"rebuild", playRebuild},
	{"rebuilt", func(d *driver, b *fakeBuilder) {
		playRebuild(d, b)
		b.end(&Trial{Standing: Differs, Digest: digestOf("b"), Text: "core-musl differs: no claim has this manifest, rootfs or file tree", Ref: "trial:core-musl/1", ClaimRef: "stage:core-musl"}, nil)
		d.waitOver()
		d.tick(time.Second)
	}},
	{"compare", func(d *driver, _ *fakeBuilder) {
		d.run(d.app.push(newCompareScreen(d.app, "stage:core-gcc", "trial:core-gcc/2")))
	}},
	{"unified", func(d *driver, _ *fakeBuilder) {
		d.run(d.app.push(newCompareScreen(d.app, "stage:core-gcc", "trial:core-gcc/2")))
		d.keys("v")
	}},
	{"hex", func(d *driver, _ *fakeBuilder) {
		d.run(d.app.push(newCompareScreen(d.app, "stage:core-gcc", "trial:core-gcc/2")))
		d.keys("n", "v", "v", "v")
	}},
	{"sides", func(d *driver, _ *fakeBuilder) {
		d.run(d.app.push(newCompareScreen(d.app, "stage:core-gcc", "trial:core-gcc/2")))
		d.keys("v", "v")
	}},
	{"structure", func(d *driver, _ *fakeBuilder) {
		d.run(d.app.push(newCompareScreen(d.app, "stage:core-gcc", "trial:core-gcc/2")))
		d.keys("s", "v", "v", "v", "v")
	}},
	{"code", func(d *driver, _ *fakeBuilder) {
		d.run(d.app.push(newCompareScreen(d.app, "stage:core-gcc", "trial:core-gcc/2")))
		d.keys("s", "V")
	}},
	{"comparing", func(d *driver, _ *fakeBuilder) {
		s := newCompareScreen(d.app, "stage:core-gcc", "trial:core-gcc/2")
		d.app.push(s) // it never ends
		s.watch.add(diff.Progress{What: "usr/bin/gcc", Bytes: 123e6, Found: &diff.Found{In: "layer 1", Name: "usr/bin/\x1b[31mgcc", Status: diff.Differs, Fields: []string{"mtime", "content"}}})
		s.watch.add(diff.Progress{What: "usr/lib/x", Found: &diff.Found{In: "layer 1", Name: "usr/lib/x", Status: diff.Differs, Fields: []string{"mtime"}}})
		s.watch.add(diff.Progress{What: "var/new", Found: &diff.Found{In: "layer 1", Name: "var/new", Status: diff.OnlyB}})
		d.tick(2 * time.Second)
	}},
	{"files", func(d *driver, _ *fakeBuilder) {
		d.run(d.app.openImage("stage:core-gcc"))
		d.keys("j", "enter")
	}},
}

// playRebuild starts a rebuild of core-musl and stops in its second step.
func playRebuild(d *driver, b *fakeBuilder) {
	d.keys("J", "type:core-musl", "enter", "r")
	b.play(
		rebuild.Event{Kind: rebuild.EventCached, Vertex: "v0", Name: "[context] load", Step: -1, Time: d.now},
		rebuild.Event{Kind: rebuild.EventStart, Vertex: "v1", Step: 0, Time: d.now},
		rebuild.Event{Kind: rebuild.EventLog, Vertex: "v1", Step: 0, Data: []byte("checking for gcc... \x1b[32myes\x1b[0m\ncc -c a.c\ncc -c b"), Time: d.now},
		rebuild.Event{Kind: rebuild.EventLog, Vertex: "v1", Step: 0, Data: []byte(".c\n"), Time: d.now},
		rebuild.Event{Kind: rebuild.EventDone, Vertex: "v1", Step: 0, Time: d.now.Add(42 * time.Second)},
		rebuild.Event{Kind: rebuild.EventStart, Vertex: "v2", Step: 1, Time: d.now.Add(42 * time.Second)},
		rebuild.Event{Kind: rebuild.EventLog, Vertex: "v2", Step: 1, Data: []byte("install -m 0755 libc.so /rootfs/usr/lib\n"), Time: d.now},
	)
	d.tick(45 * time.Second)
}

var sizes = [][2]int{{80, 24}, {120, 40}, {40, 8}, {20, 5}, {200, 50}}

func scene(t testing.TB, name string, w, h int) *driver {
	t.Helper()
	for _, s := range scenes {
		if s.name == name {
			b := newFakeBuilder()
			b.known = map[string]Standing{"bootstrap-stage0": Reproduced, "core-gcc": Differs}
			b.trials = sampleTrials()
			d := newDriver(t, sampleConfig(b), w, h)
			s.play(d, b)
			return d
		}
	}
	t.Fatalf("no scene %q", name)
	return nil
}

// cells gives a screen as text, and below it the role classes of its cells, so
// that a colour that moves is seen as well.
func cells(d *driver) string {
	b := d.app.block()
	var text, roles strings.Builder
	for _, l := range b {
		text.WriteString(strings.TrimRight(l.Text(), " ") + "\n")
		var r strings.Builder
		for _, s := range l {
			mark := string(rune('a' + s.Role))
			if s.Role == look.Plain {
				mark = "."
			}
			if s.Ground == look.GroundCursor {
				mark = strings.ToUpper(mark)
			}
			r.WriteString(strings.Repeat(mark, look.Width(s.Text)))
		}
		roles.WriteString(strings.TrimRight(r.String(), ".") + "\n")
	}
	if d.app.w != 80 {
		return text.String() // one size is enough for the roles
	}
	return text.String() + "--\n" + roles.String()
}

func TestScreens(t *testing.T) {
	for _, s := range scenes {
		for _, size := range sizes {
			if size[0] == 200 && !slices.Contains([]string{"chain", "stage", "compare", "sides", "code"}, s.name) {
				continue
			}
			name := fmt.Sprintf("%s_%dx%d", s.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				d := scene(t, s.name, size[0], size[1])
				got := cells(d)
				checkBlock(t, d)
				file := filepath.Join("testdata", "screens", name+".txt")
				if *update {
					if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(want), got); d != "" {
					t.Errorf("the screen has changed (go test ./tui -run Screens -update):\n%s", d)
				}
			})
		}
	}
}

// checkBlock holds what is true of every frame: it fills the terminal exactly
// and no control character is in it.
func checkBlock(t testing.TB, d *driver) {
	t.Helper()
	b := d.app.block()
	if len(b) != d.app.h {
		t.Errorf("%d rows on a terminal of %d", len(b), d.app.h)
	}
	for y, l := range b {
		if w := l.Width(); w != d.app.w {
			t.Errorf("row %d is %d cells wide on a terminal of %d: %q", y, w, d.app.w, l.Text())
		}
		for _, s := range l {
			if strings.ContainsFunc(s.Text, func(r rune) bool { return r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
				t.Errorf("row %d holds a control character: %q", y, s.Text)
			}
		}
	}
}

// TestThemes draws one screen for each kind of terminal and compares cells:
// the text is the same, colours are not, and without colour there are none.
func TestThemes(t *testing.T) {
	d := scene(t, "chain", 80, 24)
	dark := d.app.View().Content
	d.app.theme = look.New(false, false)
	light := d.app.View().Content
	d.app.theme = look.New(true, true)
	none := d.app.View().Content
	if dark == light {
		t.Error("light and dark terminals get the same colours")
	}
	a, b, c := shot.Screen(dark, 80, 24), shot.Screen(light, 80, 24), shot.Screen(none, 80, 24)
	for y := range 24 {
		for x := range 80 {
			p, q, r := a.CellAt(x, y), b.CellAt(x, y), c.CellAt(x, y)
			if p.Content != q.Content || p.Content != r.Content {
				t.Fatalf("cell %d,%d: %q dark, %q light, %q without colour", x, y, p.Content, q.Content, r.Content)
			}
			if r.Style.Fg != nil || r.Style.Bg != nil {
				t.Fatalf("cell %d,%d has a colour without colour", x, y)
			}
		}
	}
	if !strings.Contains(d.screen(), "\n│> ") {
		t.Error("the selected row has no sign of its own")
	}
}

// TestEveryStandingHasASign: colour only adds to what a sign says.
func TestEveryStandingHasASign(t *testing.T) {
	seen := map[string]Standing{}
	for s := NotChecked; s <= running; s++ {
		f := s.face()
		if other, dup := seen[f.sign]; f.sign == "" || f.word == "" || dup {
			t.Errorf("standing %d has sign %q, like %d", s, f.sign, other)
		}
		seen[f.sign] = s
	}
	if Standing(0) != NotChecked || NotChecked.face().role == look.Good {
		t.Error("the zero standing reads as something that was checked")
	}
}

func TestTooSmall(t *testing.T) {
	d := newDriver(t, sampleConfig(newFakeBuilder()), 19, 5)
	if got := d.screen(); !strings.Contains(got, "terminal too") {
		t.Errorf("screen is %q", got)
	}
	for w := range 24 {
		for h := range 10 {
			d.send(tea.WindowSizeMsg{Width: w, Height: h})
			d.app.View()
		}
	}
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	checkBlock(t, d)
}
