package tui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

func sampleStory() *Story {
	return &Story{Title: "thompson", Steps: []StoryStep{
		{Say: "Three parties built the same chain. Bob's images agree with each other, as often as he builds them.", Command: "stagescope verify --all", Screen: StoryScreen{Kind: "chain", Stage: "core-gcc"}},
		{Say: "A rebuild from the seed disagrees.", Command: "stagescope verify core-gcc", Screen: StoryScreen{Kind: "claims", Stage: "core-gcc"}},
		{Say: "These bytes have no source.\x1b[31m", Screen: StoryScreen{Kind: "compare", A: "claim:alice/x", B: "claim:bob/x", File: "usr/bin/gcc", View: "hex"}},
		{Say: "And this is what they do.", Screen: StoryScreen{Kind: "file", A: "claim:bob/x", File: "etc/motd"}},
		{Say: "The seed is small enough to read.", Screen: StoryScreen{Kind: "trust", Stage: "core-gcc"}},
		{Say: "Look around.", Screen: StoryScreen{Kind: "stage", Stage: "core-gcc"}},
	}}
}

func storyDriver(t *testing.T, w, h int) *driver {
	cfg := sampleConfig(newFakeBuilder())
	cfg.Story, cfg.JudgeFirst = sampleStory(), true
	return newDriver(t, cfg, w, h)
}

// A presenter goes from step to step with one key, whatever is on the screen.
func TestStoryIsTold(t *testing.T) {
	d := storyDriver(t, 80, 24)
	for i, want := range []string{"chain", "claims", "compare", "claim:bob/x", "trust below core-gcc", "core-gcc"} {
		if i > 0 {
			d.keys("space")
		}
		got := cells(d)
		checkBlock(t, d)
		if c := d.app.top().crumb(); c != want {
			t.Errorf("step %d shows %q, not %q", i+1, c, want)
		}
		say := strings.Fields(strings.ReplaceAll(sampleStory().Steps[i].Say, "\x1b", `\x1b`))
		if !strings.Contains(got, say[0]+" "+say[1]) {
			t.Errorf("step %d is not told:\n%s", i+1, got)
		}
		if c := sampleStory().Steps[i].Command; c != "" && !strings.Contains(got, "$ "+c) {
			t.Errorf("step %d does not say its command", i+1)
		}
		if s, ok := d.app.top().(*compareScreen); ok && (s.node().Name != "usr/bin/gcc" || s.mode != viewHex) {
			t.Errorf("the step shows %q in view %s", s.node().Name, modeNames[s.mode])
		}
		if i%2 == 1 { // the presenter strays
			d.keys("?", "esc", "j", "tab")
		}
	}
	d.keys("space")
	if !strings.Contains(cells(d), "that is the whole story") || len(d.app.stack) != 2 {
		t.Error("after the last step it goes on")
	}
	d.keys(",", ",", ",", ",", ",", ",")
	if d.app.story.at != 0 || d.app.top().crumb() != "chain" {
		t.Errorf("back at the first step it stands at %d", d.app.story.at)
	}
}

// It can be left, and taken up where it was.
func TestStoryIsLeft(t *testing.T) {
	d := storyDriver(t, 80, 24)
	d.keys("space", "X", "esc", "e")
	if strings.Contains(cells(d), "disagrees") {
		t.Error("a hidden story is told")
	}
	d.keys("space")
	if !strings.Contains(cells(d), "A rebuild from the seed disagrees") || d.app.top().crumb() != "claims" {
		t.Error("it is not taken up where it was left")
	}
	d.send(tea.WindowSizeMsg{Width: 60, Height: storyMin - 1})
	checkBlock(t, d)
	d.send(tea.WindowSizeMsg{Width: 20, Height: 5})
	checkBlock(t, d)
}

// By itself it goes on until a person does something.
func TestStoryByItself(t *testing.T) {
	cfg := sampleConfig(newFakeBuilder())
	cfg.Story = sampleStory()
	cfg.Story.Auto = 10 * time.Second
	d := newDriver(t, cfg, 80, 24)
	d.send(storyDue{d.app.story.gen})
	if d.app.story.at != 1 {
		t.Fatalf("after its time it is at step %d", d.app.story.at)
	}
	d.send(storyDue{d.app.story.gen - 1})
	if d.app.story.at != 1 {
		t.Error("an old clock moved it")
	}
	d.keys("j")
	d.send(storyDue{d.app.story.gen})
	if d.app.story.at != 1 {
		t.Error("it went on under the person's hands")
	}
}

func TestBanner(t *testing.T) {
	cfg := sampleConfig(newFakeBuilder())
	cfg.Story, cfg.Banner = sampleStory(), "recorded, hashes checked, not rebuilt here"
	d := newDriver(t, cfg, 80, 24)
	for range cfg.Story.Steps {
		if !strings.Contains(cells(d), "recorded, hashes checked, not rebuilt here") {
			t.Errorf("the banner is missing on %s", d.app.top().crumb())
		}
		checkBlock(t, d)
		d.keys("space")
	}
	d.keys("X")
	if !strings.Contains(cells(d), "recorded") {
		t.Error("the banner is missing when the story is hidden")
	}
}
