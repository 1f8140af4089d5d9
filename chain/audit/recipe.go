package audit

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

// Recipe audits a Containerfile that is no part of the chain: each image that
// it names is resolved to a stage of c or named as an opaque root, and the
// stages found are audited with all below them. context is the directory that
// it would be built in; nil when that is not at hand. A Containerfile that does
// not parse gives a *containerfile.SyntaxError.
func Recipe(c *chain.Chain, name string, data []byte, context fs.FS, o Options) (*Report, error) {
	f, err := containerfile.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("parsing %q: %w", name, err)
	}
	read := f.Read(containerfile.Variables(nil, nil))
	own := &auditor{chain: c, options: o, scope: map[string]bool{}, report: newReport(name)}
	target, _ := f.Target("")
	reached := read.Order(target)
	own.outsideRecipe(f, read, reached, name)
	own.context(read, context, name)

	report := own.report
	var ids []string
	for _, r := range report.Roots {
		if r.Kind == RootStage && !slices.Contains(ids, r.Stage) {
			ids = append(ids, r.Stage)
		}
	}
	if len(ids) == 0 {
		return report, nil
	}
	below, err := Stages(c, ids, o)
	if err != nil {
		return nil, err
	}
	merge(report, below)
	return report, nil
}

// outsideRecipe lists what the build stages that are reached take.
func (a *auditor) outsideRecipe(f *containerfile.File, read *containerfile.Reading, reached []int, name string) {
	r := a.report
	if f.Syntax > 0 {
		r.Roots = append(r.Roots, Root{Kind: RootOpaque, Name: "a frontend image", File: name, Line: f.Syntax, How: "# syntax", Above: 1,
			Why: "the recipe is translated by a program that is fetched at build time"})
	}
	for _, p := range read.Problems {
		r.Gaps = append(r.Gaps, Gap{What: fmt.Sprintf("%s:%d", name, p.Line), Why: p.Text})
	}
	for _, ref := range read.Refs {
		if !slices.Contains(reached, ref.In) || ref.Build >= 0 || ref.Name == "scratch" && ref.Kind == containerfile.KindFrom {
			continue
		}
		root := a.resolve(ref)
		root.File, root.Above = name, 1
		r.Roots = append(r.Roots, root)
		if root.Kind == RootStage && root.Digest == "" {
			root.Why = "a stage of the chain by name only: what a registry gives under that name was not checked"
		}
		if root.Digest == "" {
			r.Unpinned = append(r.Unpinned, Input{File: name, Line: ref.Line, What: "image " + ref.Name})
		}
	}
	for _, fetch := range read.Fetches {
		if slices.Contains(reached, fetch.In) {
			a.fetch(fetch, "", name)
		}
	}
	for _, run := range read.Runs {
		if slices.Contains(reached, run.In) && run.Network != "none" {
			a.step(run, nil, name)
		}
	}
}

// context looks at the files that COPY and ADD take from beside the recipe.
func (a *auditor) context(read *containerfile.Reading, context fs.FS, name string) {
	if len(read.Context) == 0 {
		return
	}
	if context == nil {
		a.report.Gaps = append(a.report.Gaps, Gap{What: "the build context of " + name, Why: "it is not at hand"})
		return
	}
	looked, failed := scan(context, ".", func(b Binary) {
		if !named(read.Context, b.File) {
			return
		}
		b.Used = true
		if b.Content.Class.Opaque() {
			a.report.Binaries = append(a.report.Binaries, b)
		} else {
			a.report.Encoded = append(a.report.Encoded, b)
		}
	})
	a.report.Files += looked
	a.report.Gaps = append(a.report.Gaps, failed...)
}

// merge adds what was found below a recipe to what it says itself.
func merge(r, below *Report) {
	r.Stages, r.Answers, r.Sources, r.Path = below.Stages, below.Answers, below.Sources, below.Path
	for i := range below.Roots { // the recipe stands on all of them
		below.Roots[i].Above++
	}
	r.Roots = append(r.Roots, below.Roots...)
	r.Seeds = append(r.Seeds, below.Seeds...)
	r.Binaries = append(r.Binaries, below.Binaries...)
	r.Encoded = append(r.Encoded, below.Encoded...)
	r.Unpinned = append(r.Unpinned, below.Unpinned...)
	r.Network = append(r.Network, below.Network...)
	r.Steps = append(r.Steps, below.Steps...)
	r.Gaps = append(r.Gaps, below.Gaps...)
	r.Files += below.Files
}

// ImageFacts are what an image says of itself, read from its verified
// manifest; Err is why it could not be read.
type ImageFacts struct {
	Ref      string
	Manifest chain.Digest
	Index    chain.Digest // "" when it has none
	Base     string       // annotation org.opencontainers.image.base.name, "" when absent
	Attested bool         // it carries attestations
	Err      error
}

// Image audits an image: it is a stage of the chain when the chain's tree
// publishes its digest, and an opaque root otherwise, attested or not: a
// finished image does not show what it was built from.
func Image(c *chain.Chain, facts ImageFacts, o Options) (*Report, error) {
	r := newReport(facts.Ref)
	root := Root{Kind: RootOpaque, Name: facts.Ref, Digest: facts.Manifest, How: "image", Above: 1}
	switch s := publishedAs(c, facts); {
	case facts.Err != nil:
		root.Kind, root.Why = RootNotChecked, fmt.Sprintf("it cannot be read: %v", facts.Err)
	case s != nil:
		below, err := Stages(c, []string{s.ID}, o)
		if err != nil {
			return nil, err
		}
		root.Kind, root.Stage, root.Why = RootStage, s.ID, fmt.Sprintf("%s publishes its digest", s.Published[0].Origin)
		merge(r, below)
	default:
		root.Why = "its digest is that of no stage: no source of it is known here"
		if facts.Attested {
			root.Why += "; it is attested, which says who built it, not from what bytes"
		}
		if facts.Base != "" {
			root.Why += fmt.Sprintf("; it says that it is built on %s", facts.Base)
		}
	}
	r.Roots = slices.Insert(r.Roots, 0, root)
	return r, nil
}

// publishedAs gives the stage whose published digest the image has.
func publishedAs(c *chain.Chain, facts ImageFacts) *chain.Stage {
	for _, s := range c.Stages {
		for _, p := range s.Published {
			if p.Level == chain.LevelManifest && p.Digest == facts.Manifest || p.Level == chain.LevelIndex && p.Digest == facts.Index {
				return s
			}
		}
	}
	return nil
}
