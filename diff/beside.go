package diff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/stagescope/stagescope/chain/image"
)

// heldIn is where a reference to an image in a directory leads; "" for others.
func heldIn(r image.Reference) string {
	info, err := os.Stat(r.Path)
	if r.Path == "" || err != nil || !info.IsDir() {
		return ""
	}
	return r.Path
}

// maxBeside bounds the files beside an image of which the bytes are compared.
const maxBeside = 1 << 20

// beside says in what two directories differ that hold images which are the same.
// That is no difference of the images: a layout may hold others, whose blobs are not
// read for this. The names and sizes of all files are compared, and the bytes of small
// ones that are no blobs.
func (c *Comparison) beside(ctx context.Context, da, db string) error {
	a, err := c.filesIn(ctx, da)
	if err != nil {
		return err
	}
	b, err := c.filesIn(ctx, db)
	if err != nil {
		return err
	}
	var onlyA, onlyB, other []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		size, ok := b[name]
		switch {
		case !ok:
			onlyA = append(onlyA, name)
		case size != a[name], size <= maxBeside && !blob(name) && !equalFiles(filepath.Join(da, name), filepath.Join(db, name)):
			other = append(other, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[name]; !ok {
			onlyB = append(onlyB, name)
		}
	}
	for _, l := range []struct {
		names []string
		what  string
	}{{onlyA, "only side A's directory has"}, {onlyB, "only side B's directory has"}, {other, "the directories have different"}} {
		if len(l.names) > 0 {
			c.Root.note(fmt.Sprintf("beside the image, which is the same, %s %s", l.what, someNames(l.names)))
		}
	}
	return nil
}

// blob reports whether a file of a directory is named by its digest.
func blob(name string) bool {
	d, base := filepath.Split(name)
	return filepath.Dir(filepath.Clean(d)) == "blobs" || len(base) == 64
}

// someNames lists the first of many names.
func someNames(names []string) string {
	var b bytes.Buffer
	for i, n := range names[:min(len(names), 4)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(n))
	}
	if k := len(names) - 4; k > 0 {
		fmt.Fprintf(&b, " and %d more", k)
	}
	return b.String()
}

// filesIn gives the sizes of all that lies in a directory, -1 for what is no file.
func (c *Comparison) filesIn(ctx context.Context, dir string) (map[string]int64, error) {
	out := map[string]int64{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return err
		}
		if len(out) >= c.limit.Members {
			return fmt.Errorf("%w: it has more than %d files", ErrLimit, len(out))
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		out[rel] = -1
		if d.Type().IsRegular() {
			info, err := d.Info()
			if err != nil {
				return err
			}
			out[rel] = info.Size()
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil && !errors.Is(err, ErrLimit) {
		return nil, fmt.Errorf("listing what lies beside the image: %w", err)
	}
	if err != nil {
		c.Root.note("what lies beside the image in " + strconv.Quote(dir) + " was not compared to its end: " + err.Error())
	}
	return out, nil
}

// equalFiles compares two small files; what cannot be read is not equal.
func equalFiles(a, b string) bool {
	pa, errA := os.ReadFile(a)
	pb, errB := os.ReadFile(b)
	return errA == nil && errB == nil && bytes.Equal(pa, pb)
}
