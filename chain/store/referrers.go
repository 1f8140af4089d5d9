package store

import (
	"context"
	"fmt"

	"github.com/stagescope/stagescope/chain"
)

// Referrers lists the artifacts about each subject. Those listed artifacts that
// cannot be read may be about any: each gives an error in damaged.
func (s *Store) Referrers() (bySubject map[chain.Digest][]Artifact, damaged []error, err error) {
	idx, err := s.index(context.Background())
	if err != nil {
		return nil, nil, err
	}
	bySubject = map[chain.Digest][]Artifact{}
	for _, e := range idx.Manifests {
		if e.ArtifactType == "" {
			continue
		}
		a, err := s.Artifact(chain.Digest(e.Digest))
		switch {
		case err != nil:
			damaged = append(damaged, fmt.Errorf("%s: %w", e.Digest, err))
		case a.Subject != nil:
			d := chain.Digest(a.Subject.Digest)
			bySubject[d] = append(bySubject[d], a)
		}
	}
	return bySubject, damaged, nil
}
