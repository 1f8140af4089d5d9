package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/claim/party"
	"github.com/stagescope/stagescope/chain/claim/policy"
	"github.com/stagescope/stagescope/chain/claim/publish"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/rebuild/evidence"
)

// verifyFlags say where evidence is sought and how it is judged.
type verifyFlags struct {
	all        bool
	places     placeFlags
	policy     string
	policyName string
	registries []string
	signatures []string
	since      string
	matrix     bool
	release    string
	attest     attestFlags
	outside    outsideFlags
}

// judgedDocument is what "verify --json" prints: the report and, with --since,
// what changed.
type judgedDocument struct {
	*evidence.Report
	Changes []evidence.Change `json:"changes,omitempty"`
}

const verifyHelp = `Verify gathers all that anyone says about the stages: the digests that the tree
publishes, PGP signatures (in the tree, with --signatures in a directory or at an
https address), what registries serve (--registry), signed claims of rebuilds
(where the parties of the parties file publish, with --from in other places, and
in the store), and own rebuilds. It looks at all stages below too, since an
image is worth no more than what it is built from. Nothing is built and no layer
is fetched.

By default StageX's own rule decides: two persons on CPUs of two makers rebuilt
it, pulled images count for nothing, and nobody whose claim is verified
disagrees. --policy reads another one. What is not verified never counts; who
disagrees is never outvoted. What could not be read is "unknown", and said.

Statuses: reproduced (the policy is met), single (fewer agree), self only, signed
(by persons who say nothing of a build), unclaimed, seed, equivalent (outputs
differ by known causes only), reconverged (one output from disputed inputs),
flaky, failed, tainted (built from what is disputed) and disputed. A dispute is a
stage's own where equal inputs gave different outputs; else it comes from below,
and the first divergence says from where.

For one or a few stages it prints who says what; for many a list, with --matrix a
table of parties by stages: A is the side with most claims, B, C… disagree with
it, "?" is not verified, "!" refused, "x" could not build it.

With --registry it also shows what publishers attached to the images that are
served: cosign signatures, SLSA provenance, SBOMs, verified with --attest-key and
--trusted-root. They say who built an image, never that it follows from its
source, and count for no verdict.

--release R is for who publishes: it asks every registry for the tags sxR, the
version and latest of every stage, and says who of the persons in the parties
file has still to rebuild what. Exit code 1: a tag serves something else than the
tree publishes. With --json: release, registries, done and stages (stage, digest,
tags, wait, signed).

A DIGEST or IMAGE from outside is looked up instead, as "show" does: whose it is,
what superseded it, what a mirror changed.

Where two digests may be one image in two wrappings and the store has an image of
one, it is written again as known tools do; if the other comes out, the stage is
equivalent, which meets a policy of level rootfs or files only.

Exit code 0: the policy is met by every stage that was asked for, and all was
read. Exit code 1: a dispute is proven, of a stage or of what it is built from,
or, with --since, somebody disagrees who did not before. Exit code 2: nothing is
proven either way: too few have rebuilt it, or something could not be read.

--since FILE compares with a report that was saved with --json and prints what
changed; then only new dissent gives exit code 1, for use in cron.

--json prints one object: v, chain, release, platform, time, policy, never (why
nobody could meet it), parties, stages (verdict, claims, unknown, notes), first
(stage, affected, assumed: where disputes begin), next (stage, dispute, settles,
hours, why: which rebuild would settle most), signers (key, party, files,
verified, unverified, refused), unknown, notes and changes. A verdict has stage,
recipe, status, met, lacks, output, level, persons, cpuVendors, signers, groups,
taint, from, own, assumed, rate, trials, causes, flags, questions and skipped.`

