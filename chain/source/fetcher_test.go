package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/chain/web"
)

// data is what the sources of these tests hold.
var data = func() []byte {
	b := make([]byte, 300_000)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}()

func digestOf(b []byte) chain.Digest {
	d, err := chain.HashReader(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	return d
}

func newFetcher(t *testing.T) *Fetcher {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return &Fetcher{
		Store: s, Backoff: time.Millisecond,
		HTTP: web.NewClient(web.Options{Answer: 300 * time.Millisecond, Stall: 300 * time.Millisecond, Retries: -1}),
	}
}

func stageOf(mirrors ...string) *chain.Stage {
	return &chain.Stage{ID: "core-x", Dir: "packages/core/x", Sources: []chain.Source{{Name: "x", File: "x.tar.gz", Digest: digestOf(data), Mirrors: mirrors}}}
}

// server answers with handle and counts its requests.
func server(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, n int)) (string, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, int(n.Add(1))) }))
	t.Cleanup(s.Close)
	return s.URL + "/x.tar.gz", &n
}

func good(w http.ResponseWriter, r *http.Request, _ int) {
	w.Header().Set("ETag", `"v1"`)
	http.ServeContent(w, r, "x.tar.gz", time.Time{}, bytes.NewReader(data))
}

func status(code int) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(code) }
}

// mustFetch fetches and checks the bytes.
func mustFetch(t *testing.T, f *Fetcher, s *chain.Stage) Got {
	t.Helper()
	got, err := f.FetchAll(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(got[0].Path)
	if err != nil || !bytes.Equal(b, data) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	return got[0]
}

func TestFetchFromMirror(t *testing.T) {
	f := newFetcher(t)
	url, n := server(t, good)
	var kinds []EventKind
	f.Progress = func(e Event) { kinds = append(kinds, e.Kind) }
	got := mustFetch(t, f, stageOf(url))
	if got.Origin != url || got.Bytes != int64(len(data)) {
		t.Errorf("got %+v", got)
	}
	if len(kinds) < 2 || kinds[0] != EventStart || kinds[len(kinds)-1] != EventDone {
		t.Errorf("events %v", kinds)
	}
	if got = mustFetch(t, f, stageOf(url)); got.Origin != "store" || n.Load() != 1 {
		t.Errorf("the second time from %q, %d requests", got.Origin, n.Load())
	}
	if all, err := f.Store.Artifacts(ArtifactType, ""); err != nil || len(all) != 1 || all[0].Annotations[AnnotationOrigin] != url || all[0].File("x.tar.gz") == nil {
		t.Errorf("the store's record: %+v, %v", all, err)
	}
	left, _ := filepath.Glob(filepath.Join(f.Store.Dir(), "ingest", "*.part*"))
	for _, l := range left {
		if !strings.HasSuffix(l, ".lock") {
			t.Errorf("left behind: %s", l)
		}
	}
}

func TestMirrorsInOrder(t *testing.T) {
	for name, bad := range map[string]func(http.ResponseWriter, *http.Request, int){
		"404": status(404), "403": status(403), "500": status(500), "429": status(429),
		"another file":  func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, "<html>not found</html>") },
		"an empty file": func(http.ResponseWriter, *http.Request, int) {},
		"an encoding": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, "x")
		},
		"endless redirects": func(w http.ResponseWriter, r *http.Request, _ int) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"a gigantic file": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Length", "9000000000000000")
			w.WriteHeader(200)
		},
		"truncated, always": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Length", "300000")
			w.WriteHeader(200)
		},
		"nothing, for ever": func(w http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() },
		"stalls in the body": func(w http.ResponseWriter, r *http.Request, _ int) {
			w.Header().Set("Content-Length", "300000")
			_, _ = w.Write(make([]byte, 10))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFetcher(t)
			f.Retries = 1
			first, asked := server(t, bad)
			second, _ := server(t, good)
			got := mustFetch(t, f, stageOf(first, second))
			if got.Origin != second || asked.Load() == 0 {
				t.Errorf("origin %s", got.Origin)
			}
			if len(got.Sought) == 0 || got.Sought[len(got.Sought)-1].Place != first {
				t.Errorf("sought %v", got.Sought)
			}
		})
	}
}

func TestRetries(t *testing.T) {
	f := newFetcher(t)
	url, n := server(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n <= 2 {
			w.WriteHeader(503)
			return
		}
		good(w, r, n)
	})
	mustFetch(t, f, stageOf(url))
	if n.Load() != 3 {
		t.Errorf("%d requests, want 3", n.Load())
	}
}

