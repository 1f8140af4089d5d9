package rebuild_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/source"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/enginetest"
)

// victimDir is set for a test process that is there to be killed.
const victimDir = "STAGESCOPE_REBUILD_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// longChain has n stages; each needs the one before it and three further back,
// so that two engines always have something to do.
func longChain(n int) []string {
	var out []string
	for i := range n {
		text := fmt.Sprintf("s%03d", i)
		for _, back := range []int{2, 7, 31, 101} {
			if i >= back {
				text += fmt.Sprintf(" s%03d", i-back)
			}
		}
		out = append(out, text)
	}
	return out
}

const longStages = 500

// victim rebuilds the long chain in a store on two engines and says each stage
// that has ended.
func victim(dir string) error {
	c := testChain(longChain(longStages)...)
	s, err := store.Open(dir)
	if err != nil {
		return err
	}
	b := &rebuild.Builder{Chain: c, Store: s, Sources: &source.Fetcher{Store: s, Offline: true}, Offline: true, LogDir: os.TempDir(), Concurrency: 2,
		Engines: []rebuild.Engine{&enginetest.Engine{Address: "tcp://one:1"}, &enginetest.Engine{Address: "tcp://two:1"}}}
	var ids []string
	for _, s := range c.Stages {
		ids = append(ids, s.ID)
	}
	sum, err := b.All(context.Background(), ids, rebuild.Options{}, func(e rebuild.StageEvent) {
		if e.Kind == rebuild.StageEnds {
			fmt.Println("ended", e.Stage, e.Engine, e.Result.Reused)
		}
	})
	if err != nil {
		return err
	}
	for _, r := range sum.Results {
		if r.Failure != nil {
			return fmt.Errorf("%s: %s", r.Stage, r.Failure.Text)
		}
	}
	return sum.Err()
}

// runVictim starts a victim and kills it, without any warning, once it has
// built so many stages anew; 0 lets it end. It gives the stages it said it
// built and the engines it used.
func runVictim(t *testing.T, dir string, kill int) (built []string, engines map[string]bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := os.StartProcess(self, []string{self}, &os.ProcAttr{Env: append(os.Environ(), victimDir+"="+dir), Files: []*os.File{nil, w, os.Stderr}})
	w.Close()
	if err != nil {
		t.Skipf("cannot start a process here: %v", err)
	}
	engines = map[string]bool{}
	for s := bufio.NewScanner(r); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) != 4 || f[0] != "ended" {
			t.Fatalf("the process said %q", s.Text())
		}
		if f[3] == "true" {
			continue
		}
		built, engines[f[2]] = append(built, f[1]), true
		if len(built) == kill {
			if err := p.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	state, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if state.Success() != (kill == 0) {
		t.Fatalf("to be killed after %d stages, it ended with %v", kill, state)
	}
	return built, engines
}

// TestKilledThreeTimes rebuilds 500 stages on two engines and kills the process
// three times. What was built is never built again, and all is right at the end.
func TestKilledThreeTimes(t *testing.T) {
	dir := t.TempDir()
	times, engines := map[string]int{}, map[string]bool{}
	for _, kill := range []int{90, 130, 170, 0} {
		built, used := runVictim(t, dir, kill)
		for _, id := range built {
			times[id]++
		}
		for e := range used {
			engines[e] = true
		}
	}
	if len(engines) != 2 {
		t.Errorf("built on %d engines, want 2", len(engines))
	}
	for id, n := range times {
		if n > 1 {
			t.Errorf("%s was finished and built again", id)
		}
	}
	c := testChain(longChain(longStages)...)
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if faults, err := s.Verify(t.Context(), nil); err != nil || len(faults) > 0 {
		t.Errorf("the store: %v, %v", faults, err)
	}
	straight := builder(t, c, &enginetest.Engine{})
	var ids []string
	for _, stage := range c.Stages {
		ids = append(ids, stage.ID)
	}
	want, err := straight.All(t.Context(), ids, rebuild.Options{}, nil)
	if err != nil || want.Err() != nil {
		t.Fatal(err, want.Err())
	}
	for _, id := range ids {
		got, err := rebuild.Results(s, id)
		if err != nil || len(got) == 0 || got[0].Digests != want.Result(id).Digests || got[0].Digests.Manifest == "" {
			t.Fatalf("%s: %d results, %v; want %v", id, len(got), err, want.Result(id).Digests)
		}
	}
}
