package publish

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/web"
)

// filled is a registry with one claim, behind wrap when that is not nil; wrap
// comes into force when the claim is there.
func filled(t *testing.T, wrap func(next http.Handler, w http.ResponseWriter, r *http.Request)) (*Registry, Publication) {
	t.Helper()
	var broken atomic.Bool
	reg := serve(t, true, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if broken.Load() && wrap != nil {
				wrap(next, w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	pub := newParty(t, "alice").claim(t, "core-bash", "D")
	put(t, reg, pub)
	broken.Store(true)
	return again(t, reg), pub
}

// lost checks that nothing was found, and that this is said to be unknown.
func lost(t *testing.T, ctx context.Context, p Place) error {
	t.Helper()
	found, missed := Find(ctx, []Place{p}, Query{Recipe: recipe("core-bash")})
	if len(found) > 0 || len(missed) == 0 {
		t.Fatalf("%d bundles, unread %v", len(found), missed)
	}
	var errs []error
	for _, u := range missed {
		if u.Err == nil || !strings.HasPrefix(u.Origin, p.Name()) {
			t.Errorf("unread without a reason or a place: %+v", u)
		}
		errs = append(errs, u)
	}
	return errors.Join(errs...)
}

func TestFaultTimeout(t *testing.T) {
	reg, _ := filled(t, func(_ http.Handler, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	reg.o.Transport = web.NewTransport(web.Options{Answer: 30 * time.Millisecond})
	if err := lost(t, t.Context(), reg); !strings.Contains(err.Error(), "timeout") {
		t.Error(err)
	}
}

func TestFaultNobodyThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	reg := repository(t, s.URL, Options{})
	s.Close()
	if err := lost(t, t.Context(), reg); !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
}

func TestFaultTooManyRequests(t *testing.T) {
	var n atomic.Int32
	busy := func(after string, times int32) func(http.Handler, http.ResponseWriter, *http.Request) {
		return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if n.Add(1) <= times {
				w.Header().Set("Retry-After", after)
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			next.ServeHTTP(w, r)
		}
	}
	reg, pub := filled(t, busy("0", 3))
	if got := find(t, Query{Recipe: recipe("core-bash")}, reg); len(got) != 1 || got[0].Digest != sum(pub.Bundle) {
		t.Errorf("after %d answers 429: %d bundles", n.Load(), len(got))
	}
	n.Store(-1) // the first is the greeting
	reg, _ = filled(t, func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			next.ServeHTTP(w, r)
			return
		}
		busy("86400", 1<<30)(next, w, r)
	})
	var status *StatusError
	if err := lost(t, t.Context(), reg); !errors.As(err, &status) || status.Code != http.StatusTooManyRequests {
		t.Error(err)
	}
}

func TestFaultUnauthorized(t *testing.T) {
	reg, _ := filled(t, func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"who are you\u001b[31m"}]}`)
	})
	err := lost(t, t.Context(), reg)
	if !strings.Contains(err.Error(), "does not let us in (401)") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%q", err)
	}
}

// answers breaks the answers to requests for blobs or manifests.
func answers(kind string, f func(w http.ResponseWriter, body []byte)) func(http.Handler, http.ResponseWriter, *http.Request) {
	return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/"+kind+"/") {
			next.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		if rec.Code != http.StatusOK {
			w.WriteHeader(rec.Code)
			return
		}
		f(w, rec.Body.Bytes())
	}
}

func TestFaultTruncatedBlob(t *testing.T) {
	reg, _ := filled(t, answers("blobs", func(w http.ResponseWriter, body []byte) { _, _ = w.Write(body[:len(body)/2]) }))
	if err := lost(t, t.Context(), reg); !strings.Contains(err.Error(), "unexpected EOF") {
		t.Error(err)
	}
	reg, _ = filled(t, answers("blobs", func(w http.ResponseWriter, body []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)/2))
		_, _ = w.Write(body[:len(body)/2])
	}))
	var m *image.MismatchError
	if err := lost(t, t.Context(), reg); !errors.As(err, &m) || m.GotSize >= m.WantSize {
		t.Error(err)
	}
}

func TestFaultWrongDigest(t *testing.T) {
	flip := func(w http.ResponseWriter, body []byte) {
		body[len(body)-2] ^= 1
		_, _ = w.Write(body)
	}
	for _, kind := range []string{"blobs", "manifests"} {
		reg, _ := filled(t, answers(kind, flip))
		var m *image.MismatchError
		if err := lost(t, t.Context(), reg); !errors.As(err, &m) || m.Got == m.Want {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestFaultHugeManifest(t *testing.T) {
	for _, kind := range []string{"manifests", "referrers"} {
		reg, _ := filled(t, answers(kind, func(w http.ResponseWriter, _ []byte) {
			w.Header().Del("Content-Length")
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 64 {
				if _, err := w.Write(chunk); err != nil {
					return // the reader has had enough
				}
			}
		}))
		found, missed := Find(t.Context(), []Place{reg}, Query{Recipe: recipe("core-bash")})
		var l *image.LimitError
		if len(missed) == 0 || !errors.As(missed[0].Err, &l) || l.Limit != maxManifest {
			t.Errorf("%s: %v", kind, missed)
		}
		// Where the tag can be read, what it lists is found, and the rest is unknown.
		if want := map[string]int{"manifests": 0, "referrers": 1}[kind]; len(found) != want {
			t.Errorf("%s: %d bundles", kind, len(found))
		}
	}
}

// TestFaultHugeBundle: a descriptor that promises too much is not followed.
func TestFaultHugeBundle(t *testing.T) {
	p := NewDirectory(t.TempDir())
	pub := newParty(t, "alice").claim(t, "core-bash", "D")
	put(t, p, pub)
	list, _ := p.Referrers(t.Context(), digestOf("D"))
	m, err := p.Manifest(t.Context(), string(list[0].Digest))
	if err != nil {
		t.Fatal(err)
	}
	parsed, _ := m.parse()
	parsed.Layers[0].Size = maxBundle + 1
	a := artifact{typ: BundleType, layers: parsed.Layers, subject: parsed.Subject}.manifest()
	if err := errors.Join(p.PutManifest(t.Context(), a, ""), p.Refer(t.Context(), digestOf("D"), a)); err != nil {
		t.Fatal(err)
	}
	_, missed := Find(t.Context(), []Place{p}, Query{Outputs: outputsOf("D")})
	var l *image.LimitError
	if len(missed) != 1 || !errors.As(missed[0].Err, &l) {
		t.Error(missed)
	}
}

// secret gives the same credentials for every registry that is asked for.
type secret struct{}

func (secret) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "alice", Password: "s3cr3t"}, nil
}

// guard lets in who shows the credentials, in either scheme.
type guard struct {
	bearer bool
	url    func() string
	next   http.Handler
}

func (g guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, password, basic := r.BasicAuth()
	switch {
	case g.bearer && r.URL.Path == "/token":
		if !basic || password != "s3cr3t" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"token": "t0ken"})
	case g.bearer && r.Header.Get("Authorization") != "Bearer t0ken":
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+g.url()+`/token",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	case !g.bearer && password != "s3cr3t":
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		g.next.ServeHTTP(w, r)
	}
}

