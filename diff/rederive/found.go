package rederive

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
)

// hit is what gave the wanted digest.
type hit struct {
	c     coating
	sh    shape
	w     *wrapping
	level chain.Level
}

func (s *search) found(c coating, sh shape, w *wrapping, level chain.Level) {
	s.hit = &hit{c, sh, w, level}
}

// explain turns what gave the wanted digest into the answer's steps.
func (s *search) explain(ctx context.Context) error {
	c, sh, w, level := s.hit.c, s.hit.sh, s.hit.w, s.hit.level
	var layers []int // that were recompressed
	for i, l := range s.x.Layers() {
		if c.layers[i].digest != chain.Digest(l.Descriptor.Digest) {
			layers = append(layers, l.Number)
		}
	}
	if err := s.nameOwn(ctx, layers); err != nil {
		return err
	}
	s.a.Found, s.a.Level = true, chain.LevelRootfs
	evidence := fmt.Sprintf("written again like this, the %s has the wanted digest", level)
	step := func(id, text, from, to, fix string, layers ...int) {
		s.a.add(Step{Cause: id, Text: text, From: from, To: to, Layers: layers, Confidence: diff.Proved, Evidence: evidence, Fix: fix})
	}
	if c.setting >= 0 {
		from, to := s.ownSetting(layers), settingText(s.settings[c.setting])
		step("A5", recompressedText(from, to), from, to, fixCompression, layers...)
	}
	if !sh.as {
		s.foundManifest(sh, step)
	} else {
		s.a.Level = chain.LevelManifest
	}
	s.foundIndex(w, step)
	s.a.Like = s.likeness(c, sh)
	return nil
}

const (
	fixCompression = "force-compression, and one pinned compressor and level"
	fixExporter    = "agree on the exporter's settings"
	fixBuilder     = "pin the builder and the tools that copy"
)

type stepper func(id, text, from, to, fix string, layers ...int)

func (s *search) foundManifest(sh shape, step stepper) {
	if s.x.Manifest() == nil {
		step("A3", "a manifest written around it", "", sh.family.String()+" media types", fixBuilder)
	} else if own := familyOf(s.own.MediaType); own != sh.family {
		step("A3", fmt.Sprintf("media types %s → %s", own, sh.family), own.String(), sh.family.String(), fixBuilder)
	}
	if text := annotationText(s.own.Annotations, sh.era.annotations); text != "" {
		if sh.era.text != "" && sh.era.text != "none" {
			text += " (" + sh.era.text + ")"
		}
		step("A2", text, listed(s.own.Annotations), listed(sh.era.annotations), fixExporter)
	}
	if sh.bare && (len(s.own.Config.Annotations) > 0 || slices.ContainsFunc(s.own.Layers, func(d ocispec.Descriptor) bool { return len(d.Annotations) > 0 })) {
		step("A2", "annotations of the layers dropped", "", "", fixExporter)
	}
	if sh.platform && s.own.Config.Platform == nil {
		step("A3", "the platform stated beside the config", "", "", fixBuilder)
	}
	if sh.config.text != "" {
		step("A4", sh.config.text, string(s.x.ConfigDigest()), string(sh.config.digest), fixBuilder)
	}
	if len(s.a.Steps) == 0 || s.respelled(sh) {
		step("A3", "manifest spelled otherwise: "+sh.spelling.String(), "", "", fixBuilder)
	}
}

// respelled reports whether the image's own manifest is not spelled like that.
func (s *search) respelled(sh shape) bool {
	if s.x.Manifest() == nil {
		return false
	}
	as, ok := s.asTheyAre()
	if !ok {
		return false
	}
	own := shape{spelling: sh.spelling, family: familyOf(s.own.MediaType), era: s.eras[0], config: s.configs[0], platform: s.own.Config.Platform != nil}
	return string(own.spelling.write(s.manifest(as, own).object(own.spelling.order))) != string(s.x.RawManifest())
}

func (s *search) foundIndex(w *wrapping, step stepper) {
	own := s.x.Indexes()
	switch {
	case w == nil && len(own) > 0:
		step("A1", "the index around it dropped", string(own[0].Digest()), "", "compare at the manifest")
	case w == nil:
	case len(own) == 0:
		step("A1", "an index put around it", "", w.spelling.String(), "compare at the manifest")
	default:
		ix, d, _ := s.ownIndex()
		attestations := slices.ContainsFunc(ix.Manifests, attested)
		if attestations && !w.attested && !w.others {
			step("A6", "the attestation in the index dropped", "", "", "--provenance=false --sbom=false, or compare at the manifest")
		}
		if !w.others && slices.ContainsFunc(ix.Manifests, func(e ocispec.Descriptor) bool { return e.Digest != d.Digest && !attested(e) }) {
			step("A1", "the other platforms' images dropped from the index", "", "", "compare at the manifest")
		}
		if len(s.a.Steps) == 0 {
			step("A1", "the index written again: "+w.spelling.String(), "", "", "compare at the manifest")
		}
	}
}

func familyOf(mediaType string) family {
	switch mediaType {
	case dockerManifest:
		return familyDocker
	case "":
		return familyBare
	}
	return familyOCI
}

