package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/publish"
)

// claimsDocument is what "claim list --json" prints.
type claimsDocument struct {
	Complete bool             `json:"complete"` // whether all places and entries could be read
	Stages   []stageClaims    `json:"stages"`   // in chain order
	Unread   []unreadDocument `json:"unread"`
}

type stageClaims struct {
	Stage  string        `json:"stage"`
	Recipe chain.Digest  `json:"recipe"`
	Claims []listedClaim `json:"claims"`
}

// listedClaim is a claim and what is odd about where it was found.
type listedClaim struct {
	*claim.Claim
	Note string `json:"note,omitempty"`
}

func (a *app) claimListCmd() *cobra.Command {
	var f placeFlags
	c := &cobra.Command{
		Use:   "list [STAGE…]",
		Short: "The signed claims that the store and places hold",
		Long: `List prints the signed claims about stages (all, when none is named) that the
store holds, and those of the places of --from: who signed, whether the signature
is that of a party whose key is known, and what is claimed. It does not judge:
verify does.

A claim of an unknown key is anybody's word, and "unverified". One that is
malformed, tampered with, or contradicts itself is "refused", with the reason.
What could not be read is "unknown", with exit code 2.

--json prints one object: complete, stages (stage, recipe, claims) and unread. A
claim has kind, party, key, origin, bundle, stage, platform, release, commit,
version, recipe, input, inputs, sources, output, failure, mode, repeats,
identical, environment, verification (state, reason) and more; note says what is
odd about where it was found.`,
		Example: `  stagescope claim list core-bash --parties parties.toml
  stagescope claim list core-bash --trust alice=alice.pub
  stagescope claim list --from ghcr.io/alice/stagex-claims --json`,
		ValidArgsFunction: a.completeStages,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.claimList(cmd.Context(), args, &f) },
	}
	c.Flags().StringArrayVar(&f.names, "from", nil, "`PLACE` to look in beside the store (repeatable)")
	f.trustFlags(c)
	return c
}

func (a *app) claimList(ctx context.Context, args []string, f *placeFlags) error {
	if err := f.load(a); err != nil {
		return err
	}
	v, err := f.verifier()
	if err != nil {
		return err
	}
	places, err := f.open(a)
	if err != nil {
		return err
	}
	c, err := a.openChain()
	if err != nil {
		return err
	}
	stages := c.Stages
	if len(args) > 0 {
		if stages, err = findStages(c, args); err != nil {
			return err
		}
	}
	st, own, err := a.openStoreAsPlace()
	if err != nil {
		return err
	}
	subjects, err := a.subjects(c, st, stages)
	if err != nil {
		return err
	}
	found, missed, err := search(ctx, append([]publish.Place{own.Snapshot()}, places...), subjects)
	if err != nil {
		return err
	}
	doc := claimsDocument{Complete: len(missed) == 0, Stages: []stageClaims{}, Unread: unreadOf(missed)}
	for i, s := range subjects {
		if len(found[i]) > 0 || len(args) > 0 {
			doc.Stages = append(doc.Stages, listedOf(s, publish.Claims(v, found[i])))
		}
	}
	if a.json {
		if err := a.printJSON(doc); err != nil {
			return err
		}
	} else {
		a.printClaims(&doc, missed)
	}
	return unreadError(missed)
}

// listedOf puts a stage's claims in order: the best known first, then by party
// and time.
func listedOf(s subject, claims []*claim.Claim) stageClaims {
	out := stageClaims{Stage: s.stage.ID, Recipe: (publish.Recipe{JSON: s.query.Recipe}).Digest(), Claims: []listedClaim{}}
	for _, c := range claims {
		l := listedClaim{Claim: c}
		switch {
		case c.Verification.State == claim.Refused && c.Recipe == "":
		case c.Recipe != out.Recipe && c.Stage != s.stage.ID:
			l.Note = fmt.Sprintf("it was found here, and is about %s", c.Stage)
		case c.Recipe != out.Recipe:
			l.Note = fmt.Sprintf("it is about another recipe, %s", c.Recipe)
		}
		out.Claims = append(out.Claims, l)
	}
	slices.SortStableFunc(out.Claims, func(x, y listedClaim) int {
		return cmp.Or(cmp.Compare(x.Verification.State, y.Verification.State), strings.Compare(x.Party, y.Party),
			x.Finished.Compare(y.Finished), strings.Compare(x.Bundle.String(), y.Bundle.String()))
	})
	return out
}

func (a *app) printClaims(doc *claimsDocument, missed []publish.Unread) {
	a.printUnread(missed)
	n := 0
	for _, s := range doc.Stages {
		a.sayTo(a.out, "%s, recipe %s", s.Stage, s.Recipe)
		for _, c := range s.Claims {
			n++
			a.printClaim(c)
		}
	}
	a.sayTo(a.out, "%d claims on %d stages", n, len(doc.Stages))
}

func (a *app) printClaim(c listedClaim) {
	say := func(format string, args ...any) { fmt.Fprint(a.out, "  "); a.sayTo(a.out, format, args...) }
	who := "key " + chain.Digest(c.Key).Short()
	if c.Key == "" {
		who = "nobody"
	}
	if c.Party != "" {
		who = c.Party
	}
	say("%-10s %s: %s", c.Verification.State, who, claimText(c.Claim))
	for _, line := range []string{c.Verification.Reason, c.Note} {
		if line != "" {
			say("           %s", line)
		}
	}
	say("           bundle %s, in %s", c.Bundle, c.Origin)
}

// claimText says what is claimed.
func claimText(c *claim.Claim) string {
	if c.Verification.State == claim.Refused {
		return "nothing that counts"
	}
	text := fmt.Sprintf("%s manifest %s", c.Mode, c.Output.Manifest)
	if c.Failed() {
		text = fmt.Sprintf("the build failed in %q with code %d", c.Failure.Phase, c.Failure.Exit)
	}
	if c.Repeats > 0 {
		text += fmt.Sprintf(", %d of %d times", c.Identical, c.Repeats)
	}
	if c.Environment.CPUVendor != "" {
		text += ", on " + c.Environment.CPUVendor
	}
	if !c.Finished.IsZero() {
		text += ", " + c.Finished.UTC().Format(time.DateOnly)
	}
	return text
}