// cut answers with the first half of what is asked for and closes.
func cut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"v1"`)
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	_, _ = w.Write(data[:len(data)/2])
	panic(http.ErrAbortHandler)
}

func TestResume(t *testing.T) {
	f := newFetcher(t)
	var ranges, validators []string
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request, n int) {
		ranges, validators = append(ranges, r.Header.Get("Range")), append(validators, r.Header.Get("If-Range"))
		if n == 1 {
			cut(w, r)
		}
		good(w, r, n)
	})
	got := mustFetch(t, f, stageOf(url))
	if len(ranges) != 2 || ranges[0] != "" || !strings.HasPrefix(ranges[1], "bytes=") || validators[1] != `"v1"` {
		t.Errorf("ranges %q, If-Range %q", ranges, validators)
	}
	if got.Bytes != int64(len(data)) {
		t.Errorf("%d bytes over the network, want %d", got.Bytes, len(data))
	}
}

// TestResumeByTheNextProcess leaves a part behind and goes on with another
// fetcher.
func TestResumeByTheNextProcess(t *testing.T) {
	f := newFetcher(t)
	f.Retries = -1
	up := false
	var asked []string
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request, n int) {
		asked = append(asked, r.Header.Get("Range"))
		if !up {
			if r.Header.Get("Range") != "" {
				panic(http.ErrAbortHandler)
			}
			cut(w, r)
		}
		good(w, r, n)
	})
	if _, err := f.Fetch(t.Context(), stageOf(url)); err == nil {
		t.Fatal("no error")
	}
	up = true
	next := &Fetcher{Store: f.Store}
	got := mustFetch(t, next, stageOf(url))
	if got.Bytes >= int64(len(data)) {
		t.Errorf("%d bytes over the network; ranges %q", got.Bytes, asked)
	}
}

// TestResumeRefused covers servers that cannot or will not resume.
func TestResumeRefused(t *testing.T) {
	for name, second := range map[string]func(w http.ResponseWriter, r *http.Request){
		"ignores the range": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) },
		"another version": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v2"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
		},
		"the wrong range": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				_, _ = w.Write(data)
				return
			}
			w.Header().Set("Content-Range", "bytes 5-9/10")
			w.WriteHeader(206)
			_, _ = w.Write([]byte("hello"))
		},
		"416": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				_, _ = w.Write(data)
				return
			}
			w.Header().Set("Content-Range", "bytes */17")
			w.WriteHeader(416)
		},
		"other bytes for the rest": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				_, _ = w.Write(data)
				return
			}
			w.Header().Set("ETag", `"v1"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(make([]byte, len(data))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFetcher(t)
			url, _ := server(t, func(w http.ResponseWriter, r *http.Request, n int) {
				if n == 1 {
					cut(w, r)
				}
				second(w, r)
			})
			mustFetch(t, f, stageOf(url))
			if all, _ := f.Store.Asides(); len(all) != 0 {
				t.Errorf("set aside: %+v", all)
			}
		})
	}
}

func TestWrongHash(t *testing.T) {
	f := newFetcher(t)
	url, n := server(t, func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, "tampered") })
	_, err := f.Fetch(t.Context(), stageOf(url))
	var wrong *WrongHashError
	var missing *MissingError
	if !errors.As(err, &wrong) || !errors.As(err, &missing) {
		t.Fatalf("error = %v", err)
	}
	if wrong.Want != digestOf(data) || wrong.Got != digestOf([]byte("tampered")) || wrong.Origin != url || wrong.File != "x.tar.gz" {
		t.Errorf("error = %+v", wrong)
	}
	for _, part := range []string{string(wrong.Want), string(wrong.Got), url, "x.tar.gz", wrong.Kept} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	if kept, err := os.ReadFile(wrong.Kept); err != nil || string(kept) != "tampered" {
		t.Errorf("kept %q, %v", kept, err)
	}
	if all, _ := f.Store.Asides(); len(all) != 1 || all[0].Origin != url {
		t.Errorf("record %+v", all)
	}
	if n.Load() != 1 {
		t.Errorf("a mirror with wrong bytes was asked %d times", n.Load())
	}
}

