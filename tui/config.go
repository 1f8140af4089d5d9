package tui

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/audit"
	"github.com/stagescope/stagescope/chain/claim"
	"github.com/stagescope/stagescope/diff"
)

// Config is all that the workbench gets from outside. Whatever is nil is
// something that the workbench then says it cannot do.
type Config struct {
	Chain *chain.Chain

	Builder      Builder
	WhyNoBuilder string // why Builder is nil, for people
	// Compare compares two images, files or directories; of a rebuild, side A is
	// the claim and side B what came out. It tells progress from any goroutine. When ctx ends it gives what was found
	// beside the error. The screen closes what it is given.
	Compare func(ctx context.Context, a, b string, progress func(diff.Progress)) (*diff.Comparison, error)
	// CompareFirst are two references that are compared as soon as the workbench
	// opens; empty for none.
	CompareFirst [2]string
	// OpenImage opens an image by reference, e.g. "stage:core-gcc".
	OpenImage func(ctx context.Context, ref string) (Image, error)
	// Judge gathers and judges the claims about some stages, or about all when
	// none is named. It calls say as it goes, from any goroutine.
	Judge      func(ctx context.Context, ids []string, say func(Judging)) (*Judged, error)
	WhyNoJudge string // why Judge is nil, for people
	// JudgeFirst gathers and judges all claims as soon as the workbench opens.
	JudgeFirst bool
	// Story is told from the start; nil for none.
	Story *Story
	// Banner is said on every screen, e.g. that what is shown was recorded; "" for
	// nothing.
	Banner string
	// ClaimImage gives the reference of the image that a claim is of, or "" when it
	// is not to be had.
	ClaimImage func(*claim.Claim) string

	// Made gives what rebuilds left of a stage, for the ladder.
	Made   func(id string) audit.Made
	LogDir string // where logs of running builds go; "" means the system's place for temporary files

	// In and Out are the terminal; nil means the process's own.
	In      io.Reader
	Out     io.Writer
	Environ []string // nil means the process's own; NO_COLOR and TERM are heeded
	NoColor bool     // on top of what Environ says
	Mouse   bool

	// Now is the clock; After gives a command that sends a message later. Tests
	// exchange both. nil means the real ones.
	Now   func() time.Time
	After func(time.Duration, func(time.Time) tea.Msg) tea.Cmd
}

func (c Config) complete() Config {
	if c.Chain == nil {
		c.Chain = chain.New("", nil)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.After == nil {
		c.After = tea.Tick
	}
	return c
}

// Run opens the workbench on a terminal and returns when the person leaves it.
// Both ends must be terminals; the caller has to see to that. Rebuilds that
// still run are cancelled and waited for.
func Run(ctx context.Context, cfg Config) error {
	a := newApp(ctx, cfg)
	defer a.cancel()
	opts := []tea.ProgramOption{tea.WithContext(ctx)}
	if cfg.In != nil {
		opts = append(opts, tea.WithInput(cfg.In))
	}
	if cfg.Out != nil {
		opts = append(opts, tea.WithOutput(cfg.Out))
	}
	env := cfg.Environ
	if env == nil {
		env = os.Environ()
	}
	if cfg.NoColor {
		env = append(env[:len(env):len(env)], "NO_COLOR=1")
	}
	_, err := tea.NewProgram(a, append(opts, tea.WithEnvironment(env))...).Run()
	a.cancel()
	a.runs.wait()
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("running the workbench: %w", err)
	}
	return ctx.Err()
}
