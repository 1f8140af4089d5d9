package store

import (
	"context"
	"fmt"

	"github.com/stagescope/stagescope/chain"
)

// Referrers lists the artifacts about a subject. Those listed artifacts that
// cannot be read may be about it too: each gives an error in damaged.
func (s *Store) Referrers(subject chain.Digest) (list []Artifact, damaged []error, err error) {
	idx, err := s.index(context.Background())
	if err != nil {
		return nil, nil, err
	}
	for _, e := range idx.Manifests {
		if e.ArtifactType == "" {
			continue
		}
		a, err := s.Artifact(chain.Digest(e.Digest))
		switch {
		case err != nil:
			damaged = append(damaged, fmt.Errorf("%s: %w", e.Digest, err))
		case a.Subject != nil && chain.Digest(a.Subject.Digest) == subject:
			list = append(list, a)
		}
	}
	return list, damaged, nil
}
