package diff

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/chain/image"
)

// layerCut is layers of both sides that hold the same entries, or most of them, and are
// cut in other places: they are compared as if each side's were one layer.
type layerCut struct{ a, b []*image.Layer }

// recut finds the layers that were split, merged or cut elsewhere, among those
// whose partner has another diff ID, and pairs them anew. It reads them once to
// know what they hold.
func (c *imagePair) recut(ctx context.Context) error {
	la, lb := c.unlike()
	if len(la)+len(lb) < 3 || len(la) == 0 || len(lb) == 0 {
		return nil
	}
	sets := map[*image.Layer]*layerEntries{}
	for _, l := range append(la[:len(la):len(la)], lb...) {
		set, err := c.x.entriesOf(ctx, l)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue // that it cannot be read is said where it is compared
		}
		sets[l] = set
	}
	c.sets = sets
	for _, l := range la {
		if of := together(sets, l, lb); of != nil {
			c.cuts = append(c.cuts, layerCut{[]*image.Layer{l}, of})
			lb = layersWithout(lb, of)
			la = layersWithout(la, []*image.Layer{l})
		}
	}
	for _, l := range lb {
		if of := together(sets, l, la); of != nil {
			c.cuts = append(c.cuts, layerCut{of, []*image.Layer{l}})
			la = layersWithout(la, of)
			lb = layersWithout(lb, []*image.Layer{l})
		}
	}
	if len(la) > 0 && len(lb) > 0 && c.crossing(la, lb) {
		c.cuts = append(c.cuts, layerCut{la, lb})
	}
	for _, set := range sets {
		set.names = nil // they served to find this out
	}
	c.repair()
	return nil
}

// layersWithout gives the layers of l that are not among gone.
func layersWithout(l, gone []*image.Layer) []*image.Layer {
	return slices.DeleteFunc(slices.Clone(l), func(o *image.Layer) bool { return slices.Contains(gone, o) })
}

// unlike are the layers of each side whose partner, if any, has another diff ID.
func (c *imagePair) unlike() (la, lb []*image.Layer) {
	for _, p := range c.pairs {
		if p.a >= 0 && p.b >= 0 && c.a.Layers()[p.a].DiffID == c.b.Layers()[p.b].DiffID {
			continue
		}
		if p.a >= 0 {
			la = append(la, c.a.Layers()[p.a])
		}
		if p.b >= 0 {
			lb = append(lb, c.b.Layers()[p.b])
		}
	}
	byNumber := func(x, y *image.Layer) int { return x.Number - y.Number }
	slices.SortFunc(la, byNumber)
	slices.SortFunc(lb, byNumber)
	return la, lb
}

// together finds two or more layers of the other side, one after the other, that
// together have the entries of l. Directories are left out, because each piece
// brings those on its way.
func together(sets map[*image.Layer]*layerEntries, l *image.Layer, others []*image.Layer) []*image.Layer {
	want := sets[l]
	if want == nil || want.n == 0 {
		return nil
	}
	for from := range others {
		sum := entrySet{}
		for k, o := range others[from:] {
			set := sets[o]
			if set == nil || sum.n+set.n > want.n {
				break
			}
			sum.add(set.entrySet)
			if k > 0 && sum == want.entrySet {
				return others[from : from+k+1]
			}
		}
	}
	return nil
}

// crossing reports whether an entry that a layer's partner lacks is in another
// layer of that side.
func (c *imagePair) crossing(la, lb []*image.Layer) bool {
	partner := map[*image.Layer]*image.Layer{}
	for _, p := range c.pairs {
		if p.a >= 0 && p.b >= 0 {
			x, y := c.a.Layers()[p.a], c.b.Layers()[p.b]
			partner[x], partner[y] = y, x
		}
	}
	for _, l := range append(la[:len(la):len(la)], lb...) {
		if c.sets[l] == nil {
			return false // what it holds is not known: it is said of itself alone
		}
	}
	for _, x := range la {
		for _, y := range lb {
			if partner[x] != y && c.shared(x, y, partner[x], partner[y]) {
				return true
			}
		}
	}
	return false
}

// shared reports whether x and y have an entry that neither of their partners has.
func (c *imagePair) shared(x, y, px, py *image.Layer) bool {
	has := func(l *image.Layer, name uint64) bool {
		if l == nil || c.sets[l] == nil {
			return false
		}
		_, ok := c.sets[l].names[name]
		return ok
	}
	for name := range c.sets[x].names {
		if has(y, name) && !has(px, name) && !has(py, name) {
			return true
		}
	}
	return false
}

