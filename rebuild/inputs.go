package rebuild

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
)

// InputError reports a need whose image cannot be had.
type InputError struct {
	Stage  string
	Need   string
	Want   chain.Digest // claimed digest that was sought; "" when there is no claim, or an own image was wanted
	Sought []string     // places, each with why not
	Err    error        // may be nil
}

func (e *InputError) Error() string {
	text := fmt.Sprintf("%q needs an image of %q", e.Stage, e.Need)
	if e.Want != "" {
		text += fmt.Sprintf(" with the published digest %s", e.Want)
	}
	if len(e.Sought) > 0 {
		text += "; sought in " + strings.Join(e.Sought, ", ")
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *InputError) Unwrap() error { return e.Err }

// inputs finds the image of every need, in the order of the recipe.
func (b *Builder) inputs(ctx context.Context, s *chain.Stage, o Options) ([]input, error) {
	var out []input
	for _, n := range s.Needs {
		need, err := b.Chain.Stage(n.ID)
		if err != nil {
			return nil, &InputError{Stage: s.ID, Need: n.ID, Err: err}
		}
		var in input
		if b.own(n.ID, o) {
			in, err = b.ownInput(ctx, s, need, n, o)
		} else {
			in, err = b.publishedInput(ctx, s, need, o)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	return out, nil
}

// own says whether a need is built here.
func (b *Builder) own(id string, o Options) bool {
	if o.OwnFrom == "" {
		return o.Inputs != InputsPublished
	}
	if id == o.OwnFrom {
		return true
	}
	for _, s := range b.Chain.Downstream(o.OwnFrom) {
		if s.ID == id {
			return true
		}
	}
	return false
}

// input is an image that the store holds and that was verified.
type input struct {
	Input
	root chain.Digest // what the store's layout serves: the index, or the manifest
}

func recorded(in []input) []Input {
	out := make([]Input, len(in))
	for i := range in {
		out[i] = in[i].Input
	}
	return out
}

// images are the inputs as the engine gets them.
func (b *Builder) images(s *chain.Stage, in []input) []InputImage {
	var out []InputImage
	for i, n := range s.Needs {
		out = append(out, InputImage{Name: depPrefix + n.ID + n.Pin, Layout: b.Store.Layout(), Digest: in[i].root})
	}
	return out
}

// ownInput is what an earlier build left under the stage's tag. The scheduler
// has seen to it that its recipe and inputs are the present ones.
func (b *Builder) ownInput(ctx context.Context, s, need *chain.Stage, n chain.Need, o Options) (input, error) {
	desc, err := b.Store.Resolve(store.StageTag(need.ID))
	if err != nil {
		return input{}, &InputError{Stage: s.ID, Need: need.ID, Err: err}
	}
	in, err := b.verify(ctx, need, desc, o)
	if err != nil {
		return input{}, &InputError{Stage: s.ID, Need: need.ID, Err: err}
	}
	in.Origin = string(InputsOwn)
	if _, pin, ok := strings.Cut(n.Pin, "@"); ok && pin != string(in.Index) && pin != string(in.Manifest) {
		return input{}, &InputError{Stage: s.ID, Need: need.ID, Err: fmt.Errorf("the recipe pins %s, but the own image is %s", pin, in.Manifest)}
	}
	return in, nil
}

// verify opens an image of the store after hashing all of its blobs, once for
// each Builder. Damaged blobs are set aside by that.
func (b *Builder) verify(ctx context.Context, s *chain.Stage, desc ocispec.Descriptor, o Options) (input, error) {
	root := chain.Digest(desc.Digest)
	if _, done := b.verified.Load(root); !done {
		if err := b.checkBlobs(ctx, root, platformsOf(s, o.Platform)[0]); err != nil {
			return input{}, err
		}
		b.verified.Store(root, true)
	}
	img, err := b.openStored(ctx, root, platformsOf(s, o.Platform)[0])
	if err != nil {
		return input{}, err
	}
	defer img.Close()
	return input{Input{ID: s.ID, Index: img.IndexDigest(), Manifest: img.ManifestDigest(), Rootfs: img.Rootfs()}, root}, nil
}

// checkBlobs hashes every blob that an image of the store consists of.
func (b *Builder) checkBlobs(ctx context.Context, root chain.Digest, platform string) error {
	if _, err := b.Store.Check(ctx, root); err != nil {
		return err
	}
	img, err := b.openStored(ctx, root, platform)
	if err != nil {
		return err
	}
	defer img.Close()
	blobs := []chain.Digest{img.ManifestDigest(), img.ConfigDigest()}
	for _, l := range img.Layers() {
		blobs = append(blobs, chain.Digest(l.Descriptor.Digest))
	}
	var bad []error // all of them are found and set aside at once
	for _, d := range blobs {
		if _, err := b.Store.Check(ctx, d); err != nil {
			bad = append(bad, err)
		}
	}
	return errors.Join(bad...)
}

// publishedInput finds an image of a need by its claimed digest: in the store,
// in the tree, on a registry. Its bytes are in the store afterwards, verified.
func (b *Builder) publishedInput(ctx context.Context, s, need *chain.Stage, o Options) (input, error) {
	missing := &InputError{Stage: s.ID, Need: need.ID}
	for _, c := range need.Published {
		if c.Level != chain.LevelIndex && c.Level != chain.LevelManifest {
			continue
		}
		missing.Want = c.Digest
		for _, ref := range b.places(need, c) {
			in, err := b.adopt(ctx, need, ref, c, o)
			if err == nil {
				in.Origin = ref.Text
				return in, nil
			}
			if ctx.Err() != nil {
				return input{}, ctx.Err()
			}
			missing.Sought = append(missing.Sought, fmt.Sprintf("%s (%v)", ref.Text, err))
		}
	}
	if missing.Want == "" {
		missing.Err = errors.New("the tree publishes no digest for it")
	} else if b.Offline {
		missing.Err = image.ErrOffline
	}
	return input{}, missing
}

// places lists where a published image may be, the nearest first.
func (b *Builder) places(s *chain.Stage, c chain.Claimed) []image.Reference {
	out := []image.Reference{{Kind: image.KindStore, Text: "the store", Digest: c.Digest}}
	if b.Chain.Root != "" {
		for _, l := range s.Local {
			// The digest that was read when the tree was loaded only saves opening
			// what cannot fit; what counts are the bytes.
			if l.Manifest == c.Digest || l.Index == c.Digest {
				out = append(out, localReference(b.Chain.Root, l, c.Digest))
			}
		}
	}
	registries := b.Registries
	if registries == nil {
		registries = DefaultRegistries
	}
	for _, r := range registries {
		if n, err := name.ParseReference(r + "/" + s.ID + "@" + string(c.Digest)); err == nil && !b.Offline {
			out = append(out, image.Reference{Kind: image.KindRegistry, Text: n.String(), Name: n})
		}
	}
	return out
}

// adopt takes an image in if it has the claimed digest.
func (b *Builder) adopt(ctx context.Context, s *chain.Stage, ref image.Reference, c chain.Claimed, o Options) (input, error) {
	if ref.Kind == image.KindStore && !b.Store.Has(c.Digest) {
		return input{}, store.ErrNotFound
	}
	img, err := image.OpenReference(ctx, ref, image.Options{Store: b.Store, Platform: platformsOf(s, o.Platform)[0], Offline: b.Offline})
	if err != nil {
		return input{}, err
	}
	defer img.Close()
	root := img.Manifest()
	for _, idx := range img.Indexes() {
		if idx.Digest() == c.Digest {
			root = idx
		}
	}
	if root == nil || root.Digest() != c.Digest {
		return input{}, fmt.Errorf("it holds %s, which is not the claimed digest", img.ManifestDigest())
	}
	if ref.Kind != image.KindStore {
		if err := CopyImage(ctx, b.Store, img); err != nil {
			return input{}, err
		}
	}
	desc := describe(root.Digest(), int64(len(root.Raw)), root.Descriptor.MediaType)
	in, err := b.verify(ctx, s, desc, o)
	if err != nil || ref.Kind == image.KindStore {
		return in, err
	}
	desc.Annotations = map[string]string{store.AnnotationMatches: fmt.Sprintf("%s:%d (%s)", c.Origin, c.Line, c.Level), store.AnnotationExpendable: "published"}
	return in, b.Store.Tag(ctx, "published/"+s.ID, desc)
}

// CopyImage writes all blobs of an image into the store, each verified. It tags
// nothing.
func CopyImage(ctx context.Context, s *store.Store, img *image.Image) error {
	for _, l := range img.Layers() {
		if s.Has(chain.Digest(l.Descriptor.Digest)) {
			continue // verify hashes it
		}
		r, err := l.Open(ctx)
		if err != nil {
			return err
		}
		_, _, err = s.PutBlob(ctx, r, chain.Digest(l.Descriptor.Digest))
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	for _, o := range append([]*image.Object{img.ConfigObject(), img.Manifest()}, img.Indexes()...) {
		if _, _, err := s.PutBlob(ctx, strings.NewReader(string(o.Raw)), o.Digest()); err != nil {
			return err
		}
	}
	return nil
}
