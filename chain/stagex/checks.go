package stagex

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

// checkRecipe reports what a recipe asks for from outside the chain.
func (p *pkg) checkRecipe(read *containerfile.Reading) {
	file := p.containerfilePath()
	if line := p.recipe.Syntax; line > 0 {
		p.report(chain.Fault, "syntax-directive", file, line, "remove the line: the built-in frontend is used",
			"a # syntax= directive has the builder fetch and run another frontend")
		p.broken(fmt.Sprintf("%s:%d asks for a frontend from the network", file, line))
	}
	for _, f := range read.Fetches {
		pinned := "not pinned"
		if f.Checksum != "" {
			pinned = "pinned to " + f.Checksum
		}
		p.report(chain.Fault, "network-source", file, f.Line, "declare it as a source in package.toml and ADD fetch/<file>",
			"the builder itself would fetch %q (%s)", f.URL, pinned)
		p.broken(fmt.Sprintf("%s:%d takes %q from the network", file, f.Line, f.URL))
	}
	for _, problem := range read.Problems {
		p.report(chain.Fault, "containerfile", file, problem.Line, "correct the file", "%s", problem.Text)
		p.broken(fmt.Sprintf("%s:%d: %s", file, problem.Line, problem.Text))
	}
	for _, ref := range read.Refs {
		p.checkRef(ref, file)
	}
	for _, run := range read.Runs {
		p.checkRun(run, file)
	}
}

func (p *pkg) checkRef(ref containerfile.Ref, file string) {
	switch _, ours := stagexImage(ref.Name); {
	case ref.Variable:
		p.report(chain.Fault, "from-variable", file, ref.Line, "name it by FROM … AS, with an ARG before the first FROM",
			"the builder replaces no variable in %s", ref.Kind)
		p.broken(fmt.Sprintf("%s:%d has a variable where none is replaced", file, ref.Line))
	case ref.Build >= 0 || ours:
	case ref.Name == "fetch" && ref.Kind != containerfile.KindFrom, ref.Name == "scratch" && ref.Kind == containerfile.KindFrom:
	case ref.Open || ref.Name == "":
		p.report(chain.Fault, "unresolved-name", file, ref.Line, "give the ARG a default", "%s names an image by a variable that has no value", ref.Kind)
		p.broken(fmt.Sprintf("%s:%d names an image by a variable that has no value", file, ref.Line))
	default:
		p.report(chain.Fault, "opaque-image", file, ref.Line, "build on a stage of the tree",
			"%s takes %q, which is no stage of this tree: nothing here says from what source it is", ref.Kind, ref.Name)
		p.broken(fmt.Sprintf("%s:%d takes image %q from outside the tree", file, ref.Line, ref.Name))
	}
}

func (p *pkg) checkRun(run containerfile.Run, file string) {
	if run.Network == "host" {
		p.report(chain.Fault, "host-network", file, run.Line, "remove --network=host", "the step asks for the host's network")
		p.broken(fmt.Sprintf("%s:%d asks for the host's network", file, run.Line))
	}
	if run.Insecure {
		p.report(chain.Fault, "insecure", file, run.Line, "remove --security=insecure", "the step asks to run without confinement")
		p.broken(fmt.Sprintf("%s:%d asks to run without confinement", file, run.Line))
	}
	for _, target := range run.Caches {
		p.report(chain.Warning, "cache-mount", file, run.Line, "remove the cache mount", "the step sees what earlier builds left in %q: its result may depend on them", target)
	}
	for _, kind := range run.Secrets {
		p.report(chain.Warning, "secret-mount", file, run.Line, "", "the step asks for a %s that the tree does not have", kind)
	}
}

// checkContext looks for what does not belong into a build context.
func (p *pkg) checkContext() {
	for _, e := range p.entries {
		name := path.Join(p.dir, e.Name())
		switch {
		case e.Name() == ".dockerignore" || e.Name() == "Containerfile.dockerignore":
			p.report(chain.Notice, "ignore-file", name, 0, "", "it hides files of the package from the build")
		case e.Name() == "fetch" && e.IsDir():
			p.checkFetched(name)
		case e.IsDir():
			p.checkTree(name)
		default:
			p.checkEntry(name, e)
		}
	}
}

