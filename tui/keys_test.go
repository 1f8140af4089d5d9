package tui

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/seedling"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui/internal/action"
	"github.com/stagescope/stagescope/tui/internal/list"
	"github.com/stagescope/stagescope/tui/internal/look"
)

// TestTables holds that no key means two things on one screen, and that no
// screen takes a key of the workbench by accident.
func TestTables(t *testing.T) {
	for _, s := range keySections() {
		if err := s.Table.Check(); err != nil {
			t.Errorf("%s: %v", s.Screen, err)
		}
	}
	all := keySections()
	for _, s := range all[1:] {
		if err := append(append(action.Table{}, all[0].Table...), s.Table...).Check(); err != nil {
			t.Errorf("%s and everywhere: %v", s.Screen, err)
		}
	}
}

// TestReadmeKeys holds the README's tables equal to the keys.
func TestReadmeKeys(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil || !strings.Contains(string(b), keysBegin) {
		t.Skip("README.md has no part for the keys yet")
	}
	_, rest, _ := strings.Cut(string(b), keysBegin)
	have, _, ok := strings.Cut(rest, keysEnd)
	if !ok {
		t.Fatalf("README.md: %q has no %q", keysBegin, keysEnd)
	}
	if *update {
		text := strings.Replace(string(b), keysBegin+have+keysEnd, keysBegin+"\n"+Keys()+keysEnd, 1)
		if err := os.WriteFile(filepath.Join("..", "README.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if strings.TrimSpace(have) != strings.TrimSpace(Keys()) {
		t.Errorf("README.md: the keys are not those of the workbench; go test ./tui -run ReadmeKeys -update")
	}
}

const keysBegin, keysEnd = "<!-- keys -->", "<!-- /keys -->"

func TestEscNeverQuits(t *testing.T) {
	for _, s := range scenes {
		d := scene(t, s.name, 80, 24)
		for range 12 {
			d.keys("esc")
		}
		for _, m := range d.out {
			if _, ok := m.(tea.QuitMsg); ok {
				t.Errorf("%s: esc quit", s.name)
			}
		}
		if len(d.app.stack) != 1 {
			t.Errorf("%s: esc did not lead back to the chain", s.name)
		}
	}
}

func TestQuitAsksOnlyDuringARebuild(t *testing.T) {
	d := scene(t, "stage", 80, 24)
	d.keys("q")
	if !quit(d) {
		t.Error("q did not quit")
	}
	d = scene(t, "rebuild", 80, 24)
	d.keys("q")
	if quit(d) || !strings.Contains(d.screen(), "1 rebuild is running") {
		t.Errorf("q did not ask:\n%s", d.screen())
	}
	d.keys("esc")
	if quit(d) || d.app.ctx.Err() != nil {
		t.Error("esc in the question quit")
	}
	d.keys("q", "y")
	if !quit(d) || d.app.ctx.Err() == nil {
		t.Error("yes did not quit and cancel")
	}
}

func quit(d *driver) bool {
	for _, m := range d.out {
		if _, ok := m.(tea.QuitMsg); ok {
			return true
		}
	}
	return false
}

func TestFilterKeepsSelection(t *testing.T) {
	d := scene(t, "chain", 80, 24)
	d.keys("J", "type:gcc", "enter", "/", "type:MUSL-not-there")
	if !strings.Contains(d.screen(), "0 of") {
		t.Errorf("a filter that finds nothing does not say so:\n%s", d.screen())
	}
	d.keys("esc")
	if !strings.Contains(d.screen(), "> ≠ ▸ gcc") {
		t.Errorf("esc lost the selection:\n%s", d.screen())
	}
	d.keys("/", "type:!core", "enter")
	if s := d.screen(); strings.Contains(s, "musl") || !strings.Contains(s, "bash") {
		t.Errorf("an inverted filter:\n%s", s)
	}
}

func TestCopySaysWhat(t *testing.T) {
	d := scene(t, "chain", 120, 24)
	d.keys("g", "y")
	if !strings.Contains(d.screen(), "copied "+string(d.app.cfg.Chain.Stages[0].Digest())[:20]) {
		t.Errorf("y said nothing:\n%s", d.screen())
	}
	if len(d.out) == 0 {
		t.Error("nothing went to the clipboard")
	}
}

func TestHelpRunsAnAction(t *testing.T) {
	d := scene(t, "chain", 80, 24)
	d.keys("?", "type:ladder", "enter")
	if !strings.Contains(d.screen(), "depth rung") {
		t.Errorf("help did not run the ladder:\n%s", d.screen())
	}
	d.keys("t", ":", "type:findings", "enter")
	if !strings.Contains(d.screen(), "› findings") {
		t.Errorf("the palette did not open the findings:\n%s", d.screen())
	}
}

// The ladder shows what makes what, with both answers per rung, and nothing as
// built that was not.
func TestLadder(t *testing.T) {
	c, err := seedling.Load()
	if err != nil {
		t.Fatal(err)
	}
	b := newFakeBuilder()
	b.known = map[string]Standing{"bootstrap-stage0": Reproduced}
	cfg := sampleConfig(b)
	cfg.Chain = c
	cfg.Made = func(id string) audit.Made {
		if id != "bootstrap-stage0" {
			return audit.Made{}
		}
		return audit.Made{Built: true, Size: sizesHere[id], Programs: madeHere[id]}
	}
	d := newDriver(t, cfg, 100, 30)
	d.keys("J", "type:stage1", "enter", "t")
	for _, want := range []string{
		`\* +hex0-seed +251 B 0e7db37ac425 no one built it`, `\+ +hex1 +420 B 19eea13c4aa2 built here +pinned`,
		`0 = bootstrap-stage0 +1087 B e83017e4bc9a reproduced +pinned`, `· +cc0 +not checked +pinned`, `> +1 · bootstrap-stage1 +[0-9a-f]{12} not checked +pinned`,
	} {
		if !regexp.MustCompile(want).MatchString(d.screen()) {
			t.Errorf("the ladder lacks %s:\n%s", want, d.screen())
		}
	}
	d.keys("k", "enter")
	if !strings.Contains(d.screen(), "› bootstrap-stage1") {
		t.Errorf("a tool did not open its stage:\n%s", d.screen())
	}
	d.keys("esc", "esc")
	if strings.Contains(d.screen(), "depth rung") {
		t.Errorf("esc did not leave the ladder:\n%s", d.screen())
	}
}

func TestMouse(t *testing.T) {
	d := scene(t, "chain", 80, 24)
	d.keys("o") // close the steps again
	click := tea.MouseClickMsg{X: 10, Y: 4, Button: tea.MouseLeft}
	d.send(click)
	if !strings.Contains(d.screen(), "> = ▸ stage0") {
		t.Errorf("a click did not select:\n%s", d.screen())
	}
	d.send(click)
	if !strings.Contains(d.screen(), "› bootstrap-stage0") {
		t.Errorf("a second click did not open:\n%s", d.screen())
	}
	d.send(tea.MouseWheelMsg{X: 10, Y: 10, Button: tea.MouseWheelDown}, tea.MouseWheelMsg{X: 200, Y: 90, Button: tea.MouseWheelUp})
	d.keys("M")
	if d.app.View().MouseMode != tea.MouseModeNone {
		t.Error("M left the mouse on")
	}
}

// TestHostileNames: no name from a tree reaches the terminal as an escape
// sequence, on any screen.
func TestHostileNames(t *testing.T) {
	const evil = "\x1b[2J\x1b]52;c;ZXZpbA==\x07\u202egnp\x9b31m\r\n"
	cfg := sampleConfig(newFakeBuilder())
	s := &chain.Stage{ID: "core-" + evil, Tier: "core" + evil, Name: evil, Version: evil, Description: evil, License: evil, Website: evil, Target: evil,
		Platforms: []string{evil}, Containerfile: evil, Steps: []chain.Step{{Name: evil, Line: 1}}, Needs: []chain.Need{{ID: evil}},
		Sources: []chain.Source{{Name: evil, File: evil, Mirrors: []string{evil}}}, Published: []chain.Claimed{{Digest: evil, Origin: evil}}}
	cfg.Chain = chain.New(evil, []*chain.Stage{s})
	for _, size := range sizes {
		d := newDriver(t, cfg, size[0], size[1])
		for _, keys := range [][]string{{"o"}, {"t"}, {"esc"}, {"tab"}, {"tab"}, {"esc", "enter"}, {"tab"}, {"tab"}, {"esc"}, {"f"}, {"tab"}, {"y"}, {"esc", "esc"}, {"Y"}, {"/", "type:g"}} {
			d.keys(keys...)
			checkBlock(t, d)
			if strings.Contains(d.app.View().Content, "\x1b]") || strings.Contains(d.app.View().Content, "\u202e") {
				t.Fatalf("after %q an escape sequence is shown", keys)
			}
		}
	}
}

// everyKey is what random key sequences are made of.
func everyKey() []string {
	keys := []string{"type:a", "type:stage", "enter", "enter", "esc", "up", "down", "x", "y"}
	for _, s := range keySections() {
		for _, a := range s.Table {
			for _, k := range a.Keys {
				if k != "ctrl+z" && k != "q" && k != "ctrl+c" {
					keys = append(keys, k)
				}
			}
		}
	}
	return keys
}

// FuzzKeys presses keys at random: nothing may panic, and every frame fills
// the terminal exactly.
func FuzzKeys(f *testing.F) {
	for i := range 6 {
		f.Add(uint64(i), uint8(i*13), uint16(80), uint16(24))
	}
	keys := everyKey()
	f.Fuzz(func(t *testing.T, seed uint64, at uint8, w, h uint16) {
		d := scene(t, scenes[int(at)%len(scenes)].name, int(w%220)+1, int(h%70)+1)
		rnd := rand.New(rand.NewPCG(seed, 1))
		var pressed []string
		for range 120 {
			k := keys[rnd.IntN(len(keys))]
			pressed = append(pressed, k)
			d.keys(k)
			switch rnd.IntN(12) {
			case 0:
				d.send(tea.WindowSizeMsg{Width: rnd.IntN(220) + 1, Height: rnd.IntN(70) + 1})
			case 1:
				d.send(tea.MouseClickMsg{X: rnd.IntN(d.app.w), Y: rnd.IntN(d.app.h), Button: tea.MouseLeft})
			case 2:
				d.send(tea.MouseWheelMsg{X: rnd.IntN(d.app.w), Y: rnd.IntN(d.app.h), Button: tea.MouseWheelDown})
			case 3:
				d.tick(time.Second)
			}
			checkBlock(t, d)
			if t.Failed() {
				t.Fatalf("after %q", pressed)
			}
		}
	})
}

// many is a list of half a million rows.
type many int

func (m many) Len() int { return int(m) }

func (m many) Row(i, _ int) look.Line {
	return look.T(look.Faint, fmt.Sprintf("%8d ", i)).Add(look.Plain, "a line of a log that is as long as lines are")
}

// BenchmarkKeyToFrame is what a key costs on the chain screen until the frame
// is ready; the terminal's own time comes on top.
func BenchmarkKeyToFrame(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		b.Run(fmt.Sprintf("513stages/%dx%d", size[0], size[1]), func(b *testing.B) {
			cfg := sampleConfig(newFakeBuilder())
			cfg.Chain = bigChain(513)
			d := newDriver(b, cfg, size[0], size[1])
			down, up := press("j"), press("k")
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k := down
				if i/400%2 == 1 {
					k = up
				}
				d.app.Update(k)
				d.app.View()
			}
		})
	}
}

