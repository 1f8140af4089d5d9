package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/image"
)

// TestAttackReplay: an old release's claim, hung on the recipe of today, stays
// a claim about the recipe that it states.
func TestAttackReplay(t *testing.T) {
	p := NewDirectory(t.TempDir())
	alice := newParty(t, "alice")
	old := alice.claim(t, "core-bash", "D", func(c *claim.Claim) { c.Release = "2025.01.0" })
	put(t, p, old)
	today := Recipe{[]byte(`{"package":"core-bash","v":2}`)}
	m, err := today.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	hang(t, p, m.Digest(), old.Bundle, nil)
	q := Query{Recipe: today.JSON}
	found := find(t, q, p)
	if len(found) != 1 {
		t.Fatalf("%d bundles", len(found))
	}
	c := Claims(verifier(t, alice), found)[0]
	if c.Verification.State != claim.Verified || c.Recipe != sum(old.Recipe) || q.About(c) {
		t.Errorf("taken for a claim about the recipe of today: %+v", c)
	}
	if now := (Query{Recipe: old.Recipe}); !now.About(c) {
		t.Error("and for none about its own")
	}
}

// hang puts a bundle under any subject, with any annotations.
func hang(t *testing.T, p Place, subject chain.Digest, bundle []byte, annotations map[string]string) Manifest {
	t.Helper()
	f := DataFile("", BundleType, bundle).descriptor()
	f.Annotations = nil
	m := artifact{typ: BundleType, layers: []ocispec.Descriptor{f}, annotations: annotations,
		subject: &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(subject), Size: 3}}.manifest()
	if err := errors.Join(putArtifact(t.Context(), p, m, DataFile("", BundleType, bundle)), p.Refer(t.Context(), subject, m)); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestAttackAnnotationLies: what annotations and lists say of a bundle changes
// nothing of what is found and of what it says.
func TestAttackAnnotationLies(t *testing.T) {
	alice := newParty(t, "alice")
	pub := alice.claim(t, "core-bash", "E")
	p := NewDirectory(t.TempDir())
	rm, err := (Recipe{pub.Recipe}).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	m := hang(t, p, rm.Digest(), pub.Bundle, map[string]string{
		AnnotationOutput: string(digestOf("D")), AnnotationPredicate: "https://spdx.dev/Document", AnnotationContent: "message-signature",
	})
	// The list says other things again, and that it is an SBOM.
	d := m.Descriptor()
	d.ArtifactType, d.Annotations = "application/spdx+json", map[string]string{AnnotationOutput: string(digestOf("D"))}
	idx := mustJSON(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{d}})
	if err := p.PutManifest(t.Context(), Manifest{ocispec.MediaTypeImageIndex, idx}, tagFor(rm.Digest())); err != nil {
		t.Fatal(err)
	}
	got := Claims(verifier(t, alice), find(t, Query{Recipe: pub.Recipe}, p))
	if len(got) != 1 || got[0].Output.Manifest != digestOf("E") || got[0].Verification.State != claim.Verified {
		t.Errorf("%+v", got)
	}
}

// TestAttackIndexClobbered: another writer, who had read before, overwrites the
// tag's index just after we wrote it.
func TestAttackIndexClobbered(t *testing.T) {
	var left atomic.Int32
	var mu sync.Mutex
	var theirs []byte // their index, with one entry
	reg := serve(t, false, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256-") && theirs != nil && left.Add(-1) >= 0 {
				clobber := httptest.NewRequest(http.MethodPut, r.URL.Path, bytes.NewReader(theirs))
				clobber.Header.Set("Content-Type", ocispec.MediaTypeImageIndex)
				next.ServeHTTP(httptest.NewRecorder(), clobber)
			}
		})
	})
	alice, bob := newParty(t, "alice"), newParty(t, "bob")
	a, b := alice.claim(t, "core-bash", "D"), bob.claim(t, "core-bash", "E")
	under := put(t, reg, b)[0].Under
	m, err := reg.Manifest(t.Context(), tagFor(under))
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	theirs = m.Raw
	mu.Unlock()
	left.Store(3)
	put(t, reg, a)
	if got := find(t, Query{Recipe: recipe("core-bash")}, reg); !slices.Equal(bundles(got), digests(a, b)) {
		t.Errorf("%d bundles; %d overwritings left", len(got), left.Load())
	}
	// Whoever never lets us write gets an error, not silence.
	left.Store(1 << 20)
	if _, err := Put(t.Context(), reg, alice.claim(t, "core-bash", "F")); !errors.Is(err, ErrClobbered) {
		t.Errorf("error = %v", err)
	}
}

