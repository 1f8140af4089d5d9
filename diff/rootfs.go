package diff

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// rootfs compares the file systems that the layers make, whiteouts applied. It
// is what decides when layers were split, merged or put in another order.
func (c *imagePair) rootfs(ctx context.Context) (*Node, error) {
	n := &Node{Kind: KindRootfs, Name: "effective file system", A: &Side{Size: -1}, B: &Side{Size: -1}}
	var fs [2]*image.FS
	err := both(ctx, func(ctx context.Context, side int) (err error) {
		fs[side], err = []*image.Image{c.a, c.b}[side].FS(ctx, true)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		n.Status = Unreadable
		n.note(err.Error())
		return n, nil
	}
	for i, f := range fs {
		for _, p := range f.Problems {
			n.note(fmt.Sprintf("%s: %s", "AB"[i:i+1], p))
		}
		if f.Dropped > 0 {
			n.note(fmt.Sprintf("%s: %d more problems", "AB"[i:i+1], f.Dropped))
		}
	}
	err = c.x.streams(ctx, n, c.x.reading(fsStream(fs[0]), "A"), c.x.reading(fsStream(fs[1]), "B"))
	if n.Status == Same && (len(fs[0].Problems) > 0 || len(fs[1].Problems) > 0) {
		n.Status = NotChecked
		n.note("not all entries could be applied")
		n.settle()
	}
	if n.Status == Same {
		n.note("both make the same tree, modification times included: only the layers are cut differently")
		c.sameTree(n, fs)
	}
	return n, err
}

// sameTree explains layers that have no counterpart by their sum being equal. A
// layer with entries of which later ones leave nothing is not explained by that:
// whoever has the image has them.
func (c *imagePair) sameTree(n *Node, fs [2]*image.FS) {
	for i, p := range c.pairs {
		l := c.layers[i]
		if p.a == p.b || l.Status == Unreadable {
			continue
		}
		cause := &Cause{ID: "A7", Name: "the same tree, cut into layers differently", Confidence: Proved,
			Evidence: "all layers applied give equal trees, hashed", Fix: "build with the same frontend and the same squashing"}
		hidden := 0
		if p.a >= 0 {
			hidden += fs[0].Hidden[c.a.Layers()[p.a].Number]
		}
		if p.b >= 0 {
			hidden += fs[1].Hidden[c.b.Layers()[p.b].Number]
		}
		if hidden > 0 {
			cause.Confidence = Likely
			cause.Evidence += fmt.Sprintf("; but of %d entries of this layer the tree has nothing: later ones replace or remove them", hidden)
			n.note(fmt.Sprintf("%s has %d entries that are not in the tree", l.Name, hidden))
		}
		if len(l.Reasons) == 0 {
			l.Reasons = append(l.Reasons, Reason{Field: "layer boundary"})
		}
		for k := range l.Reasons {
			l.Reasons[k].Cause = cause
		}
		l.settle()
	}
}

// fsFiles streams the files of an effective file system; their hashes are known.
type fsFiles struct {
	fs    *image.FS
	files []*image.File
	next  int

	// Of a tree that is compared with one in another container:
	tree  bool
	lacks []string
	cut   error                                                     // why there are no more files; nil at the end
	open  func(context.Context, *image.File) (io.ReadCloser, error) // nil for the layer's
}

func fsStream(fs *image.FS) *fsFiles { return &fsFiles{fs: fs, files: slices.Collect(fs.Files())} }

func (s *fsFiles) Next(ctx context.Context) (*Member, error) {
	if s.next == len(s.files) && s.cut != nil {
		return nil, s.cut
	}
	if s.next == len(s.files) {
		return nil, io.EOF
	}
	f := s.files[s.next]
	s.next++
	fields := fileFields(f)
	m := &Member{Name: rootNamed(f.Path), Size: -1, Explain: explainFields, Fields: func() []Field { return fields }}
	m.Raw = fmt.Appendf(nil, "%q", fields)
	if m.Lacks = s.lacks; s.tree && f.Layer == 0 {
		m.Lacks = impliedLacks // a directory that only stands in the names of others
	}
	if f.Type == image.TypeRegular {
		sum, err := sumOf(f.Digest)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", f.Path, err)
		}
		m.Body = &known{sum: sum, size: f.Size}
	}
	return m, nil
}

func (s *fsFiles) Close() error { return nil }

// Reopen reads a file from the layer that holds it.
func (s *fsFiles) Reopen(ctx context.Context, n int) (io.ReadCloser, error) {
	if s.open != nil {
		return s.open(ctx, s.files[n])
	}
	return s.fs.Open(ctx, s.files[n])
}

func fileFields(f *image.File) []Field {
	fs := []Field{{"type", typeWord(f.Type)}, {"mode", fmt.Sprintf("%04o", f.Mode)}, {"uid", fmt.Sprint(f.UID)}, {"gid", fmt.Sprint(f.GID)},
		{"mtime", stamp(f.ModTime)}, {"link", f.Link}, {"hard link", f.HardLink}}
	if f.Major != 0 || f.Minor != 0 {
		fs = append(fs, Field{"device", fmt.Sprintf("%d:%d", f.Major, f.Minor)})
	}
	for _, k := range slices.Sorted(maps.Keys(f.Xattrs)) {
		fs = append(fs, attribute(k, string(f.Xattrs[k])))
	}
	return fs
}

func sumOf(d chain.Digest) (sum [32]byte, err error) {
	p, err := hex.DecodeString(d.Hex())
	if err != nil || len(p) != len(sum) {
		return sum, fmt.Errorf("%q is not a digest", d)
	}
	return [32]byte(p), nil
}