// checkFetched looks at the copy of the sources that the tree's scripts leave in
// the package: what is no source of it any more is still seen by its build.
func (p *pkg) checkFetched(dir string) {
	entries, err := fs.ReadDir(p.loader.fsys, dir)
	if err != nil {
		p.unreadable(dir, "unreadable", err)
		return
	}
	known := map[string]bool{}
	if p.file != nil {
		for _, name := range p.file.order {
			if file, _, _, err := p.file.Sources[name].fetched(p.version); err == nil {
				known[file] = true
			}
		}
	}
	for _, e := range entries {
		if !known[e.Name()] && p.file != nil {
			p.report(chain.Warning, "stale-fetch", path.Join(dir, e.Name()), 0, "remove it",
				"it is no source of this package, but lies in its build context: a build by the tree's scripts sees it")
		}
		p.checkEntry(path.Join(dir, e.Name()), e)
	}
}

func (p *pkg) checkTree(dir string) {
	err := fs.WalkDir(p.loader.fsys, dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			p.report(chain.Fault, "unreadable", name, 0, "check the permissions", "it cannot be read: %v", plain(err))
			p.broken(name + " cannot be read")
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
		case e.Name() == "Containerfile":
			p.report(chain.Fault, "wrong-depth", name, 0, "move it to packages/<tier>/<name>/", "a Containerfile below a package makes the tree's scripts crash")
		case !e.IsDir():
			p.checkEntry(name, e)
		}
		return nil
	})
	if err != nil {
		p.unreadable(dir, "unreadable", err)
	}
}

func (p *pkg) checkEntry(name string, e fs.DirEntry) {
	switch t := e.Type(); {
	case t.IsRegular() || t.IsDir():
	case t&fs.ModeSymlink != 0:
		target, err := fs.ReadLink(p.loader.fsys, name)
		if err != nil {
			p.report(chain.Warning, "odd-file", name, 0, "", "the link cannot be read: %v", plain(err))
			return
		}
		// A link's target is relative to the link; the context ends at p.dir.
		if path.IsAbs(target) || !within(p.dir, path.Join(path.Dir(name), target)) {
			p.report(chain.Warning, "link-out", name, 0, "replace the link by the file", "the link leads out of the build context, to %q; a build sees the link, not the file", target)
		}
	default:
		p.report(chain.Fault, "odd-file", name, 0, "remove it", "a %s lies in the build context", oddKind(t))
		p.broken(name + " is no file, directory or link")
	}
}

func within(dir, name string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

func oddKind(t fs.FileMode) string {
	switch {
	case t&fs.ModeNamedPipe != 0:
		return "named pipe"
	case t&fs.ModeSocket != 0:
		return "socket"
	case t&fs.ModeDevice != 0:
		return "device"
	}
	return "file of unknown kind"
}

// sameNames reports stages that share their name with one of another tier: the
// tree's make rules and fetch script take the bare name and mean them all.
func (l *loader) sameNames(c *chain.Chain) {
	first := map[string]*chain.Stage{}
	for _, s := range c.Stages {
		other := first[s.Name]
		if other == nil {
			first[s.Name] = s
			continue
		}
		l.findings = append(l.findings, chain.Finding{Severity: chain.Notice, Rule: "same-name", Stage: s.ID, File: s.Containerfile,
			Text: fmt.Sprintf("%s and %s have the same name; the tree's make target %q builds both", other.ID, s.ID, s.Name),
			Hint: "use the full name with the tier"})
	}
}

// missing says what of the tree's own rules is not there.
func (l *loader) missing() {
	_, err := containerfile.ReadFile(l.fsys, "src/targets.py")
	_, src := fs.Stat(l.fsys, "src")
	switch {
	case errors.Is(err, fs.ErrNotExist) && src == nil:
		l.add(chain.Warning, "no-scripts", "src/targets.py", 0, "is the checkout complete?", "the scripts that say how the tree is built are missing; the rules of %s are assumed", l.rules.era)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		l.add(chain.Fault, "unreadable", "src/targets.py", 0, "check the permissions", "it cannot be read, so the rules of %s are assumed: %v", l.rules.era, plain(err))
	}
	if len(l.rules.missing) > 0 {
		l.add(chain.Warning, "missing-input", "src/targets.py", 0, "compare root file systems instead of digests",
			"no digest of this release can be reached from the tree alone: it also needs %s", strings.Join(l.rules.missing, " and "))
	}
}