// TestAttackIndexDropsOthers: a writer that drops what others listed is undone
// by the next one who sees it.
func TestAttackIndexDropsOthers(t *testing.T) {
	reg := serve(t, true, nil)
	alice, bob := newParty(t, "alice"), newParty(t, "bob")
	a, b := alice.claim(t, "core-bash", "D"), bob.claim(t, "core-bash", "E")
	under := put(t, reg, b)[0].Under
	empty := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
	if err := reg.PutManifest(t.Context(), Manifest{ocispec.MediaTypeImageIndex, empty}, tagFor(under)); err != nil {
		t.Fatal(err)
	}
	put(t, reg, a)
	var l listing
	listTag(t.Context(), reg, under, &l)
	if len(l.list) != 2 || len(l.missed) > 0 {
		t.Errorf("the tag lists %d of 2; %v", len(l.list), l.missed)
	}
	for _, d := range l.list {
		if !isBundleType(d.ArtifactType) {
			t.Errorf("the tag says that %s is a %q", d.Digest, d.ArtifactType)
		}
	}
}

// TestAttackIndexNotOurs: a tag that is something else is never overwritten.
func TestAttackIndexNotOurs(t *testing.T) {
	p := NewDirectory(t.TempDir())
	pub := newParty(t, "alice").claim(t, "core-bash", "D")
	rm, _ := (Recipe{pub.Recipe}).Manifest()
	for name, raw := range map[string]string{
		"image":          string(artifact{typ: "x", layers: []ocispec.Descriptor{}}.manifest().Raw),
		"no JSON":        "<html>",
		"no descriptors": `{"schemaVersion":2,"manifests":[{"digest":"sha256:xyz","size":3}]}`,
		"keys twice":     `{"schemaVersion":2,"manifests":[],"manifests":[]}`,
		"both":           `{"schemaVersion":2,"manifests":[],"config":{"digest":"` + string(digestOf("x")) + `","size":1}}`,
	} {
		m := Manifest{ocispec.MediaTypeImageIndex, []byte(raw)}
		if err := p.PutManifest(t.Context(), m, tagFor(rm.Digest())); err != nil {
			t.Fatal(err)
		}
		if _, err := Put(t.Context(), p, pub); err == nil {
			t.Errorf("%s: overwritten", name)
		}
		if _, missed := Find(t.Context(), []Place{p}, Query{Recipe: pub.Recipe}); len(missed) == 0 {
			t.Errorf("%s: nothing is said to be missing", name)
		}
	}
}

