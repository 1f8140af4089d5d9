package pgp

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/web"
)

func TestReadDir(t *testing.T) {
	alice := newKey(t, "alice")
	v := ring(t, alice)
	b := sign(t, alice, signed, today5())
	fsys := fstest.MapFS{
		"signatures/" + Path(repo, digest, 1):                                  {Data: b},
		"signatures/" + Path(repo, digest, 3):                                  {Data: b},
		"signatures/" + strings.Replace(Path(repo, digest, 1), "-1", "-01", 1): {Data: b},
		"signatures/stagex/core-bash/signature-1":                              {Data: b},
		"signatures/README.md":                                                 {Data: []byte("x")},
		"signatures/.git/signature-1":                                          {Data: []byte("x")},
	}
	all, err := v.ReadDir(context.Background(), fsys, "signatures")
	if err != nil || len(all) != 4 {
		t.Fatalf("%d signatures, %v", len(all), err)
	}
	for _, s := range all {
		switch s.Number {
		case 1, 3:
			expect(t, s, claim.Verified, "")
			if s.Hidden != (s.Number == 3) {
				t.Errorf("%s: hidden %v", s.Path, s.Hidden)
			}
		default:
			expect(t, s, claim.Refused, "not the path")
		}
	}
	some, err := v.Of(context.Background(), fsys, "signatures", repo, digest)
	if err != nil || len(some) != 3 {
		t.Errorf("%d signatures of one digest, %v", len(some), err)
	}
	next, err := AddSignature(fsys, "signatures", repo, digest)
	if err != nil || next != Path(repo, digest, 2) {
		t.Errorf("the next is %q, %v", next, err)
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	alice := newKey(t, "alice")
	outside := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(outside, sign(t, alice, signed, today5()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(dir, filepath.FromSlash(Path(repo, digest, 1)))
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, p); err != nil {
		t.Skip("symbolic links cannot be made here:", err)
	}
	all, err := ring(t, alice).ReadDir(context.Background(), os.DirFS(dir), ".")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d signatures, %v", len(all), err)
	}
	expect(t, all[0], claim.Unverified, "no regular file")
}

func TestLookaside(t *testing.T) {
	alice := newKey(t, "alice")
	b := sign(t, alice, signed, today5())
	busy := true
	mode := ""
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := strings.TrimPrefix(r.URL.Path, "/s/"+strings.TrimSuffix(Path(repo, digest, 1), "1"))
		switch {
		case n == "1" && busy:
			busy = false
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		case n == "1", n == "3", mode == "endless":
			w.Write(b)
		case mode == "denied":
			w.WriteHeader(http.StatusForbidden)
		case mode == "huge":
			mode = "" // first: the client may ask again before all of it is written
			w.Write(make([]byte, 10*maxFile))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer srv.Close()
	client := web.NewClient(web.Options{Base: srv.Client().Transport})
	l := &Lookaside{Base: srv.URL + "/s", Client: client}
	v := ring(t, alice)
	all, err := l.Of(context.Background(), v, repo, digest)
	if err != nil || len(all) != 1 || busy {
		t.Fatalf("%d signatures, %v", len(all), err)
	}
	expect(t, all[0], claim.Verified, "")
	mode = "denied"
	if all, err = l.Of(context.Background(), v, repo, digest); err == nil || len(all) != 1 {
		t.Errorf("what is denied passes for absent: %d, %v", len(all), err)
	}
	mode = "huge"
	if all, err = l.Of(context.Background(), v, repo, digest); err != nil || len(all) != 3 {
		t.Fatalf("%d signatures, %v", len(all), err)
	}
	expect(t, all[1], claim.Refused, "more than")
	mode = "endless"
	if all, err = l.Of(context.Background(), v, repo, digest); err == nil || len(all) != maxNumber {
		t.Errorf("%d signatures, %v", len(all), err)
	}
	l.Base = "http://example.org/s"
	if _, err := l.Of(context.Background(), v, repo, digest); err == nil || !strings.Contains(err.Error(), "not an https") {
		t.Errorf("a plain address: %v", err)
	}
}

func TestPayload(t *testing.T) {
	got, err := Payload(repo, "5.3", digest)
	want := `{"critical":{"identity":{"docker-reference":"stagex/core-bash:5.3"},"image":{"docker-manifest-digest":"` + string(digest) + `"},"type":"atomic container signature"},"optional":{}}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if got, err = Payload(repo, "", digest); err != nil || !strings.Contains(string(got), ":latest") {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"a b", "x:y", `"`, "a/b"} {
		if _, err := Payload(repo, bad, digest); err == nil {
			t.Errorf("tag %q is taken", bad)
		}
	}
	if _, err := Payload(repo, "1", hexa); err == nil {
		t.Error("a bare digest is taken")
	}
	for _, bad := range []string{"", "signature-1", "../x@sha256=" + hexa + "/signature-1", Path(repo, digest, 0), Path(repo, digest, 1) + "x", Path("a//b", digest, 1)} {
		if _, _, _, err := ParsePath(bad); !errors.Is(err, ErrPath) {
			t.Errorf("path %q: %v", bad, err)
		}
	}
}
