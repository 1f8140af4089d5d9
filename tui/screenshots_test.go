package tui

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/seedling"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/tui/internal/shot"
)

// pictures are what the README shows, over the embedded chain.
var pictures = []struct {
	name string
	w, h int
	dark bool
	play func(d *driver, b *fakeBuilder)
}{
	{"chain", 200, 50, true, func(d *driver, _ *fakeBuilder) { d.keys("j") }},
	{"chain-80x24", 80, 24, true, func(d *driver, _ *fakeBuilder) { d.keys("o") }},
	{"chain-light", 120, 32, false, func(*driver, *fakeBuilder) {}},
	{"stage", 160, 40, true, func(d *driver, _ *fakeBuilder) { d.keys("enter") }},
	{"seed", 200, 50, true, func(d *driver, _ *fakeBuilder) { d.keys("e", "tab", "pgdown", "k", "k") }},
	{"ladder", 120, 32, true, func(d *driver, _ *fakeBuilder) { d.keys("J", "type:user-hello", "enter", "t") }},
	{"help", 100, 30, true, func(d *driver, _ *fakeBuilder) { d.keys("?") }},
	{"rebuild", 120, 32, true, func(d *driver, b *fakeBuilder) { playSeed(d, b) }},
	{"rebuild-done", 120, 32, true, func(d *driver, b *fakeBuilder) {
		st := playSeed(d, b)
		claim := st.Published[0]
		b.play(rebuild.Event{Kind: rebuild.EventDone, Vertex: fmt.Sprint("step", len(st.Steps)-1), Step: len(st.Steps) - 1, Time: d.now})
		trial := TrialOf(&rebuild.Result{Stage: st.ID, Digests: rebuild.Digests{Manifest: claim.Digest}, Verdict: rebuild.Verdict{Status: rebuild.Reproduced,
			Compared: []rebuild.Comparison{{Claim: claim.Digest, Level: claim.Level, Origin: claim.Origin, Line: claim.Line, Own: claim.Digest, Equal: true}}}})
		b.end(&trial, nil)
		d.waitOver()
		d.tick(200 * time.Millisecond)
	}},
	{"compare", 140, 30, true, func(d *driver, _ *fakeBuilder) {
		d.run(d.app.push(newCompareScreen(d.app, "trial:user-zoo-date/1", "trial:user-zoo-date/2")))
	}},
	{"hex", 140, 24, true, func(d *driver, _ *fakeBuilder) {
		d.run(d.app.push(newCompareScreen(d.app, "trial:user-zoo-date/1", "trial:user-zoo-date/2")))
		d.keys("v", "v", "v", "tab")
	}},
}

// playSeed rebuilds the stage under the cursor, up to its last step.
func playSeed(d *driver, b *fakeBuilder) *chain.Stage {
	st := d.app.stack[0].(*chainScreen).selected()
	d.keys("r")
	at := d.now
	for _, v := range []string{"start the engine", "[internal] load build definition from Containerfile", "[internal] load build context"} {
		b.play(rebuild.Event{Kind: rebuild.EventStart, Vertex: v, Name: v, Step: -1, Time: at})
		at = at.Add(31 * time.Millisecond)
		b.play(rebuild.Event{Kind: rebuild.EventDone, Vertex: v, Name: v, Step: -1, Time: at})
	}
	for i := range st.Steps {
		v := fmt.Sprint("step", i)
		b.play(rebuild.Event{Kind: rebuild.EventStart, Vertex: v, Step: i, Time: at})
		if i < len(st.Steps)-1 {
			at = at.Add(90 * time.Millisecond)
			b.play(rebuild.Event{Kind: rebuild.EventDone, Vertex: v, Step: i, Time: at})
		}
	}
	d.tick(time.Duration(len(st.Steps)) * 90 * time.Millisecond)
	return st
}

// madeHere are the programs of the embedded chain that its ladder shows, as a
// rebuild records them.
var madeHere = map[string][]audit.Program{
	"bootstrap-stage0": {
		{Name: "hex0", Size: 251, Digest: "sha256:0e7db37ac42543eff30d77c867fab2e7f2d8be77c8be870e3f6c3f57ea979fed"},
		{Name: "hex1", Size: 420, Digest: "sha256:19eea13c4aa27a3ad6850bbc44091bace8e038facbcda9788bf0fbc951cd5e72"},
		{Name: "hex2", Size: 743, Digest: "sha256:a21d0dcd5f2ad9f1244e60263b71a6cb8949c14255d66fb072aebe828dddd0c0"},
	},
	"bootstrap-stage1": {
		{Name: "masm", Size: 997, Digest: "sha256:002e18cd5af560a809173ad02e646f1e326bbca0c5eac8601819e29ccfc63e76"},
		{Name: "cc0", Size: 4024, Digest: "sha256:8a5715d92d31c3296b6532d96b36222b6352d6ca9d25974758e7bba21f0ecb7e"},
	},
	"bootstrap-stage2": {
		{Name: "cc-by-cc0", Size: 59938, Digest: "sha256:bfe29bb97875b06ae53b10d82d0f399be9a29d6a2c563909858fe38a7ee47821"},
		{Name: "cc", Size: 63260, Digest: "sha256:9e6d8c97263154ef3f2ce6959b39d78d45afa8d747139f5b012ac462bef8de54"},
	},
	"bootstrap-stage3": {
		{Name: "make", Size: 24982, Digest: "sha256:c7bbe21466bca3c58a50de75ca0b6cd11a3b4de9bbf670d3622a7a1f5cf8afc3"},
		{Name: "sh", Size: 49818, Digest: "sha256:f47454ed24e64e2e7cb28d718fb3e5e44fd43a58b255059a585964db774bd20d"},
	},
}

// sizesHere are those of its images.
var sizesHere = map[string]int64{"bootstrap-stage0": 1087, "bootstrap-stage1": 5655, "bootstrap-stage2": 13615, "bootstrap-stage3": 41870, "core-filesystem": 307, "user-hello": 3957}

// TestScreenshots draws the pictures; they are written with -update only, for
// a picture is no golden: fonts may round differently elsewhere.
func TestScreenshots(t *testing.T) {
	for _, p := range pictures {
		t.Run(p.name, func(t *testing.T) {
			c, err := seedling.Load()
			if err != nil {
				t.Fatal(err)
			}
			b := newFakeBuilder()
			b.known = map[string]Standing{c.Stages[0].ID: Reproduced}
			cfg := sampleConfig(b)
			cfg.Chain = c
			if p.name == "ladder" {
				for _, st := range c.Stages {
					if st.Digest() != "" {
						b.known[st.ID] = Reproduced
					}
				}
				cfg.Made = func(id string) audit.Made {
					return audit.Made{Built: true, Size: sizesHere[id], Programs: madeHere[id]}
				}
			}
			cfg.Compare = func(context.Context, string, string, func(diff.Progress)) (*diff.Comparison, error) {
				return zooDiff(t), nil
			}
			d := newDriver(t, cfg, p.w, p.h)
			d.app.dark = p.dark
			d.app.retheme()
			p.play(d, b)
			checkBlock(t, d)
			cam, err := shot.New(p.dark)
			if err != nil {
				t.Fatal(err)
			}
			var png bytes.Buffer
			if err := cam.PNG(&png, d.app.View().Content, p.w, p.h); err != nil {
				t.Fatal(err)
			}
			if png.Len() < 1000 {
				t.Errorf("the picture is %d bytes: nothing was drawn", png.Len())
			}
			if *update {
				if err := os.WriteFile(filepath.Join("..", "screenshots", p.name+".png"), png.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
