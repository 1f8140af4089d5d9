package main

import (
	"bufio"
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
	"github.com/stagescope/stagescope/chain/safe"
)

// shownStage is the document that "show --json" prints.
type shownStage struct {
	listedStage
	Dir           string        `json:"dir"`           // relative to the tree
	Containerfile string        `json:"containerfile"` // relative to the tree
	Target        string        `json:"target"`        // build stage that is built; "" means the last
	Description   string        `json:"description"`
	License       string        `json:"license"`
	Website       string        `json:"website"`
	BuildArgs     []chain.Arg   `json:"buildArgs"`
	SourceFiles   []shownSource `json:"sourceFiles"`
	StepList      []shownStep   `json:"stepList"`
	NeedList      []shownNeed   `json:"needList"`
	Claims        []shownClaim  `json:"claims"`        // digests that the tree publishes
	Local         []shownImage  `json:"local"`         // images that lie in the tree; no claims
	Exporter      shownExporter `json:"exporter"`      // how the image must be written to get the digest
	Path          []string      `json:"path"`          // one longest way, from a root stage to this one
	Ancestors     int           `json:"ancestors"`     // all stages below
	DependentIDs  []string      `json:"dependentIds"`  // direct
	DownstreamIDs []string      `json:"downstreamIds"` // all that depend on it
	Answers       answers       `json:"answers"`       // do its bytes follow from its source; what is known of the source
}

type shownNeed struct {
	ID   string `json:"id"`
	Pin  string `json:"pin,omitempty"`
	Line int    `json:"line"`
}

type shownSource struct {
	Name    string       `json:"name"`
	File    string       `json:"file"`
	Digest  chain.Digest `json:"digest"` // pinned SHA-256 of the file
	Version string       `json:"version,omitempty"`
	Mirrors []string     `json:"mirrors"`
	Line    int          `json:"line"`
}

type shownStep struct {
	Index   int    `json:"index"`
	Line    int    `json:"line"`
	Build   string `json:"build"`
	Name    string `json:"name"`
	Subject string `json:"subject,omitempty"` // the release it works on
	Network string `json:"network"`           // none, default or host
	Command string `json:"command"`
}

type shownClaim struct {
	Digest chain.Digest `json:"digest"`
	Level  chain.Level  `json:"level"`
	Origin string       `json:"origin"`
	Line   int          `json:"line,omitempty"`
}

type shownImage struct {
	Layout   string       `json:"layout"`
	Index    chain.Digest `json:"index,omitempty"`
	Manifest chain.Digest `json:"manifest"`
}

type shownExporter struct {
	Era           string      `json:"era"`
	ImageName     string      `json:"imageName"`
	Annotations   []chain.Arg `json:"annotations"`
	MissingInputs []string    `json:"missingInputs,omitempty"`
}

func (a *app) showCmd() *cobra.Command {
	var recipe bool
	var out outsideFlags
	step := -1
	c := &cobra.Command{
		Use:   "show STAGE|DIGEST|IMAGE",
		Short: "Show one stage, or say what a digest or image from outside is",
		Long: `Show prints what is known of one stage before anything is built: what it needs
and who depends on it, its recipe and steps, the sources it pins, the digests
that the tree publishes for it, one longest way down to a root stage, and what
is odd or wrong about it.

--recipe prints the Containerfile, --step N the text of one step.

A digest, or an image by any reference, is looked up in the digests of every
release tag of the tree's git repository: for which stage it was published, and
what superseded it. An image that no release publishes is written again in all
the ways in which mirrors and tools change images, until a published digest comes
out, and compared with the published image where the store or the tree has it or
--against names it. What is found that way is an explanation, never the same.

--json prints one document: the fields of "list --json" and dir, containerfile,
target, description, license, website, buildArgs, sourceFiles (name, file,
digest, version, mirrors, line), stepList (index, line, build, name, subject,
network, command), needList (id, pin, line), claims (digest, level, origin,
line), local (images that lie in the tree), exporter, path (from a root stage),
ancestors, dependentIds, downstreamIds and answers (bytes, claim, source, sourceWhy: two
answers that are never merged). For a digest or image it has asked, image, found,
searched, rederived, published, compared and notes.`,
		Example: `  stagescope show stage0
  stagescope --tree ~/stagex show core-gcc
  stagescope --tree ~/stagex show bootstrap-stage1 --step 3
  stagescope --tree ~/stagex show core-gcc --json | jq .path
  stagescope --tree ~/stagex show mirror.example/core-openssl:3.5.2`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.openChain()
			if err != nil {
				return err
			}
			if outsideArg(c, args[0]) {
				return a.showOutside(cmd.Context(), c, args[0], out)
			}
			s, err := findStage(c, args[0])
			switch {
			case err != nil:
				return err
			case recipe:
				return a.printRecipe(c, s)
			case step >= 0:
				return a.printStep(s, step)
			case a.json:
				return a.printJSON(shown(c, s, a.answersOf(c, s)))
			}
			return a.printStage(c, s)
		},
	}
	c.Flags().BoolVar(&recipe, "recipe", false, "print the Containerfile")
	c.Flags().IntVar(&step, "step", -1, "print the text of step `N`")
	out.add(c)
	return c
}

