package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// transportVersion is how the file "version" of such a directory begins.
const transportVersion = "Directory Transport Version: "

// transportDir is what skopeo, podman and buildah copy to dir:DIR. manifest.json
// is a manifest or an index, with the bytes its digest is of; blobs are beside
// it, named by their digests in hex, and manifests of an index with
// ".manifest.json" behind that.
type transportDir struct {
	dir  string
	root digest.Digest // of manifest.json
}

// isTransportDir reports whether a directory says that it is one.
func isTransportDir(dir string) bool {
	b, err := readSmall(filepath.Join(dir, "version"), 128)
	return err == nil && bytes.HasPrefix(b, []byte(transportVersion))
}

// openTransportDir opens the image of a directory, or the one of r's digest.
func openTransportDir(ctx context.Context, r Reference, o Options) (*Image, error) {
	raw, err := readSmall(filepath.Join(r.Path, "manifest.json"), o.Limits.Manifest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("directory %q has no manifest.json: %w", r.Path, ErrNotImage)
	case err != nil:
		return nil, err
	}
	b := &transportDir{dir: r.Path, root: digest.Digest(chain.SHA256(sha256.Sum256(raw)))}
	root := ocispec.Descriptor{Digest: b.root, Size: int64(len(raw))}
	if r.Digest != "" && chain.Digest(b.root) != r.Digest {
		root = ocispec.Descriptor{Digest: digest.Digest(r.Digest), Size: -1}
	}
	return fromRoot(ctx, b, root, r, o)
}

func (t *transportDir) open(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	dg, err := chain.ParseDigest(string(d.Digest))
	if err != nil {
		return nil, err
	}
	names := []string{dg.Hex(), dg.Hex() + ".manifest.json"}
	if d.Digest == t.root {
		names = []string{"manifest.json"}
	}
	for _, name := range names {
		f, err := openRegular(filepath.Join(t.dir, name))
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, fmt.Errorf("blob %s in %q: %w", d.Digest, t.dir, ErrNotFound)
}

func (t *transportDir) Close() error { return nil }

// openRegular opens a file, but nothing at which opening could wait.
func openRegular(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	return os.Open(path)
}
