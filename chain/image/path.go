package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// openPath opens a layout or an archive on disk.
func openPath(ctx context.Context, r Reference, o Options) (*Image, error) {
	info, err := os.Stat(r.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no file or directory %q: %w", r.Path, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case r.Kind == KindDir, r.Kind == KindOCI && isTransportDir(r.Path):
		return openTransportDir(ctx, r, o)
	case !info.IsDir():
		return openArchive(ctx, r, o)
	}
	if r.Kind == KindDockerArchive {
		return nil, fmt.Errorf("%q is a directory, not a docker archive", r.Path)
	}
	b := &layoutDir{dir: r.Path}
	index, err := readSmall(filepath.Join(r.Path, "index.json"), o.Limits.Manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("directory %q has no index.json: %w", r.Path, ErrNotImage)
	}
	if err != nil {
		return nil, err
	}
	return fromLayout(ctx, b, index, r, o)
}

// IsImage reports whether the content of a path looks like an image: an OCI
// layout, or an archive of one, or a docker archive, or what skopeo copies to a
// directory.
func IsImage(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if info.IsDir() {
		if isTransportDir(path) {
			return true
		}
		_, err := os.Stat(filepath.Join(path, "index.json"))
		if err != nil {
			return false
		}
		_, err = os.Stat(filepath.Join(path, "blobs"))
		return err == nil
	}
	a, err := openTarFile(path)
	if err != nil {
		return false
	}
	defer a.Close()
	return a.has("index.json") || a.has("manifest.json")
}
