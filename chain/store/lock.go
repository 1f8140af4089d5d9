package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// The lock files. A writer of blobs or of the index holds "writers" shared, for
// the moment of the rename; GC holds it alone while it removes. "index"
// serialises writers of index.json. "maintenance" is held by gc and verify for
// their whole time and names its holder.
const (
	lockWriters     = "writers"
	lockIndex       = "index"
	lockMaintenance = "maintenance"
)

// poll is how often a lock that is held is tried again.
const poll = 5 * time.Millisecond

// holder is the record of who holds the maintenance lock.
type holder struct {
	PID   int       `json:"pid"`
	Work  string    `json:"work"`
	Since time.Time `json:"since"`
}

func (s *Store) shared(ctx context.Context) (func(), error) {
	l := flock.New(s.path(lockDir, lockWriters))
	return s.acquire(ctx, l, l.TryRLockContext)
}

func (s *Store) exclusive(ctx context.Context, name string) (func(), error) {
	l := flock.New(s.path(lockDir, name))
	return s.acquire(ctx, l, l.TryLockContext)
}

func (s *Store) acquire(ctx context.Context, l *flock.Flock, try func(context.Context, time.Duration) (bool, error)) (func(), error) {
	waiting, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	ok, err := try(waiting, poll)
	switch {
	case ctx.Err() != nil:
		if ok {
			_ = l.Close()
		}
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, s.held()
	case err != nil:
		return nil, writeError(s.dir, -1, 0, err)
	case !ok:
		return nil, s.held()
	}
	return func() { _ = l.Close() }, nil
}

// held is the error for a lock that another process keeps.
func (s *Store) held() error {
	e := &HeldError{Dir: s.dir}
	var h holder
	if data, err := os.ReadFile(s.path(lockDir, lockMaintenance+".json")); err == nil && json.Unmarshal(data, &h) == nil {
		e.PID, e.Work, e.Since = h.PID, h.Work, h.Since
	}
	return e
}

// maintain takes the store for work, or fails at once with a *HeldError.
func (s *Store) maintain(work string) (func(), error) {
	l := flock.New(s.path(lockDir, lockMaintenance))
	ok, err := l.TryLock()
	if err != nil {
		return nil, writeError(s.dir, -1, 0, err)
	}
	if !ok {
		return nil, s.held()
	}
	record := s.path(lockDir, lockMaintenance+".json")
	data, err := json.Marshal(holder{PID: os.Getpid(), Work: work, Since: s.now().UTC()})
	if err == nil {
		err = os.WriteFile(record, data, 0o644)
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("recording who holds the store: %w", writeError(s.dir, -1, 0, err))
	}
	return func() {
		_ = os.Remove(record)
		_ = l.Close()
	}, nil
}
