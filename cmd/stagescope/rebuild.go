package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// rebuildFlags are the flags of the verb.
type rebuildFlags struct {
	all, plan bool
	inputs    string
	out       string
	opts      rebuild.Options
}

// rebuildDocument is what "rebuild --json" prints.
type rebuildDocument struct {
	Complete    bool              `json:"complete"` // whether every stage asked for was built and compared
	Interrupted bool              `json:"interrupted"`
	Reused      int               `json:"reused"` // results that the store had already
	Counts      map[string]int    `json:"counts"` // of results, by status
	Results     []*rebuild.Result `json:"results"`
	Equivalents []equivalent      `json:"equivalents"` // for results that differ: what makes one image of the other, if anything known does
}

func (a *app) rebuildCmd() *cobra.Command {
	var f rebuildFlags
	c := &cobra.Command{
		Use:   "rebuild STAGE… | --all",
		Short: "Rebuild stages bit for bit and compare with every claim",
		Long: `Rebuild runs the recipes of stages, and first of all that they are built from,
down to the seed, and compares what comes out with every claimed digest. Nothing
of a build has a network; sources are fetched beforehand and verified.

What the store holds with the same recipe and the same inputs is not built again,
so that a run that was interrupted or killed goes on where it stopped; stages that
are named are always built. After a failure it goes on with what does not depend
on it. With several --engine the stages are spread over them.

An image that matches no claim is kept as trial:STAGE/N until it is removed with
"store gc --remove". The log and the result of each build are kept too.

Exit code 0: every stage asked for is reproduced, or, where nobody claims a
digest, all of --trials agreed. Exit code 1: some image differs from a claim, or
the trials from each other. Exit code 2: something was not built, or there is no
claim to compare with.

--json prints one object: complete, interrupted, reused, counts (by status) and
results in chain order, those of needed stages included: stage, recipe, input,
inputs, digests, verdict (status, compared: claim, level, origin, own, equal,
agrees), output, failure, environment, started, finished, steps, log, trials.
With --plan it prints the plan: stages (id, reuse, steps, seconds, bytes,
problem), build, reuse, faults, sources, disk, seconds, free.`,
		Example: `  stagescope rebuild stage0
  stagescope --tree ~/stagex rebuild core-profile
  stagescope --tree ~/stagex rebuild core-gcc --inputs published
  stagescope rebuild stage1 --trials 3
  stagescope --tree ~/stagex rebuild --all --plan
  stagescope --tree ~/stagex rebuild --all --engine tcp://a:1234 --engine ssh://b`,
		ValidArgsFunction: a.completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			stages, c, err := a.rebuildStages(args, &f)
			if err != nil {
				return err
			}
			return a.rebuild(cmd.Context(), c, stages, &f)
		},
	}
	fl := c.Flags()
	fl.BoolVar(&f.all, "all", false, "every stage of the chain")
	fl.BoolVar(&f.plan, "plan", false, "only say what it would take")
	fl.StringVar(&f.inputs, "inputs", "own", "own: build what stages are built from; published: take images with a claimed digest")
	fl.StringVar(&f.opts.OwnFrom, "own-from", "", "build `STAGE` and what is built on it, take what lies below as published")
	fl.IntVar(&f.opts.Trials, "trials", 1, "rebuild `N` times without cache and say how many agreed")
	fl.BoolVar(&f.opts.NoCache, "no-cache", false, "run every step of the stages, whatever the engine remembers")
	fl.BoolVar(&f.opts.StepDigests, "steps", false, "record a digest of what each step changed")
	fl.StringVar(&f.out, "out", "", "write the image to `FILE`, an OCI layout in a tar archive")
	return c
}

// rebuildStages checks the arguments and gives the stages that they mean.
func (a *app) rebuildStages(args []string, f *rebuildFlags) ([]*chain.Stage, *chain.Chain, error) {
	switch {
	case f.all == (len(args) > 0):
		return nil, nil, withHint(errors.New("name stages, or --all"), "stagescope list prints the stages")
	case f.inputs != string(rebuild.InputsOwn) && f.inputs != string(rebuild.InputsPublished):
		return nil, nil, withHint(fmt.Errorf("--inputs %q is unknown", f.inputs), "write --inputs own or --inputs published")
	case f.opts.Trials < 1 || f.opts.Trials > 1000:
		return nil, nil, withHint(fmt.Errorf("--trials %d", f.opts.Trials), "give a number from 1 to 1000")
	}
	c, err := a.openChain()
	if err != nil {
		return nil, nil, err
	}
	stages := c.Stages
	if !f.all {
		if stages, err = findStages(c, args); err != nil {
			return nil, nil, err
		}
	}
	if f.out != "" && len(stages) != 1 {
		return nil, nil, withHint(fmt.Errorf("--out takes one image, but %d stages are meant", len(stages)), "name one stage")
	}
	if f.opts.OwnFrom != "" {
		from, err := findStage(c, f.opts.OwnFrom)
		if err != nil {
			return nil, nil, err
		}
		f.opts.OwnFrom = from.ID
	}
	f.opts.Inputs, f.opts.Platform, f.opts.Again = rebuild.InputsMode(f.inputs), a.platform, !f.all
	return stages, c, nil
}