func shown(c *chain.Chain, s *chain.Stage, known answers) shownStage {
	out := shownStage{
		listedStage: listed(c, []*chain.Stage{s})[0], Dir: s.Dir, Containerfile: s.Containerfile, Target: s.Target,
		Description: s.Description, License: s.License, Website: s.Website, BuildArgs: append([]chain.Arg{}, s.BuildArgs...),
		SourceFiles: []shownSource{}, StepList: []shownStep{}, NeedList: []shownNeed{}, Claims: []shownClaim{}, Local: []shownImage{},
		Exporter: shownExporter{s.Exporter.Era, s.Exporter.ImageName, append([]chain.Arg{}, s.Exporter.Annotations...), s.Exporter.MissingInputs},
		Path:     idsOf(c.Path(s.ID)), Ancestors: len(c.Ancestors(s.ID)), DependentIDs: idsOf(c.Dependents(s.ID)), DownstreamIDs: idsOf(c.Downstream(s.ID)), Answers: known,
	}
	for _, n := range s.Needs {
		out.NeedList = append(out.NeedList, shownNeed(n))
	}
	for _, f := range s.Sources {
		out.SourceFiles = append(out.SourceFiles, shownSource{f.Name, f.File, f.Digest, f.Version, nonNil(f.Mirrors), f.Line})
	}
	for _, t := range s.Steps {
		out.StepList = append(out.StepList, shownStep{t.Index, t.Line, t.Build, t.Name, t.Subject, cmp.Or(t.Network, "default"), t.Command})
	}
	for _, p := range s.Published {
		out.Claims = append(out.Claims, shownClaim(p))
	}
	for _, l := range s.Local {
		out.Local = append(out.Local, shownImage(l))
	}
	return out
}

func idsOf(stages []*chain.Stage) []string {
	ids := make([]string, 0, len(stages))
	for _, s := range stages {
		ids = append(ids, s.ID)
	}
	return ids
}

func (a *app) printStage(c *chain.Chain, s *chain.Stage) error {
	w := bufio.NewWriter(a.out)
	fmt.Fprintln(w, strings.TrimSpace(safe.Text(s.ID+" "+s.Version)))
	if s.Description != "" {
		fmt.Fprintf(w, "%s\n", safe.Text(s.Description))
	}
	if s.Broken != "" {
		fmt.Fprintf(w, "\nIt cannot be built as written: %s\n", safe.Text(s.Broken))
	}
	fmt.Fprintln(w)
	printFacts(w, s, a.answersOf(c, s))
	printNeeds(w, c, s)
	printSources(w, s)
	printSteps(w, s)
	printWay(w, c, s)
	var found []chain.Finding
	for _, f := range c.Findings {
		if f.Stage == s.ID {
			found = append(found, f)
		}
	}
	if len(found) > 0 {
		fmt.Fprintf(w, "\nFindings (%d)\n", len(found))
		for _, f := range found {
			printFinding(w, "  ", f)
		}
	}
	return w.Flush()
}

func printFacts(out *bufio.Writer, s *chain.Stage, known answers) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fact := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, safe.Text(fmt.Sprintf(format, args...)))
	}
	if s.License != "" {
		fact("License", "%s", s.License)
	}
	if s.Website != "" {
		fact("Website", "%s", s.Website)
	}
	target := "its last build stage"
	if s.Target != "" {
		target = "its build stage " + s.Target
	}
	fact("Recipe", "%s, %s", s.Containerfile, target)
	fact("Platform", "%s", cmp.Or(strings.Join(s.Platforms, ", "), "any"))
	for _, p := range s.Published {
		fact("Claim", "%s (%s, %s:%d)", p.Digest, p.Level, p.Origin, p.Line)
	}
	if len(s.Published) == 0 {
		fact("Claim", "none: the tree publishes no digest of it")
	}
	fact("Bytes", "%s", known.bytes())
	fact("Source", "%s", known.source())
	for _, l := range s.Local {
		fact("Image", "%s in %s (no claim)", l.Manifest, l.Layout)
	}
	fact("Image name", "stagex/%s:%s", s.ID, s.Tag())
	fact("Written as", "%s", s.Exporter.Era)
	for _, m := range s.Exporter.MissingInputs {
		fact("Missing input", "%s", m)
	}
	w.Flush()
	if len(s.BuildArgs) > 0 {
		fmt.Fprintf(out, "\nBuild arguments (%d)\n", len(s.BuildArgs))
		for _, arg := range s.BuildArgs {
			fmt.Fprintf(out, "  %s=%s\n", safe.Text(arg.Name), safe.Text(arg.Value))
		}
	}
}

