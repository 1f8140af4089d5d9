package image

import (
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestChooseByPlatform holds the choice to what runtimes do: an annotation makes
// no attestation of what is for a platform.
func TestChooseByPlatform(t *testing.T) {
	entry := func(n string, p *ocispec.Platform, note string) ocispec.Descriptor {
		d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(n), Platform: p}
		if note != "" {
			d.Annotations = map[string]string{"vnd.docker.reference.type": note}
		}
		return d
	}
	amd, none := &ocispec.Platform{OS: "linux", Architecture: "amd64"}, &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	i := &Image{}
	got, err := i.choose([]ocispec.Descriptor{entry("first", amd, "attestation-manifest"), entry("second", amd, ""), entry("third", none, "attestation-manifest"), entry("fourth", nil, "attestation-manifest")}, "")
	if err != nil || got.Digest != digest.FromString("first") {
		t.Errorf("chose %s, %v", got.Digest, err)
	}
	if len(i.Notes()) != 1 || len(i.Attestations()) != 2 {
		t.Errorf("notes %q, %d attestations", i.Notes(), len(i.Attestations()))
	}
}
