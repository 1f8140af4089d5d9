package diff

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/scratch"
)

// Paths compares two files or two directories, or a directory with an archive.
// Links are never followed below the two paths; what is neither file, directory nor
// link is compared by its type, mode and device numbers. Extended attributes of
// files are compared where the system is Linux. Modification times of two
// directories are left out, and that is said: on a disk they tell when something was
// unpacked.
func (x *Examiner) Paths(ctx context.Context, a, b string) (*Node, error) {
	return x.paths(ctx, [2]source{{ref: a, name: a, path: a}, {ref: b, name: b, path: b}})
}

func (x *Examiner) paths(ctx context.Context, srcs [2]source) (*Node, error) {
	var dirs [2]bool
	for i, s := range srcs {
		if s.copy != nil {
			continue
		}
		st, err := os.Stat(s.path)
		if err != nil {
			return nil, err
		}
		dirs[i] = st.IsDir()
	}
	switch {
	case dirs[0] && dirs[1]:
		return x.directories(ctx, srcs)
	case !dirs[0] && !dirs[1]:
		return x.files(ctx, srcs)
	}
	return x.unlike(ctx, srcs, [2]*image.Image{})
}

func (x *Examiner) directories(ctx context.Context, srcs [2]source) (*Node, error) {
	a, b := srcs[0].path, srcs[1].path
	n := &Node{Kind: KindDir, Name: filepath.Base(a), A: &Side{Name: a, Size: -1}, B: &Side{Name: b, Size: -1}}
	sa, err := dirStream(a)
	if err != nil {
		return nil, err
	}
	sb, err := dirStream(b)
	if err != nil {
		sa.Close()
		return nil, err
	}
	n.note("modification times on disk are not compared" + notRead)
	err = x.Streams(ctx, n, sa, sb)
	n.Settle()
	return n, err
}

func (x *Examiner) files(ctx context.Context, srcs [2]source) (*Node, error) {
	var fs [2]*plainFile
	for i, s := range srcs {
		f, err := openPlain(s)
		if err != nil {
			return nil, err
		}
		fs[i] = f
	}
	n, err := x.otherwise(ctx, fs[0].Input, fs[1].Input)
	if n == nil && err == nil {
		n, err = x.Pair(ctx, "", filepath.Base(srcs[0].name), fs[0].Input, fs[1].Input)
	}
	if n == nil {
		return nil, err
	}
	n.unsteady(fs)
	n.Settle()
	return n, err
}

// unsteady takes back what was said of files that changed while they were read:
// what was seen of them may never have been there at one time.
func (n *Node) unsteady(files [2]*plainFile) {
	for i, f := range files {
		why := f.changed()
		if why == "" {
			continue
		}
		if n.Status != Unreadable {
			*n = Node{Kind: KindFile, Name: n.Name, Status: Unreadable, Capped: true,
				A: &Side{Name: files[0].Name, Size: files[0].Size}, B: &Side{Name: files[1].Name, Size: files[1].Size}}
		}
		n.note(fmt.Sprintf("side %c: %s: compare a copy of it", 'A'+i, why))
	}
}

// plainFile is a file on disk that is compared by itself.
type plainFile struct {
	*Input
	f  scratch.Handle
	st fs.FileInfo // when it was opened
}

func openPlain(s source) (*plainFile, error) {
	if s.copy != nil {
		st, err := s.copy.Stat()
		if err != nil {
			return nil, err
		}
		return &plainFile{&Input{ReaderAt: s.copy, Name: s.name, Size: st.Size()}, s.copy, st}, nil
	}
	// Opening a named pipe would wait for whoever writes to it.
	st, err := os.Stat(s.path)
	if err == nil && !st.Mode().IsRegular() {
		err = odd(s.name, st)
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	st, err = f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = odd(s.name, st)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	// The files stay open as long as a node refers to them; the collector
	// closes them afterwards.
	return &plainFile{&Input{ReaderAt: f, Name: s.name, Size: st.Size()}, f, st}, nil
}

func odd(name string, st fs.FileInfo) error {
	err := fmt.Errorf("%q is neither a file nor a directory but a %s", name, typeName(st.Mode()))
	switch {
	case st.Mode()&fs.ModeNamedPipe != 0:
		err = fmt.Errorf("%w, which may wait for ever: give what comes out of it as %q, or by <(cat %s)", err, stdinName, name)
	case st.Mode()&fs.ModeDevice != 0:
		err = fmt.Errorf("%w: copy what is in it to a file", err)
	}
	return err
}

// changed says that a file is not what it was when it was opened; "" when it is.
func (p *plainFile) changed() string { return changedSince(p.f, p.st) }

func changedSince(f scratch.Handle, was fs.FileInfo) string {
	st, err := f.Stat()
	switch {
	case err != nil:
		return "it cannot be looked at any more: " + err.Error()
	case st.Size() != was.Size():
		return fmt.Sprintf("it changed while it was read, from %d to %d bytes", was.Size(), st.Size())
	case !st.ModTime().Equal(was.ModTime()):
		return "it was written to while it was read"
	}
	return ""
}