// TestManyWriters: several machines of one party at the same time, without a
// referrers API.
func TestManyWriters(t *testing.T) {
	for name, p := range map[string]Place{"registry": serve(t, false, nil), "directory": NewDirectory(t.TempDir())} {
		alice := newParty(t, "alice")
		var pubs []Publication
		for i := range 6 {
			pubs = append(pubs, alice.claim(t, "core-bash", fmt.Sprint("D", i)))
		}
		var g errgroup.Group
		for _, pub := range pubs {
			g.Go(func() error {
				r, err := Put(t.Context(), p, pub)
				if err != nil {
					return err
				}
				_, err = AddToBook(t.Context(), p, "2026.03.0", "", []*Receipt{r})
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := find(t, Query{Recipe: recipe("core-bash")}, p); !slices.Equal(bundles(got), digests(pubs...)) {
			t.Errorf("%s: %d of %d bundles", name, len(got), len(pubs))
		}
		b, err := ReadBook(t.Context(), p, "2026.03.0")
		if err != nil || len(b.Entries) != len(pubs) {
			t.Errorf("%s: %v, %+v", name, err, b)
		}
	}
}

// TestAttackTagRewind: the tag of a book goes back, leads to another history,
// or disappears.
func TestAttackTagRewind(t *testing.T) {
	const release = "2026.03.0"
	for name, p := range map[string]Place{"registry": serve(t, true, nil), "directory": NewDirectory(t.TempDir())} {
		alice := newParty(t, "alice")
		var books []*Book
		head := chain.Digest("")
		for i := range 3 {
			b, err := AddToBook(t.Context(), p, release, head, put(t, p, alice.claim(t, "core-bash", fmt.Sprint("D", i))))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			books, head = append(books, b), b.Digest
		}
		if books[2].Prev != books[1].Digest || books[1].Prev != books[0].Digest || len(books[2].Entries) != 3 {
			t.Fatalf("%s: no chain: %+v", name, books)
		}
		for i, b := range books {
			if err := Continues(t.Context(), p, books[2], b.Digest); err != nil {
				t.Errorf("%s: book %d: %v", name, i, err)
			}
		}
		forged := *books[2]
		other, err := nextBook(release, books[0], put(t, p, alice.claim(t, "core-bash", "F")))
		if err == nil {
			var fork *Book
			fork, err = parseBook(other)
			forged = *fork
		}
		if err != nil {
			t.Fatal(err)
		}
		for what, m := range map[string]Manifest{"rewound": books[1].Manifest, "forked": forged.Manifest} {
			if err := p.PutManifest(t.Context(), m, BookTag(release)); err != nil {
				t.Fatal(err)
			}
			now, err := ReadBook(t.Context(), p, release)
			if err != nil {
				t.Fatal(err)
			}
			if err := Continues(t.Context(), p, now, head); !errors.Is(err, ErrRewound) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			if _, err := AddToBook(t.Context(), p, release, head, put(t, p, alice.claim(t, "core-m4", "M"))); !errors.Is(err, ErrRewound) {
				t.Errorf("%s, %s: written over: %v", name, what, err)
			}
		}
		if err := Continues(t.Context(), p, nil, head); !errors.Is(err, ErrRewound) {
			t.Errorf("%s: gone: %v", name, err)
		}
		if d := books[0].Dropped(books[2]); len(d) != 2 {
			t.Errorf("%s: taken back: %v", name, d)
		}
	}
}

// TestBookUnreadable: a history that cannot be read proves nothing.
func TestBookUnreadable(t *testing.T) {
	var gone atomic.Value
	gone.Store("")
	reg := serve(t, true, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if d := gone.Load().(string); d != "" && strings.HasSuffix(r.URL.Path, d) {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	alice := newParty(t, "alice")
	var books []*Book
	for i := range 3 {
		b, err := AddToBook(t.Context(), reg, "", "", put(t, reg, alice.claim(t, "core-bash", fmt.Sprint(i), func(c *claim.Claim) { c.Release = "" })))
		if err != nil {
			t.Fatal(err)
		}
		books = append(books, b)
	}
	gone.Store(string(books[1].Digest))
	if err := Continues(t.Context(), reg, books[2], books[0].Digest); err == nil || errors.Is(err, ErrRewound) {
		t.Errorf("error = %v", err)
	}
}

// TestAttackDuplicateKeys: a manifest that two readers read differently is
// none, and that is said.
func TestAttackDuplicateKeys(t *testing.T) {
	p := NewDirectory(t.TempDir())
	alice := newParty(t, "alice")
	pub := alice.claim(t, "core-bash", "D")
	rm, _ := (Recipe{pub.Recipe}).Manifest()
	m := hang(t, p, rm.Digest(), pub.Bundle, nil)
	for name, r := range map[string][2]string{
		"layers twice": {`"layers":`, `"layers":[],"layers":`},
		"another case": {`"layers":`, `"Layers":[],"layers":[],"x":`},
		"config twice": {`"config":`, `"config":{},"config":`},
	} {
		raw := bytes.Replace(m.Raw, []byte(r[0]), []byte(r[1]), 1)
		bad := Manifest{m.MediaType, raw}
		d := ocispec.Descriptor{MediaType: m.MediaType, ArtifactType: BundleType, Digest: digest.Digest(bad.Digest()), Size: int64(len(raw))}
		idx := mustJSON(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{d}})
		if err := errors.Join(p.PutManifest(t.Context(), bad, ""), p.PutManifest(t.Context(), Manifest{ocispec.MediaTypeImageIndex, idx}, tagFor(rm.Digest()))); err != nil {
			t.Fatal(err)
		}
		found, missed := Find(t.Context(), []Place{p}, Query{Recipe: pub.Recipe})
		if len(found) != 0 || len(missed) != 1 {
			t.Errorf("%s: %d bundles, %v", name, len(found), missed)
		}
	}
}

// TestAttackHugeLists: lists that never end are cut, and that is said.
func TestAttackHugeLists(t *testing.T) {
	entries := make([]string, maxReferrers+1)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"mediaType":"%s","digest":"%s","size":3}`, ocispec.MediaTypeImageManifest, digestOf(fmt.Sprint(i)))
	}
	page := `{"schemaVersion":2,"manifests":[` + strings.Join(entries, ",") + `]}`
	pages := 0
	for name, h := range map[string]http.HandlerFunc{
		"one list": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, page) },
		"many pages": func(w http.ResponseWriter, _ *http.Request) {
			pages++
			w.Header().Set("Link", fmt.Sprintf(`</v2/alice/stagex-claims/referrers/x?n=%d>; rel="next"`, pages))
			_, _ = io.WriteString(w, `{"schemaVersion":2,"manifests":[]}`)
		},
		"a page elsewhere": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `<http://127.0.0.1:1/v2/x>; rel="next"`)
			_, _ = io.WriteString(w, `{"schemaVersion":2,"manifests":[]}`)
		},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.Contains(r.URL.Path, "/referrers/"):
				h(w, r)
			case r.URL.Path != "/v2/":
				w.WriteHeader(http.StatusNotFound)
			}
		}))
		reg := repository(t, s.URL, Options{})
		_, missed := reg.Referrers(t.Context(), digestOf("D"))
		s.Close()
		if len(missed) != 1 {
			t.Errorf("%s: %v", name, missed)
		}
		var l *image.LimitError
		if name != "a page elsewhere" && (len(missed) == 0 || !errors.As(missed[0].Err, &l)) {
			t.Errorf("%s: %v", name, missed)
		}
	}
	if pages != maxPages {
		t.Errorf("%d pages were read", pages)
	}
}

