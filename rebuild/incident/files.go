package incident

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
)

// maxFile bounds a file that is read whole out of an image, in bytes.
const maxFile = 16 << 20

// image opens the image of a stage as it was built.
func (b *build) image(ctx context.Context, id string) (*image.Image, error) {
	desc, err := b.store.Resolve(store.StageTag(id))
	if err != nil {
		return nil, err
	}
	d := chain.Digest(desc.Digest)
	return image.OpenReference(ctx, image.Reference{Kind: image.KindStore, Text: "stage:" + id, Digest: d}, image.Options{Store: b.store, Platform: platform, Offline: true})
}

// platform is the one for which the embedded chain is written.
const platform = "linux/amd64"

// file reads a file out of a stage's image.
func (b *build) file(ctx context.Context, id, name string) ([]byte, error) {
	img, err := b.image(ctx, id)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	files, err := img.FS(ctx, false)
	if err != nil {
		return nil, err
	}
	f, err := files.Find(name)
	if err != nil {
		return nil, err
	}
	r, err := files.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%q has more than %d bytes", name, maxFile)
	}
	return data, err
}

// copyTree copies a directory into one that does not exist yet.
func copyTree(to, from string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.CopyFS(to, os.DirFS(from))
}

// copyStore copies what a build's store holds of images and results, without the
// engine's state.
func (b *build) copyStore(to string) error {
	return copyTree(filepath.Join(to, "oci"), b.store.Layout())
}
