package rebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
)

// The artifact that a rebuild leaves in the store: a referrer of the image
// manifest, with the result as JSON, the recipe, and the log.
const (
	ResultType  = "application/vnd.stagescope.result.v1+json"
	RecipeType  = "application/vnd.stagescope.recipe.v1+json"
	LogType     = "text/plain; charset=utf-8"
	ResultFile  = "result.json"
	RecipeFile  = "recipe.json"
	LogFileName = "log.txt"

	// AnnotationStage on a result names its stage.
	AnnotationStage = "dev.stagescope.stage"
)

// maxResult bounds a result that is read back, in bytes.
const maxResult = 16 << 20

// Result is what one rebuild did and gave.
type Result struct {
	V        int    `json:"v"` // of this form: 1
	Stage    string `json:"stage"`
	Version  string `json:"version,omitempty"`
	Release  string `json:"release,omitempty"` // of the tree
	Platform string `json:"platform"`
	Era      string `json:"era,omitempty"` // the exporter's

	Recipe    chain.Digest `json:"recipe"`          // R
	InputsSum chain.Digest `json:"input,omitempty"` // I
	Inputs    []Input      `json:"inputs"`
	Mode      InputsMode   `json:"inputsMode"`
	NoCache   bool         `json:"noCache"`
	Trial     int          `json:"trial,omitempty"` // N of trial:ID/N, when it is kept as one
	Variation Variation    `json:"variation,omitzero"`

	Digests Digests             `json:"digests"`
	Output  *ocispec.Descriptor `json:"output,omitempty"` // what the store keeps: the index, or the manifest
	Verdict Verdict             `json:"verdict"`
	Failure *Failure            `json:"failure,omitempty"`

	Environment Environment  `json:"environment"`
	Started     time.Time    `json:"started"`
	Finished    time.Time    `json:"finished"`
	Steps       []StepDigest `json:"steps,omitempty"`
	Log         chain.Digest `json:"log,omitempty"`
	LogLines    int          `json:"logLines"`
	Notes       []string     `json:"notes,omitempty"`

	Reused bool         `json:"reused,omitempty"` // found in the store; this run did not build it
	Trials *Trials      `json:"trials,omitempty"` // when several were asked for
	Err    error        `json:"-"`                // the error behind Failure
	Kept   chain.Digest `json:"-"`                // the artifact in the store; "" when it could not be kept
}

// Failure says why there is no image.
type Failure struct {
	Text     string   `json:"text"`
	Step     string   `json:"step,omitempty"`
	Line     int      `json:"line,omitempty"` // of the Containerfile
	ExitCode int      `json:"exitCode,omitempty"`
	Tail     []string `json:"tail,omitempty"` // last lines that the step printed
}

// Trials sums up several rebuilds of one recipe.
type Trials struct {
	Asked    int            `json:"asked"`
	Finished int            `json:"finished"` // that gave an image
	Agreed   int            `json:"agreed"`   // that gave the most frequent one
	Digests  []TrialsDigest `json:"digests"`  // the most frequent first
}

// TrialsDigest is one of the images that trials gave.
type TrialsDigest struct {
	Manifest chain.Digest `json:"manifest"`
	Count    int          `json:"count"`
	Trials   []int        `json:"trials"` // N of trial:ID/N
	Status   Status       `json:"status"`
}

// Ref is the reference by which the image is opened, or "".
func (r *Result) Ref() string {
	switch {
	case r.Output == nil:
		return ""
	case r.Trial > 0:
		return fmt.Sprintf("trial:%s/%d", r.Stage, r.Trial)
	}
	return "stage:" + r.Stage
}

// built says whether an image came out.
func (r *Result) built() bool { return r.Output != nil && r.Digests.Manifest != "" }

func failureOf(err error) *Failure {
	f := &Failure{Text: err.Error()}
	var step *StepError
	if errors.As(err, &step) {
		f.Step, f.Line, f.ExitCode, f.Tail = step.Name, step.Line, step.ExitCode, step.Tail
	}
	return f
}