// TestFaultRedirect: bytes may come from another host; credentials stay.
func TestFaultRedirect(t *testing.T) {
	for _, bearer := range []bool{false, true} {
		var mu sync.Mutex
		var blob []byte
		asked := 0
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			for k, v := range r.Header {
				if text := fmt.Sprint(v); strings.Contains(text, "t0ken") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("alice:s3cr3t"))) {
					t.Errorf("the other host was shown %s: %s", k, text)
				}
			}
			_, _ = w.Write(blob)
		}))
		defer other.Close()
		var url string
		reg := serve(t, true, func(next http.Handler) http.Handler {
			away := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
					http.Redirect(w, r, other.URL+"/somewhere?signature=x", http.StatusTemporaryRedirect)
					return
				}
				next.ServeHTTP(w, r)
			})
			return guard{bearer, func() string { return url }, away}
		})
		url = "http://" + reg.repo.RegistryStr()
		reg.o.Keychain = secret{}
		pub := newParty(t, "alice").claim(t, "core-bash", "D")
		blob = pub.Bundle
		put(t, reg, pub)
		if got := find(t, Query{Recipe: recipe("core-bash")}, reg); len(got) != 1 || asked != 1 {
			t.Errorf("bearer %v: %d bundles, the other host was asked %d times", bearer, len(got), asked)
		}
		if _, missed := Find(t.Context(), []Place{again(t, reg)}, Query{Recipe: recipe("core-bash")}); len(missed) == 0 {
			t.Errorf("bearer %v: without credentials nothing is said to be missing", bearer)
		}
	}
}

// TestFaultTLS: a certificate of an unknown authority, and a way from TLS to
// plain text.
func TestFaultTLS(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.Redirect(w, r, plain.URL, http.StatusFound)
		}
	}))
	s.Config.ErrorLog = quiet
	s.StartTLS()
	defer s.Close()
	reg := repository(t, s.URL, Options{})
	if err := lost(t, t.Context(), reg); !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	reg = repository(t, s.URL, Options{Transport: web.NewTransport(web.Options{Base: s.Client().Transport})})
	if err := lost(t, t.Context(), reg); !strings.Contains(err.Error(), "refusing a redirect from TLS") {
		t.Error(err)
	}
}

