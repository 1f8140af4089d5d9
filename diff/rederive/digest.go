package rederive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/compressed"
)

// Digest seeks the rewriting of x that has the wanted digest, of which no more
// is known. The error is for an image whose own bytes are not what it says, and
// for a search that was cancelled; the answer then holds what was tried.
func Digest(ctx context.Context, x *image.Image, want chain.Digest, o Options) (*Answer, error) {
	return Digests(ctx, x, []chain.Digest{want}, o)
}

// Digests is Digest for the first of many digests that a rewriting of x has. The
// answer's Wanted is that one; "" when there is none, and many were wanted.
func Digests(ctx context.Context, x *image.Image, wants []chain.Digest, o Options) (*Answer, error) {
	a := &Answer{Steps: []Step{}}
	set := map[[sha256.Size]byte]bool{}
	for _, w := range wants {
		sum, err := sumOf(w)
		if err != nil {
			return a, fmt.Errorf("seeking a digest: %w", err)
		}
		set[sum] = true
		if len(wants) == 1 {
			a.Wanted = w
		}
	}
	wanted := func(d chain.Digest) bool {
		sum, err := sumOf(d)
		return err == nil && set[sum]
	}
	if a.named(x, wanted) {
		return a, nil
	}
	s, err := newSearch(x, o.complete(), a)
	if err != nil {
		return a, err
	}
	s.wants = set
	err = s.all(ctx)
	if err == nil && s.hit != nil {
		err = s.explain(ctx)
	} else if n := len(s.settings) - s.common(); err == nil && n > 0 {
		a.Stopped = fmt.Sprintf("%d rare encoders are tried only where both images are at hand", n)
	}
	if err != nil {
		a.Stopped = err.Error()
	}
	if errors.Is(err, errBudget) {
		err = nil
	}
	return a, err
}

func sumOf(d chain.Digest) (sum [sha256.Size]byte, err error) {
	if _, err := chain.ParseDigest(string(d)); err != nil {
		return sum, err
	}
	_, err = hex.Decode(sum[:], []byte(d.Hex()))
	return sum, err
}

// named recognises a digest of one of the image's own objects.
func (a *Answer) named(x *image.Image, wanted func(chain.Digest) bool) bool {
	own := func(d chain.Digest, level chain.Level, what string) bool {
		if a.Tried++; !wanted(d) {
			return false
		}
		a.Found, a.Level, a.Wanted = true, level, d
		a.add(Step{Cause: "A1", Text: what, Confidence: diff.Proved, Evidence: "the object was read and hashed", Fix: "compare digests of one kind"})
		return true
	}
	for i, ix := range x.Indexes() {
		if own(ix.Digest(), chain.LevelIndex, fmt.Sprintf("it is the digest of index %d around the same manifest", i+1)) {
			return true
		}
	}
	if own(x.ManifestDigest(), chain.LevelManifest, "it is the digest of the manifest inside") ||
		own(x.ConfigDigest(), chain.LevelRootfs, "it is the digest of the config, which Docker calls the image ID") {
		return true
	}
	for _, d := range x.Others() {
		if wanted(chain.Digest(d.Digest)) {
			a.against("%s is another entry of the same index (%s), so another image", chain.Digest(d.Digest).Short(), entryText(d))
		}
	}
	for _, l := range x.Layers() {
		if wanted(chain.Digest(l.Descriptor.Digest)) || wanted(l.DiffID) {
			a.against("it is the digest of layer %d alone", l.Number)
		}
	}
	return false
}

func entryText(d ocispec.Descriptor) string {
	if attested(d) {
		return "an attestation"
	}
	if d.Platform != nil {
		return "for " + d.Platform.OS + "/" + d.Platform.Architecture
	}
	return d.MediaType
}

