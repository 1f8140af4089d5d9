package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

func TestLogIsSearchedWhileItGrows(t *testing.T) {
	b := newFakeBuilder()
	d := newDriver(t, sampleConfig(b), 120, 24)
	playRebuild(d, b)
	d.keys("/", "type:cc -c b")
	if s := d.screen(); !strings.Contains(s, "/cc -c b") {
		t.Errorf("the search is not shown:\n%s", s)
	}
	d.keys("enter")
	s := d.app.top().(*rebuildScreen)
	if got, _ := s.log.cache.Line(s.log.list.Cursor()); got != "cc -c b.c" {
		t.Errorf("the search stopped at %q", got)
	}
	if s.log.list.Follow {
		t.Error("a search left the log following")
	}
	var more strings.Builder
	for i := range 400 {
		fmt.Fprintf(&more, "line %d\n", i)
	}
	b.play(rebuild.Event{Kind: rebuild.EventLog, Vertex: "v2", Step: 1, Data: []byte(more.String() + "cc -c b2.c\n")})
	d.tick(time.Second)
	if got, _ := s.log.cache.Line(s.log.list.Cursor()); got != "cc -c b.c" {
		t.Errorf("new lines moved the cursor to %q", got)
	}
	d.keys("n")
	if got, _ := s.log.cache.Line(s.log.list.Cursor()); got != "cc -c b2.c" {
		t.Errorf("the next match, which came later, is %q", got)
	}
	d.keys("F")
	b.play(rebuild.Event{Kind: rebuild.EventLog, Vertex: "v2", Step: 1, Data: []byte("the end\n")})
	d.tick(time.Second)
	if s := d.screen(); !strings.Contains(s, "the end") {
		t.Errorf("following does not show the last line:\n%s", s)
	}
	d.keys("/", "type:nowhere", "enter")
	if !strings.Contains(s.log.note, "nothing matches") {
		t.Errorf("a search that finds nothing says %q", s.log.note)
	}
}

func TestStepLog(t *testing.T) {
	b := newFakeBuilder()
	d := newDriver(t, sampleConfig(b), 120, 24)
	playRebuild(d, b)
	d.keys("g", "enter")
	if s := d.screen(); !strings.Contains(s, "cc -c a.c") || strings.Contains(s, "install -m 0755") {
		t.Errorf("the log of the first step:\n%s", s)
	}
	d.keys("esc")
	if s := d.screen(); !strings.Contains(s, "install -m 0755") {
		t.Errorf("esc did not bring the whole log back:\n%s", s)
	}
}

func TestCancelAsks(t *testing.T) {
	b := newFakeBuilder()
	d := newDriver(t, sampleConfig(b), 100, 24)
	playRebuild(d, b)
	d.keys("x", "n")
	if d.app.runs.active() != 1 || d.app.runs.all[0].asked {
		t.Error("no is taken for yes")
	}
	d.keys("x", "y")
	d.waitOver()
	d.tick(time.Second)
	if s := d.screen(); !strings.Contains(s, "core-musl was cancelled; nothing was proven") || !strings.Contains(s, "~ interrupted") {
		t.Errorf("after cancelling:\n%s", s)
	}
	if d.app.standing("core-musl") != Interrupted {
		t.Errorf("core-musl is %v", d.app.standing("core-musl"))
	}
}

func TestSeveralAtOnce(t *testing.T) {
	b := newFakeBuilder()
	d := newDriver(t, sampleConfig(b), 100, 24)
	playRebuild(d, b)
	d.keys("esc", "J", "type:core-gcc", "enter", "r")
	if d.app.runs.active() != 2 {
		t.Fatalf("%d rebuilds run", d.app.runs.active())
	}
	d.keys("esc", "b")
	if s := d.screen(); strings.Count(s, "►") != 2 {
		t.Errorf("the list of rebuilds:\n%s", s)
	}
	d.keys("g", "enter")
	if s := d.screen(); !strings.Contains(s, "› rebuild core-gcc") {
		t.Errorf("the newest one is not first:\n%s", s)
	}
	d.keys("esc", "esc", "J", "type:core-gcc", "enter", "r")
	if d.app.runs.active() != 2 {
		t.Error("r on a stage that is being rebuilt started it again")
	}
}

