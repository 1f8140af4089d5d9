package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// pullDocument is what "claim pull --json" prints.
type pullDocument struct {
	Complete bool               `json:"complete"` // whether all places and entries could be read
	Found    int                `json:"found"`    // bundles
	New      int                `json:"new"`      // that the store did not have
	Files    int                `json:"files"`    // lists of files that the store has of them, with --files
	States   map[string]int     `json:"states"`   // of what was found: verified, unverified, refused
	Books    []bookSeenDocument `json:"books"`
	Unread   []unreadDocument   `json:"unread"`

	bad error // proven against a place
}

// bookSeenDocument is a book that was read.
type bookSeenDocument struct {
	bookDocument
	Dropped []chain.Digest `json:"dropped,omitempty"` // bundles that the book seen before listed
	Rewound string         `json:"rewound,omitempty"` // how it contradicts the book seen before
}

func (a *app) claimPullCmd() *cobra.Command {
	var f placeFlags
	var all, files bool
	c := &cobra.Command{
		Use:   "pull STAGE… | --all [--from PLACE]",
		Short: "Find what others claim of stages, and keep it in the store",
		Long: `Pull looks in places for claims about the stages: by their recipes, so that those
are found who disagree, and by the digests that the tree publishes and that own
rebuilds gave. It looks in the places of --from, else where the parties of the
parties file publish; with --from and --parties in both. It reads the book of the
release too. All bundles are kept in the
store, verified or not; verify and claim list say what each is worth. --files keeps
the lists of files that go with verified claims too, about 100 bytes a file, so that
diff can say without the network in which files an image differs that is nowhere to
be had; without it diff gets a list when it needs it.

A place or an entry that could not be read is listed as unknown, with exit code
2: nobody may say then that there is no dissent. A book that does not continue
the one that was seen before is proof that something was taken back, or that
others are shown something else: exit code 1.

--json prints one object: complete, found, new, files, states, books (place, release,
book, prev, entries, dropped, rewound) and unread (origin, error).`,
		Example: `  stagescope claim pull --all --parties parties.toml
  stagescope claim pull core-bash --from ghcr.io/alice/stagex-claims
  stagescope claim pull --all --from ./stick --offline`,
		ValidArgsFunction: a.completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return withHint(errors.New("name stages, or --all"), "stagescope list prints the stages")
			}
			return a.claimPull(cmd.Context(), args, all, files, &f)
		},
	}
	c.Flags().StringArrayVar(&f.names, "from", nil, "`PLACE` to look in (repeatable)")
	c.Flags().BoolVar(&all, "all", false, "every stage")
	c.Flags().BoolVar(&files, "files", false, "keep the lists of files of verified claims too")
	f.trustFlags(c)
	return c
}

// trustFlags adds the flags that say who is believed.
func (f *placeFlags) trustFlags(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.trust, "trust", nil, "`NAME=FILE`: a party and its public key, beside those of the parties file (repeatable)")
	f.parties.add(c)
	c.Flags().StringVar(&f.caFile, "ca-file", "", "`FILE` of further certificate authorities, in PEM")
}

// subject is a stage of which claims are sought.
type subject struct {
	stage *chain.Stage
	query publish.Query
}

// subjects says by what the claims on stages are found.
func (a *app) subjects(c *chain.Chain, st *store.Store, stages []*chain.Stage) ([]subject, error) {
	own := map[string][]chain.Digest{}
	results, err := rebuild.Results(st, "")
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		if d := r.Digests.Manifest; d != "" && !slices.Contains(own[r.Stage], d) {
			own[r.Stage] = append(own[r.Stage], d)
		}
	}
	var out []subject
	for _, s := range stages {
		_, json, err := rebuild.RecipeDigest(c, s, a.platform)
		if err != nil {
			return nil, err
		}
		q := publish.Query{Recipe: json, Outputs: own[s.ID]}
		for _, p := range s.Published {
			if p.Level == chain.LevelManifest && !slices.Contains(q.Outputs, p.Digest) {
				q.Outputs = append(q.Outputs, p.Digest)
			}
		}
		out = append(out, subject{s, q})
	}
	return out, nil
}