func TestLocalPlaces(t *testing.T) {
	place := func(t *testing.T, rel string, b []byte) string {
		root := t.TempDir()
		p := filepath.Join(root, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return root
	}
	hex := digestOf(data).Hex()
	for rel, set := range map[string]func(*Fetcher, string){
		"fetch/core/x/x.tar.gz": func(f *Fetcher, root string) { f.Root = root },
		"x.tar.gz":              func(f *Fetcher, root string) { f.Dirs = []string{root} },
		"a/b/c/x.tar.gz":        func(f *Fetcher, root string) { f.Dirs = []string{t.TempDir(), root} },
		"by-hash/" + hex:        func(f *Fetcher, root string) { f.Dirs = []string{root} },
		"sha256-" + hex:         func(f *Fetcher, root string) { f.Dirs = []string{root} },
	} {
		f := newFetcher(t)
		f.Offline = true
		root := place(t, rel, data)
		set(f, root)
		if got := mustFetch(t, f, stageOf("http://127.0.0.1:1/x")); got.Origin != filepath.Join(root, filepath.FromSlash(rel)) {
			t.Errorf("%s: origin %s", rel, got.Origin)
		}
	}
	f := newFetcher(t)
	f.Offline = true
	f.Dirs = []string{place(t, "x.tar.gz", []byte("other release")), place(t, "deep/x.tar.gz", data)}
	if got := mustFetch(t, f, stageOf()); len(got.Sought) == 0 {
		t.Error("a wrong local file is not mentioned")
	}
	f = newFetcher(t)
	f.Dirs = []string{filepath.Join(t.TempDir(), "none")}
	if _, err := f.Fetch(t.Context(), stageOf()); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a sources directory that is not there: %v", err)
	}
}

func TestMissingOffline(t *testing.T) {
	f := newFetcher(t)
	f.Offline = true
	f.Root, f.Dirs = t.TempDir(), []string{t.TempDir()}
	_, err := f.Fetch(t.Context(), stageOf("https://mirror.example/x.tar.gz"))
	if !errors.Is(err, ErrOffline) {
		t.Fatalf("error = %v", err)
	}
	for _, part := range []string{"x.tar.gz", string(digestOf(data)), "core-x", "store", f.Root, f.Dirs[0], "https://mirror.example/x.tar.gz"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
}

func TestDamagedInStore(t *testing.T) {
	f := newFetcher(t)
	url, n := server(t, good)
	got := mustFetch(t, f, stageOf(url))
	if err := os.WriteFile(got.Path, []byte("rotten"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got = mustFetch(t, f, stageOf(url)); got.Origin != url || n.Load() != 2 {
		t.Errorf("from %s after %d requests", got.Origin, n.Load())
	}
	if all, _ := f.Store.Asides(); len(all) != 1 {
		t.Errorf("set aside: %+v", all)
	}
}

func TestHostileNames(t *testing.T) {
	for _, file := range []string{"", ".", "..", "../x", "a/b", `a\b`, "/etc/passwd", "x\x00", "x\x1b[2J", strings.Repeat("x", 300)} {
		f := newFetcher(t)
		s := stageOf("http://127.0.0.1:1/")
		s.Sources[0].File = file
		if _, err := f.Fetch(t.Context(), s); err == nil || errors.As(err, new(*MissingError)) {
			t.Errorf("%q: %v", file, err)
		}
	}
	f := newFetcher(t)
	s := stageOf("file:///etc/passwd", "ftp://x/y", "%zz")
	if _, err := f.Fetch(t.Context(), s); err == nil || !strings.Contains(err.Error(), `scheme "file" is not supported`) {
		t.Errorf("schemes: %v", err)
	}
	s.Sources[0].Digest = "md5:00"
	if _, err := f.Fetch(t.Context(), s); err == nil {
		t.Error("a bad pin has no error")
	}
}

func TestFetchIsCancelled(t *testing.T) {
	f := newFetcher(t)
	ctx, cancel := context.WithCancel(t.Context())
	url, _ := server(t, func(_ http.ResponseWriter, r *http.Request, _ int) { cancel(); <-r.Context().Done() })
	if _, err := f.Fetch(ctx, stageOf(url)); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

// TestManyAtOnce has many stages pin the same files.
func TestManyAtOnce(t *testing.T) {
	f := newFetcher(t)
	url, n := server(t, good)
	errs := make(chan error)
	for range 10 {
		go func() {
			_, err := f.Fetch(t.Context(), stageOf(url))
			errs <- err
		}()
	}
	for range 10 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n.Load() != 1 {
		t.Errorf("%d requests for one file", n.Load())
	}
}
