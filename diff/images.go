package diff

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// Images compares two images: indexes, manifest, config, layers and, where the
// layers are not the same ones in the same order, the file systems they make.
// The bytes of every layer of both are read and hashed. The error is for
// comparisons that were cancelled; whatever else went wrong is in the tree.
func (x *Examiner) Images(ctx context.Context, a, b *image.Image) (*Node, error) {
	root := &Node{Kind: KindImage, Name: "image",
		A: &Side{Name: a.Ref().Text, Size: -1, Digest: a.ManifestDigest()},
		B: &Side{Name: b.Ref().Text, Size: -1, Digest: b.ManifestDigest()}}
	c := &imagePair{x: x, a: a, b: b}
	c.indexes(root)
	manifest, err := c.manifest(ctx)
	root.Children = append(root.Children, manifest)
	if n := c.indexed.Load(); n > 0 {
		root.note(fmt.Sprintf("the entries of %d layers are from the store's index, and their bytes were not read again", n))
	}
	if root.Status = root.sum(); len(root.Reasons) > 0 {
		root.Status = Differs
	}
	root.Settle()
	return root, err
}

// imagePair compares two images.
type imagePair struct {
	x      *Examiner
	a, b   *image.Image
	pairs  []layerPair
	layers []*Node // one for each pair
	config *Node

	indexed atomic.Int64 // layers of both sides whose entries came from the index
}

// indexes adds a node for each pair of indexes on the way to the manifests, which
// are paired from the manifest outwards. An index that only one side has is a
// difference of its own: what the references name has other bytes, though the
// manifest within may be the other side's.
func (c *imagePair) indexes(root *Node) {
	ia, ib := c.a.Indexes(), c.b.Indexes()
	shared := min(len(ia), len(ib))
	c.wrapping(root, ia, ib)
	ia, ib = ia[len(ia)-shared:], ib[len(ib)-shared:]
	for i := range ia {
		n := c.object(KindIndex, "index", ia[i], ib[i])
		for k := range n.Reasons {
			r := &n.Reasons[k]
			if (strings.HasSuffix(r.Field, "/digest") || strings.HasSuffix(r.Field, "/size")) && c.leadsOn(ia[i+1:], ib[i+1:], r) {
				r.Cause = ofContent("digest or size of the object below")
			}
		}
		n.settle()
		root.Children = append(root.Children, n)
	}
}

// leadsOn reports whether a reason of an index is the digest or size of what it
// leads to: the indexes below, or the manifests.
func (c *imagePair) leadsOn(ia, ib []*image.Object, r *Reason) bool {
	da, db := c.a.ManifestDigest(), c.b.ManifestDigest()
	if len(ia) > 0 {
		da, db = ia[0].Digest(), ib[0].Digest()
	}
	if da == db {
		return false
	}
	if strings.HasSuffix(r.Field, "/size") {
		return true
	}
	return r.A == fmt.Sprintf("%q", da) && r.B == fmt.Sprintf("%q", db)
}

// object compares two JSON objects, whose bytes were verified when they were
// read.
func (c *imagePair) object(kind Kind, name string, a, b *image.Object) *Node {
	n := &Node{Kind: kind, Name: name}
	side := func(o *image.Object) *Side {
		return &Side{Name: name, Size: int64(len(o.Raw)), Digest: o.Digest(), MediaType: o.Descriptor.MediaType}
	}
	if a == nil || b == nil {
		n.note("one side has none: it is an archive of the old docker save")
		if a != nil {
			n.A, n.Status = side(a), OnlyA
		}
		if b != nil {
			n.B, n.Status = side(b), OnlyB
		}
		return n
	}
	n.A, n.B = side(a), side(b)
	if n.A.Digest == n.B.Digest {
		n.Status, n.Residue = Same, ResidueNone
		return n
	}
	n.Status = Differs
	ina, inb := textInput(name, string(a.Raw)), textInput(name, string(b.Raw))
	n.Content = inputs{ina, inb}
	rs, err := JSONReasons(a.Raw, b.Raw)
	if err != nil {
		n.note(err.Error())
	}
	n.Reasons = rs
	for _, h := range lineHunks(Lines(string(a.Raw), string(b.Raw))) {
		n.RangesA, n.RangesB = append(n.RangesA, Range{h.a, h.na}), append(n.RangesB, Range{h.b, h.nb})
	}
	return n
}

// manifest is the node of the manifest with config, layers and file system.
func (c *imagePair) manifest(ctx context.Context) (*Node, error) {
	n := c.object(KindManifest, "manifest "+c.a.Platform(), c.a.Manifest(), c.b.Manifest())
	if n.Status == OnlyA || n.Status == OnlyB || c.a.Manifest() == nil {
		n.Status = NotChecked // what it leads to says
	}
	if pa, pb := c.a.Platform(), c.b.Platform(); pa != pb {
		n.note(fmt.Sprintf("A is for %s, B for %s", pa, pb))
	}
	c.config = c.object(KindConfig, "config", c.a.ConfigObject(), c.b.ConfigObject())
	c.pairs = pairLayers(diffIDs(c.a), diffIDs(c.b))
	err := c.readLayers(ctx)
	c.derive(n)
	if n.Status == Same {
		// Its bytes are; but nobody can say so of the image while a layer's bytes
		// are not what the manifest says.
		n.Status = NotChecked
	}
	n.Children = append(n.Children, c.config)
	n.Children = append(n.Children, c.layers...)
	if err == nil && (!c.straight() || c.crossed()) {
		var fs *Node
		if err = c.recut(ctx); err != nil {
			return n, err
		}
		if fs, err = c.rootfs(ctx); fs != nil {
			n.Children = append(n.Children, fs)
		}
	}
	if n.Status == NotChecked {
		n.Status = n.sum()
	}
	return n, err
}

func diffIDs(im *image.Image) (out []chain.Digest) {
	for _, l := range im.Layers() {
		out = append(out, l.DiffID)
	}
	return out
}

// straight reports whether each layer has its partner at its own position.
func (c *imagePair) straight() bool {
	for _, p := range c.pairs {
		if p.a != p.b {
			return false
		}
	}
	return true
}

// derive marks the digests and sizes that follow from what differs below.
func (c *imagePair) derive(manifest *Node) {
	differing := map[string]bool{}
	for i, p := range c.pairs {
		if c.layers[i].Status != Same && p.a == p.b {
			differing[fmt.Sprintf("/layers/%d", p.a)] = true
			if l := c.layers[i]; l.A != nil && l.B != nil && c.a.Layers()[p.a].DiffID != c.b.Layers()[p.b].DiffID {
				differing[fmt.Sprintf("/rootfs/diff_ids/%d", p.a)] = true
			}
		}
	}
	if c.config.Status == Differs {
		differing["/config"] = true
	}
	straight := c.straight()
	for _, n := range []*Node{manifest, c.config} {
		for i := range n.Reasons {
			r := &n.Reasons[i]
			at, last, _ := cutLast(r.Field)
			switch {
			case differing[at] && (last == "digest" || last == "size"), differing[r.Field]:
				r.Cause = ofContent("digest or size of the object below")
			case !straight && (strings.HasPrefix(r.Field, "/layers/") || strings.HasPrefix(r.Field, "/rootfs/diff_ids/")):
				r.Cause = ofContent("list of the layers below")
			}
		}
		n.settle()
	}
}

func cutLast(p string) (before, last string, ok bool) {
	i := strings.LastIndexByte(p, '/')
	if i < 0 {
		return "", p, false
	}
	return p[:i], p[i+1:], true
}
