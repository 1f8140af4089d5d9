package audit

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

// Options say how deep an audit goes. The zero value opens no archive.
type Options struct {
	Locate         Locate               // where sources are; nil opens none
	VersionControl map[string]string    // source name → a directory or archive of its version-control tree
	Listing        bool                 // list the seeds byte by byte
	Made           func(id string) Made // what rebuilds left of a stage, for its ladder; nil knows none
	Resolve        Resolve              // asks for images by digest; nil leaves pins to what the tree does not publish unchecked
}

// auditor is one audit.
type auditor struct {
	chain   *chain.Chain
	options Options
	report  *Report
	scope   map[string]bool // stages examined
	read    map[string]reader
}

// reader is a recipe that was read, by the path of its Containerfile.
type reader struct {
	file *containerfile.File
	read *containerfile.Reading
}

// Stages audits the stages asked for and all below them; with no IDs the whole
// chain, its files outside of packages included. An error is only about an ID
// that the chain does not have.
func Stages(c *chain.Chain, ids []string, o Options) (*Report, error) {
	a := &auditor{chain: c, options: o, scope: map[string]bool{}, read: map[string]reader{}, report: newReport(c.Name)}
	stages := c.Stages
	if len(ids) > 0 {
		a.report.Subject = strings.Join(ids, ", ")
		for _, id := range ids {
			if _, err := c.Stage(id); err != nil {
				return nil, err
			}
			a.scope[id] = true
			for _, s := range c.Ancestors(id) {
				a.scope[s.ID] = true
			}
		}
		stages = slices.DeleteFunc(slices.Clone(c.Stages), func(s *chain.Stage) bool { return !a.scope[s.ID] })
	}
	for _, s := range stages {
		a.scope[s.ID] = true
		a.report.Stages = append(a.report.Stages, s.ID)
	}
	if len(ids) == 1 {
		for _, s := range c.Path(ids[0]) {
			a.report.Path = append(a.report.Path, s.ID)
		}
	}
	named := a.recipes(stages)
	a.files(stages, named, len(ids) == 0)
	a.sources(stages)
	if len(ids) == 1 {
		a.ladder(ids[0])
	}
	return a.report, nil
}

func newReport(subject string) *Report {
	return &Report{Subject: subject, Stages: []string{}, Roots: []Root{}, Seeds: []Seed{}, Binaries: []Binary{}, Encoded: []Binary{},
		Unpinned: []Input{}, Network: []Input{}, Steps: []NetworkStep{}, Outside: outside, Gaps: []Gap{}, Answers: []StageAnswer{},
		Sources: SourceReport{Answers: []SourceAnswer{}}}
}

// recipes reads every recipe once and gives, per package directory, the paths
// that it takes from its context.
func (a *auditor) recipes(stages []*chain.Stage) map[string][]string {
	paths := map[string][]string{}
	byFile := map[string][]*chain.Stage{}
	var order []string
	for _, s := range stages {
		if byFile[s.Containerfile] == nil {
			order = append(order, s.Containerfile)
		}
		byFile[s.Containerfile] = append(byFile[s.Containerfile], s)
	}
	for _, file := range order {
		same := byFile[file]
		data, err := containerfile.ReadFile(a.chain.FS, file)
		var recipe *containerfile.File
		if err == nil {
			recipe, err = containerfile.Parse(data)
		}
		if err != nil {
			a.report.Gaps = append(a.report.Gaps, Gap{Stage: same[0].ID, What: file, Why: fmt.Sprintf("the recipe cannot be read, so it may take anything: %v", err)})
			continue
		}
		read := recipe.Read(containerfile.Variables(same[0].BuildArgs, same[0].Platforms))
		a.read[file] = reader{recipe, read}
		paths[same[0].Dir] = append(paths[same[0].Dir], read.Context...)
		a.recipe(same, recipe, read)
	}
	return paths
}

// recipe looks at one recipe for all stages that it yields: a build stage that
// none of them reaches does not reach a person either.
func (a *auditor) recipe(stages []*chain.Stage, f *containerfile.File, read *containerfile.Reading) {
	reached := map[int][]*chain.Stage{}
	for _, s := range stages {
		if at, ok := f.Target(s.Target); ok {
			for _, build := range read.Order(at) {
				reached[build] = append(reached[build], s)
			}
		}
	}
	file := stages[0].Containerfile
	if f.Syntax > 0 {
		a.report.Roots = append(a.report.Roots, Root{Kind: RootOpaque, Name: "a frontend image", By: stages[0].ID, File: file, Line: f.Syntax, How: "# syntax",
			Above: a.above(stages), Why: "the recipe is translated by a program that is fetched at build time"})
	}
	for _, ref := range read.Refs {
		if by := reached[ref.In]; len(by) > 0 && ref.Build < 0 {
			a.root(ref, by, file)
		}
	}
	for _, fetch := range read.Fetches {
		if by := reached[fetch.In]; len(by) > 0 {
			a.fetch(fetch, by[0].ID, file)
		}
	}
	for _, run := range read.Runs {
		if by := reached[run.In]; len(by) > 0 && run.Network != "none" {
			a.step(run, by, file)
		}
	}
}

