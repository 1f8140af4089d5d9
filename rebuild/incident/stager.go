package incident

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/chain/seedling"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// Stager stages incidents below a directory. Its fields are set before it is
// used; its methods may be called concurrently, also in several processes.
type Stager struct {
	Dir string // everything lies below it

	// Engine starts what builds; it is called at most once, and only when
	// something has to be built. Nil means that nothing can be built: builds are
	// then taken from Recording.
	Engine    func(ctx context.Context) (rebuild.Engine, error)
	Recording []byte // of builds, as Record wrote it
	Progress  func(Event)
	Now       func() time.Time // nil means time.Now

	engine rebuild.Engine
	builds map[incident.Tree]*build
}

// Event is progress of staging.
type Event struct {
	Incident string              // "" when it is about something that several need
	Text     string              // what begins
	Build    *rebuild.StageEvent // progress of a build; nil when Text says it
}

// ErrNotPrepared says that an incident was not staged yet by this version.
var ErrNotPrepared = errors.New("the incident is not prepared")

// The names in the directory of a version.
const (
	buildsDir = "builds"
	lockName  = "lock"
	factsName = "incident.json"
)

// lockPoll is how often a lock that another process holds is tried again.
const lockPoll = 100 * time.Millisecond

// version is the directory of this version's incidents: named by the digest of
// all that they are made of, so that no version takes another's.
func (s *Stager) version() (string, error) {
	h := sha256.New()
	for _, tree := range []fs.FS{seedling.FS(), incident.Files()} {
		err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := fs.ReadFile(tree, name)
			fmt.Fprintf(h, "%d %s %d\n%s", len(name), name, len(data), data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	fmt.Fprintf(h, "form %d\n", form)
	name := chain.SHA256([32]byte(h.Sum(nil))).Short()
	if s.Engine == nil {
		name += "-recorded"
	}
	return filepath.Join(s.Dir, name), nil
}

// form counts changes of what is written below the directory.
const form = 2

// Path is the directory of an incident, whether it is prepared or not.
func (s *Stager) Path(name string) (string, error) {
	dir, err := s.version()
	return filepath.Join(dir, name), err
}

// Open reads an incident that was prepared. Its error wraps ErrNotPrepared when
// it was not.
func (s *Stager) Open(name string) (*Staged, error) {
	if _, err := incident.Find(name); err != nil {
		return nil, err
	}
	dir, err := s.Path(name)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, factsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening %q: %w", name, ErrNotPrepared)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %q: %w", name, err)
	}
	st := &Staged{Dir: dir}
	if err := json.Unmarshal(data, st); err != nil || st.V != form {
		return nil, fmt.Errorf("opening %q: %w", name, ErrNotPrepared)
	}
	return st, nil
}

// Prepare stages an incident unless it is prepared. Whoever asks while another
// process prepares waits for it. When it is interrupted nothing of the incident
// is left; finished builds are.
func (s *Stager) Prepare(ctx context.Context, name string) (*Staged, error) {
	if st, err := s.Open(name); err == nil || !errors.Is(err, ErrNotPrepared) {
		return st, err
	}
	dir, err := s.version()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("preparing %q: %w", name, err)
	}
	lock := flock.New(filepath.Join(dir, lockName))
	if ok, _ := lock.TryLock(); !ok {
		s.say(Event{Incident: name, Text: "another process prepares incidents; waiting for it"})
		if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
			return nil, fmt.Errorf("preparing %q: %w", name, err)
		}
	}
	defer func() { _ = lock.Unlock() }()
	if st, err := s.Open(name); err == nil {
		return st, nil
	}
	if err := s.prepare(ctx, dir, name); err != nil {
		return nil, fmt.Errorf("preparing %q: %w", name, err)
	}
	return s.Open(name)
}

// prepare works in a directory beside the incident's and renames it at the end.
func (s *Stager) prepare(ctx context.Context, dir, name string) error {
	if err := s.sweep(dir); err != nil {
		return err
	}
	if s.Engine == nil {
		if err := s.restore(ctx); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp(dir, "."+name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // what is left when it fails
	final := filepath.Join(dir, name)
	w := &staging{Stager: s, name: name, dir: tmp, final: final, Staged: Staged{V: form, Name: name, Facts: map[string]string{}}}
	if err := w.stage(ctx); err != nil {
		return err
	}
	data, err := json.MarshalIndent(&w.Staged, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, factsName), data, 0o644); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(final); err != nil { // of an unreadable earlier form
		return err
	}
	return os.Rename(tmp, final)
}

// sweep removes what interrupted preparations left. Nobody else prepares now.
func (s *Stager) sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, ".*-*"))
	for _, l := range left {
		err = errors.Join(err, os.RemoveAll(l))
	}
	return err
}

// Close ends the engine, if one was started.
func (s *Stager) Close() error {
	if s.engine == nil {
		return nil
	}
	err := s.engine.Close()
	s.engine = nil
	return err
}

func (s *Stager) say(e Event) {
	if s.Progress != nil {
		s.Progress(e)
	}
}

func (s *Stager) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// Staged is an incident as it lies on disk.
type Staged struct {
	V        int               `json:"v"`
	Name     string            `json:"name"`
	Recorded bool              `json:"recorded"` // from a recording: its hashes were checked, it was not rebuilt here
	Facts    map[string]string `json:"facts"`    // what the narration names, by name
	Places   map[string]string `json:"places"`   // party → directory of its repository, below Dir

	Dir string `json:"-"`
}

// Tree is the directory of the tree that the incident is looked at from.
func (s *Staged) Tree() string { return filepath.Join(s.Dir, "tree") }

// StoreDir is the directory of the store with the own rebuilds.
func (s *Staged) StoreDir() string { return filepath.Join(s.Dir, "store") }

// Place is the directory of a party's repository.
func (s *Staged) Place(party string) string {
	return filepath.Join(s.Dir, filepath.FromSlash(s.Places[party]))
}

// PartiesFile and PolicyFile are what the verb verify takes.
func (s *Staged) PartiesFile() string { return filepath.Join(s.Dir, "parties.toml") }

// PolicyFile is described with PartiesFile.
func (s *Staged) PolicyFile() string { return filepath.Join(s.Dir, "policy.toml") }

// Store opens the store with the own rebuilds.
func (s *Staged) Store() (*store.Store, error) { return store.Open(s.StoreDir()) }
