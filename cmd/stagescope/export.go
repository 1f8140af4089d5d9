package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/chain/stagex"
	"github.com/stagescope/stagescope/rebuild"
)

func (a *app) exportCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "export",
		Short: "Write what was rebuilt in the tree's own forms",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.exportDigestsCmd())
	return c
}

type exportFlags struct {
	all       bool
	out       string
	replace   bool
	dryRun    bool
	published bool
}

func (a *app) exportDigestsCmd() *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "digests STAGE… | --all",
		Short: "Merge the digests of own rebuilds into digests/*.txt",
		Long: `Digests merges what the store's rebuilds gave into the files that the tree
publishes digests in, at the level that the tree's era uses. Lines of other
stages stay as they are. A stage that is listed with another digest keeps it and
is named; --replace takes the rebuild's.

Only what was rebuilt here counts: by the present recipe, unvaried, with one
result however often, and on images that were built here as well, unless
--published allows published ones.

Exit 1 when a listed digest differs from the rebuild's and was kept. Exit 2 when a
stage that was named has no such rebuild; nothing is written then. --json prints
one object: dir, dryRun, and files: name, and stages: stage, digest, old, change.
Left out with --all, with reasons: skipped.`,
		Example: `  stagescope export digests --all
  stagescope export digests core-bash --out /tmp/digests --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.exportDigests(&f, args) },
	}
	c.Flags().BoolVar(&f.all, "all", false, "every stage that the store has a rebuild of")
	c.Flags().StringVar(&f.out, "out", "", "`DIR` of the digests files (default: digests/ of the tree)")
	c.Flags().BoolVar(&f.replace, "replace", false, "replace listed digests that differ")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would change and write nothing")
	c.Flags().BoolVar(&f.published, "published", false, "count rebuilds on published images, too")
	return c
}

type exportedFile struct {
	Name   string                `json:"name"`
	Stages []stagex.MergedDigest `json:"stages"`
	data   []byte
}

type exportSkipped struct {
	Stage  string `json:"stage"`
	Reason string `json:"reason"`
}

type exportDocument struct {
	Dir     string          `json:"dir"`
	DryRun  bool            `json:"dryRun"`
	Files   []exportedFile  `json:"files"`
	Skipped []exportSkipped `json:"skipped"`
}

func (a *app) exportDigests(f *exportFlags, args []string) error {
	if f.all == (len(args) > 0) {
		return withHint(errors.New("it is not said which stages to export"), "name stages, or give --all")
	}
	c, err := a.openChain()
	if err != nil {
		return err
	}
	if f.out == "" {
		if c.Root == "" {
			return withHint(errors.New("the embedded chain is no place to write digests to"), "name a directory with --out")
		}
		f.out = filepath.Join(c.Root, "digests")
	}
	stages := c.Stages
	if !f.all {
		if stages, err = findStages(c, args); err != nil {
			return err
		}
	}
	byTier, skipped, err := a.exportable(c, stages, f)
	if err != nil {
		return err
	}
	doc := exportDocument{Dir: f.out, DryRun: f.dryRun, Files: []exportedFile{}, Skipped: skipped}
	for _, tier := range slices.Sorted(maps.Keys(byTier)) {
		file := exportedFile{Name: tier + ".txt"}
		name := filepath.Join(f.out, file.Name)
		old, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return withHint(err, "nothing was written")
		}
		if file.data, file.Stages, err = stagex.MergeDigests(old, byTier[tier], f.replace); err != nil {
			return withHint(fmt.Errorf("reading %q: %w", name, err), "mend the line; nothing was written")
		}
		doc.Files = append(doc.Files, file)
	}
	if !f.dryRun {
		for _, file := range doc.Files {
			if err := writeWhole(filepath.Join(f.out, file.Name), file.data); err != nil {
				return withHint(err, "make the directory writable, or name another with --out")
			}
		}
	}
	return a.printExport(&doc)
}

// exportable gives the digests by tier. With --all a stage that has none is left
// out and named; of stages that were asked for by name it is an error.
func (a *app) exportable(c *chain.Chain, stages []*chain.Stage, f *exportFlags) (map[string]map[string]chain.Digest, []exportSkipped, error) {
	s, err := a.openStore()
	if err != nil {
		return nil, nil, err
	}
	results, err := rebuild.Results(s, "")
	if err != nil {
		return nil, nil, err
	}
	byStage := map[string][]*rebuild.Result{}
	for _, r := range results {
		byStage[r.Stage] = append(byStage[r.Stage], r)
	}
	byTier, skipped := map[string]map[string]chain.Digest{}, []exportSkipped{}
	for _, st := range stages {
		d, err := rebuild.Publishable(c, st.ID, byStage[st.ID], digestLevel(c), f.published)
		switch {
		case err == nil:
			if byTier[st.Tier] == nil {
				byTier[st.Tier] = map[string]chain.Digest{}
			}
			byTier[st.Tier][st.ID] = d
		case !f.all:
			return nil, nil, withHint(fmt.Errorf("exporting %q: %w", st.ID, err), "stagescope rebuild %s; nothing was written", st.ID)
		case len(byStage[st.ID]) > 0:
			skipped = append(skipped, exportSkipped{st.ID, err.Error()})
		}
	}
	return byTier, skipped, nil
}

// digestLevel is the level at which the tree publishes digests; of a tree that
// publishes none it is the manifest, as releases since 2025.06.1 have it.
func digestLevel(c *chain.Chain) chain.Level {
	for _, s := range c.Stages {
		for _, p := range s.Published {
			return p.Level
		}
	}
	return chain.LevelManifest
}

// writeWhole replaces a file by another, or leaves it as it is.
func writeWhole(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".digests-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	return nil
}

func (a *app) printExport(doc *exportDocument) error {
	conflict := false
	for _, f := range doc.Files {
		for _, m := range f.Stages {
			conflict = conflict || m.Change == stagex.DigestConflict
		}
	}
	if a.json {
		if err := a.printJSON(doc); err != nil {
			return err
		}
	} else {
		for _, f := range doc.Files {
			for _, m := range f.Stages {
				fmt.Fprintf(a.out, "%s: %s %s: %s", f.Name, safe.Text(m.Stage), m.Digest, m.Change)
				if m.Old != "" {
					fmt.Fprintf(a.out, ", %s", m.Old)
				}
				fmt.Fprintln(a.out)
			}
		}
		for _, s := range doc.Skipped {
			fmt.Fprintf(a.out, "left out: %s: %s\n", safe.Text(s.Stage), safe.Text(s.Reason))
		}
		verb := "written to"
		if doc.DryRun {
			verb = "would be written to"
		}
		fmt.Fprintf(a.out, "%d files %s %s\n", len(doc.Files), verb, safe.Text(doc.Dir))
	}
	if conflict {
		return errProven
	}
	return nil
}
