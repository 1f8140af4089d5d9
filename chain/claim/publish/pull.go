package publish

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
)

// Copy puts bundles that were found into another place, on manifests of the
// same bytes, so that they are found there as they were where they are. It
// gives how many are there now, and what could not be copied.
func Copy(ctx context.Context, to Place, found []Found) (int, []Unread) {
	errs := make([]error, len(found))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range found {
		g.Go(func() error {
			errs[i] = copyBlobs(ctx, to, &found[i])
			return nil
		})
	}
	_ = g.Wait() // what failed is in errs
	copyManifests(ctx, to, found, errs)
	n := 0
	var missed []Unread
	for i, err := range errs {
		if err != nil {
			missed = append(missed, Unread{Origin: fmt.Sprintf("bundle %s", found[i].Digest), Err: err})
			continue
		}
		n++
	}
	return n, missed
}

// copyBlobs copies all that the referrers of a bundle name.
func copyBlobs(ctx context.Context, to Place, f *Found) error {
	desc := ocispec.Descriptor{Digest: digest.Digest(f.Digest), Size: int64(len(f.Data))}
	if err := to.PutBlob(ctx, desc, opener(f.Data)); err != nil {
		return err
	}
	for _, h := range f.Hung {
		p, err := h.Manifest.parse()
		if err != nil {
			return err
		}
		if p.Subject == nil || p.isIndex() {
			return errors.New("its referrer has no subject")
		}
		for _, b := range append([]ocispec.Descriptor{*p.Config}, p.Layers...) {
			if b.Size > maxBundle {
				return fmt.Errorf("its referrer names a blob of %d bytes", b.Size)
			}
			if err := to.PutBlob(ctx, b, func() (io.ReadCloser, error) { return h.Place.Blob(ctx, b) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyManifests copies the referrers of those bundles whose blobs are there. A
// store takes them all at once: its index is written once.
func copyManifests(ctx context.Context, to Place, found []Found, errs []error) {
	s, isStore := to.(*Store)
	var all [][]byte
	for i := range found {
		for _, h := range found[i].Hung {
			switch {
			case errs[i] != nil:
			case isStore:
				all = append(all, h.Manifest.Raw)
			default:
				p, _ := h.Manifest.parse() // copyBlobs has parsed it
				if errs[i] = to.PutManifest(ctx, h.Manifest, ""); errs[i] == nil {
					errs[i] = to.Refer(ctx, chain.Digest(p.Subject.Digest), h.Manifest)
				}
			}
		}
	}
	if len(all) == 0 {
		return
	}
	if _, err := s.s.PutManifests(ctx, all); err != nil {
		for i := range errs {
			errs[i] = errors.Join(errs[i], err)
		}
	}
}
