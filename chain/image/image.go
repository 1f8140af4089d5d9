package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
)

// Options say how images are opened. The zero value opens local ones.
type Options struct {
	Store    *store.Store // for stage:, trial: and digests; nil means that there is none
	Platform string       // "os/arch[/variant]" to choose in an index; "" means linux/amd64
	Offline  bool         // registries are refused
	Keychain authn.Keychain
	Limits   Limits

	// Transport reaches registries; nil means web.NewTransport with its defaults.
	Transport http.RoundTripper

	// Claim resolves claim:PARTY/ID to another reference; nil means that claims
	// are not known here.
	Claim func(ctx context.Context, claim string) (Reference, error)
}

// Limits bound what a hostile image can cost. A zero field means its default.
type Limits struct {
	Layers   int   // layers of an image: 4096
	Entries  int   // entries of an image's layers together: 8 million
	Inflated int64 // bytes of one uncompressed layer: 64 GiB
	Manifest int64 // bytes of a manifest, index or config: 8 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Layers == 0 {
		l.Layers = 4096
	}
	if l.Entries == 0 {
		l.Entries = 8_000_000
	}
	if l.Inflated == 0 {
		l.Inflated = 64 << 30
	}
	if l.Manifest == 0 {
		l.Manifest = 8 << 20
	}
	return l
}

// Object is a verified JSON object of an image: an index, manifest or config.
type Object struct {
	Descriptor ocispec.Descriptor
	Raw        []byte // exactly the bytes that the digest is of
}

// Digest is the object's digest.
func (o *Object) Digest() chain.Digest { return chain.Digest(o.Descriptor.Digest) }

// Image is one platform's image, opened. Its JSON has been read and verified;
// its layers are read when asked. It is safe for concurrent use.
type Image struct {
	ref      Reference
	indexes  []*Object // from the outermost in
	manifest *Object   // nil for an old docker archive
	config   *Object
	parsed   ocispec.Image
	layers   []*Layer
	others   []ocispec.Descriptor
	notes    []string
	limits   Limits
	closer   io.Closer
}

// backend gives the bytes of one place where images are. What it gives is
// verified by the caller.
type backend interface {
	// open gives the bytes of a blob or manifest. Its error wraps ErrNotFound
	// when there is none.
	open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)
	io.Closer
}

// Open opens the image that ref, as ParseReference reads it, names.
func Open(ctx context.Context, ref string, o Options) (*Image, error) {
	r, err := ParseReference(ref)
	if err != nil {
		return nil, err
	}
	return OpenReference(ctx, r, o)
}

// OpenReference is Open for a reference that is parsed already. The image must
// be closed.
func OpenReference(ctx context.Context, r Reference, o Options) (*Image, error) {
	o.Limits = o.Limits.withDefaults()
	if r.Kind == KindClaim {
		if o.Claim == nil {
			return nil, fmt.Errorf("opening %q: claims are not known here", r.Text)
		}
		resolved, err := o.Claim(ctx, r.Claim)
		if err != nil {
			return nil, fmt.Errorf("opening %q: %w", r.Text, err)
		}
		if resolved.Kind == KindClaim {
			return nil, fmt.Errorf("opening %q: it leads to another claim", r.Text)
		}
		resolved.Text, resolved.Claim = r.Text, r.Claim
		r = resolved
	}
	img, err := openKind(ctx, r, o)
	if err != nil {
		return nil, fmt.Errorf("opening image %q: %w", r.Text, err)
	}
	return img, nil
}

func openKind(ctx context.Context, r Reference, o Options) (*Image, error) {
	switch r.Kind {
	case KindRegistry:
		return openRegistry(ctx, r, o)
	case KindStore:
		return openStore(ctx, r, o)
	case KindOCI, KindDockerArchive, KindDir:
		return openPath(ctx, r, o)
	}
	return nil, errors.New("the reference names no image")
}

// fromRoot reads what root leads to, down to the layers.
func fromRoot(ctx context.Context, b backend, root ocispec.Descriptor, r Reference, o Options) (*Image, error) {
	i := &Image{ref: r, limits: o.Limits, closer: b}
	if err := i.descend(ctx, b, root, o); err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(i.manifest.Raw, &m); err != nil {
		return nil, &CorruptError{What: "manifest", Digest: i.manifest.Digest(), Err: err}
	}
	if m.MediaType != "" && i.manifest.Descriptor.MediaType != "" && m.MediaType != i.manifest.Descriptor.MediaType {
		i.note("the manifest says that it is %q, its descriptor says %q", m.MediaType, i.manifest.Descriptor.MediaType)
	}
	if m.Config.MediaType == ocispec.MediaTypeEmptyJSON || (m.ArtifactType != "" && len(m.Layers) > 0 && !isConfigType(m.Config.MediaType)) {
		return nil, fmt.Errorf("%s is an artifact of type %q: %w", i.manifest.Digest(), m.ArtifactType, ErrNotImage)
	}
	config, err := readObject(ctx, b, m.Config, "config", r.Text, o.Limits.Manifest)
	if err != nil {
		return nil, err
	}
	if err := i.setConfig(config); err != nil {
		return nil, err
	}
	return i, i.setLayers(b, m.Layers)
}

