package image

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// Bounds on what is kept in memory of an effective file system.
const (
	maxPath     = 16 << 10 // bytes of a path
	maxDepth    = 2048
	maxMetadata = 2 << 30 // bytes of names, links and extended attributes
	maxHops     = 255     // symlinks on the way of one path
	maxAhead    = 4096    // components still to do on the way of one path
	maxProblems = 1000    // that are kept as text
)

// FS is the effective file system of an image: its layers applied in order, as
// the OCI specification says and as containerd does it. It holds names and
// attributes, no content.
type FS struct {
	Hashed   bool     // whether every regular file has its digest
	Problems []string // entries that could not be applied; hostile text
	Dropped  int      // problems beyond those
	// Hidden counts, by the layer's number, entries that are no directories and of
	// which nothing is left in the tree: later entries replaced them or took them
	// away. The layers hold them all the same.
	Hidden map[int]int

	image *Image
	root  *node
}

// node is a name in the tree. Hard links are nodes that share a File.
type node struct {
	name     string
	file     *File
	layer    int // that wrote this name last
	children map[string]*node
}

// FS reads all layers and applies them. With hash every regular file's content
// is hashed. Memory is bounded by the number of entries, not by their content.
func (i *Image) FS(ctx context.Context, hash bool) (*FS, error) {
	fs := &FS{Hashed: hash, image: i, root: &node{file: &File{Type: TypeDir, Mode: 0o755}}}
	a := &applier{fs: fs, limit: i.limits.Entries, written: map[int]int{}}
	for _, l := range i.layers {
		if err := a.layer(ctx, l); err != nil {
			return nil, fmt.Errorf("reading the file system of %q: %w", i.ref.Text, err)
		}
	}
	fs.finish()
	fs.Hidden = a.written
	fs.walk(fs.root, "", func(_ string, n *node) bool {
		if n.file.Type != TypeDir && fs.Hidden[n.layer] > 0 {
			fs.Hidden[n.layer]--
		}
		return true
	})
	return fs, nil
}

type applier struct {
	fs       *FS
	n        int // layer being applied, 1-based
	entry    int
	entries  int
	metadata int64
	limit    int
	written  map[int]int // by layer, entries that are no directories
}

func (a *applier) layer(ctx context.Context, l *Layer) error {
	a.n, a.entry = l.Number, -1
	var hidden []string // whiteouts, applied to lower layers only, whatever their place
	err := l.Walk(ctx, func(h *tar.Header, r io.Reader) error {
		if err := a.admit(h); err != nil {
			return fmt.Errorf("%s: %w", l.name(), err)
		}
		p := CleanPath(h.Name)
		if strings.HasPrefix(p, whiteoutMeta) && p != whiteoutOpaque {
			return nil
		}
		if _, base := split(p); strings.HasPrefix(base, whiteout) {
			hidden = append(hidden, p)
			return nil
		}
		return a.apply(p, h, r)
	})
	if err != nil {
		return err
	}
	for _, p := range hidden {
		a.hide(p)
	}
	return nil
}

func metadataSize(h *tar.Header) int64 {
	n := int64(len(h.Name) + len(h.Linkname))
	for k, v := range h.PAXRecords {
		n += int64(len(k) + len(v))
	}
	return n
}

// Whiteouts, as the image specification names them.
const (
	whiteout       = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
	whiteoutMeta   = ".wh..wh." // of aufs; applied by nobody
)

// split cuts off the last component.
func split(p string) (dir, base string) {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i], p[i+1:]
	}
	return "", p
}

