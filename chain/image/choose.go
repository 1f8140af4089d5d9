package image

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// Docker's media types, which registries and archives still hold.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// maxNesting bounds indexes inside indexes.
const maxNesting = 8

// defaultPlatform is chosen when nobody names one.
const defaultPlatform = "linux/amd64"

func isIndex(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageIndex || mediaType == dockerList
}

// isAttestation recognises what BuildKit adds to an index about its images. It is
// for no platform: runtimes look at the platform alone, and would run what names
// one, whatever its annotations say.
func isAttestation(d ocispec.Descriptor) bool {
	if d.Platform == nil || d.Platform.OS == "" && d.Platform.Architecture == "" {
		return d.Annotations["vnd.docker.reference.type"] == "attestation-manifest"
	}
	return d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

// isArtifact recognises entries that are no images. Some tools give an image's
// entry its config's media type as artifact type.
func isArtifact(d ocispec.Descriptor) bool { return !isConfigType(d.ArtifactType) }

// platformText writes "os/arch[/variant]"; "" for none.
func platformText(p *ocispec.Platform) string {
	if p == nil || (p.OS == "" && p.Architecture == "") {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// descend goes from root through indexes to one manifest.
func (i *Image) descend(ctx context.Context, b backend, root ocispec.Descriptor, o Options) error {
	for range maxNesting {
		what := "manifest"
		if isIndex(root.MediaType) {
			what = "index"
		}
		obj, err := readObject(ctx, b, root, what, i.ref.Text, o.Limits.Manifest)
		if err != nil {
			return err
		}
		var head struct {
			SchemaVersion int                  `json:"schemaVersion"`
			MediaType     string               `json:"mediaType"`
			Manifests     []ocispec.Descriptor `json:"manifests"`
			Config        *ocispec.Descriptor  `json:"config"`
		}
		if err := json.Unmarshal(obj.Raw, &head); err != nil {
			return &CorruptError{What: what, Digest: obj.Digest(), Err: err}
		}
		if head.Config != nil && head.Manifests != nil {
			return fmt.Errorf("%s %s is both an index and a manifest", what, obj.Digest())
		}
		if head.Config != nil {
			i.manifest = obj
			return nil
		}
		if head.Manifests == nil {
			return fmt.Errorf("%s %s is neither an index nor a manifest (schema version %d): %w", what, obj.Digest(), head.SchemaVersion, ErrNotImage)
		}
		i.indexes = append(i.indexes, obj)
		if root, err = i.choose(head.Manifests, o.Platform); err != nil {
			return fmt.Errorf("index %s: %w", obj.Digest(), err)
		}
	}
	return fmt.Errorf("indexes are nested: %w", &LimitError{What: "nested indexes", Limit: maxNesting})
}

// choose takes one entry of an index: the only image, or the one of the
// platform.
func (i *Image) choose(entries []ocispec.Descriptor, platform string) (ocispec.Descriptor, error) {
	want := platform
	if want == "" {
		want = defaultPlatform
	}
	var images []int
	for n, e := range entries {
		if _, err := chain.ParseDigest(string(e.Digest)); err != nil {
			return ocispec.Descriptor{}, err
		}
		if !isAttestation(e) && !isArtifact(e) {
			images = append(images, n)
		}
	}
	chosen := -1
	for _, n := range images {
		p := platformText(entries[n].Platform)
		if p == want || strings.HasPrefix(p, want+"/") {
			chosen = n
			break
		}
	}
	if chosen < 0 && len(images) == 1 {
		chosen = images[0]
		if p := platformText(entries[chosen].Platform); platform != "" && p != "" {
			i.note("the only image is for %s, not %s", p, platform)
		}
	}
	if chosen < 0 {
		var have []string
		for _, n := range images {
			have = append(have, platformText(entries[n].Platform))
		}
		if len(have) == 0 {
			return ocispec.Descriptor{}, fmt.Errorf("it lists no image: %w", ErrNotFound)
		}
		return ocispec.Descriptor{}, fmt.Errorf("it has no image for %s, only for %s: %w", want, strings.Join(have, ", "), choice{ErrNotFound})
	}
	for n, e := range entries {
		if n == chosen {
			continue
		}
		i.others = append(i.others, e)
		if p := platformText(e.Platform); p != "" && p == platformText(entries[chosen].Platform) && e.Digest != entries[chosen].Digest {
			i.note("the index has another entry for %s, %s: which of them is run depends on who runs it", p, chain.Digest(e.Digest).Short())
		}
	}
	return entries[chosen], nil
}

// readObject reads a JSON object whole and verifies it. A descriptor without
// digest takes the one found; a size of -1 is not checked.
func readObject(ctx context.Context, b backend, d ocispec.Descriptor, what, ref string, limit int64) (*Object, error) {
	if _, err := chain.ParseDigest(string(d.Digest)); err != nil {
		return nil, fmt.Errorf("reading the %s: %w", what, err)
	}
	if d.Size > limit {
		return nil, fmt.Errorf("reading the %s: %w", what, &LimitError{What: "bytes of the " + what, Limit: limit})
	}
	r, err := b.open(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", what, err)
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the %s %s: %w", what, d.Digest, err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("reading the %s: %w", what, &LimitError{What: "bytes of the " + what, Limit: limit})
	}
	got := chain.SHA256(sha256.Sum256(raw))
	n := int64(len(raw))
	if got != chain.Digest(d.Digest) || (d.Size >= 0 && d.Size != n) {
		return nil, &MismatchError{What: what, Want: chain.Digest(d.Digest), Got: got, WantSize: d.Size, GotSize: n, Ref: ref}
	}
	d.Size, d.Data = n, nil
	return &Object{Descriptor: d, Raw: raw}, nil
}
