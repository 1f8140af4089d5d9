package rebuild

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxTries bounds how often a stage goes back to the queue because the engine
// that had it was lost.
const maxTries = 3

// queue hands stages whose needs are built to the engines.
type queue struct {
	b     *Builder
	opts  Options
	known map[string][]*Result

	watchMu sync.Mutex
	watch   func(StageEvent)

	mu      sync.Mutex
	changed *sync.Cond
	nodes   []*node // in chain order
	ready   []*node
	open    int   // nodes that have not ended
	engines int   // that can still be reached
	lost    error // why the last one was given up
}

func newQueue(b *Builder, nodes []*node, o Options, known map[string][]*Result, watch func(StageEvent)) *queue {
	q := &queue{b: b, opts: o, known: known, watch: watch, nodes: nodes, open: len(nodes), engines: len(b.Engines)}
	q.changed = sync.NewCond(&q.mu)
	for _, n := range nodes {
		if n.pending == 0 {
			q.ready = append(q.ready, n)
		}
	}
	return q
}

// run works until every node has ended or ctx is cancelled. Nodes in a cycle
// never become ready; they end here.
func (q *queue) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		q.changed.Broadcast()
		q.mu.Unlock()
	})
	defer stop()
	var workers sync.WaitGroup
	for i := range q.b.Engines {
		gone := &sync.Once{}
		for range max(1, q.b.Concurrency) {
			workers.Go(func() { q.work(ctx, i, gone) })
		}
	}
	workers.Wait()
	for _, n := range q.nodes {
		if n.result != nil {
			continue
		}
		switch {
		case ctx.Err() != nil:
			q.end(n, q.without(n, Interrupted, context.Cause(ctx)), StageSkipped, 0)
		case q.lost != nil:
			q.end(n, q.without(n, NotBuilt, fmt.Errorf("not built: %w: %w", ErrNoEngine, q.lost)), StageSkipped, 0)
		default:
			q.end(n, q.without(n, NotBuilt, &CycleError{Cycle: q.b.Chain.Cycle(n.stage.ID)}), StageSkipped, 0)
		}
	}
}

// work takes stages for one engine until none is left or the engine is lost.
func (q *queue) work(ctx context.Context, engine int, gone *sync.Once) {
	for {
		n := q.take(ctx)
		if n == nil {
			return
		}
		if err := q.handle(ctx, engine, n); err != nil {
			q.giveBack(n, engine, err)
			gone.Do(func() {
				q.mu.Lock()
				q.engines--
				q.lost = err
				q.changed.Broadcast()
				q.mu.Unlock()
			})
			return
		}
	}
}

// take waits for a stage that can be built; nil means that there will be none.
func (q *queue) take(ctx context.Context) *node {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if ctx.Err() != nil || q.open == 0 || q.engines == 0 {
			return nil
		}
		if len(q.ready) > 0 {
			n := q.ready[0]
			q.ready = q.ready[1:]
			return n
		}
		if q.stuck() {
			return nil
		}
		q.changed.Wait()
	}
}

// stuck says that nothing is being built any more and what is left waits for
// itself. The caller holds the lock.
func (q *queue) stuck() bool {
	for _, n := range q.nodes {
		if n.result == nil && n.pending == 0 {
			return false
		}
	}
	q.changed.Broadcast()
	return true
}

// giveBack returns a stage whose engine was lost.
func (q *queue) giveBack(n *node, engine int, err error) {
	q.say(StageEvent{Kind: StageReturned, Stage: n.stage.ID, Engine: engine, Err: err})
	q.mu.Lock()
	n.tries++
	if n.tries < maxTries {
		q.ready = append([]*node{n}, q.ready...)
		q.changed.Broadcast()
		q.mu.Unlock()
		return
	}
	q.mu.Unlock()
	q.end(n, q.without(n, Failed, fmt.Errorf("given up after %d engines were lost: %w", n.tries, err)), StageEnds, engine)
}

