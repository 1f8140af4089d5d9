package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
	_ "github.com/stagescope/stagescope/diff/formats" // every format that content is taken apart by
	"github.com/stagescope/stagescope/diff/rederive"
	"github.com/stagescope/stagescope/diff/render"
)

// diffFlags are what the verb diff is asked for.
type diffFlags struct {
	format  string
	out     string
	stat    bool
	only    []string
	exclude []string
	limit   time.Duration
	rehash  bool
	full    bool
}

var diffFormats = []string{"text", "markdown", "html", "json"}

func (a *app) diffCmd() *cobra.Command {
	f := diffFlags{}
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Show where two images, files or directories part, and why",
		Long: `Diff compares from the outside in: index, manifest, config, layers, entries with
all of their properties, content, parts of content. Every byte of both sides is
read and hashed. Equal things are counted, not listed.

It ends with 0 when the two are the same, 1 when a difference is proven, and 2
when neither is: something could not be read, or a limit was hit.

` + referenceHelp + `

Two paths that are no images are compared as files or as directories.`,
		Example: `  stagescope diff trial:zoo-date/1 trial:zoo-date/2
  stagescope diff out/core-zlib docker.io/stagex/core-zlib:latest
  stagescope diff --format json old.tar new.tar
  stagescope diff --format markdown --out report.md stage:hello oci:hello.tar`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runDiff(cmd.Context(), args[0], args[1], f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.format, "format", "text", "text, markdown, html or json; --json is short for json")
	fl.StringVar(&f.out, "out", "", "write to this file, which appears only when it is complete")
	fl.BoolVar(&f.stat, "stat", false, "the summary only")
	fl.StringSliceVar(&f.only, "only", nil, "show only these paths (globs) or kinds; what is left out is counted")
	fl.StringSliceVar(&f.exclude, "exclude", nil, "do not look at members whose path matches; they are counted, and never called same")
	fl.DurationVar(&f.limit, "time-limit", 0, "end after this time with what is known")
	fl.BoolVar(&f.rehash, "rehash", false, "read the bytes again where the store knows what a layer holds")
	fl.BoolVar(&f.full, "full", false, "show all content, however long")
	return c
}

// runDiff compares, writes, and judges in that order.
func (a *app) runDiff(ctx context.Context, refA, refB string, f diffFlags) error {
	if a.json {
		f.format = "json"
	}
	if !slices.Contains(diffFormats, f.format) {
		return withHint(fmt.Errorf("unknown format %q", f.format), "the formats are %s", strings.Join(diffFormats, ", "))
	}
	for _, g := range append(f.only, f.exclude...) {
		if _, err := filepath.Match(g, ""); err != nil {
			return fmt.Errorf("reading the glob %q: %w", g, err)
		}
	}
	s, err := a.diffStore(refA, refB)
	if err != nil {
		return err
	}
	limited, stop := ctx, func() {}
	if f.limit > 0 {
		limited, stop = context.WithTimeout(ctx, f.limit)
	}
	defer stop()
	watch := a.watchDiff()
	o := diff.Options{Exclude: f.exclude, Rehash: f.rehash, Progress: watch.add}
	if s != nil {
		o.Index = s
	}
	c, err := diff.Refs(limited, refA, refB, a.imageOptions(s), o)
	if err == nil {
		err = whyDiffers(limited, c, rederive.Options{Progress: func(what string) { watch.add(diff.Progress{What: what}) }})
	}
	watch.end()
	if c == nil {
		return refHint(err)
	}
	defer c.Close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	timeUp := limited.Err() != nil
	if err != nil && !timeUp {
		return refHint(err)
	}
	if err := a.writeDiff(c.Root, refA, refB, f, !timeUp); err != nil {
		return err
	}
	return judgeDiff(c.Root, timeUp, f)
}

// whyDiffers gives what differs its causes: first what a mirror or another tool
// makes of an image, then what lies inside.
func whyDiffers(ctx context.Context, c *diff.Comparison, o rederive.Options) error {
	_, err := rederive.Explain(ctx, c.Root, c.ImageA, c.ImageB, o)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("seeking how one image was made of the other: %w", err)
	}
	return errors.Join(err, cause.Classify(ctx, c.Root))
}

// diffStore opens the store when a reference leads there.
func (a *app) diffStore(refs ...string) (*store.Store, error) {
	for _, ref := range refs {
		r, err := image.ParseReference(ref)
		if err == nil && (r.Kind == image.KindStore || r.Kind == image.KindClaim) {
			return a.openStore()
		}
	}
	return nil, nil
}

// judgeDiff turns a tree into the verb's end.
func judgeDiff(root *diff.Node, timeUp bool, f diffFlags) error {
	switch {
	case root.Status == diff.Differs || root.Status == diff.OnlyA || root.Status == diff.OnlyB:
		return errProven
	case timeUp:
		return withHint(fmt.Errorf("the time limit of %s was over before anything was proven", f.limit), "give it more with --time-limit")
	case root.Status == diff.Same && !root.Capped:
		return nil
	}
	return withHint(errors.New("not all of it could be compared, so that nothing is proven"), "the report says at its place what was not, and why")
}

// writeDiff writes the report to standard output, or to a file that appears
// only when it is complete.
func (a *app) writeDiff(root *diff.Node, refA, refB string, f diffFlags, complete bool) error {
	o := render.Options{A: refA, B: refB, Stat: f.stat, Only: f.only, Complete: complete, Full: f.full, Color: f.out == "" && a.colored()}
	if f.out == "" {
		w := bufio.NewWriter(a.out)
		if err := writeReport(w, root, f.format, o); err != nil {
			return err
		}
		return w.Flush()
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.out), ".stagescope-*")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	defer os.Remove(tmp.Name())
	w := bufio.NewWriter(tmp)
	err = writeReport(w, root, f.format, o)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), f.out)
	}
	if err != nil {
		return fmt.Errorf("writing the report %q: %w", f.out, err)
	}
	return nil
}

func writeReport(w io.Writer, root *diff.Node, format string, o render.Options) error {
	switch format {
	case "markdown":
		return render.Markdown(w, root, o)
	case "html":
		return render.HTML(w, root, o)
	case "json":
		return render.JSON(w, root, o)
	}
	return render.Text(w, root, o)
}

// refHint adds to an error of opening what a person can do.
func refHint(err error) error {
	var re *diff.RefError
	if !errors.As(err, &re) {
		return err
	}
	r, parseErr := image.ParseReference(re.Ref)
	if parseErr != nil {
		return withHint(err, "stagescope diff --help lists the forms of references")
	}
	return imageHint(err, r)
}

// colored reports whether escapes may go to standard output.
func (a *app) colored() bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	return isTerminal(a.out) && os.Getenv("NO_COLOR") == ""
}

// diffWatch shows on standard error how far a comparison is.
type diffWatch struct {
	mu    sync.Mutex
	s     *status
	bytes int64
	began time.Time
}

func (a *app) watchDiff() *diffWatch { return &diffWatch{s: newStatus(a.err), began: time.Now()} }

func (w *diffWatch) add(p diff.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += p.Bytes
	if t := time.Since(w.began).Seconds(); t > 0.2 {
		w.s.set("%d MB read, %.0f MB/s  %s", w.bytes/1e6, float64(w.bytes)/1e6/t, safe.Line(p.What))
	}
}

func (w *diffWatch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.s.clear()
}
