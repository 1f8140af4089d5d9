package stagex

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/stagescope/stagescope/chain"
)

// ErrNoTree is wrapped by the error of Load and LoadDir about a directory that
// holds no packages/<tier>/<name>/Containerfile.
var ErrNoTree = errors.New("no tree of packages")

const packagesDir = "packages"

// LoadDir loads the tree in a directory on disk. Its error wraps ErrNoTree when
// dir is none, and the file system's error when dir cannot be read.
func LoadDir(dir string) (*chain.Chain, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding %q: %w", dir, err)
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("opening the tree: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%w in %q: it is a file", ErrNoTree, root)
	}
	c, err := Load(os.DirFS(root), root)
	if err != nil {
		return nil, err
	}
	c.Root = root
	c.Name = filepath.Base(root)
	c.Release = release(c.FS)
	return c, nil
}

// IsTree reports whether dir looks like a tree: it has a directory packages
// with at least one package of the expected depth.
func IsTree(dir string) bool {
	found, err := fs.Glob(os.DirFS(dir), packagesDir+"/*/*/package.toml")
	return err == nil && len(found) > 0
}

// Load loads a tree. What is wrong with single packages becomes a finding of
// the chain; an error is returned only when there is no tree at all (it then
// wraps ErrNoTree) or it cannot be read.
func Load(fsys fs.FS, name string) (*chain.Chain, error) {
	l := &loader{fsys: fsys, rules: readRules(fsys)}
	packages, err := l.discover()
	if err != nil {
		return nil, err
	}
	if len(packages) == 0 {
		return nil, fmt.Errorf("%w in %q: it has no packages/<tier>/<name>/Containerfile", ErrNoTree, name)
	}
	inParallel(packages, (*pkg).read)
	l.resolveVersions(packages)
	inParallel(packages, (*pkg).derive)

	var stages []*chain.Stage
	for _, p := range packages {
		stages = append(stages, p.stages...)
		l.findings = append(l.findings, p.findings...)
	}
	c := chain.New(name, stages)
	c.FS = fsys
	l.sameNames(c)
	l.publish(c)
	l.localImages(c)
	l.missing()
	c.Findings = append(c.Findings, l.findings...)
	slices.SortStableFunc(c.Findings, func(a, b chain.Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Rule, b.Rule))
	})
	return c, nil
}

// loader is one loading of a tree.
type loader struct {
	fsys     fs.FS
	rules    rules
	findings []chain.Finding
}

func (l *loader) add(severity chain.Severity, rule, file string, line int, hint, format string, args ...any) {
	l.findings = append(l.findings, chain.Finding{Severity: severity, Rule: rule, File: file, Line: line, Hint: hint, Text: fmt.Sprintf(format, args...)})
}

// discover finds the package directories, by name.
func (l *loader) discover() ([]*pkg, error) {
	tiers, err := fs.ReadDir(l.fsys, packagesDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no directory %q", ErrNoTree, packagesDir)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the tree: %w", err)
	}
	var packages []*pkg
	for _, tier := range tiers {
		dir := path.Join(packagesDir, tier.Name())
		if !tier.IsDir() {
			continue
		}
		if strings.Contains(tier.Name(), "-") {
			l.add(chain.Fault, "tier-with-dash", dir, 0, "rename the directory",
				"the tier %q holds a dash; the tree's scripts take the text before the first dash of a stage's name for its tier", tier.Name())
		}
		entries, err := fs.ReadDir(l.fsys, dir)
		if err != nil {
			l.add(chain.Fault, "unreadable", dir, 0, "check the permissions", "the tier cannot be read: %v", plain(err))
			continue
		}
		for _, e := range entries {
			if e.Name() == "Containerfile" {
				l.add(chain.Fault, "wrong-depth", path.Join(dir, e.Name()), 0, "move it to packages/<tier>/<name>/",
					"a Containerfile directly below a tier makes the tree's scripts crash")
			}
			if e.Type()&fs.ModeSymlink != 0 {
				l.add(chain.Warning, "linked-package", path.Join(dir, e.Name()), 0, "replace the link by the directory",
					"a link is no package: it is left out, as the tree's scripts leave it out in silence")
			}
			if e.IsDir() {
				if p := l.visit(tier.Name(), e.Name()); p != nil {
					packages = append(packages, p)
				}
			}
		}
	}
	return packages, nil
}

