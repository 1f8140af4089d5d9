package publish

import (
	"context"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// maxDepth bounds indexes in indexes.
const maxDepth = 4

// CopyImage copies an image by the digest of its manifest or index, with all that
// belongs to it, and gives it a tag unless that is "".
func CopyImage(ctx context.Context, from, to Place, d chain.Digest, tag string) error {
	return copyTree(ctx, from, to, d, tag, maxDepth)
}

func copyTree(ctx context.Context, from, to Place, d chain.Digest, tag string, depth int) error {
	if depth == 0 {
		return fmt.Errorf("copying %s: indexes are nested too deep", d)
	}
	m, err := from.Manifest(ctx, string(d))
	if err != nil {
		return fmt.Errorf("copying %s: %w", d, err)
	}
	p, err := m.parse()
	if err != nil {
		return fmt.Errorf("copying: %w", err)
	}
	for _, c := range p.Manifests {
		if err := copyTree(ctx, from, to, chain.Digest(c.Digest), "", depth-1); err != nil {
			return err
		}
	}
	blobs := p.Layers
	if p.Config != nil {
		blobs = append([]ocispec.Descriptor{*p.Config}, blobs...)
	}
	for _, b := range blobs {
		open := func() (io.ReadCloser, error) { return from.Blob(ctx, b) }
		if err := to.PutBlob(ctx, b, open); err != nil {
			return fmt.Errorf("copying %s: %w", d, err)
		}
	}
	return to.PutManifest(ctx, m, tag)
}
