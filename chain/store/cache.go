package store

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stagescope/stagescope/chain"
)

// PutCache keeps a value that can be computed again from the object with the
// digest key, e.g. the index of a layer's entries by its diff ID. Kind names
// what the value is, with the version of its encoding: "layer-index-1". A cache
// that cannot be written to is no fault of the caller's work; callers may
// ignore the error.
func (s *Store) PutCache(kind string, key chain.Digest, data []byte) error {
	name := s.cachePath(kind, key)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return writeError(s.dir, int64(len(data)), 0, err)
	}
	h := cacheSum(kind, key, data)
	return s.writeFile(name, append(h[:], data...), false)
}

// Cache gives a value kept by PutCache. Whatever is not exactly what was put is
// not given: a value damaged on disk counts as not there.
func (s *Store) Cache(kind string, key chain.Digest) ([]byte, bool) {
	b, err := os.ReadFile(s.cachePath(kind, key))
	if err != nil || len(b) < sha256.Size {
		return nil, false
	}
	data := b[sha256.Size:]
	if cacheSum(kind, key, data) != [sha256.Size]byte(b[:sha256.Size]) {
		return nil, false
	}
	return data, true
}

// cacheSum is over what the value is of as well, so that one in the place of
// another counts as damaged.
func cacheSum(kind string, key chain.Digest, data []byte) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", kind, key)
	h.Write(data)
	return [sha256.Size]byte(h.Sum(nil))
}

func (s *Store) cachePath(kind string, key chain.Digest) string {
	hex := plainName(key.Hex())
	return s.path(cacheDir, plainName(kind), hex[:min(2, len(hex))], hex)
}
