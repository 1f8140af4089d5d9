package rebuild

import (
	"context"
	"os"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// Plan is what rebuilding would take, as far as it can be known beforehand.
type Plan struct {
	Stages  []PlannedStage `json:"stages"` // in chain order
	Build   int            `json:"build"`  // stages that have to be built
	Reuse   int            `json:"reuse"`  // stages of which the store holds a result of the same recipe
	Faults  int            `json:"faults"` // stages that cannot be built as they are
	Sources PlannedSources `json:"sources"`
	Disk    Estimate       `json:"disk"`    // bytes of images and missing sources
	Seconds Estimate       `json:"seconds"` // of building one stage after the other
	Free    int64          `json:"free"`    // bytes free where the store is; -1 when unknown
}

// PlannedStage is one stage of a plan.
type PlannedStage struct {
	ID      string  `json:"id"`
	Target  bool    `json:"target"` // named, not only needed
	Reuse   bool    `json:"reuse"`
	Steps   int     `json:"steps"`
	Seconds float64 `json:"seconds,omitempty"` // of the last build on this store; 0 when there was none
	Bytes   int64   `json:"bytes,omitempty"`   // of its image then
	Problem string  `json:"problem,omitempty"` // why it cannot be built
}

// PlannedSources counts the sources of the stages that have to be built.
type PlannedSources struct {
	Files   int `json:"files"`
	Held    int `json:"held"`    // in the store already
	Missing int `json:"missing"` // to be sought in the tree, directories and mirrors; their size is not pinned
}

// Estimate is a sum over the stages that were built before, with how many
// stages it leaves out because nothing is known of them.
type Estimate struct {
	Known   float64 `json:"known"`
	Unknown int     `json:"unknown"`
}

// Plan says what rebuilding would take. It reads and hashes recipes, and builds
// and fetches nothing. A result counts for reuse when its recipe is the same;
// whether its inputs are is only certain once they are built.
func (b *Builder) Plan(ctx context.Context, ids []string, o Options) (*Plan, error) {
	nodes, err := b.closure(ids, o)
	if err != nil {
		return nil, err
	}
	known, err := knownResults(b)
	if err != nil {
		return nil, err
	}
	p := &Plan{Stages: []PlannedStage{}, Free: freeBytes(b.Store.Dir())}
	fresh := map[string]bool{} // stages that will be built, hence what is built on them too
	for _, n := range nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := b.plan(n, o, known[n.stage.ID], fresh)
		switch {
		case s.Problem != "":
			p.Faults++
		case s.Reuse:
			p.Reuse++
		default:
			p.Build++
			b.planSources(n.stage, p)
			p.Seconds.add(s.Seconds)
			p.Disk.add(float64(s.Bytes))
		}
		fresh[n.stage.ID] = !s.Reuse
		p.Stages = append(p.Stages, s)
	}
	return p, nil
}

func (e *Estimate) add(x float64) {
	if x > 0 {
		e.Known += x
	} else {
		e.Unknown++
	}
}

func (b *Builder) plan(n *node, o Options, known []*Result, fresh map[string]bool) PlannedStage {
	s := PlannedStage{ID: n.stage.ID, Target: n.target, Steps: len(n.stage.Steps)}
	recipe, _, err := RecipeDigest(b.Chain, n.stage, o.Platform)
	if err == nil {
		err = b.unbuildable(n.stage)
	}
	if err != nil {
		s.Problem = err.Error()
		return s
	}
	if len(known) > 0 { // the newest
		s.Bytes = b.imageBytes(known[0])
		s.Seconds = known[0].Finished.Sub(known[0].Started).Round(time.Millisecond).Seconds()
	}
	s.Reuse = !(n.target && (o.Again || o.NoCache || o.Trials > 1))
	for _, need := range n.stage.Needs {
		s.Reuse = s.Reuse && !fresh[need.ID]
	}
	if s.Reuse {
		s.Reuse = false
		for _, r := range known {
			if r.Recipe == recipe && b.Store.Complete(*r.Output) == nil {
				s.Reuse = true
			}
		}
	}
	return s
}

// unbuildable says why a stage cannot be built whatever the engine.
func (b *Builder) unbuildable(s *chain.Stage) error {
	if len(s.Exporter.MissingInputs) > 0 {
		return &MissingInputsError{Stage: s.ID, Inputs: s.Exporter.MissingInputs}
	}
	for _, n := range s.Needs {
		if _, err := b.Chain.Stage(n.ID); err != nil {
			return &InputError{Stage: s.ID, Need: n.ID, Err: err}
		}
	}
	if s.Broken != "" {
		return &BrokenError{Stage: s.ID, Why: s.Broken}
	}
	if cycle := b.Chain.Cycle(s.ID); cycle != nil {
		return &CycleError{Cycle: cycle}
	}
	return nil
}

func (b *Builder) planSources(s *chain.Stage, p *Plan) {
	for _, src := range s.Sources {
		p.Sources.Files++
		if b.Sources != nil && b.Sources.Have(src) {
			p.Sources.Held++
		} else {
			p.Sources.Missing++
		}
	}
}

// imageBytes is the size of what a result's image consists of, or 0.
func (b *Builder) imageBytes(r *Result) int64 {
	img, err := b.openStored(context.Background(), chain.Digest(r.Output.Digest), r.Platform)
	if err != nil {
		return 0
	}
	defer img.Close()
	var n int64
	for _, l := range img.Layers() {
		if info, err := os.Stat(b.Store.BlobPath(chain.Digest(l.Descriptor.Digest))); err == nil {
			n += info.Size()
		}
	}
	return n
}
