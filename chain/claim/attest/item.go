package attest

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/publish"
)

// Bounds on what one image can make us read.
const (
	maxItems = 1000     // things that are attached to one image
	maxBytes = 32 << 20 // of one of them; bills of materials are large
)

// The annotations and media types by which attachments are recognised; the first
// four are cosign's (its SIGNATURE_SPEC), the last two BuildKit's.
const (
	annSignature   = "dev.cosignproject.cosign/signature"
	annCertificate = "dev.sigstore.cosign/certificate"
	annChain       = "dev.sigstore.cosign/chain"
	annRekor       = "dev.sigstore.cosign/bundle"
	annType        = "vnd.docker.reference.type"
	annOf          = "vnd.docker.reference.digest"

	typeSigning  = "application/vnd.dev.cosign.simplesigning.v1+json"
	typeEnvelope = "application/vnd.dsse.envelope.v1+json"
	typeBundle   = "application/vnd.dev.sigstore.bundle"
	typeInToto   = "application/vnd.in-toto+json"
)

// item is one attachment as it lies in a place.
type item struct {
	form        Form
	origin      string
	data        []byte
	annotations map[string]string
	mediaType   string
	of          chain.Digest // the digest that it is attached to
}

// Place is where attachments lie; publish's places are of this kind.
type Place interface {
	Name() string
	Manifest(ctx context.Context, ref string) (publish.Manifest, error)
	Blob(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)
	Referrers(ctx context.Context, subject chain.Digest) ([]publish.Referrer, []publish.Unread)
}

// manifest is what is read of a manifest or index.
type manifest struct {
	ArtifactType string               `json:"artifactType"`
	Config       ocispec.Descriptor   `json:"config"`
	Layers       []ocispec.Descriptor `json:"layers"`
	Manifests    []ocispec.Descriptor `json:"manifests"`
}

// gatherer collects the items of one image in one place.
type gatherer struct {
	place  Place
	items  []item
	unread []publish.Unread
	seen   map[chain.Digest]bool // manifests and files that were read
}

func (g *gatherer) miss(what string, err error) {
	g.unread = append(g.unread, publish.Unread{Origin: g.place.Name() + " " + what, Err: err})
}

// gather reads what is attached to a manifest, and to the index around it where
// there is one.
func gather(ctx context.Context, p Place, manifest, index chain.Digest) *gatherer {
	g := &gatherer{place: p, seen: map[chain.Digest]bool{}}
	for _, d := range []chain.Digest{manifest, index} {
		if d == "" {
			continue
		}
		refs, unread := p.Referrers(ctx, d)
		g.unread = append(g.unread, unread...)
		for _, r := range refs {
			g.manifest(ctx, string(r.Digest), d, Bundle, false)
		}
		base := strings.Replace(string(d), ":", "-", 1)
		g.manifest(ctx, base+".sig", d, CosignSig, true)
		g.manifest(ctx, base+".att", d, CosignAtt, true)
		g.manifest(ctx, base+".sbom", d, AttachedFile, true)
	}
	if index != "" {
		g.buildKit(ctx, index, manifest)
	}
	return g
}

// manifest reads the layers of one artifact. An optional one may be missing.
func (g *gatherer) manifest(ctx context.Context, ref string, of chain.Digest, form Form, optional bool) {
	m, err := g.place.Manifest(ctx, ref)
	switch {
	case optional && isNotFound(err):
		return
	case err != nil:
		g.miss(ref, err)
		return
	case g.seen[m.Digest()]:
		return
	}
	g.seen[m.Digest()] = true
	var doc manifest
	if err := json.Unmarshal(m.Raw, &doc); err != nil {
		g.miss(ref, fmt.Errorf("parsing a manifest: %w", err))
		return
	}
	for _, l := range doc.Layers {
		f, ok := formOf(form, doc.ArtifactType, l)
		if !ok {
			continue
		}
		g.layer(ctx, f, ref, of, l)
	}
}

// formOf says what a layer of an artifact is; not ok is what is no attestation,
// such as a recipe.
func formOf(form Form, artifact string, l ocispec.Descriptor) (Form, bool) {
	switch {
	case strings.HasPrefix(l.MediaType, typeBundle):
		return Bundle, true
	case l.MediaType == typeSigning:
		return CosignSig, true
	case l.MediaType == typeEnvelope:
		return CosignAtt, true
	case l.MediaType == typeInToto:
		return BuildKit, true
	case isSBOM(l.MediaType), isSBOM(artifact):
		return AttachedFile, true
	}
	return form, form == AttachedFile
}

func isSBOM(t string) bool {
	return strings.Contains(t, "spdx") || strings.Contains(t, "cyclonedx") || strings.Contains(t, "syft")
}

func (g *gatherer) layer(ctx context.Context, form Form, ref string, of chain.Digest, l ocispec.Descriptor) {
	origin := ref + " " + string(l.Digest)
	switch {
	case len(g.items) >= maxItems:
		if len(g.items) == maxItems {
			g.items = append(g.items, item{}) // marks that it was said
			g.miss(ref, fmt.Errorf("more than %d things are attached; the rest was not read", maxItems))
		}
		return
	case l.Size > maxBytes || l.Size < 0:
		g.miss(origin, fmt.Errorf("it has %d bytes, more than the %d that are read", l.Size, maxBytes))
		return
	}
	r, err := g.place.Blob(ctx, l)
	if err != nil {
		g.miss(origin, err)
		return
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err == nil && len(data) > maxBytes {
		err = fmt.Errorf("it has more than %d bytes", maxBytes)
	}
	if err != nil {
		g.miss(origin, err)
		return
	}
	g.items = append(g.items, item{form: form, origin: g.place.Name() + " " + origin, data: data,
		annotations: l.Annotations, mediaType: l.MediaType, of: of})
}

// buildKit reads the attestation manifests that BuildKit puts into an index,
// beside the platform manifest that they are of.
func (g *gatherer) buildKit(ctx context.Context, index, manifest chain.Digest) {
	m, err := g.place.Manifest(ctx, string(index))
	if err != nil {
		g.miss(string(index), err)
		return
	}
	var doc struct {
		Manifests []ocispec.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(m.Raw, &doc); err != nil {
		g.miss(string(index), fmt.Errorf("parsing an index: %w", err))
		return
	}
	for _, d := range doc.Manifests {
		if d.Annotations[annType] == "attestation-manifest" && d.Annotations[annOf] == string(manifest) {
			g.manifest(ctx, string(d.Digest), manifest, BuildKit, false)
		}
	}
}
