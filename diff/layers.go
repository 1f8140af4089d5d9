package diff

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// readPairs compares the layers. Where the sides have another number of them, or
// where it turns out that entries are in other layers, those that hold each other's
// entries are compared as one.
func (c *imagePair) readPairs(ctx context.Context) error {
	if !c.straight() {
		if err := c.recut(ctx); err != nil {
			return err
		}
		return c.readLayers(ctx, nil)
	}
	nodes, kept := c.x.unit.nodes, c.x.unit.kept
	if err := c.readLayers(ctx, nil); err != nil || !c.crossed() {
		return err
	}
	done := map[layerPair]*Node{}
	for i, p := range c.pairs {
		if n := c.layers[i]; n.Status != Unreadable && len(n.Children) == 0 {
			done[p] = n
		}
	}
	if err := c.recut(ctx); err != nil || len(c.cuts) == 0 {
		return err
	}
	// What was found and kept aside of the other layers goes, with what it took of
	// the bounds.
	c.x.unit.release()
	c.x = &Examiner{shared: c.x.shared, depth: c.x.depth, unit: &unit{nodes: nodes, kept: kept}}
	return c.readLayers(ctx, done)
}

// readLayers compares all pairs of layers but those that are done, several at once.
// A pair keeps two processors busy by itself.
func (c *imagePair) readLayers(ctx context.Context, done map[layerPair]*Node) error {
	c.layers = make([]*Node, len(c.pairs))
	c.after = make([]func(), len(c.pairs))
	c.share = newShare(c.x, len(c.pairs))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, c.x.o.workers()/2))
	for i, p := range c.pairs {
		if c.layers[i] = done[p]; c.layers[i] == nil {
			c.layers[i] = c.layerNode(p)
			g.Go(func() error { return c.layer(gctx, i, p) })
		}
	}
	err := g.Wait()
	for i, m := range c.share.lists {
		if m == nil {
			continue
		}
		e := m.end()
		if c.after[i] != nil {
			c.after[i]()
		}
		if n := c.layers[i]; e == nil && n.Status == Differs && len(n.Children) == 0 && len(n.Reasons) == 0 {
			n.note("the archives differ, and no entry does")
		}
		err = cmp.Or(err, e)
	}
	c.share.settle(c.x.unit)
	c.share = nil
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c *imagePair) layerNode(p layerPair) *Node {
	n := &Node{Kind: KindLayer}
	if k := c.whole(p); k != nil {
		n.Name, n.A, n.B = layerNumbers(k.a), layersSide(k.a), layersSide(k.b)
		return n
	}
	if p.a >= 0 {
		l := c.a.Layers()[p.a]
		n.Name = fmt.Sprintf("layer %d", l.Number)
		n.A = layerSide(l)
	}
	if p.b >= 0 {
		l := c.b.Layers()[p.b]
		if n.Name == "" {
			n.Name = fmt.Sprintf("layer %d", l.Number)
		}
		n.B = layerSide(l)
	}
	return n
}

// whole is the cut that is compared where p stands; nil when it is none.
func (c *imagePair) whole(p layerPair) *layerCut {
	if p.cut == 0 || p.a < 0 || p.b < 0 {
		return nil
	}
	return &c.cuts[p.cut-1]
}

// layersSide is a side that is made of several layers.
func layersSide(ls []*image.Layer) *Side {
	if len(ls) == 1 {
		return layerSide(ls[0])
	}
	s := &Side{Name: layerNumbers(ls)}
	for _, l := range ls {
		s.Size += l.Descriptor.Size
	}
	return s
}

func layerSide(l *image.Layer) *Side {
	return &Side{Name: fmt.Sprintf("layer %d", l.Number), Size: l.Descriptor.Size, Digest: chain.Digest(l.Descriptor.Digest), MediaType: l.Descriptor.MediaType}
}

