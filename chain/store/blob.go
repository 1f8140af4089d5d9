package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// PutBlob takes in the bytes of r and gives their digest and size. The blob
// appears under its name only when it is complete and synced. When want is not
// "", other bytes give a *MismatchError and are kept aside; when the store has
// want already, r is not read.
func (s *Store) PutBlob(ctx context.Context, r io.Reader, want chain.Digest) (chain.Digest, int64, error) {
	return s.putBlob(ctx, r, want, -1, "")
}

// PutBlobFrom is PutBlob for bytes of a known origin, which the record of a bad
// file names, and of a known size (-1 when it is not).
func (s *Store) PutBlobFrom(ctx context.Context, r io.Reader, want chain.Digest, size int64, origin string) (chain.Digest, int64, error) {
	return s.putBlob(ctx, r, want, size, origin)
}

func (s *Store) putBlob(ctx context.Context, r io.Reader, want chain.Digest, size int64, origin string) (chain.Digest, int64, error) {
	if want != "" {
		if _, err := chain.ParseDigest(string(want)); err != nil {
			return "", 0, err
		}
		if info, err := os.Stat(s.BlobPath(want)); err == nil {
			return want, info.Size(), nil
		}
	}
	f, err := os.CreateTemp(s.path(ingestDir), "blob-*")
	if err != nil {
		return "", 0, writeError(s.dir, size, 0, err)
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	defer f.Close()
	got, n, err := copyHashed(ctx, f, r, size)
	if err != nil {
		var w *diskError
		if errors.As(err, &w) {
			return "", 0, writeError(s.dir, size, n, w.error)
		}
		return "", 0, fmt.Errorf("reading a blob: %w", err)
	}
	if (want != "" && got != want) || (size >= 0 && n != size) {
		e := &MismatchError{What: "blob", Want: want, Got: got, WantSize: size, GotSize: n}
		if want == "" {
			e.Want = got
		}
		f.Close()
		e.Kept, err = s.setAside(f.Name(), Aside{Name: want.Short(), Want: want, Got: got, Origin: origin, Reason: "bytes do not match the digest"})
		return "", 0, errors.Join(e, err)
	}
	if err := s.publish(ctx, f, got); err != nil {
		return "", 0, writeError(s.dir, n, n, err)
	}
	return got, n, nil
}

// publish syncs f, closes it and gives it its blob's name.
func (s *Store) publish(ctx context.Context, f *os.File, d chain.Digest) error {
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	release, err := s.shared(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := os.Rename(f.Name(), s.BlobPath(d)); err != nil {
		return err
	}
	return syncDir(s.blobDir())
}

// diskError marks an error of the store's own disk, as opposed to one of the
// reader that blobs come from.
type diskError struct{ error }

func (e *diskError) Unwrap() error { return e.error }

// copyHashed copies r to w until its end, at most one byte more than limit when
// limit is not negative.
func copyHashed(ctx context.Context, w io.Writer, r io.Reader, limit int64) (chain.Digest, int64, error) {
	if limit >= 0 {
		r = io.LimitReader(r, limit+1)
	}
	h := sha256.New()
	buf := make([]byte, 256<<10)
	var n int64
	for {
		if err := ctx.Err(); err != nil {
			return "", n, err
		}
		k, err := r.Read(buf)
		if k > 0 {
			h.Write(buf[:k])
			m, werr := w.Write(buf[:k])
			n += int64(m)
			if werr != nil {
				return "", n, &diskError{werr}
			}
		}
		if err == io.EOF {
			return sum(h), n, nil
		}
		if err != nil {
			return "", n, err
		}
	}
}

func sum(h hash.Hash) chain.Digest { return chain.SHA256([32]byte(h.Sum(nil))) }

// BlobPath is where the blob lies, whether it is there or not. Whoever reads it
// there reads it unverified.
func (s *Store) BlobPath(d chain.Digest) string { return filepath.Join(s.blobDir(), d.Hex()) }

// Has reports whether the store holds the blob.
func (s *Store) Has(d chain.Digest) bool {
	if _, err := chain.ParseDigest(string(d)); err != nil {
		return false
	}
	info, err := os.Stat(s.BlobPath(d))
	return err == nil && info.Mode().IsRegular()
}

// Blob opens a blob, unverified: package image verifies what it reads. Its
// error wraps ErrNotFound when the store does not hold it.
func (s *Store) Blob(d chain.Digest) (*os.File, error) {
	if _, err := chain.ParseDigest(string(d)); err != nil {
		return nil, err
	}
	f, err := os.Open(s.BlobPath(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", d, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening blob %s: %w", d, err)
	}
	s.touch(d)
	return f, nil
}

// ReadBlob reads a small blob whole and verifies it. A blob of more than limit
// bytes is an error.
func (s *Store) ReadBlob(d chain.Digest, limit int64) ([]byte, error) {
	f, err := s.Blob(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading blob %s: %w", d, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("blob %s is longer than %d bytes", d, limit)
	}
	if got := chain.SHA256(sha256.Sum256(data)); got != d {
		return nil, &MismatchError{What: fmt.Sprintf("blob in store %q", s.dir), Want: d, Got: got, WantSize: -1, GotSize: int64(len(data))}
	}
	return data, nil
}

// touch records the use of a blob in its modification time, for GC. It is
// coarse, to cost nothing on repeated use, and may fail: a store that cannot be
// written to needs no GC.
func (s *Store) touch(d chain.Digest) {
	name := s.BlobPath(d)
	if info, err := os.Stat(name); err == nil && s.now().Sub(info.ModTime()) > 10*time.Minute {
		_ = os.Chtimes(name, time.Time{}, s.now())
	}
}
