package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/rebuild"
)

// baseName is the base image that a manifest's annotations name, "" when none.
func baseName(raw []byte) string {
	var m struct {
		Annotations map[string]string `json:"annotations"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	name := m.Annotations["org.opencontainers.image.base.name"]
	if d := m.Annotations["org.opencontainers.image.base.digest"]; d != "" {
		name += "@" + d
	}
	return name
}

// printAudit prints a report; first has, by stage, whether its bytes follow from
// its source.
func (a *app) printAudit(r *audit.Report, f auditFlags, first map[string]string) error {
	w := bufio.NewWriter(a.out)
	fmt.Fprintf(w, "Where trust ends: %s\n", safe.Text(r.Subject))
	fmt.Fprintf(w, "%s and %s looked at\n", count(len(r.Stages), "stage"), count(r.Files, "file"))
	if len(r.Path) > 1 {
		fmt.Fprintf(w, "One way down: ")
		for i := len(r.Path) - 1; i >= 0; i-- {
			fmt.Fprint(w, safe.Text(r.Path[i]))
			if i > 0 {
				fmt.Fprint(w, " < ")
			}
		}
		fmt.Fprintln(w)
	}
	if f.ladder {
		printLadder(w, r, first)
	}
	printRoots(w, r)
	printSeeds(w, r, f)
	printBinaries(w, "Binary files in the tree that are no seed", r.Binaries)
	if len(r.Encoded) > 0 {
		printBinaries(w, "Text files with long encoded data", r.Encoded)
	}
	printInputs(w, "Inputs without a pin", r.Unpinned)
	printInputs(w, "Sources that the builder itself would fetch", r.Network)
	printNetworkSteps(w, r)
	printSourceReport(w, r)
	printAnswers(w, r, first)
	fmt.Fprintf(w, "\nTrusted always, and outside the chain\n")
	for _, o := range r.Outside {
		fmt.Fprintf(w, "  %s\n", o)
	}
	if len(r.Gaps) > 0 {
		fmt.Fprintf(w, "\nNot checked (%d)\n", len(r.Gaps))
		for _, g := range r.Gaps {
			fmt.Fprintf(w, "  %s: %s\n", safe.Text(g.What), safe.Text(g.Why))
		}
	}
	return w.Flush()
}

func printRoots(w *bufio.Writer, r *audit.Report) {
	headings := []struct {
		kind audit.RootKind
		text string
	}{
		{audit.RootOpaque, "Opaque roots: no source is known below them"},
		{audit.RootNotChecked, "Images that could not be told"},
		{audit.RootStage, "Images that are stages of the chain"},
	}
	for _, h := range headings {
		var roots []audit.Root
		for _, root := range r.Roots {
			if root.Kind == h.kind {
				roots = append(roots, root)
			}
		}
		if len(roots) == 0 {
			if h.kind == audit.RootOpaque {
				fmt.Fprintf(w, "\nOpaque roots: none found\n")
			}
			continue
		}
		fmt.Fprintf(w, "\n%s (%d)\n", h.text, len(roots))
		for _, root := range roots {
			fmt.Fprintf(w, "  %s", safe.Text(root.Name))
			if root.Digest != "" && !strings.Contains(root.Name, root.Digest.Hex()) {
				fmt.Fprintf(w, " %s", root.Digest)
			}
			if root.File != "" {
				fmt.Fprintf(w, "  %s in %s:%d", safe.Text(root.How), safe.Text(root.File), root.Line)
			}
			if root.Kind == audit.RootOpaque && root.By != "" {
				fmt.Fprintf(w, "  %s", standing(root.Above))
			}
			fmt.Fprintf(w, "\n    %s\n", safe.Text(root.Why))
		}
	}
}

func standing(n int) string {
	if n == 1 {
		return "1 stage stands on it"
	}
	return fmt.Sprintf("%d stages stand on it", n)
}

func printSeeds(w *bufio.Writer, r *audit.Report, f auditFlags) {
	if len(r.Seeds) == 0 {
		fmt.Fprintf(w, "\nSeeds: none found\n")
		return
	}
	fmt.Fprintf(w, "\nSeeds (%d)\n", len(r.Seeds))
	for _, s := range r.Seeds {
		fmt.Fprintf(w, "  %s  %d bytes  %s  entropy %.2f of 8\n    %s\n    taken by %s; %s\n", safe.Text(s.File), s.Size,
			s.Content.Format, s.Content.Entropy, s.SHA256, safe.Text(s.Stage), standing(s.Above))
		if s.Known != "" {
			fmt.Fprintf(w, "    byte for byte %s\n", s.Known)
		}
		if s.Spelled != "" {
			fmt.Fprintf(w, "    byte for byte what %s spells in hex\n", safe.Text(s.Spelled))
		}
		for _, l := range s.Listing {
			fmt.Fprintf(w, "    %04x  %-8x  %-32s  %s\n", l.Offset, l.Addr, hexBytes(l.Bytes), safe.Text(l.Text))
		}
	}
	if !f.listing {
		fmt.Fprintf(w, "    (audit --listing explains each byte)\n")
	}
}

func hexBytes(b []byte) string {
	var parts []string
	for _, c := range b {
		parts = append(parts, fmt.Sprintf("%02x", c))
	}
	return strings.Join(parts, " ")
}

// maxPrinted bounds lists of files in text output; JSON has all.
const maxPrinted = 40

func printBinaries(w *bufio.Writer, heading string, files []audit.Binary) {
	if len(files) == 0 {
		fmt.Fprintf(w, "\n%s: none found\n", heading)
		return
	}
	fmt.Fprintf(w, "\n%s (%d)\n", heading, len(files))
	for _, b := range files[:min(len(files), maxPrinted)] {
		use := "no recipe takes it by name"
		if b.Used {
			use = "a recipe takes it"
		}
		fmt.Fprintf(w, "  %s  %d bytes  %s  entropy %.2f  %s  %s\n", safe.Text(b.File), b.Size, b.Content.Format, b.Content.Entropy, b.SHA256.Short(), use)
	}
	more(w, len(files))
}

func more(w *bufio.Writer, n int) {
	if n > maxPrinted {
		fmt.Fprintf(w, "  and %d more (--json has all)\n", n-maxPrinted)
	}
}

func printInputs(w *bufio.Writer, heading string, inputs []audit.Input) {
	if len(inputs) == 0 {
		fmt.Fprintf(w, "\n%s: none found\n", heading)
		return
	}
	fmt.Fprintf(w, "\n%s (%d)\n", heading, len(inputs))
	for _, in := range inputs {
		fmt.Fprintf(w, "  %s:%d  %s", safe.Text(in.File), in.Line, safe.Text(in.What))
		if in.Pin != "" {
			fmt.Fprintf(w, "  pinned to %s", safe.Text(in.Pin))
		}
		fmt.Fprintln(w)
	}
}

func printNetworkSteps(w *bufio.Writer, r *audit.Report) {
	if len(r.Steps) == 0 {
		fmt.Fprintf(w, "\nSteps that keep the network: none found\n")
		return
	}
	var files []string
	lines := map[string][]int{}
	hosts := false
	for _, s := range r.Steps {
		if lines[s.File] == nil {
			files = append(files, s.File)
		}
		lines[s.File] = append(lines[s.File], s.Line)
		hosts = hosts || s.Network == "host"
	}
	fmt.Fprintf(w, "\nSteps that keep the network (%d in %s; file: lines)\n", len(r.Steps), count(len(files), "recipe"))
	for _, f := range files {
		fmt.Fprintf(w, "  %s: %s\n", safe.Text(f), ranges(lines[f]))
	}
	if hosts {
		fmt.Fprintln(w, "  some ask for the host's network (--json says which)")
	}
}

// ranges writes ascending numbers with runs drawn together: "3, 7-9".
func ranges(n []int) string {
	var parts []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		text := strconv.Itoa(n[i])
		if j > i {
			text += "-" + strconv.Itoa(n[j])
		}
		parts = append(parts, text)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// printLadder prints what makes what, with both answers per rung.
func printLadder(w *bufio.Writer, r *audit.Report, first map[string]string) {
	if len(r.Ladder) == 0 {
		fmt.Fprintf(w, "\nLadder: name one stage\n")
		return
	}
	fmt.Fprintf(w, "\nLadder, from the seed up\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  RUNG\tKIND\tIN STAGE\tBYTES\tDIGEST\tBYTES FOLLOW FROM SOURCE\tSOURCE")
	for _, g := range r.Ladder {
		size, digest := "-", "-"
		if g.Size > 0 {
			size = strconv.FormatInt(g.Size, 10)
		}
		if g.Digest != "" {
			digest = g.Digest.Short()
		}
		follows, source := rungAnswers(g, first)
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", safe.Text(g.Name), g.Kind, safe.Text(g.Stage), size, digest, safe.Text(follows), source)
	}
	t.Flush()
}

// rungAnswers are the two answers for one rung. Only images are claimed: of
// what lies between, that it was built here is all that can be known.
func rungAnswers(g audit.Rung, first map[string]string) (follows, source string) {
	follows, source = rebuild.NotChecked.String(), g.Source.String()
	switch known, ok := first[g.Stage]; {
	case g.Kind == audit.RungSeed:
		return "no one built it", "-"
	case g.Kind == audit.RungStage && ok:
		follows = known
	case g.Kind != audit.RungStage && g.Built:
		follows = "built here"
	}
	return follows, source
}

func printSourceReport(w *bufio.Writer, r *audit.Report) {
	s := r.Sources
	fmt.Fprintf(w, "\nSources: %s, %d pinned by hash; %d opened, %d not opened; %d compared with version control\n", count(s.Total, "file"), s.Pinned, s.Opened, s.NotOpened, s.Compared)
	for _, answer := range s.Answers {
		if answer.Archive == nil && answer.Against == nil {
			continue
		}
		fmt.Fprintf(w, "  %s (%s): %s\n", safe.Text(answer.File), safe.Text(answer.Stage), answer.Known)
		if answer.Why != "" {
			fmt.Fprintf(w, "    %s\n", safe.Text(answer.Why))
		}
		if o := answer.Archive; o != nil {
			fmt.Fprintf(w, "    %s: %s, %d bytes, %s\n", safe.Text(o.Format), count(o.Entries, "file"), o.Bytes, count(o.Scripts, "generated script"))
			for _, b := range o.Binaries[:min(len(o.Binaries), maxPrinted)] {
				fmt.Fprintf(w, "    %-8s %s  %d bytes  %s\n", b.Content.Class, safe.Text(b.File), b.Size, b.Content.Format)
			}
			more(w, len(o.Binaries))
		}
		if answer.Against != nil {
			printComparison(w, answer.Against)
		}
	}
}

func printComparison(w *bufio.Writer, c *audit.Comparison) {
	fmt.Fprintf(w, "    beside %s: %s; contents only, not modes or links\n", safe.Text(c.With), c.Summary())
	for _, list := range []struct {
		mark  string
		files []audit.Differing
	}{{"only in the release ", c.OnlyRelease}, {"different           ", c.Different}, {"only in version ctrl", c.OnlyVersion}} {
		for _, d := range list.files[:min(len(list.files), maxPrinted)] {
			note := ""
			if d.Generated {
				note = "  (generated build script)"
			} else if d.Class.Opaque() {
				note = "  (" + d.Class.String() + ")"
			}
			fmt.Fprintf(w, "    %s  %s%s\n", list.mark, safe.Text(d.File), note)
		}
		more(w, len(list.files))
	}
}

// printAnswers gives both answers side by side, and never one for the other.
func printAnswers(w *bufio.Writer, r *audit.Report, first map[string]string) {
	if len(r.Answers) == 0 {
		return
	}
	fmt.Fprintf(w, "\nTwo answers, never merged\n")
	own := map[audit.Known]int{}
	for _, s := range r.Answers {
		own[s.Own]++
	}
	var parts []string
	for k := audit.SourceNotChecked; k <= audit.SourceOpaque; k++ {
		if own[k] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", count(own[k], "stage"), k))
		}
	}
	fmt.Fprintf(w, "  bytes follow from the source: %s rebuilt here, %d not checked (stagescope rebuild)\n  own sources: %s\n", count(len(first), "stage"), len(r.Answers)-len(first), strings.Join(parts, ", "))
	if len(r.Path) == 0 {
		return
	}
	last := r.Answers[len(r.Answers)-1]
	follows, ok := first[last.Stage]
	if !ok {
		follows = "not checked"
	}
	fmt.Fprintf(w, "  %s\n    bytes follow from the source: %s\n    its own source: %s", safe.Text(last.Stage), safe.Text(follows), last.Own)
	if last.Why != "" {
		fmt.Fprintf(w, " (%s)", safe.Text(last.Why))
	}
	fmt.Fprintf(w, "\n    all sources below, its own included: %s\n", last.Below)
}