// attested recognises the entries that BuildKit adds to an index about its
// images. They are for no platform: what says that it is an attestation and names
// one would be run there.
func attested(d ocispec.Descriptor) bool {
	return d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

var errBudget = errors.New("the bound on what is tried was reached")

// search tries rewritings of one image.
type search struct {
	x        *image.Image
	o        Options
	wants    map[[sha256.Size]byte]bool
	a        *Answer
	own      ocispec.Manifest // as it was read; empty when there is none
	configs  []config
	eras     []era
	settings []compressed.Setting
	made     []map[int]blob // by layer, by setting
	encoded  int64
	hit      *hit // what gave the wanted digest
}

func newSearch(x *image.Image, o Options, a *Answer) (*search, error) {
	s := &search{x: x, o: o, a: a, settings: append([]compressed.Setting{none}, compressed.Settings()...)}
	if raw := x.RawManifest(); raw != nil {
		if err := json.Unmarshal(raw, &s.own); err != nil {
			return nil, fmt.Errorf("reading the manifest: %w", err)
		}
	}
	s.configs = configsOf(x)
	s.eras = erasOf(s.own.Annotations, o)
	s.made = make([]map[int]blob, len(x.Layers()))
	for i := range s.made {
		s.made[i] = map[int]blob{}
	}
	return s, nil
}

// coating is how the layers are compressed.
type coating struct {
	layers  []entry // media types are given by the family later
	setting int     // -1: as they are
	force   bool    // also layers that are compressed already
}

// all tries everything, the cheap and likely first. Nil means that it was found
// or that nothing is left.
func (s *search) all(ctx context.Context) error {
	if c, ok := s.asTheyAre(); ok {
		if found, err := s.coated(ctx, c); found || err != nil {
			return err
		}
	}
	if s.o.Encoded < 0 {
		return fmt.Errorf("%w: nothing was to be compressed", errBudget)
	}
	step := 6 // at first what Docker, BuildKit, crane and skopeo do by default
	for from, common := 0, s.common(); from < common; from, step = from+step, 12 {
		to := min(common, from+step)
		s.o.Progress(fmt.Sprintf("compressing with %d settings", to-from))
		if err := s.encodeAll(ctx, from, to); err != nil {
			return err
		}
		for i := from; i < to; i++ {
			for _, force := range []bool{true, false} {
				c, ok := s.coat(i, force)
				if !ok {
					continue
				}
				if found, err := s.coated(ctx, c); found || err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// common is how many settings, the first ones, are not rare. Where no bytes are
// known to compare with, each of them reads all content.
func (s *search) common() int {
	if i := slices.IndexFunc(s.settings, func(x compressed.Setting) bool { return x.Rare }); i >= 0 {
		return i
	}
	return len(s.settings)
}

func (s *search) asTheyAre() (coating, bool) {
	c := coating{setting: -1}
	for _, l := range s.x.Layers() {
		if l.Descriptor.Digest == "" {
			return c, false // an archive that does not say it
		}
		c.layers = append(c.layers, entry{mediaType: compressionOf(l.Descriptor.MediaType), digest: chain.Digest(l.Descriptor.Digest), size: l.Descriptor.Size,
			annotations: l.Descriptor.Annotations, urls: l.Descriptor.URLs})
	}
	return c, true
}

// coat gives the layers with one setting; without force only those that are
// not compressed. False means that this is nothing new, or was not encoded.
func (s *search) coat(setting int, force bool) (coating, bool) {
	c := coating{setting: setting, force: force}
	changed, kept := false, false
	for i, l := range s.x.Layers() {
		d := l.Descriptor
		e := entry{annotations: d.Annotations, urls: d.URLs}
		if !force && (compressionOf(d.MediaType) != "none" || setting == 0) {
			e.mediaType, e.digest, e.size = compressionOf(d.MediaType), chain.Digest(d.Digest), d.Size
			kept = true
			if e.digest == "" {
				return c, false
			}
		} else {
			b, ok := s.made[i][setting]
			if !ok {
				return c, false
			}
			e.mediaType, e.digest, e.size = s.settings[setting].Name, b.digest, b.size
			changed = changed || b.digest != chain.Digest(d.Digest)
		}
		c.layers = append(c.layers, e)
	}
	return c, changed && (force || kept)
}

// encodeAll compresses every layer with the settings from from to to.
func (s *search) encodeAll(ctx context.Context, from, to int) error {
	for i, l := range s.x.Layers() {
		out, fed, err := encode(ctx, l, s.settings[from:to], nil, -1, s.o.Encoded-s.encoded)
		s.encoded += fed
		if err != nil {
			return err
		}
		for k, b := range out {
			s.made[i][from+k] = b
		}
	}
	return nil
}

// is makes one digest and compares it.
func (s *search) is(raw []byte) bool {
	s.a.Tried++
	sum := sha256.Sum256(raw)
	if !s.wants[sum] {
		return false
	}
	s.a.Wanted = chain.SHA256(sum)
	return true
}

// shape is all that is chosen for one manifest beside its layers.
type shape struct {
	spelling spelling
	family   family
	era      era
	config   config
	bare     bool // layers' and config's own annotations dropped
	platform bool // the config's descriptor states the platform
	as       bool // the manifest's bytes as they are
}

// coated tries everything around one way to compress the layers.
func (s *search) coated(ctx context.Context, c coating) (bool, error) {
	if c.setting < 0 && s.x.Manifest() != nil {
		if s.wrapped(c, shape{as: true}, s.x.RawManifest(), spellings()) {
			return true, nil
		}
	}
	annotated := slices.ContainsFunc(c.layers, func(e entry) bool { return len(e.annotations) > 0 }) || len(s.own.Config.Annotations) > 0
	for _, sp := range spellings() {
		for _, f := range []family{familyOCI, familyDocker, familyBare} {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			if s.a.Tried > s.o.Digests {
				return false, fmt.Errorf("%w: %d digests", errBudget, s.a.Tried)
			}
			for _, e := range s.eras {
				for _, cfg := range s.configs {
					for _, sh := range []shape{{bare: true}, {}, {bare: true, platform: true}} {
						if !sh.bare && !annotated {
							continue
						}
						sh.spelling, sh.family, sh.era, sh.config = sp, f, e, cfg
						if s.shaped(c, sh) {
							return true, nil
						}
					}
				}
			}
		}
	}
	return false, nil
}

// shaped tries one manifest, bare and inside indexes.
func (s *search) shaped(c coating, sh shape) bool {
	raw := sh.spelling.write(s.manifest(c, sh).object(sh.spelling.order))
	if s.is(raw) {
		s.found(c, sh, nil, chain.LevelManifest)
		return true
	}
	return s.wrapped(c, sh, raw, []spelling{sh.spelling})
}

func (s *search) manifest(c coating, sh shape) manifest {
	m := manifest{family: sh.family, annotations: sh.era.annotations,
		config: entry{mediaType: sh.family.configType(), digest: sh.config.digest, size: int64(len(sh.config.raw)), annotations: s.own.Config.Annotations}}
	if sh.platform {
		p := s.x.Config().Platform
		m.config.platform = &p
	}
	if sh.bare {
		m.config.annotations = nil
	}
	for _, l := range c.layers {
		l.mediaType = sh.family.layerType(l.mediaType)
		if sh.bare {
			l.annotations = nil
		}
		m.layers = append(m.layers, l)
	}
	return m
}
