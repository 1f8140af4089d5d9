package archive

import (
	"context"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// compareFunc is how a part is compared.
type compareFunc func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error

// maxShown bounds a value that is shown in a reason.
const maxShown = 256

// stated compares a field whose meaning is known, so that its difference is what
// it is called. show writes a value for people; nil means as hex.
func stated(field string, c diff.Cause, show func(p []byte) string) compareFunc {
	return func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		if err := x.Binary(ctx, n, a, b); err != nil {
			return err
		}
		var v [2]string
		for i, in := range []*diff.Input{a, b} {
			p := make([]byte, min(in.Size, maxShown))
			if k, err := in.ReadAt(p, 0); k < len(p) {
				return fmt.Errorf("reading %q: %w", in.Name, err)
			}
			if show != nil {
				v[i] = show(p)
			} else {
				v[i] = fmt.Sprintf("%x", p)
			}
		}
		cause := c
		n.Reasons = append(n.Reasons, diff.Reason{Field: field, A: v[0], B: v[1], Cause: &cause})
		if c.Confidence >= diff.Derived {
			n.UnexplainedA, n.UnexplainedB = nil, nil
		}
		return nil
	}
}

// asText compares a part line by line.
func asText(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	return x.Text(ctx, n, a, b)
}
