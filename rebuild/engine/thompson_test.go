//go:build linux && amd64

package engine

import (
	"errors"
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
	"github.com/stagescope/stagescope/rebuild/ddc"
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
	all := []string{"user-try-login", "user-hello", "bootstrap-diverse"}
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
	t.Run("ddc", func(t *testing.T) { doubleCompile(t, e, honest, infected) })
}

// doubleCompile: against the compiler that cc0 makes, the honest binary
// corresponds to its source and the infected one does not, although it
// reproduces itself.
func doubleCompile(t *testing.T, e rebuild.Engine, honest, infected *seedlings) {
	stage2, err := honest.chain.Stage("bootstrap-stage2")
	if err != nil {
		t.Fatal(err)
	}
	source, err := stage2.ContextFS(honest.chain)
	if err != nil {
		t.Fatal(err)
	}
	diverse := honest.compiler(t, honest.store, "bootstrap-diverse")
	check := func(suspect ddc.Compiler, command ...string) (*ddc.Result, error) {
		return ddc.Run(t.Context(), honest.store, e, ddc.Check{Suspect: suspect, Trusted: diverse, Source: source, Command: command}, nil)
	}
	compile := []string{"{cc}", "-o", "{out}", "{source}/cc.c"}
	for _, tc := range []struct {
		name    string
		suspect ddc.Compiler
		want    ddc.Status
	}{
		{"honest", honest.compiler(t, honest.store, "bootstrap-stage2"), ddc.Corresponds},
		{"infected", infected.compiler(t, honest.store, "bootstrap-stage2"), ddc.Differs},
	} {
		r, err := check(tc.suspect, compile...)
		if err != nil {
			t.Fatal(err)
		}
		if r.Status != tc.want || !r.SelfMade() || r.Suspect1 != r.Suspect2 || r.Trusted1 != r.Trusted2 {
			t.Errorf("%s: %v: %+v", tc.name, r.Status, r)
		}
		if _, err := honest.store.Resolve(r.Tag); err != nil {
			t.Error(err)
		}
	}
	if r, err := check(diverse, compile...); !errors.Is(err, ddc.ErrSame) || r.Status != ddc.NotChecked {
		t.Errorf("a compiler against itself: %v, error %v", r.Status, err)
	}
	var failed *rebuild.StepError
	if r, err := check(honest.compiler(t, honest.store, "bootstrap-stage2"), "{cc}", "-o", "{out}", "{source}/none.c"); !errors.As(err, &failed) || r.Status != ddc.NotChecked || failed.Name == "" {
		t.Errorf("source that does not compile: %v, error %v", r.Status, err)
	}
}

// compiler copies a stage's image into a store, as one side of a check.
func (s *seedlings) compiler(t *testing.T, to *store.Store, id string) ddc.Compiler {
	t.Helper()
	img := s.image(t, id)
	defer img.Close()
	if err := rebuild.CopyImage(t.Context(), to, img); err != nil {
		t.Fatal(err)
	}
	return ddc.Compiler{Name: s.chain.Name + " " + id, Root: img.ManifestDigest(), Path: "/bin/cc"}
}

func newIncidentTree(t *testing.T, name incident.Tree) *seedlings {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: building the embedded chain takes seconds")
	}
	dir := filepath.Join(t.TempDir(), string(name))
	if err := incident.WriteTree(dir, name, nil); err != nil {
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

// image opens a stage's image.
func (s *seedlings) image(t *testing.T, id string) *image.Image {
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
	return img
}

// read gives a file of a stage's image.
func (s *seedlings) read(t *testing.T, id, name string) string {
	t.Helper()
	img := s.image(t, id)
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
