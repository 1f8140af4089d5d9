package diff

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

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
	c := &imagePair{x: x.own(), a: a, b: b, indexed: map[*image.Layer]bool{}}
	for i, im := range []*image.Image{a, b} {
		for _, s := range im.Notes() {
			root.note("AB"[i:i+1] + ": " + s)
		}
	}
	c.indexes(root)
	manifest, err := c.manifest(ctx)
	root.Children = append(root.Children, manifest)
	if n := len(c.indexed); n > 0 {
		of := "1 layer"
		if n > 1 {
			of = fmt.Sprintf("%d layers", n)
		}
		root.note("the entries of " + of + " are from the store's index, and the bytes were not read again")
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
	share  *share  // of the layers' members
	config *Node
	after  []func() // by pair, what is left to be said when its tree is made; nil for nothing
	cuts   []layerCut
	sets   map[*image.Layer]*layerEntries // of the layers that recut has read

	mu      sync.Mutex
	indexed map[*image.Layer]bool // of both sides, whose entries came from the index
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
		da, db := c.a.ManifestDigest(), c.b.ManifestDigest()
		if i+1 < len(ia) {
			da, db = ia[i+1].Digest(), ib[i+1].Digest()
		}
		leadOn(da, db, n.Reasons)
		n.settle()
		root.Children = append(root.Children, n)
	}
}

// leadOn finds the digest and size of what an index leads to, da and db, among its
// reasons. Those of other entries are of other objects, which nobody compared.
func leadOn(da, db chain.Digest, rs []Reason) {
	if da == db {
		return
	}
	entry := ""
	for _, r := range rs {
		at, last, _ := cutLast(r.Field)
		if last == "digest" && strings.HasPrefix(at, "/manifests/") && r.A == fmt.Sprintf("%q", da) && r.B == fmt.Sprintf("%q", db) {
			entry = at
		}
	}
	if entry == "" {
		return
	}
	for k := range rs {
		if rs[k].Field == entry+"/digest" || rs[k].Field == entry+"/size" {
			rs[k].Cause = ofContent("digest or size of the object below")
		}
	}
}

// object compares two JSON objects, whose bytes were verified when they were
// read.
func (c *imagePair) object(kind Kind, name string, a, b *image.Object) *Node {
	n := &Node{Kind: kind, Name: name}
	side := func(o *image.Object) *Side {
		return &Side{Name: name, Size: int64(len(o.Raw)), Digest: o.Digest(), MediaType: o.Descriptor.MediaType}
	}
	if a == nil || b == nil {
		if a == nil && b == nil {
			n.note("neither side has one: they are archives of the old docker save")
			return n
		}
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
		rs = []Reason{{Field: "JSON that cannot be read"}}
	}
	n.Reasons = rs
	n.RangesA, n.RangesB = lineRanges(ina, inb)
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
	err := c.readPairs(ctx)
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
		if fs, err = c.rootfs(ctx); fs != nil && !c.said(fs) {
			n.Children = append(n.Children, fs)
		} else if fs != nil {
			n.note("the file systems that the layers make differ in the entries above, and in no other")
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
	var inManifest, inConfig = map[string]bool{}, map[string]bool{}
	for i, p := range c.pairs {
		if c.layers[i].Status != Same && p.a == p.b {
			inManifest[fmt.Sprintf("/layers/%d/digest", p.a)] = true
			inManifest[fmt.Sprintf("/layers/%d/size", p.a)] = true
			if l := c.layers[i]; l.A != nil && l.B != nil && c.a.Layers()[p.a].DiffID != c.b.Layers()[p.b].DiffID {
				inConfig[fmt.Sprintf("/rootfs/diff_ids/%d", p.a)] = true
			}
		}
	}
	if c.config.Status == Differs {
		inManifest["/config/digest"], inManifest["/config/size"] = true, true
	}
	straight := c.straight()
	for i := range manifest.Reasons {
		r := &manifest.Reasons[i]
		switch {
		case inManifest[r.Field]:
			r.Cause = ofContent("digest or size of the object below")
		case !straight && listsLayer(r):
			r.Cause = ofContent("list of the layers below")
		}
	}
	for i := range c.config.Reasons {
		r := &c.config.Reasons[i]
		switch {
		case inConfig[r.Field]:
			r.Cause = ofContent("digest or size of the object below")
		case !straight && strings.HasPrefix(r.Field, "/rootfs/diff_ids/"):
			r.Cause = ofContent("list of the layers below")
		}
	}
	manifest.settle()
	c.config.settle()
}

// listsLayer reports whether a reason is that a manifest lists another layer, and
// nothing else of it: where else it may be had from, or what it holds, is not said
// by the layer.
func listsLayer(r *Reason) bool {
	at, ok := strings.CutPrefix(r.Field, "/layers/")
	if !ok {
		return false
	}
	if _, last, deeper := cutLast(at); deeper {
		return last == "digest" || last == "size"
	}
	for _, v := range []string{r.A, r.B} {
		var d map[string]json.RawMessage
		if v != "" && json.Unmarshal([]byte(v), &d) != nil {
			return false
		}
		for k := range d {
			if k != "digest" && k != "size" && k != "mediaType" {
				return false
			}
		}
	}
	return true
}

func cutLast(p string) (before, last string, ok bool) {
	i := strings.LastIndexByte(p, '/')
	if i < 0 {
		return "", p, false
	}
	return p[:i], p[i+1:], true
}
