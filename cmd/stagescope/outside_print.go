package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
)

// showOutside prints what a digest or image from outside is. Nothing known of it
// is an error: nothing was proven. Bytes that are not what the digests promise
// are a proven mismatch.
func (a *app) showOutside(ctx context.Context, c *chain.Chain, arg string, f outsideFlags) error {
	o, err := a.lookOutside(ctx, c, arg, f)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(o)
	} else {
		err = a.printOutside(o)
	}
	switch {
	case err != nil:
		return err
	case o.Image != nil && o.Image.Damage != "":
		return errProven
	case o.known():
		return nil
	}
	hint := "--of names the stage that it is said to be of, --against the image that was published, --history a repository with more releases"
	return withHint(fmt.Errorf("no release publishes %s, and no known rewriting leads to it", arg), "%s", hint)
}

func (a *app) printOutside(o *outside) error {
	w := bufio.NewWriter(a.out)
	say := func(format string, args ...any) { fmt.Fprintln(w, safe.Line(fmt.Sprintf(format, args...))) }
	say("%s", o.Asked)
	if i := o.Image; i != nil {
		for _, d := range i.Indexes {
			say("  index     %s", d)
		}
		if i.Manifest != "" {
			say("  manifest  %s", i.Manifest)
		}
		say("  config    %s, for %s", i.Config, i.Platform)
	}
	if i := o.Image; i != nil && i.Damage != "" {
		say("DAMAGED: these are not the bytes that its digests promise: %s", i.Damage)
	}
	for _, h := range o.Found {
		printHit(say, h)
	}
	if len(o.Found) == 0 {
		say("no release publishes it: %s were searched", o.Searched.Text)
	}
	if r := o.Rederived; r != nil {
		if r.Found {
			say("written again it is %s, which is published; the two %s", r.Wanted, r.Sentence())
		} else {
			say("written again it is none that is published: %s", r.Sentence())
		}
	}
	for _, c := range o.Compared {
		say("%s: %s", c.Ref, c.Answer.Sentence())
	}
	for _, h := range o.Published {
		printHit(say, h)
	}
	for _, n := range o.Notes {
		say("note: %s", n)
	}
	for _, p := range o.Searched.Problems {
		say("note: not searched: %s", p)
	}
	return w.Flush()
}

func printHit(say func(string, ...any), h outsideHit) {
	say("%s", h.Sentence)
	at := ""
	if h.Object != "digest" {
		at = h.Object + " "
	}
	say("  %s%s in %s:%d (%s)", at, h.Digest, h.File, h.Line.Line, h.Level)
	for _, l := range h.Later {
		say("  then %s of %s: %s", l.Digest, l.Release, l.Version)
	}
}
