package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
	_ "github.com/stagescope/stagescope/diff/formats" // every format that content is taken apart by
	"github.com/stagescope/stagescope/diff/rederive"
	"github.com/stagescope/stagescope/diff/render"
)

// runDiff compares, writes, and judges in that order. What was interrupted, or
// ran out of time, is written as far as it came.
func (a *app) runDiff(ctx context.Context, refA, refB string, f diffFlags) error {
	if a.json {
		f.format = "json"
	}
	if err := f.check(); err != nil {
		return err
	}
	limits, maxReport, err := f.limits()
	if err != nil {
		return err
	}
	permits, err := f.permits()
	if err != nil {
		return err
	}
	if err := f.checkOut(refA, refB); err != nil {
		return err
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
	// What differs makes many small things that live long: let the collector run
	// before they have doubled.
	defer debug.SetGCPercent(debug.SetGCPercent(30))
	watch := a.watchDiff()
	o := diff.Options{Exclude: f.exclude, Rehash: f.rehash, Limits: limits, Stdin: a.in, Progress: watch.add, Listed: a.claimedFiles(s)}
	if s != nil {
		o.Index = s
	}
	c, err := diff.Refs(limited, refA, refB, a.imageOptions(s), o)
	if c != nil {
		defer c.Close()
	}
	if err == nil {
		err = whyDiffers(limited, s, c, rederive.Options{Progress: func(what string) { watch.add(diff.Progress{What: what}) }})
	}
	watch.end()
	if c == nil && ctx.Err() == nil && limited.Err() != nil {
		return f.tooShort()
	}
	if c == nil || err != nil && limited.Err() == nil {
		return refHint(err)
	}
	w := diffReport{a: a, root: c.Root, flags: f, o: render.Options{A: refA, B: refB, Stat: f.stat, Only: f.only, Fold: f.fold, Full: f.full,
		MaxLines: f.maxLines, MaxBytes: maxReport, Complete: limited.Err() == nil, Color: f.out == "" && a.colored(), Width: a.diffWidth(f.out)}}
	if permits != nil {
		w.o.Expected = permits.Apply(c.Root, time.Now())
	}
	if err := w.write(); err != nil {
		return err
	}
	w.next(refA, refB)
	return w.judge(ctx.Err(), limited.Err() != nil)
}

// whyDiffers gives what differs its causes: first what a mirror or another tool
// makes of an image, then what lies inside, by what s records of their builds.
func whyDiffers(ctx context.Context, s *store.Store, c *diff.Comparison, o rederive.Options) error {
	_, err := rederive.Explain(ctx, c.Root, c.ImageA, c.ImageB, o)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("seeking how one image was made of the other: %w", err)
	}
	return errors.Join(err, cause.Classify(ctx, c.Root, recorded(s, c)))
}

// diffStore opens the store: for references that lead there, and for what it
// knows of layers. Where only that is lost, it is done without.
func (a *app) diffStore(refs ...string) (*store.Store, error) {
	s, err := a.openStore()
	if err == nil {
		return s, nil
	}
	for _, ref := range refs {
		r, e := image.ParseReference(ref)
		if e == nil && (r.Kind == image.KindStore || r.Kind == image.KindClaim) {
			return nil, err
		}
	}
	return nil, nil
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

// diffWidth is how many columns a report on standard output has; 0 where that is no
// terminal, or it goes elsewhere: a file is not cut to the window it was made in.
func (a *app) diffWidth(out string) int {
	f, ok := a.out.(*os.File)
	if out != "" || !ok || !isTerminal(a.out) {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return w
}

// diffWatch shows on standard error how far a comparison is.
type diffWatch struct {
	mu    sync.Mutex
	s     *status
	bytes int64
	found int
	began time.Time
}

func (a *app) watchDiff() *diffWatch { return &diffWatch{s: newStatus(a.err), began: time.Now()} }

func (w *diffWatch) add(p diff.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bytes += p.Bytes
	if p.Found != nil {
		w.found++
	}
	if t := time.Since(w.began).Seconds(); t > 0.2 {
		w.s.set("%d MB read, %.0f MB/s, %d differences so far  %s", w.bytes/1e6, float64(w.bytes)/1e6/t, w.found, safe.Line(p.What))
	}
}

func (w *diffWatch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.s.clear()
}
