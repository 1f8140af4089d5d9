package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/rebuild"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// someImage is an image for linux/amd64 that says what it is.
func someImage(t *testing.T, text string) v1.Image {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Author: text, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func digestOf(t *testing.T, img v1.Image) chain.Digest {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return chain.Digest(d.String())
}

// twoStages is a chain of core-a and user-b, which needs it, each with the digest
// of an image.
func twoStages(t *testing.T) *chain.Chain {
	t.Helper()
	stage := func(tier, n string, needs ...chain.Need) *chain.Stage {
		return &chain.Stage{ID: tier + "-" + n, Tier: tier, Name: n, Package: n, Version: "1", Dir: "packages/" + tier + "/" + n,
			Containerfile: "packages/" + tier + "/" + n + "/Containerfile", Needs: needs, Steps: []chain.Step{{Name: "make"}},
			Exporter:  chain.Exporter{Era: "stagex/2026.01"},
			Published: []chain.Claimed{{Digest: digestOf(t, someImage(t, n)), Level: chain.LevelManifest, Origin: "digests/" + tier + ".txt", Line: 1}}}
	}
	c := chain.New("tree", []*chain.Stage{stage("core", "a"), stage("user", "b", chain.Need{ID: "core-a"})})
	c.Release = "2026.03.0"
	c.FS = fstest.MapFS{"packages/core/a/Containerfile": {Data: []byte("FROM scratch\nRUN make\n")}, "packages/user/b/Containerfile": {Data: []byte("FROM stagex/core-a\nRUN make\n")}}
	return c
}

// people are parties with a key each.
type people struct {
	parties *party.Parties
	keys    map[string]*statement.PrivateKey
}

func somePeople(t *testing.T, names ...string) people {
	t.Helper()
	p := people{keys: map[string]*statement.PrivateKey{}}
	text, files := "", map[string][]byte{}
	for _, n := range names {
		k, err := statement.Generate(statement.Ed25519)
		if err != nil {
			t.Fatal(err)
		}
		if files[n], err = statement.MarshalPublicKey(k.Public()); err != nil {
			t.Fatal(err)
		}
		p.keys[n] = k
		text += fmt.Sprintf("[[party]]\nname = %q\nkind = \"person\"\n[[party.key]]\ntype = \"claim\"\nfile = %q\n", n, n)
	}
	var err error
	if p.parties, err = party.Read("parties.toml", []byte(text), now, func(n string) ([]byte, error) { return files[n], nil }); err != nil {
		t.Fatal(err)
	}
	return p
}

var vendors = map[string]string{"alice": "AuthenticAMD", "bob": "GenuineIntel"}

// push publishes somebody's claim in a directory.
func (p people) push(t *testing.T, dir, who string, c *chain.Chain, id string, out chain.Digest) {
	t.Helper()
	st, err := c.Stage(id)
	if err != nil {
		t.Fatal(err)
	}
	recipe, doc, err := rebuild.RecipeDigest(c, st, "linux/amd64")
	if err != nil {
		t.Fatal(err)
	}
	cl := &claim.Claim{Kind: claim.KindRebuild, Stage: id, Platform: "linux/amd64", Release: c.Release, Version: st.Version, Recipe: recipe, Mode: claim.ModeRebuilt,
		Output: claim.Output{Manifest: out}, Environment: claim.Environment{CPUVendor: vendors[who]}, Started: now.Add(-2 * time.Hour), Finished: now.Add(-time.Hour)}
	bundle, err := statement.Sign(t.Context(), &statement.Statement{Claim: cl}, p.keys[who])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publish.Put(t.Context(), publish.NewDirectory(dir), publish.Publication{Recipe: doc, Bundle: bundle}); err != nil {
		t.Fatal(err)
	}
}

func judged(t *testing.T, c *chain.Chain, o Options, ids ...string) *Report {
	t.Helper()
	o.Now = now
	r, err := Judge(t.Context(), c, ids, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func of(t *testing.T, r *Report, id string) *Stage {
	t.Helper()
	for i := range r.Stages {
		if r.Stages[i].Verdict.Stage == id {
			return &r.Stages[i]
		}
	}
	t.Fatalf("no stage %q", id)
	return nil
}

// Claims of two people are found in their places by the recipe alone; a dissent
// is found as well, and taints what is built on it.
func TestSignedClaims(t *testing.T) {
	c, dirA, dirB := twoStages(t), t.TempDir(), t.TempDir()
	p := somePeople(t, "alice", "bob", "mallory")
	good := digestOf(t, someImage(t, "a"))
	p.push(t, dirA, "alice", c, "core-a", good)
	p.push(t, dirB, "bob", c, "core-a", good)
	o := Options{Parties: p.parties, Places: []publish.Place{publish.NewDirectory(dirA), publish.NewDirectory(dirB)}}
	r := judged(t, c, o, "core-a")
	s := of(t, r, "core-a")
	if s.Verdict.Status != claim.Reproduced || !s.Verdict.Met || len(s.Unknown) > 0 || len(s.Claims) != 3 || strings.Join(r.Parties, " ") != "alice bob tree" {
		t.Errorf("%s: %+v, parties %q", s.Verdict.Sentence(), s, r.Parties)
	}
	// The same with nobody's keys known: nothing counts.
	o.Parties = nil
	if v := of(t, judged(t, c, o, "core-a"), "core-a").Verdict; v.Status != claim.Unclaimed || v.Met || v.Skipped != 2 {
		t.Errorf("without keys: %s, %d skipped", v.Status, v.Skipped)
	}
	o.Parties = p.parties
	before := judged(t, c, o)
	p.push(t, dirB, "mallory", c, "core-a", digestOf(t, someImage(t, "evil")))
	after := judged(t, c, o)
	if v := of(t, after, "core-a").Verdict; v.Status != claim.Disputed || v.Met {
		t.Errorf("dissent: %s", v.Sentence())
	}
	if v := of(t, after, "user-b").Verdict; v.Status != claim.Tainted || len(v.Taint) != 1 || v.Taint[0] != "core-a" {
		t.Errorf("above it: %s", v.Sentence())
	}
	if len(after.First) != 1 || after.First[0].Stage != "core-a" || len(after.Next) != 1 || after.Next[0].Hours != 1 {
		t.Errorf("first %+v, next %+v", after.First, after.Next)
	}
	testSince(t, before, after)
	// Asked only for the stage above, it is still known to be tainted.
	if v := of(t, judged(t, c, o, "user-b"), "user-b").Verdict; v.Status != claim.Tainted {
		t.Errorf("alone: %s", v.Sentence())
	}
}

// A report that was saved tells what is new.
func testSince(t *testing.T, before, after *Report) {
	t.Helper()
	data, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := ReadReport(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if same := Since(saved, before); len(same) != 0 {
		t.Errorf("nothing changed, and yet: %+v", same)
	}
	changes := Since(saved, after)
	if len(changes) < 3 || changes[0].Stage != "core-a" || !changes[0].Dissent || !strings.HasPrefix(changes[0].Text, "disputed, was reproduced") {
		t.Errorf("%+v", changes)
	}
	for _, c := range Since(after, before) {
		if c.Dissent {
			t.Errorf("a dissent that went away: %+v", c)
		}
	}
	for _, bad := range []string{"", "{}", "[]", `{"v":2,"stages":[]}`} {
		if _, err := ReadReport(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read as a report", bad)
		}
	}
}

// serve is a registry on loopback with images under tags.
func serve(t *testing.T, images map[string]v1.Image) (prefix string, server *httptest.Server) {
	t.Helper()
	server = httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	prefix = strings.TrimPrefix(server.URL, "http://") + "/stagex"
	for at, img := range images {
		ref, err := name.ParseReference(prefix + "/" + at)
		if err != nil {
			t.Fatal(err)
		}
		idx := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
		if err := remote.WriteIndex(ref, idx); err != nil {
			t.Fatal(err)
		}
	}
	return prefix, server
}

func TestRegistries(t *testing.T) {
	c := twoStages(t)
	a, evil := someImage(t, "a"), someImage(t, "evil")
	good, _ := serve(t, map[string]v1.Image{"core-a:sx2026.03.0": a})
	bad, _ := serve(t, map[string]v1.Image{"core-a:sx2026.03.0": evil, "core-a:old": a})
	moving, _ := serve(t, map[string]v1.Image{"core-a:1": evil})
	for caseName, x := range map[string]struct {
		registries []string
		status     claim.Status
		claims     int
		notes      int
		flags      int
	}{
		"it serves what the tree says":             {[]string{good}, claim.Unclaimed, 2, 0, 0},
		"a mirror serves something else":           {[]string{good, bad}, claim.Disputed, 3, 0, 0},
		"under a tag that was named":               {[]string{bad + ":old"}, claim.Unclaimed, 2, 0, 0},
		"a tag that moves may be another's":        {[]string{moving}, claim.Unclaimed, 2, 0, 1},
		"it does not have it: that is an answer":   {[]string{good + ":none"}, claim.Unclaimed, 1, 1, 0},
		"a namespace without it is an answer, too": {[]string{good + "/other"}, claim.Unclaimed, 1, 1, 0},
	} {
		t.Run(caseName, func(t *testing.T) {
			s := of(t, judged(t, c, Options{Registries: x.registries}, "core-a"), "core-a")
			if s.Verdict.Status != x.status || len(s.Claims) != x.claims || len(s.Notes) != x.notes || len(s.Verdict.Flags) != x.flags || len(s.Unknown) > 0 {
				t.Errorf("%s; claims %d, notes %q, flags %+v, unknown %+v", s.Verdict.Sentence(), len(s.Claims), s.Notes, s.Verdict.Flags, s.Unknown)
			}
			for _, cl := range s.Claims {
				if cl.Kind == claim.KindRegistry && (cl.Output.Index == "" || cl.Output.Rootfs == "" || cl.Mode != claim.ModePulled) {
					t.Errorf("%+v", cl)
				}
			}
		})
	}
}

// What a registry that fails would have said is unknown; it is not asked about
// every stage.
func TestRegistryFails(t *testing.T) {
	var stages []*chain.Stage
	for i := range 20 {
		stages = append(stages, &chain.Stage{ID: fmt.Sprintf("core-s%d", i), Tier: "core", Dir: "packages/core/x", Published: []chain.Claimed{{Digest: chain.SHA256(sha256.Sum256([]byte{byte(i)})), Level: chain.LevelManifest}}})
	}
	c := chain.New("tree", stages)
	c.FS = fstest.MapFS{"packages/core/x/Containerfile": {Data: []byte("FROM scratch\n")}}
	asked := make(chan string, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	r := judged(t, c, Options{Registries: []string{strings.TrimPrefix(server.URL, "http://") + "/stagex"}})
	for i := range r.Stages {
		if u := r.Stages[i].Unknown; len(u) != 1 || u[0].Reason == "" {
			t.Fatalf("%+v", u)
		}
	}
	paths := map[string]bool{}
	for len(asked) > 0 {
		if p := <-asked; p != "/v2/" {
			paths[p] = true
		}
	}
	if len(paths) > giveUp+atOnce {
		t.Errorf("asked about %d stages", len(paths))
	}
	off := of(t, judged(t, c, Options{Offline: true, Registries: []string{"docker.io/stagex"}}, "core-s0"), "core-s0")
	if len(off.Unknown) != 1 || !strings.Contains(off.Unknown[0].Reason, "network") {
		t.Errorf("offline: %+v", off.Unknown)
	}
}

func TestParseRegistry(t *testing.T) {
	for text, want := range map[string]Registry{
		"docker.io/stagex":               {"docker.io/stagex", ""},
		"quay.io/stagex/":                {"quay.io/stagex", ""},
		"localhost:5000/stagex:sx2026":   {"localhost:5000/stagex", "sx2026"},
		"mirror.example:443/a/b":         {"mirror.example:443/a/b", ""},
		"":                               {},
		"stagex":                         {},
		"https://quay.io/stagex":         {},
		"docker.io/Upper":                {},
		"docker.io/stagex:not a tag":     {},
		"docker.io/stagex@sha256:abcdef": {},
	} {
		got, err := ParseRegistry(text)
		if got != want || (err == nil) != (want.Prefix != "") {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Judge(ctx, twoStages(t), nil, Options{}); err == nil || r != nil {
		t.Errorf("%v %v", r, err)
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add([]byte(`{"v":1,"stages":[{"verdict":{"stage":"a","status":"disputed","groups":[{"parties":["x"]},{"parties":["y"]}]},"claims":[{"kind":"pgp"}]}]}`))
	f.Add([]byte(`{"v":1,"stages":[{"verdict":{"groups":[]},"claims":[null]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadReport(bytes.NewReader(data))
		if err == nil {
			Since(r, r)
		}
	})
}
