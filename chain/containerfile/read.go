package containerfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// maxText bounds a text file of a tree, in bytes: the largest real ones have
// some tens of thousands.
const maxText = 16 << 20

// ReadFile reads a text file of a tree that may be hostile: what is no regular
// file, and so could block for ever, or is larger than 16 MiB is refused.
func ReadFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("it is no regular file")}
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(data) > maxText {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("it has more than %d bytes", maxText)}
	}
	return data, err
}
