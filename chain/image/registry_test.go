package image

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// serve starts a registry on loopback behind wrap and gives its host.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	var h http.Handler = registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	if wrap != nil {
		h = wrap(h)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// push writes an index of one image under a tag.
func push(t *testing.T, ref string) (v1.ImageIndex, v1.Image) {
	t.Helper()
	img, err := random.Image(2000, 3)
	if err != nil {
		t.Fatal(err)
	}
	idx := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
	tag, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(tag, idx); err != nil {
		t.Fatal(err)
	}
	return idx, img
}

func TestRegistry(t *testing.T) {
	host := serve(t, nil)
	ref := host + "/stagex/core-x:1.0"
	idx, img := push(t, ref)
	idxDigest, _ := idx.Digest()
	imgDigest, _ := img.Digest()
	for _, r := range []string{ref, host + "/stagex/core-x@" + idxDigest.String()} {
		i := mustOpen(t, r, Options{})
		if string(i.IndexDigest()) != idxDigest.String() || string(i.ManifestDigest()) != imgDigest.String() {
			t.Errorf("%s: index %s, manifest %s", r, i.IndexDigest(), i.ManifestDigest())
		}
		for _, l := range i.Layers() {
			if _, err := readAll(t.Context(), l); err != nil {
				t.Errorf("%s: %v", r, err)
			}
		}
	}
	if i := mustOpen(t, host+"/stagex/core-x@"+imgDigest.String(), Options{}); i.Index() != nil {
		t.Error("a manifest by digest has an index")
	}
	if _, err := Open(t.Context(), host+"/stagex/none:1", Options{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
	if _, err := Open(t.Context(), ref, Options{Offline: true}); !errors.Is(err, ErrOffline) {
		t.Errorf("offline: %v", err)
	}
}

// TestLyingRegistry serves other bytes than those asked for.
func TestLyingRegistry(t *testing.T) {
	lie := ""
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && lie != "" && strings.Contains(r.URL.Path, lie) {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				body := rec.Body.Bytes()
				body[len(body)/2] ^= 1
				for k, v := range rec.Header() {
					w.Header()[k] = v
				}
				w.WriteHeader(rec.Code)
				_, _ = w.Write(body)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	ref := host + "/x:1"
	_, img := push(t, ref)
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	d, _ := layers[1].Digest()
	i := mustOpen(t, ref, Options{})
	lie = "/blobs/" + d.String()
	_, err = readAll(t.Context(), i.Layers()[1])
	var m *MismatchError
	if !errors.As(err, &m) || m.What != "layer 2" || string(m.Want) != d.String() || m.Got == m.Want {
		t.Errorf("layer: %v", err)
	}
	lie = "/manifests/"
	if _, err := Open(t.Context(), ref, Options{}); err == nil {
		t.Error("manifest: no error")
	}
}

func TestBusyRegistry(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") {
				mu.Lock()
				asked++
				busy := asked%3 != 0
				mu.Unlock()
				if busy {
					w.Header().Set("Retry-After", "0")
					w.WriteHeader(http.StatusTooManyRequests)
					return
				}
			}
			h.ServeHTTP(w, r)
		})
	})
	push(t, host+"/x:1")
	mustOpen(t, host+"/x:1", Options{})
	if asked < 3 {
		t.Errorf("asked %d times", asked)
	}
}

// keychain gives one user's password to every registry.
type keychain struct{}

func (keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "user", Password: "secret"}, nil
}

// TestCredentialsStay redirects a blob to another host, which must not see the
// password that was meant for the first.
func TestCredentialsStay(t *testing.T) {
	var mu sync.Mutex
	var leaked []string
	asked := 0
	plain := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked++
		if h := r.Header.Get("Authorization"); h != "" {
			leaked = append(leaked, h)
		}
		mu.Unlock()
		plain.ServeHTTP(w, r)
	}))
	defer other.Close()
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			u, _ := url.Parse(other.URL)
			u.Path = r.URL.Path
			http.Redirect(w, r, u.String(), http.StatusTemporaryRedirect)
			return
		}
		plain.ServeHTTP(w, r)
	}))
	defer first.Close()
	push(t, strings.TrimPrefix(other.URL, "http://")+"/x:1") // both serve the same content
	asked, leaked = 0, nil
	i := mustOpen(t, strings.TrimPrefix(first.URL, "http://")+"/x:1", Options{Keychain: keychain{}})
	if _, err := readAll(t.Context(), i.Layers()[0]); err != nil {
		t.Fatal(err)
	}
	if asked == 0 || len(leaked) > 0 {
		t.Errorf("the other host was asked %d times and saw %q", asked, leaked)
	}
	if _, err := Open(t.Context(), strings.TrimPrefix(first.URL, "http://")+"/x:1", Options{}); err == nil || !strings.Contains(err.Error(), "let us in") {
		t.Errorf("without credentials: %v", err)
	}
}