// BenchmarkFilter is what a letter of a filter costs.
func BenchmarkFilter(b *testing.B) {
	cfg := sampleConfig(newFakeBuilder())
	cfg.Chain = bigChain(513)
	d := newDriver(b, cfg, 80, 24)
	s := d.app.stack[0].(*chainScreen)
	for b.Loop() {
		s.filter("age-05")
		d.app.View()
	}
}

// BenchmarkHalfAMillionRows is a key and a frame of a list of 500,000 rows.
func BenchmarkHalfAMillionRows(b *testing.B) {
	l := list.New(many(500_000))
	l.Resize(200, 50)
	theme := look.New(true, false)
	for i := 0; b.Loop(); i++ {
		l.Move(1 + i%1000)
		if l.Cursor() == 499_999 {
			l.Home()
		}
		l.Draw(true).Render(theme)
	}
}

// TestCompareTwoRebuilds marks one rebuild and compares another with it.
func TestCompareTwoRebuilds(t *testing.T) {
	d := scene(t, "stage", 120, 40)
	at := -1
	s := d.app.top().(*stageScreen)
	for i, r := range s.sheet.rows {
		if r.trial != nil && at < 0 {
			at = i
		}
	}
	if at < 0 {
		t.Fatal("no rebuild is listed")
	}
	s.facts.MoveTo(at)
	d.keys("m", "j", "c")
	c, ok := d.app.top().(*compareScreen)
	if !ok || c.a != "trial:core-gcc/2" || c.b != "trial:core-gcc/1" {
		t.Errorf("on top is %T:\n%s", d.app.top(), d.screen())
	}
}

