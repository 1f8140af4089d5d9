package tui

import (
	"context"
	"io/fs"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/diff"
)

// Effective stands for all layers on top of each other, whiteouts applied.
const Effective = -1

// Image is an image whose files are looked at. Its methods are called from
// commands.
type Image interface {
	// Ref is the reference by which it was opened; Digest its manifest's.
	Ref() string
	Digest() chain.Digest
	Layers() []ImageLayer
	// Entries lists a layer, or the whole image when layer is Effective, by path.
	Entries(ctx context.Context, layer int) ([]ImageEntry, error)
	// Open gives the bytes of a regular file and how many there are.
	Open(ctx context.Context, layer int, path string) (diff.ReaderAtCloser, int64, error)
	Close() error
}

// ImageLayer is a layer of an image, the lowest first.
type ImageLayer struct {
	Digest    chain.Digest // as stored
	DiffID    chain.Digest // of the uncompressed tar
	Size      int64        // bytes as stored
	CreatedBy string       // from the config's history; hostile text
}

// ImageEntry is a file, directory or other entry of a layer.
type ImageEntry struct {
	Path     string // hostile text
	Mode     fs.FileMode
	UID, GID int
	Size     int64
	ModTime  time.Time
	Link     string // target of a symbolic or hard link
	Layer    int    // the layer it comes from
	Whiteout bool   // it removes what lower layers have at Path
}
