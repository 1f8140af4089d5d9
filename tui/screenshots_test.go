package tui

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// zooDiff is how two builds of the embedded chain's stage user-zoo-date differ:
// its program holds the time at which it was compiled.
func zooDiff() *diff.Node {
	side := func(name string, n int64, key string) *diff.Side {
		return &diff.Side{Name: name, Size: n, Digest: sumOf(key)}
	}
	const head = "report: built "
	program := &diff.Node{Kind: diff.KindBinary, Name: "usr/share/zoo/report", Status: diff.Differs,
		A: side("usr/share/zoo/report", 20670, "program a"), B: side("usr/share/zoo/report", 20670, "program b"),
		Content: fakeContent{strings.Repeat("\x00", 22) + head + "2026-03-04 10:11:12\n\x00usage: report FILE\n\x00", strings.Repeat("\x00", 22) + head + "2026-03-05 01:02:03\n\x00usage: report FILE\n\x00"},
		Residue: diff.ResidueNone,
		Reasons: []diff.Reason{{Field: "content", A: head + "2026-03-04 10:11:12", B: head + "2026-03-05 01:02:03",
			Cause: &diff.Cause{ID: "D1a", Name: "time of the build in a string", Confidence: diff.Proved,
				Evidence: "with the same time on both sides the bytes are equal", Fix: "take the time from SOURCE_DATE_EPOCH"}}}}
	derived := func(what string) []diff.Reason {
		return []diff.Reason{{Field: what, A: string(sumOf(what + "a")), B: string(sumOf(what + "b")),
			Cause: &diff.Cause{ID: "A0", Name: "hash of what differs below", Confidence: diff.Derived}}}
	}
	layer := &diff.Node{Kind: diff.KindLayer, Name: "layer 1", Status: diff.Differs, A: side("layer 1", 3670, "layer a"), B: side("layer 1", 3671, "layer b"),
		Reasons: derived("digest"), Children: []*diff.Node{program}}
	config := &diff.Node{Kind: diff.KindConfig, Name: "config", Status: diff.Differs, A: side("config", 512, "config a"), B: side("config", 512, "config b"), Residue: diff.ResidueNone, Reasons: derived("diff IDs")}
	manifest := &diff.Node{Kind: diff.KindManifest, Name: "manifest linux/amd64", Status: diff.Differs, A: side("manifest", 406, "manifest a"), B: side("manifest", 406, "manifest b"),
		Reasons: derived("config, layers"), Children: []*diff.Node{config, layer}}
	return &diff.Node{Kind: diff.KindIndex, Name: "index", Status: diff.Differs, A: side("index", 255, "index a"), B: side("index", 255, "index b"),
		Reasons: derived("manifests"), Children: []*diff.Node{manifest}}
}

func sumOf(key string) chain.Digest { return chain.SHA256(sha256.Sum256([]byte(key))) }

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
				return &diff.Comparison{Root: zooDiff()}, nil
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