func TestHowARebuildEnds(t *testing.T) {
	step := &rebuild.StepError{Stage: "core-musl", Step: 1, Name: "musl: make install", ExitCode: 2}
	for _, c := range []struct {
		name  string
		trial *Trial
		err   error
		want  string
		is    Standing
	}{
		{"reproduced", &Trial{Standing: Reproduced, Text: "core-musl is reproduced"}, nil, "= core-musl is reproduced", Reproduced},
		{"step", nil, fmt.Errorf("building: %w", step), "! core-musl failed: step 2 (musl: make install) ended with code 2", Failed},
		{"hint", nil, hintError{errors.New("no engine")}, "no engine. To do: say doctor", Failed},
		{"nothing", nil, nil, "nothing was proven", NotChecked},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newFakeBuilder()
			d := newDriver(t, sampleConfig(b), 100, 24)
			playRebuild(d, b)
			b.end(c.trial, c.err)
			d.waitOver()
			d.tick(time.Second)
			if s := d.screen(); !strings.Contains(s, c.want) {
				t.Errorf("the screen says:\n%s", s)
			}
			if got := d.app.standing("core-musl"); got != c.is {
				t.Errorf("core-musl is %v, want %v", got, c.is)
			}
		})
	}
}

type hintError struct{ error }

func (hintError) Hint() string { return "say doctor" }

func TestBuilderPanicIsAFailure(t *testing.T) {
	d := newDriver(t, sampleConfig(panicBuilder{newFakeBuilder()}), 100, 24)
	d.keys("r")
	d.waitOver()
	d.tick(time.Second)
	if s := d.screen(); !strings.Contains(s, "internal error") {
		t.Errorf("the screen says:\n%s", s)
	}
}

type panicBuilder struct{ *fakeBuilder }

func (panicBuilder) Rebuild(_ context.Context, _ string, _ rebuild.Progress) (*Trial, error) {
	panic("broken")
}

func TestWithoutBuilder(t *testing.T) {
	cfg := sampleConfig(nil)
	cfg.Builder, cfg.WhyNoBuilder = nil, "the store cannot be opened"
	cfg.OpenImage, cfg.Compare = nil, nil
	d := newDriver(t, cfg, 100, 24)
	d.keys("r")
	if s := d.screen(); !strings.Contains(s, "cannot build here: the store cannot be opened") {
		t.Errorf("the screen says:\n%s", s)
	}
	d.keys("i")
	if s := d.screen(); !strings.Contains(s, "cannot open images") {
		t.Errorf("the screen says:\n%s", s)
	}
}

// TestStoreBuilder holds that a stored result counts for the recipe that it is
// of, and for no other.
func TestStoreBuilder(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	b := &StoreBuilder{Chain: sampleChain(), Store: st, Open: func(_ context.Context, say io.Writer) (*rebuild.Builder, error) {
		fmt.Fprintln(say, "going on without an engine")
		return nil, errors.New("no engine answers")
	}}
	var events []rebuild.Event
	if _, err := b.Rebuild(t.Context(), "core-gcc", func(e rebuild.Event) { events = append(events, e) }); err == nil {
		t.Error("without an engine there is no error")
	}
	if len(events) != 3 || string(events[1].Data) != "going on without an engine\n" || events[2].Kind != rebuild.EventFailed {
		t.Errorf("events are %v", events)
	}
	if by, err := b.Standings(t.Context()); err != nil || len(by) != 0 {
		t.Errorf("an empty store says %v, %v", by, err)
	}
	r := sampleResult()
	if rebuild.Current(b.Chain, r) {
		t.Error("a result of another recipe counts for this one")
	}
	if _, _, err := b.Log(t.Context(), Trial{Result: &rebuild.Result{}}); err == nil {
		t.Error("a log that was not kept opens")
	}
	if got := TrialOf(r); got.Standing != Differs || got.ClaimRef != "stage:core-gcc" || got.Ref != "" {
		t.Errorf("the result is shown as %+v", got)
	}
	for s, want := range map[rebuild.Status]Standing{rebuild.NotChecked: NotChecked, rebuild.Reproduced: Reproduced, rebuild.Failed: Failed, rebuild.NotBuilt: NotBuilt} {
		if standings[s] != want {
			t.Errorf("%v is shown as %v", s, standings[s])
		}
	}
}

