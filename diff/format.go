package diff

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
)

// Input is the decoded bytes of one side of a pair, read at random. It is safe
// for concurrent use.
type Input struct {
	io.ReaderAt
	Name string // as it is called in its container; hostile text
	Size int64  // bytes
	Cut  string // why it ends where it does, when more may follow that could not be read; "" when this is all

	once sync.Once
	head []byte
}

// Reader reads the bytes from the first on.
func (in *Input) Reader() *io.SectionReader { return io.NewSectionReader(in, 0, in.Size) }

// Section is a part of the bytes as an input of its own.
func (in *Input) Section(r Range, name string) *Input {
	return &Input{ReaderAt: io.NewSectionReader(in, r.Off, r.Len), Name: name, Size: r.Len}
}

// headSize is what formats may look at to recognise themselves.
const headSize = 4096

// Head gives the first bytes, at most 4,096 of them. It is empty when they
// cannot be read.
func (in *Input) Head() []byte {
	in.once.Do(func() {
		b := make([]byte, min(headSize, in.Size))
		n, _ := in.ReadAt(b, 0)
		in.head = b[:n]
	})
	return in.head
}

// HasPrefix reports whether the bytes begin with a magic number.
func (in *Input) HasPrefix(magic string) bool {
	h := in.Head()
	return len(h) >= len(magic) && string(h[:len(magic)]) == magic
}

// ErrFormat is what a Format's Compare wraps when a side turns out not to be of
// the format, or is too broken for it. The next format that matches is tried,
// and the error's text becomes a note.
var ErrFormat = errors.New("not of this format")

// Format compares two contents of one kind. A format registers itself once,
// from an init function of its own file; see the package's documentation for
// what it owes.
type Format struct {
	Kind Kind
	// Match reports whether content looks like the format, from its first bytes
	// or its name. It is called for both sides.
	Match func(in *Input) bool
	// Compare fills a node that already has its sides and Content, and is known
	// to differ. It gives parts, members or listings to the Examiner, and adds
	// reasons of its own.
	Compare func(ctx context.Context, x *Examiner, n *Node, a, b *Input) error
	// Inner gives what one side is wrapped around, for formats that are streams or
	// packages, and says what that leaves out.
	Inner func(ctx context.Context, x *Examiner, in *Input) (inner *Input, left string, err error)
	// Unpack writes the entries of one side as a tar archive, for formats that are
	// archives, and gives the properties that the format has no place for.
	Unpack func(ctx context.Context, x *Examiner, in *Input, w *tar.Writer) (lacks []string, err error)
	// Weak formats are asked after all others: text is one. Special formats are
	// asked before them: a Debian package is an ar archive as well.
	Weak, Special bool
	// Partial says that Compare reads with Input.Through, so that it gets as far as
	// the bytes of an input that is cut go, and says that it did not get to the end.
	Partial bool
	// Text says that content of this kind is shown line by line.
	Text bool
	// Files says that what lies in it are files, with names of their own, rather
	// than parts of one.
	Files bool
}

var (
	formatsMu sync.RWMutex
	formats   []Format
)

// Register makes a format known. Of several that match, Special ones come first
// and Weak ones last, and otherwise the one that was registered first.
func Register(f Format) {
	formatsMu.Lock()
	defer formatsMu.Unlock()
	at := slices.IndexFunc(formats, func(g Format) bool { return g.rank() > f.rank() })
	if at < 0 {
		at = len(formats)
	}
	formats = slices.Insert(slices.Clone(formats), at, f)
}

func (f Format) rank() int {
	switch {
	case f.Special:
		return 0
	case f.Weak:
		return 2
	}
	return 1
}

// Textual reports whether content of a kind is shown line by line.
func Textual(k Kind) bool {
	return k == KindValue || slices.ContainsFunc(registered(), func(f Format) bool { return f.Kind == k && f.Text })
}

// HoldsFiles reports whether what lies in a node of a kind are files rather than
// parts of one.
func HoldsFiles(k Kind) bool {
	switch k {
	case KindImage, KindIndex, KindManifest, KindLayer, KindRootfs, KindDir, KindTree, KindGroup:
		return true
	}
	return slices.ContainsFunc(registered(), func(f Format) bool { return f.Kind == k && f.Files })
}

func registered() []Format {
	formatsMu.RLock()
	defer formatsMu.RUnlock()
	return formats
}
