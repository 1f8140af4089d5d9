package engine

import (
	"context"
	"fmt"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/stagescope/stagescope/rebuild"
)

// customName is the key under which the frontend keeps a vertex's name.
const customName = "llb.customname"

// graphOf gives the build graph of a result that nothing has run of yet.
func graphOf(ctx context.Context, res *gateway.Result) (*llb.Definition, error) {
	refs := []gateway.Reference{}
	if res.Ref != nil {
		refs = append(refs, res.Ref)
	}
	for _, r := range res.Refs {
		refs = append(refs, r)
	}
	all := &llb.Definition{Metadata: map[digest.Digest]llb.OpMetadata{}}
	for _, ref := range refs {
		st, err := ref.ToState()
		if err != nil {
			return nil, fmt.Errorf("reading the build graph: %w", err)
		}
		def, err := st.Marshal(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the build graph: %w", err)
		}
		all.Def = append(all.Def, def.Def...)
		for d, m := range def.Metadata {
			all.Metadata[d] = m
		}
		if all.Source == nil {
			all.Source = def.Source
		} else if def.Source != nil {
			for d, l := range def.Source.Locations {
				all.Source.Locations[d] = l
			}
		}
	}
	return all, nil
}

// stepsOf finds, for each step that the graph runs, the step of the recipe, by
// the line that the vertex comes from. Vertices are keyed by name: "[build 3/9]
// RUN …" is unique in a recipe, while digests change on their way to the solver.
func stepsOf(r *rebuild.Request, def *llb.Definition) map[string]int {
	byLine := map[int]int{}
	for i, s := range r.Steps {
		byLine[s.Line] = i
	}
	out := map[string]int{}
	if def.Source == nil {
		return out
	}
	for _, data := range def.Def {
		var op pb.Op
		if op.UnmarshalVT(data) != nil || op.GetExec() == nil {
			continue
		}
		d := digest.FromBytes(data)
		if i, ok := byLine[lineOf(def.Source.Locations[d.String()])]; ok {
			out[def.Metadata[d].Description[customName]] = i
		}
	}
	return out
}

func lineOf(l *pb.Locations) int {
	if l == nil {
		return 0
	}
	for _, loc := range l.Locations {
		for _, r := range loc.Ranges {
			return int(r.Start.Line)
		}
	}
	return 0
}
