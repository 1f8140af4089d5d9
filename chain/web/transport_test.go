package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func get(t *testing.T, c *http.Client, url string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer secret")
	req.Header.Set("Cookie", "session=secret")
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestRetryAfter(t *testing.T) {
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) < 3 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = io.WriteString(w, "done")
	}))
	defer s.Close()
	if code, body, err := get(t, NewClient(Options{}), s.URL); err != nil || code != 200 || body != "done" || n.Load() != 3 {
		t.Errorf("%d %q %v after %d requests", code, body, err, n.Load())
	}
	n.Store(-100)
	if code, _, err := get(t, NewClient(Options{Retries: 2}), s.URL); err != nil || code != 429 || n.Load() != -97 {
		t.Errorf("%d %v after %d requests", code, err, n.Load()+100)
	}
}

func TestRetryAfterTooLong(t *testing.T) {
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.Header().Set("Retry-After", time.Now().Add(24*time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	if code, _, err := get(t, NewClient(Options{}), s.URL); err != nil || code != 503 || n.Load() != 1 {
		t.Errorf("%d %v after %d requests", code, err, n.Load())
	}
}

func TestWaitIsCancelled(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := NewClient(Options{}).Do(req); !errors.Is(err, context.DeadlineExceeded) {
		if resp != nil {
			resp.Body.Close()
		}
		t.Errorf("error = %v", err)
	}
}

func TestStall(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer s.Close()
	_, body, err := get(t, NewClient(Options{Stall: 50 * time.Millisecond}), s.URL)
	if !errors.Is(err, ErrStalled) || body != "some" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestNoAnswer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	if _, _, err := get(t, NewClient(Options{Answer: 50 * time.Millisecond}), s.URL); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("error = %v", err)
	}
}

func TestRedirectsDropCredentials(t *testing.T) {
	var seen http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }))
	defer other.Close()
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) }))
	defer first.Close()
	if _, _, err := get(t, NewClient(Options{}), first.URL); err != nil {
		t.Fatal(err)
	}
	if seen.Get("Authorization") != "" || seen.Get("Cookie") != "" {
		t.Errorf("the other host saw %v", seen)
	}
}

func TestNeverDecompresses(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("gzip was asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "\x1f\x8braw")
	}))
	defer s.Close()
	if _, body, err := get(t, NewClient(Options{}), s.URL); err != nil || body != "\x1f\x8braw" {
		t.Errorf("%q, %v", body, err)
	}
}