// visit looks whether a directory is a package; nil when it is none.
func (l *loader) visit(tier, dirName string) *pkg {
	dir := path.Join(packagesDir, tier, dirName)
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		l.add(chain.Fault, "unreadable", dir, 0, "check the permissions", "the package cannot be read: %v", plain(err))
		return nil
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	switch {
	case names["Containerfile"] && names["package.toml"]:
		return &pkg{loader: l, tier: tier, dirName: dirName, dir: dir, entries: entries}
	case names["Containerfile"]:
		hint := "add a package.toml"
		if names["package.toml~"] {
			hint = "rename package.toml~ to package.toml if the package is to be built"
		}
		l.add(chain.Warning, "package-without-toml", dir+"/Containerfile", 0, hint,
			"%q has a Containerfile but no package.toml; the tree's scripts leave it out in silence", dirName)
	case names["package.toml"]:
		l.add(chain.Warning, "package-without-containerfile", dir+"/package.toml", 0, "add a Containerfile",
			"%q has a package.toml but no Containerfile; the tree's scripts fetch its sources and never build it", dirName)
	}
	return nil
}

// resolveVersions follows version_from, which the tree resolves in two passes
// in the order in which the disk lists its directories.
func (l *loader) resolveVersions(packages []*pkg) {
	targets := map[string]*pkg{}
	for _, p := range packages {
		for _, name := range p.targets() {
			targets[p.tier+"-"+name] = p
		}
	}
	for _, p := range packages {
		if l.rules.versionFrom && p.file != nil && p.file.Package.VersionFrom != "" {
			p.version = l.follow(p, targets)
		}
	}
}

func (l *loader) follow(p *pkg, targets map[string]*pkg) string {
	line := p.file.at("package", "version_from")
	seen := map[*pkg]bool{}
	at := p
	for steps := 0; ; steps++ {
		from := at.file.Package.VersionFrom
		if from == "" {
			if steps > 2 {
				p.report(chain.Warning, "version-from-chain", p.tomlPath(), line, "name the package that has the version",
					"version_from is followed over %d packages; whether the tree's scripts find the version depends on the order of directories", steps)
			}
			return at.file.Package.Version
		}
		seen[at] = true
		if strings.Count(from, "-") != 1 {
			p.report(chain.Fault, "version-from-name", p.tomlPath(), line, "name a package without a dash in its name",
				"version_from %q: the tree's scripts crash on a name that does not hold exactly one dash", from)
		}
		next := targets[from]
		switch {
		case next == nil:
			p.report(chain.Fault, "version-from-unknown", p.tomlPath(), line, "a package with subpackages is no target: name one of these",
				"version_from names %q, which is no stage of this tree", from)
			p.broken("its version cannot be found")
			return ""
		case next.file == nil:
			p.broken("its version stands in a file that cannot be read")
			return ""
		case seen[next]:
			p.report(chain.Fault, "version-from-cycle", p.tomlPath(), line, "", "version_from leads back to where it began")
			p.broken("its version cannot be found")
			return ""
		}
		at = next
	}
}

// inParallel calls f for each package on all processors.
func inParallel(packages []*pkg, f func(*pkg)) {
	var wg sync.WaitGroup
	work := make(chan *pkg)
	for range min(runtime.GOMAXPROCS(0), len(packages)) {
		wg.Go(func() {
			for p := range work {
				f(p)
			}
		})
	}
	for _, p := range packages {
		work <- p
	}
	close(work)
	wg.Wait()
}

// plain drops the path from a file system's error: a finding has it already.
func plain(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
