package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stagescope/stagescope/chain"
)

// TestCacheOfAnother puts one value's file where another's belongs, and cuts one
// short: neither is given.
func TestCacheOfAnother(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	one, two := chain.SHA256([32]byte{1}), chain.SHA256([32]byte{2})
	for _, k := range []chain.Digest{one, two} {
		if err := s.PutCache("kind-1", k, []byte(k)); err != nil {
			t.Fatal(err)
		}
	}
	if p, ok := s.Cache("kind-1", one); !ok || string(p) != string(one) {
		t.Fatalf("%q, %v", p, ok)
	}
	p, err := os.ReadFile(s.cachePath("kind-1", two))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"another's": p, "cut short": p[:len(p)-1], "empty": nil} {
		if err := os.WriteFile(s.cachePath("kind-1", one), data, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Cache("kind-1", one); ok {
			t.Errorf("%s: given as %q", name, got)
		}
	}
	// Nor is a value of another kind.
	if err := os.MkdirAll(filepath.Dir(s.cachePath("kind-2", two)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.cachePath("kind-2", two), p, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Cache("kind-2", two); ok {
		t.Error("a value of another kind is given")
	}
}
