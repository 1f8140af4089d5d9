package rederive

import (
	"maps"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// The media types of both families.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar"
	ociLayer       = "application/vnd.oci.image.layer.v1.tar"
)

// family is whose media types a manifest uses.
type family int

// The families.
const (
	familyOCI    family = iota
	familyDocker        // Docker's "schema 2"
	familyBare          // OCI, without a mediaType of its own, as before image-spec 1.1
)

var familyNames = [...]string{"OCI", "Docker", "OCI, unnamed"}

func (f family) String() string { return familyNames[f] }

// layerType is the media type of a layer of that compression: "gzip", "zstd" or
// "none".
func (f family) layerType(compression string) string {
	switch {
	case f == familyDocker && compression == "none":
		return dockerLayer
	case f == familyDocker:
		return dockerLayer + "." + compression
	case compression == "none":
		return ociLayer
	}
	return ociLayer + "+" + compression
}

func (f family) configType() string {
	if f == familyDocker {
		return dockerConfig
	}
	return ocispec.MediaTypeImageConfig
}

func (f family) manifestType() string {
	if f == familyDocker {
		return dockerManifest
	}
	return ocispec.MediaTypeImageManifest
}

func (f family) indexType() string {
	if f == familyDocker {
		return dockerList
	}
	return ocispec.MediaTypeImageIndex
}

// compressionOf is what a layer's media type says of its compression.
func compressionOf(mediaType string) string {
	switch {
	case strings.HasSuffix(mediaType, "gzip"):
		return "gzip"
	case strings.HasSuffix(mediaType, "zstd"):
		return "zstd"
	}
	return "none"
}

// entry is a descriptor in a manifest or index that is to be written.
type entry struct {
	mediaType   string
	digest      chain.Digest
	size        int64
	annotations map[string]string
	platform    *ocispec.Platform
	urls        []string
}

func (e entry) object(o order) object {
	out := object{{"mediaType", e.mediaType}}
	switch o {
	case orderOCI:
		out = append(out, member{"digest", e.digest}, member{"size", e.size})
	case orderDocker:
		out = append(out, member{"size", e.size}, member{"digest", e.digest})
	case orderSorted:
		out = object{{"digest", e.digest}, {"mediaType", e.mediaType}}
		if e.platform != nil {
			out = append(out, member{"platform", platformObject(e.platform, o)})
		}
		out = append(out, member{"size", e.size})
		if len(e.urls) > 0 {
			out = append(out, member{"urls", e.urls})
		}
		if len(e.annotations) > 0 {
			out = append(object{{"annotations", e.annotations}}, out...)
		}
		return out
	}
	if len(e.urls) > 0 {
		out = append(out, member{"urls", e.urls})
	}
	if len(e.annotations) > 0 {
		out = append(out, member{"annotations", e.annotations})
	}
	if e.platform != nil {
		out = append(out, member{"platform", platformObject(e.platform, o)})
	}
	return out
}

func platformObject(p *ocispec.Platform, o order) object {
	out := object{{"architecture", p.Architecture}, {"os", p.OS}}
	if p.OSVersion != "" {
		out = append(out, member{"os.version", p.OSVersion})
	}
	if len(p.OSFeatures) > 0 {
		out = append(out, member{"os.features", p.OSFeatures})
	}
	if p.Variant != "" {
		out = append(out, member{"variant", p.Variant})
	}
	if o == orderSorted {
		slices.SortFunc(out, func(a, b member) int { return strings.Compare(a.key, b.key) })
	}
	return out
}

// manifest is an image manifest that is to be written.
type manifest struct {
	family      family
	config      entry
	layers      []entry
	annotations map[string]string
}

func (m manifest) object(o order) object {
	layers := make([]object, len(m.layers))
	for i, l := range m.layers {
		layers[i] = l.object(o)
	}
	return topLevel(o, m.family.manifestType(), m.family == familyBare, m.annotations,
		member{"config", m.config.object(o)}, member{"layers", layers})
}

// topLevel orders the keys of a manifest or index.
func topLevel(o order, mediaType string, bare bool, annotations map[string]string, body ...member) object {
	out := object{{"schemaVersion", 2}}
	if !bare {
		out = append(out, member{"mediaType", mediaType})
	}
	out = append(out, body...)
	if len(annotations) > 0 {
		out = append(out, member{"annotations", maps.Clone(annotations)})
	}
	if o == orderSorted {
		slices.SortFunc(out, func(a, b member) int { return strings.Compare(a.key, b.key) })
	}
	return out
}

// index is an image index that is to be written.
type index struct {
	family      family
	entries     []entry
	annotations map[string]string
}

func (x index) object(o order) object {
	es := make([]object, len(x.entries))
	for i, e := range x.entries {
		es[i] = e.object(o)
	}
	return topLevel(o, x.family.indexType(), x.family == familyBare, x.annotations, member{"manifests", es})
}