// handle sees to one stage. Its error means that the engine is lost.
func (q *queue) handle(ctx context.Context, engine int, n *node) error {
	if n.blocked != "" {
		q.end(n, q.without(n, NotBuilt, fmt.Errorf("not built: needs %s", n.blocked)), StageSkipped, engine)
		return nil
	}
	o := q.options(n)
	if !n.target || !(q.opts.Again || q.opts.NoCache || q.opts.Trials > 1) {
		r, damaged := q.b.reuse(ctx, n, o, q.known[n.stage.ID])
		switch {
		case damaged != nil:
			q.say(StageEvent{Kind: StageDamaged, Stage: n.stage.ID, Engine: engine, Err: damaged})
			o.NoCache = true // the engine's cache may be what is damaged
		case r != nil:
			q.end(n, r, StageEnds, engine)
			return nil
		}
	}
	q.say(StageEvent{Kind: StageBegins, Stage: n.stage.ID, Engine: engine})
	r, err := q.build(ctx, engine, n, o)
	if err != nil {
		return err
	}
	q.end(n, r, StageEnds, engine)
	return nil
}

// options are those for one stage: what is only needed is built in the
// standard environment.
func (q *queue) options(n *node) Options {
	o := q.opts
	if !n.target {
		o.Variation, o.Trials, o.NoCache = Variation{}, 0, false
	}
	return o
}

// build runs a stage as often as asked.
func (q *queue) build(ctx context.Context, engine int, n *node, o Options) (*Result, error) {
	j := job{stage: n.stage, target: n.target, opts: o, trial: o.Trials > 1}
	if j.trial {
		j.opts.NoCache = true
	}
	var all []*Result
	for i := range max(1, o.Trials) {
		event := StageEvent{Stage: n.stage.ID, Engine: engine}
		if j.trial {
			event.Trial = i + 1
		}
		say := func(e StageEvent) {
			e.Stage, e.Engine, e.Trial = event.Stage, event.Engine, event.Trial
			q.say(e)
		}
		r := q.b.build(ctx, q.b.Engines[engine], j, func(e Event) { say(StageEvent{Kind: StageProgress, Event: &e}) }, say)
		if r.Err != nil && ctx.Err() == nil {
			if err := q.b.lost(ctx, engine, r.Err); err != nil {
				return nil, err
			}
		}
		all = append(all, r)
		if ctx.Err() != nil {
			break
		}
	}
	return sumTrials(all, o.Trials), nil
}

// lost says whether a failed build failed because its engine is not there any
// more; nil means that it is.
func (b *Builder) lost(ctx context.Context, engine int, err error) error {
	var step *StepError
	if errors.As(err, &step) {
		return nil
	}
	var gone *EngineError
	if errors.As(err, &gone) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, gone := b.Engines[engine].Describe(ctx); gone != nil {
		return &EngineError{Err: gone}
	}
	return nil
}

// without is the result of a stage that was not tried.
func (q *queue) without(n *node, status Status, err error) *Result {
	now := time.Now().UTC()
	return &Result{V: 1, Stage: n.stage.ID, Version: n.stage.Version, Mode: q.opts.mode(), Inputs: []Input{}, Started: now, Finished: now,
		Platform: platformsOf(n.stage, q.opts.Platform)[0], Verdict: Verdict{Status: status, Compared: []Comparison{}}, Err: err, Failure: failureOf(err)}
}

// end records a result and frees the stages that waited for it.
func (q *queue) end(n *node, r *Result, kind StageEventKind, engine int) {
	q.mu.Lock()
	if n.result != nil {
		q.mu.Unlock()
		return
	}
	n.result = r
	q.open--
	for _, user := range n.users {
		user.pending--
		if !r.built() && user.blocked == "" {
			user.blocked = n.stage.ID
		}
		if user.pending == 0 {
			q.insert(user)
		}
	}
	done := len(q.nodes) - q.open
	q.changed.Broadcast()
	q.mu.Unlock()
	q.say(StageEvent{Kind: kind, Stage: n.stage.ID, Engine: engine, Result: r, Err: r.Err, Done: done})
}

// insert puts a stage among the ready ones, which are kept in chain order so
// that a run is as repeatable as can be.
func (q *queue) insert(n *node) {
	at := map[*node]int{}
	for i, x := range q.nodes {
		at[x] = i
	}
	i := 0
	for i < len(q.ready) && at[q.ready[i]] < at[n] {
		i++
	}
	q.ready = append(q.ready[:i], append([]*node{n}, q.ready[i:]...)...)
}

// say reports an event, one at a time.
func (q *queue) say(e StageEvent) {
	if q.watch == nil {
		return
	}
	q.watchMu.Lock()
	defer q.watchMu.Unlock()
	e.Time, e.Total = time.Now(), len(q.nodes)
	q.watch(e)
}