// stagesAtOnce bounds for how many stages places are asked at the same time.
const stagesAtOnce = 4

// search looks for the claims on subjects in places, in the subjects' order.
func search(ctx context.Context, places []publish.Place, subjects []subject) (found [][]publish.Found, missed []publish.Unread, err error) {
	found = make([][]publish.Found, len(subjects))
	unread := make([][]publish.Unread, len(subjects))
	var g errgroup.Group
	g.SetLimit(stagesAtOnce)
	for i, s := range subjects {
		g.Go(func() error {
			found[i], unread[i] = publish.Find(ctx, places, s.query)
			return nil
		})
	}
	_ = g.Wait() // what failed is in unread
	said := map[string]bool{}
	for _, u := range slices.Concat(unread...) {
		if !said[u.Error()] { // what is damaged is met once for each stage
			said[u.Error()] = true
			missed = append(missed, u)
		}
	}
	return found, missed, ctx.Err()
}

// puller is one run of the verb.
type puller struct {
	a      *app
	store  *store.Store
	own    *publish.Store
	places []publish.Place
	doc    pullDocument
	missed []publish.Unread
	found  map[chain.Digest]publish.Found
	files  bool // lists of files are kept too
}

func (a *app) claimPull(ctx context.Context, args []string, all, files bool, f *placeFlags) error {
	if err := f.load(a); err != nil {
		return err
	}
	if f.repositories(); len(f.names) == 0 {
		return withHint(errors.New("no place to look in"), "give --from REGISTRY/REPOSITORY or --from ./DIR, or --parties FILE that names some")
	}
	p := &puller{a: a, found: map[chain.Digest]publish.Found{}, files: files}
	p.doc = pullDocument{States: map[string]int{}, Books: []bookSeenDocument{}}
	v, err := f.verifier()
	if err != nil {
		return err
	}
	if p.places, err = f.open(a); err != nil {
		return err
	}
	c, err := a.openChain()
	if err != nil {
		return err
	}
	stages := c.Stages
	if !all {
		if stages, err = findStages(c, args); err != nil {
			return err
		}
	}
	if p.store, p.own, err = a.openStoreAsPlace(); err != nil {
		return err
	}
	subjects, err := a.subjects(c, p.store, stages)
	if err != nil {
		return err
	}
	if err := p.search(ctx, subjects); err != nil {
		return err
	}
	if err := p.books(ctx, c.Release, subjects); err != nil {
		return err
	}
	if err := p.keep(ctx, v, subjects); err != nil {
		return err
	}
	if files {
		if err := p.lists(ctx, v, subjects); err != nil {
			return err
		}
	}
	return p.report()
}

func (p *puller) search(ctx context.Context, subjects []subject) error {
	found, missed, err := search(ctx, p.places, subjects)
	p.missed = append(p.missed, missed...)
	for _, list := range found {
		p.add(list)
	}
	return err
}

func (p *puller) add(list []publish.Found) {
	for _, f := range list {
		if have, ok := p.found[f.Digest]; ok {
			f.Hung = append(have.Hung, f.Hung...)
		}
		p.found[f.Digest] = f
	}
}

// books reads the book of the release in every place: for what its lists of
// referrers withhold, and for what was taken back.
func (p *puller) books(ctx context.Context, release string, subjects []subject) error {
	for _, place := range p.places {
		last, seen, err := publish.LastBook(p.store, place.Name(), release)
		if err != nil {
			return withHint(err, "stagescope store verify says what is damaged")
		}
		b, err := publish.ReadBook(ctx, place, release)
		if errors.Is(err, publish.ErrNotFound) {
			b, err = nil, nil
		}
		if err != nil {
			p.missed = append(p.missed, publish.Unread{Origin: place.Name() + ":" + publish.BookTag(release), Err: err})
			continue
		}
		if b == nil && last == nil {
			continue
		}
		if err := p.book(ctx, place, release, b, last, seen); err != nil {
			return err
		}
		if b != nil {
			p.listed(ctx, place, b, subjects)
		}
	}
	return nil
}

