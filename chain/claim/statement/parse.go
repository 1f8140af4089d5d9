package statement

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// Parse reads a statement that a rebuild claim consists of. It is strict:
// ErrMalformed, ErrContradicts and ErrNotRebuild say what it refuses. That the
// statement is anybody's is not checked; see Verifier.
func Parse(data []byte) (*Statement, error) {
	w, err := parseStatement(data)
	if err != nil {
		return nil, err
	}
	var p provenance
	s := &Statement{Claim: &claim.Claim{Kind: claim.KindRebuild}}
	switch w.PredicateType {
	case ProvenanceType:
		err = decode(w.Predicate, &p)
	case FailureType:
		var f failure
		if err = decode(w.Predicate, &f); err == nil {
			p = provenance{f.BuildDefinition, f.RunDetails}
			p.BuildDefinition.InternalParameters.Env = f.Env
			s.Claim.Failure = &claim.Failure{Phase: f.Phase, Exit: f.Exit, Log: f.LogDigest}
			s.RecipeSize = f.RecipeSize
		}
	default:
		err = fmt.Errorf("%w: its predicate is a %q", ErrNotRebuild, cut(w.PredicateType))
	}
	if err != nil {
		return nil, err
	}
	if err := s.fromBuild(&p.BuildDefinition); err != nil {
		return nil, err
	}
	if err := s.fromRun(&p.RunDetails); err != nil {
		return nil, err
	}
	if err := s.fromSubjects(w.Subject); err != nil {
		return nil, err
	}
	return s, s.check()
}

// parseStatement reads the outer object of any in-toto statement of version 1.
func parseStatement(data []byte) (*wireStatement, error) {
	if len(data) > maxStatement {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrMalformed, len(data), maxStatement)
	}
	w := new(wireStatement)
	if err := decode(data, w); err != nil {
		return nil, err
	}
	switch {
	case w.Type != StatementType:
		return nil, fmt.Errorf("%w: its type is %q", ErrNotRebuild, cut(w.Type))
	case len(w.Subject) == 0 || len(w.Subject) > maxSubjects:
		return nil, fmt.Errorf("%w: it has %d subjects", ErrMalformed, len(w.Subject))
	}
	return w, nil
}

func (s *Statement) fromBuild(b *buildDefinition) error {
	if b.BuildType != BuildType {
		return fmt.Errorf("%w: its build type is %q", ErrNotRebuild, cut(b.BuildType))
	}
	var ext external
	if err := decode(b.ExternalParameters, &ext, json.RejectUnknownMembers(true)); err != nil {
		return err
	}
	c := s.Claim
	c.Release, c.Stage, c.Platform, c.Recipe = ext.Release, ext.Package, ext.Platform, ext.Recipe
	if ext.Tree != nil {
		c.Commit, s.Tree = ext.Tree.Digest.GitCommit, ext.Tree.URI
	}
	in := &b.InternalParameters
	if err := c.Mode.UnmarshalText([]byte(in.Mode)); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	s.Deps, c.Input, c.NoCache = in.DepsMode, in.Input, in.NoCache
	c.Repeats, c.Identical, c.Variation = in.Repeats, in.Identical, in.Variations
	c.Environment = claim.Environment(in.Env)
	return s.fromDependencies(b.ResolvedDependencies)
}

