package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
)

// writesAtOnce bounds how many blobs are synced at the same time.
const writesAtOnce = 8

// PutManifest takes in a manifest or index as it is, byte by byte, after the
// blobs that it names. An artifact is listed in the index by that; an image
// waits for a tag.
func (s *Store) PutManifest(ctx context.Context, raw []byte) (ocispec.Descriptor, error) {
	list, err := s.PutManifests(ctx, [][]byte{raw})
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return list[0], nil
}

// PutManifests is PutManifest for many, none of which names another. The index
// is written once.
func (s *Store) PutManifests(ctx context.Context, raws [][]byte) ([]ocispec.Descriptor, error) {
	list := make([]ocispec.Descriptor, len(raws))
	listed := make([]bool, len(raws))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(writesAtOnce)
	for i, raw := range raws {
		m, err := s.checkManifest(raw)
		if err != nil {
			return nil, fmt.Errorf("storing a manifest: %w", err)
		}
		listed[i] = m.isArtifact()
		g.Go(func() error {
			d, _, err := s.PutBlob(gctx, bytes.NewReader(raw), "")
			list[i] = m.descriptor(d)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return list, s.updateIndex(ctx, func(idx *ocispec.Index) error {
		have := map[string]bool{}
		for _, e := range idx.Manifests {
			have[string(e.Digest)] = true
		}
		for i, d := range list {
			if listed[i] && !have[string(d.Digest)] {
				have[string(d.Digest)] = true
				idx.Manifests = append(idx.Manifests, d)
			}
		}
		return nil
	})
}

// checkManifest reads a manifest whose blobs must be there.
func (s *Store) checkManifest(raw []byte) (*manifest, error) {
	m := &manifest{size: int64(len(raw))}
	if err := json.Unmarshal(raw, m); err != nil || len(raw) > maxManifest || m.SchemaVersion != 2 || (m.Config == nil) == (m.Manifests == nil) {
		return nil, fmt.Errorf("%d bytes that are none", len(raw))
	}
	for _, c := range m.children() {
		if badDescriptor(c) {
			return nil, fmt.Errorf("it names %q of %d bytes, which no blob can be", c.Digest, c.Size)
		}
		if !s.Has(chain.Digest(c.Digest)) {
			return nil, fmt.Errorf("blob %s: %w", c.Digest, ErrNotFound)
		}
	}
	return m, nil
}
