package diff

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/stagescope/stagescope/chain/image"
)

// dirFiles streams what is in a directory, sorted by path. The directory is
// opened as a root, so that no link leads out of it.
type dirFiles struct {
	root  *os.Root
	dir   string
	paths []string
	next  int
	open  *os.File

	unlisted map[string]error // directories of which nobody knows what is in them
	tree     bool             // it is compared with another container
	lacks    []string
	groups   map[string]string // of a tree: by path, the least path of the file's other names and its own
}

func dirStream(dir string) (*dirFiles, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	d := &dirFiles{root: root, dir: dir, unlisted: map[string]error{}}
	err = fs.WalkDir(root.FS(), ".", func(p string, _ fs.DirEntry, err error) error {
		switch {
		case err != nil && p == ".":
			return err
		case err != nil: // it is said when its turn comes, and the others are compared
			d.unlisted[p] = err
		default:
			d.paths = append(d.paths, p)
		}
		return nil
	})
	if err != nil {
		root.Close()
		return nil, err
	}
	for p := range d.unlisted {
		d.paths = append(d.paths, p)
	}
	slices.Sort(d.paths)
	d.paths = slices.Compact(d.paths)
	return d, nil
}

func (d *dirFiles) Next(context.Context) (*Member, error) {
	if d.open != nil {
		d.open.Close()
		d.open = nil
	}
	if d.next == len(d.paths) {
		return nil, io.EOF
	}
	p := d.paths[d.next]
	d.next++
	m := &Member{Name: p, Size: -1, Lacks: d.lacks, Explain: explainFields}
	st, err := d.root.Lstat(p)
	if err != nil {
		m.Unread = err.Error()
		return m, nil
	}
	if err := d.unlisted[p]; err != nil {
		m.Unread, m.Below = "what is in it could not be listed: "+err.Error(), true
	}
	fields := []Field{{"type", typeName(st.Mode())}, {"mode", fmt.Sprintf("%04o", modeBits(st.Mode()))}}
	if uid, gid, ok := owner(st); ok {
		fields = append(fields, Field{"uid", strconv.FormatInt(uid, 10)}, Field{"gid", strconv.FormatInt(gid, 10)})
	}
	switch {
	case st.Mode().IsRegular():
		if d.open, err = d.root.Open(p); err != nil {
			m.Unread = "it could not be read: " + err.Error()
			break
		}
		m.Body = &steady{f: d.open, st: st}
	case st.Mode()&fs.ModeSymlink != 0:
		if d.tree {
			fields[1].Value = "0777" // it has none that counts, and no archive records another
		}
		to, err := d.root.Readlink(p)
		if err != nil {
			m.Unread = "where it leads could not be read: " + err.Error()
		}
		fields = append(fields, Field{"link", to})
	}
	if g := d.groups[p]; g != "" {
		fields = append(fields, Field{"hard link", g})
	}
	if dev := device(st); dev != "" {
		fields = append(fields, Field{"device", dev})
	}
	attrs, err := attributes(filepath.Join(d.dir, p))
	if err != nil && m.Unread == "" {
		m.Unread = "its extended attributes could not be read: " + err.Error()
	}
	fields = append(fields, attrs...)
	m.Fields = func() []Field { return fields }
	m.Raw = fmt.Appendf(nil, "%q", fields)
	return m, nil
}

// steady is the content of a file in a directory. What cannot be read of it, and that
// it was changed while it was read, is said of the file alone.
type steady struct {
	f   *os.File
	st  fs.FileInfo
	why string
}

func (s *steady) Read(p []byte) (int, error) {
	n, err := s.f.Read(p)
	if err == nil {
		return n, nil
	}
	if err != io.EOF {
		s.why = "it could not be read: " + err.Error()
	} else if s.st.Size() > 0 { // those of /proc have no size
		s.why = changedSince(s.f, s.st)
	}
	return n, io.EOF
}

func (s *steady) Unread() string { return s.why }

// dirTree is dirStream for a directory that is compared with another container: its
// files say which others they are.
func dirTree(dir string) (*dirFiles, error) {
	d, err := dirStream(dir)
	if err != nil {
		return nil, err
	}
	d.tree, d.lacks, d.groups = true, dirLacks(), map[string]string{}
	first := map[[2]uint64]string{}
	for _, p := range d.paths { // sorted, so that the first is the least
		st, err := d.root.Lstat(p)
		if err != nil {
			continue // it is said when its turn comes
		}
		id, more := inode(st)
		if !more || st.IsDir() {
			continue
		}
		if least, ok := first[id]; ok {
			d.groups[least], d.groups[p] = least, least
		} else {
			first[id] = p
		}
	}
	return d, nil
}

func (d *dirFiles) Close() error {
	if d.open != nil {
		d.open.Close()
	}
	return nil // the root stays open for Reopen; the collector closes it
}

// Reopen opens a file again.
func (d *dirFiles) Reopen(_ context.Context, n int) (io.ReadCloser, error) {
	return d.root.Open(d.paths[n])
}

func typeName(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return typeWord(image.TypeRegular)
	case m.IsDir():
		return typeWord(image.TypeDir)
	case m&fs.ModeSymlink != 0:
		return typeWord(image.TypeSymlink)
	case m&fs.ModeNamedPipe != 0:
		return typeWord(image.TypeFIFO)
	case m&fs.ModeCharDevice != 0:
		return typeWord(image.TypeChar)
	case m&fs.ModeDevice != 0:
		return typeWord(image.TypeBlock)
	case m&fs.ModeSocket != 0:
		return "socket"
	}
	return m.Type().String()
}

// typeWord names a type as the headers of archives do here.
func typeWord(t image.FileType) string {
	switch t {
	case image.TypeChar:
		return "character device"
	case image.TypeBlock:
		return "block device"
	}
	return t.String()
}

// modeBits are the permissions with the set-id and sticky bits where Unix has
// them.
func modeBits(m fs.FileMode) uint32 {
	out := uint32(m.Perm())
	for bit, n := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&bit != 0 {
			out |= n
		}
	}
	return out
}