// repair pairs the layers of the cuts: the first of each side with the first of the
// other, where the whole is compared, and the others with nothing.
func (c *imagePair) repair() {
	if len(c.cuts) == 0 {
		return
	}
	inA, inB := map[int]bool{}, map[int]bool{}
	var out []layerPair
	for i, k := range c.cuts {
		if len(k.a) == 1 && len(k.b) == 1 {
			out = append(out, layerPair{a: k.a[0].Number - 1, b: k.b[0].Number - 1})
			inA[k.a[0].Number-1], inB[k.b[0].Number-1] = true, true
			continue
		}
		for n := range max(len(k.a), len(k.b)) {
			p := layerPair{a: -1, b: -1, cut: i + 1}
			if n < len(k.a) {
				p.a = k.a[n].Number - 1
				inA[p.a] = true
			}
			if n < len(k.b) {
				p.b = k.b[n].Number - 1
				inB[p.b] = true
			}
			switch {
			case n == 0, p.a < 0, p.b < 0:
				out = append(out, p)
			default:
				out = append(out, layerPair{a: p.a, b: -1, cut: i + 1}, layerPair{a: -1, b: p.b, cut: i + 1})
			}
		}
	}
	for _, p := range c.pairs {
		switch {
		case !inA[p.a] && !inB[p.b]:
			out = append(out, p)
		case p.a >= 0 && !inA[p.a]:
			out = append(out, layerPair{a: p.a, b: -1})
		case p.b >= 0 && !inB[p.b]:
			out = append(out, layerPair{a: -1, b: p.b})
		}
	}
	c.pairs = inOrder(out)
}

// layerNumbers names layers: "layer 2", "layers 1 and 2", "layers 1 to 4".
func layerNumbers(ls []*image.Layer) string {
	first, last := ls[0].Number, ls[len(ls)-1].Number
	switch {
	case len(ls) == 1:
		return "layer " + strconv.Itoa(first)
	case len(ls) == 2:
		return fmt.Sprintf("layers %d and %d", first, last)
	case last-first+1 == len(ls):
		return fmt.Sprintf("layers %d to %d", first, last)
	}
	var all []string
	for _, l := range ls {
		all = append(all, strconv.Itoa(l.Number))
	}
	return "layers " + strings.Join(all, ", ")
}

// joinedLayers compares the layers of a cut, each side's as one.
func (c *imagePair) joinedLayers(ctx context.Context, i int, k layerCut) error {
	n, field := c.layers[i], "cut elsewhere"
	switch {
	case len(k.a) == 1:
		field = "split"
	case len(k.b) == 1:
		field = "merged"
	}
	n.Status = Differs
	n.Reasons = append(n.Reasons, Reason{Field: field, A: layerNumbers(k.a), B: layerNumbers(k.b)})
	if ca, cb := c.compressions(ctx, k.a), c.compressions(ctx, k.b); ca != cb {
		n.Reasons = append(n.Reasons, Reason{Field: "compression", A: ca, B: cb})
	}
	ra, sa := c.x.joined(k.a, c.sets, "A")
	rb, sb := c.x.joined(k.b, c.sets, "B")
	c.sayIndexed(n, "A", sa.streams...)
	c.sayIndexed(n, "B", sb.streams...)
	c.after[i] = func() { sayCut(n, sa.replaced, sb.replaced) }
	return c.x.read(ctx, n, ra, rb, c.share, i).stopped
}

// sayCut explains the cut when the layers were read to their ends: undoing it is what
// reading them as one does. Directories that a later layer writes otherwise are in
// the image all the same.
func sayCut(n *Node, replacedA, replacedB int) {
	cause := Cause{ID: "A7", Name: "the same entries, cut into layers differently", Confidence: Proved,
		Evidence: "each side's layers, read as one, have the same entries but for those below", Fix: "build with the same frontend and the same squashing"}
	if n.Status == Differs && !n.Capped {
		n.Reasons[0].Cause = &cause
	}
	if replacedA+replacedB > 0 {
		likely := cause
		likely.Confidence, likely.Evidence = Likely, "the later entry decides; the former is in the image all the same"
		n.Reasons = append(n.Reasons, Reason{Field: "directories that a later layer writes otherwise", A: strconv.Itoa(replacedA), B: strconv.Itoa(replacedB), Cause: &likely})
	}
	n.settle()
}

// elsewhere fills the node of a layer that is compared with others as one.
func (c *imagePair) elsewhere(n *Node, p layerPair) {
	k := c.cuts[p.cut-1]
	r := Reason{Field: "layer boundary", Cause: ofContent("compared above, as one with others")}
	if n.Status = OnlyA; p.a < 0 {
		n.Status = OnlyB
		r.B = "part of " + layerNumbers(k.b)
	} else {
		r.A = "part of " + layerNumbers(k.a)
	}
	n.Reasons = append(n.Reasons, r)
	n.settle()
}

