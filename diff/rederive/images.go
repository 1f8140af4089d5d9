package rederive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff"
)

// Images says which rewriting turns image x into image y, both of which are at
// hand. The wanted digest is that of y's outermost object.
//
// What is undone on both sides is compared by hash; a layer counts as
// recompressed when its archives are equal, and that is proved when encoding the
// archive again gives y's blob. The error is for bytes that are not what an
// image says, and for a search that was cancelled.
func Images(ctx context.Context, x, y *image.Image, o Options) (*Answer, error) {
	a := &Answer{Wanted: outermost(y), Steps: []Step{}}
	s, err := newSearch(x, o.complete(), a)
	if err != nil {
		return a, err
	}
	p := &pairing{search: s, y: y, level: chain.LevelManifest}
	err = p.compare(ctx)
	if err != nil {
		a.Found, a.Stopped = false, err.Error()
	}
	if errors.Is(err, errBudget) {
		err = nil
	}
	return a, err
}

// outermost is the digest of an image's outermost object.
func outermost(i *image.Image) chain.Digest {
	if d := i.IndexDigest(); d != "" {
		return d
	}
	if d := i.ManifestDigest(); d != "" {
		return d
	}
	return i.ConfigDigest()
}

// pairing compares two images object by object, from the layers out.
type pairing struct {
	*search
	y     *image.Image
	level chain.Level // the deepest at which they are equal so far
	cut   bool        // the layers are cut otherwise; the trees are equal
	same  bool        // the manifests are one
}

func (p *pairing) proved(id, text, from, to, evidence, fix string, layers ...int) {
	p.a.add(Step{Cause: id, Text: text, From: from, To: to, Layers: layers, Confidence: diff.Proved, Evidence: evidence, Fix: fix})
}

func (p *pairing) compare(ctx context.Context) error {
	p.same = p.x.ManifestDigest() != "" && p.x.ManifestDigest() == p.y.ManifestDigest()
	if err := p.read(ctx); err != nil {
		return err
	}
	if !p.same {
		p.level = chain.LevelRootfs
		for _, f := range []func(context.Context) error{p.layers, p.config, p.manifests} {
			if err := f(ctx); err != nil {
				return err
			}
		}
	}
	if err := p.indexes(); err != nil {
		return err
	}
	p.a.Found = len(p.a.Against) == 0 && len(p.a.Steps) > 0
	if len(p.a.Against) == 0 {
		p.a.Level = p.level
	}
	return nil
}

// read verifies the layers of both images, unless the caller did.
func (p *pairing) read(ctx context.Context) error {
	if p.o.Read {
		return nil
	}
	done := map[chain.Digest]bool{}
	for i, im := range []*image.Image{p.x, p.y} {
		for _, l := range im.Layers() {
			p.o.Progress(fmt.Sprintf("reading layer %d of %s", l.Number, "AB"[i:i+1]))
			if err := verify(ctx, l); err != nil {
				return fmt.Errorf("side %s: %w", "AB"[i:i+1], err)
			}
			done[chain.Digest(l.Descriptor.Digest)] = true
		}
	}
	return nil
}

func diffIDs(i *image.Image) (out []chain.Digest) {
	for _, l := range i.Layers() {
		out = append(out, l.DiffID)
	}
	return out
}

// layers finds out how blobs of equal archives came to differ, or whether other
// layers make the same tree.
func (p *pairing) layers(ctx context.Context) error {
	if !slices.Equal(diffIDs(p.x), diffIDs(p.y)) {
		return p.trees(ctx)
	}
	var numbers []int
	var made [2][][]int // by side and layer, the settings that make its blob
	for i, lx := range p.x.Layers() {
		ly := p.y.Layers()[i]
		if lx.Descriptor.Digest == ly.Descriptor.Digest && lx.Descriptor.Digest != "" {
			continue
		}
		p.o.Progress(fmt.Sprintf("seeking what compressed layer %d", lx.Number))
		numbers = append(numbers, lx.Number)
		for side, l := range []*image.Layer{lx, ly} {
			keep := p.made[i]
			if side == 0 {
				keep = nil
			}
			fit, err := p.makers(ctx, keep, l)
			if err != nil {
				return err
			}
			made[side] = append(made[side], fit)
		}
	}
	from, to := p.names(made[0]), p.names(made[1])
	var steps []*Step
	for k, number := range numbers {
		if from[k] == to[k] && from[k] != unknownSetting {
			continue // an archive that does not state digests
		}
		s := recompressed(from[k], to[k])
		if at := slices.IndexFunc(steps, func(o *Step) bool { return o.Text == s.Text }); at >= 0 {
			s = steps[at]
		} else {
			steps = append(steps, s)
		}
		s.Layers = append(s.Layers, number)
	}
	for _, s := range steps {
		p.a.add(*s)
	}
	return nil
}

