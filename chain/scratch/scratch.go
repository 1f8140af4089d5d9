// Package scratch makes temporary files of which nothing is left when they are
// closed, nor, where the system allows it, when the process is killed.
package scratch

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// Handle is a file that is read at any place: a temporary one, or one that stays.
type Handle interface {
	io.ReadSeeker
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// File is a temporary file, open for reading and writing.
type File struct {
	*os.File
	named bool // it still has a name, since an open file keeps it here
}

var _ Handle = (*File)(nil)

// New makes a file in dir; "" is the system's place for temporary files. The
// pattern is that of os.CreateTemp. The file may have lost its name already:
// use it by its handle only.
func New(dir, pattern string) (*File, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, err
	}
	return &File{File: f, named: os.Remove(f.Name()) != nil}, nil
}

// Close closes the file; nothing of it is left.
func (f *File) Close() error {
	err := f.File.Close()
	if f.named {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
