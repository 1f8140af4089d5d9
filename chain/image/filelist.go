package image

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/stagescope/stagescope/chain"
)

const (
	fileListMagic = "stagescope files 1\n"
	maxListField  = 1 << 20 // bytes of a path, a link or an attribute
)

// ErrFileList is wrapped by errors about bytes that are no list of files.
var ErrFileList = errors.New("no list of files")

// WriteFileList writes files as a party publishes them. With the encoding of
// TreeNode it is
//
//	"stagescope files 1\n", then for each file: field(path) record
//
// up to the end. TreeOf says whether a list gives the tree root T that was
// signed; without that it is anybody's word.
func WriteFileList(w io.Writer, files func(yield func(*File) bool)) error {
	b := bufio.NewWriter(w)
	if _, err := b.WriteString(fileListMagic); err != nil {
		return err
	}
	var failed error
	files(func(f *File) bool {
		var line []byte
		if line, failed = appendRecord(appendField(nil, []byte(f.Path)), f); failed == nil {
			_, failed = b.Write(line)
		}
		return failed == nil
	})
	if failed != nil {
		return fmt.Errorf("writing a list of files: %w", failed)
	}
	return b.Flush()
}

// ReadFileList reads what WriteFileList wrote, at most limit files. Its text is
// as hostile as the image's. What was read before an error comes with it.
func ReadFileList(r io.Reader, limit int) ([]File, error) {
	l, err := NewFileListReader(r)
	if err != nil {
		return nil, err
	}
	var out []File
	for {
		f, err := l.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if len(out) >= limit {
			return out, fmt.Errorf("reading a list of files: %w", &LimitError{What: "files", Limit: int64(limit)})
		}
		out = append(out, *f)
	}
}

// IsFileList says of the first bytes of a content whether it is a list of files.
func IsFileList(head []byte) bool { return bytes.HasPrefix(head, []byte(fileListMagic)) }

// FileListReader reads a list of files one by one.
type FileListReader struct {
	l listReader
	n int
}

// NewFileListReader reads the first line; r is read through a buffer.
func NewFileListReader(r io.Reader) (*FileListReader, error) {
	l := &FileListReader{l: listReader{r: bufio.NewReader(r)}}
	magic := make([]byte, len(fileListMagic))
	if _, err := io.ReadFull(l.l.r, magic); err != nil || string(magic) != fileListMagic {
		return nil, fmt.Errorf("reading a list of files: %w", ErrFileList)
	}
	return l, nil
}

// Next gives the next file, and io.EOF after the last one. A list that is cut or
// damaged is an error that wraps ErrFileList.
func (l *FileListReader) Next() (*File, error) {
	if _, err := l.l.r.Peek(1); err == io.EOF {
		return nil, io.EOF
	}
	l.n++
	l.l.raw = l.l.raw[:0]
	f := l.l.file()
	if l.l.err != nil {
		return nil, fmt.Errorf("reading file %d of a list: %w", l.n, l.l.err)
	}
	return &f, nil
}

// Raw is the encoding of the file that Next gave last, valid until it is called again.
func (l *FileListReader) Raw() []byte { return l.l.raw }

// listReader reads fields; after its first error all it gives is empty.
type listReader struct {
	r   *bufio.Reader
	raw []byte // what was read
	err error
}

func (l *listReader) fail() { l.err = fmt.Errorf("%w: it is cut or damaged", ErrFileList) }

func (l *listReader) u32() uint32 {
	var b [4]byte
	if l.err == nil {
		if _, err := io.ReadFull(l.r, b[:]); err != nil {
			l.fail()
		}
		l.raw = append(l.raw, b[:]...)
	}
	return binary.LittleEndian.Uint32(b[:])
}

// field reads one of at most max bytes.
func (l *listReader) field(max uint32) []byte {
	n := l.u32()
	if l.err == nil && n > max {
		l.fail()
	}
	if l.err != nil {
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(l.r, b); err != nil {
		l.fail()
		return nil
	}
	l.raw = append(l.raw, b...)
	return b
}

func (l *listReader) text() string { return string(l.field(maxListField)) }

// fixed reads a field of n bytes.
func (l *listReader) fixed(n int) []byte {
	b := l.field(uint32(n))
	if len(b) != n {
		l.fail()
		return make([]byte, n)
	}
	return b
}

func (l *listReader) i64() int64 { return int64(binary.LittleEndian.Uint64(l.fixed(8))) }

func (l *listReader) file() File {
	f := File{Path: l.text()}
	f.Type = FileType(l.fixed(1)[0])
	f.Mode = binary.LittleEndian.Uint32(l.fixed(4))
	f.UID, f.GID = l.i64(), l.i64()
	f.Link, f.HardLink = l.text(), l.text()
	f.Major, f.Minor = l.i64(), l.i64()
	f.Xattrs = l.xattrs()
	f.Size = l.i64()
	switch sum := l.field(32); {
	case len(sum) == 32:
		f.Digest = chain.SHA256([32]byte(sum))
	case len(sum) != 0 || f.Type == TypeRegular:
		l.fail()
	}
	if f.Type < TypeRegular || f.Type > TypeFIFO || f.Size < 0 || f.Path != CleanPath(f.Path) {
		l.fail()
	}
	return f
}

// xattrs reads the field of extended attributes.
func (l *listReader) xattrs() map[string][]byte {
	b := l.field(maxListField)
	if len(b) < 4 {
		l.fail()
		return nil
	}
	n := binary.LittleEndian.Uint32(b)
	if n == 0 && len(b) == 4 {
		return nil
	}
	out := map[string][]byte{}
	next := func(b []byte) ([]byte, []byte, bool) {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return nil, nil, false
		}
		k := 4 + int(binary.LittleEndian.Uint32(b))
		return b[4:k], b[k:], true
	}
	b = b[4:]
	for range n {
		name, rest, ok := next(b)
		value, rest, ok2 := next(rest)
		if !ok || !ok2 {
			l.fail()
			return nil
		}
		out[string(name)], b = value, rest
	}
	if len(b) > 0 || len(out) != int(n) {
		l.fail()
	}
	return out
}
