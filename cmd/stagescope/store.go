package main

import (
	"bufio"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/chain/store"
)

func (a *app) storeCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "What is kept: list, verify, collect garbage",
		Long: `The store keeps rebuilt images, their logs, results and claims, and sources, as
one OCI layout on disk that any OCI tool reads. Many processes may use it at
once. --store names another one.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.storeListCmd(), a.storeVerifyCmd(), a.storeGCCmd(), a.storeRemoveCmd(), a.storeAsideCmd())
	return c
}

// storedRoot is an element of what "store list --json" prints.
type storedRoot struct {
	Name         string       `json:"name"` // the tag; "" for what has none
	Digest       chain.Digest `json:"digest"`
	ArtifactType string       `json:"artifactType,omitempty"` // "" for an image
	Title        string       `json:"title,omitempty"`        // a source's file name
	Size         int64        `json:"size"`                   // bytes of all that it leads to
	Used         time.Time    `json:"used"`
	Matches      string       `json:"matches,omitempty"` // the claim that it is known to match
	Evidence     bool         `json:"evidence"`          // gc does not remove it unasked
}

type storeDocument struct {
	Dir   string       `json:"dir"`
	Blobs int          `json:"blobs"`
	Bytes int64        `json:"bytes"`
	Aside int          `json:"aside"`
	Items []storedRoot `json:"items"`
}

func (a *app) storeListCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List what the store keeps",
		Long: `List prints the images and artifacts that the store keeps, by tag: stage/ID is
the image that stage:ID names, trial/ID/N one trial of it.

"evidence" marks what gc does not remove unasked: an image that is not known to
match a claim, and what was recorded about it.

--json prints one object: dir, blobs, bytes, aside (files set aside) and items:
name, digest, artifactType, title, size, used, matches, evidence.`,
		Example: `  stagescope store list
  stagescope store list --json | jq '.items[] | select(.evidence).name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openStore()
			if err != nil {
				return err
			}
			roots, err := s.Roots(cmd.Context())
			if err != nil {
				return err
			}
			doc := storeDocument{Dir: s.Dir(), Items: []storedRoot{}}
			if doc.Blobs, doc.Bytes, err = s.Usage(); err != nil {
				return err
			}
			asides, err := s.Asides()
			if err != nil {
				return err
			}
			doc.Aside = len(asides)
			for _, r := range roots {
				doc.Items = append(doc.Items, storedRoot{
					Name: r.Name, Digest: chain.Digest(r.Descriptor.Digest), ArtifactType: r.Descriptor.ArtifactType,
					Title: r.Descriptor.Annotations["org.opencontainers.image.title"], Size: r.Size, Used: r.Used.UTC(),
					Matches: r.Matches, Evidence: r.Evidence,
				})
			}
			if a.json {
				return a.printJSON(doc)
			}
			return a.printStore(doc)
		},
	}
}