// layer compares one pair. What keeps a layer from being read is said in its
// node; only a cancelled comparison is an error.
func (c *imagePair) layer(ctx context.Context, i int, p layerPair) error {
	n := c.layers[i]
	switch k := c.whole(p); {
	case k != nil:
		return c.joinedLayers(ctx, i, *k)
	case p.cut > 0:
		c.elsewhere(n, p)
		return nil
	case p.a < 0 || p.b < 0:
		return c.lonelyLayer(ctx, n, p)
	}
	la, lb := c.a.Layers()[p.a], c.b.Layers()[p.b]
	if p.a != p.b {
		n.Status = Differs
		n.Reasons = append(n.Reasons, Reason{Field: "position", A: fmt.Sprint(la.Number), B: fmt.Sprint(lb.Number)})
	}
	switch {
	case la.Descriptor.Digest == lb.Descriptor.Digest && la.Descriptor.Digest != "" && la.DiffID == lb.DiffID:
		return c.sameBlob(ctx, n, la, lb)
	case la.DiffID == lb.DiffID && la.DiffID != "":
		return c.recompressed(ctx, n, la, lb)
	}
	n.Status = Differs
	compressed(ctx, n, la, lb)
	ra, rb := c.x.layerReading(la, "A"), c.x.layerReading(lb, "B")
	for _, r := range []*reading{ra, rb} {
		c.sayIndexed(n, r.name, r.s)
	}
	return c.x.read(ctx, n, ra, rb, c.share, i).stopped
}

// sayIndexed notes which layers of a side were not read, since the store's index has
// their entries.
func (c *imagePair) sayIndexed(n *Node, side string, layers ...Stream) {
	count := 0
	for _, s := range layers {
		if s, ok := s.(*indexStream); ok {
			count++
			c.mu.Lock()
			c.indexed[s.layer.l] = true
			c.mu.Unlock()
		}
	}
	switch {
	case count == 0:
	case len(layers) == 1:
		n.note("the entries of side " + side + " are from the store's index, and its bytes were not read again")
	default:
		n.note(fmt.Sprintf("the entries of %d of the %d layers of side %s are from the store's index, and their bytes were not read again", count, len(layers), side))
	}
}

// sameBlob verifies both sides' bytes, which one digest promises.
func (c *imagePair) sameBlob(ctx context.Context, n *Node, la, lb *image.Layer) error {
	err := both(ctx, func(ctx context.Context, side int) error {
		r, err := []*image.Layer{la, lb}[side].Open(ctx)
		return c.drain(n.Name, r, err)
	})
	return n.verified(ctx, err)
}

// recompressed verifies that both blobs hold the same archive.
func (c *imagePair) recompressed(ctx context.Context, n *Node, la, lb *image.Layer) error {
	err := both(ctx, func(ctx context.Context, side int) error {
		r, err := []*image.Layer{la, lb}[side].OpenTar(ctx)
		return c.drain(n.Name, r, err)
	})
	moved := n.Status == Differs
	ds, hashErr := c.blobDigests(ctx, n, la, lb)
	if err := n.verified(ctx, cmp.Or(err, hashErr)); err != nil || n.Status == Unreadable {
		return err
	}
	n.A.Digest, n.B.Digest = ds[0], ds[1]
	if ds[0] == ds[1] && !moved {
		return nil
	}
	n.Status = Differs
	if ds[0] == ds[1] {
		n.settle()
		return nil
	}
	n.Reasons = append(n.Reasons, Reason{Field: "compressed bytes", A: fmt.Sprintf("%d bytes, %s", la.Descriptor.Size, ds[0].Short()), B: fmt.Sprintf("%d bytes, %s", lb.Descriptor.Size, ds[1].Short())})
	compressed(ctx, n, la, lb)
	n.note("the archives inside are equal: their diff ID is " + string(la.DiffID))
	n.settle()
	return nil
}

