package diff

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Parts compares two contents that have been taken apart into ranges, and adds
// a child for each pair that is not equal. Ranges may overlap and reach past
// the end; what they do not cover is compared as well, under the name of what
// comes before it, so that no byte escapes.
func (x *Examiner) Parts(ctx context.Context, n *Node, a, b *Input, pa, pb []Part) error {
	ka, oddA := whole(a, pa)
	kb, oddB := whole(b, pb)
	for _, odd := range slices.Concat(oddA, oddB) {
		n.note(odd)
	}
	if !slices.Equal(oddA, oddB) { // what is cut off at the end is in no part
		n.Reasons = append(n.Reasons, Reason{Field: "parts that reach past the end", A: strings.Join(oddA, "; "), B: strings.Join(oddB, "; ")})
	}
	other := map[string]keyedPart{}
	at := map[string]int{}
	for i, p := range kb {
		other[p.key], at[p.key] = p, i
	}
	last, moved := -1, ""
	for _, p := range ka {
		q, ok := other[p.key]
		if !ok {
			if err := x.Part(ctx, n, a, nil, &p.Part, nil); err != nil {
				return err
			}
			continue
		}
		delete(other, p.key)
		if at[p.key] < last && moved == "" {
			moved = p.Name
		}
		last = max(last, at[p.key])
		if err := x.Part(ctx, n, a, b, &p.Part, &q.Part); err != nil {
			return err
		}
	}
	if moved != "" { // no part says where it lies
		n.Reasons = append(n.Reasons, Reason{Field: "order of the parts", A: "as in A", B: fmt.Sprintf("%q comes earlier", moved)})
	}
	for _, p := range kb {
		if _, ok := other[p.key]; ok {
			if err := x.Part(ctx, n, nil, b, nil, &p.Part); err != nil {
				return err
			}
		}
	}
	n.settle()
	return nil
}

// Part compares one pair of ranges, either of which may be missing, and adds a
// child to n when they are not equal. It is for formats that pair otherwise than
// Parts; they owe every byte of both sides to some call, and settle by Parts'
// rules: nothing else does it for them.
func (x *Examiner) Part(ctx context.Context, n *Node, a, b *Input, pa, pb *Part) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	x = x.own()
	var ia, ib *Input
	first := pa
	if pa != nil {
		ia = a.Section(pa.Range, pa.Name)
	} else {
		first = pb
	}
	if pb != nil {
		ib = b.Section(pb.Range, pb.Name)
	}
	if x.unit.nodes == 0 {
		return x.noRoom(ctx, n, first, ia, ib)
	}
	x.unit.nodes-- // before it is looked into, so that what is in it comes second
	c, err := x.pairOf(ctx, first, pa, pb, ia, ib)
	if err != nil {
		return err
	}
	if c.Status == Same {
		x.unit.nodes++
		n.Equal++
		return nil
	}
	n.Children = append(n.Children, c)
	return nil
}

// noRoom counts a pair of parts that differs and that the tree has no room for.
func (x *Examiner) noRoom(ctx context.Context, n *Node, p *Part, a, b *Input) error {
	c, err := x.sides(ctx, p.Kind, p.Name, a, b)
	if err != nil {
		return err
	}
	if c.Status == Same {
		n.Equal++
		return nil
	}
	n.Capped = true
	if n.omitted == nil {
		n.omitted = &omission{count: 1, first: p.Name}
		n.note(n.saysOmitted(1, x.limit.Nodes))
		return nil
	}
	n.omitted.count++
	n.Note = strings.Replace(n.Note, n.saysOmitted(n.omitted.count-1, x.limit.Nodes), n.saysOmitted(n.omitted.count, x.limit.Nodes), 1)
	return nil
}

func (n *Node) saysOmitted(k, bound int) string {
	if k == 1 {
		return fmt.Sprintf("%q differs and is not shown: the tree holds at most %d nodes (--max-nodes)", n.omitted.first, bound)
	}
	return fmt.Sprintf("%q and %d more parts differ and are not shown: the tree holds at most %d nodes (--max-nodes)", n.omitted.first, k-1, bound)
}

// pairOf is Pair, but for parts that bring their own comparison.
func (x *Examiner) pairOf(ctx context.Context, p, pa, pb *Part, a, b *Input) (*Node, error) {
	c, err := x.sides(ctx, p.Kind, p.Name, a, b)
	if c != nil && pa != nil && c.A != nil {
		r := pa.Range
		c.A.Within = &r
	}
	if c != nil && pb != nil && c.B != nil {
		r := pb.Range
		c.B.Within = &r
	}
	if err != nil || c.Status != Differs {
		return c, err
	}
	if p.Compare == nil {
		return c, x.examine(ctx, c, p.Kind == "", a, b)
	}
	done, err := x.try(ctx, Format{Kind: c.Kind, Compare: p.Compare}, c, a, b)
	if err == nil && !done {
		err = x.Binary(ctx, c, a, b)
	}
	return c, err
}

// keyedPart is a part with what pairs it.
type keyedPart struct {
	Part
	key string
}

// whole cuts parts to the content's size, fills what is between them, and
// numbers those of one name. It says what was odd.
func whole(in *Input, ps []Part) (out []keyedPart, odd []string) {
	ps = append([]Part(nil), ps...)
	sort.SliceStable(ps, func(i, j int) bool { return ps[i].Off < ps[j].Off })
	seen := map[string]int{}
	add := func(p Part) {
		key := p.Name
		if k := seen[p.Name]; k > 0 {
			key += "\x00" + strconv.Itoa(k)
		}
		seen[p.Name]++
		out = append(out, keyedPart{p, key})
	}
	var end int64
	last := "the beginning"
	for _, p := range ps {
		if p.Off < 0 || p.Len < 0 || p.Off > in.Size || p.Len > in.Size-p.Off {
			odd = append(odd, fmt.Sprintf("%q claims bytes %d+%d of %d", p.Name, p.Off, p.Len, in.Size))
			p.Off = min(max(p.Off, 0), in.Size)
			p.Len = min(max(p.Len, 0), in.Size-p.Off)
		}
		if p.Off > end {
			add(Part{Name: "after " + last, Kind: KindBinary, Range: Range{end, p.Off - end}})
		}
		add(p)
		if p.Off+p.Len > end {
			end, last = p.Off+p.Len, p.Name
		}
	}
	if end < in.Size {
		add(Part{Name: "after " + last, Kind: KindBinary, Range: Range{end, in.Size - end}})
	}
	return out, odd
}

// Listing adds a child that shows descriptions of both sides, made by a format
// to be compared by eye. Nothing is added when they are equal.
func (x *Examiner) Listing(n *Node, name, a, b string) {
	if a == b {
		return
	}
	ia, ib := textInput(name, a), textInput(name, b)
	c := &Node{Kind: KindText, Name: name, Status: Differs, Listing: true, Residue: ResidueNone, Content: inputs{ia, ib},
		A: &Side{Name: name, Size: ia.Size}, B: &Side{Name: name, Size: ib.Size}}
	c.RangesA, c.RangesB = lineRanges(ia, ib)
	n.Children = append(n.Children, c)
}

func textInput(name, s string) *Input {
	return &Input{ReaderAt: strings.NewReader(s), Name: name, Size: int64(len(s))}
}
