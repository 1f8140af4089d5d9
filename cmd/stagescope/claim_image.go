package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/store"
)

// claimedImage gives what resolves claim:PARTY/STAGE: the image that a party
// claims for a stage by a verified claim in the store, its newest one.
func (a *app) claimedImage(s *store.Store) func(context.Context, string) (image.Reference, error) {
	return func(ctx context.Context, text string) (image.Reference, error) {
		if s == nil {
			return image.Reference{}, errors.New("there is no store to look in for claims")
		}
		who, id, _ := strings.Cut(text, "/")
		f := placeFlags{parties: a.judge.places.parties}
		if err := f.load(a); err != nil {
			return image.Reference{}, err
		}
		if f.known.Named(who) == nil {
			return image.Reference{}, withHint(fmt.Errorf("no parties file declares party %q", who), "parties are declared in parties.toml of stagescope's configuration directory")
		}
		d, err := a.claimedDigest(ctx, s, &f, who, id)
		if err != nil {
			return image.Reference{}, err
		}
		return imageOf(d, s, f.known.Named(who).Repositories)
	}
}

// claimedDigest is the manifest that the party claims.
func (a *app) claimedDigest(ctx context.Context, s *store.Store, f *placeFlags, who, id string) (chain.Digest, error) {
	c, err := a.openChain()
	if err != nil {
		return "", err
	}
	stage, err := findStage(c, id)
	if err != nil {
		return "", err
	}
	v, err := f.verifier()
	if err != nil {
		return "", err
	}
	subjects, err := a.subjects(c, s, []*chain.Stage{stage})
	if err != nil {
		return "", err
	}
	recipe := (publish.Recipe{JSON: subjects[0].query.Recipe}).Digest()
	found, missed := publish.Find(ctx, []publish.Place{publish.NewStore(s)}, subjects[0].query)
	var newest *claim.Claim
	for _, x := range publish.Claims(v, found) {
		if x.Verification.State != claim.Verified || x.Party != who || x.Recipe != recipe || x.Failed() {
			continue
		}
		if newest == nil || x.Finished.After(newest.Finished) {
			newest = x
		}
	}
	switch {
	case newest != nil:
		return newest.Output.Manifest, nil
	case len(missed) > 0:
		return "", unreadError(missed)
	}
	return "", withHint(fmt.Errorf("the store has no verified claim of party %q on the recipe of %q", who, stage.ID), "stagescope claim pull %s looks for one", stage.ID)
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
