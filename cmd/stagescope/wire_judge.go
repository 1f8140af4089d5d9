package main

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/rebuild/evidence"
	"github.com/stagescope/stagescope/tui"
)

// wireJudge lets the workbench verify as "verify" does with the parties, the
// policy and the registries that were given.
func (a *app) wireJudge(cfg *tui.Config) {
	cfg.ClaimImage = claimRef
	cfg.Judge = func(ctx context.Context, ids []string, say func(tui.Judging)) (*tui.Judged, error) {
		quiet := *a // nothing but the workbench may write to the terminal
		var said bytes.Buffer
		quiet.err = &said
		f := a.judge // read anew each time: the files may have changed
		f.places.names = slices.Clone(f.places.names)
		o, err := quiet.evidenceOptions(&f)
		if err != nil {
			return nil, err
		}
		o.Progress = func(p evidence.Progress) { say(tui.Judging{Done: p.Done, All: p.All, What: p.What}) }
		r, err := evidence.Judge(ctx, cfg.Chain, ids, o)
		if err != nil {
			return nil, evidenceHint(err)
		}
		r = quiet.answered(ctx, cfg.Chain, o.Store, r, func(what string) { say(tui.Judging{What: what}) })
		out := tui.JudgedOf(r)
		for line := range strings.Lines(said.String()) {
			out.Unread[""] = append(out.Unread[""], strings.TrimSpace(line))
		}
		return out, nil
	}
}

// claimRef is a reference to the image that a claim is of, or "" when it cannot be
// had.
func claimRef(c *claim.Claim) string {
	switch {
	case c.Kind == claim.KindOwn:
		return "stage:" + c.Stage
	case c.Kind == claim.KindRegistry:
		return c.Origin
	case c.Kind == claim.KindRebuild && c.Party != "" && c.Verification.State == claim.Verified:
		return "claim:" + c.Party + "/" + c.Stage
	}
	return ""
}
