package publish

import (
	"context"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// FindListed reads the bundles that entries of a place's book lead to: one pull
// for all that a party says of a release, whatever its lists of referrers say.
func FindListed(ctx context.Context, p Place, entries []BookEntry) ([]Found, []Unread) {
	f := []finder{{place: p}}
	var list []ocispec.Descriptor
	for _, e := range entries {
		list = append(list, ocispec.Descriptor{Digest: digest.Digest(e.Manifest)})
	}
	f[0].read(ctx, list)
	return merge(f)
}
