package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/stagescope/stagescope/chain/safe"
	chainsource "github.com/stagescope/stagescope/chain/source"
	"github.com/stagescope/stagescope/rebuild"
)

const (
	redraw    = 200 * time.Millisecond
	heartbeat = 30 * time.Second
	maxRows   = 8
)

// buildWatch shows rebuilds that run, on standard error. On a terminal each
// running step has a line that is drawn again and again, with the time since it
// began and the last line it printed; elsewhere there are plain lines, and one
// for each running step every half minute, so that it shows that it lives.
type buildWatch struct {
	w        io.Writer
	terminal bool
	engines  int
	quit     chan struct{}
	ended    chan struct{}

	mu      sync.Mutex
	running []*runningStep
	done    int
	total   int
	drawn   int // rows on the terminal now
}

// runningStep is a step, or the fetching of sources, that has not ended.
type runningStep struct {
	key   string // of stage, trial and vertex
	stage string
	name  string
	began time.Time
	beat  time.Time
	last  []byte // last line of output, cut
}

func newBuildWatch(w io.Writer, engines []rebuild.Engine) *buildWatch {
	b := &buildWatch{w: w, terminal: isTerminal(w), engines: len(engines), quit: make(chan struct{}), ended: make(chan struct{})}
	go b.tick()
	return b
}

func (b *buildWatch) tick() {
	defer close(b.ended)
	every := heartbeat
	if b.terminal {
		every = redraw
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-t.C:
			b.mu.Lock()
			b.show()
			b.mu.Unlock()
		}
	}
}

// close ends it and clears what is on the terminal.
func (b *buildWatch) close() {
	close(b.quit)
	<-b.ended
	b.mu.Lock()
	defer b.mu.Unlock()
	b.erase()
}

// event takes progress of the stages.
func (b *buildWatch) event(e rebuild.StageEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total = e.Total
	stage := e.Stage
	if e.Trial > 0 {
		stage = fmt.Sprintf("%s, trial %d", e.Stage, e.Trial)
	}
	switch e.Kind {
	case rebuild.StageBegins:
		where := ""
		if b.engines > 1 {
			where = fmt.Sprintf(" on engine %d", e.Engine+1)
		}
		b.line("%s: begins%s", stage, where)
	case rebuild.StageSources:
		b.begin(stage+"\x00sources", stage, "sources", e.Time)
	case rebuild.StageProgress:
		b.end(stage + "\x00sources")
		b.progress(stage, e.Event)
	case rebuild.StageReturned:
		b.forget(stage)
		b.line("%s: goes back to the queue: %s", stage, oneLine(e.Err.Error()))
	case rebuild.StageDamaged:
		b.line("%s: what the store held was damaged and set aside, it is built again: %s", stage, oneLine(e.Err.Error()))
	case rebuild.StageEnds, rebuild.StageSkipped:
		b.done = e.Done
		b.forget(e.Stage)
		if e.Total > 1 && !e.Result.Reused {
			b.line("%s: %s (%d of %d stages)", e.Stage, e.Result.Verdict.Status, e.Done, e.Total)
		}
	}
}

func (b *buildWatch) progress(stage string, e *rebuild.Event) {
	key := stage + "\x00" + e.Vertex
	switch e.Kind {
	case rebuild.EventStart:
		b.begin(key, stage, e.Name, e.Time)
		if e.Step >= 0 && !b.terminal {
			b.line("%s: step %d: %s", stage, e.Step+1, e.Name)
		}
	case rebuild.EventLog:
		for _, r := range b.running {
			if r.key == key {
				r.take(e.Data)
			}
		}
	case rebuild.EventFailed:
		b.end(key)
		b.line("%s: failed: %s", stage, e.Name)
	default:
		b.end(key)
	}
}

// take remembers the last line that is not blank.
func (r *runningStep) take(data []byte) {
	for line := range bytes.Lines(data[max(0, len(data)-4096):]) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			r.last = append(r.last[:0], line[:min(len(line), 300)]...)
		}
	}
}

// source takes progress of fetching.
func (b *buildWatch) source(e chainsource.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.running {
		if r.key == e.Stage+"\x00sources" {
			r.take(fmt.Appendf(nil, "%s: %s", e.File, sizeText(e.Done)))
		}
	}
	if e.Kind == chainsource.EventRetry && e.Err != nil {
		b.line("%s: %s: %s", e.File, e.Origin, oneLine(e.Err.Error()))
	}
}

func (b *buildWatch) begin(key, stage, name string, at time.Time) {
	if at.IsZero() {
		at = time.Now()
	}
	b.end(key)
	b.running = append(b.running, &runningStep{key: key, stage: stage, name: name, began: at, beat: at})
}

func (b *buildWatch) end(key string) {
	b.running = slices.DeleteFunc(b.running, func(r *runningStep) bool { return r.key == key })
}

func (b *buildWatch) forget(stage string) {
	b.running = slices.DeleteFunc(b.running, func(r *runningStep) bool { return r.stage == stage })
}

// line writes a line that stays.
func (b *buildWatch) line(format string, args ...any) {
	b.erase()
	fmt.Fprintln(b.w, safe.Line(fmt.Sprintf(format, args...)))
}

// erase removes the rows that are drawn again.
func (b *buildWatch) erase() {
	if b.drawn > 0 {
		fmt.Fprintf(b.w, "\x1b[%dA\r\x1b[J", b.drawn)
		b.drawn = 0
	}
}

// show draws, or writes, the running steps.
func (b *buildWatch) show() {
	now := time.Now()
	if !b.terminal {
		for _, r := range b.running {
			if now.Sub(r.beat) >= heartbeat/2 {
				r.beat = now
				b.line("%s", r.text(now))
			}
		}
		return
	}
	b.erase()
	width := 79
	if f, ok := b.w.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 1 {
			width = w - 1
		}
	}
	rows := b.running[max(0, len(b.running)-maxRows):]
	for _, r := range rows {
		text := []rune(safe.Line(r.text(now)))
		fmt.Fprintln(b.w, string(text[:min(len(text), width)]))
	}
	b.drawn = len(rows)
	if b.total > 1 {
		fmt.Fprintf(b.w, "%d of %d stages\n", b.done, b.total)
		b.drawn++
	}
}

func (r *runningStep) text(now time.Time) string {
	text := fmt.Sprintf("%s: %s, %s", r.stage, r.name, now.Sub(r.began).Round(time.Second))
	if len(r.last) > 0 {
		text += ": " + string(r.last)
	}
	return text
}

// say writes a line beside the builds.
func (b *buildWatch) say(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line("%s", text)
}
