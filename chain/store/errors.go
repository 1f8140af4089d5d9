package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// ErrNotFound is wrapped by errors about a blob or tag that the store does not
// hold.
var ErrNotFound = errors.New("not in the store")

// MismatchError reports bytes that are not those that their digest promises.
type MismatchError struct {
	What      string       // what was read, e.g. "blob" or a file's name
	Want, Got chain.Digest // expected and found
	WantSize  int64        // -1 when no size was promised
	GotSize   int64
	Kept      string // where the bad bytes were kept for inspection; "" when they were not
}

func (e *MismatchError) Error() string {
	s := fmt.Sprintf("%s: expected %s, found %s (%d bytes)", e.What, e.Want, e.Got, e.GotSize)
	if e.WantSize >= 0 && e.WantSize != e.GotSize {
		s = fmt.Sprintf("%s: expected %s of %d bytes, found %s of %d bytes", e.What, e.Want, e.WantSize, e.Got, e.GotSize)
	}
	if e.Kept != "" {
		s += fmt.Sprintf("; kept as %q", e.Kept)
	}
	return s
}

// HeldError reports that another process does exclusive work on the store.
type HeldError struct {
	Dir   string
	PID   int    // 0 when the holder left no record
	Work  string // "gc", "verify"
	Since time.Time
}

func (e *HeldError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("store %q is held by another process", e.Dir)
	}
	return fmt.Sprintf("store %q is held by process %d (%s since %s)", e.Dir, e.PID, e.Work, e.Since.Format(time.RFC3339))
}

// SpaceError reports a file system that is full, or a quota that is used up.
type SpaceError struct {
	Dir     string
	Need    int64 // bytes of the whole file; -1 when not known
	Written int64 // bytes that fitted; they were removed again
	Err     error
}

func (e *SpaceError) Error() string {
	need := "a file of unknown size"
	if e.Need >= 0 {
		need = fmt.Sprintf("a file of %d bytes", e.Need)
	}
	return fmt.Sprintf("no space left in %q: writing %s stopped after %d bytes, which were removed", e.Dir, need, e.Written)
}

func (e *SpaceError) Unwrap() error { return e.Err }

// writeError names the directory in an error of writing to it, and tells a
// full disk and a lack of permission from other trouble.
func writeError(dir string, need, written int64, err error) error {
	var held *HeldError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &held), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, errQuota):
		return &SpaceError{Dir: dir, Need: need, Written: written, Err: err}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("store at %q cannot be written to: %w", dir, err)
	}
	return fmt.Errorf("writing to the store at %q: %w", dir, err)
}

// isUnsupported reports errors of a file system or system that does not offer
// an operation.
func isUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}