func (s *Statement) fromDependencies(list []resource) error {
	if len(list) > maxResources {
		return fmt.Errorf("%w: %d resolved dependencies", ErrMalformed, len(list))
	}
	c := s.Claim
	for i := range list {
		r := &list[i]
		d, err := bare(r.Digest.SHA256)
		if err != nil {
			return fmt.Errorf("resolved dependency %d: %w", i, err)
		}
		if id, ok := strings.CutPrefix(r.URI, inputPrefix); ok {
			in := claim.Input{Stage: id, Manifest: d}
			if r.Annotations != nil {
				in.Rootfs = r.Annotations.Rootfs
			}
			c.Inputs = append(c.Inputs, in)
			continue
		}
		name := r.Name
		if name == "" {
			name = path.Base(r.URI)
		}
		if r.URI != "" {
			if s.URLs == nil {
				s.URLs = map[string]string{}
			}
			s.URLs[name] = r.URI
		}
		c.Sources = append(c.Sources, claim.Source{Name: name, Digest: d})
	}
	slices.SortFunc(c.Inputs, func(a, b claim.Input) int { return strings.Compare(a.Stage, b.Stage) })
	slices.SortFunc(c.Sources, func(a, b claim.Source) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (s *Statement) fromRun(r *runDetails) error {
	c := s.Claim
	fpr, ok := strings.CutPrefix(r.Builder.ID, builderPrefix)
	if !ok {
		return fmt.Errorf("%w: builder %q is no party's key", ErrMalformed, cut(r.Builder.ID))
	}
	key, err := bare(fpr)
	if err != nil {
		return err
	}
	c.Key, c.Invocation = string(key), r.Metadata.InvocationID
	if c.Started, err = parseTime(r.Metadata.StartedOn); err != nil {
		return err
	}
	if c.Finished, err = parseTime(r.Metadata.FinishedOn); err != nil {
		return err
	}
	return s.fromByproducts(r.Byproducts)
}

func (s *Statement) fromByproducts(list []resource) error {
	if len(list) > maxListed {
		return fmt.Errorf("%w: %d byproducts", ErrMalformed, len(list))
	}
	c := s.Claim
	for i := range list {
		r := &list[i]
		var to *chain.Digest
		switch r.Name {
		case nameRootfs:
			to = &c.Output.Rootfs
		case nameFiles:
			to = &c.Output.Files
		case nameSteps:
			to = &c.StepsFile
		case nameLog:
			to = &c.Log
		default:
			continue // a later version's
		}
		d, err := bare(r.Digest.SHA256)
		if err != nil {
			return fmt.Errorf("byproduct %q: %w", r.Name, err)
		}
		if *to != "" {
			return fmt.Errorf("%w: byproduct %q twice", ErrContradicts, r.Name)
		}
		*to = d
		if r.Name == nameSteps && len(r.Content) > 0 {
			if err := s.fromSteps(r.Content, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Statement) fromSteps(content []byte, want chain.Digest) error {
	if sum(content) != want {
		return fmt.Errorf("%w: the steps do not have the digest stated", ErrContradicts)
	}
	if err := decode(content, &s.Claim.Steps); err != nil {
		return fmt.Errorf("steps: %w", err)
	}
	// One spelling only, so that the steps read are the steps published.
	if doc, err := StepsDocument(s.Claim.Steps); err != nil || sum(doc) != want {
		return fmt.Errorf("%w: the steps are not in their one form", ErrMalformed)
	}
	return nil
}

// fromSubjects: the image manifest and perhaps its index; of a failure, the
// manifest of the recipe.
func (s *Statement) fromSubjects(list []resource) error {
	c := s.Claim
	var about chain.Digest
	for i := range list {
		r := &list[i]
		d, err := bare(r.Digest.SHA256)
		if err != nil {
			return fmt.Errorf("subject %d: %w", i, err)
		}
		to := &about
		if r.Name == nameIndex {
			to = &c.Output.Index
		} else if c.Version, err = versionOf(r.Name, c.Stage, c.Platform); err != nil {
			return err
		}
		if *to != "" {
			return fmt.Errorf("%w: two subjects are %q", ErrContradicts, cut(r.Name))
		}
		*to = d
	}
	if c.Failure == nil {
		c.Output.Manifest = about
		return nil
	}
	if err := checkDigest(c.Recipe); err != nil { // it goes into a manifest here
		return err
	}
	manifest, err := recipeManifest(c.Recipe, s.RecipeSize)
	if err != nil {
		return err
	}
	if about != sum(manifest) {
		return fmt.Errorf("%w: a failure's subject is not the manifest of its recipe", ErrContradicts)
	}
	return nil
}
