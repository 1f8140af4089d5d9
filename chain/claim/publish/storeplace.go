package publish

import (
	"context"
	"errors"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
)

// Store is the store as a place: own claims, and those that were pulled. Its
// index lists referrers by itself, so it has no tags for them.
type Store struct {
	s      *store.Store
	frozen *referrersOf // nil: the index is read each time
}

// referrersOf is what the store's index lists, by subject.
type referrersOf struct {
	list    map[chain.Digest][]store.Artifact
	damaged []error
	err     error
}

var _ Place = (*Store)(nil)

// NewStore gives the store as a place.
func NewStore(s *store.Store) *Store { return &Store{s: s} }

// Snapshot is the store as it is now, for a search for hundreds of subjects:
// its index is read once.
func (s *Store) Snapshot() *Store { return &Store{s.s, s.referrers()} }

func (s *Store) referrers() *referrersOf {
	if s.frozen != nil {
		return s.frozen
	}
	var r referrersOf
	r.list, r.damaged, r.err = s.s.Referrers()
	return &r
}

// Name is "the store".
func (s *Store) Name() string { return "the store" }

// tagPrefix keeps the tags of places apart from those of images.
const tagPrefix = "claims/"

// Manifest implements Place.
func (s *Store) Manifest(_ context.Context, ref string) (Manifest, error) {
	d, err := chain.ParseDigest(ref)
	if err != nil {
		desc, err := s.s.Resolve(tagPrefix + ref)
		if err != nil {
			return Manifest{}, storeError(err)
		}
		d = chain.Digest(desc.Digest)
	}
	raw, err := s.s.ReadBlob(d, maxManifest)
	if err != nil {
		return Manifest{}, storeError(err)
	}
	m := Manifest{Raw: raw}
	p, err := m.parse()
	if err != nil {
		return Manifest{}, err
	}
	m.MediaType = p.mediaType()
	return m, nil
}

// PutManifest implements Place.
func (s *Store) PutManifest(ctx context.Context, m Manifest, tag string) error {
	desc, err := s.s.PutManifest(ctx, m.Raw)
	if err != nil || tag == "" {
		return err
	}
	return s.s.Tag(ctx, tagPrefix+tag, desc)
}

// Blob implements Place.
func (s *Store) Blob(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if err := checkDescriptor(d); err != nil {
		return nil, err
	}
	f, err := s.s.Blob(chain.Digest(d.Digest))
	if err != nil {
		return nil, storeError(err)
	}
	return verify(f, d, s.Name()), nil
}

// PutBlob implements Place.
func (s *Store) PutBlob(ctx context.Context, d ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	if err := checkDescriptor(d); err != nil {
		return err
	}
	if s.s.Has(chain.Digest(d.Digest)) {
		return nil
	}
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, _, err = s.s.PutBlobFrom(ctx, r, chain.Digest(d.Digest), d.Size, "")
	return err
}

// Refer implements Place: putting the manifest listed it.
func (s *Store) Refer(context.Context, chain.Digest, Manifest) error { return nil }

// Referrers implements Place.
func (s *Store) Referrers(_ context.Context, subject chain.Digest) ([]Referrer, []Unread) {
	r := s.referrers()
	if r.err != nil {
		return nil, []Unread{{Origin: s.Name(), Err: r.err}}
	}
	var l listing
	for _, err := range r.damaged {
		l.unread(s.Name(), err)
	}
	for _, a := range r.list[subject] {
		d := a.Descriptor
		d.ArtifactType, d.Annotations = a.Type, a.Annotations
		if err := l.add(d, ocispec.ImageIndexFile); err != nil {
			l.unread(s.Name(), err)
			break
		}
	}
	return l.list, l.missed
}

func storeError(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}
