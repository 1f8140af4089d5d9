package rebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/source"
	"github.com/stagescope/stagescope/chain/store"
)

// InputsMode says which images a stage is built from.
type InputsMode string

// The modes. The zero value means InputsOwn.
const (
	InputsOwn       InputsMode = "own"       // every need is built here, down to the seed
	InputsPublished InputsMode = "published" // needs are images that have a claimed digest
)

// Options say how stages are rebuilt.
type Options struct {
	Inputs      InputsMode
	OwnFrom     string // with this stage and what is built on it own, what lies below published; "" for none
	Trials      int    // rebuild the named stages so often without cache; 0 and 1 mean once
	NoCache     bool   // run every step of the named stages
	Again       bool   // build the named stages even if the store holds a result of the same recipe and inputs
	StepDigests bool
	Variation   Variation
	Platform    string // "os/arch" where a recipe leaves it open; "" means linux/amd64
}

// Builder rebuilds stages of a chain and keeps what came out. It is safe for
// concurrent use, once its fields are set.
type Builder struct {
	Chain       *chain.Chain
	Store       *store.Store
	Engines     []Engine
	Concurrency int // builds at once on each engine; 0 means 1
	Sources     *source.Fetcher
	Registries  []string // "host/namespace" in which published images are sought; nil means StageX's
	Offline     bool
	Claims      func(*chain.Stage) []chain.Claimed // claims beside the tree's own; may be nil
	LogDir      string                             // where logs grow while a build runs; "" means the system's place

	verified sync.Map // chain.Digest of an image → whether its blobs were hashed by this Builder
	trialMu  sync.Mutex
}

// DefaultRegistries are where StageX publishes.
var DefaultRegistries = []string{"docker.io/stagex", "quay.io/stagex"}

// Rebuild builds one stage, and first what it needs, and says what came out.
// The error is nil when an image came out, whatever its verdict. Otherwise the
// result, when there is one, holds the failure; a step that failed is a
// *StepError.
func (b *Builder) Rebuild(ctx context.Context, id string, o Options, p Progress) (*Result, error) {
	o.Again = true
	s, err := b.All(ctx, []string{id}, o, func(e StageEvent) {
		if p != nil && e.Kind == StageProgress {
			p(*e.Event)
		}
	})
	if err != nil {
		return nil, err
	}
	r := s.Result(id)
	if r == nil {
		return nil, fmt.Errorf("rebuilding %q: it was not built", id)
	}
	return r, r.Err
}

// job is one stage that is to be built.
type job struct {
	stage  *chain.Stage
	target bool // named by the user, not only needed
	trial  bool // to be kept as a trial of its own, even when the same image is kept already
	opts   Options
}

// build runs one recipe on an engine. It gives a result in every case; its Err
// says why there is no image.
func (b *Builder) build(ctx context.Context, e Engine, j job, p Progress, say func(StageEvent)) *Result {
	s := j.stage
	r := &Result{V: 1, Stage: s.ID, Version: s.Version, Release: b.Chain.Release, Era: s.Exporter.Era, Inputs: []Input{},
		Platform: platformsOf(s, j.opts.Platform)[0], Mode: j.opts.mode(), NoCache: j.opts.NoCache, Variation: j.opts.Variation, Started: time.Now().UTC()}
	var recipe []byte
	log, err := NewLogFile(b.LogDir)
	if err == nil {
		defer log.Close()
		recipe, err = b.run(ctx, e, j, r, log, p, say)
	}
	if r.Finished.IsZero() {
		r.Finished = time.Now().UTC()
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		r.Verdict.Status, r.Err = Interrupted, context.Cause(ctx)
	default:
		r.Verdict.Status, r.Err = Failed, err
	}
	if r.Err != nil {
		r.Output, r.Digests, r.Failure = nil, Digests{}, failureOf(r.Err)
	}
	if err := r.keep(ctx, b.Store, recipe, log); err != nil && r.Err == nil {
		r.Err, r.Failure, r.Verdict.Status = err, failureOf(err), Failed
	}
	return r
}

func (o Options) mode() InputsMode {
	switch {
	case o.OwnFrom != "":
		return InputsMode("own from " + o.OwnFrom)
	case o.Inputs == "":
		return InputsOwn
	}
	return o.Inputs
}

