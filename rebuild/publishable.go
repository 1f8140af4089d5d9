package rebuild

import (
	"fmt"

	"github.com/stagescope/stagescope/chain"
)

// Publishable gives the digest, at a level, that a stage's rebuilds in the store
// stand for: those of its present recipe, in the standard environment. All of
// the store's results of the stage are given, in any order. An error says why
// there is no digest that its owner could put their name under.
func Publishable(c *chain.Chain, id string, results []*Result, level chain.Level, published bool) (chain.Digest, error) {
	var digest chain.Digest
	stale, varied, foreign := 0, 0, 0
	for _, r := range results {
		switch {
		case r.Stage != id || !r.built():
			continue
		case !Current(c, r):
			stale++
			continue
		case !r.Variation.standard():
			varied++
			continue
		case !published && !r.OwnInputs():
			foreign++
			continue
		}
		d := r.Digests.At(level)
		switch {
		case d == "":
			return "", fmt.Errorf("its rebuild has no digest at the level of %s", level)
		case digest != "" && digest != d:
			return "", fmt.Errorf("its rebuilds gave %s and %s: it does not reproduce here", digest.Short(), d.Short())
		}
		digest = d
	}
	switch {
	case digest != "":
		return digest, nil
	case foreign > 0:
		return "", fmt.Errorf("it was rebuilt on images that were not built here")
	case stale > 0:
		return "", fmt.Errorf("it was rebuilt by another recipe than the tree's present one")
	case varied > 0:
		return "", fmt.Errorf("it was rebuilt in a varied environment only")
	}
	return "", fmt.Errorf("it was not rebuilt here")
}