// recompressed is the step between what two settings make of equal archives.
func recompressed(from, to string) *Step {
	s := &Step{Cause: "A5", Text: recompressedText(from, to), From: from, To: to, Confidence: diff.Proved,
		Evidence: "the archives inside are equal, and encoding them again gives the other's bytes", Fix: fixCompression}
	if from == unknownSetting || to == unknownSetting {
		s.Confidence = diff.Likely
		s.Evidence = "the archives inside are equal, hashed; no known encoder makes the bytes of both sides around them"
	}
	return s
}

// makers gives the settings that make a layer's blob, and keeps what they made.
func (p *pairing) makers(ctx context.Context, keep map[int]blob, l *image.Layer) (fit []int, err error) {
	c, err := l.Compression(ctx)
	if err != nil {
		return nil, err
	}
	if c == image.Uncompressed {
		if keep != nil {
			keep[0] = blob{l.DiffID, l.Descriptor.Size}
		}
		return []int{0}, nil
	}
	known, err := head(ctx, l)
	if err != nil {
		return nil, err
	}
	out, fed, err := encode(ctx, l, p.settings, known, l.Descriptor.Size, p.o.Encoded-p.encoded)
	p.encoded += fed
	if err != nil {
		return nil, err
	}
	p.a.Tried += len(p.settings)
	want := chain.Digest(l.Descriptor.Digest)
	if want == "" && len(out) > 0 { // archives of the old docker save do not state it
		if want, err = blobDigest(ctx, l); err != nil {
			return nil, err
		}
	}
	for k := range p.settings {
		b, ok := out[k]
		if !ok || b.digest != want {
			continue
		}
		if keep != nil {
			keep[k] = b
		}
		fit = append(fit, k)
	}
	return fit, nil
}

// trees compares the file systems that different layers make.
func (p *pairing) trees(ctx context.Context) error {
	if p.o.treesEqual {
		p.cutOtherwise()
		return nil
	}
	p.o.Progress("comparing the file systems")
	fx, err := p.x.FS(ctx, true)
	if err != nil {
		return err
	}
	fy, err := p.y.FS(ctx, true)
	if err != nil {
		return err
	}
	if n := len(fx.Problems) + len(fy.Problems) + fx.Dropped + fy.Dropped; n > 0 {
		p.a.against("the layers are others, and %d entries could not be applied", n)
		return nil
	}
	if at := firstOther(fx, fy); at != "" {
		p.a.against("the content differs, first at %q", at)
		return nil
	}
	for _, fs := range []*image.FS{fx, fy} {
		for _, k := range fs.Hidden {
			p.o.hides = p.o.hides || k > 0
		}
	}
	p.cutOtherwise()
	return nil
}

func (p *pairing) cutOtherwise() {
	p.cut, p.level = true, chain.LevelFiles
	p.proved("A7", fmt.Sprintf("%d layers → %d, cut otherwise", len(p.x.Layers()), len(p.y.Layers())), "", "",
		"all layers applied give equal trees, modification times included, hashed", "build with the same frontend and the same squashing")
	if p.o.hides {
		s := &p.a.Steps[len(p.a.Steps)-1]
		s.Confidence = diff.Likely
		s.Evidence += "; but layers have entries that are not in the tree, because later ones replace or remove them"
	}
}
