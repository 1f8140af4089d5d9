package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Store is an OCI layout on disk and what lies beside it. Any number of
// processes and goroutines may use one at the same time.
//
// Below its directory are:
//
//	oci/      the OCI image layout: oci-layout, index.json, blobs/sha256/
//	engine/   an engine's state, not an OCI layout; the engine's own
//	aside/    files whose bytes were wrong, each with a record
//	cache/    values that can be computed again
//	ingest/   files that are being written
//	locks/    lock files
type Store struct {
	dir string

	manifests sync.Map // chain.Digest → *manifest: parsed manifests, which never change
	parsed    parsedIndex
	wait      time.Duration
	now       func() time.Time
}

const (
	layoutDir = "oci"
	engineDir = "engine"
	asideDir  = "aside"
	cacheDir  = "cache"
	ingestDir = "ingest"
	lockDir   = "locks"
)

// DefaultDir is where the store is when nobody says otherwise: "stagescope" in
// the user's cache directory.
func DefaultDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache directory: %w", err)
	}
	return filepath.Join(dir, "stagescope"), nil
}

// Open opens the store in dir and creates it when it is not there. A store that
// exists but cannot be written to can be opened for reading; writing to it then
// gives an error that says so.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the store %q: %w", dir, err)
	}
	s := &Store{dir: abs, wait: 30 * time.Second, now: time.Now}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("opening the store %q: not a directory", dir)
	}
	if err := s.create(); err != nil {
		if _, statErr := os.Stat(filepath.Join(s.Layout(), ocispec.ImageLayoutFile)); statErr == nil {
			return s, nil // complete enough to be read
		}
		return nil, fmt.Errorf("creating the store: %w", writeError(abs, -1, 0, err))
	}
	return s, nil
}

func (s *Store) create() error {
	for _, d := range []string{s.blobDir(), s.EngineDir(), s.path(asideDir), s.path(cacheDir), s.path(ingestDir), s.path(lockDir)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	name := filepath.Join(s.Layout(), ocispec.ImageLayoutFile)
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	data, err := json.Marshal(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return err
	}
	return s.writeFile(name, data, true)
}

// Dir is the store's directory, absolute.
func (s *Store) Dir() string { return s.dir }

// Layout is the directory of the OCI image layout.
func (s *Store) Layout() string { return s.path(layoutDir) }

// EngineDir is the directory for an engine's state. It is outside the layout;
// the store never reads it.
func (s *Store) EngineDir() string { return s.path(engineDir) }

func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

func (s *Store) blobDir() string { return s.path(layoutDir, ocispec.ImageBlobsDir, "sha256") }

// writeFile replaces the file name as a whole: written under a temporary name,
// synced when durable, and renamed.
func (s *Store) writeFile(name string, data []byte, durable bool) error {
	f, err := os.CreateTemp(s.path(ingestDir), "file-*")
	if err != nil {
		return writeError(s.dir, int64(len(data)), 0, err)
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	n, err := f.Write(data)
	if err == nil && durable {
		err = f.Sync()
	}
	if err == nil {
		err = f.Chmod(0o644)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err == nil && durable {
		err = syncDir(filepath.Dir(name))
	}
	return writeError(s.dir, int64(len(data)), int64(n), err)
}

// syncDir makes a rename inside dir durable. Systems that cannot sync a
// directory do not need it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !os.IsPermission(err) && !isUnsupported(err) {
		return err
	}
	return nil
}
