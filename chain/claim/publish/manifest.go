package publish

import (
	"encoding/json"
	"errors"
	"fmt"

	strict "github.com/go-json-experiment/json"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// Bounds on what a place can make us read.
const (
	maxManifest  = 4 << 20   // bytes of a manifest or index; registries take no more either
	maxBundle    = 4 << 20   // bytes of a bundle
	maxFile      = 256 << 20 // bytes of a log or another file beside a bundle
	maxReferrers = 10_000    // referrers of one subject
	maxPages     = 64        // pages of one answer of the referrers API
	maxBooks     = 10_000    // books that are followed back
	maxEntries   = 50_000    // entries of an index
	maxDirIndex  = 64 << 20  // bytes of a directory's index.json
	maxFound     = 512 << 20 // bytes of all bundles that one search gives
)

// Manifest is the raw form of a manifest or index.
type Manifest struct {
	MediaType string
	Raw       []byte
}

// Digest is the digest of the manifest's bytes.
func (m Manifest) Digest() chain.Digest { return sum(m.Raw) }

// Descriptor describes the manifest, with the artifact type and annotations
// that it states itself, as lists of referrers have to.
func (m Manifest) Descriptor() ocispec.Descriptor {
	d := ocispec.Descriptor{MediaType: m.MediaType, Digest: digest.Digest(m.Digest()), Size: int64(len(m.Raw))}
	p, err := m.parse()
	if err != nil {
		return d
	}
	d.ArtifactType, d.Annotations = p.ArtifactType, p.Annotations
	if d.ArtifactType == "" && p.Config != nil {
		d.ArtifactType = p.Config.MediaType
	}
	return d
}

// parsed is what manifests and indexes say, as far as it concerns us.
type parsed struct {
	MediaType    string               `json:"mediaType"`
	ArtifactType string               `json:"artifactType"`
	Config       *ocispec.Descriptor  `json:"config"`
	Layers       []ocispec.Descriptor `json:"layers"`
	Manifests    []ocispec.Descriptor `json:"manifests"`
	Subject      *ocispec.Descriptor  `json:"subject"`
	Annotations  map[string]string    `json:"annotations"`
}

// parse reads a manifest of which there is one reading only: a key given twice
// is an error, as is one that is both an index and a manifest (CVE-2021-41190).
func (m Manifest) parse() (*parsed, error) {
	var p parsed
	if err := strict.Unmarshal(m.Raw, &p); err != nil {
		return nil, fmt.Errorf("parsing manifest %s: %w", m.Digest(), err)
	}
	for _, list := range [][]ocispec.Descriptor{p.Layers, p.Manifests} {
		if len(list) > maxEntries {
			return nil, fmt.Errorf("parsing manifest %s: it has %d entries", m.Digest(), len(list))
		}
		for _, d := range list {
			if err := checkDescriptor(d); err != nil {
				return nil, fmt.Errorf("parsing manifest %s: %w", m.Digest(), err)
			}
		}
	}
	for _, d := range []*ocispec.Descriptor{p.Config, p.Subject} {
		if d != nil {
			if err := checkDescriptor(*d); err != nil {
				return nil, fmt.Errorf("parsing manifest %s: %w", m.Digest(), err)
			}
		}
	}
	if (p.Config != nil) == (p.Manifests != nil) {
		return nil, fmt.Errorf("parsing manifest %s: it is not either an index or a manifest", m.Digest())
	}
	return &p, nil
}

func checkDescriptor(d ocispec.Descriptor) error {
	if _, err := chain.ParseDigest(string(d.Digest)); err != nil {
		return err
	}
	if d.Size < 0 {
		return fmt.Errorf("%s is to have %d bytes", d.Digest, d.Size)
	}
	return nil
}

// isIndex says whether a manifest that was parsed is an index.
func (p *parsed) isIndex() bool { return p.Manifests != nil }

// artifact is an OCI artifact manifest with the empty config.
type artifact struct {
	typ         string
	layers      []ocispec.Descriptor
	subject     *ocispec.Descriptor
	annotations map[string]string
}

func (a artifact) manifest() Manifest {
	config := ocispec.DescriptorEmptyJSON
	config.Data = nil
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: a.typ,
		Config:       config,
		Layers:       a.layers,
		Annotations:  a.annotations,
	}
	if a.subject != nil { // only what names it: no annotation of its own
		m.Subject = &ocispec.Descriptor{MediaType: a.subject.MediaType, Digest: a.subject.Digest, Size: a.subject.Size}
	}
	return Manifest{MediaType: ocispec.MediaTypeImageManifest, Raw: mustJSON(m)}
}

// mustJSON encodes values of our own types, which always encode.
func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(errors.Join(errors.New("encoding a manifest"), err))
	}
	return data
}

// mediaType is what the manifest says that it is, or what its form says.
func (p *parsed) mediaType() string {
	switch {
	case p.MediaType != "":
		return p.MediaType
	case p.isIndex():
		return ocispec.MediaTypeImageIndex
	}
	return ocispec.MediaTypeImageManifest
}
