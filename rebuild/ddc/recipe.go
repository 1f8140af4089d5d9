package ddc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
)

// Names in the recipe.
const (
	suspectImage = "stagex/ddc-suspect"
	trustedImage = "stagex/ddc-trusted"
	sourceName   = "source"
	sourcePath   = "/ddc/source"
	outDir       = "/ddc/out"
	outName      = "compiler"
	recipeFile   = "Containerfile"
)

// plainPath is what a COPY takes as it stands: no variable, no pattern.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._+@-]+)+$`)

// Bounds on a command, so that a recipe stays readable.
const (
	maxArgs = 1000
	maxArg  = 4096 // bytes
)

// ErrCommand is wrapped by errors about a command that compiles nothing.
var ErrCommand = errors.New("a command needs {cc}, {source} and {out}")

func (c *Check) valid() error {
	for _, side := range []Compiler{c.Suspect, c.Trusted} {
		if !plainPath.MatchString(side.Path) || path.Clean(side.Path) != side.Path {
			return fmt.Errorf("the compiler %q of %q: want an absolute path of letters, digits and . _ + @ -", side.Path, side.Name)
		}
	}
	all := strings.Join(c.Command, " ")
	for _, place := range []string{"{cc}", "{source}", "{out}"} {
		if !strings.Contains(all, place) {
			return fmt.Errorf("%w: %s is missing", ErrCommand, place)
		}
	}
	if len(c.Command) > maxArgs || slices.ContainsFunc(c.Command, func(a string) bool { return len(a) > maxArg || strings.ContainsRune(a, 0) }) {
		return fmt.Errorf("the command has more than %d words, or one of more than %d bytes", maxArgs, maxArg)
	}
	if c.Source == nil {
		return errors.New("there is no source to compile")
	}
	return nil
}

// round is one compilation.
type round struct {
	name string // of the build stage
	base string // image it runs in
	side *Compiler
	from string // build stage whose output is the compiler; "" for the image's own
}

// rounds are the compilations in order. The third one of the trusted side shows
// that it has come to rest: where it has not, a difference would prove nothing.
func (c *Check) rounds() []round {
	return []round{
		{"suspect-1", suspectImage, &c.Suspect, ""},
		{"suspect-2", suspectImage, &c.Suspect, "suspect-1"},
		{"trusted-1", trustedImage, &c.Trusted, ""},
		{"trusted-2", trustedImage, &c.Trusted, "trusted-1"},
		{"trusted-3", trustedImage, &c.Trusted, "trusted-2"},
	}
}

// Containerfile is the recipe of the check. Each side stays in its own image;
// only the compiler in it is replaced.
func (c *Check) Containerfile() (string, error) {
	if err := c.valid(); err != nil {
		return "", err
	}
	out := outDir + "/" + outName
	var b strings.Builder
	b.WriteString("# Diverse double-compiling: both compile the source, then what came out does.\n")
	for _, r := range c.rounds() {
		words := make([]string, len(c.Command))
		replace := strings.NewReplacer("{cc}", r.side.Path, "{source}", sourcePath, "{out}", out)
		for i, w := range c.Command {
			words[i] = replace.Replace(w)
		}
		fmt.Fprintf(&b, "FROM %s AS %s\nUSER 0\nENV SOURCE_DATE_EPOCH=1\n", r.base, r.name)
		if r.from != "" {
			fmt.Fprintf(&b, "COPY --from=%s --chmod=0755 %s\n", r.from, execForm(out, r.side.Path))
		}
		fmt.Fprintf(&b, "COPY --from=%s / %s/\nWORKDIR %s\nRUN --network=none %s\n\n", sourceName, sourcePath, outDir, execForm(words...))
	}
	b.WriteString("FROM scratch AS compared\n")
	fmt.Fprintf(&b, "COPY --from=%s %s\n", suspectImage, execForm(c.Suspect.Path, "/suspect"))
	fmt.Fprintf(&b, "COPY --from=%s %s\n", trustedImage, execForm(c.Trusted.Path, "/trusted"))
	for _, r := range c.rounds() {
		fmt.Fprintf(&b, "COPY --from=%s %s\n", r.name, execForm(out, "/"+r.name))
	}
	return b.String(), nil
}

// execForm writes words in the exec form, in which nothing is expanded.
func execForm(words ...string) string {
	data, err := json.Marshal(words)
	if err != nil {
		panic(err) // a list of strings can always be written
	}
	return string(data)
}

// request makes the recipe into a request, and what removes its files.
func (c *Check) request(s *store.Store) (*rebuild.Request, func(), error) {
	text, err := c.Containerfile()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "stagescope-ddc-")
	if err != nil {
		return nil, nil, fmt.Errorf("writing the recipe: %w", err)
	}
	remove := func() { _ = os.RemoveAll(dir) }
	if err := os.WriteFile(filepath.Join(dir, recipeFile), []byte(text), 0o644); err != nil {
		remove()
		return nil, nil, fmt.Errorf("writing the recipe: %w", err)
	}
	steps, err := steps(text, c.Platform)
	if err != nil {
		remove()
		return nil, nil, err
	}
	return &rebuild.Request{
		Stage: "ddc", Context: os.DirFS(dir), Containerfile: recipeFile, Platforms: []string{c.Platform},
		BuildArgs: []chain.Arg{{Name: "SOURCE_DATE_EPOCH", Value: "1"}, {Name: "BUILDKIT_MULTI_PLATFORM", Value: "1"}},
		Contexts:  map[string]fs.FS{sourceName: c.Source},
		Images: []rebuild.InputImage{
			{Name: suspectImage, Layout: s.Layout(), Digest: c.Suspect.Root},
			{Name: trustedImage, Layout: s.Layout(), Digest: c.Trusted.Root},
		},
		Steps:    steps,
		Exporter: chain.Exporter{ImageName: "ddc", RewriteTimestamp: true, ForceCompression: true},
	}, remove, nil
}

// steps gives the recipe's steps by name, for progress and errors.
func steps(text, platform string) ([]chain.Step, error) {
	f, err := containerfile.Parse([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("reading the recipe of the check: %w", err)
	}
	var out []chain.Step
	for i, r := range f.Read(containerfile.Variables(nil, []string{platform})).Runs {
		build := f.Builds[r.In]
		out = append(out, chain.Step{Index: i, Line: r.Line, Build: build, Name: build + ": compile", Network: "none"})
	}
	return out, nil
}
