package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/containerfile"
	"github.com/stagescope/stagescope/rebuild"
)

// auditFlags are the flags of the verb audit.
type auditFlags struct {
	open    bool
	listing bool
	ladder  bool
	compare []string
}

func (a *app) auditCmd() *cobra.Command {
	var f auditFlags
	c := &cobra.Command{
		Use:   "audit [STAGE… | DOCKERFILE | IMAGE]",
		Short: "Say where trust ends: seeds, binaries, opaque images, what was not checked",
		Long: `Audit follows stages down to their roots and reports what has to be trusted
without source: seeds; images that are no stages of the chain (opaque roots);
other binary files in the tree, found by content; inputs without a pin; sources
that the builder itself would fetch; steps that keep the network; and how many
source archives were not opened. It never reports more than was checked.

Without arguments it audits the whole chain. A DOCKERFILE or an IMAGE is held
against the chain: does it end in an auditable seed? A path is an image if its
content is one, else a Dockerfile. Name images with a tag or digest. A pin to a
digest that the tree does not publish is asked for at its registry, since it may
be the index around the stage's manifest; --offline leaves it unchecked.

A stage has two answers, which are never merged: do its bytes follow from its
source (stagescope rebuild), and what is known of the source. A backdoored
tarball gives the same bytes everywhere.

--open looks into the source archives that are at hand (the tree's fetch/,
--sources, the store; nothing is fetched). --compare NAME=PATH compares the
source NAME with its version-control tree, a directory or an archive: files that
version control lacks or has otherwise are listed, generated build scripts
first. --listing explains each byte of the seeds, --ladder prints what makes
what from the seed to one stage, with the bytes and digests of what was built
here: of a tool its file, of a step what it changed.

Exit code 1 when there is an opaque root; 2 when there is none, but not all that
decides about it could be checked.

--json prints one document: subject, stages, roots (kind, name, digest, stage,
by, file, line, how, above, why), seeds, binaries and encoded (file, size,
sha256, content, stages, used), unpinned and network (stage, file, line, what,
pin), networkSteps (stages, file, line, name, network), sources (total, pinned,
opened, notOpened, compared, answers), files, outside, gaps (stage, what, why),
path and ladder (for one stage: kind, name, stage, line, size, digest, of, built,
source), stageAnswers (stage, own, below, sources, why),
bytes (by stage: the verdict of the newest rebuild of its present recipe),
opaque and complete.`,
		Example: `  stagescope audit
  stagescope --tree ~/stagex audit core-gcc
  stagescope --tree ~/stagex audit ./Dockerfile
  stagescope --tree ~/stagex --sources ~/mirror audit --open user-xz
  stagescope --tree ~/stagex --sources ~/mirror audit --compare xz=~/src/xz user-xz
  stagescope --tree ~/stagex audit docker.io/library/alpine:3.20`,
		ValidArgsFunction: a.completeStages,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.audit(cmd.Context(), args, f)
		},
	}
	c.Flags().BoolVar(&f.open, "open", false, "look into the source archives that are at hand")
	c.Flags().BoolVar(&f.listing, "listing", false, "explain each byte of the seeds")
	c.Flags().BoolVar(&f.ladder, "ladder", false, "for one stage: print what makes what, from the seed to it")
	c.Flags().StringArrayVar(&f.compare, "compare", nil, "compare source `NAME=PATH` with its version-control tree (repeatable)")
	return c
}

// audited is the document that "audit --json" prints.
type audited struct {
	*audit.Report
	Bytes    map[string]string `json:"bytes"`    // by stage: do its bytes follow from its source; one that is missing was not checked
	Opaque   int               `json:"opaque"`   // opaque roots
	Complete bool              `json:"complete"` // all that decides about roots was checked
}

func (a *app) audit(ctx context.Context, args []string, f auditFlags) error {
	c, err := a.openChain()
	if err != nil {
		return err
	}
	o, err := a.auditOptions(ctx, c, f)
	if err != nil {
		return err
	}
	r, err := a.report(ctx, c, args, o)
	if err != nil {
		return err
	}
	first := map[string]string{}
	for id, k := range a.firstAnswers(c, stagesOf(c, r.Stages)) {
		first[id] = k.bytes()
	}
	if a.json {
		err = a.printJSON(audited{r, first, len(r.Opaque()), r.Complete()})
	} else {
		err = a.printAudit(r, f, first)
	}
	switch {
	case err != nil:
		return err
	case len(r.Opaque()) > 0:
		return errProven
	case !r.Complete():
		return withHint(errors.New("no opaque root was found, but not everything that decides about it could be checked"),
			"the report lists what was not checked, and why")
	}
	return nil
}

