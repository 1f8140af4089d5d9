// Package runlog keeps the output of a running build in a file with a line
// index, so that a log of any length costs the workbench its window only.
//
// It does not keep logs for later; the store does.
package runlog

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"github.com/stagescope/stagescope/chain/scratch"
)

// Log takes what steps print and gives it back by line. Its methods may be
// called from several goroutines.
type Log struct {
	mu     sync.Mutex
	file   *scratch.File
	size   int64
	starts []int64       // offset of each line
	steps  map[int][]int // step to the numbers of its lines
	part   map[string][]byte
	err    error
}

// longest bounds a line: what is longer is broken.
const longest = 64 << 10

// New makes a log in a temporary file below dir; "" means the system's place.
func New(dir string) (*Log, error) {
	f, err := scratch.New(dir, "stagescope-log-*")
	if err != nil {
		return nil, fmt.Errorf("making a log file: %w", err)
	}
	return &Log{file: f, steps: map[int][]int{}, part: map[string][]byte{}}, nil
}

// Write takes output of a vertex that belongs to a step; step is -1 for none.
// Lines of several vertices that come at once are kept whole.
func (l *Log) Write(vertex string, step int, data []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	data = append(l.part[vertex], data...)
	for len(data) > 0 {
		i := bytes.IndexByte(data, '\n')
		if i < 0 && len(data) < longest {
			break
		}
		if i < 0 || i > longest {
			l.line(step, data[:longest])
			data = data[longest:]
			continue
		}
		l.line(step, data[:i])
		data = data[i+1:]
	}
	l.part[vertex] = bytes.Clone(data)
}

// Flush ends the unfinished line of a vertex.
func (l *Log) Flush(vertex string, step int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.part[vertex]; len(p) > 0 {
		l.line(step, p)
	}
	delete(l.part, vertex)
}

// Note writes a line of the workbench's own.
func (l *Log) Note(step int, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line(step, []byte(text))
}

func (l *Log) line(step int, text []byte) {
	if l.err != nil {
		return
	}
	// A progress bar that rewrites its line shows how it ended.
	text = bytes.TrimRight(text, "\r")
	if i := bytes.LastIndexByte(text, '\r'); i >= 0 {
		text = text[i+1:]
	}
	n, err := l.file.WriteAt(append(bytes.Clone(text), '\n'), l.size)
	if err != nil {
		l.err = fmt.Errorf("writing the log: %w", err)
		return
	}
	l.steps[step] = append(l.steps[step], len(l.starts))
	l.starts = append(l.starts, l.size)
	l.size += int64(n)
}

// Len is the number of lines.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.starts)
}

// Err is why the log is not whole, e.g. a full disk; nil when it is.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Lines gives lines [from, from+n), fewer at the end.
func (l *Log) Lines(_ context.Context, from, n int) ([]string, error) {
	l.mu.Lock()
	if from >= len(l.starts) {
		l.mu.Unlock()
		return nil, nil
	}
	to := min(from+n, len(l.starts))
	lo, hi := l.starts[from], l.size
	if to < len(l.starts) {
		hi = l.starts[to]
	}
	l.mu.Unlock()
	buf := make([]byte, hi-lo)
	if _, err := l.file.ReadAt(buf, lo); err != nil {
		return nil, fmt.Errorf("reading the log: %w", err)
	}
	rows := make([]string, 0, to-from)
	for _, row := range bytes.SplitN(bytes.TrimSuffix(buf, []byte("\n")), []byte("\n"), to-from) {
		rows = append(rows, string(row))
	}
	return rows, nil
}

// Step gives the lines of one step as a log of their own.
func (l *Log) Step(step int) *StepLog { return &StepLog{l, step} }

// StepLog is the lines that one step printed.
type StepLog struct {
	log  *Log
	step int
}

// Len is the number of the step's lines.
func (s *StepLog) Len() int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return len(s.log.steps[s.step])
}

// Lines gives the step's lines [from, from+n), fewer at the end.
func (s *StepLog) Lines(ctx context.Context, from, n int) ([]string, error) {
	s.log.mu.Lock()
	all := s.log.steps[s.step]
	want := append([]int(nil), all[min(from, len(all)):min(from+n, len(all))]...)
	s.log.mu.Unlock()
	var rows []string
	for len(want) > 0 {
		// Lines of one step mostly follow each other: read them at once.
		k := 1
		for k < len(want) && want[k] == want[0]+k {
			k++
		}
		got, err := s.log.Lines(ctx, want[0], k)
		if err != nil {
			return nil, err
		}
		rows = append(rows, got...)
		want = want[k:]
	}
	return rows, nil
}

// Close ends the log; nothing of it is left.
func (l *Log) Close() error {
	return l.file.Close()
}
