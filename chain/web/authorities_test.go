package web

import (
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAuthorities(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	}))
	s.Config.ErrorLog = nil
	s.StartTLS()
	defer s.Close()
	if _, _, err := get(t, NewClient(Options{}), s.URL); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown authority: %v", err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	pool, err := Authorities(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, body, err := get(t, NewClient(Options{RootCAs: pool}), s.URL); err != nil || body != "hello" {
		t.Errorf("%q %v", body, err)
	}
	if err := os.WriteFile(file, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Authorities(file); err == nil {
		t.Error("a file without certificates was accepted")
	}
	if _, err := Authorities(file + "x"); err == nil {
		t.Error("no file was accepted")
	}
}

func TestBodyIsSentAgain(t *testing.T) {
	var n atomic.Int32
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, string(b))
		if n.Add(1) < 3 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer s.Close()
	resp, err := NewClient(Options{}).Post(s.URL, "text/plain", bytes.NewReader([]byte("manifest")))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || strings.Join(got, " ") != "manifest manifest manifest" {
		t.Errorf("%d %q", resp.StatusCode, got)
	}
}
