package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/judge"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/pgp"
	"github.com/stagescope/stagescope/chain/claim/policy"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/claim/statement"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// Options say where evidence is sought and how it is judged. The zero value takes
// what the tree says, and StageX's own rule.
type Options struct {
	Store    *store.Store // own rebuilds, and claims that were pulled; nil for none
	Parties  *party.Parties
	Policy   *policy.Policy
	Keyring  *pgp.Keyring        // nil: no signature can be verified
	Verifier *statement.Verifier // nil: with the parties' keys

	Places     []publish.Place // where signed claims are sought, beside the store
	Registries []string        // e.g. "docker.io/stagex", or with a tag "mirror.example/stagex:sx2026.03.0"
	Signatures []string        // directories or https addresses of lookasides, beside the tree's own
	Attached   Attached        // nil: attestations are not sought

	Platform  string // where a recipe leaves it open; "" means linux/amd64
	Offline   bool   // nothing is asked of the network
	Transport http.RoundTripper
	Keychain  authn.Keychain
	Now       time.Time // of judging; zero: the clock's

	Answers  []claim.Equivalence
	Progress func(Progress) // may be called by several goroutines
}

// Attached finds what a publisher attached to an image that a registry serves.
type Attached interface {
	Find(ctx context.Context, repository, stage, platform string, index, manifest chain.Digest) ([]*claim.Claim, []Unknown)
}

// Progress is how far gathering is.
type Progress struct {
	Done, All int    // stages
	What      string // what was read last
}

// Unknown is something that could not be read, so that nobody knows what it says.
type Unknown struct {
	Origin string `json:"origin"`
	Reason string `json:"reason"`
}

// Stage is one stage's verdict and what it rests on.
type Stage struct {
	Verdict claim.Verdict  `json:"verdict"`
	Claims  []*claim.Claim `json:"claims"`          // sorted by kind, party, digest
	Unknown []Unknown      `json:"unknown"`         // what may speak against the verdict
	Notes   []string       `json:"notes,omitempty"` // e.g. that a registry does not have it
}

// Report is what is known of the stages that were asked for. It is the document
// that "verify --json" prints.
type Report struct {
	V        int            `json:"v"` // of this form: 1
	Chain    string         `json:"chain"`
	Release  string         `json:"release,omitempty"`
	Platform string         `json:"platform"`
	Time     time.Time      `json:"time"`
	Policy   *policy.Policy `json:"policy"`
	Never    []string       `json:"never,omitempty"` // why nobody could meet the policy with these parties
	Parties  []string       `json:"parties"`         // whose evidence there is, sorted
	Stages   []Stage        `json:"stages"`          // in chain order
	First    []judge.First  `json:"first"`           // where disputes begin; may be below the stages asked for
	Next     []judge.Next   `json:"next"`            // rebuilds that would settle most, the best first
	Signers  []Signer       `json:"signers"`         // keys whose signatures were read
	Unknown  []Unknown      `json:"unknown"`         // about no single stage
	Notes    []string       `json:"notes,omitempty"`

	g *gathering // nil of a report that was read
}

// Answered judges the same evidence again with answers to the verdicts'
// questions. A report that was read from a file stays as it is.
func (r *Report) Answered(answers []claim.Equivalence) *Report {
	if r.g == nil || len(answers) == 0 {
		return r
	}
	r.g.o.Answers = append(slices.Clone(r.g.o.Answers), answers...)
	return r.g.report()
}

// Signer is a key that signed, in PGP signatures of any digest.
type Signer struct {
	Key        string `json:"key"`
	Party      string `json:"party,omitempty"` // of a verified signature
	Files      int    `json:"files"`
	Verified   int    `json:"verified"`
	Unverified int    `json:"unverified"`
	Refused    int    `json:"refused"`
}

// atOnce bounds how many stages are asked about at a time.
const atOnce = 8

// thisTree stands for the release of a tree that does not say which one it is.
const thisTree = "this tree"

// Judge gathers what is said about the stages with these IDs, or about all when
// none is given, and about all that they are built from, and has it judged.
func Judge(ctx context.Context, c *chain.Chain, ids []string, o Options) (*Report, error) {
	g, err := newGathering(c, ids, o)
	if err != nil {
		return nil, err
	}
	if err := g.local(ctx); err != nil {
		return nil, err
	}
	if err := g.remote(ctx); err != nil {
		return nil, err
	}
	g.signatures(ctx)
	g.attached(ctx)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("gathering evidence: %w", err)
	}
	g.self()
	return g.report(), nil
}

