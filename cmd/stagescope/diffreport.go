package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/render"
)

// diffReport is what becomes of a compared tree.
type diffReport struct {
	a     *app
	root  *diff.Node
	flags diffFlags
	o     render.Options
}

// judge turns the tree into the verb's end.
func (w *diffReport) judge(interrupted error, early bool) error {
	root := w.root
	switch {
	case (root.Status == diff.Differs || root.Status == diff.OnlyA || root.Status == diff.OnlyB) && !(w.o.Expected.All() && !early && w.complete()):
		return errProven
	case root.Status == diff.Differs:
		return nil // every difference is expected, which is what --expect asks
	case interrupted != nil:
		return interrupted
	case early:
		return w.flags.tooShort()
	case root.Status == diff.Same && !root.Capped:
		return nil
	}
	return withHint(errors.New("not all of it could be compared, so that nothing is proven"), "the report says at its place what was not, and why")
}

// complete reports whether all of both sides was seen.
func (w *diffReport) complete() bool {
	s := render.Summarize(w.root, w.o.Complete)
	return s.Complete && len(s.Unread) == 0 && !w.root.Capped
}

// write writes the report to standard output, or to a file that appears only
// when it is complete.
func (w *diffReport) write() error {
	if w.flags.out == "" {
		return w.to(w.a.out)
	}
	tmp, err := os.CreateTemp(filepath.Dir(w.flags.out), ".stagescope-*")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	defer os.Remove(tmp.Name())
	if err = w.to(tmp); err == nil {
		err = tmp.Chmod(0o644)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), w.flags.out)
	}
	if err != nil {
		return fmt.Errorf("writing the report %q: %w", w.flags.out, err)
	}
	return nil
}

func (w *diffReport) to(out io.Writer) error {
	b := bufio.NewWriter(out)
	format := render.Text
	switch w.flags.format {
	case "markdown":
		format = render.Markdown
	case "html":
		format = render.HTML
	case "json":
		format = render.JSON
	}
	if err := format(b, w.root, w.o); err != nil {
		return err
	}
	return b.Flush()
}
