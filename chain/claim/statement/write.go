package statement

import (
	"fmt"

	provenancev1 "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/claim"
)

// encode writes the one form that values of our types have: members in the
// order of the fields, no spaces.
func encode(v any) ([]byte, error) {
	data, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("writing a statement: %w", err)
	}
	return data, nil
}

// Marshal writes the in-toto statement: the same bytes for the same claim.
// Claim.Key must be the fingerprint of the key that is going to sign. What has
// been written is read back, by Parse and by in-toto's own types, so that
// nothing is signed that others cannot read.
func (s *Statement) Marshal() ([]byte, error) {
	in := *s
	in.Claim = sorted(s.Claim)
	if len(in.Claim.Steps) > 0 {
		doc, err := StepsDocument(in.Claim.Steps)
		if err != nil {
			return nil, err
		}
		if d := in.Claim.StepsFile; d != "" && d != sum(doc) {
			return nil, fmt.Errorf("writing a statement: %w: steps of digest %s, and a file of steps %s", ErrContradicts, sum(doc), d)
		}
		in.Claim.StepsFile = sum(doc)
	}
	if err := in.check(); err != nil {
		return nil, fmt.Errorf("writing a statement: %w", err)
	}
	w, err := in.wire()
	if err != nil {
		return nil, err
	}
	data, err := encode(w)
	if err != nil {
		return nil, err
	}
	if _, err := Parse(data); err != nil {
		return nil, fmt.Errorf("reading a statement back: %w", err)
	}
	return data, checkByLibrary(data, w.PredicateType, w.Predicate)
}

func (s *Statement) wire() (*wireStatement, error) {
	p, err := s.provenance()
	if err != nil {
		return nil, err
	}
	c := s.Claim
	w := &wireStatement{Type: StatementType, PredicateType: ProvenanceType}
	var predicate any = p
	subject := resource{Name: subjectName(c), Digest: digestSet{SHA256: c.Output.Manifest.Hex()}}
	if f := c.Failure; f != nil {
		manifest, err := recipeManifest(c.Recipe, s.RecipeSize)
		if err != nil {
			return nil, err
		}
		subject.Digest.SHA256 = sum(manifest).Hex()
		w.PredicateType = FailureType
		env := p.BuildDefinition.InternalParameters.Env
		p.BuildDefinition.InternalParameters.Env = environment{}
		predicate = &failure{f.Phase, f.Exit, f.Log, s.RecipeSize, env, p.BuildDefinition, p.RunDetails}
	}
	w.Subject = []resource{subject}
	if c.Output.Index != "" {
		w.Subject = append(w.Subject, resource{Name: nameIndex, Digest: digestSet{SHA256: c.Output.Index.Hex()}})
	}
	if w.Predicate, err = encode(predicate); err != nil {
		return nil, err
	}
	return w, nil
}

func (s *Statement) provenance() (*provenance, error) {
	c := s.Claim
	ext := external{Release: c.Release, Package: c.Stage, Platform: c.Platform, Recipe: c.Recipe}
	if c.Commit != "" {
		ext.Tree = &tree{URI: s.Tree, Digest: digestSet{GitCommit: c.Commit}}
	}
	params, err := encode(ext)
	if err != nil {
		return nil, err
	}
	by, err := byproducts(c)
	if err != nil {
		return nil, err
	}
	return &provenance{
		BuildDefinition: buildDefinition{
			BuildType:          BuildType,
			ExternalParameters: jsontext.Value(params),
			InternalParameters: internal{
				Mode: c.Mode.String(), DepsMode: s.Deps, Input: c.Input, NoCache: c.NoCache,
				Repeats: c.Repeats, Identical: c.Identical, Variations: c.Variation,
				Env: environment(c.Environment),
			},
			ResolvedDependencies: s.dependencies(),
		},
		RunDetails: runDetails{
			Builder:    builder{ID: builderPrefix + chain.Digest(c.Key).Hex()},
			Metadata:   metadata{c.Invocation, formatTime(c.Started), formatTime(c.Finished)},
			Byproducts: by,
		},
	}, nil
}

func (s *Statement) dependencies() []resource {
	var list []resource
	for _, in := range s.Claim.Inputs {
		r := resource{URI: inputPrefix + in.Stage, Digest: digestSet{SHA256: in.Manifest.Hex()}}
		if in.Rootfs != "" {
			r.Annotations = &annotations{Rootfs: in.Rootfs}
		}
		list = append(list, r)
	}
	for _, src := range s.Claim.Sources {
		list = append(list, resource{Name: src.Name, URI: s.URLs[src.Name], Digest: digestSet{SHA256: src.Digest.Hex()}})
	}
	return list
}

func byproducts(c *claim.Claim) ([]resource, error) {
	var list []resource
	add := func(name, mediaType string, d chain.Digest, content []byte) {
		if d != "" {
			list = append(list, resource{Name: name, MediaType: mediaType, Digest: digestSet{SHA256: d.Hex()}, Content: content})
		}
	}
	add(nameRootfs, "", c.Output.Rootfs, nil)
	add(nameFiles, FileListMediaType, c.Output.Files, nil)
	var doc []byte
	if len(c.Steps) > 0 {
		var err error
		if doc, err = StepsDocument(c.Steps); err != nil {
			return nil, err
		}
	}
	add(nameSteps, StepsMediaType, c.StepsFile, doc)
	add(nameLog, "", c.Log, nil)
	return list, nil
}

// checkByLibrary reads a statement as other programs do.
func checkByLibrary(data []byte, predicateType string, predicate []byte) error {
	var st intoto.Statement
	if err := protojson.Unmarshal(data, &st); err != nil {
		return fmt.Errorf("writing a statement: %w: %w", ErrUnexpectedly, err)
	}
	if err := st.Validate(); err != nil {
		return fmt.Errorf("writing a statement: %w: %w", ErrUnexpectedly, err)
	}
	if predicateType != ProvenanceType {
		return nil
	}
	var p provenancev1.Provenance
	if err := protojson.Unmarshal(predicate, &p); err != nil {
		return fmt.Errorf("writing a statement: %w: %w", ErrUnexpectedly, err)
	}
	if err := p.Validate(); err != nil {
		return fmt.Errorf("writing a statement: %w: %w", ErrUnexpectedly, err)
	}
	return nil
}