// book compares a book with the one that was seen before.
func (p *puller) book(ctx context.Context, place publish.Place, release string, b, last *publish.Book, seen time.Time) error {
	d := bookSeenDocument{bookDocument: bookDocument{Place: place.Name(), Release: release}}
	older := chain.Digest("")
	if last != nil {
		older = last.Digest
	}
	if b != nil {
		d.Book, d.Prev, d.Entries = b.Digest, b.Prev, len(b.Entries)
	}
	switch err := publish.Continues(ctx, place, b, older); {
	case errors.Is(err, publish.ErrRewound):
		d.Rewound = fmt.Sprintf("%v (%s)", err, seen.Format(time.RFC3339))
		p.doc.bad = errors.Join(p.doc.bad, err)
	case err != nil:
		p.missed = append(p.missed, publish.Unread{Origin: place.Name() + ":" + publish.BookTag(release), Err: err})
	default:
		if last != nil {
			for _, e := range b.Dropped(last) {
				d.Dropped = append(d.Dropped, e.Bundle)
			}
		}
		if older != b.Digest {
			if err := publish.Remember(ctx, p.store, place.Name(), b, time.Now()); err != nil {
				return err
			}
		}
	}
	if len(d.Dropped) > 0 {
		p.doc.bad = errors.Join(p.doc.bad, fmt.Errorf("%s took %d claims of its book back", place.Name(), len(d.Dropped)))
	}
	p.doc.Books = append(p.doc.Books, d)
	return nil
}

// listed reads what a book lists of the subjects and was not found otherwise.
func (p *puller) listed(ctx context.Context, place publish.Place, b *publish.Book, subjects []subject) {
	wanted := map[chain.Digest]bool{}
	for _, s := range subjects {
		wanted[(publish.Recipe{JSON: s.query.Recipe}).Digest()] = true
	}
	entries := slices.DeleteFunc(slices.Clone(b.Entries), func(e publish.BookEntry) bool {
		_, have := p.found[e.Bundle]
		return have || !wanted[e.Recipe]
	})
	found, missed := publish.FindListed(ctx, place, entries)
	p.missed = append(p.missed, missed...)
	p.add(found)
}

// keep puts what was found into the store, and counts what it is worth.
func (p *puller) keep(ctx context.Context, v *statement.Verifier, subjects []subject) error {
	var list []publish.Found
	for _, f := range p.found {
		c := v.Verify(f.Data)
		p.doc.States[c.Verification.State.String()]++
		if !p.store.Has(f.Digest) {
			p.doc.New++
		}
		if c.Verification.State == claim.Refused && c.Recipe == "" {
			continue // no claim at all; only counted
		}
		list = append(list, f)
	}
	p.doc.Found = len(p.found)
	_, missed := publish.Copy(ctx, p.own, list)
	p.missed = append(p.missed, missed...)
	for _, s := range subjects {
		if err := publish.PutRecipe(ctx, p.own, s.query.Recipe); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (p *puller) report() error {
	p.doc.Complete, p.doc.Unread = len(p.missed) == 0, unreadOf(p.missed)
	if p.a.json {
		if err := p.a.printJSON(p.doc); err != nil {
			return err
		}
	} else {
		p.print()
	}
	if p.doc.bad != nil {
		return errProven
	}
	return unreadError(p.missed)
}

func (p *puller) print() {
	say := func(format string, args ...any) { p.a.sayTo(p.a.out, format, args...) }
	p.a.printUnread(p.missed)
	for _, b := range p.doc.Books {
		switch {
		case b.Rewound != "":
			say("REWOUND  %s", b.Rewound)
		case len(b.Dropped) > 0:
			say("DROPPED  %d claims that %s listed before, first %s", len(b.Dropped), b.Place, b.Dropped[0])
		}
		if b.Book != "" {
			say("book     %s of %s in %s: %d claims", b.Book, releaseText(b.Release), b.Place, b.Entries)
		}
	}
	text := ""
	for _, s := range []claim.State{claim.Verified, claim.Unverified, claim.Refused} {
		if n := p.doc.States[s.String()]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, s)
		}
	}
	say("%d claims found%s; %d of them new in the store", p.doc.Found, text, p.doc.New)
	if p.files {
		say("%d lists of files of them are in the store", p.doc.Files)
	}
}
