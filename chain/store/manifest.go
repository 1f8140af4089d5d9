package store

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// maxManifest bounds a manifest or index, as registries do.
const maxManifest = 4 << 20

// The media types of Docker's image manifests, which registries still serve.
const (
	mediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// manifest is the union of what an image manifest and an index hold.
type manifest struct {
	SchemaVersion int                  `json:"schemaVersion"`
	MediaType     string               `json:"mediaType"`
	ArtifactType  string               `json:"artifactType"`
	Config        *ocispec.Descriptor  `json:"config"`
	Layers        []ocispec.Descriptor `json:"layers"`
	Manifests     []ocispec.Descriptor `json:"manifests"`
	Subject       *ocispec.Descriptor  `json:"subject"`
	Annotations   map[string]string    `json:"annotations"`

	digest chain.Digest
	size   int64
}

// manifest reads the manifest or index with that digest, verified. Parsed ones
// are kept: what a digest names never changes.
func (s *Store) manifest(d chain.Digest) (*manifest, error) {
	if m, ok := s.manifests.Load(d); ok {
		return m.(*manifest), nil
	}
	if info, err := os.Stat(s.BlobPath(d)); err == nil && info.Size() > maxManifest {
		return nil, fmt.Errorf("blob %s is no manifest: it has %d bytes", d, info.Size())
	}
	if first, err := s.firstByte(d); err == nil && first != '{' {
		return nil, fmt.Errorf("blob %s is no manifest", d)
	}
	data, err := s.ReadBlob(d, maxManifest)
	if err != nil {
		return nil, err
	}
	m := &manifest{digest: d, size: int64(len(data))}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("parsing manifest %s: %w", d, err)
	}
	if m.SchemaVersion != 2 || (m.Config == nil && m.Manifests == nil) {
		return nil, fmt.Errorf("blob %s is no manifest", d)
	}
	for _, c := range m.children() {
		if badDescriptor(c) {
			return nil, fmt.Errorf("manifest %s names %q of %d bytes, which no blob can be", d, c.Digest, c.Size)
		}
	}
	s.manifests.Store(d, m)
	return m, nil
}

// firstByte spares reading large layers that cannot be manifests.
func (s *Store) firstByte(d chain.Digest) (byte, error) {
	f, err := os.Open(s.BlobPath(d))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var b [1]byte
	_, err = f.Read(b[:])
	return b[0], err
}

// isArtifact reports whether it is something other than an image.
func (m *manifest) isArtifact() bool {
	return m.ArtifactType != "" || m.Subject != nil || (m.Config != nil && m.Config.MediaType == ocispec.MediaTypeEmptyJSON)
}

func (m *manifest) mediaType() string {
	switch {
	case m.MediaType != "":
		return m.MediaType
	case m.Config == nil:
		return ocispec.MediaTypeImageIndex
	}
	return ocispec.MediaTypeImageManifest
}

// descriptor is the descriptor of the manifest as an index lists it.
func (m *manifest) descriptor(d chain.Digest) ocispec.Descriptor {
	desc := ocispec.Descriptor{MediaType: m.mediaType(), Digest: digest.Digest(d), Size: m.size}
	if m.isArtifact() {
		desc.ArtifactType = m.ArtifactType
		desc.Annotations = m.Annotations
	}
	return desc
}

// children are the blobs that belong to it. Its subject does not.
func (m *manifest) children() []ocispec.Descriptor {
	var out []ocispec.Descriptor
	if m.Config != nil {
		out = append(out, *m.Config)
	}
	return append(append(out, m.Layers...), m.Manifests...)
}

func isManifestType(t string) bool {
	switch t {
	case ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, mediaTypeDockerManifest, mediaTypeDockerList:
		return true
	}
	return false
}

// walk calls visit for every blob that d leads to, d included, each once.
// Visit's answer says whether to look inside.
func (s *Store) walk(d ocispec.Descriptor, visit func(ocispec.Descriptor) bool) error {
	if !visit(d) || !isManifestType(d.MediaType) {
		return nil
	}
	m, err := s.manifest(chain.Digest(d.Digest))
	if err != nil {
		return err
	}
	for _, c := range m.children() {
		if err := s.walk(c, visit); err != nil {
			return err
		}
	}
	return nil
}

// Complete says whether the store holds d and all that belongs to it. The error
// names the first blob that is missing and wraps ErrNotFound. Nothing is
// hashed but manifests.
func (s *Store) Complete(d ocispec.Descriptor) error {
	var missing error
	seen := map[digest.Digest]bool{}
	err := s.walk(d, func(c ocispec.Descriptor) bool {
		if missing != nil || seen[c.Digest] {
			return false
		}
		seen[c.Digest] = true
		if !s.Has(chain.Digest(c.Digest)) {
			missing = fmt.Errorf("%s of %s: blob %s: %w", c.MediaType, d.Digest, c.Digest, ErrNotFound)
		}
		return missing == nil
	})
	if missing != nil {
		return missing
	}
	return err
}
