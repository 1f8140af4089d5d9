package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/rebuild"
)

// StoreBuilder is a Builder over package rebuild and the store.
type StoreBuilder struct {
	Chain   *chain.Chain
	Store   *store.Store
	Options rebuild.Options
	// Open makes the builder. It is called when the first rebuild starts, for an
	// engine costs a process, and again after it failed. What it writes to say
	// is for people, and lands in the log of that rebuild.
	Open func(ctx context.Context, say io.Writer) (*rebuild.Builder, error)

	mu sync.Mutex
	b  *rebuild.Builder
}

var _ Builder = (*StoreBuilder)(nil)

func (s *StoreBuilder) builder(ctx context.Context, say io.Writer) (*rebuild.Builder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.b == nil {
		b, err := s.Open(ctx, say)
		if err != nil {
			return nil, err
		}
		s.b = b
	}
	return s.b, nil
}

// Rebuild builds a stage, and first what it needs and the store lacks.
func (s *StoreBuilder) Rebuild(ctx context.Context, id string, p rebuild.Progress) (*Trial, error) {
	p(rebuild.Event{Time: time.Now(), Kind: rebuild.EventStart, Vertex: "engine", Name: "start the engine", Step: -1})
	var said bytes.Buffer
	b, err := s.builder(ctx, &said)
	if said.Len() > 0 {
		p(rebuild.Event{Time: time.Now(), Kind: rebuild.EventLog, Vertex: "engine", Step: -1, Data: said.Bytes()})
	}
	if err != nil {
		p(rebuild.Event{Time: time.Now(), Kind: rebuild.EventFailed, Vertex: "engine", Step: -1, Err: err.Error()})
		return nil, err
	}
	p(rebuild.Event{Time: time.Now(), Kind: rebuild.EventDone, Vertex: "engine", Step: -1})
	o := s.Options
	o.Again = true
	w := &stageWatch{id: id, p: p}
	sum, err := b.All(ctx, []string{id}, o, w.event)
	if err != nil {
		return nil, err
	}
	r := sum.Result(id)
	if r == nil {
		return nil, fmt.Errorf("rebuilding %q: it was not built", id)
	}
	t := TrialOf(r)
	return &t, r.Err
}

// stageWatch turns the events of all stages that are built into those of one
// build: a stage below is one line, and what it prints is that line's log.
type stageWatch struct {
	id       string
	p        rebuild.Progress
	fetching bool
}

func (w *stageWatch) event(e rebuild.StageEvent) {
	below := rebuild.Event{Time: e.Time, Vertex: "stage " + e.Stage, Name: "build " + e.Stage + " first", Step: -1}
	switch e.Kind {
	case rebuild.StageProgress:
		w.progress(e, below)
	case rebuild.StageSources:
		if e.Stage == w.id {
			w.fetching = true
			w.p(rebuild.Event{Time: e.Time, Kind: rebuild.EventStart, Vertex: "sources", Name: "fetch and verify the sources", Step: -1})
		}
	case rebuild.StageBegins:
		if e.Stage != w.id {
			below.Kind = rebuild.EventStart
			w.p(below)
		}
	case rebuild.StageEnds, rebuild.StageSkipped:
		w.ends(e, below)
	case rebuild.StageReturned, rebuild.StageDamaged:
		text := "what the store held of it was damaged; it is built again"
		if e.Kind == rebuild.StageReturned {
			text = "its engine was lost; it waits for another one"
		}
		below.Kind, below.Data = rebuild.EventLog, fmt.Appendf(nil, "%s: %s\n", e.Stage, text)
		w.p(below)
	}
}

func (w *stageWatch) progress(e rebuild.StageEvent, below rebuild.Event) {
	if e.Stage == w.id {
		if w.fetching {
			w.fetching = false
			w.p(rebuild.Event{Time: e.Time, Kind: rebuild.EventDone, Vertex: "sources", Step: -1})
		}
		w.p(*e.Event)
		return
	}
	if e.Event.Kind == rebuild.EventLog {
		below.Kind, below.Data = rebuild.EventLog, e.Event.Data
		w.p(below)
	}
}

// ends closes what is open when a stage has ended.
func (w *stageWatch) ends(e rebuild.StageEvent, below rebuild.Event) {
	ev := below
	ev.Kind = rebuild.EventDone
	switch r := e.Result; {
	case r == nil:
	case r.Reused:
		ev.Kind = rebuild.EventCached
	case r.Err != nil:
		ev.Kind, ev.Err = rebuild.EventFailed, r.Err.Error()
	}
	if e.Stage != w.id {
		w.p(ev)
		return
	}
	if w.fetching {
		ev.Vertex, ev.Name = "sources", "fetch and verify the sources"
		w.p(ev)
	}
}

// Standings reads the newest result of each stage's present recipe.
func (s *StoreBuilder) Standings(context.Context) (map[string]Standing, error) {
	all, err := rebuild.Results(s.Store, "")
	if err != nil {
		return nil, err
	}
	out := map[string]Standing{}
	for _, r := range all {
		if _, newer := out[r.Stage]; !newer && rebuild.Current(s.Chain, r) {
			out[r.Stage] = standings[rebuild.Rejudge(s.Chain, r).Verdict.Status]
		}
	}
	return out, nil
}

// Trials reads the results of a stage.
func (s *StoreBuilder) Trials(_ context.Context, id string) ([]Trial, error) {
	all, err := rebuild.Results(s.Store, id)
	if err != nil {
		return nil, err
	}
	var out []Trial
	for _, r := range all {
		stale := !rebuild.Current(s.Chain, r)
		if !stale {
			r = rebuild.Rejudge(s.Chain, r)
		}
		t := TrialOf(r)
		t.Stale = stale
		out = append(out, t)
	}
	return out, nil
}

// Log opens the log that the store keeps of a rebuild.
func (s *StoreBuilder) Log(_ context.Context, t Trial) (diff.ReaderAtCloser, int64, error) {
	if t.Result == nil || t.Result.Log == "" {
		return nil, 0, fmt.Errorf("opening the log: none was kept: %w", os.ErrNotExist)
	}
	f, err := s.Store.Blob(chain.Digest(t.Result.Log))
	if err != nil {
		return nil, 0, fmt.Errorf("opening the log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("opening the log: %w", err)
	}
	return f, info.Size(), nil
}
