package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// ErrNotFound is wrapped when a place does not have what was asked for.
var ErrNotFound = image.ErrNotFound

// ErrOffline is wrapped when a registry would have to be reached and that is
// not allowed.
var ErrOffline = image.ErrOffline

// Place is where claims are put and found: a *Registry, a *Directory or a *Store.
// All of them verify what they read, and may be used concurrently.
type Place interface {
	// Name is how people name the place, e.g. "ghcr.io/alice/stagex-claims".
	Name() string

	// Manifest reads a manifest or index by its digest or tag. The bytes under a
	// digest have been hashed.
	Manifest(ctx context.Context, ref string) (Manifest, error)

	// PutManifest puts a manifest, whose blobs are there, under its digest and,
	// unless it is "", under a tag.
	PutManifest(ctx context.Context, m Manifest, tag string) error

	// Blob opens a blob. The reader gives io.EOF only for the promised bytes.
	Blob(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)

	// PutBlob puts a blob unless it is there. Open is called when it is not, again
	// when sending failed halfway.
	PutBlob(ctx context.Context, d ocispec.Descriptor, open func() (io.ReadCloser, error)) error

	// Referrers lists what refers to a subject. What could not be read is listed
	// too; the rest is then not known to be all.
	Referrers(ctx context.Context, subject chain.Digest) ([]Referrer, []Unread)

	// Refer makes a manifest that has been put findable by its subject.
	Refer(ctx context.Context, subject chain.Digest, m Manifest) error
}

// Referrer is a manifest that refers to a subject, as a place lists it. Nothing
// in it has been verified.
type Referrer struct {
	ocispec.Descriptor
	Via []string // which lists have it: "referrers API", "tag sha256-…", "index.json"
}

// Unread is something that could not be read. What it would have said is
// unknown; it is not nothing.
type Unread struct {
	Origin string // place, and what in it
	Err    error
}

func (u Unread) Error() string { return fmt.Sprintf("%s: %v", u.Origin, u.Err) }

func (u Unread) Unwrap() error { return u.Err }

// readBlob reads a small blob whole.
func readBlob(ctx context.Context, p Place, d ocispec.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit {
		return nil, fmt.Errorf("reading blob %s: %w", d.Digest, &image.LimitError{What: "bytes of a blob", Limit: limit})
	}
	r, err := p.Blob(ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading blob %s: %w", d.Digest, err)
	}
	return data, nil
}

// opener opens bytes at hand, any number of times.
func opener(data []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// checkManifest says whether bytes are those of the digest asked for.
func checkManifest(m Manifest, ref, place string) error {
	want, err := chain.ParseDigest(ref)
	if err != nil {
		return nil // a tag promises no bytes
	}
	if got := m.Digest(); got != want {
		return &image.MismatchError{What: "manifest", Want: want, Got: got, WantSize: -1, GotSize: int64(len(m.Raw)), Ref: place}
	}
	return nil
}