// TestAttackCopiedClaim: who pulled an image and says so is found, and says so.
func TestAttackCopiedClaim(t *testing.T) {
	p := NewDirectory(t.TempDir())
	alice := newParty(t, "alice")
	put(t, p, alice.claim(t, "core-bash", "D", func(c *claim.Claim) { c.Mode = claim.ModePulled }))
	got := Claims(verifier(t, alice), find(t, Query{Recipe: recipe("core-bash")}, p))
	if len(got) != 1 || got[0].Mode != claim.ModePulled {
		t.Errorf("%+v", got)
	}
}

// TestForeignAttestation: an attestation of the publisher's hangs on the same
// output and is no claim.
func TestForeignAttestation(t *testing.T) {
	p := NewDirectory(t.TempDir())
	alice := newParty(t, "alice")
	put(t, p, alice.claim(t, "core-bash", "D"))
	hang(t, p, digestOf("D"), []byte(`{"mediaType":"`+BundleType+`","verificationMaterial":{"certificate":{}},"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}}`), nil)
	states := map[claim.State]int{}
	for _, c := range Claims(verifier(t, alice), find(t, Query{Outputs: outputsOf("D")}, p)) {
		states[c.Verification.State]++
	}
	if states[claim.Verified] != 1 || states[claim.Refused] != 1 {
		t.Error(states)
	}
}
