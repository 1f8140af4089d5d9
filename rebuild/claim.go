package rebuild

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/chain/store"
)

// maxPhase bounds what a claim says of a failure, in bytes.
const maxPhase = 500

// Claim is the result as a claim of our own, in the form in which it can be
// signed. All are the store's results of the stage: those of the same recipe
// and inputs that gave an image are its repeats, varied ones too. A stage that
// was not built gives nil.
func (r *Result) Claim(all []*Result) *claim.Claim {
	c := &claim.Claim{
		Kind: claim.KindOwn, Origin: "own rebuild", Mode: claim.ModeRebuilt,
		Stage: r.Stage, Version: r.Version, Release: r.Release, Platform: r.Platform,
		Recipe: r.Recipe, Input: r.InputsSum, NoCache: r.NoCache, Variation: r.Variation.texts(),
		Environment: r.Environment.claimed(), Started: r.Started, Finished: r.Finished, Log: r.Log,
		Verification: claim.Verification{State: claim.Verified},
	}
	for _, in := range r.Inputs {
		c.Inputs = append(c.Inputs, claim.Input{Stage: in.ID, Manifest: in.Manifest, Rootfs: in.Rootfs})
	}
	switch {
	case r.built():
		c.Output = claim.Output{Index: r.Digests.Index, Manifest: r.Digests.Manifest, Rootfs: r.Digests.Rootfs, Files: r.Digests.Files}
		c.Steps = r.claimedSteps()
		r.repeats(all, c)
	case r.Verdict.Status == Failed && r.Failure != nil && r.Failure.Step != "":
		c.Failure = &claim.Failure{Phase: cut(r.Failure.Step), Exit: r.Failure.ExitCode, Log: r.Log}
	default: // no step failed: it is a matter of this machine
		return nil
	}
	return c
}

// repeats counts the trials of the same recipe and inputs, and says what was
// varied in any of them.
func (r *Result) repeats(all []*Result, c *claim.Claim) {
	for _, o := range all {
		if !o.built() || o.Recipe != r.Recipe || o.InputsSum != r.InputsSum || o.Platform != r.Platform {
			continue
		}
		c.Repeats++
		if o.Digests.Manifest == r.Digests.Manifest {
			c.Identical++
		}
		for _, v := range o.Variation.texts() {
			if !slices.Contains(c.Variation, v) {
				c.Variation = append(c.Variation, v)
			}
		}
	}
	slices.Sort(c.Variation)
}

// Varied says whether the build ran in another environment than the standard
// one.
func (r *Result) Varied() bool { return len(r.Variation.texts()) > 0 }

// claimedSteps are the steps' digests, when every step has one: a list with
// gaps would pass for a whole one.
func (r *Result) claimedSteps() []claim.Step {
	var out []claim.Step
	for _, s := range r.Steps {
		if s.Digest == "" {
			return nil
		}
		out = append(out, claim.Step{Name: cut(s.Name), Digest: s.Digest})
	}
	return out
}

func cut(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxPhase)], "\uFFFD")
}

// texts says what was varied, one text each.
func (v Variation) texts() []string {
	var out []string
	add := func(is bool, format string, args ...any) {
		if is {
			out = append(out, cut(fmt.Sprintf(format, args...)))
		}
	}
	add(v.Hostname != "", "hostname=%s", v.Hostname)
	if v.Umask != nil {
		add(true, "umask=%04o", *v.Umask)
	}
	add(len(v.CPUs) > 0, "cpus=%d", len(v.CPUs))
	add(v.Personality != 0, "personality=%#x", v.Personality)
	for _, e := range v.Env {
		add(true, "env=%s", e)
	}
	add(v.LastPID != 0, "lastPid=%d", v.LastPID)
	add(v.Nofile != 0, "nofile=%d", v.Nofile)
	return out
}

var kernelSeries = regexp.MustCompile(`^[0-9]+\.[0-9]+`)

// claimed is the environment as coarse as it is published: a kernel's series,
// not the build that names a machine.
func (e Environment) claimed() claim.Environment {
	return claim.Environment{
		Kernel: kernelSeries.FindString(e.Kernel), CPUVendor: e.CPUVendor, CPUModel: e.CPUModel, CPUs: e.CPUs,
		Snapshotter: e.Engine.Snapshotter, BuildKit: e.Engine.BuildKit,
		Runtime: strings.TrimSpace(e.Engine.Executor + " " + e.Engine.Mode), HostTool: "stagescope, " + cmp.Or(e.Go, "unknown Go"),
	}
}

// OwnInputs says whether every image that the build used was built here.
func (r *Result) OwnInputs() bool {
	for _, in := range r.Inputs {
		if in.Origin != "own" {
			return false
		}
	}
	return true
}

// RecipeJSON reads the document that the result's R is the digest of.
func (r *Result) RecipeJSON(s *store.Store) ([]byte, error) {
	a, err := s.Artifact(r.Kept)
	if err != nil {
		return nil, fmt.Errorf("reading the recipe of %q: %w", r.Stage, err)
	}
	f := a.File(RecipeFile)
	if f == nil {
		return nil, fmt.Errorf("reading the recipe of %q: its result has none", r.Stage)
	}
	data, err := s.ReadBlob(chain.Digest(f.Descriptor.Digest), maxResult)
	if err != nil {
		return nil, fmt.Errorf("reading the recipe of %q: %w", r.Stage, err)
	}
	if got := chain.SHA256(sha256.Sum256(data)); got != r.Recipe {
		return nil, fmt.Errorf("reading the recipe of %q: it has digest %s, the result says %s", r.Stage, got, r.Recipe)
	}
	return data, nil
}
