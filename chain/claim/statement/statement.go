package statement

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// Statement is a rebuild claim with what only its written form carries. Of the
// claim, Kind, Key and what the build was are written; Party, Origin, Bundle,
// Verification and Legacy are what a reader finds out.
type Statement struct {
	Claim      *claim.Claim
	Tree       string            // URI of the tree, e.g. "git+https://codeberg.org/stagex/stagex"
	Deps       string            // DepsOwn, DepsPublished, or "" when there are none
	URLs       map[string]string // where sources come from, by their name; may lack any
	RecipeSize int64             // bytes of the recipe's JSON; needed by a failure
}

// Where the images that a build used came from.
const (
	DepsOwn       = "own"
	DepsPublished = "published"
)

// Names of subjects and byproducts.
const (
	nameIndex  = "index"
	nameRootfs = "rootfs"
	nameFiles  = "files"
	nameSteps  = "steps"
	nameLog    = "log"
)

const (
	purlPrefix  = "pkg:docker/stagex/"
	inputPrefix = "oci:stagex/"
)

var (
	stageForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
	platformForm = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?$`)
)

// subjectName is the package URL of what a claim is about.
func subjectName(c *claim.Claim) string {
	name := purlPrefix + c.Stage
	if c.Version != "" {
		name += "@" + url.PathEscape(c.Version)
	}
	return name + "?platform=" + c.Platform
}

// versionOf reads a subject's name, which must name the stage and platform.
func versionOf(name, stage, platform string) (string, error) {
	rest, ok := strings.CutPrefix(name, purlPrefix+stage)
	if ok {
		rest, ok = strings.CutSuffix(rest, "?platform="+platform)
	}
	escaped, versioned := strings.CutPrefix(rest, "@")
	version, err := url.PathUnescape(escaped)
	if !ok || err != nil || versioned != (rest != "") || url.PathEscape(version) != escaped {
		return "", fmt.Errorf("%w: subject %q is not package %q for %s", ErrContradicts, cut(name), stage, platform)
	}
	return version, nil
}

// check holds what is true of every claim that is written or read.
func (s *Statement) check() error {
	c := s.Claim
	switch {
	case !stageForm.MatchString(c.Stage):
		return fmt.Errorf("%w: %q is no package", ErrMalformed, cut(c.Stage))
	case !platformForm.MatchString(c.Platform):
		return fmt.Errorf("%w: %q is no platform", ErrMalformed, cut(c.Platform))
	case c.Mode != claim.ModeRebuilt && c.Mode != claim.ModePulled:
		return fmt.Errorf("%w: it does not say whether the image was rebuilt or pulled", ErrMalformed)
	case s.Deps != "" && s.Deps != DepsOwn && s.Deps != DepsPublished:
		return fmt.Errorf("%w: depsMode %q", ErrMalformed, cut(s.Deps))
	case c.Repeats < 0 || c.Identical < 0 || c.Identical > c.Repeats:
		return fmt.Errorf("%w: %d identical of %d", ErrContradicts, c.Identical, c.Repeats)
	case !c.Started.IsZero() && c.Finished.Before(c.Started):
		return fmt.Errorf("%w: it finished before it started", ErrContradicts)
	case c.Commit != "" && (len(c.Commit) != 40 && len(c.Commit) != 64 || !isHex(c.Commit)):
		return fmt.Errorf("%w: %q is no commit", ErrMalformed, cut(c.Commit))
	case c.Commit == "" && s.Tree != "":
		return fmt.Errorf("%w: a tree without a commit", ErrMalformed)
	case len(c.Variation) > maxListed || len(c.Steps) > maxListed || len(c.Inputs)+len(c.Sources) > maxResources:
		return fmt.Errorf("%w: a list is too long", ErrMalformed)
	}
	if err := s.checkOutput(); err != nil {
		return err
	}
	if err := checkTexts(append([]string{c.Release, c.Version, c.Invocation, s.Tree}, c.Variation...)); err != nil {
		return err
	}
	e := c.Environment
	if err := checkTexts([]string{e.Kernel, e.CPUVendor, e.CPUModel, e.Microarch, e.Snapshotter, e.BuildKit, e.Runtime, e.HostTool}); err != nil {
		return err
	}
	if e.CPUs < 0 || e.MemoryMiB < 0 {
		return fmt.Errorf("%w: a machine with %d CPUs and %d MiB", ErrMalformed, e.CPUs, e.MemoryMiB)
	}
	return s.checkInputs()
}

// checkOutput: a build gave a manifest, or it failed and gave nothing.
func (s *Statement) checkOutput() error {
	c := s.Claim
	digests := []chain.Digest{c.Recipe, chain.Digest(c.Key)}
	optional := []chain.Digest{c.Output.Index, c.Output.Rootfs, c.Output.Files, c.StepsFile, c.Log}
	if f := c.Failure; f != nil {
		optional = append(optional, f.Log)
		switch {
		case c.Output != claim.Output{} || c.Mode != claim.ModeRebuilt || c.Repeats != 0 || f.Log != c.Log:
			return fmt.Errorf("%w: a failure with an output or another log", ErrContradicts)
		case f.Phase == "" || len(f.Phase) > maxText:
			return fmt.Errorf("%w: a failure in phase %q", ErrMalformed, cut(f.Phase))
		case s.RecipeSize <= 0 || s.RecipeSize > maxRecipe:
			return fmt.Errorf("%w: a failure of a recipe of %d bytes", ErrMalformed, s.RecipeSize)
		}
	} else {
		digests = append(digests, c.Output.Manifest)
	}
	for _, d := range optional {
		if d != "" {
			digests = append(digests, d)
		}
	}
	for _, st := range c.Steps {
		digests = append(digests, st.Digest)
	}
	for _, d := range digests {
		if err := checkDigest(d); err != nil {
			return err
		}
	}
	return nil
}

// checkInputs: sorted, none twice, and what I says.
func (s *Statement) checkInputs() error {
	c := s.Claim
	for i, in := range c.Inputs {
		if !stageForm.MatchString(in.Stage) || i > 0 && c.Inputs[i-1].Stage >= in.Stage {
			return fmt.Errorf("%w: input %q is no package, twice or out of order", ErrMalformed, cut(in.Stage))
		}
		if err := checkDigest(in.Manifest); err != nil {
			return err
		}
		if in.Rootfs != "" {
			if err := checkDigest(in.Rootfs); err != nil {
				return err
			}
		}
	}
	for i, src := range c.Sources {
		if src.Name == "" || len(src.Name) > maxText || i > 0 && c.Sources[i-1].Name >= src.Name {
			return fmt.Errorf("%w: source %q is nameless, twice or out of order", ErrMalformed, cut(src.Name))
		}
		if err := checkDigest(src.Digest); err != nil {
			return err
		}
	}
	if c.Input == "" {
		return nil
	}
	// A stated I is never believed: it decides whose fault a divergence is.
	switch d, err := claim.InputDigest(c.Recipe, c.Inputs); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrContradicts, err)
	case d != c.Input:
		return fmt.Errorf("%w: input digest %s, but the inputs stated give %s", ErrContradicts, cut(string(c.Input)), d)
	}
	return nil
}

func checkTexts(texts []string) error {
	for _, t := range texts {
		if len(t) > maxText {
			return fmt.Errorf("%w: a text of %d bytes, %q", ErrMalformed, len(t), cut(t))
		}
	}
	return nil
}

// cut bounds what a message quotes.
func cut(s string) string { return s[:min(len(s), 100)] }

// StepsDocument is the published list of step digests: a JSON array of
// {"name","digest"} in the order of the steps.
func StepsDocument(steps []claim.Step) ([]byte, error) {
	type step struct {
		Name   string       `json:"name"`
		Digest chain.Digest `json:"digest"`
	}
	list := make([]step, len(steps))
	for i, s := range steps {
		if err := checkDigest(s.Digest); err != nil {
			return nil, fmt.Errorf("writing step digests: %w", err)
		}
		list[i] = step(s)
	}
	return encode(list)
}

func sum(data []byte) chain.Digest { return chain.SHA256(sha256.Sum256(data)) }

// sorted is a copy of the claim in the form that is written: lists in order,
// times in UTC, the digest of the steps filled in.
func sorted(c *claim.Claim) *claim.Claim {
	n := *c
	n.Kind, n.Started, n.Finished = claim.KindRebuild, c.Started.UTC(), c.Finished.UTC()
	n.Inputs = slices.Clone(c.Inputs)
	slices.SortFunc(n.Inputs, func(a, b claim.Input) int { return strings.Compare(a.Stage, b.Stage) })
	n.Sources = slices.Clone(c.Sources)
	slices.SortFunc(n.Sources, func(a, b claim.Source) int { return strings.Compare(a.Name, b.Name) })
	n.Party, n.Origin, n.Bundle, n.Verification, n.Legacy = "", "", claim.Digest{}, claim.Verification{}, ""
	return &n
}
