package audit

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// RungKind says what a rung is.
type RungKind string

// The kinds of rungs.
const (
	RungSeed  RungKind = "seed"  // bytes that no one built
	RungTool  RungKind = "tool"  // a program that a bootstrap stage runs, built before
	RungStep  RungKind = "step"  // a compiler or libc that a step builds
	RungStage RungKind = "stage" // an image
)

// Rung is one thing on the way from the seed to a stage that makes the next.
// The seed's bytes are in the tree and images have a published digest; what
// lies between has a size and a digest once a rebuild here has made it.
type Rung struct {
	Kind   RungKind     `json:"kind"`
	Name   string       `json:"name"`
	Stage  string       `json:"stage"`
	Line   int          `json:"line,omitempty"` // of the recipe, for a tool or a step
	Size   int64        `json:"size,omitempty"` // bytes: of the file, or of an image's layers
	Digest chain.Digest `json:"digest,omitempty"`
	Of     string       `json:"of,omitempty"` // what the digest is of: OfFile, OfChange or OfManifest
	Built  bool         `json:"built"`        // a rebuild here made it, of the stage's present recipe
	Source Known        `json:"source"`       // what is known of the sources of its stage
}

// What the digest of a rung is of.
const (
	OfFile     = "file"             // all of its bytes
	OfChange   = "change by a step" // what a step changed, times left out
	OfManifest = "manifest"         // as published
)

// Made is what a rebuild of a stage's present recipe left here.
type Made struct {
	Built    bool
	Size     int64                // of its image's layers in bytes, 0 when unknown
	Programs []Program            // that steps wrote, in the order of the steps
	Changes  map[int]chain.Digest // by line of the recipe: what a step changed
}

// Program is an executable file that a step wrote.
type Program struct {
	Line   int // of the recipe, where the step begins
	Name   string
	Size   int64
	Digest chain.Digest
}

// rungs are releases that make other programs; the rest of a bootstrap are the
// tools that building these takes.
var rungs = regexp.MustCompile(`(?i)^(mes|tcc|gcc|clang|llvm-project|mrustc|rustc|go)-?[v0-9]`)

// asides are programs that copy, compare or arrange and make nothing.
var asides = map[string]bool{"catm": true, "equal": true, "match": true, "mkdir": true, "cp": true, "chmod": true, "rm": true, "cat": true,
	"check": true, "smoke": true, "blood-elf": true, "sha256sum": true, "untar": true, "ungz": true, "true": true, "cmp": true}

// variant is what distinguishes one build of a tool from the next: "hex2-0".
var variant = regexp.MustCompile(`-[0-9]$`)

// climb is the building of a ladder.
type climb struct {
	*auditor
	programs []Program // written by stages below
}

// ladder fills the report's ladder for a stage: seed, the tools of the root
// stage in order of first use, the compilers that steps build, then stages.
func (a *auditor) ladder(id string) {
	known := map[string]Known{}
	for _, s := range a.report.Answers {
		known[s.Stage] = s.Own
	}
	c := climb{auditor: a}
	for _, s := range a.chain.Path(id) {
		var made Made
		if a.options.Made != nil {
			made = a.options.Made(s.ID)
		}
		own := c.rungs(s, made)
		for i := range own {
			own[i].Stage, own[i].Source = s.ID, known[s.ID]
		}
		a.report.Ladder = append(a.report.Ladder, own...)
		c.programs = append(c.programs, made.Programs...)
	}
}

