package pgp

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// maxNumber bounds the signatures of one digest, maxFiles those of a directory.
const (
	maxNumber = 200
	maxFiles  = 2_000_000
)

// ReadDir checks every signature file below a directory that is a lookaside's
// base, such as "signatures" of a StageX tree, sorted by repository, digest and
// number. A file that cannot be read, or is none, is in the list with a reason.
// The error is that the directory as a whole could not be read, or is too large.
func (v *Verifier) ReadDir(ctx context.Context, fsys fs.FS, base string) ([]Signature, error) {
	var all []Signature
	err := fs.WalkDir(fsys, base, func(p string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(p, base), "/")
		switch {
		case err != nil && p == base:
			return err
		case err != nil:
			all = append(all, unread(rel, err))
			return nil
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir() || !strings.HasPrefix(d.Name(), "signature-"):
			return nil
		case len(all) == maxFiles:
			return fmt.Errorf("more than %d signatures", maxFiles)
		}
		all = append(all, v.readFile(fsys, p, rel))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading signatures in %q: %w", base, err)
	}
	order(all)
	return all, nil
}

// Of checks the signatures of one digest in a directory.
func (v *Verifier) Of(ctx context.Context, fsys fs.FS, base, repository string, digest chain.Digest) ([]Signature, error) {
	dir := path.Dir(Path(repository, digest, 1))
	entries, err := fs.ReadDir(fsys, path.Join(base, dir))
	if err != nil {
		return nil, fmt.Errorf("reading signatures of %s@%s: %w", repository, digest, err)
	}
	var all []Signature
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !strings.HasPrefix(e.Name(), "signature-") {
			continue
		}
		if len(all) == maxNumber {
			return nil, fmt.Errorf("reading signatures of %s@%s: more than %d", repository, digest, maxNumber)
		}
		rel := path.Join(dir, e.Name())
		all = append(all, v.readFile(fsys, path.Join(base, rel), rel))
	}
	order(all)
	return all, nil
}

func (v *Verifier) readFile(fsys fs.FS, name, rel string) Signature {
	// A link could lead out of the directory, a pipe would be waited for.
	info, err := fs.Lstat(fsys, name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is no regular file", name)
	}
	if err != nil {
		return unread(rel, err)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return unread(rel, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return unread(rel, err)
	}
	return v.Check(rel, b)
}

// unread is a signature of which the file could not be had.
func unread(rel string, err error) Signature {
	s := Signature{Path: rel, Verification: claim.Verification{State: claim.Unverified, Reason: fmt.Sprintf("reading it: %v", err)}}
	if repository, digest, n, err := ParsePath(rel); err == nil {
		s.Repository, s.Digest, s.Number = repository, digest, n
	}
	return s
}

// order sorts, and marks what a client that stops at the first missing number
// does not see.
func order(all []Signature) {
	slices.SortFunc(all, func(a, b Signature) int {
		if c := strings.Compare(a.Repository, b.Repository); c != 0 {
			return c
		}
		if c := strings.Compare(string(a.Digest), string(b.Digest)); c != 0 {
			return c
		}
		if a.Number != b.Number {
			return a.Number - b.Number
		}
		return strings.Compare(a.Path, b.Path)
	})
	want := 1
	for i := range all {
		if i == 0 || all[i].Repository != all[i-1].Repository || all[i].Digest != all[i-1].Digest {
			want = 1
		}
		all[i].Hidden = all[i].Number > want
		if all[i].Number == want {
			want++
		}
	}
}