func (a *auditor) fetch(f containerfile.Fetch, stage, file string) {
	in := Input{Stage: stage, File: file, Line: f.Line, What: f.URL, Pin: f.Checksum}
	a.report.Network = append(a.report.Network, in)
	if f.Checksum == "" {
		a.report.Unpinned = append(a.report.Unpinned, in)
	}
}

func (a *auditor) step(run containerfile.Run, by []*chain.Stage, file string) {
	step := NetworkStep{File: file, Line: run.Line, Name: run.Name(), Network: run.Network}
	if step.Network == "" {
		step.Network = "default"
	}
	for _, s := range by {
		step.Stages = append(step.Stages, s.ID)
	}
	a.report.Steps = append(a.report.Steps, step)
}

// root judges one image that a stage's recipe names.
func (a *auditor) root(ref containerfile.Ref, by []*chain.Stage, file string) {
	if ref.Name == "scratch" && ref.Kind == containerfile.KindFrom || ref.Name == "fetch" && ref.Kind != containerfile.KindFrom {
		return
	}
	r := a.resolve(ref)
	if r.Kind == RootStage && r.Digest == "" {
		return // an edge of the chain, built from the tree
	}
	r.By, r.File, r.Above = by[0].ID, file, a.above(by)
	a.report.Roots = append(a.report.Roots, r)
	if r.Kind != RootStage && r.Digest == "" {
		a.report.Unpinned = append(a.report.Unpinned, Input{Stage: r.By, File: file, Line: ref.Line, What: "image " + ref.Name})
	}
}

// above counts the stages of the chain at or above any of stages, whatever was
// asked for: what a bad one of them would reach.
func (a *auditor) above(stages []*chain.Stage) int {
	in := map[string]bool{}
	for _, s := range stages {
		in[s.ID] = true
		for _, d := range a.chain.Downstream(s.ID) {
			in[d.ID] = true
		}
	}
	return len(in)
}

// files looks at the files of the examined packages, or of the whole tree.
func (a *auditor) files(stages []*chain.Stage, paths map[string][]string, whole bool) {
	byDir := map[string][]*chain.Stage{}
	for _, s := range stages {
		byDir[s.Dir] = append(byDir[s.Dir], s)
	}
	dirs := []string{"."}
	if !whole {
		dirs = dirs[:0]
		for dir := range byDir {
			dirs = append(dirs, dir)
		}
		sort.Strings(dirs)
	}
	for _, dir := range dirs {
		looked, failed := scan(a.chain.FS, dir, func(b Binary) { a.found(b, byDir, paths) })
		a.report.Files += looked
		a.report.Gaps = append(a.report.Gaps, failed...)
	}
}

// found puts a file in its list: a binary that a root stage takes is a seed.
func (a *auditor) found(b Binary, byDir map[string][]*chain.Stage, paths map[string][]string) {
	var holders []*chain.Stage
	for dir, stages := range byDir {
		if rest, ok := strings.CutPrefix(b.File, dir+"/"); ok {
			holders = stages
			b.Used = named(paths[dir], rest)
		}
	}
	root := len(holders) > 0
	for _, s := range holders {
		b.Stages = append(b.Stages, s.ID)
		root = root && len(a.chain.Needs(s.ID)) == 0
	}
	switch {
	case !b.Content.Class.Opaque():
		a.report.Encoded = append(a.report.Encoded, b)
	case root && b.Used:
		seed := Seed{Binary: b, Stage: holders[0].ID, Above: a.above(holders) - len(holders), Known: knownSeeds[b.SHA256], Spelled: spelledBy(a.chain.FS, b.File)}
		if a.options.Listing {
			var err error
			if seed.Listing, err = readSeed(a.chain.FS, b.File); err != nil {
				a.report.Gaps = append(a.report.Gaps, Gap{Stage: seed.Stage, What: b.File, Why: err.Error()})
			}
		}
		a.report.Seeds = append(a.report.Seeds, seed)
	default:
		a.report.Binaries = append(a.report.Binaries, b)
	}
}
