package containerfile

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/stagescope/stagescope/chain"
)

// env is an environment in the form that BuildKit's expander asks for.
type env map[string]string

func (e env) Get(key string) (string, bool) { v, ok := e[key]; return v, ok }
func (e env) Keys() []string                { return slices.Sorted(maps.Keys(e)) }
func (e env) clone() env                    { return maps.Clone(e) }

var _ shell.EnvGetter = env(nil)

// state is what an instruction sees of those before it.
type state struct {
	env env
	dir string
}

// scope resolves ARG and ENV while a file is followed.
type scope struct {
	lex   *shell.Lex
	args  map[string]string
	meta  env
	after map[int]*state // final state of each build stage
}

func newScope(f *File, args map[string]string) *scope {
	s := &scope{lex: shell.NewLex(f.escape), args: args, meta: env{}, after: map[int]*state{}}
	for _, name := range []string{"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"} {
		if v, ok := args[name]; ok {
			s.meta[name] = v
		}
	}
	for _, m := range f.meta {
		for _, a := range m.Args {
			s.declare(s.meta, a.Key, a.Value)
		}
	}
	return s
}

// enter begins build stage i, which goes on from an earlier one or, when from
// is negative, from an image whose environment is not known.
func (s *scope) enter(i, from int) *state {
	st := &state{env: env{}, dir: "/"}
	if before := s.after[from]; before != nil {
		st.env, st.dir = before.env.clone(), before.dir
	}
	s.after[i] = st
	return st
}

// declare adds an ARG: the build argument, else its default, else the value of
// an ARG before the first FROM.
func (s *scope) declare(e env, key string, value *string) {
	if v, ok := s.args[key]; ok {
		e[key] = v
	} else if value != nil {
		e[key], _ = s.expand(*value, e)
	} else if v, ok := s.meta[key]; ok {
		e[key] = v
	}
}

// expand replaces the variables in a word. open reports that one of them has no
// value; a word that cannot be expanded stays as it is.
func (s *scope) expand(w string, e env) (out string, open bool) {
	if !strings.ContainsAny(w, "$\\\"'") {
		return w, false
	}
	got, err := s.lex.ProcessWordWithMatches(w, e)
	if err != nil {
		return w, true
	}
	return got.Result, len(got.Unmatched) > 0
}

// Variables are what a recipe can use in FROM and ARG: its build arguments and
// what the builder sets from the platform, the first of platforms or else
// linux/amd64.
func Variables(args []chain.Arg, platforms []string) map[string]string {
	platform := "linux/amd64"
	if len(platforms) > 0 {
		platform = platforms[0]
	}
	os, arch, _ := strings.Cut(platform, "/")
	arch, variant, _ := strings.Cut(arch, "/")
	m := map[string]string{
		"TARGETPLATFORM": platform, "TARGETOS": os, "TARGETARCH": arch, "TARGETVARIANT": variant,
		"BUILDPLATFORM": "linux/amd64", "BUILDOS": "linux", "BUILDARCH": "amd64", "BUILDVARIANT": "",
	}
	for _, a := range args {
		m[a.Name] = a.Value
	}
	return m
}