func stageIDs(stages []*chain.Stage) []string {
	var ids []string
	for _, s := range stages {
		ids = append(ids, s.ID)
	}
	return ids
}

func (a *app) rebuild(ctx context.Context, c *chain.Chain, stages []*chain.Stage, f *rebuildFlags) error {
	st, err := a.openStore()
	if err != nil {
		return err
	}
	if f.plan {
		p, err := a.builder(c, st, nil, nil).Plan(ctx, stageIDs(stages), f.opts)
		if err != nil {
			return err
		}
		return a.printPlan(p)
	}
	engines, closeEngines, err := a.openEngines(ctx, st)
	if err != nil {
		return err
	}
	defer closeEngines()
	watch := newBuildWatch(a.err, engines)
	b := a.builder(c, st, engines, watch.source)
	sum, err := b.All(ctx, stageIDs(stages), f.opts, watch.event)
	watch.close()
	if err != nil {
		return rebuildHint(err)
	}
	if f.out != "" {
		if err := writeImage(ctx, b, sum.Result(stages[0].ID), f.out); err != nil {
			return err
		}
	}
	return a.rebuildReport(ctx, c, st, stages, sum)
}

// writeImage writes the image to a temporary file first, so that FILE is never
// half an image.
func writeImage(ctx context.Context, b *rebuild.Builder, r *rebuild.Result, name string) error {
	if r == nil || r.Output == nil {
		return nil // the report says why there is none
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".stagescope-*")
	if err != nil {
		return withHint(fmt.Errorf("writing %q: %w", name, err), "--out takes a file in a directory that you may write to")
	}
	defer os.Remove(f.Name())
	err = b.WriteOCITar(ctx, r, f)
	if err = errors.Join(err, f.Sync(), f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

// rebuildReport prints what came out and chooses the exit code.
func (a *app) rebuildReport(ctx context.Context, c *chain.Chain, st *store.Store, stages []*chain.Stage, sum *rebuild.Summary) error {
	doc := rebuildDocument{Complete: true, Interrupted: sum.Interrupted, Reused: sum.Reused, Counts: sum.Counts, Results: sum.Results}
	proven := false
	var open []*rebuild.Result // asked for, and nothing was established
	for _, r := range sum.Results {
		asked := slices.ContainsFunc(stages, func(s *chain.Stage) bool { return s.ID == r.Stage })
		proven = proven || r.Verdict.Status == rebuild.Differs || r.Trials != nil && len(r.Trials.Digests) > 1
		if asked && !established(r) {
			open = append(open, r)
		}
	}
	doc.Complete = len(open) == 0 && !sum.Interrupted
	doc.Equivalents = append([]equivalent{}, a.equivalents(ctx, c, st, sum.Results)...)
	if a.json {
		if err := a.printJSON(doc); err != nil {
			return err
		}
	} else {
		a.printResults(st, stages, sum, doc.Equivalents)
	}
	switch {
	case proven:
		return errProven
	case sum.Interrupted:
		return context.Cause(ctx)
	case len(open) == 0:
		return nil
	}
	return openError(open)
}

// established says whether a result is a reason for exit code 0 or 1.
func established(r *rebuild.Result) bool {
	switch r.Verdict.Status {
	case rebuild.Reproduced, rebuild.Differs:
		return true
	case rebuild.NoClaim:
		return r.Trials != nil && r.Trials.Finished == r.Trials.Asked
	}
	return false
}

// openError says why nothing was proven of the results.
func openError(open []*rebuild.Result) error {
	for _, r := range open {
		if r.Err != nil && r.Verdict.Status == rebuild.Failed {
			if len(open) > 1 {
				return rebuildHint(fmt.Errorf("%d stages were not built or compared; first %w", len(open), r.Err))
			}
			return rebuildHint(r.Err)
		}
	}
	switch r := open[0]; {
	case r.Err != nil:
		return rebuildHint(fmt.Errorf("%s: %w", r.Stage, r.Err))
	case r.Verdict.Status == rebuild.NoClaim:
		return withHint(fmt.Errorf("%s was built, but nobody claims a digest to compare it with", r.Stage), "--trials 2 says whether it is the same each time")
	default:
		return fmt.Errorf("%s: %s", r.Stage, r.Verdict.Sentence())
	}
}

// printResults prints one line per stage that was asked for, and one for every
// other that is not well.
func (a *app) printResults(st *store.Store, stages []*chain.Stage, sum *rebuild.Summary, beside []equivalent) {
	for _, r := range sum.Results {
		asked := slices.ContainsFunc(stages, func(s *chain.Stage) bool { return s.ID == r.Stage })
		if asked || r.Verdict.Status != rebuild.Reproduced && r.Verdict.Status != rebuild.NoClaim {
			a.printResult(st, r, beside)
		}
	}
	if len(sum.Results) > 1 {
		var counts []string
		for s := rebuild.NotChecked; s <= rebuild.NotBuilt; s++ {
			if n := sum.Counts[s.String()]; n > 0 {
				counts = append(counts, fmt.Sprintf("%d %s", n, s))
			}
		}
		fmt.Fprintf(a.out, "%d stages: %s; %d of them were in the store; %s\n", len(sum.Results), strings.Join(counts, ", "), sum.Reused, sum.Finished.Sub(sum.Started).Round(time.Second))
	}
}

func (a *app) printResult(st *store.Store, r *rebuild.Result, beside []equivalent) {
	say := func(w io.Writer, format string, args ...any) {
		fmt.Fprintln(w, safe.Line(fmt.Sprintf(format, args...)))
	}
	text := r.Verdict.Sentence()
	if r.Failure != nil {
		text = r.Verdict.Status.String() + ": " + strings.TrimPrefix(oneLine(r.Failure.Text), r.Verdict.Status.String()+": ")
	}
	if r.Verdict.Status == rebuild.NoClaim {
		text += ": manifest " + string(r.Digests.Manifest)
	}
	say(a.out, "%s: %s", r.Stage, text)
	for _, n := range append(slices.Clone(r.Verdict.Notes), r.Notes...) {
		say(a.out, "  note: %s", n)
	}
	for i := range beside {
		if beside[i].Stage == r.Stage {
			say(a.out, "  %s", beside[i].sentence())
		}
	}
	if d := r.Verdict.Differing(); d != nil && r.Output != nil {
		other := d.Image
		if other == "" {
			other = fmt.Sprintf("docker.io/stagex/%s@%s", r.Stage, d.Claim)
		}
		say(a.out, "  output kept as %s; compare with: stagescope diff %s %s", r.Ref(), other, r.Ref())
	}
	if t := r.Trials; t != nil {
		say(a.out, "  %d of %d trials agreed", t.Agreed, t.Asked)
		for _, d := range t.Digests {
			say(a.out, "    %d × %s (%s, trial:%s/%d)", d.Count, d.Manifest, d.Status, r.Stage, d.Trials[0])
		}
	}
	if r.Failure != nil && r.Log != "" {
		for _, line := range r.Failure.Tail {
			say(a.err, "  | %s", line)
		}
		if r.LogLines > 0 {
			say(a.err, "  the whole log is kept as %s", st.BlobPath(r.Log))
		}
	}
}

func (a *app) printPlan(p *rebuild.Plan) error {
	if a.json {
		return a.printJSON(p)
	}
	for _, s := range p.Stages {
		switch {
		case s.Problem != "":
			fmt.Fprintf(a.out, "cannot  %s: %s\n", safe.Line(s.ID), safe.Line(oneLine(s.Problem)))
		case !s.Reuse:
			fmt.Fprintf(a.out, "build   %s, %d steps\n", safe.Line(s.ID), s.Steps)
		}
	}
	fmt.Fprintf(a.out, "%d stages: %d to build, %d in the store, %d that cannot be built\n", len(p.Stages), p.Build, p.Reuse, p.Faults)
	fmt.Fprintf(a.out, "sources: %d files, %d in the store, %d to be had (their sizes are not pinned)\n", p.Sources.Files, p.Sources.Held, p.Sources.Missing)
	estimate := func(what, known string, e rebuild.Estimate) {
		switch {
		case p.Build == 0:
			fmt.Fprintf(a.out, "%s: none\n", what)
		case e.Unknown == p.Build:
			fmt.Fprintf(a.out, "%s: unknown, none of them was built on this store before\n", what)
		default:
			fmt.Fprintf(a.out, "%s: %s, without %d stages of which nothing is known\n", what, known, e.Unknown)
		}
	}
	estimate("time", (time.Duration(p.Seconds.Known)*time.Second).String()+" one after the other", p.Seconds)
	estimate("disk", sizeText(int64(p.Disk.Known))+" of images", p.Disk)
	if p.Free >= 0 {
		fmt.Fprintf(a.out, "free where the store is: %s\n", sizeText(p.Free))
	}
	return nil
}
