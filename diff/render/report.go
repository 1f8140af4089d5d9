package render

import (
	"bufio"
	"io"

	"github.com/stagescope/stagescope/diff"
)

// report is where a format writes. It counts, so that it can end in time.
type report struct {
	*bufio.Writer
	n   int64
	max int64
}

func newReport(w io.Writer, o Options) *report {
	return &report{Writer: bufio.NewWriterSize(w, 64<<10), max: o.MaxBytes}
}

// full reports whether the bound on the whole report is reached.
func (r *report) full() bool { return r.max > 0 && r.n >= r.max }

// WriteString writes and counts.
func (r *report) WriteString(s string) (int, error) {
	r.n += int64(len(s))
	return r.Writer.WriteString(s)
}

// Write writes and counts.
func (r *report) Write(p []byte) (int, error) {
	r.n += int64(len(p))
	return r.Writer.Write(p)
}

// WriteByte writes and counts.
func (r *report) WriteByte(c byte) error {
	r.n++
	return r.Writer.WriteByte(c)
}

// itself counts the differences of trees, as the summary does.
func itself(ns ...*diff.Node) (sum int) {
	for _, n := range ns {
		if n.Itself() {
			sum++
		}
		sum += itself(n.Children...)
	}
	return sum
}

// leftOut says how many differences the bound on the report left out.
func leftOut(ns []*diff.Node) string {
	return "… " + plural(max(itself(ns...), 1), "more difference") + " left out (--max-report is reached)"
}
