package diff

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// memoryIndex is an index for tests.
type memoryIndex struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (x *memoryIndex) Cache(kind string, key chain.Digest) ([]byte, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p, ok := x.m[kind+string(key)]
	return p, ok
}

func (x *memoryIndex) PutCache(kind string, key chain.Digest, data []byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.m == nil {
		x.m = map[string][]byte{}
	}
	x.m[kind+string(key)] = data
	return nil
}

// TestIndex shows that a comparison from the index finds the same, does not
// need the layers' bytes, says so, and reads them when told to.
func TestIndex(t *testing.T) {
	a := append([]file{{name: "dev", typ: '3', mode: 0o600}, {name: "l", typ: '2', link: "bin/sh"}}, base...)
	b := append([]file(nil), a...)
	b[4].body, b[3].mode, b[2].at = "a\nb\nc\nd\n", 0o4755, time.Unix(5, 0)
	ra, rb := imageSpec{layers: [][]byte{tarBytes(t, a...)}}.write(t), imageSpec{layers: [][]byte{tarBytes(t, b...)}}.write(t)
	index := &memoryIndex{}
	run := func(o Options) *Node {
		c, err := Refs(t.Context(), ra, rb, image.Options{}, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.Root
	}
	first := run(Options{Index: index})
	second := run(Options{Index: index})
	l := mustFind(t, second, "layer 1")
	if !strings.Contains(l.Note, "index") {
		t.Error("it does not say that it is from the index")
	}
	if !strings.Contains(second.Note, "2 layers are from the store's index") {
		t.Errorf("the image does not say that it is from the index: %q", second.Note)
	}
	l.Note, second.Note = "", ""
	if one, two := sketch(first, ""), sketch(second, ""); one != two {
		t.Errorf("from the bytes:\n%s\nfrom the index:\n%s", one, two)
	}
	blobs, _ := filepath.Glob(filepath.Join(ra, "blobs", "sha256", "*"))
	for _, p := range blobs {
		if b, _ := os.ReadFile(p); b[0] == 0x1f {
			b[len(b)-3] ^= 1
			os.WriteFile(p, b, 0o644)
		}
	}
	if n := run(Options{Index: index}); mustFind(t, n, "etc/conf").Kind != KindText {
		t.Error(sketch(n, ""))
	}
	if n := run(Options{Index: index, Rehash: true}); !strings.Contains(mustFind(t, n, "layer 1").Note, "reading side A") {
		t.Error(sketch(n, ""))
	}
}

// TestIndexAndMissingBlob shows that a layer that is gone, or cut, is not taken to be
// there because its entries are known.
func TestIndexAndMissingBlob(t *testing.T) {
	other := append([]file(nil), base...)
	other[2].body = "a\nB\nc\n"
	for what, harm := range map[string]func(blob string) error{
		"gone": os.Remove,
		"cut":  func(blob string) error { return os.Truncate(blob, 40) },
	} {
		ra, rb := imageSpec{layers: [][]byte{tarBytes(t, base...)}}.write(t), imageSpec{layers: [][]byte{tarBytes(t, other...)}}.write(t)
		index := &memoryIndex{}
		run := func() *Node {
			c, err := Refs(t.Context(), ra, rb, image.Options{}, Options{Index: index})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c.Root
		}
		if n := run(); n.Capped {
			t.Fatal(sketch(n, ""))
		}
		blobs, _ := filepath.Glob(filepath.Join(rb, "blobs", "sha256", "*"))
		for _, p := range blobs {
			b, err := os.ReadFile(p)
			if err == nil && b[0] == 0x1f {
				err = harm(p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		n := run()
		if l := mustFind(t, n, "layer 1"); !n.Capped || !l.Capped || !strings.Contains(l.Note, "reading side B") || n.Status == Same {
			t.Errorf("%s: %s", what, sketch(n, ""))
		}
	}
}
