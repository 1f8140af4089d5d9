package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stagescope/stagescope/chain"
)

// StageEventKind says what a StageEvent reports.
type StageEventKind int

// The kinds of stage events.
const (
	StageBegins   StageEventKind = iota // an engine has taken it
	StageSources                        // its sources are being fetched
	StageProgress                       // Event holds progress of its build
	StageEnds                           // Result says how; Reused when the store had it
	StageReturned                       // its engine was lost: it goes back to the queue; Err says why
	StageSkipped                        // something that it needs was not built; Result says what
	StageDamaged                        // what the store held of it was damaged and set aside; it is built again
)

// StageEvent is progress of many rebuilds.
type StageEvent struct {
	Time   time.Time
	Kind   StageEventKind
	Stage  string
	Engine int // index into Builder.Engines
	Trial  int // which one of several trials, from 1; 0 when there is one
	Event  *Event
	Result *Result
	Err    error
	Done   int // stages that have ended, of Total
	Total  int
}

// Summary is what came of many rebuilds.
type Summary struct {
	Results     []*Result      `json:"results"` // in chain order, needs included
	Counts      map[string]int `json:"counts"`  // by status
	Reused      int            `json:"reused"`  // results that the store had already
	Interrupted bool           `json:"interrupted"`
	Started     time.Time      `json:"started"`
	Finished    time.Time      `json:"finished"`
}

// Result is the stage's result, or nil.
func (s *Summary) Result(id string) *Result {
	for _, r := range s.Results {
		if r.Stage == id {
			return r
		}
	}
	return nil
}

// Err sums up what kept stages from being built; nil when every one was.
func (s *Summary) Err() error {
	if s.Interrupted {
		return context.Canceled
	}
	if n := s.Counts[Failed.String()] + s.Counts[NotBuilt.String()] + s.Counts[Interrupted.String()]; n > 0 {
		return fmt.Errorf("%d of %d stages were not built", n, len(s.Results))
	}
	return nil
}

// ErrNoEngine is wrapped when no engine is left to build on.
var ErrNoEngine = errors.New("no engine is left")

// All rebuilds stages and what they need, on all engines at once, and goes on
// after a failure. What the store holds with equal recipe and inputs is not
// built again, so that a run that was killed is taken up where it stopped. Its
// error is about the request; what became of each stage is in the summary.
// Watch is called for one event at a time and must not block.
func (b *Builder) All(ctx context.Context, ids []string, o Options, watch func(StageEvent)) (*Summary, error) {
	nodes, err := b.closure(ids, o)
	if err != nil {
		return nil, err
	}
	if len(b.Engines) == 0 {
		return nil, fmt.Errorf("rebuilding: %w", ErrNoEngine)
	}
	known, err := knownResults(b)
	if err != nil {
		return nil, err
	}
	q := newQueue(b, nodes, o, known, watch)
	began := time.Now().UTC()
	q.run(ctx)
	sum := &Summary{Counts: map[string]int{}, Interrupted: ctx.Err() != nil, Started: began, Finished: time.Now().UTC()}
	for _, n := range nodes {
		if n.result == nil {
			continue
		}
		sum.Results = append(sum.Results, n.result)
		sum.Counts[n.result.Verdict.Status.String()]++
		if n.result.Reused {
			sum.Reused++
		}
	}
	return sum, nil
}

// node is a stage in the queue.
type node struct {
	stage   *chain.Stage
	target  bool
	pending int // needs that have not ended
	users   []*node
	blocked string // the need that was not built; "" when none
	tries   int
	result  *Result
}

// closure gives the stages to build in chain order: those named and, where
// inputs are own, all that they need.
func (b *Builder) closure(ids []string, o Options) ([]*node, error) {
	if o.OwnFrom != "" {
		if _, err := b.Chain.Stage(o.OwnFrom); err != nil {
			return nil, err
		}
	}
	want := map[string]*node{}
	var add func(id string, target bool) error
	add = func(id string, target bool) error {
		if n := want[id]; n != nil {
			n.target = n.target || target
			return nil
		}
		s, err := b.Chain.Stage(id)
		if err != nil {
			return err
		}
		n := &node{stage: s, target: target}
		want[id] = n
		for _, need := range b.Chain.Needs(id) {
			if !b.own(need.ID, o) {
				continue
			}
			if err := add(need.ID, false); err != nil {
				return err
			}
			n.pending++
			want[need.ID].users = append(want[need.ID].users, n)
		}
		return nil
	}
	for _, id := range ids {
		if err := add(id, true); err != nil {
			return nil, err
		}
	}
	var out []*node
	for _, s := range b.Chain.Stages {
		if n := want[s.ID]; n != nil {
			out = append(out, n)
		}
	}
	return out, nil
}

// knownResults indexes the store's results that have an image, newest first.
func knownResults(b *Builder) (map[string][]*Result, error) {
	all, err := Results(b.Store, "")
	if err != nil {
		return nil, err
	}
	known := map[string][]*Result{}
	for _, r := range all {
		if r.built() {
			known[r.Stage] = append(known[r.Stage], r)
		}
	}
	return known, nil
}

// reuse gives a result that the store holds with the same recipe and inputs,
// judged anew, since claims may have changed. Damaged says why such a result
// cannot be used: its blobs have been set aside.
func (b *Builder) reuse(ctx context.Context, n *node, o Options, known []*Result) (found *Result, damaged error) {
	if len(known) == 0 {
		return nil, nil
	}
	recipe, _, err := RecipeDigest(b.Chain, n.stage, o.Platform)
	if err != nil {
		return nil, nil // building says what is wrong
	}
	inputs, err := b.inputs(ctx, n.stage, o)
	if err != nil {
		return nil, nil
	}
	sum, err := InputDigest(recipe, recorded(inputs))
	if err != nil {
		return nil, nil
	}
	at := slices.IndexFunc(known, func(r *Result) bool { return r.Recipe == recipe && r.InputsSum == sum && r.Variation.standard() })
	if at < 0 {
		return nil, nil
	}
	r := *known[at]
	if _, err := b.verify(ctx, n.stage, *r.Output, o); err != nil {
		return nil, err
	}
	img, err := b.openStored(ctx, chain.Digest(r.Output.Digest), r.Platform)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	r.Digests = Digests{Index: img.IndexDigest(), Manifest: img.ManifestDigest(), Rootfs: img.Rootfs()}
	if r.Verdict, err = b.compare(ctx, n.stage, img, &r.Digests); err != nil {
		return nil, err
	}
	r.Reused = true
	return &r, b.name(ctx, &r, false)
}

// standard says that nothing was varied.
func (v Variation) standard() bool {
	return v.Hostname == "" && v.Umask == nil && len(v.CPUs) == 0 && v.Personality == 0 && len(v.Env) == 0 && v.LastPID == 0 && v.Nofile == 0
}
