package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/rederive"
	"github.com/stagescope/stagescope/rebuild/evidence"
)

// answered answers what verdicts ask: it writes images that the store has again
// until the other digest comes out, and has the evidence judged again with what
// was proved. What could not be tried is a note of its stage.
func (a *app) answered(ctx context.Context, c *chain.Chain, st *store.Store, r *evidence.Report, say func(string)) *evidence.Report {
	if st == nil {
		return r
	}
	var answers []claim.Equivalence
	notes := map[string][]string{}
	sought := 0
	for i := range r.Stages {
		v := &r.Stages[i].Verdict
		for _, q := range v.Question {
			have, other := q.A.Manifest, q.B.Manifest
			if have == "" || other == "" {
				continue
			}
			if !st.Has(have) {
				have, other = other, have
			}
			if !st.Has(have) {
				continue
			}
			if sought++; sought > maxSought {
				notes[v.Stage] = append(notes[v.Stage], fmt.Sprintf("whether %s and %s differ by their wrapping only was not sought: it was for %d others", have.Short(), other.Short(), maxSought))
				continue
			}
			say(v.Stage + ": seeking what makes one digest of the other")
			ans, err := a.rewritten(ctx, c, st, v.Stage, have, other)
			switch {
			case err != nil:
				notes[v.Stage] = append(notes[v.Stage], fmt.Sprintf("whether %s and %s differ by their wrapping only: %v", have.Short(), other.Short(), err))
			case provedSame(ans):
				answers = append(answers, equivalence(have, other, ans))
			default:
				notes[v.Stage] = append(notes[v.Stage], fmt.Sprintf("%s and %s: %s", have.Short(), other.Short(), ans.Sentence()))
			}
		}
	}
	r = r.Answered(answers)
	for i := range r.Stages {
		s := &r.Stages[i]
		s.Notes = append(s.Notes, notes[s.Verdict.Stage]...)
	}
	return r
}

// rewritten seeks the way from an image in the store to another digest.
func (a *app) rewritten(ctx context.Context, c *chain.Chain, st *store.Store, id string, have, other chain.Digest) (*rederive.Answer, error) {
	o := a.imageOptions(st)
	img, err := image.Open(ctx, string(have), o)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	if st.Has(other) {
		second, err := image.Open(ctx, string(other), o)
		if err != nil {
			return nil, err
		}
		defer second.Close()
		return rederive.Images(ctx, img, second, rederive.Options{})
	}
	hints := rederive.Options{Names: []string{id}, Encoded: soughtBytes}
	if s, err := c.Stage(id); err == nil {
		hints.Names = append(hints.Names, strings.TrimPrefix(s.ID, s.Tier+"-"))
		hints.Versions = []string{s.Version}
	}
	return rederive.Digest(ctx, img, other, hints)
}

// provedSame says whether an answer proves that only the wrapping differs: its
// bytes were made, and nothing speaks against its being the same image.
func provedSame(ans *rederive.Answer) bool {
	return ans.Found && ans.Confidence() == diff.Proved && len(ans.Against) == 0 && ans.Level >= chain.LevelManifest
}

func equivalence(a, b chain.Digest, ans *rederive.Answer) claim.Equivalence {
	e := claim.Equivalence{A: a, B: b, Level: ans.Level}
	for _, s := range ans.Steps {
		e.Causes = append(e.Causes, strings.TrimSpace(s.Cause+" "+s.Text))
	}
	return e
}