// apply puts one entry into the tree.
func (a *applier) apply(p string, h *tar.Header, r io.Reader) error {
	if p == "" {
		if h.Typeflag == tar.TypeDir {
			f := FromHeader(h)
			f.Layer, f.Entry = a.n, a.entry
			a.fs.root.file, a.fs.root.layer = &f, a.n
			return nil
		}
		a.problem("%q is the root, and no directory", h.Name)
		return nil
	}
	f := FromHeader(h)
	if f.Type == TypeRegular && a.fs.Hashed {
		hash := sha256.New()
		n, err := io.Copy(hash, r)
		if err != nil {
			return err
		}
		f.Size, f.Digest = n, chain.SHA256([32]byte(hash.Sum(nil)))
	}
	dir, base := split(p)
	parent := a.parent(dir)
	if parent == nil {
		a.problem("%q cannot be placed: what is above it is no directory", p)
		return nil
	}
	file := &f
	switch {
	case h.Typeflag == tar.TypeLink:
		target := a.fs.lookup(CleanPath(h.Linkname), false)
		if target == nil || target.file.Type == TypeDir {
			a.problem("%q is a hard link to %q, which is no file", p, h.Linkname)
			return nil
		}
		file = target.file
	case f.Type == 0:
		a.problem("%q has the unknown type %q", p, h.Typeflag)
		return nil
	default:
		f.Layer, f.Entry = a.n, a.entry
	}
	a.put(parent, base, file)
	return nil
}

// put replaces what has a name. A directory over a directory keeps what is in
// it.
func (a *applier) put(parent *node, base string, f *File) {
	n := &node{name: base, file: f, layer: a.n}
	if old := parent.children[base]; old != nil && old.file.Type == TypeDir && f.Type == TypeDir {
		n.children = old.children
	}
	if parent.children == nil {
		parent.children = map[string]*node{}
	}
	parent.children[base] = n
	if f.Type != TypeDir {
		a.written[a.n]++
	}
}

// parent finds the directory of an entry, following symlinks inside the root,
// and makes directories that no layer holds. It gives nil where a file that is
// no directory is in the way.
func (a *applier) parent(dir string) *node {
	hops, depth := 0, 0
	stack := []*node{a.fs.root}
	ahead := components(dir)
	for len(ahead) > 0 {
		name := ahead[0]
		ahead = ahead[1:]
		top := stack[len(stack)-1]
		if name == ".." {
			stack = stack[:max(1, len(stack)-1)]
			continue
		}
		child := top.children[name]
		switch {
		case child == nil:
			if depth = len(stack); depth > maxDepth {
				return nil
			}
			child = &node{name: name, layer: a.n, file: &File{Type: TypeDir, Mode: 0o755}}
			if top.children == nil {
				top.children = map[string]*node{}
			}
			top.children[name] = child
			stack = append(stack, child)
		case child.file.Type == TypeDir:
			stack = append(stack, child)
		case child.file.Type == TypeSymlink:
			if hops++; hops > maxHops || len(ahead) > maxAhead {
				return nil
			}
			stack, ahead = follow(stack, child.file.Link, ahead)
		default:
			return nil
		}
	}
	return stack[len(stack)-1]
}

// components splits a path and drops what says nothing; ".." stays.
func components(p string) []string {
	return slices.DeleteFunc(strings.Split(p, "/"), func(s string) bool { return s == "" || s == "." })
}

// follow puts a symlink's target before the components that are still to do.
func follow(stack []*node, link string, ahead []string) ([]*node, []string) {
	if strings.HasPrefix(link, "/") {
		stack = stack[:1]
	}
	return stack, append(components(link), ahead...)
}

// hide applies a whiteout to what lower layers hold.
func (a *applier) hide(p string) {
	dir, base := split(p)
	parent := a.fs.lookup(dir, true)
	if parent == nil || parent.file.Type != TypeDir {
		return
	}
	switch {
	case base == whiteoutOpaque:
		a.prune(parent)
	case strings.HasPrefix(base, whiteoutMeta):
		return
	default:
		name := strings.TrimPrefix(base, whiteout)
		if n := parent.children[name]; n != nil {
			if left := a.prune(n); !left && n.layer < a.n {
				delete(parent.children, name)
			}
		}
	}
}

// prune removes what lower layers hold below n and reports whether anything of
// this layer is left there.
func (a *applier) prune(n *node) bool {
	for name, c := range n.children {
		if !a.prune(c) && c.layer < a.n {
			delete(n.children, name)
		}
	}
	return len(n.children) > 0
}

func (a *applier) problem(format string, args ...any) {
	if len(a.fs.Problems) >= maxProblems {
		a.fs.Dropped++
		return
	}
	a.fs.Problems = append(a.fs.Problems, fmt.Sprintf("layer %d: ", a.n)+fmt.Sprintf(format, args...))
}

