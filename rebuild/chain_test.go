package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/source"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/enginetest"
)

// testChain makes a chain of stages "core-NAME"; each text is a name and what
// it needs: "b a" is core-b, built on core-a.
func testChain(stages ...string) *chain.Chain {
	files := fstest.MapFS{}
	var all []*chain.Stage
	for _, text := range stages {
		words := strings.Fields(text)
		dir := "packages/core/" + words[0]
		files[dir+"/Containerfile"] = &fstest.MapFile{Data: []byte("FROM scratch\n"), Mode: 0o644}
		s := &chain.Stage{ID: "core-" + words[0], Tier: "core", Name: words[0], Package: words[0], Dir: dir, Containerfile: dir + "/Containerfile",
			Exporter: chain.Exporter{Era: "test"}, Steps: []chain.Step{{Name: "make " + words[0]}}}
		for _, n := range words[1:] {
			s.Needs = append(s.Needs, chain.Need{ID: "core-" + n})
		}
		all = append(all, s)
	}
	c := chain.New("test", all)
	c.FS = files
	return c
}

func builder(t testing.TB, c *chain.Chain, engines ...*enginetest.Engine) *rebuild.Builder {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &rebuild.Builder{Chain: c, Store: s, Sources: &source.Fetcher{Store: s, Offline: true}, Offline: true, LogDir: t.TempDir()}
	for _, e := range engines {
		b.Engines = append(b.Engines, e)
	}
	return b
}

