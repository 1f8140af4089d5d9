//go:build linux && amd64

package engine

import (
	"os"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/seedling"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// seedlings is the embedded chain, and a store in which it is built.
type seedlings struct {
	chain *chain.Chain
	store *store.Store
	logs  string
}

func newSeedlings(t *testing.T) *seedlings {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: building the embedded chain takes seconds")
	}
	c, err := seedling.Load()
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &seedlings{chain: c, store: st, logs: t.TempDir()}
}

// build builds stages on e; a stage that cannot be built is an error. What
// they need is taken from the store, or built in the same way.
func (s *seedlings) build(t *testing.T, e rebuild.Engine, ids []string, o rebuild.Options) *rebuild.Summary {
	t.Helper()
	b := &rebuild.Builder{Chain: s.chain, Store: s.store, Engines: []rebuild.Engine{e}, Concurrency: 2, Offline: true, LogDir: s.logs}
	sum, err := b.All(t.Context(), ids, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		switch r := sum.Result(id); {
		case r == nil:
			t.Errorf("%s was not built", id)
		case r.Failure != nil:
			t.Errorf("%s: %s\n%s", id, r.Failure.Text, strings.Join(r.Failure.Tail, "\n"))
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return sum
}

// published builds every stage that has a published digest, from the seed up,
// and compares.
func (s *seedlings) published(t *testing.T, e rebuild.Engine) {
	t.Helper()
	var ids []string
	for _, stage := range s.chain.Stages {
		if stage.Digest() != "" {
			ids = append(ids, stage.ID)
		}
	}
	if len(ids) == 0 {
		t.Fatal("no stage has a published digest")
	}
	sum := s.build(t, e, ids, rebuild.Options{})
	for _, id := range ids {
		stage, _ := s.chain.Stage(id)
		if r := sum.Result(id); r.Verdict.Status != rebuild.Reproduced || r.Digests.Manifest != stage.Digest() {
			t.Errorf("%s: %v: manifest %s, published %s", id, r.Verdict.Status, r.Digests.Manifest, stage.Digest())
		}
	}
}

// TestSeedling builds the embedded chain in an empty store: the published
// digests come out, and the zoo does what it says.
func TestSeedling(t *testing.T) {
	s := newSeedlings(t)
	e := newEngine(t, Options{StateDir: s.store.EngineDir()})
	info, err := e.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("uid %d: namespaces %s, snapshotter %s", os.Getuid(), info.Mode, info.Snapshotter)
	if !t.Run("digests", func(t *testing.T) { s.published(t, e) }) {
		return
	}
	t.Run("zoo", func(t *testing.T) { s.zoo(t, e) })
}
