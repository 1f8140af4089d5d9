package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// maxEvidence bounds how many files are tried that say they go with one bundle: who
// may write to a place may put any number there.
const maxEvidence = 32

// ErrNoEvidence is what Evidence gives when all places could be read and have no such
// file.
var ErrNoEvidence = errors.New("none was published with the claim")

// Evidence reads the files of a media type that were published beside a bundle on a
// recipe, one after the other, until use takes one: nothing that says where such a
// file is was signed, so use has to know what it gets.
func Evidence(ctx context.Context, places []Place, recipe []byte, bundle chain.Digest, mediaType string, use func(io.Reader) error) error {
	m, err := (Recipe{recipe}).Manifest()
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range places {
		list, missed := p.Referrers(ctx, m.Digest())
		for _, u := range missed {
			errs = append(errs, u)
		}
		// Annotations of lists serve an overview: those that name the bundle come first,
		// and those that name another one, not at all.
		list = slices.DeleteFunc(list, func(r Referrer) bool {
			other := r.Annotations[AnnotationBundle]
			return r.ArtifactType != EvidenceType && strings.HasPrefix(r.ArtifactType, ownTypes) || other != "" && other != string(bundle)
		})
		for _, r := range list[:min(len(list), maxEvidence)] {
			switch taken, err := evidence(ctx, p, r, bundle, mediaType, use); {
			case taken:
				return nil
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				errs = append(errs, fmt.Errorf("%s@%s: %w", p.Name(), r.Digest, err))
			}
		}
	}
	if len(errs) == 0 {
		return ErrNoEvidence
	}
	return errors.Join(errs...)
}

// evidence tries the files of one referrer.
func evidence(ctx context.Context, p Place, r Referrer, bundle chain.Digest, mediaType string, use func(io.Reader) error) (bool, error) {
	m, err := p.Manifest(ctx, string(r.Digest))
	if err != nil {
		return false, err
	}
	content, err := m.parse()
	if err != nil {
		return false, err
	}
	if content.ArtifactType != EvidenceType || content.Annotations[AnnotationBundle] != string(bundle) {
		return false, nil
	}
	for _, l := range content.Layers {
		if l.MediaType != mediaType {
			continue
		}
		if l.Size > maxFile {
			return false, fmt.Errorf("file %s has %d bytes, more than %d", l.Digest, l.Size, int64(maxFile))
		}
		rc, err := p.Blob(ctx, l)
		if err != nil {
			return false, err
		}
		err = use(rc)
		rc.Close()
		return err == nil, err
	}
	return false, nil
}
