package stagex

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

// pkg is one package directory while it is loaded. Only one goroutine works on
// it at a time.
type pkg struct {
	loader  *loader
	tier    string
	dirName string
	dir     string
	entries []fs.DirEntry

	file     *packageFile        // nil when package.toml cannot be read
	recipe   *containerfile.File // nil when the Containerfile cannot be read
	data     []byte              // the Containerfile
	version  string              // resolved
	why      string              // why its stages cannot be built as loaded
	findings []chain.Finding
	stages   []*chain.Stage
}

func (p *pkg) tomlPath() string          { return p.dir + "/package.toml" }
func (p *pkg) containerfilePath() string { return p.dir + "/Containerfile" }

func (p *pkg) report(severity chain.Severity, rule, file string, line int, hint, format string, args ...any) {
	p.findings = append(p.findings, chain.Finding{Severity: severity, Rule: rule, Stage: p.tier + "-" + p.dirName,
		File: file, Line: line, Hint: hint, Text: fmt.Sprintf(format, args...)})
}

// broken marks the package's stages as not buildable; the first reason stays.
func (p *pkg) broken(why string) {
	if p.why == "" {
		p.why = why
	}
}

// targets are the names of the stages that the package yields.
func (p *pkg) targets() []string {
	if p.file != nil && p.loader.rules.subpackages && len(p.file.Package.Subpackages) > 0 {
		return p.file.Package.Subpackages
	}
	return []string{p.dirName}
}

// read parses the package's two files.
func (p *pkg) read() {
	file, err := readPackage(p.loader.fsys, p.tomlPath())
	if err != nil {
		p.unreadable(p.tomlPath(), "package.toml", err)
	} else {
		p.file, p.version = file, file.Package.Version
	}
	p.data, err = containerfile.ReadFile(p.loader.fsys, p.containerfilePath())
	if err == nil {
		if !utf8.Valid(p.data) {
			p.report(chain.Fault, "not-utf8", p.containerfilePath(), 0, "store it as UTF-8", "the Containerfile is not UTF-8; the tree's scripts crash on it")
		}
		p.recipe, err = containerfile.Parse(p.data)
	}
	if err != nil {
		p.unreadable(p.containerfilePath(), "containerfile", err)
	}
	p.checkContext()
}

func (p *pkg) unreadable(file, rule string, err error) {
	line, hint, text := 0, "check the file's permissions", ""
	var bad *badFile
	var syntax *containerfile.SyntaxError
	const correct = "correct the file; the stage is listed, but cannot be built"
	if errors.As(err, &bad) {
		line, text, hint = bad.line, bad.text, correct
	} else if errors.As(err, &syntax) {
		line, text, hint = syntax.Line, syntax.Text, correct
	} else {
		text = fmt.Sprintf("it cannot be read: %v", plain(err))
	}
	p.report(chain.Fault, rule, file, line, hint, "%s", text)
	p.broken(fmt.Sprintf("%s: %s", (chain.Finding{File: file, Line: line}).Where(), text))
}

// derive makes the stages from what was read.
func (p *pkg) derive() {
	var args []chain.Arg
	var sources []chain.Source
	if p.file != nil {
		p.checkName()
		sources = p.sources()
		args = p.loader.rules.buildArgs(p.file, p.version, func(line int, rule, text string) {
			severity := chain.Warning
			if rule == "template" {
				severity = chain.Fault
				p.broken(text)
			}
			p.report(severity, rule, p.tomlPath(), line, "", "%s", text)
		})
	}
	var needs []chain.Need
	var read *containerfile.Reading
	if p.recipe != nil {
		read = p.recipe.Read(containerfile.Variables(args, p.platforms()))
		needs = p.needs(read)
		p.checkRecipe(read)
	}
	for _, name := range p.targets() {
		s := p.stage(name)
		s.BuildArgs, s.Sources, s.Needs = args, sources, needs
		if read != nil {
			if at, ok := p.recipe.Target(s.Target); ok {
				s.Steps = read.Steps(at)
			} else {
				line := p.file.at("package", "subpackages")
				p.report(chain.Fault, "no-build-stage", p.tomlPath(), line, "add FROM … AS "+s.Target+" to the Containerfile",
					"subpackage %q is built with --target %s, which the Containerfile does not have", name, s.Target)
				s.Broken = "the Containerfile has no build stage " + s.Target
			}
		}
		p.stages = append(p.stages, s)
	}
}

func (p *pkg) platforms() []string {
	if p.file == nil {
		return nil
	}
	return p.file.Package.Platforms
}

func (p *pkg) stage(name string) *chain.Stage {
	s := &chain.Stage{
		ID: p.tier + "-" + name, Tier: p.tier, Name: name, Package: p.dirName, Version: p.version,
		Dir: p.dir, Containerfile: p.containerfilePath(), Broken: p.why,
	}
	if p.file != nil {
		info := p.file.Package
		s.Platforms, s.Description, s.License, s.Website = info.Platforms, info.Description, info.License, info.Website
		if p.loader.rules.subpackages && len(info.Subpackages) > 0 {
			s.Target = "package-" + name
		}
	}
	s.Exporter = p.loader.rules.exporter(p.tier, name, s.Tag(), p.dir)
	return s
}

