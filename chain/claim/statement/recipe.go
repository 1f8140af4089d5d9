package statement

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// RecipeMediaType is the artifact type of a published recipe, and the media
// type of its one layer.
const RecipeMediaType = "application/vnd.stagescope.recipe.v1+json"

const maxRecipe = 16 << 20

// RecipeManifest is the artifact manifest under which a recipe is published,
// and its descriptor. The recipe is the canonical JSON (RFC 8785) that R is the
// SHA-256 of; other bytes are refused. The manifest has the empty config, one
// layer and no annotations: nothing in it depends on who publishes it.
func RecipeManifest(recipe []byte) ([]byte, ocispec.Descriptor, error) {
	if len(recipe) > maxRecipe {
		return nil, ocispec.Descriptor{}, fmt.Errorf("writing a recipe's manifest: it has %d bytes, more than %d", len(recipe), maxRecipe)
	}
	canonical := jsontext.Value(bytes.Clone(recipe))
	if err := canonical.Canonicalize(); err != nil {
		return nil, ocispec.Descriptor{}, fmt.Errorf("writing a recipe's manifest: %w", err)
	}
	if !bytes.Equal(canonical, recipe) {
		return nil, ocispec.Descriptor{}, fmt.Errorf("writing a recipe's manifest: the recipe is not canonical JSON")
	}
	data, err := recipeManifest(chain.SHA256(sha256.Sum256(recipe)), int64(len(recipe)))
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	return data, ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: RecipeMediaType,
		Digest: digest.FromBytes(data), Size: int64(len(data)),
	}, nil
}

// recipeManifest needs only R and the recipe's size, so that a reader of a
// failure can tell whether its subject is the manifest of the recipe it names.
func recipeManifest(r chain.Digest, size int64) ([]byte, error) {
	config := ocispec.DescriptorEmptyJSON
	config.Data = nil
	data, err := json.Marshal(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: RecipeMediaType,
		Config:       config,
		Layers:       []ocispec.Descriptor{{MediaType: RecipeMediaType, Digest: digest.Digest(r), Size: size}},
	})
	if err != nil {
		return nil, fmt.Errorf("writing a recipe's manifest: %w", err)
	}
	return data, nil
}
