package evidence

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/judge"
	"github.com/stagescope/stagescope/rebuild"
)

// local takes what is at hand: recipes and digests from the tree, results from
// the store.
func (g *gathering) local(ctx context.Context) error {
	var eg errgroup.Group
	eg.SetLimit(atOnce)
	for _, x := range g.stages {
		eg.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("gathering evidence: %w", err)
			}
			var err error
			if x.recipe, x.recipeJSON, err = rebuild.RecipeDigest(g.c, x.stage, g.o.Platform); err != nil {
				x.unknown = append(x.unknown, Unknown{"signed claims and own rebuilds", err.Error()})
			}
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	for _, x := range g.stages {
		for _, p := range x.stage.Published {
			x.claims = append(x.claims, g.published(x, p))
		}
	}
	return g.own()
}

// published is what the tree itself says.
func (g *gathering) published(x *gathered, p chain.Claimed) *claim.Claim {
	origin := p.Origin
	if p.Line > 0 {
		origin = fmt.Sprintf("%s:%d", p.Origin, p.Line)
	}
	return &claim.Claim{Kind: claim.KindTree, Party: "tree", Origin: origin, Stage: x.stage.ID, Platform: x.platform, Release: g.release, Version: x.stage.Version,
		Output: claim.OutputOf(p.Digest, p.Level), Verification: claim.Verification{State: claim.Verified}}
}

// own takes the store's results of the present recipes.
func (g *gathering) own() error {
	if g.o.Store == nil {
		return nil
	}
	only := ""
	if len(g.stages) == 1 {
		only = g.stages[0].stage.ID
	}
	results, err := rebuild.Results(g.o.Store, only)
	if err != nil {
		return fmt.Errorf("gathering evidence: %w", err)
	}
	for _, r := range results {
		if x := g.byID[r.Stage]; x != nil && r.Recipe == x.recipe && x.recipe != "" {
			x.results = append(x.results, r)
		}
	}
	for _, x := range g.stages {
		for _, r := range x.results {
			c := r.Claim(x.results)
			if c == nil {
				continue
			}
			c.Party, c.Origin = judge.You, "own rebuild"
			if self := g.o.Parties.Self(); self != nil {
				c.Party = self.Name
			}
			x.claims = append(x.claims, c)
		}
	}
	return nil
}

// self finds out whether some party is the user, who did not say so: one whose
// verified claim is of a build that the store holds. Otherwise one person's build
// would count twice, as the party's and as the user's.
func (g *gathering) self() {
	if g.o.Parties.Self() != nil {
		return
	}
	type built struct {
		log      chain.Digest
		finished int64
	}
	names := map[string]bool{}
	for _, x := range g.stages {
		mine := map[built]bool{}
		for _, r := range x.results {
			if r.Log != "" {
				mine[built{r.Log, r.Finished.Unix()}] = true
			}
		}
		for _, c := range x.claims {
			if c.Kind == claim.KindRebuild && c.Verification.State == claim.Verified && c.Log != "" && mine[built{c.Log, c.Finished.Unix()}] {
				names[c.Party] = true
			}
		}
	}
	if len(names) == 0 {
		return
	}
	// With several, nobody can tell which of them the user is: one is enough to
	// keep a person from counting twice.
	name := slices.Sorted(maps.Keys(names))[0]
	g.o.Parties = g.o.Parties.WithSelf(name)
	for _, x := range g.stages {
		for _, c := range x.claims {
			if c.Kind == claim.KindOwn && c.Party == judge.You {
				c.Party = name
			}
		}
	}
	g.notes = append(g.notes, fmt.Sprintf("%s has signed claims of builds that this store holds: own rebuilds are counted as that party's (self = true in the parties file says so too)", strings.Join(slices.Sorted(maps.Keys(names)), ", ")))
}