// checkName reports a package whose name is not its directory's: the tree's
// scripts then look for the recipe and the sources elsewhere.
func (p *pkg) checkName() {
	info := p.file.Package
	if info.Name != p.dirName {
		text := fmt.Sprintf("the package is called %q but its directory %q; the tree's scripts take the recipe from packages/%s/%s", info.Name, p.dirName, p.tier, info.Name)
		if _, err := fs.Stat(p.loader.fsys, path.Join(packagesDir, p.tier, info.Name, "Containerfile")); err != nil {
			text += ", which does not exist"
		}
		p.report(chain.Warning, "name-differs", p.tomlPath(), p.file.at("package", "name"), "give both the same name", "%s", text)
	}
	for _, platform := range info.Platforms {
		if n := strings.Count(platform, "/"); n < 1 || n > 2 || strings.ContainsAny(platform, " ,") {
			p.report(chain.Fault, "platform", p.tomlPath(), p.file.at("package", "platforms"), `write it as "linux/amd64"`, "%q is no platform", platform)
			p.broken(fmt.Sprintf("%q is no platform", platform))
		}
	}
}

// sources expands the sources as the fetching script does.
func (p *pkg) sources() []chain.Source {
	var out []chain.Source
	files := map[string]chain.Source{}
	for _, name := range p.file.order {
		entry, line := p.file.Sources[name], p.file.line(name)
		if err := entry.check(name); err != nil {
			p.report(chain.Fault, "source", p.tomlPath(), line, "a source needs hash and mirrors", "%v; the tree's scripts crash on it", err)
			p.broken(err.Error())
		}
		s := chain.Source{Name: name, Version: cmp.Or(entry.Version, p.version), Line: line}
		var err error
		if entry.Hash != "" {
			if s.Digest, err = chain.ParseDigest(entry.Hash); err != nil {
				p.report(chain.Fault, "hash", p.tomlPath(), p.file.at("sources", name, "hash"), "write the 64 lower-case digits of its SHA-256", "source %q: %v", name, err)
				p.broken(fmt.Sprintf("source %q: %v", name, err))
			}
		}
		var others []string
		s.File, s.Mirrors, others, err = entry.fetched(p.version)
		if err != nil {
			p.report(chain.Fault, "template", p.tomlPath(), line, "", "source %q: %v", name, err)
			p.broken(fmt.Sprintf("source %q: %v", name, err))
		} else if why := badName(s.File); why != "" {
			p.report(chain.Fault, "file-name", p.tomlPath(), line, "give the source a plain file name", "source %q would be stored as %q, which %s", name, s.File, why)
			p.broken(fmt.Sprintf("source %q has the file name %q", name, s.File))
			s.File = ""
		}
		if len(others) > 0 {
			p.report(chain.Warning, "mirror-names", p.tomlPath(), line, "set file", "source %q is stored as %q from its first mirror but as %q from another", name, s.File, others[0])
		}
		if first, ok := files[s.File]; ok && s.File != "" && first.Digest != s.Digest {
			p.report(chain.Fault, "source-clash", p.tomlPath(), line, "set file", "sources %q and %q are both stored as %q, but with different hashes", first.Name, name, s.File)
			p.broken(fmt.Sprintf("two sources are stored as %q", s.File))
		}
		files[s.File] = s
		out = append(out, s)
	}
	return out
}

// badName says why a source's file name must not be used, "" when it may be:
// it comes from the tree and becomes a path on this machine.
func badName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case name == "." || name == "..":
		return "is a directory"
	case strings.ContainsAny(name, "/\\\x00"):
		return "is a path"
	}
	return ""
}

// needs turns the images that the recipe names into edges and compares them
// with what the tree's own line rule finds.
func (p *pkg) needs(read *containerfile.Reading) []chain.Need {
	var out []chain.Need
	lines, crashes := p.loader.rules.lineRule(p.data)
	for _, c := range crashes {
		p.report(chain.Fault, "line-rule-crash", p.containerfilePath(), c.line, "", "%s", c.text)
	}
	byLine := map[string]bool{}
	for _, d := range lines {
		byLine[d.text] = true
	}
	parsed := map[string]bool{}
	for _, ref := range read.Refs {
		image, ok := stagexImage(ref.Name)
		if ref.Build >= 0 || !ok {
			continue
		}
		id, pin := cutPin(image)
		first := !parsed[image]
		parsed[image] = true
		if !slices.ContainsFunc(out, func(n chain.Need) bool { return n.ID == id && n.Pin == pin }) {
			out = append(out, chain.Need{ID: id, Pin: pin, Line: ref.Line})
		}
		if first && pin != "" {
			p.report(chain.Notice, "pinned-need", p.containerfilePath(), ref.Line, "", "%s of %q is pinned to %q; the tree's scripts look for its image in out/%s", ref.Kind, id, pin, image)
		}
		if first && !byLine[image] {
			p.report(chain.Warning, "hidden-need", p.containerfilePath(), ref.Line, "write it at the start of a line, with --from= as the first flag",
				"%s of %q is not seen by the tree's scripts, which neither build it first nor pass its image", ref.Kind, id)
		}
	}
	for _, d := range lines {
		if !parsed[d.text] {
			parsed[d.text] = true
			p.report(chain.Notice, "phantom-need", p.containerfilePath(), d.line, "",
				"the tree's scripts take this line for a need of %q; the recipe does not use it", d.text)
		}
	}
	return out
}

// stagexImage gives what follows the registry and namespace of an image of the
// tree, pins included.
func stagexImage(name string) (string, bool) {
	for _, prefix := range []string{"docker.io/", "index.docker.io/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	rest, ok := strings.CutPrefix(name, "stagex/")
	return rest, ok && rest != "" && !strings.Contains(rest, "/")
}

// cutPin splits an image's name from its tag and digest.
func cutPin(image string) (id, pin string) {
	if i := strings.IndexAny(image, ":@"); i >= 0 {
		return image[:i], image[i:]
	}
	return image, ""
}
