package seedling

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/stagex"
)

// Embedding keeps no mode bits: a recipe of this tree that needs an
// executable file says COPY --chmod=0755.
//
//go:embed tree
var embedded embed.FS

// Seed is the path, in the tree, of the only binary that no one built.
const Seed = "packages/bootstrap/stage0/hex0-seed"

// SeedSource is the path of the seed's annotated source.
const SeedSource = "packages/bootstrap/stage0/seed.hex0"

// FS is the tree's files, rooted where packages and digests lie.
func FS() fs.FS {
	sub, err := fs.Sub(embedded, "tree")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return sub
}

// Load loads the embedded chain.
func Load() (*chain.Chain, error) {
	c, err := stagex.Load(FS(), "embedded")
	if err != nil {
		return nil, fmt.Errorf("loading the embedded chain: %w", err)
	}
	return c, nil
}
