package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/history"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff/rederive"
)

// outsideFlags say where a digest from outside is sought.
type outsideFlags struct {
	history string // repository with the releases
	of      string // stage that it is said to be of
	against string // reference of the published image
}

func (f *outsideFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.history, "history", "", "git repository `DIR` whose release tags are searched (default: the tree's)")
	c.Flags().StringVar(&f.of, "of", "", "`STAGE` that a digest or image is said to be of")
	c.Flags().StringVar(&f.against, "against", "", "`IMAGE` that was published, to compare with")
}

// outside is what is known of a digest or image that someone else serves. It is
// the document that "show DIGEST|IMAGE --json" prints.
type outside struct {
	Asked     string            `json:"asked"`
	Image     *outsideImage     `json:"image,omitempty"`
	Found     []outsideHit      `json:"found"`
	Searched  outsideSearch     `json:"searched"`
	Rederived *rederive.Answer  `json:"rederived,omitempty"` // the image written again, until a published digest came out
	Published []outsideHit      `json:"published,omitempty"` // what that digest is published for
	Compared  []outsideCompared `json:"compared,omitempty"`  // published images that were at hand
	Notes     []string          `json:"notes,omitempty"`     // hostile text
}

type outsideImage struct {
	Ref      string         `json:"ref"`
	Indexes  []chain.Digest `json:"indexes"` // from the outermost in
	Manifest chain.Digest   `json:"manifest,omitempty"`
	Config   chain.Digest   `json:"config"`
	Platform string         `json:"platform"`
	Damage   string         `json:"damage,omitempty"` // what of its bytes is not what its digests say
}

type outsideHit struct {
	Object   string `json:"object"` // whose digest it is: digest, index, manifest
	Sentence string `json:"sentence"`
	history.Hit
}

type outsideSearch struct {
	Repository string   `json:"repository,omitempty"`
	Releases   []string `json:"releases"`
	Digests    int      `json:"digests"`
	Text       string   `json:"text"`
	Problems   []string `json:"problems,omitempty"`
}

type outsideCompared struct {
	Ref    string           `json:"ref"`
	Answer *rederive.Answer `json:"answer"`
}

// known says whether something was established of it.
func (o *outside) known() bool {
	return len(o.Found) > 0 || o.Rederived != nil && o.Rederived.Found || slices.ContainsFunc(o.Compared, func(c outsideCompared) bool { return c.Answer.Found })
}

// outsideArg reports whether an argument names no stage but a digest or an
// image from outside.
func outsideArg(c *chain.Chain, arg string) bool {
	if _, err := chain.ParseDigest(arg); err == nil {
		return true
	}
	if len(c.Find(arg)) > 0 {
		return false
	}
	r, err := image.ParseReference(arg)
	return err == nil && (r.Kind != image.KindRegistry || strings.ContainsAny(arg, "/:@"))
}

// outsider seeks what one argument is.
type outsider struct {
	a     *app
	chain *chain.Chain
	store *store.Store // nil when there is none
	f     outsideFlags
	h     *history.History
	out   *outside
}

// lookOutside finds out what a digest or image from outside is.
func (a *app) lookOutside(ctx context.Context, c *chain.Chain, arg string, f outsideFlags) (*outside, error) {
	s, err := a.openStore()
	if err != nil {
		return nil, err
	}
	w := &outsider{a: a, chain: c, store: s, f: f, out: &outside{Asked: arg, Found: []outsideHit{}}}
	if f.of != "" {
		st, err := findStage(c, f.of)
		if err != nil {
			return nil, err
		}
		w.f.of = st.ID
	}
	if err := w.releases(ctx); err != nil {
		return nil, err
	}
	progress := newStatus(a.err)
	defer progress.clear()
	if d, err := chain.ParseDigest(arg); err == nil {
		w.find("digest", d)
		if len(w.out.Found) == 0 {
			err = w.atHand(ctx, d, progress)
		}
		return w.out, err
	}
	img, err := a.openImage(ctx, arg)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	return w.out, w.image(ctx, img, progress)
}

