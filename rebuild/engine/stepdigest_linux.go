package engine

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
	"strings"
	"syscall"

	"github.com/containerd/continuity/sysx"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/worker"

	"github.com/stagescope/stagescope/chain"
)

// layerDigest digests what a step itself changed: the uppermost directory of
// its overlay snapshot, where a removed entry is a device 0,0. A snapshot that
// is no overlay is digested whole, which costs more and says the same when two
// such engines are compared.
func layerDigest(ctx context.Context, r solver.Result) (change, error) {
	ref, ok := r.Sys().(*worker.WorkerRef)
	if !ok || ref.ImmutableRef == nil {
		return change{}, errors.New("the step gave no file system")
	}
	m, err := ref.ImmutableRef.Mount(ctx, true, nil)
	if err != nil {
		return change{}, err
	}
	mounts, release, err := m.Mount()
	if err != nil {
		return change{}, err
	}
	if release != nil {
		defer release()
	}
	if len(mounts) == 0 {
		return change{}, errors.New("the step gave no mount")
	}
	if mounts[0].Type != "overlay" {
		return treeDigest(mounts[0].Source)
	}
	for _, o := range mounts[0].Options {
		if lower, ok := strings.CutPrefix(o, "lowerdir="); ok {
			top, _, _ := strings.Cut(lower, ":")
			return treeDigest(top)
		}
	}
	return change{}, errors.New("the overlay has no layer")
}

// treeDigest digests path, type, mode, owner, device, extended attributes, link
// and content of everything below dir, in path order, modification times left
// out.
func treeDigest(dir string) (change, error) {
	h, c := sha256.New(), change{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil || rel == "." {
			return err
		}
		c.Changed++
		return hashEntry(h, rel, p, &c)
	})
	if err != nil {
		return change{}, err
	}
	c.Digest = chain.SHA256([32]byte(h.Sum(nil)))
	return c, nil
}

func hashEntry(h hash.Hash, rel, p string, c *change) error {
	info, err := os.Lstat(p)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("reading the metadata of %q", rel)
	}
	names, err := sysx.LListxattr(p)
	if err != nil {
		names = nil // the file system has none
	}
	xattrs := map[string][]byte{}
	for _, n := range names {
		if xattrs[n], err = sysx.LGetxattr(p, n); err != nil {
			return err
		}
	}
	hashMeta(h, rel, meta{mode: st.Mode, uid: st.Uid, gid: st.Gid, rdev: st.Rdev, xattrs: xattrs})
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		link, err := os.Readlink(p)
		if err != nil {
			return err
		}
		field(h, []byte(link))
	case info.Mode().IsRegular():
		content, err := contentSum(p)
		if err != nil {
			return err
		}
		hashSize(h, info.Size())
		h.Write(content[:])
		c.program(rel, st.Mode, info.Size(), content)
	}
	return nil
}

func contentSum(p string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(p)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
