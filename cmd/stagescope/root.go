package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// app is what every verb shares: the global flags and the three streams.
type app struct {
	in       io.Reader
	out, err io.Writer

	tree     string
	sources  []string
	store    string
	engines  []string
	platform string
	json     bool
	color    string
	offline  bool
	mouse    string

	comparing diff.Options // how the workbench compares

	judge verifyFlags // whose claims the workbench judges, and how

	stepMemory    string
	stepProcesses int64
}

// Exit codes, as the command's doc comment gives them.
const (
	exitOK     = 0
	exitProven = 1 // a difference, mismatch or failed policy is proven
	exitError  = 2 // nothing was proven
)

// errProven ends a verb with exit code 1. The verb has already printed what
// it proved, so nothing more is written.
var errProven = errors.New("a difference is proven")

// hinted is an error with a second line that says what to do.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Hint is what a person can do about the error, for the workbench.
func (h hinted) Hint() string { return h.hint }

// withHint adds what a person can do about err. A nil err stays nil.
func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return hinted{err, fmt.Sprintf(format, args...)}
}

// run is main without the process: it parses args, runs the verb and gives
// the exit code.
func run(args []string, in io.Reader, out, errw io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{in: in, out: out, err: errw}
	root := a.rootCmd()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProven):
		return exitProven
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(errw, "stagescope: interrupted; nothing was proven")
		return exitError
	}
	fmt.Fprintf(errw, "stagescope: %s\n", safe.Text(oneLine(err.Error())))
	var h hinted
	if errors.As(err, &h) {
		fmt.Fprintf(errw, "  hint: %s\n", safe.Text(oneLine(h.hint)))
	}
	return exitError
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (a *app) rootCmd() *cobra.Command {
	c := &cobra.Command{
		Use:           "stagescope",
		Short:         "A workbench for bootstrap chains of container images",
		SilenceErrors: true,
		SilenceUsage:  true,
		Long: `Stagescope opens its workbench on the chain of --tree, else of the current
directory if it is a tree, else on the chain embedded in the program. Press ?
there for all that can be done.

Where input or output is no terminal it prints the list of stages instead. Every
screen has a verb that prints the same as text or, with --json, as data.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.mouse != "on" && a.mouse != "off" {
				return withHint(fmt.Errorf("--mouse %q is not known", a.mouse), "it is on or off")
			}
			return a.workbench(cmd)
		},
	}
	c.Flags().StringVar(&a.mouse, "mouse", "on", "on or off, in the workbench")
	a.judge.addTo(c)
	f := c.PersistentFlags()
	f.StringVar(&a.tree, "tree", "", "`DIR` of the chain's tree (default: the current directory if it is one, else the embedded chain)")
	f.StringArrayVar(&a.sources, "sources", nil, "`DIR` that holds sources already, searched before any mirror (repeatable)")
	f.StringVar(&a.store, "store", "", "`DIR` of the store (default: stagescope in the user's cache directory)")
	f.StringArrayVar(&a.engines, "engine", nil, "BuildKit `ADDRESS` to build on (repeatable; default: the engine in this program)")
	f.StringVar(&a.stepMemory, "step-memory", "", "`SIZE` of memory that the engine in this program lets all steps use together (default: no limit)")
	f.Int64Var(&a.stepProcesses, "step-processes", 0, "`N` processes that it lets all steps have together (default: 32768 where that can be set)")
	f.StringVar(&a.platform, "platform", "linux/amd64", "`OS/ARCH` to build for where a recipe leaves it open")
	f.BoolVar(&a.json, "json", false, "print one JSON document")
	f.StringVar(&a.color, "color", "auto", "auto, always or never")
	f.BoolVar(&a.offline, "offline", false, "never use the network")
	c.AddCommand(a.verbs()...)
	return c
}
