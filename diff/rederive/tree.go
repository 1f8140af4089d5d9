package rederive

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/stagescope/stagescope/chain/image"
)

// firstOther is the first path at which two file systems differ in anything;
// "" when they are equal. Both have been hashed.
func firstOther(a, b *image.FS) string {
	nextA, stopA := iter.Pull(a.Files())
	defer stopA()
	nextB, stopB := iter.Pull(b.Files())
	defer stopB()
	for {
		fa, okA := nextA()
		fb, okB := nextB()
		switch {
		case !okA && !okB:
			return ""
		case !okA:
			return orRoot(fb.Path)
		case !okB:
			return orRoot(fa.Path)
		}
		if described(fa) != described(fb) {
			return orRoot(min(fa.Path, fb.Path))
		}
	}
}

func orRoot(p string) string {
	if p == "" {
		return "/"
	}
	return p
}

// described is all that is known of a file, its content by its digest.
func described(f *image.File) string {
	s := fmt.Sprintf("%q %v %o %d %d %d %d %q %q %d %d %d %s", f.Path, f.Type, f.Mode, f.UID, f.GID, f.ModTime.UnixNano(), f.Size, f.Link, f.HardLink, f.Major, f.Minor, len(f.Xattrs), f.Digest)
	for _, k := range slices.Sorted(maps.Keys(f.Xattrs)) {
		s += fmt.Sprintf(" %q=%q", k, f.Xattrs[k])
	}
	return s
}
