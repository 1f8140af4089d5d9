package main

import (
	"context"
	"fmt"
	"io"

	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/rederive"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/tui"
)

// wire gives the workbench all that it does not do itself, and what ends it.
// Without a store it can still be walked.
func (a *app) wire(cfg *tui.Config) func() {
	s, err := a.openStore()
	a.wireImages(cfg, s)
	if err != nil {
		cfg.WhyNoBuilder, cfg.WhyNoJudge = err.Error(), err.Error()
		return func() {}
	}
	cfg.Made = func(id string) audit.Made { return rebuild.Made(cfg.Chain, s, id) }
	a.wireJudge(cfg)
	end := func() {}
	cfg.Builder = &hintingBuilder{&tui.StoreBuilder{Chain: cfg.Chain, Store: s, Options: rebuild.Options{Platform: a.platform},
		Open: func(ctx context.Context, say io.Writer) (*rebuild.Builder, error) {
			// The engine outlives the rebuild that starts it, and nothing but the
			// workbench may write to the terminal.
			quiet := *a
			quiet.err = say
			engines, closeAll, err := quiet.openEngines(context.WithoutCancel(ctx), s)
			if err != nil {
				return nil, err
			}
			end = closeAll
			return a.builder(cfg.Chain, s, engines, nil), nil
		}}}
	return func() { end() }
}

// wireImages lets the workbench open and compare images. Without a store s is
// nil: what lies elsewhere can still be looked at.
func (a *app) wireImages(cfg *tui.Config, s *store.Store) {
	open := tui.ImageOpener(a.imageOptions(s), "")
	cfg.OpenImage = func(ctx context.Context, ref string) (tui.Image, error) {
		im, err := open(ctx, ref)
		if err == nil {
			return im, nil
		}
		r, parseErr := image.ParseReference(ref)
		if parseErr != nil {
			return nil, err
		}
		return nil, imageHint(err, r)
	}
	o := a.comparing
	o.Listed = a.claimedFiles(s)
	if s != nil {
		o.Index = s
	}
	cfg.Compare = func(ctx context.Context, refA, refB string, progress func(diff.Progress)) (*diff.Comparison, error) {
		o := o
		o.Progress = progress
		c, err := diff.Refs(ctx, refA, refB, a.imageOptions(s), o)
		if err == nil {
			err = whyDiffers(ctx, s, c, rederive.Options{Progress: func(what string) { progress(diff.Progress{What: what}) }})
		}
		return c, refHint(err)
	}
}

// hintingBuilder adds to errors what a person can do.
type hintingBuilder struct{ *tui.StoreBuilder }

// Rebuild is the builder's, with hints.
func (b *hintingBuilder) Rebuild(ctx context.Context, id string, p rebuild.Progress) (*tui.Trial, error) {
	t, err := b.StoreBuilder.Rebuild(ctx, id, p)
	if err != nil && ctx.Err() != nil {
		return t, fmt.Errorf("rebuilding %q: %w", id, ctx.Err())
	}
	return t, rebuildHint(err)
}
