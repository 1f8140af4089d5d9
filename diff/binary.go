package diff

import (
	"bytes"
	"context"
	"fmt"
)

// maxHunks bounds the ranges of one binary comparison. Beyond it neighbouring
// ranges are joined, together with the equal bytes between them.
const maxHunks = 8192

// Binary compares two contents that nothing is known of: it finds the ranges
// that differ. Where bytes were inserted or removed the two sides are aligned,
// so that what follows is not taken for changed.
func (x *Examiner) Binary(ctx context.Context, n *Node, a, b *Input) error {
	if n.Kind == KindFile || n.Kind == KindEntry || n.Kind == "" {
		n.Kind = KindBinary
	}
	hs, note, err := x.hunks(ctx, a, b)
	if note != "" {
		n.note(note)
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n.note(err.Error())
		return nil
	}
	n.setHunks(joinHunks(hs, maxHunks))
	return nil
}

// hunks finds the ranges that differ, and says what was not done.
func (x *Examiner) hunks(ctx context.Context, a, b *Input) (hs []hunk, note string, err error) {
	if a.Size == b.Size {
		hs, err = inPlace(ctx, a, b, 0, 0, a.Size)
	}
	if err != nil || a.Size == b.Size && !scattered(hs, a.Size) {
		return hs, "", err
	}
	m, err := ends(ctx, a, b)
	switch {
	case err != nil:
		return nil, "", err
	case max(m.na, m.nb) > x.limit.Binary:
		note = fmt.Sprintf("what differs spans more than %d bytes, which are not aligned; what follows an insertion counts as changed", x.limit.Binary)
		if a.Size != b.Size {
			hs = []hunk{m}
		}
		return hs, note, nil
	}
	al, err := align(ctx, a, b, m)
	if err == nil {
		al, err = byStrings(a, b, al)
	}
	if err == nil && (a.Size != b.Size || cost(al) < cost(hs)) {
		hs = al
	}
	return hs, "", err
}

// setHunks makes ranges a node's own, all of them unexplained.
func (n *Node) setHunks(hs []hunk) {
	n.RangesA, n.RangesB = nil, nil
	for _, h := range hs {
		n.RangesA = append(n.RangesA, Range{h.a, h.na})
		n.RangesB = append(n.RangesB, Range{h.b, h.nb})
	}
	n.UnexplainedA, n.UnexplainedB = n.RangesA, n.RangesB
	n.settleLeaf()
}

// hunk is a pair of ranges that differ; one of them may be empty.
type hunk struct{ a, na, b, nb int64 }

// scattered reports whether so much differs at equal offsets that something
// was probably moved.
func scattered(hs []hunk, size int64) bool { return len(hs) > 64 || cost(hs) > size/8 }

func cost(hs []hunk) int64 {
	var n int64
	for _, h := range hs {
		n += h.na + h.nb + 8
	}
	return n
}

// inPlace compares n bytes at the two offsets.
func inPlace(ctx context.Context, a, b *Input, offA, offB, n int64) ([]hunk, error) {
	const block = 256 << 10
	ba, bb := make([]byte, min(block, n)), make([]byte, min(block, n))
	var out []hunk
	for done := int64(0); done < n; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		k := min(block, n-done)
		if err := readFull(a, ba[:k], offA+done); err != nil {
			return nil, err
		}
		if err := readFull(b, bb[:k], offB+done); err != nil {
			return nil, err
		}
		if !bytes.Equal(ba[:k], bb[:k]) {
			out = differing(out, ba[:k], bb[:k], offA+done, offB+done)
			if len(out) > 4*maxHunks {
				out = joinHunks(out, maxHunks)
			}
		}
		done += k
	}
	return out, nil
}

// differing appends the differing runs of two pieces of one length.
func differing(out []hunk, a, b []byte, offA, offB int64) []hunk {
	for i := 0; i < len(a); i++ {
		if a[i] == b[i] {
			continue
		}
		at := int64(i)
		if k := len(out) - 1; k >= 0 && out[k].a+out[k].na == offA+at && out[k].b+out[k].nb == offB+at {
			out[k].na++
			out[k].nb++
			continue
		}
		out = append(out, hunk{offA + at, 1, offB + at, 1})
	}
	return out
}

// joinHunks joins the nearest neighbours until few enough are left.
func joinHunks(hs []hunk, most int) []hunk {
	for gap := int64(1); len(hs) > most; gap *= 2 {
		out := hs[:1]
		for _, h := range hs[1:] {
			last := &out[len(out)-1]
			if h.a-(last.a+last.na) <= gap && h.b-(last.b+last.nb) <= gap {
				last.na, last.nb = h.a+h.na-last.a, h.b+h.nb-last.b
				continue
			}
			out = append(out, h)
		}
		hs = out
	}
	return hs
}

func readFull(in *Input, p []byte, off int64) error {
	if k, err := in.ReadAt(p, off); k < len(p) {
		return fmt.Errorf("reading %q at offset %d: %w", in.Name, off, err)
	}
	return nil
}

// ends takes off what both sides begin and end with: what is left is all that
// needs memory.
func ends(ctx context.Context, a, b *Input) (hunk, error) {
	front, err := common(ctx, a, b, false, min(a.Size, b.Size))
	if err != nil {
		return hunk{}, err
	}
	back, err := common(ctx, a, b, true, min(a.Size, b.Size)-front)
	if err != nil {
		return hunk{}, err
	}
	return hunk{front, a.Size - front - back, front, b.Size - front - back}, nil
}

// common counts equal bytes from the beginning, or from the end.
func common(ctx context.Context, a, b *Input, back bool, most int64) (int64, error) {
	const block = 256 << 10
	ba, bb := make([]byte, min(block, most)), make([]byte, min(block, most))
	var n int64
	for n < most {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		k := min(block, most-n)
		offA, offB := n, n
		if back {
			offA, offB = a.Size-n-k, b.Size-n-k
		}
		if err := readFull(a, ba[:k], offA); err != nil {
			return 0, err
		}
		if err := readFull(b, bb[:k], offB); err != nil {
			return 0, err
		}
		if !bytes.Equal(ba[:k], bb[:k]) {
			for i := range k {
				j := i
				if back {
					j = k - 1 - i
				}
				if ba[j] != bb[j] {
					return n + i, nil
				}
			}
		}
		n += k
	}
	return n, nil
}

// Hunk is a pair of ranges that differ; one of them may be empty. Between two
// hunks both sides are equal.
type Hunk struct{ A, B Range }

// Hunks finds what differs between two contents, aligned where bytes were put in
// or taken out, without adding anything to a tree. Contents of more than
// Limits.Binary bytes are compared at equal offsets.
func (x *Examiner) Hunks(ctx context.Context, a, b *Input) ([]Hunk, error) {
	hs, _, err := x.hunks(ctx, a, b)
	return exported(hs), err
}

// InPlace finds what differs at equal offsets between contents of one size. It
// gives nothing when there are more than most ranges.
func (x *Examiner) InPlace(ctx context.Context, a, b *Input, most int) ([]Hunk, error) {
	hs, err := inPlace(ctx, a, b, 0, 0, min(a.Size, b.Size))
	if err != nil || len(hs) > most {
		return nil, err
	}
	return exported(hs), nil
}

func exported(hs []hunk) []Hunk {
	out := make([]Hunk, 0, len(hs))
	for _, h := range hs {
		out = append(out, Hunk{Range{h.a, h.na}, Range{h.b, h.nb}})
	}
	return out
}