// gathering is one run.
type gathering struct {
	o        Options
	c        *chain.Chain
	release  string
	verifier *statement.Verifier
	asked    map[string]bool
	stages   []*gathered // the asked and all below, in chain order
	byID     map[string]*gathered
	dirs     []*lookaside
	health   map[string]*health // of registries
	signers  map[string]*Signer

	mu      sync.Mutex
	unknown []Unknown
	notes   []string
	done    int
}

// gathered is what was found about one stage.
type gathered struct {
	stage      *chain.Stage
	platform   string
	recipe     chain.Digest
	recipeJSON []byte
	results    []*rebuild.Result
	claims     []*claim.Claim
	unknown    []Unknown
	notes      []string
}

func newGathering(c *chain.Chain, ids []string, o Options) (*gathering, error) {
	if c.FS == nil {
		return nil, errors.New("gathering evidence: the chain has no files")
	}
	if o.Policy == nil {
		o.Policy = policy.Default()
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	o.Platform = cmp.Or(o.Platform, "linux/amd64")
	g := &gathering{o: o, c: c, release: cmp.Or(c.Release, thisTree), verifier: o.Verifier, asked: map[string]bool{}, byID: map[string]*gathered{},
		health: map[string]*health{}, signers: map[string]*Signer{}}
	if g.verifier == nil {
		var err error
		if g.verifier, err = statement.NewVerifier(o.Parties.StatementKeys(), nil); err != nil {
			return nil, fmt.Errorf("gathering evidence: %w", err)
		}
	}
	wanted := map[string]bool{}
	for _, id := range ids {
		if _, err := c.Stage(id); err != nil {
			return nil, fmt.Errorf("gathering evidence: %w", err)
		}
		g.asked[id], wanted[id] = true, true
		for _, s := range c.Ancestors(id) {
			wanted[s.ID] = true
		}
	}
	for _, s := range c.Stages {
		if len(ids) > 0 && !wanted[s.ID] {
			continue
		}
		if len(ids) == 0 {
			g.asked[s.ID] = true
		}
		x := &gathered{stage: s, platform: o.Platform}
		if len(s.Platforms) > 0 {
			x.platform = s.Platforms[0]
		}
		g.stages = append(g.stages, x)
		g.byID[s.ID] = x
	}
	return g, g.openSignatures()
}

// say reports progress.
func (g *gathering) say(what string, done bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if done {
		g.done++
	}
	if g.o.Progress != nil {
		g.o.Progress(Progress{Done: g.done, All: len(g.stages), What: what})
	}
}

func (g *gathering) unknownf(origin, format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unknown = append(g.unknown, Unknown{origin, fmt.Sprintf(format, args...)})
}

// remote asks about every stage where others publish, a few at a time.
func (g *gathering) remote(ctx context.Context) error {
	places := g.o.Places
	if g.o.Store != nil {
		places = append([]publish.Place{publish.NewStore(g.o.Store).Snapshot()}, places...)
	}
	var eg errgroup.Group
	eg.SetLimit(atOnce)
	for _, x := range g.stages {
		eg.Go(func() error {
			if ctx.Err() == nil {
				g.fromRegistries(ctx, x)
				g.fromPlaces(ctx, x, places)
				g.say(x.stage.ID, true)
			}
			return nil
		})
	}
	return eg.Wait()
}

// fromPlaces finds signed claims by the recipe, so that those who disagree are
// found, and by every output that is known.
func (g *gathering) fromPlaces(ctx context.Context, x *gathered, places []publish.Place) {
	if len(places) == 0 || x.recipeJSON == nil {
		return
	}
	q := publish.Query{Recipe: x.recipeJSON}
	for _, c := range x.claims {
		if d := c.Output.Manifest; d != "" && !slices.Contains(q.Outputs, d) {
			q.Outputs = append(q.Outputs, d)
		}
	}
	found, unread := publish.Find(ctx, places, q)
	for _, u := range unread {
		x.unknown = append(x.unknown, Unknown{u.Origin, u.Err.Error()})
	}
	for _, c := range publish.Claims(g.verifier, found) {
		switch {
		case c.Verification.State == claim.Refused && strings.Contains(c.Verification.Reason, statement.ErrNotRebuild.Error()):
			x.notes = append(x.notes, fmt.Sprintf("%s holds an attestation, %s, that is no claim of a rebuild", c.Origin, chain.Digest(c.Bundle.String()).Short()))
			continue
		case c.Verification.State == claim.Refused:
			c.Stage = x.stage.ID // it hung here; what it says of itself is not to be believed
		case c.Stage != x.stage.ID || !q.About(c):
			x.notes = append(x.notes, fmt.Sprintf("%s holds a claim of another stage, %q, under this one", c.Origin, c.Stage))
			continue
		}
		x.claims = append(x.claims, c)
	}
}

// report has everything judged and puts it together.
func (g *gathering) report() *Report {
	var ledger judge.Ledger
	cs := &judge.Case{Release: g.release, Parties: g.o.Parties, Policy: g.o.Policy, Now: g.o.Now, Answers: g.o.Answers}
	for _, x := range g.stages {
		for _, c := range x.claims {
			ledger.Add(c)
		}
		cs.Stages = append(cs.Stages, g.judged(x))
	}
	j := ledger.Judge(cs)
	r := &Report{V: 1, Chain: g.c.Name, Release: g.c.Release, Platform: g.o.Platform, Time: g.o.Now.UTC().Truncate(time.Second), Policy: g.o.Policy,
		Never: g.o.Policy.Never(g.o.Parties), Parties: []string{}, Stages: []Stage{}, First: notNil(j.First), Next: notNil(j.Next), Signers: []Signer{}, Unknown: append([]Unknown{}, g.unknown...), Notes: g.notes, g: g}
	parties := map[string]bool{}
	for i, x := range g.stages {
		if !g.asked[x.stage.ID] {
			for _, u := range x.unknown { // it may taint what was asked for
				r.Unknown = append(r.Unknown, Unknown{x.stage.ID + " below, " + u.Origin, u.Reason})
			}
			continue
		}
		for _, c := range x.claims {
			parties[PartyOf(c)] = true
		}
		slices.SortStableFunc(x.claims, compareClaims)
		slices.SortFunc(x.unknown, func(a, b Unknown) int {
			return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Reason, b.Reason))
		})
		slices.Sort(x.notes)
		r.Stages = append(r.Stages, Stage{Verdict: j.Verdicts[i], Claims: notNil(x.claims), Unknown: notNil(x.unknown), Notes: x.notes})
	}
	for p := range parties {
		r.Parties = append(r.Parties, p)
	}
	slices.Sort(r.Parties)
	for _, s := range g.signers {
		r.Signers = append(r.Signers, *s)
	}
	slices.SortFunc(r.Signers, func(a, b Signer) int { return cmp.Or(cmp.Compare(b.Files, a.Files), cmp.Compare(a.Key, b.Key)) })
	return r
}