// lookup finds a path, following symlinks inside the root on the way, and at
// its end when last is true.
func (fs *FS) lookup(p string, last bool) *node {
	hops := 0
	stack := []*node{fs.root}
	for ahead := components(p); len(ahead) > 0; {
		name := ahead[0]
		ahead = ahead[1:]
		top := stack[len(stack)-1]
		if name == ".." {
			stack = stack[:max(1, len(stack)-1)]
			continue
		}
		child := top.children[name]
		if child == nil {
			return nil
		}
		if child.file.Type == TypeSymlink && (last || len(ahead) > 0) {
			if hops++; hops > maxHops || len(ahead) > maxAhead {
				return nil
			}
			stack, ahead = follow(stack, child.file.Link, ahead)
			continue
		}
		stack = append(stack, child)
	}
	return stack[len(stack)-1]
}

// finish gives every file its path and every hard-link group its name: the
// least path of the group in byte order.
func (fs *FS) finish() {
	groups := map[*File][]*node{}
	paths := map[*node]string{}
	fs.walk(fs.root, "", func(p string, n *node) bool {
		groups[n.file] = append(groups[n.file], n)
		paths[n] = p
		return true
	})
	for shared, nodes := range groups {
		shared.Path = paths[nodes[0]]
		if len(nodes) == 1 {
			continue
		}
		for _, n := range nodes {
			shared.HardLink = min(cmp.Or(shared.HardLink, paths[n]), paths[n])
		}
		for _, n := range nodes[1:] {
			one := *shared
			one.Path = paths[n]
			n.file = &one
		}
	}
}

// walk visits n and what is below it, by path: a directory before its content,
// names in byte order.
func (fs *FS) walk(n *node, p string, visit func(string, *node) bool) bool {
	if !visit(p, n) {
		return false
	}
	names := make([]*node, 0, len(n.children))
	for _, c := range n.children {
		names = append(names, c)
	}
	slices.SortFunc(names, func(a, b *node) int { return cmp.Compare(a.name, b.name) })
	for _, c := range names {
		q := c.name
		if p != "" {
			q = p + "/" + c.name
		}
		if !fs.walk(c, q, visit) {
			return false
		}
	}
	return true
}

// Files gives every file, a directory before its content, names in byte order.
// The first is the root, whose path is "".
func (fs *FS) Files() iter.Seq[*File] {
	return func(yield func(*File) bool) {
		fs.walk(fs.root, "", func(_ string, n *node) bool { return yield(n.file) })
	}
}

// Find gives the file at a path, following symlinks inside the root as a
// process in the container would. Its error wraps ErrNotFound.
func (fs *FS) Find(p string) (*File, error) {
	n := fs.lookup(p, true)
	if n == nil {
		return nil, fmt.Errorf("%q in %q: %w", p, fs.image.ref.Text, ErrNotFound)
	}
	return n.file, nil
}

// Open gives the content of a regular file. The reader ends with io.EOF only
// when the whole layer that holds the file has been verified again.
func (fs *FS) Open(ctx context.Context, f *File) (io.ReadCloser, error) {
	if f.Type != TypeRegular || f.Layer < 1 || f.Layer > len(fs.image.layers) {
		return nil, fmt.Errorf("opening %q: it is a %s", f.Path, f.Type)
	}
	l := fs.image.layers[f.Layer-1]
	r, err := l.OpenTar(ctx)
	if err != nil {
		return nil, err
	}
	tr := tar.NewReader(r)
	for range f.Entry + 1 {
		if _, err := tr.Next(); err != nil {
			defer r.Close()
			return nil, fmt.Errorf("opening %q: %w", f.Path, l.archiveError(r, err))
		}
	}
	return &content{tr: tr, layer: r}, nil
}

// content is a file's content that drags the rest of its layer behind it.
type content struct {
	tr    *tar.Reader
	layer io.ReadCloser
}

func (c *content) Read(p []byte) (int, error) {
	n, err := c.tr.Read(p)
	if err == io.EOF {
		if _, rest := io.Copy(io.Discard, c.layer); rest != nil {
			err = rest
		}
	}
	return n, err
}

func (c *content) Close() error { return c.layer.Close() }
