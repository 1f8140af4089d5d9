package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// treeFS is the tree of a commit as a file system that several may read at once.
// Symbolic links are not followed: they are no regular files.
type treeFS struct {
	root *object.Tree
	mu   *sync.Mutex // the repository's: reading packs is for one at a time
}

var (
	_ fs.ReadDirFS = treeFS{}
	_ fs.StatFS    = treeFS{}
)

func (t treeFS) Open(name string) (fs.File, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, tree, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if tree != nil {
		return &dir{info: info{name: path.Base(name), mode: fs.ModeDir | 0o755}, left: entries(tree)}, nil
	}
	i := infoOf(path.Base(name), e)
	if !i.mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("it is no regular file")}
	}
	f, err := t.root.TreeEntryFile(e)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if f.Size > maxBlob {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("it has %d bytes, more than %d", f.Size, maxBlob)}
	}
	r, err := f.Reader()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxBlob))
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	i.size = f.Size
	return &file{info: i, Reader: bytes.NewReader(data)}, nil
}

// find gives the entry of a path, or its tree when it is a directory.
func (t treeFS) find(op, name string) (*object.TreeEntry, *object.Tree, error) {
	if !fs.ValidPath(name) {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return nil, t.root, nil
	}
	e, err := t.root.FindEntry(name)
	switch {
	case errors.Is(err, object.ErrEntryNotFound), errors.Is(err, object.ErrDirectoryNotFound):
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	case err != nil:
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: err}
	case e.Mode != filemode.Dir:
		return e, nil, nil
	}
	tree, err := t.root.Tree(name)
	if err != nil {
		return nil, nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return e, tree, nil
}

func (t treeFS) Stat(name string) (fs.FileInfo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, tree, err := t.find("stat", name)
	if err != nil {
		return nil, err
	}
	if tree != nil {
		return info{name: path.Base(name), mode: fs.ModeDir | 0o755}, nil
	}
	return infoOf(path.Base(name), e), nil
}

func (t treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, tree, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if tree == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("it is no directory")}
	}
	return entries(tree), nil
}

// entries are a tree's, in the order in which directories are read.
func entries(tree *object.Tree) []fs.DirEntry {
	out := make([]fs.DirEntry, 0, len(tree.Entries))
	for i := range tree.Entries {
		e := &tree.Entries[i]
		out = append(out, fs.FileInfoToDirEntry(infoOf(e.Name, e)))
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out
}

// info describes an entry. Git keeps no times, and a size only with the
// content.
type info struct {
	name string
	size int64
	mode fs.FileMode
}

func infoOf(name string, e *object.TreeEntry) info {
	mode, err := e.Mode.ToOSFileMode()
	if err != nil {
		mode = fs.ModeIrregular
	}
	return info{name: name, mode: mode}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

type file struct {
	info info
	*bytes.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

type dir struct {
	info info
	left []fs.DirEntry
}

func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dir) Close() error               { return nil }
func (d *dir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("it is a directory")}
}

func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		out := d.left
		d.left = nil
		return out, nil
	}
	if len(d.left) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.left))
	out := d.left[:n]
	d.left = d.left[n:]
	return out, nil
}