// TestEveryKeyOnBadInput presses every key where there is nothing, or where
// everything fails: nothing panics, and errors are said.
func TestEveryKeyOnBadInput(t *testing.T) {
	bad := errors.New("gone \x1b[31maway")
	empty := Config{Chain: chain.New("empty", nil)}
	failing := sampleConfig(newFakeBuilder())
	failing.Compare = func(context.Context, string, string, func(diff.Progress)) (*diff.Comparison, error) { return nil, bad }
	failing.OpenImage = func(context.Context, string) (Image, error) { return nil, bad }
	cycle := sampleConfig(newFakeBuilder())
	cycle.Chain = chain.New("cycle", []*chain.Stage{
		{ID: "core-a", Tier: "core", Name: "a", Needs: []chain.Need{{ID: "core-b"}}},
		{ID: "core-b", Tier: "core", Name: "b", Needs: []chain.Need{{ID: "core-a"}}},
	})
	for name, cfg := range map[string]Config{"empty": empty, "failing": failing, "cycle": cycle} {
		for _, k := range everyKey() {
			d := newDriver(t, cfg, 100, 30)
			d.keys(k)
			checkBlock(t, d)
			d.keys(k, "j", "enter", "tab", "y", "esc", "esc", "esc")
			checkBlock(t, d)
			if t.Failed() {
				t.Fatalf("%s: after %q", name, k)
			}
		}
	}
	d := newDriver(t, failing, 100, 30)
	d.keys("i")
	if s := d.screen(); !strings.Contains(s, `gone \x1b[31maway`) {
		t.Errorf("an image that cannot be opened:\n%s", s)
	}
	d.run(d.app.push(newCompareScreen(d.app, "a", "b")))
	if s := d.screen(); !strings.Contains(s, "cannot be compared") || !strings.Contains(s, "gone") {
		t.Errorf("images that cannot be compared:\n%s", s)
	}
	for _, k := range everyKey() {
		d.keys(k)
		checkBlock(t, d)
	}
}
