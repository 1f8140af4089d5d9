package engine

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// OddFileError names a file that no build context may hold: git cannot keep
// it, so two checkouts of one commit would not have it alike.
type OddFileError struct {
	Path string
	Type string // "device", "fifo", "socket"
}

func (e *OddFileError) Error() string {
	return fmt.Sprintf("the context holds %q, a %s: only files, directories and links can be part of a recipe", e.Path, e.Type)
}

// contextTime is the modification time of every file of a context, in
// nanoseconds. Checkouts differ in theirs, and a step can see them; one second
// after the epoch is where StageX's builds clamp times to.
const contextTime = 1_000_000_000

// contextFS gives a file system to a builder as git keeps it: modes 0644 and
// 0755 whatever the checkout's umask made of them, owner 0, one time.
type contextFS struct{ fsys fs.FS }

var _ fsutil.FS = contextFS{}

// Walk calls fn for everything below target, as fsutil wants it: paths without
// a leading slash, parents first.
func (c contextFS) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	target = path.Clean("/" + filepath.ToSlash(target))[1:]
	if target == "" {
		target = "."
	}
	return fs.WalkDir(c.fsys, target, func(p string, d fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			if os.IsNotExist(err) && p == target {
				return nil
			}
			return err
		}
		if p == "." {
			return nil
		}
		st, err := c.stat(p, d)
		if err != nil {
			return err
		}
		return fn(filepath.FromSlash(p), fs.FileInfoToDirEntry(&fsutil.StatInfo{Stat: st}), nil)
	})
}

// Open opens a file for sending.
func (c contextFS) Open(p string) (io.ReadCloser, error) {
	return c.fsys.Open(path.Clean("/" + filepath.ToSlash(p))[1:])
}

func (c contextFS) stat(p string, d fs.DirEntry) (*types.Stat, error) {
	st := &types.Stat{Path: filepath.FromSlash(p), ModTime: contextTime}
	switch t := d.Type(); {
	case t.IsDir():
		st.Mode = uint32(fs.ModeDir | 0o755)
	case t.IsRegular():
		info, err := d.Info()
		if err != nil {
			return nil, err
		}
		st.Size = info.Size()
		st.Mode = 0o644
		if info.Mode()&0o111 != 0 {
			st.Mode = 0o755
		}
	case t&fs.ModeSymlink != 0:
		link, err := fs.ReadLink(c.fsys, p)
		if err != nil {
			return nil, err
		}
		st.Mode, st.Linkname = uint32(fs.ModeSymlink|0o777), link
	default:
		return nil, &OddFileError{p, oddType(t)}
	}
	return st, nil
}

func oddType(t fs.FileMode) string {
	switch {
	case t&fs.ModeNamedPipe != 0:
		return "fifo"
	case t&fs.ModeSocket != 0:
		return "socket"
	}
	return "device"
}

// checkContext walks a context once, so that an odd file is said before the
// builder starts rather than in the middle of a transfer.
func checkContext(ctx context.Context, fsys fs.FS) error {
	return contextFS{fsys}.Walk(ctx, "", func(string, fs.DirEntry, error) error { return nil })
}
