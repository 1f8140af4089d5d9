package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/safe"
	chainsource "github.com/stagescope/stagescope/chain/source"
)

// fetchDocument is what "fetch --json" prints.
type fetchDocument struct {
	Complete bool          `json:"complete"` // whether every file is at hand
	Stages   int           `json:"stages"`
	Bytes    int64         `json:"bytes"` // of all files
	Network  int64         `json:"network"`
	Files    []fetchedFile `json:"files"` // in chain order
}

type fetchedFile struct {
	Stage    string         `json:"stage"`
	File     string         `json:"file"`
	Digest   chain.Digest   `json:"digest"`           // the pin
	Path     string         `json:"path,omitempty"`   // on disk, verified; "" when it is missing
	Origin   string         `json:"origin,omitempty"` // "store", a path or a URL
	Size     int64          `json:"size"`
	Network  int64          `json:"network"` // bytes that came over the network
	Error    string         `json:"error,omitempty"`
	WrongAt  []fetchedWrong `json:"wrong,omitempty"` // places that gave other bytes
	mismatch bool
}

type fetchedWrong struct {
	Origin string       `json:"origin"`
	Found  chain.Digest `json:"found"`
	Kept   string       `json:"kept"` // the bad file, for inspection
}

func (a *app) fetchCmd() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "fetch STAGE… | --all",
		Short: "Get the sources of stages, verified",
		Long: `Fetch gets the source files that the stages pin and verifies each against its
SHA-256. They are sought in the store, in the tree's fetch/ directory, below the
directories of --sources (by file name and by hash, at any depth), and on the
mirrors in their order. A download that was cut off is resumed, also by the next
run. A file with the wrong hash is kept aside for inspection and the next place
is tried.

Exit code 1 says that a file could not be had and that some place gave other
bytes than its pin promises; 2 that a file is missing.

--json prints one object: complete, stages, bytes, network (bytes that came over
the network) and files: stage, file, digest, path, origin, size, network, error,
and wrong (origin, found, kept) for places that gave other bytes.`,
		Example: `  stagescope --tree ~/stagex fetch bootstrap-stage0
  stagescope --tree ~/stagex fetch --all --sources /mnt/mirror
  stagescope --tree ~/stagex fetch --offline core-gcc --json`,
		ValidArgsFunction: a.completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return withHint(errors.New("name stages, or --all"), "stagescope list prints the stages")
			}
			c, err := a.openChain()
			if err != nil {
				return err
			}
			stages := c.Stages
			if !all {
				if stages, err = findStages(c, args); err != nil {
					return err
				}
			}
			return a.fetch(cmd.Context(), c, stages)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "the sources of every stage")
	return c
}

func (a *app) fetch(ctx context.Context, c *chain.Chain, stages []*chain.Stage) error {
	st, err := a.openStore()
	if err != nil {
		return err
	}
	watch := newFetchWatch(a.err, c, stages)
	f := a.fetcher(c, st, watch.event)
	doc := fetchDocument{Complete: true, Stages: len(stages), Files: []fetchedFile{}}
	results := make([][]fetchedFile, len(stages))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for n, s := range stages {
		g.Go(func() error {
			got, err := f.FetchAll(gctx, s)
			if gctx.Err() != nil {
				return gctx.Err()
			}
			if results[n], err = fetchResults(s, got, err); err != nil {
				return err
			}
			return nil
		})
	}
	err = g.Wait()
	watch.clear()
	if err != nil {
		return withHint(err, "what was fetched so far is kept; the next run goes on from there")
	}
	for _, r := range results {
		doc.Files = append(doc.Files, r...)
	}
	return a.fetchReport(&doc)
}

// fetchResults makes the stage's lines. Errors that concern no single file, such
// as a full disk, end the verb.
func fetchResults(s *chain.Stage, got []chainsource.Got, err error) ([]fetchedFile, error) {
	missing := map[string]*chainsource.MissingError{}
	bad := map[string]*chainsource.PinError{}
	var other []error
	for _, e := range joined(err) {
		var m *chainsource.MissingError
		var p *chainsource.PinError
		switch {
		case errors.As(e, &m):
			missing[m.File] = m
		case errors.As(e, &p):
			bad[p.Source] = p
		default:
			other = append(other, e)
		}
	}
	if len(other) > 0 {
		return nil, errors.Join(other...)
	}
	had := map[string]chainsource.Got{}
	for _, g := range got {
		had[g.Source.File] = g
	}
	var out []fetchedFile
	for _, src := range s.Sources {
		f := fetchedFile{Stage: s.ID, File: src.File, Digest: src.Digest}
		if p := bad[src.Name]; p != nil {
			f.Error = p.Error()
		} else if g, ok := had[src.File]; ok {
			f.Path, f.Origin, f.Size, f.Network = g.Path, g.Origin, g.Size, g.Bytes
			f.wrong(g.Sought)
		} else if m := missing[src.File]; m != nil {
			f.Error = m.Error()
			f.wrong(m.Sought)
			f.mismatch = len(f.WrongAt) > 0
		}
		out = append(out, f)
	}
	return out, nil
}

