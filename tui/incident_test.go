package tui

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/policy"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/image"
	incidents "github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/chain/stagex"
	"github.com/stagescope/stagescope/diff"
	causes "github.com/stagescope/stagescope/diff/cause"
	_ "github.com/stagescope/stagescope/diff/formats"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/evidence"
	"github.com/stagescope/stagescope/rebuild/incident"
	"github.com/stagescope/stagescope/tui/internal/shot"
)

// staged stages the thompson incident once, from the recording: its builds were
// made by the engine, and a test of the command holds the recording to them.
var staged = sync.OnceValues(func() (*incident.Staged, error) {
	dir, err := os.MkdirTemp("", "incident")
	if err != nil {
		return nil, err
	}
	stagedIn = dir
	s := &incident.Stager{Dir: dir, Recording: incident.Recording(), Now: func() time.Time { return epoch }}
	return s.Prepare(context.Background(), "thompson")
})

var stagedIn string // "" when no test asked for it

func TestMain(m *testing.M) {
	code := m.Run()
	if stagedIn != "" {
		_ = os.RemoveAll(stagedIn)
	}
	os.Exit(code)
}

// incidentDriver opens the workbench on the incident as the demo does.
func incidentDriver(t testing.TB, w, h int) *driver {
	t.Helper()
	st, err := staged()
	if err != nil {
		t.Fatal(err)
	}
	i, err := incidents.Find("thompson")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(st.Dir) // so that no screen shows where this test keeps it
	short := func(text string) string { return strings.ReplaceAll(text, st.Dir+string(filepath.Separator), "") }
	cfg := incidentConfig(t, st, i)
	cfg.Story = &Story{Title: i.Name}
	for _, s := range i.Tell(st.Facts) {
		cfg.Story.Steps = append(cfg.Story.Steps, StoryStep{Say: s.Say, Command: short(strings.Join(append([]string{"stagescope"}, s.Command...), " ")),
			Screen: StoryScreen{Kind: string(s.Screen.Kind), Stage: s.Screen.Stage, A: short(s.Screen.A), B: short(s.Screen.B), File: s.Screen.File}})
	}
	return newDriver(t, cfg, w, h)
}

func incidentConfig(t testing.TB, st *incident.Staged, i *incidents.Incident) Config {
	t.Helper()
	c, err := stagex.LoadDir(st.Tree())
	if err != nil {
		t.Fatal(err)
	}
	c.Name = "thompson"
	s, err := st.Store()
	if err != nil {
		t.Fatal(err)
	}
	known, err := party.Load(st.PartiesFile(), epoch)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := policy.Load(st.PolicyFile(), "")
	if err != nil {
		t.Fatal(err)
	}
	o := evidence.Options{Store: s, Parties: known, Policy: rules, Offline: true}
	for _, p := range i.Parties {
		if !p.Serves {
			o.Places = append(o.Places, publish.NewDirectory(filepath.FromSlash(st.Places[p.Name])))
		}
	}
	open := image.Options{Store: s, Offline: true}
	return Config{Chain: c, JudgeFirst: true, OpenImage: ImageOpener(open, t.TempDir()),
		Builder: &StoreBuilder{Chain: c, Store: s, Options: rebuild.Options{}},
		Judge: func(ctx context.Context, ids []string, _ func(Judging)) (*Judged, error) {
			r, err := evidence.Judge(ctx, c, ids, o)
			if err != nil {
				return nil, err
			}
			got := JudgedOf(r)
			for _, claims := range got.Claims { // no picture shows where this test keeps it
				for _, c := range claims {
					c.Origin = strings.ReplaceAll(c.Origin, st.Dir+string(filepath.Separator), "")
				}
			}
			return got, nil
		},
		Compare: func(ctx context.Context, a, b string, p func(diff.Progress)) (*diff.Comparison, error) {
			cmp, err := diff.Refs(ctx, a, b, open, diff.Options{TempDir: t.TempDir()})
			if err == nil {
				err = causes.Classify(ctx, cmp.Root, causes.Known{})
			}
			return cmp, err
		},
	}
}

// TestThompson tells the incident with the keys of a presenter, at 80x24: from the
// start to the bytes of the back door in at most 12 of them.
func TestThompson(t *testing.T) {
	d := incidentDriver(t, 80, 24)
	keys, bytesAt := 0, 0
	seen := map[string]bool{}
	look := func() {
		got := cells(d)
		checkBlock(t, d)
		for _, want := range []string{"claims ≠ disputed", "≠▸ stage2", "≠▸ login", "bin/login ELF", "‼", "let in"} {
			seen[want] = seen[want] || strings.Contains(got, want)
		}
		s, ok := d.app.top().(*compareScreen)
		if ok && strings.Contains(got, "@") && s.mode == viewCode && bytesAt == 0 {
			bytesAt = keys
		}
	}
	look()
	for range d.app.story.Steps[1:] {
		d.keys("space")
		keys++
		look()
	}
	for want, ok := range seen {
		if !ok {
			t.Errorf("no step shows %q", want)
		}
	}
	if bytesAt == 0 || bytesAt > 12 {
		t.Errorf("the bytes of the back door were seen after %d keys; 0 is never", bytesAt)
	}
	if !slices.Contains(d.app.judged.First, "bootstrap-stage2") || len(d.app.judged.First) != 1 {
		t.Errorf("disputes begin at %v", d.app.judged.First)
	}
}

// TestIncidentPictures draws the incident; they are written with -update only.
func TestIncidentPictures(t *testing.T) {
	const w, h = 140, 34
	shots, err := filepath.Abs(filepath.Join("..", "screenshots"))
	if err != nil {
		t.Fatal(err)
	}
	d := incidentDriver(t, w, h)
	cam, err := shot.New(true)
	if err != nil {
		t.Fatal(err)
	}
	var frames []shot.Frame
	picture := func(name string) {
		d.app.toast.text = ""
		checkBlock(t, d)
		text := d.app.View().Content
		frames = append(frames, shot.Frame{Text: text, For: 4 * time.Second})
		var png bytes.Buffer
		if err := cam.PNG(&png, text, w, h); err != nil {
			t.Fatal(err)
		}
		if name != "" && *update {
			if err := os.WriteFile(filepath.Join(shots, name+".png"), png.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	names := map[int]string{3: "thompson-chain", 5: "thompson-login"}
	for i := range d.app.story.Steps {
		if i > 0 {
			d.keys("space")
		}
		picture(names[i])
	}
	for len(d.app.stack) > 1 {
		d.app.pop()
	}
	d.app.story = nil
	d.run(d.app.openMatrix(d.app.cfg.Chain.Stages[0]))
	d.keys("d")
	picture("claims")
	var film bytes.Buffer
	if err := cam.GIF(&film, frames[:len(frames)-1], w, h); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(filepath.Join(shots, "thompson.gif"), film.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