// said reports whether layers that were compared as one say already, of every
// entry in which the file systems differ, that it does.
func (c *imagePair) said(fs *Node) bool {
	if len(c.cuts) == 0 || fs.Status != Differs || fs.Capped || len(fs.Reasons) > 0 {
		return false
	}
	names := map[string]bool{}
	var see func(n *Node)
	see = func(n *Node) {
		names[n.Name] = true
		for _, e := range n.Children {
			see(e)
		}
	}
	for i, p := range c.pairs {
		if c.whole(p) != nil {
			see(c.layers[i])
		}
	}
	for _, e := range fs.Children {
		if !names[e.Name] {
			return false
		}
	}
	return len(fs.Children) > 0
}

// compressions names how layers are compressed, each way once.
func (c *imagePair) compressions(ctx context.Context, ls []*image.Layer) string {
	var out []string
	for _, l := range ls {
		if how, err := l.Compression(ctx); err == nil && !slices.Contains(out, string(how)) {
			out = append(out, string(how))
		}
	}
	return strings.Join(out, ", ")
}

// entrySet stands for a set of entries: how many there are, and the sum of their
// hashes, which is the same in every order.
type entrySet struct {
	n   int
	sum [4]uint64
}

func (s *entrySet) add(o entrySet) {
	s.n += o.n
	for i := range s.sum {
		s.sum[i] += o.sum[i]
	}
}

// layerEntries is what a layer holds, in short.
type layerEntries struct {
	entrySet                     // of what is no directory
	names    map[uint64]struct{} // hashes of their names
	dirs     map[string]directory
	kept     int // bytes of the directories' headers
}

// directory is the last one of a name in a layer.
type directory struct {
	sum [32]byte // of its header
	m   *Member  // nil when the headers of a layer are more than maxDirectories
}

// maxDirectories bounds the headers of directories that are kept of a layer.
const maxDirectories = 16 << 20

// entriesOf reads what a layer holds.
func (x *Examiner) entriesOf(ctx context.Context, l *image.Layer) (*layerEntries, error) {
	r := x.layerReading(l, "")
	defer r.s.Close()
	out := &layerEntries{names: map[uint64]struct{}{}, dirs: map[string]directory{}}
	for {
		m, err := r.s.Next(ctx)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if out.n+len(out.dirs) > x.limit.Members {
			return nil, ErrLimit
		}
		if m.Meta {
			continue
		}
		if m.Body == nil && isDirectory(m) {
			d := directory{sum: sha256.Sum256(m.Raw)}
			if out.kept += len(m.Raw) + len(m.Name); out.kept <= maxDirectories {
				d.m = m
			}
			out.dirs[m.Name] = d
			continue
		}
		if err := out.see(ctx, x, m); err != nil {
			return nil, err
		}
	}
}

// see adds an entry that is no directory, content and all.
func (e *layerEntries) see(ctx context.Context, x *Examiner, m *Member) error {
	name := sha256.Sum256([]byte(m.Name))
	e.names[binary.BigEndian.Uint64(name[:])] = struct{}{}
	h := sha256.New()
	h.Write(name[:])
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(m.Raw))))
	h.Write(m.Raw)
	switch b := m.Body.(type) {
	case nil:
	case *known:
		h.Write(b.sum[:])
	default:
		body := sha256.New()
		if _, err := io.Copy(body, &bounded{ctx: ctx, r: b, left: x.limit.Decoded}); err != nil {
			return err
		}
		h.Write(body.Sum(nil))
	}
	sum := h.Sum(nil)
	one := entrySet{n: 1}
	for i := range one.sum {
		one.sum[i] = binary.BigEndian.Uint64(sum[8*i:])
	}
	e.add(one)
	return nil
}

func isDirectory(m *Member) bool {
	for _, f := range m.Fields() {
		if f.Key == "type" {
			return f.Value == "directory"
		}
	}
	return false
}

// crossed reports whether an entry that one side lacks in a layer is what it has
// more in another layer.
func (c *imagePair) crossed() bool {
	at := [2]map[string]int{{}, {}} // by side, the layer in which only that side has an entry
	for i, l := range c.layers {
		for _, e := range l.Children {
			switch e.Status {
			case OnlyA:
				at[0][e.Name] = i + 1
			case OnlyB:
				at[1][e.Name] = i + 1
			}
		}
	}
	for name, i := range at[0] {
		if k := at[1][name]; k > 0 && k != i {
			return true
		}
	}
	return false
}