func isConfigType(t string) bool {
	return t == ocispec.MediaTypeImageConfig || t == "application/vnd.docker.container.image.v1+json" || t == ""
}

func (i *Image) setConfig(config *Object) error {
	i.config = config
	if err := json.Unmarshal(config.Raw, &i.parsed); err != nil {
		return &CorruptError{What: "config", Digest: config.Digest(), Err: err}
	}
	if len(i.parsed.RootFS.DiffIDs) > i.limits.Layers {
		return &LimitError{What: "layers of the image", Limit: int64(i.limits.Layers)}
	}
	for n, d := range i.parsed.RootFS.DiffIDs {
		if _, err := chain.ParseDigest(string(d)); err != nil {
			return &CorruptError{What: "config", Digest: config.Digest(), Err: fmt.Errorf("diff ID of layer %d: %w", n+1, err)}
		}
	}
	return nil
}

func (i *Image) setLayers(b backend, layers []ocispec.Descriptor) error {
	diffIDs := i.parsed.RootFS.DiffIDs
	if len(layers) != len(diffIDs) {
		return fmt.Errorf("the manifest has %d layers, the config has %d diff IDs", len(layers), len(diffIDs))
	}
	for n, d := range layers {
		if _, err := chain.ParseDigest(string(d.Digest)); err != nil {
			return fmt.Errorf("layer %d: %w", n+1, err)
		}
		if d.Size < 0 {
			return fmt.Errorf("layer %d: it is to have %d bytes", n+1, d.Size)
		}
		i.layers = append(i.layers, &Layer{
			Descriptor: d, DiffID: chain.Digest(diffIDs[n]), Number: n + 1, image: i,
			open: func(ctx context.Context) (io.ReadCloser, error) { return b.open(ctx, d) },
		})
	}
	return nil
}

func (i *Image) note(format string, args ...any) {
	i.notes = append(i.notes, fmt.Sprintf(format, args...))
}

// Close ends what reading the image needs. Its layers cannot be opened then.
func (i *Image) Close() error {
	if i.closer == nil {
		return nil
	}
	return i.closer.Close()
}

// Ref is the reference that the image was opened by.
func (i *Image) Ref() Reference { return i.ref }

// Index is the outermost index, which a tag leads to; nil when a manifest was
// named directly.
func (i *Image) Index() *Object {
	if len(i.indexes) == 0 {
		return nil
	}
	return i.indexes[0]
}

// Indexes are all indexes on the way to the manifest, from the outermost in.
// The index.json of a layout is not one of them.
func (i *Image) Indexes() []*Object { return slices.Clone(i.indexes) }

// Manifest is the image's manifest; nil for an archive of the old docker save,
// which has none.
func (i *Image) Manifest() *Object { return i.manifest }

// ManifestDigest is D, the manifest's digest; "" when there is no manifest.
func (i *Image) ManifestDigest() chain.Digest {
	if i.manifest == nil {
		return ""
	}
	return i.manifest.Digest()
}

// IndexDigest is the outermost index's digest; "" when there is none.
func (i *Image) IndexDigest() chain.Digest {
	if len(i.indexes) == 0 {
		return ""
	}
	return i.indexes[0].Digest()
}

// RawManifest is the manifest's bytes; nil when there is no manifest.
func (i *Image) RawManifest() []byte {
	if i.manifest == nil {
		return nil
	}
	return i.manifest.Raw
}

// ConfigObject is the config as it was read.
func (i *Image) ConfigObject() *Object { return i.config }

// ConfigDigest is the digest of the config.
func (i *Image) ConfigDigest() chain.Digest { return i.config.Digest() }

// RawConfig is the config's bytes.
func (i *Image) RawConfig() []byte { return i.config.Raw }

// Config is the parsed config.
func (i *Image) Config() ocispec.Image { return i.parsed }

// Platform is what the config says that the image is for, "os/arch[/variant]".
func (i *Image) Platform() string { return platformText(&i.parsed.Platform) }

// Layers are the image's layers, the lowest first.
func (i *Image) Layers() []*Layer { return slices.Clone(i.layers) }

// Rootfs is F; see RootfsDigest.
func (i *Image) Rootfs() chain.Digest {
	ids := make([]chain.Digest, len(i.layers))
	for n, l := range i.layers {
		ids[n] = l.DiffID
	}
	f, err := RootfsDigest(ids)
	if err != nil {
		return "" // diff IDs were checked when the config was read
	}
	return f
}

// Others are the entries of the indexes that were not chosen: other platforms'
// images, attestations.
func (i *Image) Others() []ocispec.Descriptor { return slices.Clone(i.others) }

// Attestations are those of Others that BuildKit attached to images.
func (i *Image) Attestations() []ocispec.Descriptor {
	return slices.DeleteFunc(i.Others(), func(d ocispec.Descriptor) bool { return !isAttestation(d) })
}

// Notes say what is odd about the image without keeping it from being read.
// Their text may quote the image and has to be escaped before it is shown.
func (i *Image) Notes() []string { return slices.Clone(i.notes) }
