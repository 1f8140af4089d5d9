package tui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/tui/internal/runlog"
)

// stepState is how far a step has come.
type stepState int

const (
	stepWaiting stepState = iota
	stepRunning
	stepDone
	stepCached
	stepFailed
)

// stepRun is a step, or another vertex of a build, while it runs.
type stepRun struct {
	name       string
	step       int // index into the stage's steps, -1 for none
	state      stepState
	began, end time.Time
	err        string
}

// run is one rebuild of this session. Its builder's goroutine writes to the
// part below mu; everything else belongs to the workbench's goroutine, which
// takes a snapshot at each tick.
type run struct {
	stage  *chain.Stage
	began  time.Time
	ended  time.Time
	cancel context.CancelFunc
	log    *runlog.Log
	trial  *Trial
	err    error
	done   bool
	asked  bool // cancellation was asked for
	seen   []stepRun
	logLen int
	over   chan runDone // gets one message when the builder has returned

	mu    sync.Mutex
	live  []stepRun
	byKey map[string]int
}

// runs is all rebuilds of this session, oldest first.
type runs struct {
	app  *app
	all  []*run
	busy sync.WaitGroup
}

// runDone says that a rebuild has ended.
type runDone struct {
	trial *Trial
	err   error
}

func newRuns(a *app) *runs { return &runs{app: a} }

func (rs *runs) active() int {
	n := 0
	for _, r := range rs.all {
		if !r.done {
			n++
		}
	}
	return n
}

func (rs *runs) running(id string) bool {
	for _, r := range rs.all {
		if !r.done && r.stage.ID == id {
			return true
		}
	}
	return false
}

// last is the newest rebuild of a stage in this session, or nil.
func (rs *runs) last(id string) *run {
	for i := len(rs.all) - 1; i >= 0; i-- {
		if rs.all[i].stage.ID == id {
			return rs.all[i]
		}
	}
	return nil
}

