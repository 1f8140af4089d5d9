package engine

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/stagescope/stagescope/chain/containerfile"
	"github.com/stagescope/stagescope/rebuild"
)

// NetworkError names what a recipe would take from a network.
type NetworkError struct {
	Stage string
	File  string
	Line  int // 0 when only the builder's graph shows it
	What  string
}

func (e *NetworkError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	return fmt.Sprintf("%s: %s: %s; no build has a network", e.Stage, where, e.What)
}

// RecipeError is a Containerfile that cannot be read.
type RecipeError struct {
	Stage string
	File  string
	Line  int
	Text  string
}

func (e *RecipeError) Error() string {
	return fmt.Sprintf("%s: %s:%d: %s", e.Stage, e.File, e.Line, e.Text)
}

// checkRecipe refuses, before anything is sent, a recipe that would use a
// network or an image that the request does not bring.
func checkRecipe(r *rebuild.Request) error {
	data, err := fs.ReadFile(r.Context, r.Containerfile)
	if err != nil {
		return fmt.Errorf("%s: reading the recipe: %w", r.Stage, err)
	}
	file, err := containerfile.Parse(data)
	if err != nil {
		line := 0
		if se, ok := err.(*containerfile.SyntaxError); ok {
			line = se.Line
		}
		return &RecipeError{r.Stage, r.Containerfile, line, err.Error()}
	}
	refuse := func(line int, format string, args ...any) error {
		return &NetworkError{r.Stage, r.Containerfile, line, fmt.Sprintf(format, args...)}
	}
	if file.Syntax > 0 {
		return refuse(file.Syntax, `"# syntax=" would fetch another frontend from a registry; remove the line`)
	}
	target, ok := file.Target(r.Target)
	if !ok {
		return &RecipeError{r.Stage, r.Containerfile, 1, fmt.Sprintf("it has no build stage %q", r.Target)}
	}
	reading := file.Read(containerfile.Variables(r.BuildArgs, r.Platforms))
	used := map[int]bool{}
	for _, i := range reading.Order(target) {
		used[i] = true
	}
	known := map[string]bool{"scratch": true}
	for name := range r.Contexts {
		known[name] = true
	}
	for _, image := range r.Images {
		known[image.Name] = true
	}
	for _, f := range reading.Fetches {
		if used[f.In] {
			return refuse(f.Line, "it would fetch %q", f.URL)
		}
	}
	for _, ref := range reading.Refs {
		if used[ref.In] && ref.Build < 0 && !known[ref.Name] {
			return refuse(ref.Line, "%s %q is neither a stage that was built nor a context; a registry would be asked for it", ref.Kind, ref.Name)
		}
	}
	for _, run := range reading.Runs {
		if used[run.In] && run.Network == "host" {
			return refuse(run.Line, "the step asks for the host's network")
		}
	}
	return nil
}

// checkGraph refuses a build graph with a source outside the session. It is
// what the builder will run, so nothing can hide from it.
func checkGraph(r *rebuild.Request, def *llb.Definition) error {
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return fmt.Errorf("%s: reading the build graph: %w", r.Stage, err)
		}
		if src := op.GetSource(); src != nil && !localSource(src.Identifier) {
			return &NetworkError{r.Stage, r.Containerfile, 0, fmt.Sprintf("it would fetch %q", src.Identifier)}
		}
		if ex := op.GetExec(); ex != nil && ex.Network == pb.NetMode_HOST {
			return &NetworkError{r.Stage, r.Containerfile, 0, fmt.Sprintf("a step asks for the host's network: %s", strings.Join(ex.Meta.Args, " "))}
		}
	}
	return nil
}

// localSource reports whether a source is sent by this program.
func localSource(id string) bool {
	return strings.HasPrefix(id, "local://") || strings.HasPrefix(id, "oci-layout://")
}

// names gives the names of contexts in a stable order.
func names(m map[string]fs.FS) []string { return slices.Sorted(maps.Keys(m)) }
