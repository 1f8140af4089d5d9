package rebuild

import (
	"slices"

	"github.com/stagescope/stagescope/chain"
)

// Current reports whether a result is of its stage's present recipe, and not of
// another tree or of this one before it was changed.
func Current(c *chain.Chain, r *Result) bool {
	st, err := c.Stage(r.Stage)
	if err != nil {
		return false
	}
	recipe, _, err := RecipeDigest(c, st, r.Platform)
	return err == nil && recipe == r.Recipe
}

// Rejudge compares what a result gave with what the tree claims now: a digests
// file may have changed since, and no verdict outlives its claim. Claims of
// other origins stay as they were. The result that is given is not changed.
func Rejudge(c *chain.Chain, r *Result) *Result {
	switch r.Verdict.Status {
	case Reproduced, Differs, NoClaim, NotChecked:
	default:
		return r // it was not finished
	}
	st, err := c.Stage(r.Stage)
	if err != nil || r.Digests.Manifest == "" {
		return r
	}
	claims := slices.Clone(st.Published)
	for _, old := range r.Verdict.Compared {
		listed := slices.ContainsFunc(claims, func(x chain.Claimed) bool { return x.Origin == old.Origin })
		if !listed && !ofTree(c, old.Origin) {
			claims = append(claims, chain.Claimed{Digest: old.Claim, Level: old.Level, Origin: old.Origin, Line: old.Line})
		}
	}
	v := judge(r.Digests, claims)
	v.Notes = r.Verdict.Notes
	for i := range v.Compared {
		for _, old := range r.Verdict.Compared {
			if old.Claim == v.Compared[i].Claim && old.Level == v.Compared[i].Level && old.Origin == v.Compared[i].Origin {
				equal := v.Compared[i].Equal
				v.Compared[i] = old // with what was found when both images were at hand
				v.Compared[i].Equal = equal
			}
		}
	}
	again := *r
	again.Verdict = v
	return &again
}

// ofTree reports whether claims of an origin are read with the tree, so that one
// which is not there any more has been withdrawn.
func ofTree(c *chain.Chain, origin string) bool {
	for _, st := range c.Stages {
		for _, p := range st.Published {
			if p.Origin == origin {
				return true
			}
		}
	}
	return false
}
