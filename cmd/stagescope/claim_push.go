package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// pushDocument is what "claim push --json" prints.
type pushDocument struct {
	Complete bool               `json:"complete"` // whether every stage named was pushed
	Key      chain.Digest       `json:"key"`      // fingerprint of the key that signed
	Pushed   []*publish.Receipt `json:"pushed"`
	Books    []bookDocument     `json:"books"`
	Refused  []refusedDocument  `json:"refused"`
}

type bookDocument struct {
	Place   string       `json:"place"`
	Release string       `json:"release"`
	Book    chain.Digest `json:"book"`
	Prev    chain.Digest `json:"prev,omitempty"` // the book before
	Entries int          `json:"entries"`
}

type refusedDocument struct {
	Stage  string `json:"stage"`
	Reason string `json:"reason"`
}

// pushFlags are the flags of the verb.
type pushFlags struct {
	places          placeFlags
	key, signer     string
	party           string
	image, failures bool
	noLog, noFiles  bool
	all             bool
	stagex          stagexFlags
}

func (a *app) claimPushCmd() *cobra.Command {
	var f pushFlags
	c := &cobra.Command{
		Use:   "push STAGE… | --all --to PLACE --key FILE",
		Short: "Sign and publish what your own rebuilds gave",
		Long: `Push signs a claim about the newest own rebuild of each stage that the store
holds, of the recipe as it is in the tree, and publishes it: the recipe, the
claim under the recipe and under the image's digest, the log, the digests of the
steps and the list of files; with --image the image too. A stage that was not
rebuilt here is refused, as is a result of another recipe. The claim stays in
the store as well.

A claim that differs from what others say is as welcome as one that agrees. That
a build failed is published with --failures.

The book of the release in each place (tag book-RELEASE) lists all claims. It
names the book before: when the one that was seen here is not among them, push
stops with exit code 1, as something was taken back.

With --stagex DIR it writes StageX's own signature files instead, below DIR as
containers' lookaside servers have them, each signed by gpg with the key of
--pgp; a token may ask to be touched. What is signed already is left alone, so
that a run that was stopped goes on where it was. Only an own rebuild that gives
the digest which the tree publishes is signed, on images built here as well, and
nothing that a claim in the store disputes ("claim pull" brings those of others).

--json prints one object: complete, key, pushed (place, stage, recipe,
recipeManifest, output, bundle, image, notes), books (place, release, book, prev,
entries) and refused (stage, reason); with --stagex complete, dir, key, signed
(stage, digest, path, there) and refused.`,
		Example: `  stagescope claim push core-bash --to ghcr.io/alice/stagex-claims --key claims.key
  stagescope claim push --all --to ./stick --key claims.key --image
  stagescope claim push --all --stagex ./signatures --pgp 0123456789ABCDEF0123456789ABCDEF01234567
  stagescope claim push core-bash --to ghcr.io/alice/stagex-claims --key yubi.pub \
    --signer "cosign sign-blob --sk --yes --use-signing-config=false --new-bundle-format=false --tlog-upload=false -"`,
		ValidArgsFunction: a.completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.stagex.dir != "" {
				return a.claimPushStageX(cmd.Context(), args, &f)
			}
			return a.claimPush(cmd.Context(), args, &f)
		},
	}
	fl := c.Flags()
	fl.StringArrayVar(&f.places.names, "to", nil, "`PLACE` to publish in (repeatable)")
	fl.StringVar(&f.key, "key", "", "`FILE` of the key to sign with; with --signer the public one")
	fl.StringVar(&f.signer, "signer", "", "`COMMAND` that signs its standard input and prints the signature")
	fl.BoolVar(&f.image, "image", false, "publish the image too")
	fl.BoolVar(&f.failures, "failures", false, "publish that builds failed")
	fl.BoolVar(&f.noLog, "no-log", false, "leave the log out")
	fl.BoolVar(&f.noFiles, "no-files", false, "leave the list of files, and the tree root, out")
	fl.BoolVar(&f.all, "all", false, "every stage that was rebuilt here")
	fl.StringVar(&f.party, "party", "", "`NAME` whose key it is by the parties file, and whose repositories are the default for --to")
	f.stagex.add(c)
	f.places.parties.add(c)
	fl.StringVar(&f.places.caFile, "ca-file", "", "`FILE` of further certificate authorities, in PEM")
	return c
}

