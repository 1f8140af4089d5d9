package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
)

// claimedImage gives what resolves claim:PARTY/STAGE: the image that a party
// claims for a stage by a verified claim in the store, its newest one.
func (a *app) claimedImage(s *store.Store) func(context.Context, string) (image.Reference, error) {
	return func(ctx context.Context, text string) (image.Reference, error) {
		c, err := a.claimed(ctx, s, text)
		if err != nil {
			return image.Reference{}, err
		}
		return imageOf(c.Output.Manifest, s, c.party.Repositories)
	}
}

// partyClaim is what a party claims of a stage.
type partyClaim struct {
	*claim.Claim
	party  *party.Party
	places *placeFlags
	bundle chain.Digest
	recipe []byte // canonical JSON
}

// claimed finds the newest verified claim that PARTY/STAGE means, in the store.
func (a *app) claimed(ctx context.Context, s *store.Store, text string) (*partyClaim, error) {
	if s == nil {
		return nil, errors.New("there is no store to look in for claims")
	}
	who, id, _ := strings.Cut(text, "/")
	f := &placeFlags{parties: a.judge.places.parties}
	if err := f.load(a); err != nil {
		return nil, err
	}
	out := &partyClaim{party: f.known.Named(who), places: f}
	if out.party == nil {
		return nil, withHint(fmt.Errorf("no parties file declares party %q", who), "parties are declared in parties.toml of stagescope's configuration directory")
	}
	stage, query, err := a.stageQuery(s, id)
	if err != nil {
		return nil, err
	}
	v, err := f.verifier()
	if err != nil {
		return nil, err
	}
	recipe := (publish.Recipe{JSON: query.Recipe}).Digest()
	found, missed := publish.Find(ctx, []publish.Place{publish.NewStore(s)}, query)
	for i, x := range publish.Claims(v, found) {
		if x.Verification.State != claim.Verified || x.Party != who || x.Recipe != recipe || x.Failed() {
			continue
		}
		if out.Claim == nil || x.Finished.After(out.Finished) {
			out.Claim, out.bundle, out.recipe = x, found[i].Digest, query.Recipe
		}
	}
	switch {
	case out.Claim != nil:
		return out, nil
	case len(missed) > 0:
		return nil, unreadError(missed)
	}
	return nil, withHint(fmt.Errorf("the store has no verified claim of party %q on the recipe of %q", who, stage.ID), "stagescope claim pull %s looks for one", stage.ID)
}

// stageQuery says by what the claims on a stage are found.
func (a *app) stageQuery(s *store.Store, id string) (*chain.Stage, publish.Query, error) {
	c, err := a.openChain()
	if err != nil {
		return nil, publish.Query{}, err
	}
	stage, err := findStage(c, id)
	if err != nil {
		return nil, publish.Query{}, err
	}
	subjects, err := a.subjects(c, s, []*chain.Stage{stage})
	if err != nil {
		return nil, publish.Query{}, err
	}
	return stage, subjects[0].query, nil
}

// imageOf is a reference to an image in the store, else where its party
// publishes.
func imageOf(d chain.Digest, s *store.Store, repositories []string) (image.Reference, error) {
	if s.Has(d) {
		return image.ParseReference(string(d))
	}
	if len(repositories) == 0 {
		return image.Reference{}, withHint(fmt.Errorf("image %s is not in the store, and its party names no repository", d), "repositories = […] in parties.toml names some")
	}
	r := repositories[0] // the first is where a party publishes first
	p, err := publish.Open(r, publish.Options{})
	if err != nil {
		return image.Reference{}, err
	}
	if dir, ok := p.(*publish.Directory); ok {
		r = "oci:" + dir.Name()
	}
	return image.ParseReference(r + "@" + string(d))
}
