package diff

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"github.com/stagescope/stagescope/chain/image"
)

// recut says of layers that have no like on the other side which layers there
// hold their entries together: they were split, or merged. Directories are left
// out, because each piece brings those on its way; what else differs then is
// said by the entries. The layers are read once more, but only where the two
// sides have another number of them.
func (c *imagePair) recut(ctx context.Context) error {
	la, lb := c.unlike()
	if len(la)+len(lb) < 3 || len(la) == 0 || len(lb) == 0 {
		return nil
	}
	sets := map[*image.Layer]entrySet{}
	for _, l := range append(la[:len(la):len(la)], lb...) {
		set, err := c.x.entriesOf(ctx, l)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue // that it cannot be read is said where it was compared
		}
		sets[l] = set
	}
	for _, l := range la {
		c.sayRecut(sets, l, lb, true)
	}
	for _, l := range lb {
		c.sayRecut(sets, l, la, false)
	}
	return nil
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
	return la, lb
}

// sayRecut looks for two or more layers of the other side, one after the other,
// that together have the entries of l.
func (c *imagePair) sayRecut(sets map[*image.Layer]entrySet, l *image.Layer, others []*image.Layer, isA bool) {
	want, ok := sets[l]
	if !ok || want.n == 0 {
		return
	}
	for from := range others {
		sum, names := entrySet{}, []string{}
		for _, o := range others[from:] {
			set, ok := sets[o]
			if !ok || sum.n+set.n > want.n {
				break
			}
			sum.add(set)
			names = append(names, fmt.Sprint(o.Number))
			if len(names) > 1 && sum == want {
				c.markRecut(l, strings.Join(names, " and "), isA)
				return
			}
		}
	}
}

// markRecut gives the node of a layer the finding.
func (c *imagePair) markRecut(l *image.Layer, of string, isA bool) {
	for i, p := range c.pairs {
		n := c.layers[i]
		r := Reason{Field: "split", A: fmt.Sprintf("layer %d", l.Number), B: "layers " + of}
		at := p.a >= 0 && isA && c.a.Layers()[p.a] == l
		if !isA {
			at = p.b >= 0 && c.b.Layers()[p.b] == l
			r = Reason{Field: "merged", A: "layers " + of, B: fmt.Sprintf("layer %d", l.Number)}
		}
		if at {
			r.Cause = &Cause{ID: "A7", Name: "the same entries, cut into layers differently", Confidence: Likely,
				Evidence: "the entries but for directories are equal, with their times and contents, hashed", Fix: "build with the same frontend and the same squashing"}
			n.Reasons = append(n.Reasons, r)
			n.settle()
		}
	}
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

// entriesOf reads the entries of a layer that are no directories.
func (x *Examiner) entriesOf(ctx context.Context, l *image.Layer) (entrySet, error) {
	r := x.layerReading(l, "")
	defer r.s.Close()
	var out entrySet
	for {
		m, err := r.s.Next(ctx)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if out.n > x.limit.Members {
			return out, ErrLimit
		}
		h := sha256.New()
		io.WriteString(h, m.Name)
		h.Write([]byte{0})
		h.Write(m.Raw)
		switch b := m.Body.(type) {
		case nil:
			if m.Meta || isDirectory(m) {
				continue
			}
		case *known:
			h.Write(b.sum[:])
		default:
			body := sha256.New()
			if _, err := io.Copy(body, &bounded{ctx: ctx, r: b, left: x.limit.Decoded}); err != nil {
				return out, err
			}
			h.Write(body.Sum(nil))
		}
		sum := h.Sum(nil)
		one := entrySet{n: 1}
		for i := range one.sum {
			for _, c := range sum[8*i : 8*i+8] {
				one.sum[i] = one.sum[i]<<8 | uint64(c)
			}
		}
		out.add(one)
	}
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
// more in another layer: then only the file systems can be compared.
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
