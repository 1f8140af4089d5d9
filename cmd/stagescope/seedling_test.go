//go:build linux && amd64

package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/chain/seedling"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/engine"
)

// TestSeedlingDigests rebuilds every stage of the embedded chain that has a
// published digest, from the seed up, in an empty store.
func TestSeedlingDigests(t *testing.T) {
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
	e, err := engine.Embedded(t.Context(), engine.Options{StateDir: st.EngineDir()})
	var forbidden *engine.ForbiddenError
	if errors.As(err, &forbidden) && os.Getenv("CI") == "" {
		t.Skipf("no namespaces here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var ids []string
	for _, s := range c.Stages {
		if s.Digest() != "" {
			ids = append(ids, s.ID)
		}
	}
	if len(ids) == 0 {
		t.Fatal("no stage has a published digest")
	}
	b := &rebuild.Builder{Chain: c, Store: st, Engines: []rebuild.Engine{e}, Offline: true, LogDir: t.TempDir()}
	sum, err := b.All(t.Context(), ids, rebuild.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		r := sum.Result(id)
		switch {
		case r == nil:
			t.Errorf("%s was not built", id)
		case r.Failure != nil:
			t.Errorf("%s: %s\n%s", id, r.Failure.Text, strings.Join(r.Failure.Tail, "\n"))
		case r.Verdict.Status != rebuild.Reproduced:
			s, _ := c.Stage(id)
			t.Errorf("%s: %v: manifest %s, published %s", id, r.Verdict.Status, r.Digests.Manifest, s.Digest())
		}
	}
}
