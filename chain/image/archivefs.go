package image

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
)

// Archive applies the entries of an archive that is no layer, as who unpacks it does:
// what looks like a whiteout is a file like others. next gives one entry after the
// other with its content, and io.EOF at the end. Of an archive that breaks off, what
// could be read is given beside the error. The content of its files cannot be opened.
func Archive(ctx context.Context, name string, next func() (*tar.Header, io.Reader, error), limits Limits) (*FS, error) {
	limits = limits.withDefaults()
	fs := &FS{Hashed: true, image: &Image{ref: Reference{Text: name}, limits: limits}, root: &node{file: &File{Type: TypeDir, Mode: 0o755}}}
	a := &applier{fs: fs, n: 1, entry: -1, limit: limits.Entries, written: map[int]int{}}
	err := a.archive(ctx, next)
	fs.finish()
	return fs, err
}

func (a *applier) archive(ctx context.Context, next func() (*tar.Header, io.Reader, error)) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, r, err := next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.admit(h); err != nil {
			return err
		}
		if err := a.apply(CleanPath(h.Name), h, r); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
}

// admit counts an entry.
func (a *applier) admit(h *tar.Header) error {
	a.entry++
	if a.entries++; a.entries > a.limit {
		return &LimitError{What: "entries", Limit: int64(a.limit)}
	}
	if len(h.Name) > maxPath || len(h.Linkname) > maxPath {
		return &LimitError{What: "bytes of a path", Limit: maxPath}
	}
	if a.metadata += metadataSize(h); a.metadata > maxMetadata {
		return &LimitError{What: "bytes of names and attributes", Limit: maxMetadata}
	}
	return nil
}