func (a *app) printStore(doc storeDocument) error {
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	if len(doc.Items) > 0 {
		fmt.Fprintln(w, "NAME\tDIGEST\tSIZE\tUSED\t")
	}
	for _, i := range doc.Items {
		name, note := i.Name, ""
		if name == "" {
			name = i.ArtifactType
		}
		if i.Title != "" {
			name += " " + i.Title
		}
		switch {
		case i.Matches != "":
			note = "matches " + i.Matches
		case i.Evidence:
			note = "evidence"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", safe.Text(name), i.Digest.Short(), sizeText(i.Size), i.Used.Format("2006-01-02 15:04"), safe.Text(note))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s: %d blobs, %s; %d files set aside\n", safe.Text(doc.Dir), doc.Blobs, sizeText(doc.Bytes), doc.Aside)
	return err
}

// verifyDocument is what "store verify --json" prints.
type verifyDocument struct {
	Complete bool          `json:"complete"` // whether every blob was hashed
	Blobs    int           `json:"blobs"`
	Bytes    int64         `json:"bytes"`
	Faults   []store.Fault `json:"faults"`
}

func (a *app) storeVerifyCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Hash all that is kept",
		Long: `Verify hashes every blob of the store and looks for what is missing. A blob whose
bytes are not those of its digest is set aside, so that whoever needs it makes
or fetches it again. A damaged index.json is rebuilt from the blobs.

Exit code 1 says that something is wrong; 2 that not all could be checked.

--json prints one object: complete, blobs, bytes and faults: digest, found,
size, text, kept (where the bad bytes are now), affected (tags and artifacts).`,
		Example: `  stagescope store verify
  stagescope store verify --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openStore()
			if err != nil {
				return err
			}
			line := newStatus(a.err)
			var last store.VerifyProgress
			faults, err := s.Verify(cmd.Context(), func(p store.VerifyProgress) {
				last = p
				line.set("%d of %d blobs, %s of %s, %d faults", p.Blobs, p.TotalBlobs, sizeText(p.Bytes), sizeText(p.TotalBytes), p.Faults)
			})
			line.clear()
			doc := verifyDocument{Complete: err == nil, Blobs: last.Blobs, Bytes: last.Bytes, Faults: faults}
			if doc.Faults == nil {
				doc.Faults = []store.Fault{}
			}
			if reportErr := a.printVerify(doc); reportErr != nil {
				return reportErr
			}
			switch {
			case len(faults) > 0:
				return errProven
			case err != nil:
				return withHint(err, "nothing was found wrong as far as it went")
			}
			return nil
		},
	}
}

func (a *app) printVerify(doc verifyDocument) error {
	if a.json {
		return a.printJSON(doc)
	}
	w := bufio.NewWriter(a.out)
	for _, f := range doc.Faults {
		fmt.Fprintf(w, "%s %s\n", f.Digest, safe.Text(f.Text))
		if f.Found != "" {
			fmt.Fprintf(w, "  found    %s (%d bytes)\n", f.Found, f.Size)
		}
		if f.Kept != "" {
			fmt.Fprintf(w, "  kept as  %s\n", safe.Text(f.Kept))
		}
		for _, t := range f.Affected {
			fmt.Fprintf(w, "  part of  %s\n", safe.Text(t))
		}
	}
	if len(doc.Faults) > 0 {
		fmt.Fprintln(w, "  a rebuild makes an image again, a fetch a source; stagescope store remove lets go of anything else by the name or digest above")
	}
	done := "every blob hashed"
	if !doc.Complete {
		done = "not every blob hashed"
	}
	fmt.Fprintf(w, "%d blobs, %s, %s: %d faults\n", doc.Blobs, sizeText(doc.Bytes), done, len(doc.Faults))
	return w.Flush()
}

func (a *app) storeGCCmd() *cobra.Command {
	var (
		maxSize      string
		dry, engines bool
		minAge       time.Duration
	)
	c := &cobra.Command{
		Use:   "gc",
		Short: "Remove what nothing leads to, down to a size",
		Long: `Gc removes blobs that no tag and no artifact leads to. With --max it then
removes what was used least recently until the rest fits, but never evidence: an
image that is not known to match a claim stays until store remove names it. What
is younger than --min-age stays, since a running build may be about to use it.

--engine-state also removes the engine's own cache, which is beside the layout
and makes the next rebuilds slower; no engine may be running.

--json prints one object: bytes, blobs and roots (what was removed), kept and
over (bytes that remain, and how far that is over --max), blocked (evidence that
--max alone would have removed).`,
		Example: `  stagescope store gc --dry-run
  stagescope store gc --max 20G
  stagescope store gc --engine-state`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := store.Policy{DryRun: dry, MinAge: minAge}
			if maxSize != "" {
				var err error
				if p.MaxBytes, err = parseSize(maxSize); err != nil {
					return withHint(err, "for instance --max 20G")
				}
				if p.MaxBytes == 0 {
					p.MaxBytes = 1 // 0 would mean no bound
				}
			}
			s, err := a.openStore()
			if err != nil {
				return err
			}
			if engines && !dry {
				if err := s.RemoveEngineState(removeEngineState); err != nil {
					return withHint(err, "end the engines that use this store first")
				}
			}
			return a.gc(cmd, s, p)
		},
	}
	c.Flags().StringVar(&maxSize, "max", "", "remove until no more than `SIZE` remains (500M, 20G)")
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would go")
	c.Flags().BoolVar(&engines, "engine-state", false, "also remove the engine's cache")
	c.Flags().DurationVar(&minAge, "min-age", time.Hour, "keep what is younger")
	return c
}

func (a *app) gc(cmd *cobra.Command, s *store.Store, p store.Policy) error {
	freed, err := s.GC(cmd.Context(), p)
	if err != nil {
		return withHint(err, "stagescope store list prints what is there")
	}
	if a.json {
		return a.printJSON(freed)
	}
	did := "removed"
	if p.DryRun {
		did = "would remove"
	}
	for _, r := range freed.Roots {
		fmt.Fprintf(a.out, "%s %s\n", did, safe.Text(r))
	}
	for _, r := range freed.Blocked {
		fmt.Fprintf(a.out, "kept %s: it matches no claim that is known of\n", safe.Text(r))
	}
	fmt.Fprintf(a.out, "%s %d blobs, %s; %s remain\n", did, freed.Blobs, sizeText(freed.Bytes), sizeText(freed.Kept))
	if freed.Over > 0 {
		fmt.Fprintf(a.out, "that is %s over the bound; evidence goes only by name: stagescope store remove NAME\n", sizeText(freed.Over))
	}
	return nil
}

func (a *app) storeRemoveCmd() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "remove NAME…",
		Short: "Remove images and artifacts by name, evidence included",
		Long: `Remove lets go of images and artifacts by their tag or full digest, as store list
prints them (--json for full digests), with all that is recorded about them and
blobs that nothing else leads to. It is the only way to remove an output that
matches no claim.

--json prints what gc --json prints.`,
		Example: `  stagescope store remove trial/core-bash/2
  stagescope store remove --dry-run stage/core-bash`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openStore()
			if err != nil {
				return err
			}
			return a.gc(cmd, s, store.Policy{Remove: args, DryRun: dry, MinAge: time.Hour, Sweep: true})
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would go")
	return c
}

func (a *app) storeAsideCmd() *cobra.Command {
	var remove []string
	c := &cobra.Command{
		Use:   "aside",
		Short: "List files whose bytes were wrong, kept for inspection",
		Long: `Aside lists what was set aside: sources that did not match their pin, blobs that
did not match their digest, a damaged index.json; each with what was expected,
what was found, and where it came from.

--json prints an array: name, expected, found, size, origin, reason, when, path.`,
		Example: `  stagescope store aside
  stagescope store aside --remove bash-5.3.tar.gz-0123456789ab`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.openStore()
			if err != nil {
				return err
			}
			for _, name := range remove {
				if err := s.RemoveAside(name); err != nil {
					return withHint(err, "stagescope store aside prints what is there")
				}
			}
			asides, err := s.Asides()
			if err != nil {
				return err
			}
			if asides == nil {
				asides = []store.Aside{}
			}
			if a.json {
				return a.printJSON(asides)
			}
			w := bufio.NewWriter(a.out)
			for _, x := range asides {
				fmt.Fprintf(w, "%s  %s  %s\n  %s\n", x.When.Format("2006-01-02 15:04"), safe.Text(x.Name), sizeText(x.Size), safe.Text(x.Reason))
				fmt.Fprintf(w, "  expected %s\n  found    %s\n  origin   %s\n  kept as  %s\n", x.Want, x.Got, safe.Text(x.Origin), safe.Text(x.Path))
			}
			fmt.Fprintf(w, "%d files set aside\n", len(asides))
			return w.Flush()
		},
	}
	c.Flags().StringArrayVar(&remove, "remove", nil, "remove the file of that `NAME`, the last part of its path (repeatable)")
	return c
}
