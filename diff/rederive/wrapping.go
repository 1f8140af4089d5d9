package rederive

import (
	"crypto/sha256"
	"encoding/json"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
)

// wrapping is how a manifest lies in an index.
type wrapping struct {
	spelling    spelling
	family      family
	platform    *ocispec.Platform
	annotations map[string]string // of the entry
	above       map[string]string // of the index
	attested    bool              // the image's own attestations are listed too
	others      bool              // all other entries of the image's own index are listed too
}

// wrapped tries the indexes that may lie around a manifest.
func (s *search) wrapped(c coating, sh shape, raw []byte, sps []spelling) bool {
	e := entry{mediaType: sh.family.manifestType(), digest: chain.SHA256(sha256.Sum256(raw)), size: int64(len(raw))}
	if sh.as {
		e.mediaType = s.x.Manifest().Descriptor.MediaType
		if e.mediaType == "" {
			e.mediaType = s.own.MediaType
		}
	}
	for _, w := range s.wrappings(sh) {
		for _, sp := range sps {
			w.spelling = sp
			if s.is(sp.write(s.index(w, e).object(sp.order))) {
				s.found(c, sh, &w, chain.LevelIndex)
				return true
			}
		}
	}
	return false
}

// index lists a manifest, and what else the wrapping says.
func (s *search) index(w wrapping, e entry) index {
	e.platform, e.annotations = w.platform, w.annotations
	x := index{family: w.family, annotations: w.above}
	if !w.others && !w.attested {
		x.entries = []entry{e}
		return x
	}
	own, _, _ := s.ownIndex()
	for _, d := range own.Manifests {
		switch {
		case chain.Digest(d.Digest) == s.x.ManifestDigest():
			x.entries = append(x.entries, e)
		case w.others || attested(d):
			x.entries = append(x.entries, entry{mediaType: d.MediaType, digest: chain.Digest(d.Digest), size: d.Size, annotations: d.Annotations, platform: d.Platform, urls: d.URLs})
		}
	}
	return x
}

// ownIndex is the index that lists the image's manifest, and its entry in it.
func (s *search) ownIndex() (ix ocispec.Index, own ocispec.Descriptor, ok bool) {
	all := s.x.Indexes()
	if len(all) == 0 || json.Unmarshal(all[len(all)-1].Raw, &ix) != nil {
		return ix, own, false
	}
	for _, d := range ix.Manifests {
		if chain.Digest(d.Digest) == s.x.ManifestDigest() {
			return ix, d, true
		}
	}
	return ix, own, false
}

// wrappings are the indexes to try around a manifest of one shape.
func (s *search) wrappings(sh shape) []wrapping {
	families := []family{sh.family}
	if sh.as {
		families = []family{familyOCI, familyDocker, familyBare}
	}
	ix, d, has := s.ownIndex()
	p := s.x.Config().Platform
	plain := ocispec.Platform{OS: p.OS, Architecture: p.Architecture}
	platforms := []*ocispec.Platform{&plain, nil}
	if p.Variant != "" || p.OSVersion != "" || len(p.OSFeatures) > 0 {
		platforms = append(platforms, &p)
	}
	if has && d.Platform != nil && d.Platform.Variant != p.Variant {
		platforms = append(platforms, d.Platform)
	}
	attestations, others := false, false
	for _, e := range ix.Manifests {
		switch {
		case chain.Digest(e.Digest) == s.x.ManifestDigest():
		case attested(e):
			attestations = true
		default:
			others = true
		}
	}
	var out []wrapping
	for _, f := range families {
		for _, p := range platforms {
			base := []wrapping{{family: f, platform: p}}
			if has && len(d.Annotations) > 0 {
				base = append(base, wrapping{family: f, platform: p, annotations: d.Annotations})
			}
			if len(ix.Annotations) > 0 {
				for _, w := range base {
					w.above = ix.Annotations
					base = append(base, w)
				}
			}
			for _, w := range base {
				out = append(out, w)
				if attestations {
					w.attested = true
					out = append(out, w)
				}
				if others {
					w.attested, w.others = false, true
					out = append(out, w)
				}
			}
		}
	}
	return out
}
