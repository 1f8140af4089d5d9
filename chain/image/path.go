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
