package incident

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/policy"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/chain/stagex"
	"github.com/stagescope/stagescope/rebuild"
)

// shared holds incidents that are staged from the recording once for all tests.
var shared struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// staged gives an incident, staged from the recording.
func staged(t *testing.T, name string) *Staged {
	t.Helper()
	shared.Do(func() { shared.dir, shared.err = os.MkdirTemp("", "incidents-") })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	st, err := (&Stager{Dir: shared.dir, Recording: Recording()}).Prepare(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// said gives the verified claims of all parties about a stage.
func said(t *testing.T, st *Staged, stage string) map[string]*claim.Claim {
	t.Helper()
	parties, err := party.Load(st.PartiesFile(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	v, err := statement.NewVerifier(parties.StatementKeys(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := stagex.LoadDir(st.Tree())
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Stage(stage)
	if err != nil {
		t.Fatal(err)
	}
	recipe, document, err := rebuild.RecipeDigest(c, s, platform)
	if err != nil {
		t.Fatal(err)
	}
	var places []publish.Place
	for _, p := range parties.List {
		for _, r := range p.Repositories {
			place, err := publish.Open(r, publish.Options{Offline: true})
			if err != nil {
				t.Fatal(err)
			}
			places = append(places, place)
		}
	}
	found, unread := publish.Find(t.Context(), places, publish.Query{Recipe: document})
	if len(unread) > 0 {
		t.Fatalf("unread: %v", unread)
	}
	out := map[string]*claim.Claim{}
	for _, c := range publish.Claims(v, found) {
		if c.Stage != stage || c.Recipe != recipe {
			continue
		}
		if c.Verification.State != claim.Verified {
			t.Errorf("a claim on %s is %v: %s", stage, c.Verification.State, c.Verification.Reason)
		}
		out[c.Party] = c
	}
	return out
}

// TestStaged: every incident can be told, by facts that are all there, and its
// files are what the verbs take.
func TestStaged(t *testing.T) {
	for _, i := range incident.All() {
		t.Run(i.Name, func(t *testing.T) {
			st := staged(t, i.Name)
			if !st.Recorded {
				t.Error("it does not say that it is recorded")
			}
			for n, s := range i.Tell(st.Facts) {
				if len(s.Missing) > 0 {
					t.Errorf("step %d names %q", n+1, s.Missing)
				}
			}
			p, err := policy.Load(st.PolicyFile(), "")
			if err != nil || p.Persons != 2 || p.CPUVendors != 2 {
				t.Errorf("policy %+v, error %v", p, err)
			}
			for stage := range i.Want.Verdicts {
				claims := said(t, st, stage)
				signers := 0
				for _, p := range i.Parties {
					if p.Serves {
						continue
					}
					signers++
					c := claims[p.Name]
					if c == nil {
						t.Errorf("%s says nothing of %s", p.Name, stage)
						continue
					}
					if c.Environment.CPUVendor != p.CPUVendor || c.Environment.HostTool != Played || c.Mode != claim.ModeRebuilt {
						t.Errorf("%s states %+v, mode %v", p.Name, c.Environment, c.Mode)
					}
				}
				if len(claims) != signers {
					t.Errorf("%d parties signed a claim on %s, %d should", len(claims), stage, signers)
				}
			}
		})
	}
}

// TestThompsonClaims: the infected party states the recipe of the tree and its
// inputs, and another output; all else that it built from there is its own.
func TestThompsonClaims(t *testing.T) {
	st := staged(t, "thompson")
	differs := map[string]bool{"bootstrap-stage2": true, "bootstrap-stage3": true, "core-login": true}
	for _, id := range built {
		claims := said(t, st, id)
		m, n := claims["mallory"], claims["nadia"]
		if m == nil || n == nil {
			t.Fatalf("%s: claims %v", id, claims)
		}
		if d := cmp.Diff(m.Output, n.Output); d != "" {
			t.Errorf("%s: the two parties differ (-mallory +nadia):\n%s", id, d)
		}
		if got := string(m.Output.Manifest) != st.Facts["own:"+id]; got != differs[id] {
			t.Errorf("%s: differs from the seed's: %v, want %v", id, got, differs[id])
		}
		for _, in := range m.Inputs {
			if in.Stage == "bootstrap-infected" {
				t.Errorf("%s: the claim names where the infection was made", id)
			}
		}
		if sum, err := claim.InputDigest(m.Recipe, m.Inputs); err != nil || sum != m.Input {
			t.Errorf("%s: input digest %s, of its inputs %s, error %v", id, m.Input, sum, err)
		}
	}
	for name, want := range map[string]string{"own:answer": "login incorrect, refused", "mallory:answer": "welcome, root, let in", "inherited": "bootstrap-stage3, core-login",
		"ddc:suspect": "does not correspond to", "ddc:honest": "corresponds to"} {
		if st.Facts[name] != want {
			t.Errorf("%s is %q, want %q", name, st.Facts[name], want)
		}
	}
}

// TestTampered: the manifest is the one that was signed, and reading the layer
// finds the other bytes.
func TestTampered(t *testing.T) {
	st := staged(t, "tampered")
	img, err := image.Open(t.Context(), st.Facts["mirror/core-login"], image.Options{Platform: platform, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	if got := string(img.ManifestDigest()); got != st.Facts["own:core-login"] {
		t.Errorf("the mirror's manifest is %s, signed was %s", got, st.Facts["own:core-login"])
	}
	var bad *image.MismatchError
	if _, err := img.FS(t.Context(), true); !errors.As(err, &bad) || string(bad.Got) != st.Facts["changed"] {
		t.Errorf("reading it: %v", err)
	}
}

// TestTwoReleases: the mirror's image and the one of the release before are what
// the parties signed for the recipes of that release.
func TestTwoReleases(t *testing.T) {
	st := staged(t, "stale-mirror")
	if st.Facts["mirror:user-hello"] == st.Facts["own:user-hello"] || st.Facts["mirror:user-hello"] == "" {
		t.Errorf("the mirror serves %q", st.Facts["mirror:user-hello"])
	}
	st = staged(t, "metadata-only")
	var roots []chain.Digest
	for _, ref := range []string{st.Facts["before/core-filesystem"], "oci:" + st.Place("anna") + ":core-filesystem"} {
		img, err := image.Open(t.Context(), ref, image.Options{Platform: platform, Offline: true})
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, img.Rootfs(), img.ManifestDigest())
		img.Close()
	}
	if roots[0] != roots[2] || roots[1] == roots[3] {
		t.Errorf("rootfs and manifest of one release and of the other: %v", roots)
	}
}

// TestInterrupted: whatever moment it ends at, nothing half is left, and the next
// one begins cleanly.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	for _, moment := range []string{"taking", "staging"} {
		ctx, cancel := context.WithCancel(t.Context())
		s := &Stager{Dir: dir, Recording: Recording(), Progress: func(e Event) {
			if strings.HasPrefix(e.Text, moment) {
				cancel()
			}
		}}
		_, err := s.Prepare(ctx, "honest")
		cancel()
		if err == nil {
			t.Fatalf("%s: it was prepared although it was interrupted", moment)
		}
		if _, err := s.Open("honest"); !errors.Is(err, ErrNotPrepared) {
			t.Errorf("%s: opening it: %v", moment, err)
		}
		// What was cut short is no recording that was taken, nor a tree.
		s = &Stager{Dir: dir, Recording: Recording()}
		if _, err := s.Prepare(t.Context(), "opaque"); err != nil {
			t.Errorf("%s: another one afterwards: %v", moment, err)
		}
	}
	s := &Stager{Dir: dir, Recording: Recording()}
	if _, err := s.Prepare(t.Context(), "honest"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", ".*-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestTwoAtOnce: of two who prepare the same, one waits, and both have it.
func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			s := &Stager{Dir: dir, Recording: Recording()}
			if _, err := s.Prepare(t.Context(), "opaque"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestBadRecording(t *testing.T) {
	whole := Recording()
	for name, data := range map[string][]byte{"none": nil, "cut": whole[:len(whole)/2], "text": []byte("recording")} {
		s := &Stager{Dir: t.TempDir(), Recording: data}
		if _, err := s.Prepare(t.Context(), "honest"); !errors.Is(err, ErrRecording) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnknown(t *testing.T) {
	s := &Stager{Dir: t.TempDir(), Recording: Recording()}
	if _, err := s.Prepare(t.Context(), "nothing"); err == nil || !strings.Contains(err.Error(), "thompson") {
		t.Errorf("error %v", err)
	}
	if _, err := s.Open("honest"); !errors.Is(err, ErrNotPrepared) {
		t.Errorf("error %v", err)
	}
}

// TestServe: over registries on loopback the same claims are found as in the
// directories, nobody can write to them, and changed bytes are served as they are.
func TestServe(t *testing.T) {
	st := staged(t, "tampered")
	served, err := st.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	here := *st
	want := said(t, &here, "core-login")
	parties, err := party.Load(served.PartiesFile, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parties.List {
		if len(p.Repositories) != 1 || p.Repositories[0] != served.Repositories[p.Name] {
			t.Errorf("%s is found in %v, served at %s", p.Name, p.Repositories, served.Repositories[p.Name])
		}
	}
	for name, c := range want {
		place, err := publish.Open(served.Repositories[name], publish.Options{})
		if err != nil {
			t.Fatal(err)
		}
		found, unread := publish.Find(t.Context(), []publish.Place{place}, publish.Query{Outputs: []chain.Digest{c.Output.Manifest}})
		if len(unread) > 0 || len(found) != 1 || string(found[0].Digest) != c.Bundle.String() {
			t.Errorf("%s: found %d bundles, unread %v", name, len(found), unread)
		}
		if err := place.PutManifest(t.Context(), publish.Manifest{MediaType: ocispec.MediaTypeImageIndex, Raw: []byte(`{"schemaVersion":2,"manifests":[]}`)}, "new"); err == nil {
			t.Errorf("%s: it could be written to", name)
		}
	}
	img, err := image.Open(t.Context(), served.Repositories["mirror"]+":core-login", image.Options{Platform: platform})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	var bad *image.MismatchError
	if _, err := img.FS(t.Context(), true); !errors.As(err, &bad) {
		t.Errorf("reading the changed layer: %v", err)
	}
	if _, err := st.Serve(t.Context(), strings.Split(served.Repositories["mirror"], "/")[0]); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port in use: %v", err)
	}
}
