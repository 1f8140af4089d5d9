package image

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// TreeNode is a node of the Merkle tree over a file system. Two parties whose
// roots differ find the files by comparing children, a few hashes at a time.
type TreeNode struct {
	Name     string // one component; "" for the root
	Digest   chain.Digest
	File     *File
	Children []*TreeNode // in byte order of their names
}

// ErrIncomplete is wrapped when a file system has no tree root, because not
// all of it is known.
var ErrIncomplete = errors.New("the file system is not known completely")

// Tree computes the Merkle tree. It fails when the content was not hashed, or
// when an entry could not be applied: a root must never cover less than all.
func (fs *FS) Tree() (*TreeNode, error) {
	switch {
	case !fs.Hashed:
		return nil, fmt.Errorf("computing the tree root of %q: its content was not hashed: %w", fs.image.ref.Text, ErrIncomplete)
	case len(fs.Problems) > 0:
		return nil, fmt.Errorf("computing the tree root of %q: %s: %w", fs.image.ref.Text, fs.Problems[0], ErrIncomplete)
	}
	return fs.root.tree()
}

// TreeRoot is T of the image: it reads and hashes all layers.
func (i *Image) TreeRoot(ctx context.Context) (chain.Digest, error) {
	fs, err := i.FS(ctx, true)
	if err != nil {
		return "", err
	}
	t, err := fs.Tree()
	if err != nil {
		return "", err
	}
	return t.Digest, nil
}

func (n *node) tree() (*TreeNode, error) {
	t := &TreeNode{Name: n.name, File: n.file}
	for _, c := range n.children {
		child, err := c.tree()
		if err != nil {
			return nil, err
		}
		t.Children = append(t.Children, child)
	}
	return t, t.seal()
}

// seal sorts the children and computes the node's digest.
//
// With u32 and u64 little-endian integers and field(x) = u32 length of x, x:
//
//	record = field(type, 1 byte) field(mode, u32) field(uid, u64) field(gid, u64)
//	         field(symlink target) field(hard-link group) field(major, u64) field(minor, u64)
//	         field(xattrs) field(size, u64) field(SHA-256 of the content, 32 bytes; empty when not regular)
//	xattrs = u32 number, then by name in byte order: field(name) field(value)
//	file   = SHA-256(0x00 record)
//	dir    = SHA-256(0x01 record u32 number, then by name in byte order: field(name) field(digest, 32 bytes))
//
// T is the digest of the root directory. Paths have no leading slash; a
// hard-link group is the least path of its members, empty for a file with one
// name. Modification times, owners' names and inode numbers are left out.
func (t *TreeNode) seal() error {
	slices.SortFunc(t.Children, func(a, b *TreeNode) int { return cmp.Compare(a.Name, b.Name) })
	record, err := appendRecord(nil, t.File)
	if err != nil {
		return err
	}
	h := sha256.New()
	if t.File.Type != TypeDir {
		h.Write([]byte{0})
		h.Write(record)
		t.Digest = chain.SHA256([32]byte(h.Sum(nil)))
		return nil
	}
	h.Write([]byte{1})
	h.Write(record)
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(t.Children)))
	for _, c := range t.Children {
		raw, err := hex.DecodeString(c.Digest.Hex())
		if err != nil {
			return fmt.Errorf("computing the tree root: %w", err)
		}
		b = appendField(appendField(b, []byte(c.Name)), raw)
	}
	h.Write(b)
	t.Digest = chain.SHA256([32]byte(h.Sum(nil)))
	return nil
}

func appendRecord(b []byte, f *File) ([]byte, error) {
	u64 := func(n int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }
	b = appendField(b, []byte{byte(f.Type)})
	b = appendField(b, binary.LittleEndian.AppendUint32(nil, f.Mode))
	b = appendField(b, u64(f.UID))
	b = appendField(b, u64(f.GID))
	b = appendField(b, []byte(f.Link))
	b = appendField(b, []byte(f.HardLink))
	b = appendField(b, u64(f.Major))
	b = appendField(b, u64(f.Minor))
	names := make([]string, 0, len(f.Xattrs))
	for n := range f.Xattrs {
		names = append(names, n)
	}
	slices.Sort(names)
	xattrs := binary.LittleEndian.AppendUint32(nil, uint32(len(names)))
	for _, n := range names {
		xattrs = appendField(appendField(xattrs, []byte(n)), f.Xattrs[n])
	}
	b = appendField(b, xattrs)
	b = appendField(b, u64(f.Size))
	if f.Type != TypeRegular {
		return appendField(b, nil), nil
	}
	if _, err := chain.ParseDigest(string(f.Digest)); err != nil {
		return nil, fmt.Errorf("computing the tree root: %q: %w", f.Path, errors.Join(ErrIncomplete, err))
	}
	raw, err := hex.DecodeString(f.Digest.Hex())
	if err != nil {
		return nil, fmt.Errorf("computing the tree root: %q: %w", f.Path, err)
	}
	return appendField(b, raw), nil
}

// TreeOf computes the Merkle tree of a list of files, in any order, such as a
// party publishes. Every directory must be in the list, the root (path "")
// included.
func TreeOf(files []File) (*TreeNode, error) {
	nodes := make(map[string]*TreeNode, len(files))
	order := make([]string, 0, len(files))
	for n := range files {
		f := &files[n]
		if _, twice := nodes[f.Path]; twice || CleanPath(f.Path) != f.Path {
			return nil, fmt.Errorf("computing the tree root: %q is listed twice or is no clean path", f.Path)
		}
		_, base := split(f.Path)
		nodes[f.Path] = &TreeNode{Name: base, File: f}
		order = append(order, f.Path)
	}
	// Deeper paths first, so that children are sealed before their directory.
	slices.SortFunc(order, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	for _, p := range order {
		if p == "" {
			continue
		}
		dir, _ := split(p)
		parent := nodes[dir]
		if parent == nil || parent.File.Type != TypeDir {
			return nil, fmt.Errorf("computing the tree root: %q is in no directory of the list", p)
		}
		if err := nodes[p].seal(); err != nil {
			return nil, err
		}
		parent.Children = append(parent.Children, nodes[p])
	}
	root := nodes[""]
	if root == nil || root.File.Type != TypeDir {
		return nil, errors.New("computing the tree root: the root directory is not in the list")
	}
	return root, root.seal()
}
