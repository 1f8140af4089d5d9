package rebuild

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/stagescope/stagescope/chain/scratch"
)

const (
	maxLogLine  = 8 << 10 // bytes of one line that are kept
	linesPerTag = 64      // one offset is kept for so many lines
	maxLogBytes = 4 << 30 // what is written beyond is counted only
)

// LogFile is a log on disk that one build writes and anyone reads at the same
// time, by line. It holds what the steps printed, unescaped, without times, so
// that the logs of two trials can be compared. Writing never fails for the
// writer: a full disk loses lines, and Err says so.
type LogFile struct {
	mu      sync.Mutex
	file    *scratch.File
	out     *bufio.Writer
	offsets []int64 // of lines 0, 64, 128, …
	lines   int
	size    int64
	lost    int
	err     error
	partial map[string][]byte // unfinished line of each vertex
	cut     map[string]int    // bytes of it that were dropped
	number  map[string]int    // vertices, in order of appearance
}

// NewLogFile makes a log in dir; "" is the system's place for temporary files.
func NewLogFile(dir string) (*LogFile, error) {
	f, err := scratch.New(dir, "stagescope-*.log")
	if err != nil {
		return nil, fmt.Errorf("making a log: %w", err)
	}
	return &LogFile{file: f, out: bufio.NewWriterSize(f, 64<<10), partial: map[string][]byte{}, cut: map[string]int{}, number: map[string]int{}}, nil
}

// Event writes what an event says.
func (l *LogFile) Event(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, known := l.number[e.Vertex]
	if !known {
		n = len(l.number) + 1
		l.number[e.Vertex] = n
		l.line(fmt.Sprintf("#%d %s", n, e.Name))
	}
	switch e.Kind {
	case EventLog:
		l.output(n, e.Vertex, e.Data)
	case EventCached:
		l.line(fmt.Sprintf("#%d cached", n))
	case EventDone, EventFailed:
		if len(l.partial[e.Vertex]) > 0 {
			l.output(n, e.Vertex, []byte("\n"))
		}
		if e.Kind == EventFailed {
			l.line(fmt.Sprintf("#%d failed: %s", n, e.Err))
		}
	}
}

func (l *LogFile) output(n int, vertex string, data []byte) {
	for len(data) > 0 {
		part, rest, ended := bytes.Cut(data, []byte("\n"))
		keep := min(len(part), maxLogLine-len(l.partial[vertex]))
		l.partial[vertex] = append(l.partial[vertex], part[:keep]...)
		l.cut[vertex] += len(part) - keep
		if ended {
			text := string(l.partial[vertex])
			if l.cut[vertex] > 0 {
				text += fmt.Sprintf(" … %d more bytes", l.cut[vertex])
			}
			l.line(fmt.Sprintf("#%d | %s", n, text))
			l.partial[vertex], l.cut[vertex] = l.partial[vertex][:0], 0
		}
		data = rest
	}
}

// line appends one line. The caller holds the lock.
func (l *LogFile) line(text string) {
	if l.err == nil && l.size > maxLogBytes {
		l.err = fmt.Errorf("the log is longer than %d bytes", int64(maxLogBytes))
	}
	if l.err != nil {
		l.lost++
		return
	}
	if l.lines%linesPerTag == 0 {
		l.offsets = append(l.offsets, l.size)
	}
	data := append(bytes.ReplaceAll([]byte(text), []byte("\n"), []byte(" ")), '\n')
	if _, l.err = l.out.Write(data); l.err != nil {
		l.lost++
		return
	}
	l.lines++
	l.size += int64(len(data))
}

// Len is the number of lines so far.
func (l *LogFile) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines
}

// Err says why lines were lost, if any were.
func (l *LogFile) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost == 0 {
		return nil
	}
	return fmt.Errorf("writing the log lost %d lines: %w", l.lost, l.err)
}

// reader gives a reader that begins at a line that has an offset, at or before
// from, with the number of that line.
func (l *LogFile) reader(from int) (*bufio.Reader, int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.out.Flush(); err != nil && l.err == nil {
		l.err = err
	}
	if from < 0 || from >= l.lines {
		return nil, 0, io.EOF
	}
	tag := from / linesPerTag
	return bufio.NewReader(io.NewSectionReader(l.file, l.offsets[tag], l.size-l.offsets[tag])), tag * linesPerTag, nil
}

// Lines gives up to n lines from line from (0-based) on, as they were printed:
// escape them before they are shown.
func (l *LogFile) Lines(from, n int) ([]string, error) {
	var out []string
	err := l.scan(context.Background(), from, func(_ int, line []byte) bool {
		out = append(out, string(line))
		return len(out) < n
	})
	return out, err
}

// Search gives the first line at or after from that contains text, or -1.
func (l *LogFile) Search(ctx context.Context, text string, from int) (int, error) {
	found := -1
	err := l.scan(ctx, from, func(i int, line []byte) bool {
		if bytes.Contains(line, []byte(text)) {
			found = i
		}
		return found < 0
	})
	return found, err
}

func (l *LogFile) scan(ctx context.Context, from int, visit func(int, []byte) bool) error {
	r, at, err := l.reader(from)
	if errors.Is(err, io.EOF) {
		return nil
	}
	for ; err == nil; at++ {
		if at%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var line []byte
		if line, err = r.ReadBytes('\n'); err == nil && at >= from && !visit(at, line[:len(line)-1]) {
			return nil
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("reading the log: %w", err)
}

// whole gives a reader of all that was written.
func (l *LogFile) whole() io.Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.out.Flush(); err != nil && l.err == nil {
		l.err = err
	}
	return io.NewSectionReader(l.file, 0, l.size)
}

// Close ends the log and removes its file.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