func (a *app) verifyCmd() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify STAGE…|DIGEST|IMAGE|--all",
		Short: "Judge what everyone says about stages by a policy, without building",
		Long:  verifyHelp,
		Example: `  stagescope verify stage0
  stagescope --tree ~/stagex verify --all --matrix
  stagescope --tree ~/stagex verify core-bash --registry docker.io/stagex --registry quay.io/stagex
  stagescope --tree ~/stagex verify --all --parties parties.toml --policy policy.toml --json > today.json
  stagescope --tree ~/stagex verify --all --parties parties.toml --since yesterday.json
  stagescope --tree ~/stagex verify --release 2026.03.0 --registry docker.io/stagex --registry quay.io/stagex --parties parties.toml`,
		ValidArgsFunction: a.completeStages,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), args, &f) },
	}
	f.addTo(c)
	fl := c.Flags()
	fl.BoolVar(&f.all, "all", false, "all stages of the chain")
	fl.StringVar(&f.policyName, "policy-name", "", "`NAME` of the policy in the file, where it has several and none is called release")
	fl.StringArrayVar(&f.signatures, "signatures", nil, "`PLACE` of signatures: a directory that holds stagex/, or an https address (repeatable)")
	fl.StringArrayVar(&f.places.names, "from", nil, "`PLACE` of signed claims, beside those of the parties: REGISTRY/REPOSITORY or a directory (repeatable)")
	fl.StringArrayVar(&f.places.trust, "trust", nil, "`NAME=FILE` of a public key and whose it is, for this run (repeatable)")
	fl.StringVar(&f.places.caFile, "ca-file", "", "`FILE` of certificate authorities to trust beside the system's")
	fl.StringVar(&f.since, "since", "", "`FILE` with an earlier --json report: print what changed")
	fl.BoolVar(&f.matrix, "matrix", false, "print a table of parties by stages")
	fl.StringVar(&f.release, "release", "", "check that release `R` is published everywhere and rebuilt by all")
	f.attest.add(c)
	f.outside.add(c)
	return c
}

// addTo adds the flags that the workbench has as well.
func (f *verifyFlags) addTo(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.policy, "policy", "", "`FILE` with policies (default: policy.toml in stagescope's configuration directory, else two persons and two makers of CPUs)")
	fl.StringArrayVar(&f.registries, "registry", nil, "`REF` of a registry that serves the stages, as docker.io/stagex or with a tag mirror.example/stagex:sx2026.03.0 (repeatable)")
	f.places.parties.add(c)
}

func (a *app) verify(ctx context.Context, args []string, f *verifyFlags) error {
	c, err := a.openChain()
	if err != nil {
		return err
	}
	if len(args) == 1 && outsideArg(c, args[0]) {
		return a.showOutside(ctx, c, args[0], f.outside)
	}
	var ids []string
	switch {
	case f.all && len(args) > 0:
		return withHint(errors.New("--all and stages are both given"), "leave one of them out")
	case !f.all && len(args) == 0 && f.release == "":
		return withHint(errors.New("verify needs to know what"), "name a stage, a digest or an image, or use --all")
	case len(args) > 0:
		stages, err := findStages(c, args)
		if err != nil {
			return err
		}
		ids = idsOf(stages)
	}
	var older *evidence.Report
	if f.since != "" {
		if older, err = readReport(f.since); err != nil {
			return err
		}
	}
	o, err := a.evidenceOptions(f)
	if err != nil {
		return err
	}
	st := newStatus(a.err)
	o.Progress = func(p evidence.Progress) { st.set("%d of %d stages: %s", p.Done, p.All, safe.Line(p.What)) }
	r, err := evidence.Judge(ctx, c, ids, o)
	if err == nil {
		r = a.answered(ctx, c, o.Store, r, func(what string) { st.set("%s", safe.Line(what)) })
	}
	st.clear()
	if err != nil {
		return evidenceHint(err)
	}
	if f.release != "" {
		return a.verifyRelease(ctx, c, r, o, f)
	}
	doc := judgedDocument{Report: r}
	if older != nil {
		doc.Changes = evidence.Since(older, r)
	}
	if a.json {
		err = a.printJSON(doc)
	} else {
		err = a.printJudged(&doc, older, f)
	}
	if err != nil {
		return err
	}
	return verifyOutcome(&doc, older)
}

func readReport(name string) (*evidence.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, withHint(err, "--since takes what verify --json printed")
	}
	defer f.Close()
	r, err := evidence.ReadReport(f)
	if err != nil {
		return nil, withHint(fmt.Errorf("%q: %w", name, err), "--since takes what verify --json printed")
	}
	return r, nil
}

