package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/image"
)

// Query says what claims are wanted of. By the recipe those are found who
// disagree; by an output those who agree on it, whatever they built it from.
type Query struct {
	Recipe  []byte         // the canonical JSON that R is the SHA-256 of; nil: not searched by it
	Outputs []chain.Digest // manifests
}

// Found is a bundle that a place has. Nothing in it has been verified.
type Found struct {
	Data    []byte
	Digest  chain.Digest
	Origins []string // the places that have it, in the order in which they were given
	Hung    []Hung   // the referrers that it hung on
}

// Hung is a referrer that holds a bundle, in the place where it was read.
type Hung struct {
	Manifest Manifest
	Place    Place
}

// atOnce bounds how many questions are under way.
const atOnce = 8

// Find looks for bundles in places, each once, sorted by digest. A place or an
// entry that could not be read is in the second result, and what it would have
// said is unknown: nobody who gets an Unread may say that there is no dissent.
func Find(ctx context.Context, places []Place, q Query) ([]Found, []Unread) {
	subjects, err := q.subjects()
	if err != nil {
		return nil, []Unread{{Origin: "the recipe", Err: err}}
	}
	results := make([]finder, len(places))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, p := range places {
		results[i].place = p
		g.Go(func() error {
			results[i].all(ctx, subjects)
			return nil
		})
	}
	_ = g.Wait() // what failed is in the results
	return merge(results)
}

// subjects are the manifests that claims hang on.
func (q Query) subjects() ([]chain.Digest, error) {
	var list []chain.Digest
	if q.Recipe != nil {
		m, err := (Recipe{q.Recipe}).Manifest()
		if err != nil {
			return nil, err
		}
		list = append(list, m.Digest())
	}
	for _, d := range q.Outputs {
		if _, err := chain.ParseDigest(string(d)); err != nil {
			return nil, err
		}
		if !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list, nil
}

// merge puts the places' findings together.
func merge(results []finder) ([]Found, []Unread) {
	var missed []Unread
	byDigest := map[chain.Digest]*Found{}
	var total int64
	for i := range results {
		r := &results[i]
		missed = append(missed, r.missed...)
		for _, f := range r.found {
			have := byDigest[f.Digest]
			if have == nil {
				if total += int64(len(f.Data)); total > maxFound {
					missed = append(missed, Unread{Origin: r.place.Name(), Err: &image.LimitError{What: "bytes of bundles", Limit: maxFound}})
					break
				}
				have = f
				byDigest[f.Digest] = f
			} else {
				have.Hung = append(have.Hung, f.Hung...)
			}
			have.Origins = append(have.Origins, r.place.Name())
		}
	}
	out := make([]Found, 0, len(byDigest))
	for _, f := range byDigest {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b Found) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	return out, missed
}

// finder reads one place.
type finder struct {
	place Place

	mu     sync.Mutex
	found  []*Found
	missed []Unread
	bytes  int64
}

func (f *finder) all(ctx context.Context, subjects []chain.Digest) {
	seen := map[chain.Digest]bool{}
	var entries []ocispec.Descriptor
	for _, s := range subjects {
		list, missed := f.place.Referrers(ctx, s)
		f.missed = append(f.missed, missed...)
		for _, r := range list {
			// Lists misstate types, so only what is known to be none of ours is left.
			if d := chain.Digest(r.Digest); !seen[d] && !strings.HasPrefix(r.ArtifactType, ownTypes) {
				seen[d] = true
				entries = append(entries, r.Descriptor)
			}
		}
	}
	f.read(ctx, entries)
}

// read reads the bundles of referrers.
func (f *finder) read(ctx context.Context, entries []ocispec.Descriptor) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, e := range entries {
		g.Go(func() error {
			if err := f.entry(ctx, e); err != nil {
				f.mu.Lock()
				f.missed = append(f.missed, Unread{Origin: fmt.Sprintf("%s@%s", f.place.Name(), e.Digest), Err: err})
				f.mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait() // as above
	slices.SortFunc(f.missed, func(a, b Unread) int { return strings.Compare(a.Origin, b.Origin) })
	slices.SortFunc(f.found, func(a, b *Found) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
}

// entry reads the bundle that a referrer holds.
func (f *finder) entry(ctx context.Context, e ocispec.Descriptor) error {
	m, err := f.place.Manifest(ctx, string(e.Digest))
	if err != nil {
		return err
	}
	layer, err := bundleLayer(m)
	if err != nil || layer == nil {
		return err
	}
	data, err := readBlob(ctx, f.place, *layer, maxBundle)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	d := sum(data)
	for _, have := range f.found {
		if have.Digest == d { // under another subject too
			have.Hung = append(have.Hung, Hung{m, f.place})
			return nil
		}
	}
	if f.bytes += int64(len(data)); f.bytes > maxFound {
		return &image.LimitError{What: "bytes of bundles", Limit: maxFound}
	}
	f.found = append(f.found, &Found{Data: data, Digest: d, Hung: []Hung{{m, f.place}}})
	return nil
}

// bundleLayer is the one layer of a referrer that is a bundle; nil when the
// referrer is something else.
func bundleLayer(m Manifest) (*ocispec.Descriptor, error) {
	p, err := m.parse()
	if err != nil {
		return nil, err
	}
	var layer *ocispec.Descriptor
	for i := range p.Layers {
		if !isBundleType(p.Layers[i].MediaType) {
			continue
		}
		if layer != nil {
			return nil, errors.New("it holds two bundles")
		}
		layer = &p.Layers[i]
	}
	if layer == nil && isBundleType(p.ArtifactType) {
		return nil, errors.New("it is said to be a bundle and holds none")
	}
	return layer, nil
}

// Claims verifies what was found and says of each claim where it was found. A
// bundle that is somebody's attestation and no rebuild claim is among them,
// refused with statement.ErrNotRebuild as its reason.
func Claims(v *statement.Verifier, found []Found) []*claim.Claim {
	out := make([]*claim.Claim, len(found))
	for i := range found {
		c := v.Verify(found[i].Data)
		c.Origin = strings.Join(found[i].Origins, ", ")
		out[i] = c
	}
	return out
}

// About says whether a claim is about what was asked, whatever it hung on.
func (q Query) About(c *claim.Claim) bool {
	if q.Recipe != nil && c.Recipe == sum(q.Recipe) {
		return true
	}
	return slices.Contains(q.Outputs, c.Output.Manifest)
}
