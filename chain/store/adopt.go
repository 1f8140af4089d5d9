package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/stagescope/stagescope/chain"
)

// PartPath is where a download of the file with that digest, in hex, may grow
// until Adopt takes it. Parts that nobody touches for a day go at the next GC.
func (s *Store) PartPath(hex string) string { return s.path(ingestDir, plainName(hex)+".part") }

// Adopt takes a finished file of the store's own file system in as a blob,
// without copying it: f is hashed, synced, closed and renamed. Wrong bytes are a
// *MismatchError and kept aside; the file is gone from its place either way.
func (s *Store) Adopt(ctx context.Context, f *os.File, want chain.Digest, origin string) (int64, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, writeError(s.dir, -1, 0, err)
	}
	got, n, err := copyHashed(ctx, discard{}, f, -1)
	if err != nil {
		return 0, fmt.Errorf("reading %q: %w", f.Name(), err)
	}
	if got != want {
		name := f.Name()
		f.Close()
		e := &MismatchError{What: "file", Want: want, Got: got, WantSize: -1, GotSize: n}
		e.Kept, err = s.setAside(name, Aside{Name: want.Short(), Want: want, Got: got, Origin: origin, Reason: "bytes do not match the digest"})
		return 0, errors.Join(e, err)
	}
	return n, writeError(s.dir, n, n, s.publish(ctx, f, got))
}

// Check hashes a blob and gives its size. Its error wraps ErrNotFound when the
// store does not hold it; damaged bytes are a *MismatchError and set aside.
func (s *Store) Check(ctx context.Context, d chain.Digest) (int64, error) {
	f, err := s.Blob(d)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	got, n, err := copyHashed(ctx, discard{}, f, -1)
	if err != nil {
		return 0, fmt.Errorf("reading blob %s: %w", d, err)
	}
	if got == d {
		return n, nil
	}
	f.Close()
	s.manifests.Delete(d)
	e := &MismatchError{What: fmt.Sprintf("blob in store %q", s.dir), Want: d, Got: got, WantSize: -1, GotSize: n}
	e.Kept, err = s.setAside(s.BlobPath(d), Aside{Name: d.Short(), Want: d, Got: got, Origin: s.BlobPath(d), Reason: "damaged in the store"})
	if errors.Is(err, fs.ErrPermission) {
		err = nil // it stays where it is
	}
	return 0, errors.Join(e, err)
}
