package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/rederive"
	"github.com/stagescope/stagescope/rebuild"
)

// equivalent says how a claim and an own image that disagree hang together. It
// stands beside a verdict and never changes it.
type equivalent struct {
	Stage  string           `json:"stage"`
	Claim  chain.Digest     `json:"claim"`
	Origin string           `json:"origin"`
	With   string           `json:"with,omitempty"` // the claimed image, where it was at hand; else only its digest was sought
	Answer *rederive.Answer `json:"answer,omitempty"`
	Note   string           `json:"note,omitempty"` // why nothing was sought
}

// sentence is e.g. "equivalent to digests/core.txt:7: differs only by: …".
func (e *equivalent) sentence() string {
	switch {
	case e.Answer == nil:
		return fmt.Sprintf("whether it is equivalent to %s was not sought: %s", e.Origin, e.Note)
	case e.Answer.Found && e.Answer.Confidence() == diff.Proved:
		return fmt.Sprintf("equivalent to %s at the %s: %s", e.Origin, e.Answer.Level, e.Answer.Sentence())
	case e.Answer.Found:
		return fmt.Sprintf("likely equivalent to %s at the %s: %s", e.Origin, e.Answer.Level, e.Answer.Sentence())
	}
	return fmt.Sprintf("not equivalent to %s by what is known: %s", e.Origin, e.Answer.Sentence())
}

const (
	// maxSought bounds for how many stages of one run re-derivation is tried: a
	// difference low in a chain makes all others differ, in content.
	maxSought = 16
	// soughtBytes bounds what is compressed when only a digest is claimed.
	soughtBytes = 512 << 20
)

// equivalents seeks, for every result that differs from a claim, the rewriting
// that makes one of the other.
func (a *app) equivalents(ctx context.Context, c *chain.Chain, st *store.Store, results []*rebuild.Result) (out []equivalent) {
	progress := newStatus(a.err)
	defer progress.clear()
	sought := 0
	for _, r := range results {
		if r.Output == nil || r.Verdict.Status != rebuild.Differs {
			continue
		}
		for _, d := range r.Verdict.Compared {
			if d.Equal || d.Own == "" || d.Claim == "" || d.Level != chain.LevelManifest && d.Level != chain.LevelIndex {
				continue
			}
			e := equivalent{Stage: r.Stage, Claim: d.Claim, Origin: d.Where(), With: d.Image}
			switch sought++; {
			case ctx.Err() != nil:
				e.Note = "it was interrupted"
			case sought > maxSought:
				e.Note = fmt.Sprintf("it was for %d others", maxSought)
			default:
				progress.set("%s: seeking what makes its claim of it", r.Stage)
				ans, err := a.rederived(ctx, c, st, r, d)
				if e.Answer = ans; err != nil {
					e.Answer, e.Note = nil, err.Error()
				}
			}
			out = append(out, e)
		}
	}
	return out
}

// rederived seeks the way from an own image to a claim.
func (a *app) rederived(ctx context.Context, c *chain.Chain, st *store.Store, r *rebuild.Result, d rebuild.Comparison) (*rederive.Answer, error) {
	o := a.imageOptions(st)
	o.Platform = r.Platform
	own, err := image.Open(ctx, r.Ref(), o)
	if err != nil {
		return nil, err
	}
	defer own.Close()
	if d.Image != "" {
		claimed, err := image.Open(ctx, d.Image, o)
		if err != nil {
			return nil, err
		}
		defer claimed.Close()
		return rederive.Images(ctx, own, claimed, rederive.Options{})
	}
	hints := rederive.Options{Names: []string{r.Stage}, Encoded: soughtBytes}
	if s, err := c.Stage(r.Stage); err == nil {
		hints.Names = append(hints.Names, strings.TrimPrefix(s.ID, s.Tier+"-"))
		hints.Versions = []string{s.Version}
	}
	return rederive.Digest(ctx, own, d.Claim, hints)
}