func printNeeds(out *bufio.Writer, c *chain.Chain, s *chain.Stage) {
	if len(s.Needs) == 0 {
		fmt.Fprintf(out, "\nInputs: no other stage; it is a root of the chain\n")
		return
	}
	fmt.Fprintf(out, "\nInputs (%d, built from %d stages in all)\n", len(s.Needs), len(c.Ancestors(s.ID)))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, n := range s.Needs {
		digest := "no such stage"
		if need, err := c.Stage(n.ID); err == nil {
			digest = cmp.Or(need.Digest().Short(), "-")
		}
		fmt.Fprintf(w, "  %s\t%s\tline %d\n", safe.Text(n.ID+n.Pin), digest, n.Line)
	}
	w.Flush()
}

func printSources(out *bufio.Writer, s *chain.Stage) {
	if len(s.Sources) == 0 {
		return
	}
	fmt.Fprintf(out, "\nSources (%d)\n", len(s.Sources))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range s.Sources {
		where := ""
		if len(f.Mirrors) > 0 {
			where = f.Mirrors[0]
		}
		if len(f.Mirrors) > 1 {
			where += fmt.Sprintf(" (and %s)", count(len(f.Mirrors)-1, "mirror"))
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", safe.Text(cmp.Or(f.File, f.Name)), cmp.Or(f.Digest.Short(), "not pinned"), safe.Text(where))
	}
	w.Flush()
}

func printSteps(out *bufio.Writer, s *chain.Stage) {
	if len(s.Steps) == 0 {
		fmt.Fprintf(out, "\nSteps: none\n")
		return
	}
	fmt.Fprintf(out, "\nSteps (%d", len(s.Steps))
	if n := networked(s); n > 0 {
		fmt.Fprintf(out, ", %d not declared --network=none", n)
	}
	fmt.Fprintln(out, ")")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range s.Steps {
		fmt.Fprintf(w, "  %d\t%s\tline %d\t%s\n", t.Index, safe.Text(cmp.Or(t.Build, "-")), t.Line, safe.Text(t.Name))
	}
	w.Flush()
}

func printWay(out *bufio.Writer, c *chain.Chain, s *chain.Stage) {
	way := c.Path(s.ID)
	if len(way) > 1 {
		fmt.Fprintf(out, "\nWay down to a root stage (%s)\n", count(len(way)-1, "edge"))
		for i := len(way) - 1; i >= 0; i-- {
			fmt.Fprintf(out, "  %s\n", strings.TrimSpace(safe.Text(way[i].ID+" "+way[i].Version)))
		}
	}
	direct, all := c.Dependents(s.ID), c.Downstream(s.ID)
	if len(all) == 0 {
		fmt.Fprintf(out, "\nNo stage depends on it\n")
		return
	}
	verb := "depend"
	if len(all) == 1 {
		verb = "depends"
	}
	fmt.Fprintf(out, "\n%s %s on it, %d directly", count(len(all), "stage"), verb, len(direct))
	ids := idsOf(direct[:min(6, len(direct))])
	if len(direct) > len(ids) {
		ids = append(ids, fmt.Sprintf("%d more", len(direct)-len(ids)))
	}
	fmt.Fprintf(out, ": %s\n", safe.Text(strings.Join(ids, ", ")))
}

func (a *app) printRecipe(c *chain.Chain, s *chain.Stage) error {
	data, err := containerfile.ReadFile(c.FS, s.Containerfile)
	if err != nil {
		return fmt.Errorf("reading the recipe: %w", err)
	}
	w := bufio.NewWriter(a.out)
	for line := range strings.Lines(string(data)) {
		fmt.Fprintln(w, safe.Line(line))
	}
	return w.Flush()
}

func (a *app) printStep(s *chain.Stage, n int) error {
	if n >= len(s.Steps) {
		return withHint(fmt.Errorf("%q has no step %d", s.ID, n), "it has %s, numbered from 0", count(len(s.Steps), "step"))
	}
	t := s.Steps[n]
	if a.json {
		return a.printJSON(shownStep{t.Index, t.Line, t.Build, t.Name, t.Subject, cmp.Or(t.Network, "default"), t.Command})
	}
	w := bufio.NewWriter(a.out)
	for line := range strings.Lines(t.Command) {
		fmt.Fprintln(w, safe.Line(line))
	}
	return w.Flush()
}