// rungs are those of one stage, the stage itself last.
func (c *climb) rungs(s *chain.Stage, made Made) []Rung {
	var own []Rung
	if len(c.chain.Needs(s.ID)) == 0 {
		for _, seed := range c.report.Seeds {
			if seed.Stage == s.ID {
				own = append(own, Rung{Kind: RungSeed, Name: path.Base(seed.File), Size: seed.Size, Digest: seed.SHA256, Of: OfFile})
			}
		}
		own = append(own, c.tools(s, made, true)...)
	}
	seen := map[string]bool{}
	for _, step := range s.Steps {
		if rungs.MatchString(step.Subject) && !seen[step.Subject] && !strings.HasPrefix(step.Name, "uninstall") {
			seen[step.Subject] = true
			r := Rung{Kind: RungStep, Name: step.Subject, Line: step.Line, Digest: made.Changes[step.Line]}
			if r.Digest != "" {
				r.Of, r.Built = OfChange, true
			}
			own = append(own, r)
		}
	}
	if len(own) == 0 && s.Tier == "bootstrap" { // before there is a shell
		own = c.tools(s, made, false)
	}
	image := Rung{Kind: RungStage, Name: strings.TrimSpace(s.ID + " " + s.Version), Digest: s.Digest(), Size: made.Size, Built: made.Built}
	if image.Digest != "" {
		image.Of = OfManifest
	}
	return append(own, image)
}

// direct is a RUN in exec form, which no shell interprets.
var direct = regexp.MustCompile(`^RUN\s+(--\S+\s+)*\[`)

// command is a program that a recipe runs without a shell.
type command struct {
	at     int // line of the step that runs it
	line   int // where it is written down: the step's, or a script's that the step runs
	in     int // build stage
	words  []string
	script bool
}

// commands are those of the build stages that are reached, in the order in which
// they run. With scripts, those that the recipe holds are followed as well: the
// next step of their build stage runs them.
func commands(r reader, order []int, scripts bool) []command {
	var out []command
	add := func(c command, text string) {
		if c.words = strings.Fields(text); len(c.words) > 0 && slices.Contains(order, c.in) && strings.Contains(c.words[0], "/") {
			out = append(out, c)
		}
	}
	for _, run := range r.read.Runs {
		if direct.MatchString(run.Text) {
			add(command{at: run.Line, line: run.Line, in: run.In}, run.Script)
		}
	}
	for _, w := range r.read.Written {
		at := w.Line
		for _, run := range r.read.Runs {
			if run.In == w.In && run.Line > w.Line {
				at = run.Line
				break
			}
		}
		for line := range strings.Lines(w.Data) {
			if line = strings.TrimSpace(line); scripts && strings.HasPrefix(line, "./") {
				add(command{at: at, line: w.Line, in: w.In, script: true}, line)
			}
		}
	}
	slices.SortStableFunc(out, func(x, y command) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.in), slices.Index(order, y.in)), cmp.Compare(x.at, y.at))
	})
	return out
}

// tools are the programs that a stage runs without a shell, once each, in order
// of first use: what runs was built before, except for the seed.
func (c *climb) tools(s *chain.Stage, made Made, scripts bool) []Rung {
	r, ok := c.read[s.Containerfile]
	if !ok {
		return nil
	}
	target, ok := r.file.Target(s.Target)
	if !ok {
		return nil
	}
	var out []Rung
	seen := map[string]bool{"seed": true} // as recipes call it once it is copied
	for _, seed := range c.report.Seeds {
		seen[path.Base(seed.File)] = true
	}
	for _, g := range c.report.Ladder {
		seen[g.Name] = true
	}
	for _, run := range commands(r, r.read.Order(target), scripts) {
		program := path.Base(run.words[0])
		name := variant.ReplaceAllString(program, "")
		if seen[program] || seen[name] || asides[name] {
			continue
		}
		seen[name] = true
		rung := Rung{Kind: RungTool, Name: name, Line: run.line}
		if p, ok := c.program(program, run, made); ok {
			rung.Size, rung.Digest, rung.Of, rung.Built = p.Size, p.Digest, OfFile, true
		}
		out = append(out, rung)
	}
	return out
}

// program finds what a command runs: the last program of that name which a step
// wrote before. A script's step writes what the script itself runs later.
func (c *climb) program(name string, run command, made Made) (Program, bool) {
	for _, p := range slices.Backward(made.Programs) {
		if p.Name == name && (p.Line < run.at || run.script && p.Line == run.at) {
			return p, true
		}
	}
	for _, p := range slices.Backward(c.programs) {
		if p.Name == name {
			return p, true
		}
	}
	return Program{}, false
}
