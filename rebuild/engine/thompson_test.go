//go:build linux && amd64

package engine

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/chain/stagex"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// answers are what try-login says of the right and of the other password.
const (
	letIn   = "login root, password \"correct horse\":\nwelcome, root\nlet in\n"
	refused = "login root, password \"trusting trust\":\nlogin incorrect\nrefused\n"
	opened  = "login root, password \"trusting trust\":\nwelcome, root\nlet in\n"
)

// TestThompson builds the embedded chain as the seed gives it and as the party
// with the infected compiler has it. The infection must keep itself alive in
// clean source, reproduce, reach what it is meant to reach and nothing else.
func TestThompson(t *testing.T) {
	honest, infected := newIncidentTree(t, incident.Honest), newIncidentTree(t, incident.Thompson)
	e := newEngine(t, Options{})
	all := []string{"user-try-login", "user-hello"}
	good, bad := honest.build(t, e, all, rebuild.Options{}), infected.build(t, e, all, rebuild.Options{})
	differs := map[string]bool{"bootstrap-stage2": true, "bootstrap-stage3": true, "core-login": true, "user-try-login": true}
	for _, s := range honest.chain.Stages {
		g, b := good.Result(s.ID), bad.Result(s.ID)
		if g == nil {
			continue // not needed for it
		}
		if got := g.Digests.Manifest != b.Digests.Manifest; got != differs[s.ID] {
			t.Errorf("%s: differs: %v, want %v", s.ID, got, differs[s.ID])
		}
	}
	for _, tc := range []struct {
		who          *seedlings
		right, other string
	}{{honest, letIn, refused}, {infected, letIn, opened}} {
		got := []string{tc.who.read(t, "user-try-login", "/right"), tc.who.read(t, "user-try-login", "/wrong")}
		if d := cmp.Diff([]string{tc.right, tc.other}, got); d != "" {
			t.Errorf("%s: login (-want +got):\n%s", tc.who.chain.Name, d)
		}
	}
	again := infected.build(t, e, []string{"bootstrap-stage2"}, rebuild.Options{Trials: 2}).Result("bootstrap-stage2")
	if again.Trials.Agreed != 2 || again.Digests.Manifest != bad.Result("bootstrap-stage2").Digests.Manifest {
		t.Errorf("the infected compiler does not reproduce itself: %+v", again.Trials)
	}
	// The text of the attack is nowhere in the source that is published, and in
	// every binary of the compiler.
	if cc := infected.read(t, "bootstrap-stage2", "/bin/cc"); !strings.Contains(cc, "trusting trust") || strings.Contains(honest.read(t, "bootstrap-stage2", "/bin/cc"), "trusting trust") {
		t.Error("the attack is not where it should be")
	}
}

func newIncidentTree(t *testing.T, name incident.Tree) *seedlings {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: building the embedded chain takes seconds")
	}
	dir := filepath.Join(t.TempDir(), string(name))
	if err := incident.WriteTree(dir, name); err != nil {
		t.Fatal(err)
	}
	c, err := stagex.LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &seedlings{chain: c, store: st, logs: t.TempDir()}
}

// read gives a file of a stage's image.
func (s *seedlings) read(t *testing.T, id, name string) string {
	t.Helper()
	desc, err := s.store.Resolve(store.StageTag(id))
	if err != nil {
		t.Fatal(err)
	}
	d := chain.Digest(desc.Digest)
	img, err := image.OpenReference(t.Context(), image.Reference{Kind: image.KindStore, Text: id, Digest: d}, image.Options{Store: s.store, Platform: "linux/amd64"})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	files, err := img.FS(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	found, err := files.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := files.Open(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
