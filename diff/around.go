package diff

import (
	"context"
	"fmt"
	"os"

	"github.com/stagescope/stagescope/chain/image"
)

// around compares the archives that hold two images which are the same: an archive
// has names of images, and may have files, that are no part of any. Who names the
// files themselves asks whether these are the same, and they are compared as files;
// who names an image in them is told that there is more.
func (c *Comparison) around(ctx context.Context) error {
	ra, rb := c.ImageA.Ref(), c.ImageB.Ref()
	paths := archivePath(ra) && archivePath(rb)
	if paths && c.Root.Status == Differs {
		c.Root.note("of the archives the images in them were compared, and nothing beside these")
	}
	if paths && c.Root.Status == Same && c.ImageA.ManifestDigest() != c.ImageB.ManifestDigest() {
		c.Root.note("the archives that hold the images are of two kinds, and were not compared")
		return nil
	}
	if c.Root.Status == Same {
		if da, db := heldIn(ra), heldIn(rb); da != "" && db != "" {
			return c.beside(ctx, da, db)
		}
	}
	if c.Root.Status != Same || ra.Kind != rb.Kind || ra.Kind != image.KindOCI && ra.Kind != image.KindDockerArchive {
		return nil
	}
	var ins [2]*Input
	var infos [2]os.FileInfo
	for i, r := range []image.Reference{ra, rb} {
		if copied := c.srcs[i].copy; copied != nil {
			info, err := copied.Stat()
			if err != nil {
				return fmt.Errorf("comparing the archives around the images: %w", err)
			}
			infos[i], ins[i] = info, &Input{ReaderAt: copied, Name: r.Text, Size: info.Size()}
			continue
		}
		info, err := os.Stat(r.Path)
		if err != nil {
			return fmt.Errorf("comparing the archives around the images: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil // a directory, of which each file is an object
		}
		f, err := os.Open(r.Path)
		if err != nil {
			return fmt.Errorf("comparing the archives around the images: %w", err)
		}
		c.close = append(c.close, f.Close)
		infos[i], ins[i] = info, &Input{ReaderAt: f, Name: r.Path, Size: info.Size()}
	}
	if os.SameFile(infos[0], infos[1]) {
		return nil
	}
	n, err := c.Pair(ctx, "", "the archive around the image", ins[0], ins[1])
	if err != nil || n.Status == Same {
		return err
	}
	if !paths {
		c.Root.note("the archives that hold the images are not the same; give their paths alone to compare them as well")
		return nil
	}
	c.Root.Children = append(c.Root.Children, n)
	c.Root.Status = n.Status
	c.Root.Settle()
	return nil
}

// archivePath reports whether a reference is the path of an archive, and nothing else.
func archivePath(r image.Reference) bool {
	if r.Text != r.Path || r.Kind != image.KindOCI && r.Kind != image.KindDockerArchive {
		return false
	}
	info, err := os.Stat(r.Path)
	return err == nil && info.Mode().IsRegular()
}
