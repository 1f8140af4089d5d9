package rederive

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
)

// config is one spelling of an image's config.
type config struct {
	raw    []byte
	digest chain.Digest
	text   string // what was done to it; "" for nothing
}

// configsOf gives an image's config as it is and as tools write it that parse
// it: skopeo when it converts to OCI, crane and everything else built on
// go-containerregistry.
func configsOf(x *image.Image) []config {
	raw := x.RawConfig()
	out := []config{{raw: raw, digest: x.ConfigDigest()}}
	add := func(p []byte, err error, text string) {
		if err != nil {
			return
		}
		d := chain.SHA256(sha256.Sum256(p))
		for _, c := range out {
			if c.digest == d {
				return
			}
		}
		out = append(out, config{p, d, text})
	}
	var oci ocispec.Image
	if json.Unmarshal(raw, &oci) == nil {
		p, err := json.Marshal(oci)
		add(p, err, "config written again with the OCI fields only")
	}
	if f, err := v1.ParseConfigFile(bytes.NewReader(raw)); err == nil {
		p, err := json.Marshal(f)
		add(p, err, "config written again as crane does")
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) == nil {
		add(b.Bytes(), nil, "config without spaces")
	}
	return out
}
