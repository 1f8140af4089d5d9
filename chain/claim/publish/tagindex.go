package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// ErrClobbered is wrapped when a tag could not be kept, because others keep
// writing it.
var ErrClobbered = errors.New("others keep overwriting the tag")

// maxWrites bounds how often a tag is written before that is given up.
const maxWrites = 12

// Refer implements Place. The tag is written whether there is an API or not:
// who copies a repository copies tags.
func (r *Registry) Refer(ctx context.Context, subject chain.Digest, m Manifest) error {
	known, _ := r.Referrers(ctx, subject) // without an API's list the tag's own is kept
	t := tagIndex{place: r, tag: tagFor(subject), seen: map[digest.Digest]bool{}}
	t.note(m.Descriptor())
	for _, k := range known {
		t.note(k.Descriptor)
	}
	return t.write(ctx)
}

// tagIndex is the index under a tag, which several may write at the same time.
// There is no way to write it only if it is unchanged. So it is read again
// after each write, until all that was ever seen in it is there.
type tagIndex struct {
	place Place
	tag   string
	want  []ocispec.Descriptor
	seen  map[digest.Digest]bool
}

func (t *tagIndex) note(d ocispec.Descriptor) {
	if !t.seen[d.Digest] {
		t.seen[d.Digest] = true
		d.Data, d.URLs = nil, nil
		t.want = append(t.want, d)
	}
}

func (t *tagIndex) write(ctx context.Context) error {
	for range maxWrites {
		began := time.Now()
		complete, err := t.read(ctx)
		if err != nil || complete {
			return err
		}
		raw := mustJSON(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: t.want})
		if len(raw) > maxManifest || len(t.want) > maxReferrers {
			return fmt.Errorf("writing tag %s: %w", t.tag, &image.LimitError{What: "referrers of one subject", Limit: int64(min(len(t.want), maxReferrers))})
		}
		if err := t.place.PutManifest(ctx, Manifest{MediaType: ocispec.MediaTypeImageIndex, Raw: raw}, t.tag); err != nil {
			return fmt.Errorf("writing tag %s: %w", t.tag, err)
		}
		if err := settle(ctx, time.Since(began)); err != nil {
			return err
		}
	}
	return fmt.Errorf("writing tag %s of %s: %w", t.tag, t.place.Name(), ErrClobbered)
}

// read adds what the tag lists to what is wanted, and says whether it lists all
// of that. What another writer dropped is put back, unless it is gone.
func (t *tagIndex) read(ctx context.Context) (complete bool, err error) {
	m, err := t.place.Manifest(ctx, t.tag)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	listed := map[digest.Digest]bool{}
	if err == nil {
		p, err := m.parse()
		if err != nil || !p.isIndex() {
			return false, fmt.Errorf("tag %s of %s is no index and is left alone: %w", t.tag, t.place.Name(), errors.Join(err, errNoIndex))
		}
		for _, d := range p.Manifests {
			listed[d.Digest] = true
			t.note(d)
		}
	}
	complete = true
	kept := t.want[:0:0]
	for _, d := range t.want {
		if !listed[d.Digest] {
			complete = false
			own, err := t.place.Manifest(ctx, string(d.Digest))
			if errors.Is(err, ErrNotFound) {
				continue // whoever listed it let it be deleted
			}
			if err != nil {
				return false, err
			}
			d = own.Descriptor() // an API may describe it wrongly
		}
		kept = append(kept, d)
	}
	t.want = kept
	return complete, nil
}

var errNoIndex = errors.New("not an index")

// settle waits twice as long as reading and writing took: another writer who
// had read before we wrote has written by then, and is seen.
func settle(ctx context.Context, took time.Duration) error { return sleep(ctx, 2*took) }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
