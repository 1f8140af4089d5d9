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
// Only images have a published digest, and only the seed a size known before
// anything is built.
type Rung struct {
	Kind   RungKind     `json:"kind"`
	Name   string       `json:"name"`
	Stage  string       `json:"stage"`
	Line   int          `json:"line,omitempty"` // of the recipe, for a tool or a step
	Size   int64        `json:"size,omitempty"` // bytes, for a seed
	Digest chain.Digest `json:"digest,omitempty"`
	Source Known        `json:"source"` // what is known of the sources of its stage
}

// rungs are releases that make other programs; the rest of a bootstrap are the
// tools that building these takes.
var rungs = regexp.MustCompile(`(?i)^(mes|tcc|gcc|clang|llvm-project|mrustc|rustc|go)-?[v0-9]`)

// asides are programs that copy, compare or arrange and make nothing.
var asides = map[string]bool{"catm": true, "equal": true, "match": true, "mkdir": true, "cp": true, "chmod": true, "rm": true, "cat": true,
	"blood-elf": true, "sha256sum": true, "untar": true, "ungz": true, "true": true, "cmp": true}

// variant is what distinguishes one build of a tool from the next: "hex2-0".
var variant = regexp.MustCompile(`-[0-9]$`)

// ladder fills the report's ladder for a stage: seed, the tools of the root
// stage in order of first use, the compilers that steps build, then stages.
func (a *auditor) ladder(id string) {
	known := map[string]Known{}
	for _, s := range a.report.Answers {
		known[s.Stage] = s.Own
	}
	for _, s := range a.chain.Path(id) {
		var own []Rung
		if len(a.chain.Needs(s.ID)) == 0 {
			for _, seed := range a.report.Seeds {
				if seed.Stage == s.ID {
					own = append(own, Rung{Kind: RungSeed, Name: path.Base(seed.File), Size: seed.Size, Digest: seed.SHA256})
				}
			}
			own = append(own, a.tools(s, true)...)
		}
		seen := map[string]bool{}
		for _, step := range s.Steps {
			if rungs.MatchString(step.Subject) && !seen[step.Subject] && !strings.HasPrefix(step.Name, "uninstall") {
				seen[step.Subject] = true
				own = append(own, Rung{Kind: RungStep, Name: step.Subject, Line: step.Line})
			}
		}
		if len(own) == 0 && s.Tier == "bootstrap" { // before there is a shell
			own = a.tools(s, false)
		}
		own = append(own, Rung{Kind: RungStage, Name: strings.TrimSpace(s.ID + " " + s.Version), Digest: s.Digest()})
		for i := range own {
			own[i].Stage, own[i].Source = s.ID, known[s.ID]
		}
		a.report.Ladder = append(a.report.Ladder, own...)
	}
}

// direct is a RUN in exec form, which no shell interprets.
var direct = regexp.MustCompile(`^RUN\s+(--\S+\s+)*\[`)

// tools are the programs that a stage runs without a shell, once each, in order
// of first use: what runs was built before, except for the seed. With scripts,
// those that the recipe holds are followed as well.
func (a *auditor) tools(s *chain.Stage, scripts bool) []Rung {
	r, ok := a.read[s.Containerfile]
	if !ok {
		return nil
	}
	target, ok := r.file.Target(s.Target)
	if !ok {
		return nil
	}
	type command struct {
		line, in int
		text     string
	}
	var commands []command
	for _, run := range r.read.Runs {
		if !direct.MatchString(run.Text) {
			continue
		}
		commands = append(commands, command{run.Line, run.In, run.Script})
	}
	for _, w := range r.read.Written {
		if !scripts {
			break
		}
		for line := range strings.Lines(w.Data) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "./") {
				commands = append(commands, command{w.Line, w.In, line})
			}
		}
	}
	order := r.read.Order(target)
	slices.SortStableFunc(commands, func(x, y command) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.in), slices.Index(order, y.in)), cmp.Compare(x.line, y.line))
	})
	var out []Rung
	seen := map[string]bool{"seed": true} // as recipes call it once it is copied
	for _, seed := range a.report.Seeds {
		seen[path.Base(seed.File)] = true
	}
	for _, g := range a.report.Ladder {
		seen[g.Name] = true
	}
	for _, c := range commands {
		words := strings.Fields(c.text)
		if len(words) == 0 || !slices.Contains(order, c.in) || !strings.Contains(words[0], "/") {
			continue
		}
		name := variant.ReplaceAllString(path.Base(words[0]), "")
		if seen[path.Base(words[0])] || seen[name] || asides[name] {
			continue
		}
		seen[name] = true
		out = append(out, Rung{Kind: RungTool, Name: name, Line: c.line})
	}
	return out
}