// recompressedText is "recompressed: gzip level 9 → 6 (Go compress/flate)" where
// that is short, else both in full.
func recompressedText(from, to string) string {
	fromLevel, fromLibrary, okFrom := strings.Cut(from, " (")
	toLevel, toLibrary, okTo := strings.Cut(to, " (")
	if okFrom && okTo && fromLibrary == toLibrary {
		a, b := strings.Fields(fromLevel), strings.Fields(toLevel)
		if len(a) == 3 && len(b) == 3 && a[0] == b[0] {
			toLevel = b[2]
		}
		return fmt.Sprintf("recompressed: %s → %s (%s", fromLevel, toLevel, toLibrary)
	}
	return fmt.Sprintf("recompressed: %s → %s", from, to)
}

const unknownSetting = "an encoder that is not known here"

// ownSetting names what compressed those of the image's own layers, when one
// setting did all of them.
func (s *search) ownSetting(layers []int) string {
	names := map[string]bool{}
	var declared []string
	var made [][]int
	for i, l := range s.x.Layers() {
		if !slices.Contains(layers, l.Number) {
			continue
		}
		if l.DeclaredCompression() == image.Uncompressed {
			names["uncompressed"] = true
			continue
		}
		var fit []int
		for k := range s.settings {
			if b, ok := s.made[i][k]; ok && b.digest == chain.Digest(l.Descriptor.Digest) {
				fit = append(fit, k)
			}
		}
		made, declared = append(made, fit), append(declared, string(l.DeclaredCompression()))
	}
	for i, name := range s.names(made) {
		if name == unknownSetting {
			name = declared[i]
		}
		names[name] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}

// names names for each layer one of the settings that make its blob: small layers
// are written alike by many, and one setting is likelier than several, so that it
// is the one that makes the most layers, and of those the likeliest.
func (s *search) names(made [][]int) (names []string) {
	count := map[int]int{}
	for _, fit := range made {
		for _, k := range fit {
			count[k]++
		}
	}
	for _, fit := range made {
		name, best := unknownSetting, 0
		for _, k := range fit {
			if count[k] > best {
				name, best = settingText(s.settings[k]), count[k]
			}
		}
		names = append(names, name)
	}
	return names
}

// nameOwn finds out what compressed the image's own layers, so that the steps
// can say it. It costs little: all but one encoder are given up early.
func (s *search) nameOwn(ctx context.Context, layers []int) error {
	for i, l := range s.x.Layers() {
		if !slices.Contains(layers, l.Number) || l.Descriptor.Digest == "" || l.DeclaredCompression() == image.Uncompressed {
			continue
		}
		known, err := head(ctx, l)
		if err != nil {
			return err
		}
		out, _, err := encode(ctx, l, s.settings, known, l.Descriptor.Size, 1<<62)
		if err != nil {
			return err
		}
		for k, b := range out {
			s.made[i][k] = b
		}
	}
	return nil
}

// annotationText says what became of annotations; "" for nothing.
func annotationText(from, to map[string]string) string {
	if maps.Equal(from, to) {
		return ""
	}
	switch {
	case len(to) == 0:
		return "annotations dropped"
	case len(from) == 0:
		return "annotations added"
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if v, ok := to[k]; !ok {
			parts = append(parts, k+" dropped")
		} else if v != from[k] {
			parts = append(parts, fmt.Sprintf("%s %q → %q", k, from[k], v))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(to)) {
		if _, ok := from[k]; !ok {
			parts = append(parts, k+" added")
		}
	}
	const shown = 4
	if len(parts) > shown {
		parts = append(parts[:shown], fmt.Sprintf("%d more", len(parts)-shown))
	}
	return "annotations: " + strings.Join(parts, ", ")
}

func listed(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, " ")
}

// likeness names a tool that is known to write like this; "" for none. It is a
// help for people and no part of the proof.
func (s *search) likeness(c coating, sh shape) string {
	if sh.as {
		return ""
	}
	setting := ""
	if c.setting >= 0 {
		setting = s.settings[c.setting].Encoder.String()
		if c.setting == 0 {
			setting = "none"
		}
	}
	goDefault := strings.HasPrefix(setting, "gzip level 6 (Go")
	pgzip := strings.Contains(setting, "pgzip")
	sp := sh.spelling
	switch {
	case sh.family == familyDocker && sp.order == orderDocker && sp.indent == "   " && goDefault:
		return "docker pull and docker push"
	case sh.family == familyDocker && sp.order == orderDocker && sp.indent == "   ":
		return "docker push"
	case sh.platform && setting == "none":
		return "docker save"
	case sh.family == familyDocker && sp == (spelling{order: orderDocker}) && strings.HasPrefix(setting, "gzip level 1 (Go"):
		return "crane push"
	case sh.family == familyDocker && sp == (spelling{order: orderDocker}):
		return toolOf(pgzip, "skopeo copy --format v2s2")
	case sh.family != familyDocker && sp == (spelling{}):
		return toolOf(pgzip, "skopeo copy --format oci")
	case sp == (spelling{indent: "  "}) && sh.family == familyDocker:
		return "a BuildKit image exporter with Docker media types"
	case sp == (spelling{indent: "  "}):
		return "a BuildKit exporter with other settings"
	}
	return ""
}

func toolOf(pgzip bool, otherwise string) string {
	if pgzip {
		return "podman push"
	}
	return otherwise
}