// run does the work of build and fills r.
func (b *Builder) run(ctx context.Context, e Engine, j job, r *Result, log *LogFile, p Progress, say func(StageEvent)) ([]byte, error) {
	var recipe []byte
	var err error
	if r.Recipe, recipe, err = RecipeDigest(b.Chain, j.stage, j.opts.Platform); err != nil {
		return nil, err
	}
	inputs, err := b.inputs(ctx, j.stage, j.opts)
	if err != nil {
		return recipe, err
	}
	r.Inputs = recorded(inputs)
	if r.InputsSum, err = InputDigest(r.Recipe, r.Inputs); err != nil {
		return recipe, err
	}
	var files map[string]string
	if len(j.stage.Sources) > 0 {
		say(StageEvent{Kind: StageSources})
		if files, err = b.Sources.Fetch(ctx, j.stage); err != nil {
			return recipe, err
		}
	}
	req, notes, err := RequestFor(b.Chain, j.stage, files, b.images(j.stage, inputs), j.opts)
	if err != nil {
		return recipe, err
	}
	r.Notes = append(r.Notes, notes...)
	if r.Environment, err = environment(ctx, e); err != nil {
		return recipe, &EngineError{Err: err}
	}
	built, desc, err := BuildInto(ctx, b.Store, e, req, func(ev Event) {
		log.Event(ev)
		if p != nil {
			p(ev)
		}
	})
	if err != nil {
		return recipe, err
	}
	r.Steps, r.Finished = built.Steps, time.Now().UTC()
	if built.Engine.Address != "" {
		r.Environment.Engine = built.Engine
	}
	return recipe, b.accept(ctx, j, r, desc)
}

// EngineError reports that an engine cannot be reached.
type EngineError struct{ Err error }

func (e *EngineError) Error() string { return "reaching the engine: " + e.Err.Error() }
func (e *EngineError) Unwrap() error { return e.Err }

// BuildInto runs a request on an engine and takes the image into the store while
// it is written. It gives what the store then holds, complete and verified, and
// tags nothing.
func BuildInto(ctx context.Context, s *store.Store, e Engine, req *Request, p Progress) (*Built, ocispec.Descriptor, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pr, pw := io.Pipe()
	req.Output = pw
	type imported struct {
		desc ocispec.Descriptor
		err  error
	}
	done := make(chan imported, 1)
	go func() {
		desc, err := s.ImportOCITar(ctx, pr)
		if err != nil {
			// Ends a build whose image has nowhere to go.
			pr.CloseWithError(err)
			cancel(err)
		} else if _, err = io.Copy(io.Discard, pr); err != nil {
			pr.CloseWithError(err)
		}
		done <- imported{desc, err}
	}()
	built, err := e.Build(ctx, req, p)
	if err != nil {
		pw.CloseWithError(err)
	} else {
		pw.Close()
	}
	got := <-done
	switch {
	case err != nil && got.err != nil && !errors.Is(got.err, err) && errors.Is(context.Cause(ctx), got.err):
		return nil, got.desc, got.err // the store's trouble came first
	case err != nil:
		return nil, got.desc, err
	case got.err != nil:
		return nil, got.desc, got.err
	case built.Index != "" && chain.Digest(got.desc.Digest) != built.Index && isIndex(got.desc):
		return nil, got.desc, fmt.Errorf("taking the image of %q: the engine says %s, its bytes are %s", req.Stage, built.Index, got.desc.Digest)
	}
	return built, got.desc, nil
}

func isIndex(d ocispec.Descriptor) bool { return d.MediaType == ocispec.MediaTypeImageIndex }

// accept computes the image's digests from what the store now holds, compares
// them with the claims, and gives the image its names.
func (b *Builder) accept(ctx context.Context, j job, r *Result, desc ocispec.Descriptor) error {
	img, err := b.openStored(ctx, chain.Digest(desc.Digest), r.Platform)
	if err != nil {
		return fmt.Errorf("reading the image of %q: %w", r.Stage, err)
	}
	defer img.Close()
	r.Digests = Digests{Index: img.IndexDigest(), Manifest: img.ManifestDigest(), Rootfs: img.Rootfs()}
	plain := describe(chain.Digest(desc.Digest), desc.Size, desc.MediaType)
	r.Output = &plain
	if r.Verdict, err = b.compare(ctx, j.stage, img, &r.Digests); err != nil {
		return err
	}
	b.verified.Store(chain.Digest(desc.Digest), true) // every blob was hashed on its way in
	return b.name(ctx, r, j.trial)
}

// name tags the image. One that matches no claim also becomes a trial, so that
// the next rebuild does not take its only name away: it is evidence.
func (b *Builder) name(ctx context.Context, r *Result, trial bool) error {
	b.trialMu.Lock()
	defer b.trialMu.Unlock()
	desc := *r.Output
	if m := r.Verdict.Matched(); m != nil && r.Verdict.Status == Reproduced {
		desc.Annotations = map[string]string{store.AnnotationMatches: fmt.Sprintf("%s (%s)", m.Where(), m.Level)}
	}
	if trial || r.Verdict.Status != Reproduced {
		n, err := trialNumber(b.Store, r.Stage, desc.Digest, trial)
		if err != nil {
			return err
		}
		if err := b.Store.Tag(ctx, store.TrialTag(r.Stage, n), desc); err != nil {
			return err
		}
		r.Trial = n
	}
	return b.Store.Tag(ctx, store.StageTag(r.Stage), desc)
}

func (b *Builder) openStored(ctx context.Context, d chain.Digest, platform string) (*image.Image, error) {
	ref := image.Reference{Kind: image.KindStore, Text: string(d), Digest: d}
	return image.OpenReference(ctx, ref, image.Options{Store: b.Store, Platform: platform, Offline: true})
}

func describe(d chain.Digest, size int64, mediaType string) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(d), Size: size}
}