// pusher is one run of the verb.
type pusher struct {
	a      *app
	f      *pushFlags
	chain  *chain.Chain
	store  *store.Store
	own    *publish.Store
	places []publish.Place
	signer statement.Signer
	key    chain.Digest
	tree   treeOrigin
	doc    pushDocument
	put    map[string]map[string][]*publish.Receipt // by place and release
}

func (a *app) claimPush(ctx context.Context, args []string, f *pushFlags) error {
	p, stages, err := a.newPusher(args, f)
	if err != nil {
		return err
	}
	for _, s := range stages {
		if err = p.stage(ctx, s); err != nil {
			break
		}
	}
	// What was put before an error is in no book yet.
	err = errors.Join(err, p.books(context.WithoutCancel(ctx)))
	p.doc.Complete = err == nil && len(p.doc.Refused) == 0
	if a.json {
		err = errors.Join(err, a.printJSON(p.doc))
	} else {
		p.print()
	}
	switch {
	case errors.Is(err, publish.ErrRewound):
		a.sayTo(a.err, "stagescope: %v", err)
		return errProven
	case err != nil:
		return placeHint(err)
	case len(p.doc.Pushed)+len(p.doc.Refused) == 0:
		return withHint(errors.New("no stage of the tree was rebuilt here"), "stagescope rebuild --all, or name stages")
	case len(p.doc.Refused) > 0:
		r := p.doc.Refused[0]
		return withHint(fmt.Errorf("%d of %d stages were refused; first %s: %s", len(p.doc.Refused), len(stages), r.Stage, r.Reason), "stagescope rebuild %s builds it here", r.Stage)
	}
	return nil
}

func (a *app) newPusher(args []string, f *pushFlags) (*pusher, []*chain.Stage, error) {
	if f.all == (len(args) > 0) {
		return nil, nil, withHint(errors.New("name stages, or --all"), "stagescope list prints the stages")
	}
	who, err := a.pushingParty(f)
	if err != nil {
		return nil, nil, err
	}
	if len(f.places.names) == 0 {
		return nil, nil, withHint(errors.New("no place to publish in"), "give --to REGISTRY/REPOSITORY or --to ./DIR")
	}
	p := &pusher{a: a, f: f, put: map[string]map[string][]*publish.Receipt{}}
	p.doc = pushDocument{Pushed: []*publish.Receipt{}, Books: []bookDocument{}, Refused: []refusedDocument{}}
	if p.places, err = f.places.open(a); err != nil {
		return nil, nil, err
	}
	if p.chain, err = a.openChain(); err != nil {
		return nil, nil, err
	}
	stages := p.chain.Stages
	if !f.all {
		if stages, err = findStages(p.chain, args); err != nil {
			return nil, nil, err
		}
	}
	if p.store, p.own, err = a.openStoreAsPlace(); err != nil {
		return nil, nil, err
	}
	if p.signer, err = a.signer(f.key, f.signer); err != nil {
		return nil, nil, err
	}
	if p.key, err = statement.Fingerprint(p.signer.Public()); err != nil {
		return nil, nil, err
	}
	p.doc.Key, p.tree = p.key, originOf(p.chain)
	return p, stages, ownsKey(who, p.key)
}

// pushingParty is the party of --party, else the one that the parties file says
// is the user; nil when there is neither. Its repositories stand for --to.
func (a *app) pushingParty(f *pushFlags) (*party.Party, error) {
	if err := f.places.load(a); err != nil {
		return nil, err
	}
	who := f.places.known.Self()
	if f.party != "" {
		if who = f.places.known.Named(f.party); who == nil {
			return nil, withHint(fmt.Errorf("no parties file declares party %q", f.party), "name the file with --parties, or leave out --party")
		}
	}
	if who != nil && len(f.places.names) == 0 {
		f.places.names = who.Repositories
	}
	return who, nil
}

// ownsKey refuses a key that others would take for nobody's.
func ownsKey(who *party.Party, key chain.Digest) error {
	if who == nil || slices.ContainsFunc(who.Keys, func(k party.Key) bool { return k.Fingerprint == key && !k.Revoked }) {
		return nil
	}
	return withHint(fmt.Errorf("key %s is none of party %q's", key, who.Name), "add it to the parties file, or give another --key or --party")
}

