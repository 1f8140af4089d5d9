package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// Copy puts bundles that were found into another place, on manifests of the
// same bytes, so that they are found there as they were where they are. It
// gives how many are there now, and what could not be copied.
func Copy(ctx context.Context, to Place, found []Found) (int, []Unread) {
	n := 0
	var missed []Unread
	for i := range found {
		if err := copyFound(ctx, to, &found[i]); err != nil {
			missed = append(missed, Unread{Origin: fmt.Sprintf("bundle %s", found[i].Digest), Err: err})
			continue
		}
		n++
	}
	return n, missed
}

func copyFound(ctx context.Context, to Place, f *Found) error {
	desc := ocispec.Descriptor{Digest: digest.Digest(f.Digest), Size: int64(len(f.Data))}
	if err := to.PutBlob(ctx, desc, opener(f.Data)); err != nil {
		return err
	}
	for _, h := range f.Hung {
		p, err := h.Manifest.parse()
		if err != nil {
			return err
		}
		if p.Subject == nil {
			return errors.New("its referrer has no subject")
		}
		if err := copyTree(ctx, h.Place, to, h.Manifest.Digest(), "", 1); err != nil {
			return err
		}
		if err := to.Refer(ctx, chain.Digest(p.Subject.Digest), h.Manifest); err != nil {
			return err
		}
	}
	return nil
}