// blobDigests gives the digests of two blobs, and hashes one that nobody states:
// archives of docker save that compress their layers give the diff IDs alone.
func (c *imagePair) blobDigests(ctx context.Context, n *Node, ls ...*image.Layer) (ds [2]chain.Digest, err error) {
	err = both(ctx, func(ctx context.Context, side int) error {
		if ds[side] = chain.Digest(ls[side].Descriptor.Digest); ds[side] != "" {
			return nil
		}
		r, err := ls[side].Open(ctx)
		if err != nil {
			return err
		}
		h := sha256.New()
		if err := c.drain(n.Name, teed{io.TeeReader(r, h), r}, nil); err != nil {
			return err
		}
		ds[side] = chain.SHA256([sha256.Size]byte(h.Sum(nil)))
		return nil
	})
	return ds, err
}

// teed reads through something, and closes what that reads.
type teed struct {
	io.Reader
	io.Closer
}

// compressed adds how the two blobs are compressed, where that differs.
func compressed(ctx context.Context, n *Node, la, lb *image.Layer) {
	ca, errA := la.Compression(ctx)
	cb, errB := lb.Compression(ctx)
	if errA == nil && errB == nil && ca != cb {
		n.Reasons = append(n.Reasons, Reason{Field: "compression", A: string(ca), B: string(cb)})
	}
}

// both runs f for the two sides at once and joins what went wrong.
func both(ctx context.Context, f func(ctx context.Context, side int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	for side := range 2 {
		g.Go(func() error {
			if err := f(gctx, side); err != nil {
				return fmt.Errorf("reading side %s: %w", "AB"[side:side+1], err)
			}
			return nil
		})
	}
	return g.Wait()
}

// drain reads to the end, where what was read is verified.
func (c *imagePair) drain(name string, r io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer r.Close()
	buf := make([]byte, blockSize)
	for {
		n, err := r.Read(buf)
		c.x.progress(name, int64(n))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// verified sets the status of a pair whose bytes were just hashed.
func (n *Node) verified(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		n.note("reading was interrupted")
		return ctx.Err()
	case err != nil:
		n.Status = Unreadable
		n.note(err.Error())
	case n.Status == NotChecked:
		n.Status = Same
	}
	n.settle()
	return nil
}

// lonelyLayer reads a layer that has no counterpart, so that its bytes have
// been verified at least.
func (c *imagePair) lonelyLayer(ctx context.Context, n *Node, p layerPair) error {
	l := (*image.Layer)(nil)
	if p.a >= 0 {
		n.Status, l = OnlyA, c.a.Layers()[p.a]
	} else {
		n.Status, l = OnlyB, c.b.Layers()[p.b]
	}
	r, err := l.OpenTar(ctx)
	if err = c.drain(n.Name, r, err); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n.note("it could not be read: " + err.Error())
		n.Capped = true
	}
	n.settle()
	return nil
}

// layerReading reads a layer's entries, from the index when that is allowed;
// otherwise what it reads goes there.
func (x *Examiner) layerReading(l *image.Layer, side string) *reading {
	if s := x.indexed(l); s != nil {
		return x.reading(s, side)
	}
	r := x.reading(&layerStream{l: l}, side)
	if x.o.Index != nil && l.DiffID != "" {
		w := newIndexWriter()
		r.entry = w.add
		r.done = func() { w.save(x.o.Index, l.DiffID) }
	}
	return r
}

// layerStream opens a layer when it is first read.
type layerStream struct {
	l *image.Layer
	*tarStream
	r io.ReadCloser
}

func (s *layerStream) Next(ctx context.Context) (*Member, error) {
	if s.tarStream == nil {
		r, err := s.l.OpenTar(ctx)
		if err != nil {
			return nil, err
		}
		s.r, s.tarStream = r, newTarStream(r, r.Close)
	}
	m, err := s.tarStream.Next(ctx)
	if err != nil && err != io.EOF {
		// Is the archive damaged, or are these not the layer's bytes?
		if _, rest := io.Copy(io.Discard, s.r); rest != nil {
			err = rest
		}
	}
	return m, err
}

func (s *layerStream) Close() error {
	if s.tarStream == nil {
		return nil
	}
	return s.tarStream.Close()
}

func (s *layerStream) Reopen(ctx context.Context, n int) (io.ReadCloser, error) {
	t := &tarStream{again: s.l.OpenTar}
	return t.Reopen(ctx, n)
}