// releases reads the releases of the tree's repository. Without one there are
// only the digests that the tree itself publishes.
func (w *outsider) releases(ctx context.Context) error {
	dir := cmp.Or(w.f.history, w.chain.Root)
	w.h = &history.History{}
	if dir != "" {
		r, err := history.Open(dir)
		switch {
		case err == nil:
			defer r.Close()
			if w.h, err = r.Load(ctx, w.store); err != nil {
				return err
			}
			w.out.Searched.Repository = dir
		case w.f.history != "" || !errors.Is(err, history.ErrNoRepository):
			return withHint(err, "--history takes a git checkout or a bare repository that has the release tags")
		default:
			w.out.Notes = append(w.out.Notes, "the tree is no git checkout, so that only its own digests were searched; --history names a repository")
		}
	}
	w.own()
	s := &w.out.Searched
	s.Releases = []string{}
	for _, r := range w.h.Releases {
		s.Releases = append(s.Releases, r.Name)
	}
	s.Digests, s.Text, s.Problems = len(w.h.Digests()), w.h.Searched(), w.h.Problems
	return nil
}

// own adds what the tree itself publishes, where no release has it.
func (w *outsider) own() {
	known := map[chain.Digest]bool{}
	for _, d := range w.h.Digests() {
		known[d] = true
	}
	r := history.Release{Name: cmp.Or(w.chain.Release, "this tree")}
	fresh := false
	for _, s := range w.chain.Stages {
		for _, p := range s.Published {
			fresh = fresh || !known[p.Digest]
			r.Lines = append(r.Lines, history.Line{Stage: s.ID, Version: s.Version, Digest: p.Digest, Level: p.Level, File: p.Origin, Line: p.Line})
		}
	}
	if !fresh {
		return
	}
	if slices.ContainsFunc(w.h.Releases, func(x history.Release) bool { return x.Name == r.Name }) {
		r.Name = "this tree"
	}
	w.h.Releases = append(w.h.Releases, r)
}

func (w *outsider) find(object string, d chain.Digest) {
	w.out.Found = append(w.out.Found, w.hits(object, d)...)
}

func (w *outsider) hits(object string, d chain.Digest) (out []outsideHit) {
	if d == "" {
		return nil
	}
	for _, x := range w.h.Find(d) {
		out = append(out, outsideHit{object, x.Sentence(), x})
	}
	return out
}

// image looks up an image's digests; when none is published it is written again
// until one comes out, and compared with published images that are at hand.
func (w *outsider) image(ctx context.Context, img *image.Image, progress *status) error {
	o := &outsideImage{Ref: img.Ref().Text, Indexes: []chain.Digest{}, Manifest: img.ManifestDigest(), Config: img.ConfigDigest(), Platform: img.Platform()}
	w.out.Image = o
	for _, ix := range img.Indexes() {
		o.Indexes = append(o.Indexes, ix.Digest())
		w.find("index", ix.Digest())
	}
	w.find("manifest", o.Manifest)
	if damage, err := readLayers(ctx, img, progress); damage != "" || err != nil {
		o.Damage = damage
		return err
	}
	if len(w.out.Found) > 0 {
		return nil
	}
	stage := cmp.Or(w.f.of, w.guess(img))
	opts := w.hints(stage)
	opts.Progress = func(what string) { progress.set("%s", what) }
	if all := w.h.Digests(); len(all) > 0 {
		ans, err := rederive.Digests(ctx, img, all, opts)
		if err != nil {
			return fmt.Errorf("writing %q again: %w", img.Ref().Text, err)
		}
		w.out.Rederived = ans
		if ans.Found {
			w.out.Published = w.hits(ans.Level.String(), ans.Wanted)
			return nil
		}
	}
	return w.compare(ctx, img, stage, opts)
}

// readLayers reads all layers to their ends. A right manifest over wrong layers
// is what a tampering mirror serves.
func readLayers(ctx context.Context, img *image.Image, progress *status) (damage string, err error) {
	for _, l := range img.Layers() {
		progress.set("reading layer %d of %d", l.Number, len(img.Layers()))
		r, err := l.OpenTar(ctx)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			r.Close()
		}
		var wrong *image.MismatchError
		var corrupt *image.CorruptError
		switch {
		case errors.As(err, &wrong), errors.As(err, &corrupt):
			return err.Error(), nil
		case err != nil:
			return "", err
		}
	}
	return "", nil
}

// guess is the stage that an image says, or its reference says, that it is of.
func (w *outsider) guess(img *image.Image) string {
	for _, name := range []string{rederive.NamedIn(img), repositoryOf(img.Ref())} {
		if s := w.chain.Find(name); name != "" && len(s) == 1 {
			return s[0].ID
		}
	}
	return ""
}

// repositoryOf is the last part of a reference's repository.
func repositoryOf(r image.Reference) string {
	if r.Name == nil {
		return ""
	}
	return path.Base(r.Name.Context().RepositoryStr())
}

