package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// ErrNoRepository is wrapped when there is no git repository.
var ErrNoRepository = errors.New("there is no git repository")

// Bounds on what a hostile repository can cost.
const (
	maxTags   = 10_000
	maxPeel   = 8        // tags of tags
	maxBlob   = 16 << 20 // bytes of a file that is read
	tagPrefix = "refs/tags/"
)

// Repository is a git repository on disk, opened for reading.
type Repository struct {
	dir string
	st  *filesystem.Storage
	mu  sync.Mutex
}

// Open opens the repository of a work tree, or a repository itself. Its error
// wraps ErrNoRepository when dir is neither.
func Open(dir string) (*Repository, error) {
	own, common, err := gitDirs(dir)
	if err != nil {
		return nil, err
	}
	// Names below the one that are not the work tree's own lie in the other.
	repo := dotgit.NewRepositoryFilesystem(osfs.New(own), osfs.New(common))
	st := filesystem.NewStorageWithOptions(repo, cache.NewObjectLRU(32<<20), filesystem.Options{KeepDescriptors: true, AlternatesFS: osfs.New("/")})
	return &Repository{dir: dir, st: st}, nil
}

// Close lets go of the packs.
func (r *Repository) Close() error { return r.st.Close() }

// gitDirs finds the repository's own directory and the one it shares with other
// work trees.
func gitDirs(dir string) (own, common string, err error) {
	own, err = filepath.Abs(dir)
	if err != nil {
		return "", "", fmt.Errorf("finding %q: %w", dir, err)
	}
	if dot := filepath.Join(own, ".git"); exists(dot) {
		own = dot
	}
	if info, err := os.Stat(own); err == nil && info.Mode().IsRegular() {
		target, err := pointer(own, "gitdir: ")
		if err != nil {
			return "", "", err
		}
		own = target
	}
	common = own
	if name := filepath.Join(own, "commondir"); exists(name) {
		if common, err = pointer(name, ""); err != nil {
			return "", "", err
		}
	}
	if !exists(filepath.Join(own, "HEAD")) || !exists(filepath.Join(common, "objects")) {
		return "", "", fmt.Errorf("%w in %q", ErrNoRepository, dir)
	}
	return own, common, nil
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// pointer reads a small file that holds a path, relative to its own place.
func pointer(name, prefix string) (string, error) {
	const longest = 16 << 10
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > longest {
		return "", fmt.Errorf("finding the repository: %q is no file with a path: %w", name, ErrNoRepository)
	}
	p, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(p), "\r\n"), prefix)
	if !ok || target == "" {
		return "", fmt.Errorf("finding the repository: %q names none: %w", name, ErrNoRepository)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	return target, nil
}

// Tag is a tag of the repository, down to its commit.
type Tag struct {
	Name   string // without refs/tags/
	Commit string // in hex
	When   time.Time
	tree   plumbing.Hash
}

// Tags are all tags that lead to commits, the oldest commit first. What leads
// elsewhere, or cannot be read, is given as a problem.
func (r *Repository) Tags() (tags []Tag, problems []string, err error) {
	refs, err := r.st.IterReferences()
	if err != nil {
		return nil, nil, fmt.Errorf("reading the tags of %q: %w", r.dir, err)
	}
	defer refs.Close()
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		name, ok := strings.CutPrefix(string(ref.Name()), tagPrefix)
		if !ok || ref.Type() != plumbing.HashReference {
			return nil
		}
		if len(tags)+len(problems) == maxTags {
			return fmt.Errorf("there are more than %d tags", maxTags)
		}
		c, err := r.peel(ref.Hash())
		if err != nil {
			problems = append(problems, fmt.Sprintf("tag %q: %v", name, err))
			return nil
		}
		tags = append(tags, Tag{Name: name, Commit: c.Hash.String(), When: c.Committer.When, tree: c.TreeHash})
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading the tags of %q: %w", r.dir, err)
	}
	slices.SortFunc(tags, func(a, b Tag) int {
		if d := a.When.Compare(b.When); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return tags, problems, nil
}

// peel follows tags to their commit.
func (r *Repository) peel(h plumbing.Hash) (*object.Commit, error) {
	for range maxPeel {
		t, err := object.GetTag(r.st, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return object.GetCommit(r.st, h)
		}
		if err != nil {
			return nil, err
		}
		h = t.Target
	}
	return nil, errors.New("it leads from tag to tag")
}

// FS gives the files of a tag's commit.
func (r *Repository) FS(t Tag) (fs.FS, error) {
	r.mu.Lock()
	tree, err := object.GetTree(r.st, t.tree)
	r.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("reading the tree of %q: %w", t.Name, err)
	}
	return treeFS{tree, &r.mu}, nil
}
