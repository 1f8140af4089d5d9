package attest

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/publish"
)

// Find gives what is attached in a place to a platform manifest, and to the
// index around it unless that is "", in a stable order, each verified as far as
// the trust goes. Claims of rebuilds are not among it: package publish finds
// those. What could not be read is unknown, and given beside the rest.
func Find(ctx context.Context, p Place, manifest, index chain.Digest, t *Trust) ([]Attestation, []publish.Unread) {
	g := gather(ctx, p, manifest, index)
	var all []Attestation
	for i := range g.items {
		it := &g.items[i]
		if it.of == "" {
			continue
		}
		all = append(all, t.examine(it)...)
	}
	slices.SortStableFunc(all, func(a, b Attestation) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Form, b.Form), cmp.Compare(a.Predicate, b.Predicate),
			cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Origin, b.Origin))
	})
	return all, g.unread
}

func isNotFound(err error) bool { return errors.Is(err, publish.ErrNotFound) }
