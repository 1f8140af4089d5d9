package main

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
)

// listedStage is one element of the array that "list --json" prints, in chain
// order: every stage after all that it needs.
type listedStage struct {
	ID         string          `json:"id"`
	Tier       string          `json:"tier"`
	Name       string          `json:"name"`
	Package    string          `json:"package"`            // differs from name for a subpackage
	Version    string          `json:"version"`            // "" when the recipe has none
	Digest     chain.Digest    `json:"digest"`             // as the tree publishes it; "" when it does not
	Level      chain.Level     `json:"level"`              // what the digest is a digest of
	Platforms  []string        `json:"platforms"`          // as the recipe restricts them; empty means any
	Needs      []string        `json:"needs"`              // direct, distinct, in order of first mention
	Depth      int             `json:"depth"`              // longest way down to a root stage, in edges
	Dependents int             `json:"dependents"`         // stages that need it directly
	Downstream int             `json:"downstream"`         // stages that depend on it, directly or not
	Sources    int             `json:"sources"`            // pinned files from outside the tree
	Steps      int             `json:"steps"`              // RUNs that its image depends on
	Networked  int             `json:"networked"`          // steps that do not give up the network
	Broken     string          `json:"broken,omitempty"`   // why it cannot be built as written
	Findings   []chain.Finding `json:"findings,omitempty"` // about this stage
}

func (a *app) listCmd() *cobra.Command {
	var findings bool
	c := &cobra.Command{
		Use:   "list [PATTERN…]",
		Short: "List the stages in chain order",
		Long: `List prints the stages of the chain, every stage after all that it needs.

A PATTERN is a stage's ID (core-gcc), its bare name (gcc), a shell pattern
('bootstrap-*') or a part of an ID. DEPTH is the longest way down to a root
stage; USED BY counts all stages that depend on it, directly or not: what a bad
image of it would taint.

--findings prints what is odd or wrong in the tree instead: above all what the
tree's own scripts would crash on or drop in silence.

--json prints one array. Each stage has id, tier, name, package, version,
digest, level (manifest or index: what the digest is a digest of), platforms,
needs, depth, dependents (direct), downstream (all), sources, steps, networked
(steps that do not give up the network), broken and findings. With --findings
each element has severity (notice, warning, fault), rule, stage, file, line,
text and hint.`,
		Example: `  stagescope list
  stagescope --tree ~/stagex list 'bootstrap-*'
  stagescope --tree ~/stagex list --json | jq -r '.[] | select(.depth == 0).id'
  stagescope --tree ~/stagex list --findings`,
		ValidArgsFunction: a.completeStages,
		RunE: func(_ *cobra.Command, args []string) error {
			chain, err := a.openChain()
			if err != nil {
				return err
			}
			stages := chain.Stages
			if len(args) > 0 {
				if stages, err = findStages(chain, args); err != nil {
					return err
				}
			}
			if findings {
				return a.listFindings(chain, stages, len(args) == 0)
			}
			if a.json {
				return a.printJSON(listed(chain, stages))
			}
			return a.printList(chain, stages)
		},
	}
	c.Flags().BoolVar(&findings, "findings", false, "print what is odd or wrong in the tree")
	return c
}

func listed(c *chain.Chain, stages []*chain.Stage) []listedStage {
	byStage := map[string][]chain.Finding{}
	for _, f := range c.Findings {
		byStage[f.Stage] = append(byStage[f.Stage], f)
	}
	out := make([]listedStage, 0, len(stages))
	for _, s := range stages {
		l := listedStage{
			ID: s.ID, Tier: s.Tier, Name: s.Name, Package: s.Package, Version: s.Version, Digest: s.Digest(),
			Platforms: nonNil(s.Platforms), Needs: []string{}, Depth: c.Depth(s.ID), Dependents: len(c.Dependents(s.ID)),
			Downstream: len(c.Downstream(s.ID)), Sources: len(s.Sources), Steps: len(s.Steps), Networked: networked(s),
			Broken: s.Broken, Findings: byStage[s.ID],
		}
		if len(s.Published) > 0 {
			l.Level = s.Published[0].Level
		}
		for _, n := range s.Needs {
			if !slices.Contains(l.Needs, n.ID) {
				l.Needs = append(l.Needs, n.ID)
			}
		}
		out = append(out, l)
	}
	return out
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// networked counts the steps that the builder would give its default network.
func networked(s *chain.Stage) int {
	n := 0
	for _, step := range s.Steps {
		if step.Network != "none" {
			n++
		}
	}
	return n
}

func (a *app) printList(c *chain.Chain, stages []*chain.Stage) error {
	out := bufio.NewWriter(a.out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STAGE\tVERSION\tDEPTH\tNEEDS\tUSED BY\tSTEPS\tDIGEST\t")
	for _, s := range stages {
		note := ""
		if s.Broken != "" {
			note = "broken: " + s.Broken
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\n", safe.Text(s.ID), safe.Text(clip(cmp.Or(s.Version, "-"), 20)), c.Depth(s.ID),
			len(c.Needs(s.ID)), len(c.Downstream(s.ID)), len(s.Steps), cmp.Or(s.Digest().Short(), "-"), safe.Text(note))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	deepest := 0
	for _, s := range c.Stages {
		deepest = max(deepest, c.Depth(s.ID))
	}
	shown := ""
	if len(stages) < len(c.Stages) {
		shown = fmt.Sprintf("%d of ", len(stages))
	}
	fmt.Fprintf(out, "\n%s: %s%s, %s, depth %d%s\n", safe.Text(c.Name), shown, count(len(c.Stages), "stage"), count(c.Edges(), "need"), deepest, tally(c.Findings))
	return out.Flush()
}

// tally says how many findings there are, most severe first.
func tally(findings []chain.Finding) string {
	if len(findings) == 0 {
		return ""
	}
	var n [3]int
	for _, f := range findings {
		n[f.Severity]++
	}
	var parts []string
	for s := chain.Fault; s >= chain.Notice; s-- {
		if n[s] > 0 {
			parts = append(parts, count(n[s], s.String()))
		}
	}
	return "; " + strings.Join(parts, ", ") + " (list --findings)"
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// clip cuts s to n characters.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// listFindings prints the findings about stages and, when all, those about no
// stage of the chain.
func (a *app) listFindings(c *chain.Chain, stages []*chain.Stage, all bool) error {
	found := []chain.Finding{}
	for _, f := range c.Findings {
		if all || slices.ContainsFunc(stages, func(s *chain.Stage) bool { return s.ID == f.Stage }) {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(x, y chain.Finding) int { return cmp.Compare(y.Severity, x.Severity) })
	if a.json {
		return a.printJSON(found)
	}
	out := bufio.NewWriter(a.out)
	for _, f := range found {
		printFinding(out, "", f)
	}
	fmt.Fprintln(out, count(len(found), "finding"))
	return out.Flush()
}

func printFinding(w *bufio.Writer, indent string, f chain.Finding) {
	fmt.Fprintf(w, "%s%s %s: %s [%s]\n", indent, f.Severity, safe.Text(f.Where()), safe.Text(f.Text), f.Rule)
	if f.Hint != "" {
		fmt.Fprintf(w, "%s  hint: %s\n", indent, safe.Text(f.Hint))
	}
}