func TestFaultOffline(t *testing.T) {
	reg, _ := filled(t, nil)
	reg.o.Offline = true
	if err := lost(t, t.Context(), reg); !errors.Is(err, ErrOffline) {
		t.Error(err)
	}
}

// TestFaultCancelled: an interrupt is no answer either.
func TestFaultCancelled(t *testing.T) {
	reg, _ := filled(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lost(t, ctx, reg); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := find(t, Query{Recipe: recipe("core-bash")}, reg); len(got) != 1 {
		t.Errorf("an interrupted greeting was remembered: %d bundles", len(got))
	}
}

// TestErrorsHideSignedURLs: what a registry redirects to may carry credentials.
func TestErrorsHideSignedURLs(t *testing.T) {
	reg, _ := filled(t, func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			http.Redirect(w, r, "http://127.0.0.1:1/x?signature=hidden", http.StatusTemporaryRedirect)
			return
		}
		next.ServeHTTP(w, r)
	})
	if err := lost(t, t.Context(), reg); strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Error(err)
	}
}

// TestFaultGateway: one of thousands of answers fails; a registry that is down
// stays unknown, after a few tries.
func TestFaultGateway(t *testing.T) {
	for name, tc := range map[string]struct {
		fails int32
		found int
		fail  func(w http.ResponseWriter)
	}{
		"one bad gateway": {1, 1, func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }},
		"a broken line":   {1, 1, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }},
		"down":            {1 << 30, 0, func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }},
		"well":            {0, 1, nil},
	} {
		var left atomic.Int32
		left.Store(tc.fails)
		reg, _ := filled(t, func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/" && left.Add(-1) >= 0 {
				tc.fail(w)
				return
			}
			next.ServeHTTP(w, r)
		})
		waits := 0
		reg.wait = func(context.Context, time.Duration) error { waits++; return nil }
		found, missed := Find(t.Context(), []Place{reg}, Query{Recipe: recipe("core-bash")})
		if len(found) != tc.found || (len(missed) > 0) != (tc.found == 0) || tc.fails > 1 && waits < 2 {
			t.Errorf("%s: %d bundles, %v, waited %d times", name, len(found), missed, waits)
		}
	}
}

// TestFaultOfOnePlace: what others have is found, and the rest is unknown.
func TestFaultOfOnePlace(t *testing.T) {
	good, pub := filled(t, nil)
	s := httptest.NewServer(http.NotFoundHandler())
	dead := repository(t, s.URL, Options{})
	s.Close()
	found, missed := Find(t.Context(), []Place{dead, good, NewDirectory(t.TempDir())}, Query{Recipe: recipe("core-bash")})
	if len(found) != 1 || found[0].Digest != sum(pub.Bundle) || len(missed) != 1 || !strings.HasPrefix(missed[0].Origin, dead.Name()) {
		t.Errorf("%d bundles, %v", len(found), missed)
	}
}

// TestFaultOfTheAPI: where the referrers API is out of order, the tag is still
// written and read, and what the API would have listed is unknown.
func TestFaultOfTheAPI(t *testing.T) {
	reg := serve(t, true, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/referrers/") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	pub := newParty(t, "alice").claim(t, "core-bash", "D")
	put(t, reg, pub)
	found, missed := Find(t.Context(), []Place{again(t, reg)}, Query{Recipe: recipe("core-bash")})
	if len(found) != 1 || len(missed) != 1 {
		t.Errorf("%d bundles, %v", len(found), missed)
	}
}

// TestFaultOddFiles: what lies in a directory instead of its files is no reason
// to wait for ever, or to say nothing.
func TestFaultOddFiles(t *testing.T) {
	for _, name := range []string{"index.json", "blob"} {
		p := NewDirectory(t.TempDir())
		put(t, p, newParty(t, "alice").claim(t, "core-bash", "D"))
		path := filepath.Join(p.Name(), "index.json")
		if name == "blob" {
			list, _ := p.Referrers(t.Context(), digestOf("D"))
			path = p.blobPath(chain.Digest(list[0].Digest))
		}
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
			t.Fatal(err)
		}
		if found, missed := Find(t.Context(), []Place{p}, Query{Outputs: outputsOf("D")}); len(found) > 0 || len(missed) == 0 {
			t.Errorf("%s: %d bundles, %v", name, len(found), missed)
		}
	}
}
