package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/stagescope/stagescope/diff/render"
)

// output is the file that the report is written to.
func (f *diffFlags) output() output { return output{"--out", f.out, "the report"} }

// checkOut refuses a file that would take the place of what is compared.
func (f *diffFlags) checkOut(refs ...string) error {
	if f.expect != "" {
		refs = append(refs, f.expect)
	}
	return f.output().check(refs...)
}

// write writes the report to standard output or to a file.
func (w *diffReport) write() error {
	if w.flags.out != "" {
		return w.flags.output().write(w.to)
	}
	if err := w.to(w.a.out); err != nil {
		return fmt.Errorf("writing the report: %w", err)
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