// hints are the names and versions that exporters may have written of a stage,
// in all releases.
func (w *outsider) hints(stage string) (o rederive.Options) {
	if stage == "" {
		return o
	}
	o.Names = []string{stage}
	for _, r := range w.h.Releases {
		for _, l := range r.Lines {
			if (l.Stage == stage || strings.HasSuffix(stage, "-"+l.Stage)) && l.Version != "" && !slices.Contains(o.Versions, l.Version) {
				o.Versions = append(o.Versions, l.Version)
			}
		}
	}
	slices.Reverse(o.Versions) // the newest are the likeliest
	return o
}

// compare says how an image came from a published one that is at hand.
func (w *outsider) compare(ctx context.Context, img *image.Image, stage string, opts rederive.Options) error {
	refs := w.imagesOf(stage)
	if w.f.against != "" {
		refs = []string{w.f.against}
	}
	for _, ref := range refs {
		x, err := image.Open(ctx, ref, w.a.imageOptions(w.store))
		if err != nil {
			if w.f.against != "" {
				return err
			}
			w.out.Notes = append(w.out.Notes, fmt.Sprintf("%s could not be opened: %v", ref, err))
			continue
		}
		ans, err := rederive.Images(ctx, x, img, opts)
		x.Close()
		if err != nil {
			return fmt.Errorf("comparing with %q: %w", ref, err)
		}
		w.out.Compared = append(w.out.Compared, outsideCompared{ref, ans})
		if ans.Found {
			return nil
		}
	}
	return nil
}

// imagesOf are the images of a stage that are at hand: in the store, in the
// tree.
func (w *outsider) imagesOf(stage string) []string {
	s, err := w.chain.Stage(stage)
	if err != nil {
		return nil
	}
	var refs []string
	if _, err := w.store.Resolve(store.StageTag(stage)); err == nil {
		refs = append(refs, "stage:"+stage)
	}
	for _, l := range s.Local {
		if w.chain.Root != "" {
			refs = append(refs, "oci:"+path.Join(w.chain.Root, l.Layout)+"@"+string(l.Manifest))
		}
	}
	return refs
}

// maxAtHand bounds the images that are written again for a bare digest.
const maxAtHand = 64

// atHand writes the images that are at hand again, until a bare digest comes
// out: first what costs little of all of them, then compressions of few.
func (w *outsider) atHand(ctx context.Context, d chain.Digest, progress *status) error {
	var refs []string
	if w.f.against != "" {
		refs = []string{w.f.against}
	}
	stages := w.chain.Stages
	if w.f.of != "" {
		s, err := w.chain.Stage(w.f.of)
		if err != nil {
			return err
		}
		stages = []*chain.Stage{s}
	}
	for _, s := range stages {
		if w.f.against == "" {
			refs = append(refs, w.imagesOf(s.ID)...)
		}
	}
	if len(refs) > maxAtHand {
		w.out.Notes = append(w.out.Notes, fmt.Sprintf("only %d of %d images at hand were tried; --of names the stage", maxAtHand, len(refs)))
		refs = refs[:maxAtHand]
	}
	passes := []int64{-1}
	if len(refs) <= 4 {
		passes = append(passes, 0)
	} else {
		w.out.Notes = append(w.out.Notes, fmt.Sprintf("%d images are at hand, too many to compress them in every way; --of names the stage", len(refs)))
	}
	for _, encoded := range passes {
		w.out.Compared = nil
		for _, ref := range refs {
			progress.set("writing %s again", ref)
			found, err := w.again(ctx, ref, d, encoded)
			if found || err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *outsider) again(ctx context.Context, ref string, d chain.Digest, encoded int64) (bool, error) {
	img, err := image.Open(ctx, ref, w.a.imageOptions(w.store))
	if err != nil {
		if w.f.against != "" {
			return false, err
		}
		w.out.Notes = append(w.out.Notes, fmt.Sprintf("%s could not be opened: %v", ref, err))
		return false, nil
	}
	defer img.Close()
	opts := w.hints(cmp.Or(w.f.of, w.guess(img)))
	opts.Encoded = encoded
	ans, err := rederive.Digest(ctx, img, d, opts)
	if err != nil {
		return false, fmt.Errorf("writing %q again: %w", ref, err)
	}
	w.out.Compared = append(w.out.Compared, outsideCompared{ref, ans})
	if ans.Found {
		for _, own := range []chain.Digest{img.ManifestDigest(), img.IndexDigest()} {
			w.out.Published = append(w.out.Published, w.hits("published", own)...)
		}
	}
	return ans.Found, nil
}
