package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/tui"
)

// workbench opens the screens on a terminal. Where one end is none, it prints
// the list of stages instead, without escape sequences.
func (a *app) workbench(cmd *cobra.Command) error {
	c, err := a.openChain()
	if err != nil {
		return err
	}
	in, out, ok := a.terminal()
	if !ok || a.json {
		if a.json {
			return a.printJSON(listed(c, c.Stages))
		}
		return a.printList(c, c.Stages)
	}
	return a.openWorkbench(cmd.Context(), tui.Config{Chain: c, In: in, Out: out})
}

// openDiff opens the workbench on a comparison. It ends with 0 when the person
// leaves it: what is proven is for the report to say.
func (a *app) openDiff(cmd *cobra.Command, refA, refB string, f diffFlags) error {
	for _, name := range []string{"format", "out", "stat", "only", "fold", "expect", "time-limit", "full", "max-lines", "max-report", "json"} {
		if cmd.Flags().Changed(name) {
			return withHint(fmt.Errorf("--%s is for a report, and --tui writes none", name), "leave one of them out; e writes a report from the workbench")
		}
	}
	if err := f.check(); err != nil {
		return err
	}
	for _, ref := range []string{refA, refB} {
		if diff.OnlyOnce(ref) {
			return withHint(fmt.Errorf("--tui cannot show %q, which can be read only once", ref), "save it to a file, and name that")
		}
	}
	limits, _, err := f.limits()
	if err != nil {
		return err
	}
	in, out, ok := a.terminal()
	if !ok {
		return withHint(errors.New("--tui needs a terminal at both ends"), "leave it out to have the report as text")
	}
	c, err := a.openChain()
	if err != nil {
		return err
	}
	a.comparing = diff.Options{Exclude: f.exclude, Rehash: f.rehash, Limits: limits}
	return a.openWorkbench(cmd.Context(), tui.Config{Chain: c, In: in, Out: out, CompareFirst: [2]string{refA, refB}})
}

// openWorkbench opens the screens with what the flags say and the verbs do.
func (a *app) openWorkbench(ctx context.Context, cfg tui.Config) error {
	cfg.NoColor, cfg.Mouse = a.color == "never", a.mouse == "on"
	if a.color == "always" {
		// The person's word counts for more than the environment's.
		cfg.Environ = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "NO_COLOR=") })
	}
	end := a.wire(&cfg)
	defer end()
	return tui.Run(ctx, cfg)
}

// terminal gives both ends when both are terminals.
func (a *app) terminal() (in, out *os.File, ok bool) {
	in, okIn := a.in.(*os.File)
	out, okOut := a.out.(*os.File)
	ok = okIn && okOut && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
	return in, out, ok
}