// start begins a rebuild. Ticks notice how far it is, and its end.
func (rs *runs) start(st *chain.Stage) (*run, error) {
	log, err := runlog.New(rs.app.cfg.LogDir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(rs.app.ctx)
	r := &run{stage: st, began: rs.app.cfg.Now(), cancel: cancel, log: log, byKey: map[string]int{}, over: make(chan runDone, 1)}
	for _, s := range st.Steps {
		r.live = append(r.live, stepRun{name: s.Name, step: s.Index})
	}
	r.take()
	rs.all = append(rs.all, r)
	rs.busy.Add(1)
	go r.build(ctx, rs.app.cfg.Builder, &rs.busy)
	return r, nil
}

// build runs the builder. It has a goroutine of its own, and not a command's,
// because leaving the workbench has to wait for it.
func (r *run) build(ctx context.Context, b Builder, busy *sync.WaitGroup) {
	defer busy.Done()
	defer r.cancel()
	var end runDone
	// A panic here would leave the terminal raw and say nothing.
	defer func() {
		if p := recover(); p != nil {
			end.err = fmt.Errorf("rebuilding %q: internal error: %v", r.stage.ID, p)
		}
		r.over <- end
	}()
	end.trial, end.err = b.Rebuild(ctx, r.stage.ID, r.progress)
}

// logHeading begins the line of a log that says which step prints from here.
const logHeading = "── "

// progress takes an event in the builder's goroutine.
func (r *run) progress(e rebuild.Event) {
	r.mu.Lock()
	i := r.slot(e)
	s := &r.live[i]
	step, name, begun := s.step, s.name, s.state != stepWaiting
	switch e.Kind {
	case rebuild.EventStart:
		s.state, s.began = stepRunning, e.Time
	case rebuild.EventDone:
		s.state, s.end = stepDone, e.Time
	case rebuild.EventCached:
		s.state, s.end = stepCached, e.Time
	case rebuild.EventFailed:
		s.state, s.end, s.err = stepFailed, e.Time, e.Err
	}
	r.mu.Unlock()
	switch e.Kind {
	case rebuild.EventStart:
		if !begun {
			r.log.Note(step, logHeading+name)
		}
	case rebuild.EventLog:
		r.log.Write(e.Vertex, step, e.Data)
	case rebuild.EventDone, rebuild.EventCached:
		r.log.Flush(e.Vertex, step)
	case rebuild.EventFailed:
		r.log.Flush(e.Vertex, step)
		r.log.Note(step, "failed: "+e.Err)
	}
}

// slot finds or makes the place of an event's vertex. A vertex that is no step
// of the recipe comes before those that have not begun.
func (r *run) slot(e rebuild.Event) int {
	if e.Step >= 0 && e.Step < len(r.stage.Steps) {
		for i := range r.live {
			if r.live[i].step == e.Step {
				return i
			}
		}
	}
	if i, ok := r.byKey[e.Vertex]; ok {
		return i
	}
	r.live = append(r.live, stepRun{name: e.Name, step: -2 - len(r.byKey)})
	r.byKey[e.Vertex] = len(r.live) - 1
	return len(r.live) - 1
}

// take copies what the builder's goroutine has written.
func (r *run) take() {
	r.mu.Lock()
	r.seen = append(r.seen[:0], r.live...)
	r.mu.Unlock()
	r.logLen = r.log.Len()
}

// look takes a snapshot of everything that runs, and the ends of what does no
// longer.
func (rs *runs) look() tea.Cmd {
	var cmds []tea.Cmd
	for _, r := range rs.all {
		if r.done {
			continue
		}
		select {
		case m := <-r.over:
			r.take()
			cmds = append(cmds, rs.finish(r, m))
		default:
			r.take()
		}
	}
	return tea.Batch(cmds...)
}

// finish records the end of a rebuild and says so.
func (rs *runs) finish(r *run, m runDone) tea.Cmd {
	r.done, r.ended, r.trial, r.err = true, rs.app.cfg.Now(), m.trial, m.err
	standing := r.standing()
	rs.app.tally[r.stage.ID] = standing
	rs.app.spread()
	if s, ok := rs.app.top().(*rebuildScreen); ok && s.run == r {
		return rs.app.loadTally() // its screen says it already
	}
	return tea.Batch(rs.app.tell(r.verdict(), standing == Failed || standing == Differs), rs.app.loadTally())
}

// standing is what the rebuild proved.
func (r *run) standing() Standing {
	switch {
	case !r.done:
		return running
	case errors.Is(r.err, context.Canceled):
		return Interrupted
	case r.err != nil:
		return Failed
	case r.trial == nil:
		return NotChecked
	}
	return r.trial.Standing
}

// when is what a step is sorted by; a cached one never began.
func (s stepRun) when() time.Time {
	if s.began.IsZero() {
		return s.end
	}
	return s.began
}

// verdict is how a rebuild ended, in one sentence.
func (r *run) verdict() string {
	var step *rebuild.StepError
	switch {
	case !r.done:
		return ""
	case errors.Is(r.err, context.Canceled):
		return r.stage.ID + " was cancelled; nothing was proven"
	case errors.As(r.err, &step):
		return fmt.Sprintf("%s failed: step %d (%s) ended with code %d", r.stage.ID, step.Step+1, step.Name, step.ExitCode)
	case r.err != nil:
		return r.stage.ID + " failed: " + withHintText(r.err)
	case r.trial == nil:
		return r.stage.ID + ": the builder gave no result; nothing was proven"
	case r.trial.Text != "":
		return r.trial.Text
	}
	return r.stage.ID + ": " + r.trial.Standing.String()
}

// withHintText is an error and, where it has one, what a person can do.
func withHintText(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return err.Error() + ". To do: " + h.Hint()
	}
	return err.Error()
}

// counts is how many steps have ended, and how many there are.
func (r *run) counts() (ended, all int) {
	for _, s := range r.seen {
		if s.state >= stepDone {
			ended++
		}
	}
	return ended, len(r.seen)
}

// took is how long it has been running, or ran.
func (r *run) took(now time.Time) time.Duration {
	if r.done {
		now = r.ended
	}
	return now.Sub(r.began)
}

// wait blocks until every builder has returned, and removes the logs.
func (rs *runs) wait() {
	rs.busy.Wait()
	for _, r := range rs.all {
		r.log.Close()
	}
}

// loadTally reads what the store holds of every stage.
func (a *app) loadTally() tea.Cmd {
	b := a.cfg.Builder
	if b == nil {
		return nil
	}
	ctx := a.ctx
	return func() tea.Msg {
		by, err := b.Standings(ctx)
		return tallied{by, err}
	}
}

func (a *app) takeTally(m tallied) {
	if m.err != nil {
		a.toast = toast{"reading earlier rebuilds: " + m.err.Error(), true, a.toast.gen + 1}
		return
	}
	for id, s := range m.by {
		a.tally[id] = s
	}
	a.spread()
}

// spread finds the stages that rest on one whose rebuild differs: whatever is
// wrong there is in them too.
func (a *app) spread() {
	clear(a.tainted)
	for _, s := range a.cfg.Chain.Stages {
		if a.tally[s.ID] != Differs {
			continue
		}
		for _, d := range a.cfg.Chain.Downstream(s.ID) {
			if a.tainted[d.ID] == "" {
				a.tainted[d.ID] = s.ID
			}
		}
	}
}