// TestVerdictFollowsTheClaim: what was reproduced once is not, when the tree
// claims something else now; and the other way round.
func TestVerdictFollowsTheClaim(t *testing.T) {
	c := sampleChain()
	st, err := c.Stage("core-gcc")
	if err != nil {
		t.Fatal(err)
	}
	b := &StoreBuilder{Chain: c}
	r := sampleResult()
	for _, tc := range []struct {
		name   string
		claims []chain.Claimed
		old    rebuild.Status
		want   rebuild.Status
	}{
		{"the claim has changed to ours", []chain.Claimed{{Digest: r.Digests.Manifest, Level: chain.LevelManifest, Origin: "digests/core.txt"}}, rebuild.Differs, rebuild.Reproduced},
		{"the claim has changed to another", []chain.Claimed{{Digest: digestOf("other one"), Level: chain.LevelManifest, Origin: "digests/core.txt"}}, rebuild.Reproduced, rebuild.Differs},
		{"the claim is of no known level", []chain.Claimed{{Digest: r.Digests.Manifest, Origin: "digests/core.txt"}}, rebuild.Reproduced, rebuild.NotChecked},
		{"the claim is gone", nil, rebuild.Reproduced, rebuild.NoClaim},
		{"a failure stays one", nil, rebuild.Failed, rebuild.Failed},
	} {
		st.Published = tc.claims
		now := *r
		now.Verdict.Status = tc.old
		if got := rebuild.Rejudge(b.Chain, &now).Verdict.Status; got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	st.Published = []chain.Claimed{{Digest: r.Digests.Manifest, Level: chain.LevelManifest, Origin: "digests/core.txt"}}
	elsewhere := *r
	elsewhere.Verdict.Compared = []rebuild.Comparison{{Claim: digestOf("theirs"), Level: chain.LevelManifest, Origin: "another party", Own: r.Digests.Manifest}}
	if got := rebuild.Rejudge(b.Chain, &elsewhere).Verdict.Status; got != rebuild.Differs {
		t.Errorf("a claim of another party that differs is forgotten: %v", got)
	}
}

// TestStageWatch: what is built first is one line each, and never takes a step
// of the stage that was asked for.
func TestStageWatch(t *testing.T) {
	var got []string
	w := &stageWatch{id: "core-gcc", p: func(e rebuild.Event) {
		got = append(got, fmt.Sprint(e.Kind, " ", e.Vertex, " ", e.Step, " ", string(e.Data)))
	}}
	inner := func(stage string, e rebuild.Event) {
		w.event(rebuild.StageEvent{Kind: rebuild.StageProgress, Stage: stage, Event: &e})
	}
	w.event(rebuild.StageEvent{Kind: rebuild.StageBegins, Stage: "core-musl"})
	inner("core-musl", rebuild.Event{Kind: rebuild.EventStart, Vertex: "v", Step: 0})
	inner("core-musl", rebuild.Event{Kind: rebuild.EventLog, Vertex: "v", Step: 0, Data: []byte("x")})
	w.event(rebuild.StageEvent{Kind: rebuild.StageEnds, Stage: "core-musl", Result: &rebuild.Result{Reused: true}})
	w.event(rebuild.StageEvent{Kind: rebuild.StageSources, Stage: "core-gcc"})
	inner("core-gcc", rebuild.Event{Kind: rebuild.EventStart, Vertex: "v", Step: 0})
	want := []string{"0 stage core-musl -1 ", "4 stage core-musl -1 x", "2 stage core-musl -1 ", "0 sources -1 ", "1 sources -1 ", "0 v 0 "}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("events are\n%q, want\n%q", got, want)
	}
}
