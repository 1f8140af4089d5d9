package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// PutManifest takes in a manifest or index as it is, byte by byte, after the
// blobs that it names. An artifact is listed in the index by that; an image
// waits for a tag.
func (s *Store) PutManifest(ctx context.Context, raw []byte) (ocispec.Descriptor, error) {
	m := &manifest{size: int64(len(raw))}
	if err := json.Unmarshal(raw, m); err != nil || len(raw) > maxManifest || m.SchemaVersion != 2 || (m.Config == nil) == (m.Manifests == nil) {
		return ocispec.Descriptor{}, fmt.Errorf("storing a manifest: %d bytes that are none", len(raw))
	}
	for _, c := range m.children() {
		if badDescriptor(c) {
			return ocispec.Descriptor{}, fmt.Errorf("storing a manifest: it names %q of %d bytes, which no blob can be", c.Digest, c.Size)
		}
		if !s.Has(chain.Digest(c.Digest)) {
			return ocispec.Descriptor{}, fmt.Errorf("storing a manifest: blob %s: %w", c.Digest, ErrNotFound)
		}
	}
	d, _, err := s.PutBlob(ctx, bytes.NewReader(raw), "")
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc := m.descriptor(d)
	if !m.isArtifact() {
		return desc, nil
	}
	return desc, s.updateIndex(ctx, func(idx *ocispec.Index) error {
		if !slices.ContainsFunc(idx.Manifests, func(e ocispec.Descriptor) bool { return e.Digest == desc.Digest }) {
			idx.Manifests = append(idx.Manifests, desc)
		}
		return nil
	})
}
