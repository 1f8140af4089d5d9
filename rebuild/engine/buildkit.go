package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
)

// buildkit runs recipes on a BuildKit that client reaches, whichever it is.
type buildkit struct {
	client *client.Client
	info   rebuild.EngineInfo
	notes  *notes // step digests from an embedded engine; nil elsewhere
}

// Build runs the recipe; see rebuild.Engine.
func (b *buildkit) Build(ctx context.Context, r *rebuild.Request, p rebuild.Progress) (*rebuild.Built, error) {
	if err := b.check(ctx, r); err != nil {
		return nil, err
	}
	so, err := options(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Stage, err)
	}
	built := &rebuild.Built{Engine: b.info, Started: time.Now()}
	w := newWatcher(r, p)
	ch := make(chan *client.SolveStatus)
	done := make(chan struct{})
	go func() { defer close(done); w.run(ch) }()
	attrs := so.FrontendAttrs
	so.Frontend, so.FrontendAttrs = "", nil
	var refused error
	var asked map[string]note // by vertex name
	res, err := b.client.Build(ctx, so, "stagescope", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := c.Solve(ctx, gateway.SolveRequest{Frontend: frontendName, FrontendOpt: attrs})
		if err != nil {
			return nil, err
		}
		def, err := graphOf(ctx, res)
		if err != nil {
			return nil, err
		}
		if refused = checkGraph(r, def); refused != nil {
			return nil, refused
		}
		steps := stepsOf(r, def)
		w.know(steps)
		if r.StepDigests && b.notes == nil {
			asked, err = stepDiffs(ctx, c, def, steps)
		}
		return res, err
	}, ch)
	<-done
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, b.explain(ctx, r, w, err)
	}
	built.Finished = time.Now()
	if d := res.ExporterResponse["containerimage.digest"]; d != "" {
		if built.Index, err = chain.ParseDigest(d); err != nil {
			return nil, fmt.Errorf("%s: the builder's answer: %w", r.Stage, err)
		}
	}
	built.Steps = b.stepDigests(r, w, asked)
	return built, nil
}

// check refuses what must not be sent to a builder.
func (b *buildkit) check(ctx context.Context, r *rebuild.Request) error {
	if r.Output == nil {
		return fmt.Errorf("%s: the request has no output", r.Stage)
	}
	if err := checkRecipe(r); err != nil {
		return err
	}
	if err := checkContext(ctx, r.Context); err != nil {
		return fmt.Errorf("%s: %w", r.Stage, err)
	}
	for _, name := range names(r.Contexts) {
		if err := checkContext(ctx, r.Contexts[name]); err != nil {
			return fmt.Errorf("%s: context %q: %w", r.Stage, name, err)
		}
	}
	return nil
}

// explain turns the builder's error into one that names the step.
func (b *buildkit) explain(ctx context.Context, r *rebuild.Request, w *watcher, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", r.Stage, context.Cause(ctx))
	}
	code, ok := exitCode(w.failed, err)
	if !ok {
		return fmt.Errorf("%s: building: %w", r.Stage, err)
	}
	se := &rebuild.StepError{Stage: r.Stage, Step: w.failed.step, Name: w.failed.name, ExitCode: code, Tail: w.failed.last()}
	if se.Step >= 0 {
		se.Line = r.Steps[se.Step].Line
	}
	return se
}

// exitText is how BuildKit words a step's end; the typed error does not travel
// with the status of a vertex, and not through every version's solve.
var exitText = regexp.MustCompile(`did not complete successfully: exit code: ([0-9]+)`)

// exitCode gives the exit code of the step that failed, if a step did.
func exitCode(failed *vertex, err error) (int, bool) {
	if failed == nil {
		return 0, false
	}
	var exit *gatewayapi.ExitError
	if errors.As(err, &exit) {
		return int(exit.ExitCode), true
	}
	m := exitText.FindStringSubmatch(failed.err)
	if m == nil {
		return 0, false
	}
	code, err := strconv.Atoi(m[1])
	return code, err == nil
}

// stepDigests gathers what is known of each step that ran: what an embedded
// engine told, or what a builder was asked.
func (b *buildkit) stepDigests(r *rebuild.Request, w *watcher, asked map[string]note) []rebuild.StepDigest {
	var out []rebuild.StepDigest
	for i := range r.Steps {
		for _, v := range w.seen {
			if v.step != i || !v.done {
				continue
			}
			d := rebuild.StepDigest{Step: i, Name: r.Steps[i].Name, Seconds: v.end.Sub(v.begin).Seconds(), Cached: v.cached}
			n, ok := b.notes.take(v.id)
			if !ok {
				n, ok = asked[v.name]
			}
			if ok {
				d.Digest, d.Changed, d.Programs = n.Digest, n.Changed, n.Programs
			}
			out = append(out, d)
			break
		}
	}
	return out
}

// Describe asks the builder what it is.
func (b *buildkit) Describe(ctx context.Context) (rebuild.EngineInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	workers, err := b.client.ListWorkers(ctx)
	if err != nil {
		return rebuild.EngineInfo{}, fmt.Errorf("engine %s does not answer: %w", b.info.Address, err)
	}
	info := b.info
	for _, w := range workers {
		if info.BuildKit == "" {
			info.BuildKit = strings.TrimSpace(w.BuildkitVersion.Version)
		}
		if info.Snapshotter == "" {
			info.Snapshotter = w.Labels["org.mobyproject.buildkit.worker.snapshotter"]
		}
		if info.Executor == "" {
			info.Executor = w.Labels["org.mobyproject.buildkit.worker.executor"]
		}
		for _, p := range w.Platforms {
			info.Platforms = append(info.Platforms, p.OS+"/"+p.Architecture)
		}
	}
	return info, nil
}