// stage publishes one stage's claim everywhere.
func (p *pusher) stage(ctx context.Context, s *chain.Stage) error {
	all, err := rebuild.Results(p.store, s.ID)
	if err != nil {
		return err
	}
	current := slices.DeleteFunc(slices.Clone(all), func(r *rebuild.Result) bool { return !rebuild.Current(p.chain, r) })
	r, why := p.choose(all, current)
	if r == nil {
		if !p.f.all || len(all) > 0 {
			p.doc.Refused = append(p.doc.Refused, refusedDocument{s.ID, why})
		}
		return nil
	}
	pub, err := p.publication(ctx, s, r, current)
	var refused *refusal
	if errors.As(err, &refused) {
		p.doc.Refused = append(p.doc.Refused, refusedDocument{s.ID, refused.Error()})
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.ID, err)
	}
	image := pub.Image
	pub.Image = "" // the store has it
	if _, err := publish.Put(ctx, p.own, *pub); err != nil {
		return err
	}
	pub.Image = image
	for _, to := range p.places {
		receipt, err := publish.Put(ctx, to, *pub)
		if err != nil {
			return err
		}
		p.doc.Pushed = append(p.doc.Pushed, receipt)
		if p.put[to.Name()] == nil {
			p.put[to.Name()] = map[string][]*publish.Receipt{}
		}
		p.put[to.Name()][r.Release] = append(p.put[to.Name()][r.Release], receipt)
	}
	return nil
}

// choose gives the result to publish: the newest that says something about the
// recipe of today.
func (p *pusher) choose(all, current []*rebuild.Result) (*rebuild.Result, string) {
	switch {
	case len(all) == 0:
		return nil, "it was not rebuilt here"
	case len(current) == 0:
		return nil, "it was rebuilt here only from another recipe than the tree has now"
	}
	// The newest first, and before all those that ran in another environment.
	order := slices.Clone(current)
	slices.SortStableFunc(order, func(a, b *rebuild.Result) int { return cmp.Compare(varied(a), varied(b)) })
	why := ""
	for _, r := range order {
		c := r.Claim(current)
		switch {
		case c == nil:
			why = fmt.Sprintf("its rebuild of %s gave nothing to claim: %s", r.Started.Format(time.RFC3339), r.Verdict.Status)
			continue
		case c.Failed() && !p.f.failures:
			return nil, fmt.Sprintf("its newest rebuild failed in %q; --failures publishes that", c.Failure.Phase)
		}
		return r, ""
	}
	return nil, why
}

func varied(r *rebuild.Result) int {
	if r.Varied() {
		return 1
	}
	return 0
}

// books writes the book of each release in each place.
func (p *pusher) books(ctx context.Context) error {
	var errs []error
	for _, to := range p.places {
		for release, put := range p.put[to.Name()] {
			errs = append(errs, p.book(ctx, to, release, put))
		}
	}
	return errors.Join(errs...)
}

func (p *pusher) book(ctx context.Context, to publish.Place, release string, put []*publish.Receipt) error {
	last, _, err := publish.LastBook(p.store, to.Name(), release)
	if err != nil {
		return err
	}
	older := chain.Digest("")
	if last != nil {
		older = last.Digest
	}
	b, err := publish.AddToBook(ctx, to, release, older, put)
	if err != nil {
		return err
	}
	p.doc.Books = append(p.doc.Books, bookDocument{to.Name(), release, b.Digest, b.Prev, len(b.Entries)})
	return publish.Remember(ctx, p.store, to.Name(), b, time.Now())
}

func (p *pusher) print() {
	say := func(format string, args ...any) { p.a.sayTo(p.a.out, format, args...) }
	for _, r := range p.doc.Pushed {
		what := fmt.Sprintf("manifest %s", r.Output)
		if r.Output == "" {
			what = "a failed build"
		}
		say("pushed   %s: %s of recipe %s, in %s", r.Stage, what, r.Recipe, r.Place)
		for _, n := range r.Notes {
			say("  note: %s", n)
		}
	}
	for _, b := range p.doc.Books {
		say("book     %s of %s in %s: %d claims", b.Book, releaseText(b.Release), b.Place, b.Entries)
	}
	for _, r := range p.doc.Refused {
		say("refused  %s: %s", r.Stage, r.Reason)
	}
}

func releaseText(release string) string {
	if release == "" {
		return "no release"
	}
	return fmt.Sprintf("%q", release)
}

// openBlob opens a blob of the store, for sending.
func openBlob(s *store.Store, d chain.Digest) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return s.Blob(d) }
}