func stagesOf(c *chain.Chain, ids []string) []*chain.Stage {
	var out []*chain.Stage
	for _, id := range ids {
		if s, err := c.Stage(id); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// report audits what args mean.
func (a *app) report(ctx context.Context, c *chain.Chain, args []string, o audit.Options) (*audit.Report, error) {
	if len(args) != 1 {
		return a.auditStages(c, args, o)
	}
	arg := args[0]
	for _, s := range c.Stages { // a stage's name wins over a path without a slash
		if s.ID == arg || s.Name == arg {
			return a.auditStages(c, args, o)
		}
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		for _, name := range []string{"Containerfile", "Dockerfile"} {
			if _, err := os.Stat(filepath.Join(arg, name)); err == nil {
				return a.auditRecipe(c, filepath.Join(arg, name), o)
			}
		}
		return a.auditImage(ctx, c, arg, o)
	case err == nil:
		packed, err := isPacked(arg)
		if err != nil {
			return nil, err
		}
		if packed {
			return a.auditImage(ctx, c, arg, o)
		}
		return a.auditRecipe(c, arg, o)
	case strings.ContainsAny(arg, ":@"):
		return a.auditImage(ctx, c, arg, o)
	case strings.ContainsAny(arg, `/\`) || arg == "Dockerfile" || arg == "Containerfile":
		return nil, withHint(fmt.Errorf("there is no file %q", arg), "name an image with its tag or digest, e.g. %s:latest", arg)
	}
	r, err := a.auditStages(c, args, o)
	if errors.Is(err, chain.ErrNoStage) {
		err = withHint(err, "stagescope list prints all stages; name an image with its tag, e.g. %s:latest", arg)
	}
	return r, err
}

func (a *app) auditStages(c *chain.Chain, patterns []string, o audit.Options) (*audit.Report, error) {
	stages, err := findStages(c, patterns)
	if err != nil {
		return nil, err
	}
	return audit.Stages(c, idsOf(stages), o)
}

func (a *app) auditRecipe(c *chain.Chain, file string, o audit.Options) (*audit.Report, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r, err := audit.Recipe(c, file, data, os.DirFS(filepath.Dir(file)), o)
	var syntax *containerfile.SyntaxError
	if errors.As(err, &syntax) {
		err = withHint(err, "%s is read as a Dockerfile; correct it, or name an image with its tag or digest", file)
	}
	return r, err
}

func (a *app) auditImage(ctx context.Context, c *chain.Chain, ref string, o audit.Options) (*audit.Report, error) {
	facts := audit.ImageFacts{Ref: ref}
	img, err := a.openImage(ctx, ref)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		facts.Err = err
		return audit.Image(c, facts, o)
	}
	defer img.Close()
	facts.Manifest, facts.Index = img.ManifestDigest(), img.IndexDigest()
	facts.Attested = len(img.Attestations()) > 0
	if m := img.Manifest(); m != nil {
		facts.Base = baseName(m.Raw)
	}
	return audit.Image(c, facts, o)
}

// isPacked reports whether a file's content is that of an archive.
func isPacked(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := f.Read(head)
	return audit.Look(head[:n]).Class == audit.Archive, nil
}

func (a *app) auditOptions(ctx context.Context, c *chain.Chain, f auditFlags) (audit.Options, error) {
	o := audit.Options{Listing: f.listing, VersionControl: map[string]string{}}
	if s := a.presentStore(); s != nil {
		o.Made = func(id string) audit.Made { return rebuild.Made(c, s, id) }
	}
	o.Resolve = func(ref string) (chain.Digest, error) {
		img, err := a.openImage(ctx, ref)
		if err != nil {
			return "", err
		}
		defer img.Close()
		return img.ManifestDigest(), nil
	}
	for _, pair := range f.compare {
		name, dir, ok := strings.Cut(pair, "=")
		if !ok || name == "" || dir == "" {
			return o, withHint(fmt.Errorf("--compare %q: want NAME=PATH", pair), "NAME is a source in package.toml, PATH its version-control tree")
		}
		if rest, home := strings.CutPrefix(dir, "~/"); home {
			if h, err := os.UserHomeDir(); err == nil {
				dir = filepath.Join(h, rest)
			}
		}
		if _, err := os.Stat(dir); err != nil {
			return o, fmt.Errorf("--compare %s: %w", name, err)
		}
		if !hasSource(c, name) {
			return o, withHint(fmt.Errorf("--compare %s: no stage has a source of that name", name), "stagescope show STAGE lists the sources; the name is the key in package.toml")
		}
		o.VersionControl[name] = dir
	}
	if !f.open && len(f.compare) == 0 {
		return o, nil
	}
	store, err := a.openStore()
	if err != nil {
		return o, err
	}
	fetcher := a.fetcher(c, store, nil)
	fetcher.Offline = true
	o.Locate = func(s *chain.Stage, src chain.Source) (string, error) {
		if !f.open && o.VersionControl[src.Name] == "" {
			return "", fmt.Errorf("opening was not asked for: %w", fs.ErrNotExist)
		}
		one := *s
		one.Sources = []chain.Source{src}
		got, err := fetcher.Fetch(ctx, &one)
		if err != nil {
			return "", err
		}
		return got[src.File], nil
	}
	return o, nil
}

func hasSource(c *chain.Chain, name string) bool {
	for _, s := range c.Stages {
		for _, src := range s.Sources {
			if src.Name == name {
				return true
			}
		}
	}
	return false
}
