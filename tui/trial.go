package tui

import (
	"context"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/rebuild"
)

// Trial is one finished rebuild of a stage, as screens show it.
type Trial struct {
	Stage    string
	Standing Standing
	Level    chain.Level    // at which it matched, when reproduced
	Digest   chain.Digest   // of the image that came out; "" when none did
	Claim    *chain.Claimed // what it was compared with; nil when there is no claim
	Text     string         // the verdict in one plain sentence
	Started  time.Time
	Took     time.Duration
	Engine   string // where it ran
	Inputs   string // own or published

	Ref      string // reference of the image that came out, for opening; "" when none is kept
	ClaimRef string // reference of the claimed image; "" when nobody has it here

	Stale  bool            // it is of another recipe than the stage has now
	Result *rebuild.Result // all that is recorded of it; nil when nothing is
}

// TrialOf gives what screens show of a stored result.
func TrialOf(r *rebuild.Result) Trial {
	t := Trial{Stage: r.Stage, Standing: standings[r.Verdict.Status], Digest: r.Digests.Manifest, Text: r.Stage + ": " + r.Verdict.Sentence(),
		Started: r.Started, Took: r.Finished.Sub(r.Started), Engine: r.Environment.Engine.Address, Inputs: string(r.Mode), Ref: r.Ref(), Result: r}
	if m := r.Verdict.Matched(); m != nil {
		t.Level = m.Level
		t.Claim = &chain.Claimed{Digest: m.Claim, Level: m.Level, Origin: m.Origin, Line: m.Line}
	}
	if d := r.Verdict.Differing(); d != nil {
		t.ClaimRef = d.Image
	}
	if r.Failure != nil {
		t.Text = r.Stage + " failed: " + r.Failure.Text
	}
	return t
}

var standings = map[rebuild.Status]Standing{
	rebuild.Reproduced: Reproduced, rebuild.Differs: Differs, rebuild.NoClaim: NoClaim,
	rebuild.Failed: Failed, rebuild.Interrupted: Interrupted, rebuild.NotBuilt: NotBuilt,
}

// Builder rebuilds stages and knows what earlier rebuilds gave. Its methods may
// be called from several goroutines.
type Builder interface {
	// Rebuild runs the recipe of a stage. It returns when the result is stored,
	// or early with ctx's error. A *rebuild.StepError says which step failed.
	Rebuild(ctx context.Context, id string, p rebuild.Progress) (*Trial, error)
	// Standings gives the newest standing of each stage that was rebuilt.
	Standings(ctx context.Context) (map[string]Standing, error)
	// Trials gives the rebuilds of a stage, newest first.
	Trials(ctx context.Context, id string) ([]Trial, error)
	// Log opens what a rebuild printed and gives its length in bytes.
	Log(ctx context.Context, t Trial) (diff.ReaderAtCloser, int64, error)
}
