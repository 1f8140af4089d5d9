package rederive

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain/image"
)

// The annotations that StageX's exporters wrote, by their release's rules.
const (
	keyVersion      = "org.opencontainers.image.version"
	keyRevision     = "org.opencontainers.image.revision"
	keyCreated      = "org.opencontainers.image.created"
	keyDistribution = "containerd.io/distribution.source.docker.io"
	createdEpoch    = "1970-01-01T00:00:01Z" // SOURCE_DATE_EPOCH=1
	distribution    = "stagex/"              // the registry's namespace
)

// maxEras bounds how many sets of annotations are tried.
const maxEras = 256

// tiers are what names begin with since 2026.01.
var tiers = []string{"bootstrap-", "core-", "pallet-", "user-"}

// era is a set of annotations that an exporter may have written.
type era struct {
	annotations map[string]string
	text        string // whose they are; "" for those that the image has
}

// erasOf gives the annotations to try: the image's own, none, and those of each
// era with every name and version that is known.
func erasOf(own map[string]string, o Options) []era {
	out := []era{{annotations: own}}
	add := func(text string, m map[string]string) {
		if len(out) < maxEras && !slices.ContainsFunc(out, func(e era) bool { return maps.Equal(e.annotations, m) }) {
			out = append(out, era{m, text})
		}
	}
	add("none", nil)
	versions := unique(append([]string{own[keyVersion]}, o.Versions...), "latest")
	names := unique(append([]string{strings.TrimPrefix(own[keyDistribution], distribution)}, o.Names...))
	for _, n := range names {
		for _, t := range tiers {
			if short, ok := strings.CutPrefix(n, t); ok && short != "" {
				names = unique(append(names, short))
			}
		}
	}
	for _, v := range versions {
		add("those of StageX 2025.02, and of its registry targets", map[string]string{keyVersion: v})
		for _, n := range names {
			text := "those of StageX 2025.03 to 2025.10"
			if slices.ContainsFunc(tiers, func(t string) bool { return strings.HasPrefix(n, t) }) {
				text = "those of StageX from 2026.01 on"
			}
			add(text, map[string]string{keyVersion: v, keyDistribution: distribution + n, keyCreated: createdEpoch})
		}
		for _, r := range unique(append([]string{own[keyRevision]}, o.Revisions...)) {
			add("those of StageX until 2024.12", map[string]string{keyVersion: v, keyRevision: r})
		}
	}
	return out
}

// unique drops what is empty or there already, and appends more.
func unique(in []string, more ...string) []string {
	var out []string
	for _, s := range append(slices.Clone(in), more...) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// NamedIn is the name that an image's exporter wrote into its annotations,
// "core-zlib"; "" when it wrote none.
func NamedIn(x *image.Image) string {
	var m ocispec.Manifest
	if raw := x.RawManifest(); raw == nil || json.Unmarshal(raw, &m) != nil {
		return ""
	}
	return strings.TrimPrefix(m.Annotations[keyDistribution], distribution)
}
