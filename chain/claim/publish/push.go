package publish

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/statement"
)

// Publication is one claim and what goes with it.
type Publication struct {
	Recipe []byte // the canonical JSON that R is the SHA-256 of
	Bundle []byte
	Files  []File
	Image  chain.Digest // an index or manifest to put too; "" for none
	From   Place        // that has the image
}

// Receipt is what was put where.
type Receipt struct {
	Place  string       `json:"place"`
	Stage  string       `json:"stage"`
	Recipe chain.Digest `json:"recipe"`           // R
	Under  chain.Digest `json:"recipeManifest"`   // the manifest by which everyone finds the claim
	Output chain.Digest `json:"output,omitempty"` // D
	Bundle chain.Digest `json:"bundle"`
	Image  bool         `json:"image"`
	Notes  []string     `json:"notes,omitempty"`

	entry bookEntry
}

// Put publishes one claim: the recipe, the files beside it, the bundle under
// the recipe's manifest and under the output, and the image when that is asked
// for. All of it may be there already. The book is AddToBook's.
func Put(ctx context.Context, to Place, pub Publication) (*Receipt, error) {
	c, err := pub.claim()
	if err != nil {
		return nil, err
	}
	r := &Receipt{Place: to.Name(), Stage: c.Stage, Recipe: c.Recipe, Output: c.Output.Manifest, Bundle: sum(pub.Bundle), Image: pub.Image != ""}
	p := putter{to: to, pub: pub, claim: c, receipt: r}
	for _, step := range []func(context.Context) error{p.recipe, p.image, p.files, p.underRecipe, p.underOutput} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("publishing the claim on %q in %s: %w", c.Stage, to.Name(), err)
		}
	}
	return r, nil
}

// claim reads the bundle, so that nothing is published under other digests than
// it is about.
func (pub *Publication) claim() (*claim.Claim, error) {
	v, err := statement.NewVerifier(nil, nil)
	if err != nil {
		return nil, err
	}
	c := v.Verify(pub.Bundle)
	switch {
	case c.Verification.State == claim.Refused:
		return nil, fmt.Errorf("publishing a claim: %s", c.Verification.Reason)
	case sum(pub.Recipe) != c.Recipe:
		return nil, fmt.Errorf("publishing a claim on %q: it is about recipe %s, not %s", c.Stage, c.Recipe, sum(pub.Recipe))
	}
	return c, nil
}

type putter struct {
	to      Place
	pub     Publication
	claim   *claim.Claim
	receipt *Receipt
	subject ocispec.Descriptor // the recipe's manifest
}

// putArtifact puts a manifest and the blobs that bytes are given for.
func putArtifact(ctx context.Context, to Place, m Manifest, files ...File) error {
	files = append(files, DataFile("", "", ocispec.DescriptorEmptyJSON.Data))
	for _, f := range files {
		if err := to.PutBlob(ctx, f.descriptor(), f.Open); err != nil {
			return err
		}
	}
	return to.PutManifest(ctx, m, "")
}

// PutRecipe publishes a recipe, on which claims about it hang.
func PutRecipe(ctx context.Context, to Place, recipe []byte) error {
	m, err := Recipe{recipe}.Manifest()
	if err != nil {
		return err
	}
	return putArtifact(ctx, to, m, DataFile("", RecipeType, recipe))
}

// recipe comes first: there are registries that refuse absent subjects.
func (p *putter) recipe(ctx context.Context) error {
	m, err := Recipe{p.pub.Recipe}.Manifest()
	if err != nil {
		return err
	}
	p.subject = ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.Digest(m.Digest()), Size: int64(len(m.Raw))}
	p.receipt.Under = m.Digest()
	return PutRecipe(ctx, p.to, p.pub.Recipe)
}

func (p *putter) image(ctx context.Context) error {
	if p.pub.Image == "" {
		return nil
	}
	return CopyImage(ctx, p.pub.From, p.to, p.pub.Image, imageTag(p.claim))
}

// files puts what goes with the bundle under the recipe's manifest.
func (p *putter) files(ctx context.Context) error {
	if len(p.pub.Files) == 0 {
		return nil
	}
	a := artifact{typ: EvidenceType, subject: &p.subject, annotations: map[string]string{AnnotationBundle: string(p.receipt.Bundle)}}
	for _, f := range p.pub.Files {
		if f.Size > maxFile {
			return fmt.Errorf("file %q has %d bytes, more than %d", f.Name, f.Size, int64(maxFile))
		}
		a.layers = append(a.layers, f.descriptor())
	}
	m := a.manifest()
	if err := putArtifact(ctx, p.to, m, p.pub.Files...); err != nil {
		return err
	}
	return p.to.Refer(ctx, p.receipt.Under, m)
}

// bundle is the referrer of a subject, in cosign's layout.
func (p *putter) bundle(subject ocispec.Descriptor) Manifest {
	predicate := statement.ProvenanceType
	if p.claim.Failed() {
		predicate = statement.FailureType
	}
	f := DataFile("", BundleType, p.pub.Bundle).descriptor()
	f.Annotations = nil
	a := artifact{typ: BundleType, subject: &subject, layers: []ocispec.Descriptor{f}, annotations: map[string]string{
		AnnotationContent: contentDSSE, AnnotationPredicate: predicate,
	}}
	if at := p.claim.Finished; !at.IsZero() { // the build's time: the same bytes when it is put again
		a.annotations[ocispec.AnnotationCreated] = at.UTC().Format(time.RFC3339)
	}
	if string(subject.Digest) == string(p.receipt.Under) && p.claim.Output.Manifest != "" {
		a.annotations[AnnotationOutput] = string(p.claim.Output.Manifest)
	}
	return a.manifest()
}

func (p *putter) underRecipe(ctx context.Context) error {
	m := p.bundle(p.subject)
	p.receipt.entry = bookEntry{recipe: p.subject, bundle: m.Descriptor(), claim: p.claim, digest: p.receipt.Bundle}
	if err := putArtifact(ctx, p.to, m, DataFile("", BundleType, p.pub.Bundle)); err != nil {
		return err
	}
	return p.to.Refer(ctx, p.receipt.Under, m)
}

// underOutput makes cosign find it. The image need not be there; a registry
// that insists on it gets a note, as everyone else finds the claim already.
func (p *putter) underOutput(ctx context.Context) error {
	if p.claim.Failed() {
		return nil
	}
	d := p.claim.Output.Manifest
	subject := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(d)}
	if m, err := p.outputManifest(ctx, d); err == nil {
		subject.MediaType, subject.Size = m.MediaType, int64(len(m.Raw))
	}
	m := p.bundle(subject)
	err := putArtifact(ctx, p.to, m, DataFile("", BundleType, p.pub.Bundle))
	var status *StatusError
	if errors.As(err, &status) && !p.receipt.Image && (status.Code == http.StatusBadRequest || status.Code == http.StatusNotFound) {
		p.receipt.Notes = append(p.receipt.Notes, fmt.Sprintf("not listed under the output: %v", err))
		return nil
	}
	if err != nil {
		return err
	}
	return p.to.Refer(ctx, d, m)
}

func (p *putter) outputManifest(ctx context.Context, d chain.Digest) (Manifest, error) {
	if p.pub.From != nil {
		return p.pub.From.Manifest(ctx, string(d))
	}
	return p.to.Manifest(ctx, string(d))
}

// imageTag keeps an image from being collected as garbage where only tags count.
func imageTag(c *claim.Claim) string { return c.Stage + "-" + c.Output.Manifest.Hex()[:12] }