// publish builds a stage on a well-behaved engine elsewhere and puts what came
// out into the chain as what the tree publishes.
func publish(t testing.TB, c *chain.Chain, level chain.Level, ids ...string) {
	t.Helper()
	b := builder(t, c, &enginetest.Engine{})
	for _, id := range ids {
		r, err := b.Rebuild(t.Context(), id, rebuild.Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := c.Stage(id)
		s.Published = []chain.Claimed{{Digest: r.Digests.At(level), Level: level, Origin: "digests/core.txt", Line: 3}}
	}
}

func TestReproduced(t *testing.T) {
	for _, level := range []chain.Level{chain.LevelManifest, chain.LevelIndex, chain.LevelRootfs} {
		c := testChain("a", "b a", "c b a")
		publish(t, c, level, "core-c")
		e := &enginetest.Engine{}
		b := builder(t, c, e)
		r, err := b.Rebuild(t.Context(), "core-c", rebuild.Options{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("reproduced: %s %s is what digests/core.txt:3 says", level, r.Digests.At(level))
		if got := r.Verdict.Sentence(); got != want || r.Verdict.Status != rebuild.Reproduced {
			t.Errorf("verdict = %q, want %q", got, want)
		}
		if got := strings.Join(e.Order(), " "); got != "core-a core-b core-c" {
			t.Errorf("built %s", got)
		}
		if len(r.Inputs) != 2 || r.Inputs[0].Origin != "own" || r.InputsSum == "" || r.Recipe == "" {
			t.Errorf("result = %+v", r)
		}
		stored, err := rebuild.Results(b.Store, "core-c")
		if err != nil || len(stored) != 1 || stored[0].Verdict.Status != rebuild.Reproduced || stored[0].Log == "" || stored[0].Environment.Engine.BuildKit == "" {
			t.Errorf("stored results = %+v, %v", stored, err)
		}
	}
}

func TestDiffersIsKept(t *testing.T) {
	c := testChain("a")
	publish(t, c, chain.LevelManifest, "core-a")
	e := &enginetest.Engine{Salt: func(string, int) string { return "other" }}
	b := builder(t, c, e)
	r, err := b.Rebuild(t.Context(), "core-a", rebuild.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Status != rebuild.Differs || !strings.HasPrefix(r.Verdict.Sentence(), "differs: manifest "+string(r.Digests.Manifest)) {
		t.Errorf("verdict = %q", r.Verdict.Sentence())
	}
	// A good rebuild takes the stage's name; the evidence keeps its own, also
	// when space is wanted.
	e.Salt = nil
	if r2, err := b.Rebuild(t.Context(), "core-a", rebuild.Options{}, nil); err != nil || r2.Verdict.Status != rebuild.Reproduced || r2.Ref() != "stage:core-a" {
		t.Fatalf("second rebuild: %+v, %v", r2, err)
	}
	if _, err := b.Store.GC(t.Context(), store.Policy{MaxBytes: 1}); err != nil {
		t.Fatal(err)
	}
	desc, err := b.Store.Resolve(store.TrialTag("core-a", 1))
	if err != nil || chain.Digest(desc.Digest) != r.Digests.Index {
		t.Fatalf("trial 1 = %v, %v; want %s", desc.Digest, err, r.Digests.Index)
	}
	if err := b.Store.Complete(desc); err != nil {
		t.Error(err)
	}
}

func TestNoClaimIsNotReproduced(t *testing.T) {
	c := testChain("a")
	b := builder(t, c, &enginetest.Engine{})
	r, err := b.Rebuild(t.Context(), "core-a", rebuild.Options{}, nil)
	if err != nil || r.Verdict.Status != rebuild.NoClaim {
		t.Fatalf("%+v, %v", r, err)
	}
	s, _ := c.Stage("core-a")
	s.Published = []chain.Claimed{{Digest: r.Digests.Manifest, Origin: "somewhere"}} // of no known level
	r, err = b.Rebuild(t.Context(), "core-a", rebuild.Options{}, nil)
	if err != nil || r.Verdict.Status != rebuild.NotChecked {
		t.Errorf("a claim of unknown level gave %s, %v", r.Verdict.Status, err)
	}
}

func TestTrials(t *testing.T) {
	c := testChain("a", "b a")
	e := &enginetest.Engine{Salt: func(stage string, n int) string {
		if stage == "core-b" && n == 3 {
			return "flaky"
		}
		return ""
	}}
	b := builder(t, c, e)
	r, err := b.Rebuild(t.Context(), "core-b", rebuild.Options{Trials: 5}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Trials == nil || r.Trials.Agreed != 4 || r.Trials.Finished != 5 || len(r.Trials.Digests) != 2 || r.Trials.Digests[1].Trials[0] != 3 {
		t.Errorf("trials = %+v", r.Trials)
	}
	if e.Builds("core-a") != 1 {
		t.Errorf("the need was built %d times", e.Builds("core-a"))
	}
	for n := 1; n <= 5; n++ {
		if _, err := b.Store.Resolve(store.TrialTag("core-b", n)); err != nil {
			t.Error(err)
		}
	}
	// With a claim, one trial that differs is enough.
	publish(t, c, chain.LevelManifest, "core-b")
	b = builder(t, c, &enginetest.Engine{Salt: e.Salt})
	if r, err := b.Rebuild(t.Context(), "core-b", rebuild.Options{Trials: 4}, nil); err != nil || r.Verdict.Status != rebuild.Differs || r.Trials.Agreed != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestFailureGoesOn(t *testing.T) {
	c := testChain("a", "b", "c b", "d c", "e a")
	e := &enginetest.Engine{Fail: func(stage string, _ int) error {
		if stage == "core-b" {
			return &rebuild.StepError{Stage: stage, Name: "make b", ExitCode: 7, Line: 4, Tail: []string{"no rule"}}
		}
		return nil
	}}
	b := builder(t, c, e)
	sum, err := b.All(t.Context(), []string{"core-d", "core-e"}, rebuild.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range sum.Results {
		text := r.Stage + " " + r.Verdict.Status.String()
		if r.Failure != nil {
			text += ": " + r.Failure.Text
		}
		got = append(got, text)
	}
	joined := strings.Join(got, "\n")
	for _, want := range []string{"core-a no claim", "core-b failed", "core-c not built: not built: needs core-b", "core-d not built: not built: needs core-c", "core-e no claim"} {
		if !strings.Contains(joined, want) {
			t.Errorf("no %q in\n%s", want, joined)
		}
	}
	if f := sum.Result("core-b").Failure; f.ExitCode != 7 || f.Tail[0] != "no rule" || sum.Err() == nil {
		t.Errorf("failure = %+v, %v", f, sum.Err())
	}
	stored, err := rebuild.Results(b.Store, "core-b")
	if err != nil || len(stored) != 1 || stored[0].Log == "" || stored[0].Output != nil {
		t.Errorf("the failed build left %+v, %v", stored, err)
	}
}

func TestReuse(t *testing.T) {
	c := testChain("a", "b a")
	e := &enginetest.Engine{}
	b := builder(t, c, e)
	for range 2 {
		if _, err := b.All(t.Context(), []string{"core-b"}, rebuild.Options{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if e.Builds("core-a") != 1 || e.Builds("core-b") != 1 {
		t.Fatalf("built %v", e.Order())
	}
	// Another recipe below changes the input of everything above.
	c.FS.(fstest.MapFS)["packages/core/a/new"] = &fstest.MapFile{Data: []byte("x")}
	if _, err := b.All(t.Context(), []string{"core-b"}, rebuild.Options{}, nil); err != nil {
		t.Fatal(err)
	}
	if e.Builds("core-a") != 2 || e.Builds("core-b") != 2 {
		t.Errorf("after a change: built %v", e.Order())
	}
}

// A recipe that the tree cannot give in full is refused: first for what its
// digest depends on and no tree holds, then for what is wrong with it.
func TestCannotBeBuilt(t *testing.T) {
	c := testChain("a", "b", "c")
	a, _ := c.Stage("core-a")
	a.Exporter.MissingInputs, a.Broken = []string{"git commit of the last change to packages/core/a"}, "packages/core/a/Containerfile:1 takes a source"
	b, _ := c.Stage("core-b")
	b.Broken = "packages/core/b/Containerfile:1 takes a source"
	builder := builder(t, c, &enginetest.Engine{})
	for id, want := range map[string]string{"core-a": "missing: git commit of the last change", "core-b": "packages/core/b/Containerfile:1 takes a source"} {
		r, err := builder.Rebuild(t.Context(), id, rebuild.Options{}, nil)
		var missing *rebuild.MissingInputsError
		var broken *rebuild.BrokenError
		if err == nil && r != nil {
			err = r.Err
		}
		if errors.As(err, &missing) != (id == "core-a") || errors.As(err, &broken) != (id == "core-b") || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", id, err, want)
		}
	}
	plan, err := builder.Plan(t.Context(), []string{"core-a", "core-b", "core-c"}, rebuild.Options{})
	if err != nil || plan.Faults != 2 || plan.Build != 1 {
		t.Errorf("plan = %+v, %v", plan, err)
	}
}

func TestCycle(t *testing.T) {
	c := testChain("a b", "b a", "c b", "d")
	sum, err := builder(t, c, &enginetest.Engine{}).All(t.Context(), []string{"core-c", "core-d"}, rebuild.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Result("core-d").Verdict.Status != rebuild.NoClaim || sum.Result("core-a").Verdict.Status != rebuild.NotBuilt || sum.Result("core-c").Verdict.Status != rebuild.NotBuilt {
		t.Errorf("counts = %v", sum.Counts)
	}
}

func TestEngineLost(t *testing.T) {
	c := testChain("a", "b a", "c a", "d b c", "e a", "f e")
	var down atomic.Bool
	bad := &enginetest.Engine{Address: "tcp://lost:1", Down: down.Load}
	bad.Fail = func(string, int) error { down.Store(true); return errors.New("connection reset by peer") }
	good := &enginetest.Engine{Address: "tcp://good:1"}
	b := builder(t, c, bad, good)
	sum, err := b.All(t.Context(), []string{"core-d", "core-f"}, rebuild.Options{}, nil)
	if err != nil || sum.Err() != nil || sum.Counts["no claim"] != 6 {
		t.Errorf("counts = %v, %v, %v", sum.Counts, err, sum.Err())
	}
	down.Store(false)
	b = builder(t, c, &enginetest.Engine{Down: func() bool { return true }})
	sum, err = b.All(t.Context(), []string{"core-b"}, rebuild.Options{}, nil)
	if err != nil || sum.Err() == nil || !errors.Is(sum.Result("core-b").Err, rebuild.ErrNoEngine) {
		t.Errorf("without an engine: %+v, %v", sum, err)
	}
}

func TestInterrupted(t *testing.T) {
	c := testChain("a", "b a")
	ctx, cancel := context.WithCancel(t.Context())
	e := &enginetest.Engine{Fail: func(string, int) error { cancel(); return ctx.Err() }}
	b := builder(t, c, e)
	sum, err := b.All(ctx, []string{"core-b"}, rebuild.Options{}, nil)
	if err != nil || !sum.Interrupted || sum.Counts["interrupted"] != 2 || sum.Counts["reproduced"] != 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}
