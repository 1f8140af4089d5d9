package rebuild

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// claims are all that anyone says about the stage's image.
func (b *Builder) claims(s *chain.Stage) []chain.Claimed {
	out := append([]chain.Claimed(nil), s.Published...)
	if b.Claims != nil {
		out = append(out, b.Claims(s)...)
	}
	return out
}

// compare judges an image by every claim. Where a claim does not match and the
// claimed image is at hand, it goes on to see how far the two agree.
func (b *Builder) compare(ctx context.Context, s *chain.Stage, img *image.Image, own *Digests) (Verdict, error) {
	claims := b.claims(s)
	for _, c := range claims {
		if c.Level == chain.LevelFiles && own.Files == "" {
			root, err := img.TreeRoot(ctx)
			if err != nil {
				if ctx.Err() != nil {
					return Verdict{}, ctx.Err()
				}
				continue // judge says that there is nothing to compare
			}
			own.Files = root
		}
	}
	v := judge(*own, claims)
	if s.Exporter.CompatibilityNote != "" && v.Status == Differs {
		v.Notes = append(v.Notes, s.Exporter.CompatibilityNote)
	}
	for i := range v.Compared {
		if x := &v.Compared[i]; x.differs() {
			b.deeper(ctx, s, img, own, x)
			if ctx.Err() != nil {
				return Verdict{}, ctx.Err()
			}
		}
	}
	return v, nil
}

// deeper compares with the bytes of the claimed image, if they are here. What
// cannot be read stays unknown and is said.
func (b *Builder) deeper(ctx context.Context, s *chain.Stage, img *image.Image, own *Digests, x *Comparison) {
	other := b.claimed(ctx, s, x)
	if other == nil {
		return
	}
	defer other.Close()
	if x.Level != chain.LevelManifest && other.ManifestDigest() == own.Manifest {
		x.Agrees = chain.LevelManifest
		return
	}
	if other.Rootfs() == own.Rootfs {
		x.Agrees = chain.LevelRootfs
		return
	}
	if own.Files == "" {
		root, err := img.TreeRoot(ctx)
		if err != nil {
			x.Note = fmt.Sprintf("the files were not compared: %v", err)
			return
		}
		own.Files = root
	}
	switch root, err := other.TreeRoot(ctx); {
	case err != nil:
		x.Note = fmt.Sprintf("the files were not compared: %v", err)
	case root == own.Files:
		x.Agrees = chain.LevelFiles
	}
}

// claimed opens the claimed image where it is at hand without the network: in
// the store or in the tree. It gives nil when it is not.
func (b *Builder) claimed(ctx context.Context, s *chain.Stage, x *Comparison) *image.Image {
	platform := platformsOf(s, "")[0]
	if x.Level != chain.LevelIndex && x.Level != chain.LevelManifest {
		return nil
	}
	if b.Store.Has(x.Claim) {
		if img, err := b.openStored(ctx, x.Claim, platform); err == nil {
			x.Image = string(x.Claim)
			return img
		}
	}
	for _, l := range s.Local {
		if b.Chain.Root == "" || (l.Manifest != x.Claim && l.Index != x.Claim) {
			continue
		}
		ref := localReference(b.Chain.Root, l, x.Claim)
		if img, err := image.OpenReference(ctx, ref, image.Options{Platform: platform, Offline: true}); err == nil {
			x.Image = ref.Text
			return img
		}
	}
	return nil
}

func localReference(root string, l chain.Local, d chain.Digest) image.Reference {
	dir := filepath.Join(root, filepath.FromSlash(l.Layout))
	return image.Reference{Kind: image.KindOCI, Text: fmt.Sprintf("oci:%s@%s", dir, d), Path: dir, Digest: d}
}
