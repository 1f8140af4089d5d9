package containerfile

import (
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// The instructions that take something from elsewhere.
const (
	KindFrom  = "FROM"
	KindCopy  = "COPY --from"
	KindMount = "RUN --mount"
)

// Ref is a build stage or an image that an instruction names.
type Ref struct {
	Name     string // variables expanded
	Build    int    // position of the build stage that it is; -1 when it is an image or a named context
	Kind     string // KindFrom, KindCopy or KindMount
	Line     int    // 1-based
	In       int    // position of the build stage that names it
	Platform string // of FROM --platform=, expanded
	Open     bool   // a variable in it has no value
	Variable bool   // it is written with a variable where the builder expands none
}

// Fetch is a source that the builder itself would take from the network.
type Fetch struct {
	URL      string
	Checksum string // as pinned, "" when not
	Line     int
	In       int
}

// Run is one RUN instruction.
type Run struct {
	Line     int
	In       int    // position of its build stage
	Text     string // as written, here-documents included
	Script   string // what its shell gets to see, or the words of the exec form
	Dir      string // working directory
	Network  string // "none", "host" or "" for the builder's default
	Insecure bool   // asks to run without confinement
	Caches   []string
	Secrets  []string // secrets and agents it asks for
	Comment  string   // a one-line comment right above it

	env            env
	title, subject string // derived once: many targets share a build stage
}

// Written is a file that the recipe itself holds, as a here-document of COPY.
type Written struct {
	Path string
	Line int
	In   int
	Data string
}

// Reading is what a Containerfile does under given build arguments.
type Reading struct {
	Refs     []Ref
	Fetches  []Fetch
	Runs     []Run
	Problems []SyntaxError // what the builder would refuse once variables are replaced
	Written  []Written     // files that the recipe holds, in order
	Context  []string      // paths that ADD and COPY take from the main context, expanded, in order

	file *File
}

// Read follows the whole file in order under build arguments. It must not be
// called twice at once on one File.
func (f *File) Read(args map[string]string) *Reading {
	r := &Reading{file: f}
	sc := newScope(f, args)
	latest := map[string]int{} // FROM sees the build stages before it
	for i := range f.stages {
		st := &f.stages[i]
		base, open := sc.expand(st.BaseName, sc.meta)
		from := -1
		if at, ok := latest[strings.ToLower(base)]; ok {
			from = at
		}
		platform, _ := sc.expand(st.Platform, sc.meta)
		r.Refs = append(r.Refs, Ref{Name: base, Build: from, Kind: KindFrom, Line: startLine(st.Location), In: i, Platform: platform, Open: open})
		if st.Name != "" {
			latest[strings.ToLower(st.Name)] = i
		}
		state := sc.enter(i, from)
		for j, cmd := range st.Commands {
			r.command(sc, i, cmd, state)
			if _, ok := cmd.(*instructions.RunCommand); ok && j > 0 {
				r.borrow(st.Commands[j-1])
			}
		}
	}
	return r
}

func (r *Reading) command(sc *scope, in int, cmd instructions.Command, st *state) {
	line := startLine(cmd.Location())
	switch c := cmd.(type) {
	case *instructions.ArgCommand:
		for _, a := range c.Args {
			sc.declare(st.env, a.Key, a.Value)
		}
	case *instructions.EnvCommand:
		for _, kv := range c.Env {
			st.env[kv.Key], _ = sc.expand(kv.Value, st.env)
		}
	case *instructions.WorkdirCommand:
		dir, _ := sc.expand(c.Path, st.env)
		if !strings.HasPrefix(dir, "/") {
			dir = st.dir + "/" + dir
		}
		st.dir = path.Clean("/" + dir)
	case *instructions.CopyCommand:
		if c.From != "" {
			r.take(sc, c.From, KindCopy, line, in, st.env)
		} else {
			r.paths(sc, c.SourcePaths, st.env)
		}
		for _, text := range c.SourceContents {
			r.Written = append(r.Written, Written{Path: c.DestPath, Line: line, In: in, Data: text.Data})
		}
	case *instructions.AddCommand:
		r.add(sc, c, line, in, st.env)
	case *instructions.RunCommand:
		r.run(sc, c, line, in, st)
	}
}

// borrow gives the last RUN the comment of the instruction before it, when that
// wrote the script which the RUN is there to run.
func (r *Reading) borrow(before instructions.Command) {
	run := &r.Runs[len(r.Runs)-1]
	if c, ok := before.(*instructions.CopyCommand); ok && len(c.SourceContents) > 0 && run.Comment == "" {
		run.Comment = r.file.comment(startLine(c.Location()))
	}
}

// take records what --from names. The builder expands no variable there.
func (r *Reading) take(sc *scope, name, kind string, line, in int, e env) {
	ref := Ref{Name: name, Build: -1, Kind: kind, Line: line, In: in, Variable: strings.Contains(name, "$")}
	ref.Name, ref.Open = sc.expand(name, e)
	if at, ok := r.file.byName[strings.ToLower(ref.Name)]; ok {
		ref.Build = at
	} else if at, err := strconv.Atoi(ref.Name); err == nil && kind == KindCopy && at >= 0 && at < len(r.file.stages) {
		ref.Build = at
	}
	r.Refs = append(r.Refs, ref)
}

func (r *Reading) add(sc *scope, c *instructions.AddCommand, line, in int, e env) {
	for _, p := range c.SourcePaths {
		url, _ := sc.expand(p, e)
		if !remote(url) {
			r.paths(sc, []string{p}, e)
			continue
		}
		sum, _ := sc.expand(c.Checksum, e)
		r.Fetches = append(r.Fetches, Fetch{URL: url, Checksum: sum, Line: line, In: in})
	}
}

func (r *Reading) paths(sc *scope, from []string, e env) {
	for _, p := range from {
		p, _ = sc.expand(p, e)
		r.Context = append(r.Context, p)
	}
}

// remote reports what ADD takes from the network instead of the context.
func remote(source string) bool {
	for _, p := range []string{"http://", "https://", "git://", "ssh://", "git@"} {
		if strings.HasPrefix(source, p) {
			return true
		}
	}
	// BuildKit also takes github.com/owner/name for a repository.
	return strings.HasPrefix(source, "github.com/")
}

func (r *Reading) run(sc *scope, c *instructions.RunCommand, line, in int, st *state) {
	run := Run{Line: line, In: in, Text: r.file.text(c.Location()), Dir: st.dir, Comment: r.file.comment(line), env: st.env.clone()}
	if n := instructions.GetNetwork(c); n != instructions.NetworkDefault {
		run.Network = string(n)
	}
	// Until it is expanded, a mount has nothing but its origin.
	if err := c.Expand(func(w string) (string, error) { w, _ = sc.expand(w, st.env); return w, nil }); err != nil {
		r.Problems = append(r.Problems, SyntaxError{line, err.Error()})
	}
	run.Insecure = instructions.GetSecurity(c) == instructions.SecurityInsecure
	for _, m := range instructions.GetMounts(c) {
		switch m.Type {
		case instructions.MountTypeCache:
			run.Caches = append(run.Caches, m.Target)
		case instructions.MountTypeSecret, instructions.MountTypeSSH:
			run.Secrets = append(run.Secrets, string(m.Type))
		}
		if m.From != "" {
			r.take(sc, m.From, KindMount, line, in, st.env)
		}
	}
	if len(c.Files) > 0 {
		for _, f := range c.Files {
			run.Script += f.Data
		}
	} else {
		run.Script = strings.Join(c.CmdLine, " ")
	}
	r.Runs = append(r.Runs, run)
}

// Order gives the build stages that target is built from, itself last, each
// after all that it names. A build stage that leads back to itself is left out
// where it would be named again.
func (r *Reading) Order(target int) []int {
	var out []int
	seen := make([]bool, len(r.file.stages))
	var visit func(int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, ref := range r.Refs {
			if ref.In == i && ref.Build >= 0 {
				visit(ref.Build)
			}
		}
		out = append(out, i)
	}
	visit(target)
	return out
}
