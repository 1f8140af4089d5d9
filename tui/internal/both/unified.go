package both

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// Line is a line of a unified view, its Text as it is to be read: without its
// line end, and to be made safe when it is shown.
type Line = diff.Line

// Text gives lines as a source of rows.
type Text []Line

// Lines gives the texts of lines [from, from+n).
func (t Text) Lines(_ context.Context, from, n int) ([]string, error) {
	var rows []string
	for i := from; i < min(len(t), from+n); i++ {
		rows = append(rows, t[i].Text)
	}
	return rows, nil
}

// Bounds of a unified view.
const (
	maxText  = 8 << 20 // per side
	contextN = 5       // lines shown around a change
	foldMin  = 13      // shorter runs of equal lines are shown whole
)

// Unified reads both sides and gives their lines in one order. Sides that are
// too large give an error that says so.
func Unified(ctx context.Context, c diff.Content) ([]Line, error) {
	a, err := readSide(c.OpenA)
	if err != nil {
		return nil, fmt.Errorf("reading side A: %w", err)
	}
	b, err := readSide(c.OpenB)
	if err != nil {
		return nil, fmt.Errorf("reading side B: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return fold(lines(a, b)), nil
}

func readSide(open func() (diff.ReaderAtCloser, int64, error)) (string, error) {
	r, n, err := open()
	if err != nil || r == nil {
		return "", err
	}
	defer r.Close()
	if n > maxText {
		return "", fmt.Errorf("%d bytes are too many for a unified view; the hex view shows them", n)
	}
	buf := make([]byte, n)
	if k, err := r.ReadAt(buf, 0); k < len(buf) {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return "", err
	}
	return string(buf), nil
}

// lines puts the lines of a and b into one order.
func lines(a, b string) []Line {
	ls := diff.Lines(a, b)
	for i := range ls {
		ls[i].Text = mark(ls[i].Text)
	}
	return ls
}

// mark drops the line end, and shows the want of one and a carriage return:
// both are differences that no one would see.
func mark(text string) string {
	s, had := strings.CutSuffix(text, "\n")
	if t, cr := strings.CutSuffix(s, "\r"); cr {
		s = t + `\r`
	}
	if !had {
		s += " (no newline at the end)"
	}
	return s
}

// fold replaces long runs of lines that both sides have.
func fold(all []Line) []Line {
	var out []Line
	for i := 0; i < len(all); {
		if all[i].Changed() {
			out = append(out, all[i])
			i++
			continue
		}
		j := i
		for j < len(all) && !all[j].Changed() {
			j++
		}
		lo, hi := i+contextN, j-contextN
		if i == 0 {
			lo = 0
		}
		if j == len(all) {
			hi = j
		}
		if hi-lo < foldMin {
			out = append(out, all[i:j]...)
		} else {
			out = append(out, all[i:lo]...)
			out = append(out, Line{Op: diff.Fold, Text: fmt.Sprintf("⋯ %d equal lines", hi-lo)})
			out = append(out, all[hi:j]...)
		}
		i = j
	}
	return out
}
