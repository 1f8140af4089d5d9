package engine

import (
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/stagescope/stagescope/rebuild"
)

// tailLines is how many of a step's last lines an error carries.
const tailLines = 20

// watcher turns BuildKit's status stream into events, and remembers what an
// error will want to say.
type watcher struct {
	request *rebuild.Request
	report  rebuild.Progress
	mu      sync.Mutex // steps is filled while the stream is already read
	steps   map[string]int
	seen    map[string]*vertex
	failed  *vertex
}

// vertex is what is known of one vertex of the build graph.
type vertex struct {
	id, name      string
	step          int
	started, done bool
	cached        bool
	begin, end    time.Time
	err           string
	tail          []string
	partial       string
}

func newWatcher(r *rebuild.Request, p rebuild.Progress) *watcher {
	if p == nil {
		p = func(rebuild.Event) {}
	}
	return &watcher{request: r, report: p, seen: map[string]*vertex{}}
}

// run reads the stream to its end.
func (w *watcher) run(ch <-chan *client.SolveStatus) {
	for s := range ch {
		for _, v := range s.Vertexes {
			w.vertex(v)
		}
		for _, l := range s.Logs {
			w.log(l)
		}
	}
}

func (w *watcher) vertex(v *client.Vertex) {
	id := v.Digest.String()
	k, ok := w.seen[id]
	if !ok {
		k = &vertex{id: id, name: v.Name, step: w.step(v.Name)}
		w.seen[id] = k
	}
	event := func(kind rebuild.EventKind, t time.Time, err string) {
		w.report(rebuild.Event{Time: t, Kind: kind, Vertex: id, Name: k.name, Step: k.step, Err: err})
	}
	if v.Started != nil && !k.started {
		k.started, k.begin = true, *v.Started
		event(rebuild.EventStart, *v.Started, "")
	}
	if v.Completed == nil || k.done {
		return
	}
	k.done, k.cached, k.end, k.err = true, v.Cached, *v.Completed, v.Error
	switch {
	case v.Error != "":
		if w.failed == nil || k.step >= 0 && w.failed.step < 0 {
			w.failed = k
		}
		event(rebuild.EventFailed, *v.Completed, v.Error)
	case v.Cached:
		event(rebuild.EventCached, *v.Completed, "")
	default:
		event(rebuild.EventDone, *v.Completed, "")
	}
}

func (w *watcher) log(l *client.VertexLog) {
	k, ok := w.seen[l.Vertex.String()]
	if !ok {
		return
	}
	w.report(rebuild.Event{Time: l.Timestamp, Kind: rebuild.EventLog, Vertex: k.id, Name: k.name, Step: k.step, Stream: l.Stream, Data: l.Data})
	text := k.partial + string(l.Data)
	lines := strings.Split(text, "\n")
	k.partial = lines[len(lines)-1]
	if len(k.partial) > 4096 { // a step that never ends a line
		k.partial = k.partial[len(k.partial)-4096:]
	}
	k.tail = append(k.tail, lines[:len(lines)-1]...)
	if extra := len(k.tail) - tailLines; extra > 0 {
		k.tail = append([]string(nil), k.tail[extra:]...)
	}
}

// last is the vertex's last lines, an unfinished one included.
func (k *vertex) last() []string {
	if k.partial == "" {
		return k.tail
	}
	return append(k.tail[:len(k.tail):len(k.tail)], k.partial)
}

// know says which steps the vertices of the graph are, by name.
func (w *watcher) know(steps map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = steps
}

func (w *watcher) step(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i, ok := w.steps[name]; ok {
		return i
	}
	return -1
}