func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// judged is a stage as the judge takes it.
func (g *gathering) judged(x *gathered) judge.Stage {
	s := judge.Stage{ID: x.stage.ID, Recipe: x.recipe, Hours: hours(x.claims)}
	for _, n := range g.c.Needs(x.stage.ID) {
		s.Needs = append(s.Needs, n.ID)
	}
	s.Seed = g.seed(x.stage)
	return s
}

// maxSeed bounds what is read of a file to see whether it is a binary.
const maxSeed = 64 << 10

// seed says whether a stage is nothing but a binary that nobody built: no step,
// no stage below, no source, and a file in its package that hides what it is.
func (g *gathering) seed(s *chain.Stage) bool {
	if len(s.Steps)+len(s.Needs)+len(s.Sources) > 0 || s.Broken != "" {
		return false
	}
	fsys, err := s.ContextFS(g.c)
	if err != nil {
		return false // it is then judged like any other
	}
	found := false
	_ = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || found || !d.Type().IsRegular() {
			return err
		}
		f, err := fsys.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSeed))
		found = found || audit.Look(data).Class.Opaque()
		return err
	})
	return found
}

// hours is how long a rebuild took those who say so, the longest of them.
func hours(claims []*claim.Claim) float64 {
	var most time.Duration
	for _, c := range claims {
		if c.Verification.State == claim.Verified && !c.Started.IsZero() && !c.Failed() {
			most = max(most, c.Finished.Sub(c.Started))
		}
	}
	return most.Hours()
}

// PartyOf is how a claim's party is named where it may be nobody known.
func PartyOf(c *claim.Claim) string {
	if c.Party != "" {
		return c.Party
	}
	return "key " + cmp.Or(shortKey(c.Key), "unknown")
}

// shortKey is enough of a fingerprint to recognise it.
func shortKey(key string) string {
	if d, ok := strings.CutPrefix(key, "sha256:"); ok {
		return d[:min(12, len(d))]
	}
	if len(key) > 16 {
		return key[len(key)-16:] // the long key ID, as PGP's tools print it
	}
	return key
}

func compareClaims(a, b *claim.Claim) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(PartyOf(a), PartyOf(b)), cmp.Compare(a.Output.At(a.Output.Level()), b.Output.At(b.Output.Level())),
		a.Finished.Compare(b.Finished), cmp.Compare(a.Bundle.String(), b.Bundle.String()), cmp.Compare(a.Origin, b.Origin))
}
