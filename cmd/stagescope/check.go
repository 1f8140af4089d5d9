package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/ddc"
)

func (a *app) checkCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Checks of their own: ddc",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withHint(errors.New("check needs to know what"), "stagescope check ddc --help says how")
		},
	}
	c.AddCommand(a.checkDDCCmd())
	return c
}

// ddcFlags are what "check ddc" is asked for.
type ddcFlags struct {
	source   string
	compiler string
	trusted  string // path of the trusted compiler; "" is compiler
	out      string
}

func (a *app) checkDDCCmd() *cobra.Command {
	var f ddcFlags
	c := &cobra.Command{
		Use:   "ddc SUSPECT TRUSTED --source DIR -- COMMAND…",
		Short: "Check by diverse double-compiling that a compiler's binary is what its source says",
		Long: `Check ddc compiles a compiler's source with the compiler that is suspected and
with one that is trusted; then with what came out. If the suspect's binary does
what its source says and nothing else, both give the same bytes, however
different the two compilers are.

SUSPECT and TRUSTED are images (any reference that "files" takes) that hold a
compiler and all that it needs to run. COMMAND compiles the source once; in it
{cc} stands for the compiler, {source} for the directory of the source, and {out}
for the file that has to be written. It runs in the sandbox without a network,
with SOURCE_DATE_EPOCH=1, in the image of its side, in which only the compiler is
replaced. So both images should hold the same headers and libraries, if the
compiler needs any: a difference in them may reach its bytes.

The answer is worth what the trusted compiler is: that it does not carry the same
infection. What the source itself says nobody looks at here.

Exit code 0: the suspect's binary is what the trusted compiler makes of its
source. Exit code 1: it is not. Exit code 2: nothing was proven of it: something
did not compile, the trusted side gives something else each time, or the
suspect's binary did not come from compiling this source with itself.

--json prints one object: status, suspect, trusted, command, the digest and size
of every file compared, engine, image and tag of what was compiled.`,
		Example: `  stagescope check ddc oci:theirs.tar stage:bootstrap-stage2 --source src \
      -- {cc} -o {out} {source}/cc.c
  stagescope check ddc ghcr.io/a/cc:1 ghcr.io/b/cc:2 --source tcc-0.9.28 \
      --compiler /usr/bin/tcc --trusted-compiler /usr/bin/gcc \
      -- {cc} -I{source} -o {out} {source}/tcc.c`,
		Args: func(cmd *cobra.Command, args []string) error {
			if dash := cmd.ArgsLenAtDash(); dash != 2 || len(args) < 3 {
				return withHint(errors.New("want two images, then -- and the command that compiles"), "for example: stagescope check ddc A B --source src -- {cc} -o {out} {source}/cc.c")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.checkDDC(cmd.Context(), args, &f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.source, "source", "", "`DIR` of the suspect's source")
	fl.StringVar(&f.compiler, "compiler", "/bin/cc", "`PATH` of the compiler's file in the images")
	fl.StringVar(&f.trusted, "trusted-compiler", "", "`PATH` of the trusted one, where it differs")
	fl.StringVar(&f.out, "out", "", "write what was compared into `DIR`, which must not exist")
	return c
}

func (a *app) checkDDC(ctx context.Context, args []string, f *ddcFlags) error {
	if info, err := os.Stat(f.source); f.source == "" || err != nil || !info.IsDir() {
		return withHint(fmt.Errorf("--source %q is no directory", f.source), "name the directory of the compiler's source")
	}
	if f.out != "" {
		if _, err := os.Lstat(f.out); err == nil {
			return withHint(fmt.Errorf("--out %q exists already", f.out), "name a directory that does not")
		}
	}
	st, err := a.openStore()
	if err != nil {
		return err
	}
	c := ddc.Check{Source: os.DirFS(f.source), Command: args[2:], Platform: a.platform}
	if c.Suspect, err = a.ddcSide(ctx, st, args[0], f.compiler); err != nil {
		return err
	}
	if f.trusted == "" {
		f.trusted = f.compiler
	}
	if c.Trusted, err = a.ddcSide(ctx, st, args[1], f.trusted); err != nil {
		return err
	}
	if _, err := c.Containerfile(); err != nil {
		return withHint(err, "stagescope check ddc --help says what a command needs")
	}
	engines, closeEngines, err := a.openEngines(ctx, st)
	if err != nil {
		return err
	}
	defer closeEngines()
	watch := newBuildWatch(a.err, engines)
	r, err := ddc.Run(ctx, st, engines[0], c, func(e rebuild.Event) {
		watch.event(rebuild.StageEvent{Kind: rebuild.StageProgress, Stage: "ddc", Event: &e})
	})
	watch.close()
	if err != nil {
		return a.ddcHint(err)
	}
	if f.out != "" {
		if err := a.writeCompared(ctx, st, r, f.out); err != nil {
			return err
		}
	}
	return a.ddcReport(r, f)
}

// ddcSide brings an image into the store, from where the engine takes it.
func (a *app) ddcSide(ctx context.Context, st *store.Store, ref, path string) (ddc.Compiler, error) {
	img, err := a.openImage(ctx, ref)
	if err != nil {
		return ddc.Compiler{}, err
	}
	defer img.Close()
	if img.Manifest() == nil {
		return ddc.Compiler{}, withHint(fmt.Errorf("%q has no manifest to build on", ref), "save it as an OCI layout")
	}
	if err := rebuild.CopyImage(ctx, st, img); err != nil {
		return ddc.Compiler{}, rebuildHint(fmt.Errorf("taking in %q: %w", ref, err))
	}
	return ddc.Compiler{Name: ref, Root: img.ManifestDigest(), Path: path}, nil
}

func (a *app) ddcHint(err error) error {
	var step *rebuild.StepError
	switch {
	case errors.As(err, &step):
		for _, line := range step.Tail {
			fmt.Fprintf(a.err, "  | %s\n", safe.Line(line))
		}
		return withHint(err, "the command has to compile the source on both sides, and with what comes out")
	case errors.Is(err, ddc.ErrSame):
		return withHint(err, "trust one that was made by someone else from other source, as the seed's: stage:bootstrap-stage2")
	case errors.Is(err, image.ErrNotFound):
		return withHint(err, "--compiler and --trusted-compiler name the files; stagescope files IMAGE lists what is there")
	}
	return rebuildHint(err)
}

// writeCompared writes the files of the check, so that they can be compared.
func (a *app) writeCompared(ctx context.Context, st *store.Store, r *ddc.Result, dir string) error {
	img, err := image.OpenReference(ctx, image.Reference{Kind: image.KindStore, Text: r.Tag, Digest: r.Image}, a.imageOptions(st))
	if err != nil {
		return err
	}
	defer img.Close()
	files, err := img.FS(ctx, false)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return withHint(fmt.Errorf("writing what was compared: %w", err), "--out takes a directory that can be made")
	}
	for f := range files.Files() {
		if f.Type != image.TypeRegular {
			continue
		}
		if err := writeFile(ctx, files, f, filepath.Join(dir, filepath.Base(f.Path))); err != nil {
			return rebuildHint(fmt.Errorf("writing what was compared: %w", err))
		}
	}
	return nil
}

func writeFile(ctx context.Context, files *image.FS, f *image.File, name string) error {
	r, err := files.Open(ctx, f)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// ddcReport prints the result and chooses the exit code.
func (a *app) ddcReport(r *ddc.Result, f *ddcFlags) error {
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.printDDC(r, f)
	}
	switch r.Status {
	case ddc.Corresponds:
		return nil
	case ddc.Differs:
		return errProven
	case ddc.OnlyResults:
		return withHint(errors.New("nothing is shown of the suspect's own binary"), "give the binary that compiling this source with itself gives")
	}
	return withHint(errors.New("nothing was proven"), "a compiler that gives something else each time cannot be compared: find what it takes from its environment first")
}

func (a *app) printDDC(r *ddc.Result, f *ddcFlags) {
	line := func(what string, o ddc.Output) {
		fmt.Fprintf(a.out, "  %-28s %s  %d bytes\n", what, digestText(o.Digest), o.Size)
	}
	fmt.Fprintf(a.out, "%s: %s\n", r.Status, r.Sentence())
	fmt.Fprintf(a.out, "suspect  %s, %s\n", safe.Line(r.Suspect.Name), safe.Line(r.Suspect.Path))
	line("the binary itself", r.SuspectBinary)
	line("source compiled by it", r.Suspect1)
	line("and by that", r.Suspect2)
	fmt.Fprintf(a.out, "trusted  %s, %s\n", safe.Line(r.Trusted.Name), safe.Line(r.Trusted.Path))
	line("the binary itself", r.TrustedBinary)
	line("source compiled by it", r.Trusted1)
	line("and by that", r.Trusted2)
	line("and by that", r.Trusted3)
	if r.Status != ddc.Differs {
		return
	}
	if f.out != "" {
		fmt.Fprintf(a.out, "the bytes: stagescope diff %s %s\n", safe.Line(filepath.Join(f.out, "suspect")), safe.Line(filepath.Join(f.out, "trusted-2")))
	} else {
		fmt.Fprintln(a.out, "with --out DIR what was compared is written there, for stagescope diff DIR/suspect DIR/trusted-2")
	}
}

func digestText(d chain.Digest) string {
	if d == "" {
		return "none"
	}
	return string(d)
}
