package publish

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	ggcr "github.com/google/go-containerregistry/pkg/registry"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/store"
)

func digestOf(text string) chain.Digest { return chain.SHA256(sha256.Sum256([]byte(text))) }

// recipe is a recipe's canonical JSON.
func recipe(id string) []byte { return []byte(`{"package":"` + id + `","v":1}`) }

// party signs claims in tests.
type party struct {
	name string
	key  *statement.PrivateKey
}

func newParty(t testing.TB, name string) party {
	t.Helper()
	k, err := statement.Generate(statement.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	return party{name, k}
}

func (p party) claim(t testing.TB, id, output string, edit ...func(*claim.Claim)) Publication {
	t.Helper()
	r := recipe(id)
	c := &claim.Claim{
		Stage: id, Platform: "linux/amd64", Release: "2026.03.0", Recipe: sum(r), Mode: claim.ModeRebuilt,
		Output: claim.Output{Manifest: digestOf(output)}, Finished: time.Date(2026, 3, 4, 6, 0, 0, 0, time.UTC),
	}
	for _, e := range edit {
		e(c)
	}
	b, err := statement.Sign(t.Context(), &statement.Statement{Claim: c, RecipeSize: int64(len(r))}, p.key)
	if err != nil {
		t.Fatal(err)
	}
	return Publication{Recipe: r, Bundle: b}
}

func verifier(t testing.TB, parties ...party) *statement.Verifier {
	t.Helper()
	var keys []statement.Key
	for _, p := range parties {
		keys = append(keys, statement.Key{Public: p.key.Public(), Party: p.name})
	}
	v, err := statement.NewVerifier(keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// serve runs go-containerregistry's registry on loopback, behind wrap when it
// is not nil, and gives a repository of it.
func serve(t testing.TB, referrers bool, wrap func(http.Handler) http.Handler) *Registry {
	t.Helper()
	h := ggcr.New(ggcr.Logger(quiet), ggcr.WithReferrersSupport(referrers))
	if wrap != nil {
		h = wrap(h)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return repository(t, s.URL, Options{})
}

var quiet = log.New(io.Discard, "", 0)

// outputsOf are the digests of outputs by their names in tests.
func outputsOf(names ...string) []chain.Digest {
	var out []chain.Digest
	for _, n := range names {
		out = append(out, digestOf(n))
	}
	return out
}

type anonymous struct{}

func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

func repository(t testing.TB, url string, o Options) *Registry {
	t.Helper()
	if o.Keychain == nil {
		o.Keychain = anonymous{} // and not whatever the machine has
	}
	r, err := NewRegistry(strings.TrimPrefix(strings.TrimPrefix(url, "http://"), "https://")+"/alice/stagex-claims", o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// again is a second machine's view of a registry.
func again(t testing.TB, r *Registry) *Registry {
	return repository(t, r.repo.RegistryStr(), Options{})
}

func emptyStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, to Place, pubs ...Publication) []*Receipt {
	t.Helper()
	var all []*Receipt
	for _, p := range pubs {
		r, err := Put(t.Context(), to, p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// find fails the test when anything was not read.
func find(t testing.TB, q Query, places ...Place) []Found {
	t.Helper()
	found, missed := Find(t.Context(), places, q)
	for _, u := range missed {
		t.Errorf("unread: %v", u)
	}
	return found
}

func bundles(found []Found) []chain.Digest {
	var out []chain.Digest
	for _, f := range found {
		out = append(out, f.Digest)
	}
	slices.Sort(out)
	return out
}

func digests(pubs ...Publication) []chain.Digest {
	var out []chain.Digest
	for _, p := range pubs {
		out = append(out, sum(p.Bundle))
	}
	slices.Sort(out)
	return out
}

// places are all kinds of them, with what a second machine sees of each.
func places(t *testing.T) map[string][2]Place {
	on, off := serve(t, true, nil), serve(t, false, nil)
	dir := t.TempDir() + "/stick"
	s := emptyStore(t)
	return map[string][2]Place{
		"referrers API on":  {on, again(t, on)},
		"referrers API off": {off, again(t, off)},
		"directory":         {NewDirectory(dir), NewDirectory(dir)},
		"store":             {NewStore(s), NewStore(s)},
	}
}

// TestRoundTrip: a claim that was pushed is found from the recipe alone, a
// dissenting one too, and each by its output.
func TestRoundTrip(t *testing.T) {
	for name, p := range places(t) {
		t.Run(name, func(t *testing.T) {
			alice, bob := newParty(t, "alice"), newParty(t, "bob")
			agrees, dissents, other := alice.claim(t, "core-bash", "D"), bob.claim(t, "core-bash", "E"), bob.claim(t, "core-m4", "M")
			put(t, p[0], agrees, dissents, other, agrees)
			if got := find(t, Query{Recipe: recipe("core-bash")}, p[1]); !slices.Equal(bundles(got), digests(agrees, dissents)) {
				t.Errorf("by the recipe: %d bundles", len(got))
			}
			if got := find(t, Query{Outputs: outputsOf("E")}, p[1]); !slices.Equal(bundles(got), digests(dissents)) {
				t.Errorf("by the output: %d bundles", len(got))
			}
			if got := find(t, Query{Recipe: recipe("core-zlib"), Outputs: outputsOf("Z")}, p[1]); len(got) != 0 {
				t.Errorf("of another stage: %d bundles", len(got))
			}
			found := find(t, Query{Recipe: recipe("core-bash"), Outputs: outputsOf("D")}, p[1], p[1])
			outputs := map[string]chain.Digest{}
			for _, c := range Claims(verifier(t, alice, bob), found) {
				if c.Verification.State != claim.Verified {
					t.Errorf("%+v", c.Verification)
				}
				outputs[c.Party] = c.Output.Manifest
			}
			if d := cmp.Diff(map[string]chain.Digest{"alice": digestOf("D"), "bob": digestOf("E")}, outputs); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestFailure: that a build failed is found by the recipe, as there is no output.
func TestFailure(t *testing.T) {
	r := serve(t, true, nil)
	alice := newParty(t, "alice")
	p := alice.claim(t, "core-bash", "", func(c *claim.Claim) {
		c.Output, c.Failure = claim.Output{}, &claim.Failure{Phase: "make", Exit: 2}
	})
	put(t, r, p)
	got := Claims(verifier(t, alice), find(t, Query{Recipe: recipe("core-bash")}, r))
	if len(got) != 1 || !got[0].Failed() || got[0].Verification.State != claim.Verified || got[0].Origin != r.Name() {
		t.Errorf("%+v", got)
	}
}

// TestFiles: what goes with a claim can be read by the digests that it states.
func TestFiles(t *testing.T) {
	for name, p := range places(t) {
		pub := newParty(t, "alice").claim(t, "core-bash", "D")
		pub.Files = []File{DataFile("log.txt", "text/plain", []byte("a log")), DataFile("steps.json", statement.StepsMediaType, []byte("[]"))}
		put(t, p[0], pub)
		list, missed := p[1].Referrers(t.Context(), put(t, p[0], pub)[0].Under)
		if !slices.ContainsFunc(list, func(r Referrer) bool { return r.ArtifactType == EvidenceType }) || len(list) != 2 || len(missed) > 0 {
			t.Fatalf("%s: %v %v", name, list, missed)
		}
		d := pub.Files[0].descriptor()
		if data, err := readBlob(t.Context(), p[1], d, 100); err != nil || !bytes.Equal(data, []byte("a log")) {
			t.Errorf("%s: %q %v", name, data, err)
		}
	}
}

// TestPutRefuses: nothing is published under other digests than it is about.
func TestPutRefuses(t *testing.T) {
	p := NewDirectory(t.TempDir())
	good := newParty(t, "alice").claim(t, "core-bash", "D")
	for name, bad := range map[string]Publication{
		"another recipe":  {Recipe: recipe("core-m4"), Bundle: good.Bundle},
		"no bundle":       {Recipe: good.Recipe, Bundle: []byte("{}")},
		"cut":             {Recipe: good.Recipe, Bundle: good.Bundle[:100]},
		"recipe reformed": {Recipe: append([]byte(" "), good.Recipe...), Bundle: good.Bundle},
	} {
		if r, err := Put(t.Context(), p, bad); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if _, err := p.Manifest(t.Context(), BookTag("x")); !errors.Is(err, ErrNotFound) {
		t.Errorf("something was put: %v", err)
	}
}
