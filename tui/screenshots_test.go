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
	{"ladder", 120, 24, true, func(d *driver, _ *fakeBuilder) { d.keys("G", "t") }},
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
		d.keys("v", "v", "tab")
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
			cfg.Compare = func(context.Context, string, string) (*diff.Comparison, error) {
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
