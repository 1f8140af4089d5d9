package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/worker"
	"github.com/moby/buildkit/worker/base"
)

// guarded is the worker with every source but the session's own taken away,
// and with an ear on what each vertex gave.
type guarded struct {
	*base.Worker
	tell *teller
}

var _ worker.Worker = (*guarded)(nil)

// ResolveOp refuses sources outside the session: what is checked before a
// build is checked again here, on the very operation that would run.
func (g *guarded) ResolveOp(v solver.Vertex, s frontend.FrontendLLBBridge, sm *session.Manager, p worker.ProxyOpt) (solver.Op, error) {
	op, _ := v.Sys().(*pb.Op)
	if src := op.GetSource(); src != nil && !localSource(src.Identifier) {
		return nil, fmt.Errorf("no build has a network: %s is refused", src.Identifier)
	}
	resolved, err := g.Worker.ResolveOp(v, s, sm, p)
	if err != nil || op.GetExec() == nil {
		return resolved, err
	}
	return &heard{resolved, v, g.tell}, nil
}

// ResolveSourceMetadata refuses to ask a registry what an image is.
func (g *guarded) ResolveSourceMetadata(ctx context.Context, op *pb.SourceOp, o sourceresolver.Opt, sm *session.Manager, j solver.JobContext) (*sourceresolver.MetaResponse, error) {
	if !localSource(op.Identifier) {
		return nil, fmt.Errorf("no build has a network: %s is refused", op.Identifier)
	}
	return g.Worker.ResolveSourceMetadata(ctx, op, o, sm, j)
}

// heard is an operation that reports the digest of what it changed.
type heard struct {
	solver.Op
	vertex solver.Vertex
	tell   *teller
}

func (h *heard) Exec(ctx context.Context, j solver.JobContext, in []solver.Result) ([]solver.Result, error) {
	out, err := h.Op.Exec(ctx, j, in)
	if err != nil || len(out) == 0 {
		return out, err
	}
	n := note{Vertex: h.vertex.Digest().String()}
	if n.change, err = layerDigest(ctx, out[0]); err != nil {
		return out, nil // the build is whole; only its step has no digest
	}
	h.tell.say(n)
	return out, nil
}

// teller writes notes from many goroutines.
type teller struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func newTeller(e *json.Encoder) *teller { return &teller{enc: e} }

func (t *teller) say(n note) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.enc.Encode(n)
}