func (f *fetchedFile) wrong(sought []chainsource.Attempt) {
	for _, at := range sought {
		var w *chainsource.WrongHashError
		if errors.As(at.Err, &w) {
			f.WrongAt = append(f.WrongAt, fetchedWrong{Origin: w.Origin, Found: w.Got, Kept: w.Kept})
		}
	}
}

// joined takes errors.Join apart.
func joined(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		if _, missing := err.(*chainsource.MissingError); !missing {
			return many.Unwrap()
		}
	}
	return []error{err}
}

func (a *app) fetchReport(doc *fetchDocument) error {
	missing, wrong, fresh := 0, false, 0
	for _, f := range doc.Files {
		doc.Bytes += f.Size
		doc.Network += f.Network
		if f.Origin != "" && f.Origin != "store" {
			fresh++
		}
		if f.Path == "" {
			missing++
			wrong = wrong || f.mismatch
		}
	}
	doc.Complete = missing == 0
	if a.json {
		if err := a.printJSON(doc); err != nil {
			return err
		}
	} else {
		a.printFetched(doc, missing, fresh)
	}
	switch {
	case missing == 0:
		return nil
	case wrong:
		return errProven
	}
	hint := "name a directory that holds it with --sources"
	if a.offline {
		hint += ", or leave out --offline"
	}
	return withHint(fmt.Errorf("%d of %d sources are missing", missing, len(doc.Files)), "%s", hint)
}

func (a *app) printFetched(doc *fetchDocument, missing, fresh int) {
	w := bufio.NewWriter(a.out)
	defer w.Flush()
	for _, f := range doc.Files {
		switch {
		case f.Path == "":
			fmt.Fprintf(w, "missing  %s  %s\n", safe.Text(f.Stage), safe.Text(f.Error))
		default:
			fmt.Fprintf(w, "verified %s  %s  %s  %s  from %s\n", safe.Text(f.Stage), f.Digest.Hex(), sizeText(f.Size), safe.Text(f.File), safe.Text(f.Origin))
		}
		for _, x := range f.WrongAt {
			fmt.Fprintf(w, "  wrong  %s\n         expected %s\n         found    %s\n", safe.Text(x.Origin), f.Digest, x.Found)
			if x.Kept != "" {
				fmt.Fprintf(w, "         kept as  %s\n", safe.Text(x.Kept))
			}
		}
	}
	fmt.Fprintf(w, "%d stages, %d sources of %s: %d verified (%d of them new, %s over the network), %d missing\n",
		doc.Stages, len(doc.Files), sizeText(doc.Bytes), len(doc.Files)-missing, fresh, sizeText(doc.Network), missing)
}

// fetchWatch shows progress on standard error: one line that replaces itself on
// a terminal, a line per retry elsewhere.
type fetchWatch struct {
	mu     sync.Mutex
	w      io.Writer
	status *status
	files  int
	done   int
	active map[string]chainsource.Event
}

func newFetchWatch(w io.Writer, _ *chain.Chain, stages []*chain.Stage) *fetchWatch {
	f := &fetchWatch{w: w, status: newStatus(w), active: map[string]chainsource.Event{}}
	for _, s := range stages {
		f.files += len(s.Sources)
	}
	return f
}

func (f *fetchWatch) event(e chainsource.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := e.Stage + "\x00" + e.File
	switch e.Kind {
	case chainsource.EventDone, chainsource.EventFailed:
		f.done++
		delete(f.active, key)
	case chainsource.EventRetry:
		f.status.clear()
		fmt.Fprintf(f.w, "stagescope: %s: %s: %s\n", safe.Text(e.File), safe.Text(e.Origin), safe.Text(oneLine(e.Err.Error())))
	default:
		f.active[key] = e
	}
	var bytes int64
	for _, x := range f.active {
		bytes += x.Done
	}
	total := ""
	if e.Total > 0 {
		total = fmt.Sprintf(" of %s", sizeText(e.Total))
	}
	f.status.set("%d of %d files; %s: %s%s (%d at once, %s)", f.done, f.files, safe.Text(e.File), sizeText(e.Done), total, len(f.active), sizeText(bytes))
}

func (f *fetchWatch) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.clear()
}
