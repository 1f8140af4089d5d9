package publish

import (
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// Recipe is the document that R is the digest of, as every party computes it
// from the tree alone, and the artifact by which everyone finds everyone.
type Recipe struct {
	JSON []byte // canonical, exactly the bytes that R is the SHA-256 of
}

// Digest is R.
func (r Recipe) Digest() chain.Digest { return sum(r.JSON) }

// Manifest is the recipe's artifact manifest. It has no annotations and nothing
// else that could vary, hence the same digest in every registry.
func (r Recipe) Manifest() (Manifest, error) {
	raw, _, err := statement.RecipeManifest(r.JSON)
	return Manifest{MediaType: ocispec.MediaTypeImageManifest, Raw: raw}, err
}
