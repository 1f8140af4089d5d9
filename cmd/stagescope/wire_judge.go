package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/judge"
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
		out := judgedOf(r)
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

// judgedOf is a report as the workbench shows it.
func judgedOf(r *evidence.Report) *tui.Judged {
	out := &tui.Judged{Verdicts: map[string]*claim.Verdict{}, Claims: map[string][]*claim.Claim{}, Unread: map[string][]string{}, Policy: r.Policy.Name}
	for i := range r.Stages {
		s := &r.Stages[i]
		id := s.Verdict.Stage
		out.Verdicts[id], out.Claims[id] = &s.Verdict, s.Claims
		for _, u := range s.Unknown {
			out.Unread[id] = append(out.Unread[id], u.Origin+": "+u.Reason)
		}
	}
	for _, u := range r.Unknown {
		out.Unread[""] = append(out.Unread[""], u.Origin+": "+u.Reason)
	}
	for _, f := range r.First {
		out.First = append(out.First, f.Stage)
	}
	for _, n := range r.Next {
		out.Next = append(out.Next, nextText(&n))
	}
	out.Next = slices.Compact(out.Next)
	return out
}

// nextText says which rebuild would settle something, and why.
func nextText(n *judge.Next) string {
	took := "nobody says how long it takes"
	if n.Hours > 0 {
		took = (time.Duration(n.Hours*3600) * time.Second).String()
		if n.Hours*3600 < 1 {
			took = "less than a second"
		}
	}
	return fmt.Sprintf("rebuild %s (%s, settles %s): %s", n.Stage, took, count(n.Settles, "stage"), n.Why)
}