// evidenceOptions reads all that the flags name.
func (a *app) evidenceOptions(f *verifyFlags) (evidence.Options, error) {
	o := evidence.Options{Registries: f.registries, Signatures: f.signatures, Platform: a.platform, Offline: a.offline}
	for _, r := range f.registries {
		if _, err := evidence.ParseRegistry(r); err != nil {
			return o, withHint(err, "--registry takes the namespace in which each stage has a repository")
		}
	}
	var err error
	if err = f.places.load(a); err != nil {
		return o, err
	}
	o.Parties = f.places.known
	if o.Keyring, err = f.places.parties.keyring(o.Parties); err != nil {
		return o, err
	}
	if o.Policy, err = f.loadPolicy(); err != nil {
		return o, err
	}
	if o.Transport, err = f.places.transport(); err != nil {
		return o, err
	}
	if o.Verifier, err = f.places.verifier(); err != nil {
		return o, err
	}
	if len(f.registries) > 0 && f.release == "" {
		trust, err := f.attest.trust()
		if err != nil {
			return o, err
		}
		o.Attached = &attached{trust, publish.Options{Transport: o.Transport, Offline: a.offline}}
	}
	f.places.addParties()
	if o.Places, err = f.places.open(a); err != nil {
		return o, err
	}
	o.Store, err = a.storeIfThere()
	return o, err
}

// loadPolicy reads the policy that is meant: of --policy, else of policy.toml
// beside the parties file in the configuration directory, else StageX's own rule.
func (f *verifyFlags) loadPolicy() (*policy.Policy, error) {
	file := f.policy
	if dir, err := os.UserConfigDir(); file == "" && err == nil {
		own := filepath.Join(dir, "stagescope", "policy.toml")
		if _, err := os.Stat(own); err == nil {
			file = own
		}
	}
	switch {
	case file != "":
		p, err := policy.Load(file, f.policyName)
		return p, withHint(err, "--policy takes a TOML file of policies; --policy-name chooses one of several")
	case f.policyName != "":
		return nil, withHint(errors.New("--policy-name without --policy"), "name the file of the policy too")
	}
	return policy.Default(), nil
}

// addParties adds the places where parties publish.
func (f *placeFlags) addParties() {
	if f.known == nil {
		return
	}
	for _, p := range f.known.List {
		if p.Kind == party.Registry {
			continue // its repositories hold images, not claims
		}
		for _, r := range p.Repositories {
			if !slices.Contains(f.names, r) {
				f.names = append(f.names, r)
			}
		}
	}
}

// verifyOutcome is the exit code: proven bad, established good, or neither.
func verifyOutcome(doc *judgedDocument, older *evidence.Report) error {
	if older != nil {
		for _, c := range doc.Changes {
			if c.Dissent {
				return errProven
			}
		}
		return unknownError(doc.Report)
	}
	unmet := 0
	var first *claim.Verdict
	for i := range doc.Stages {
		v := &doc.Stages[i].Verdict
		switch {
		case v.Met:
		case v.Status == claim.Disputed || v.Status == claim.Tainted || v.Status == claim.Equivalent || v.Status == claim.Flaky && len(v.Groups) > 1:
			return errProven
		default:
			if unmet++; first == nil {
				first = v
			}
		}
	}
	if err := unknownError(doc.Report); err != nil && unmet == 0 {
		return err
	}
	if unmet == 0 {
		return nil
	}
	text := fmt.Sprintf("%s: %s", first.Stage, first.Sentence())
	if len(doc.Stages) > 1 {
		text = fmt.Sprintf("%d of %d stages do not meet policy %q; first %s", unmet, len(doc.Stages), doc.Policy.Name, text)
	}
	hint := "name those whose claims you know with --parties, or add your own word: stagescope rebuild " + first.Stage
	if first.Status == claim.SelfOnly {
		hint = "ask others to rebuild it, and name those whose claims you know with --parties"
	}
	if len(doc.Never) > 0 {
		hint = "with these parties nobody could meet it: " + doc.Never[0]
	}
	return withHint(fmt.Errorf("the policy is not met, and no dispute is proven: %s", text), "%s", hint)
}

// unknownError says that what could not be read may speak against what was
// established.
func unknownError(r *evidence.Report) error {
	n, first := len(r.Unknown), evidence.Unknown{}
	if n > 0 {
		first = r.Unknown[0]
	}
	for i := range r.Stages {
		if list := r.Stages[i].Unknown; len(list) > 0 {
			if n == 0 {
				first = list[0]
			}
			n += len(list)
		}
	}
	if n == 0 {
		return nil
	}
	return withHint(fmt.Errorf("%d things could not be read, so what they say is unknown; first %s: %s", n, first.Origin, first.Reason), "put it right, or leave that place out")
}

func evidenceHint(err error) error {
	switch {
	case errors.Is(err, chain.ErrNoStage):
		return withHint(err, "stagescope list prints all stages")
	case errors.Is(err, publish.ErrOffline):
		return withHint(err, "leave out --offline")
	}
	return err
}
