package tui

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/scratch"
	"github.com/stagescope/stagescope/diff"
)

// ImageOpener gives a Config.OpenImage over package image. A file that is
// looked at is first copied to a temporary file below dir ("" means the
// system's place), so that all of it has been verified before any is shown.
func ImageOpener(o image.Options, dir string) func(context.Context, string) (Image, error) {
	return func(ctx context.Context, ref string) (Image, error) {
		im, err := image.Open(ctx, ref, o)
		if err != nil {
			return nil, err
		}
		return &openImage{im: im, dir: dir}, nil
	}
}

// openImage is an image of package image.
type openImage struct {
	im  *image.Image
	dir string

	mu sync.Mutex
	fs *image.FS
}

var _ Image = (*openImage)(nil)

func (o *openImage) Ref() string          { return o.im.Ref().String() }
func (o *openImage) Digest() chain.Digest { return o.im.ManifestDigest() }
func (o *openImage) Close() error         { return o.im.Close() }

func (o *openImage) Layers() []ImageLayer {
	var made []string
	for _, h := range o.im.Config().History {
		if !h.EmptyLayer {
			made = append(made, h.CreatedBy)
		}
	}
	var out []ImageLayer
	for i, l := range o.im.Layers() {
		il := ImageLayer{Digest: chain.Digest(l.Descriptor.Digest), DiffID: l.DiffID, Size: l.Descriptor.Size}
		if i < len(made) {
			il.CreatedBy = made[i]
		}
		out = append(out, il)
	}
	return out
}

// effective reads all layers once.
func (o *openImage) effective(ctx context.Context) (*image.FS, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fs != nil {
		return o.fs, nil
	}
	f, err := o.im.FS(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("reading the layers: %w", err)
	}
	o.fs = f
	return f, nil
}

func (o *openImage) Entries(ctx context.Context, layer int) ([]ImageEntry, error) {
	var out []ImageEntry
	if layer == Effective {
		f, err := o.effective(ctx)
		if err != nil {
			return nil, err
		}
		for file := range f.Files() {
			if file.Path != "" {
				out = append(out, entryOf(file))
			}
		}
		return out, nil
	}
	l, err := o.layer(layer)
	if err != nil {
		return nil, err
	}
	err = l.Walk(ctx, func(h *tar.Header, _ io.Reader) error {
		out = append(out, headerEntry(h, layer))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading layer %d: %w", layer+1, err)
	}
	slices.SortStableFunc(out, func(a, b ImageEntry) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func (o *openImage) layer(i int) (*image.Layer, error) {
	ls := o.im.Layers()
	if i < 0 || i >= len(ls) {
		return nil, fmt.Errorf("the image has %d layers, not %d", len(ls), i+1)
	}
	return ls[i], nil
}

var fileModes = map[image.FileType]fs.FileMode{
	image.TypeDir: fs.ModeDir, image.TypeSymlink: fs.ModeSymlink, image.TypeFIFO: fs.ModeNamedPipe,
	image.TypeBlock: fs.ModeDevice, image.TypeChar: fs.ModeDevice | fs.ModeCharDevice,
}

func entryOf(f *image.File) ImageEntry {
	mode := fs.FileMode(f.Mode&0o777) | fileModes[f.Type]
	for bit, m := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if f.Mode&bit != 0 {
			mode |= m
		}
	}
	link := f.Link
	if f.HardLink != "" && f.HardLink != f.Path {
		link = f.HardLink
	}
	return ImageEntry{Path: f.Path, Mode: mode, UID: int(f.UID), GID: int(f.GID), Size: f.Size, ModTime: f.ModTime, Link: link, Layer: f.Layer - 1}
}

// whiteout is the prefix of the entries by which a layer removes files.
const whiteout = ".wh."

func headerEntry(h *tar.Header, layer int) ImageEntry {
	e := ImageEntry{Path: image.CleanPath(h.Name), Mode: h.FileInfo().Mode(), UID: h.Uid, GID: h.Gid, Size: h.Size, ModTime: h.ModTime, Link: h.Linkname, Layer: layer}
	dir, base := "", e.Path
	if i := strings.LastIndexByte(e.Path, '/'); i >= 0 {
		dir, base = e.Path[:i+1], e.Path[i+1:]
	}
	if name, ok := strings.CutPrefix(base, whiteout); ok {
		e.Whiteout = true
		if name != ".wh..opq" {
			e.Path = dir + name
		}
	}
	return e
}

// errNoEntry says that a layer has no regular file of that name.
var errNoEntry = errors.New("no such file in this layer")

func (o *openImage) Open(ctx context.Context, layer int, path string) (diff.ReaderAtCloser, int64, error) {
	if layer == Effective {
		f, err := o.effective(ctx)
		if err != nil {
			return nil, 0, err
		}
		file, err := f.Find(path)
		if err != nil {
			return nil, 0, err
		}
		r, err := f.Open(ctx, file)
		if err != nil {
			return nil, 0, err
		}
		defer r.Close()
		return spool(ctx, o.dir, r)
	}
	l, err := o.layer(layer)
	if err != nil {
		return nil, 0, err
	}
	var got diff.ReaderAtCloser
	var n int64
	err = l.Walk(ctx, func(h *tar.Header, r io.Reader) error {
		if got != nil || image.CleanPath(h.Name) != path || h.Typeflag != tar.TypeReg {
			return nil
		}
		var err error
		got, n, err = spool(ctx, o.dir, r)
		return err
	})
	switch {
	case err != nil && got != nil:
		return nil, 0, errors.Join(err, got.Close())
	case err != nil:
		return nil, 0, err
	case got == nil:
		return nil, 0, fmt.Errorf("opening %q: %w", path, errNoEntry)
	}
	return got, n, nil
}

// maxSpool bounds a file that is copied to be looked at.
const maxSpool = 4 << 30

// spool copies r to a temporary file that is removed when it is closed.
func spool(ctx context.Context, dir string, r io.Reader) (diff.ReaderAtCloser, int64, error) {
	f, err := scratch.New(dir, "stagescope-file-*")
	if err != nil {
		return nil, 0, fmt.Errorf("making a temporary file: %w", err)
	}
	n, err := io.Copy(f, &ctxReader{ctx, io.LimitReader(r, maxSpool+1)})
	if err == nil && n > maxSpool {
		err = fmt.Errorf("the file is larger than %s", size(maxSpool))
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("copying the file: %w", err), f.Close())
	}
	return f, n, nil
}

// ctxReader ends a copy when the person has left.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