// keep writes the result and its log into the store.
func (r *Result) keep(ctx context.Context, s *store.Store, recipe []byte, log *LogFile) error {
	ctx = context.WithoutCancel(ctx) // what an interrupted build printed is worth keeping too
	a := store.Artifact{
		Type:        ResultType,
		Annotations: map[string]string{AnnotationStage: r.Stage, "dev.stagescope.status": r.Verdict.Status.String(), "dev.stagescope.trial": strconv.Itoa(r.Trial)},
	}
	if m := r.Verdict.Matched(); m != nil && r.Verdict.Status == Reproduced {
		a.Annotations[store.AnnotationMatches] = fmt.Sprintf("%s (%s)", m.Where(), m.Level)
	}
	if r.Output != nil {
		subject, err := s.Describe(r.Digests.Manifest)
		if err != nil {
			return fmt.Errorf("keeping the result of %q: %w", r.Stage, err)
		}
		subject.Annotations = nil
		a.Subject = &subject
	}
	if log != nil {
		d, size, err := s.PutBlob(ctx, log.whole(), "")
		if err != nil {
			return fmt.Errorf("keeping the log of %q: %w", r.Stage, err)
		}
		r.Log, r.LogLines = d, log.Len()
		if err := log.Err(); err != nil {
			r.Notes = append(r.Notes, err.Error())
		}
		a.Files = append(a.Files, store.ArtifactFile{Name: LogFileName, MediaType: LogType, Descriptor: describe(d, size, LogType)})
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keeping the result of %q: %w", r.Stage, err)
	}
	a.Files = append([]store.ArtifactFile{
		{Name: ResultFile, MediaType: ResultType, Data: data},
		{Name: RecipeFile, MediaType: RecipeType, Data: recipe},
	}, a.Files...)
	desc, err := s.PutArtifact(ctx, a)
	if err != nil {
		return fmt.Errorf("keeping the result of %q: %w", r.Stage, err)
	}
	r.Kept = chain.Digest(desc.Digest)
	return nil
}

// Results reads the results that the store holds of a stage, the newest first;
// "" means all stages. One that cannot be read is left out: the store's Verify
// names it.
func Results(s *store.Store, id string) ([]*Result, error) {
	artifacts, err := s.Artifacts(ResultType, "")
	if err != nil {
		return nil, fmt.Errorf("reading the results of %q: %w", id, err)
	}
	var out []*Result
	for _, a := range artifacts {
		if id != "" && a.Annotations[AnnotationStage] != id {
			continue
		}
		f := a.File(ResultFile)
		if f == nil {
			continue
		}
		data, err := s.ReadBlob(chain.Digest(f.Descriptor.Digest), maxResult)
		if err != nil {
			continue
		}
		r := &Result{}
		if json.Unmarshal(data, r) != nil || r.V != 1 || r.Stage != a.Annotations[AnnotationStage] {
			continue
		}
		r.Kept = chain.Digest(a.Descriptor.Digest)
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b *Result) int { return b.Started.Compare(a.Started) })
	return out, nil
}

// trialNumber gives the N under which an image is kept as trial:ID/N already,
// unless it has to be a fresh one; else the first that is free.
func trialNumber(s *store.Store, id string, d digest.Digest, fresh bool) (int, error) {
	tags, err := s.Tags()
	if err != nil {
		return 0, err
	}
	next, have := 1, 0
	prefix := strings.TrimSuffix(store.TrialTag(id, 0), "0")
	for name, desc := range tags {
		n, err := strconv.Atoi(strings.TrimPrefix(name, prefix))
		if err != nil || !strings.HasPrefix(name, prefix) {
			continue
		}
		next = max(next, n+1)
		if desc.Digest == d && (have == 0 || n < have) {
			have = n
		}
	}
	if have > 0 && !fresh {
		return have, nil
	}
	return next, nil
}
