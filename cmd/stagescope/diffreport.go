package main

import (
	"errors"
	"fmt"

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

// next says on a terminal, below a report that has scrolled its own beginning away, what
// was found and what a person can do now. What is led elsewhere gets nothing of it.
func (w *diffReport) next(refA, refB string) {
	if !isTerminal(w.a.out) || !isTerminal(w.a.err) || w.flags.out != "" || w.flags.format != "text" {
		return
	}
	for i, l := range w.o.Closing(w.root, diff.OnlyOnce(refA) || diff.OnlyOnce(refB)) {
		if i == 0 {
			l = "\nstagescope: " + l
		}
		fmt.Fprintln(w.a.err, l)
	}
}

// complete reports whether all of both sides was seen.
func (w *diffReport) complete() bool {
	s := render.Summarize(w.root, w.o.Complete)
	return s.Complete && len(s.Unread) == 0 && !w.root.Capped
}
