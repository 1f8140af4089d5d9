package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
)

// layoutDir is an OCI layout on disk: StageX's out/<id>, the store.
type layoutDir struct{ dir string }

func (l *layoutDir) open(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	dg, err := chain.ParseDigest(string(d.Digest))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(l.dir, "blobs", "sha256", dg.Hex())
	f, err := openRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s in %q: %w", d.Digest, l.dir, ErrNotFound)
	}
	return f, err
}

func (l *layoutDir) Close() error { return nil }

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAllLimited(f, filepath.Base(path), limit)
}

func readAllLimited(r io.Reader, what string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	if int64(len(data)) > limit {
		return nil, &LimitError{What: "bytes of " + what, Limit: limit}
	}
	return data, nil
}

// fromLayout opens the image that a layout's index.json leads to.
func fromLayout(ctx context.Context, b backend, index []byte, r Reference, o Options) (*Image, error) {
	var idx ocispec.Index
	if err := json.Unmarshal(index, &idx); err != nil {
		return nil, fmt.Errorf("parsing index.json of %q: %w", r.Path, err)
	}
	root, notes, err := layoutRoot(&idx, r, o.Platform)
	if err != nil {
		return nil, fmt.Errorf("index.json of %q: %w", r.Path, err)
	}
	i, err := fromRoot(ctx, b, root, r, o)
	if err != nil {
		return nil, err
	}
	i.notes = append(notes, i.notes...)
	return i, nil
}

// layoutRoot chooses in index.json: the digest or tag asked for; else the only
// image; else the one tagged "latest", as buildx does; else the platform's.
func layoutRoot(idx *ocispec.Index, r Reference, platform string) (ocispec.Descriptor, []string, error) {
	if r.Digest != "" {
		for _, e := range idx.Manifests {
			if chain.Digest(e.Digest) == r.Digest {
				return e, nil, nil
			}
		}
		// It may be inside an index; its bytes are verified all the same.
		return ocispec.Descriptor{MediaType: "", Digest: digest.Digest(r.Digest), Size: -1}, nil, nil
	}
	var images, named []ocispec.Descriptor
	var tags []string
	for _, e := range idx.Manifests {
		if isArtifact(e) || isAttestation(e) {
			continue
		}
		images = append(images, e)
		for _, t := range []string{e.Annotations[ocispec.AnnotationRefName], e.Annotations["io.containerd.image.name"]} {
			if t == "" {
				continue
			}
			tags = append(tags, t)
			if tagIs(t, r.Tag) {
				named = append(named, e)
				break
			}
		}
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	switch {
	case len(named) > 0:
		images = named
	case r.Tag != "":
		return ocispec.Descriptor{}, nil, fmt.Errorf("no tag %q, only %q: %w", r.Tag, tags, ErrNotFound)
	}
	return onlyRoot(images, tags, platform)
}

// tagIs compares a tag asked for ("" means latest) with a tag or full name.
func tagIs(have, want string) bool {
	if want == "" {
		want = "latest"
	}
	return have == want || strings.HasSuffix(have, ":"+want)
}

func onlyRoot(images []ocispec.Descriptor, tags []string, platform string) (ocispec.Descriptor, []string, error) {
	var distinct []ocispec.Descriptor
	for _, e := range images {
		if !slices.ContainsFunc(distinct, func(d ocispec.Descriptor) bool { return d.Digest == e.Digest }) {
			distinct = append(distinct, e)
		}
	}
	switch len(distinct) {
	case 0:
		return ocispec.Descriptor{}, nil, fmt.Errorf("it lists no image: %w", ErrNotFound)
	case 1:
		return distinct[0], nil, nil
	}
	if platform == "" {
		platform = defaultPlatform
	}
	var fit []ocispec.Descriptor
	for _, e := range distinct {
		if platformText(e.Platform) == platform {
			fit = append(fit, e)
		}
	}
	if len(fit) == 1 {
		note := fmt.Sprintf("index.json lists %d images; the one for %s was taken", len(distinct), platform)
		return fit[0], []string{note}, nil
	}
	return ocispec.Descriptor{}, nil, choice{fmt.Errorf("it lists %d images; name one by its tag: %q", len(distinct), tags)}
}

// openStore opens an image that the store holds.
func openStore(ctx context.Context, r Reference, o Options) (*Image, error) {
	if o.Store == nil {
		return nil, errors.New("there is no store to look in")
	}
	b := &layoutDir{dir: o.Store.Layout()}
	d := ocispec.Descriptor{Digest: digest.Digest(r.Digest), Size: -1}
	if r.Tag != "" {
		var err error
		if d, err = o.Store.Resolve(r.Tag); err != nil {
			if errors.Is(err, store.ErrNotFound) {
				return nil, fmt.Errorf("the store at %q does not hold it: %w", o.Store.Dir(), ErrNotFound)
			}
			return nil, err
		}
	}
	if !o.Store.Has(chain.Digest(d.Digest)) {
		return nil, fmt.Errorf("the store at %q does not hold %s: %w", o.Store.Dir(), d.Digest, ErrNotFound)
	}
	return fromRoot(ctx, b, d, r, o)
}
