package stagex

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

// PublishedLine is one line of a tree's published digests.
type PublishedLine struct {
	Stage   string // as the line names it; until 2024.09 a package's name without its tier
	Version string // of the package; "" when it has none, or is no package of the tree
	chain.Claimed
}

// flatDigests is where the releases until 2024.09 publish.
const flatDigests = "digests.txt"

// PublishedLines reads what a tree of any release publishes, whether or not its
// packages can be loaded. Lines that cannot be read are given as problems. The
// error wraps fs.ErrNotExist when the tree publishes nothing.
func PublishedLines(fsys fs.FS) (lines []PublishedLine, problems []string, err error) {
	if data, err := containerfile.ReadFile(fsys, flatDigests); err == nil {
		// Whether these are digests of indexes depends on the builder's defaults
		// of that time, which the tree does not state.
		lines, problems = readLines(flatDigests, data, chain.LevelUnknown)
		for i := range lines {
			lines[i].Version = flatVersion(fsys, lines[i].Stage)
		}
		return lines, problems, nil
	}
	entries, err := fs.ReadDir(fsys, digestsDir)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the published digests: %w", err)
	}
	level := readRules(fsys).level
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".txt") {
			continue
		}
		name := path.Join(digestsDir, e.Name())
		data, err := containerfile.ReadFile(fsys, name)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		more, bad := readLines(name, data, level)
		lines, problems = append(lines, more...), append(problems, bad...)
	}
	c, err := Load(fsys, "")
	if errors.Is(err, ErrNoTree) {
		return lines, problems, nil
	}
	if err != nil {
		return lines, append(problems, fmt.Sprintf("its packages: %v", err)), nil
	}
	for i, l := range lines {
		if s, err := c.Stage(l.Stage); err == nil {
			lines[i].Version = s.Version
		}
	}
	return lines, problems, nil
}

func readLines(name string, data []byte, level chain.Level) (lines []PublishedLine, problems []string) {
	good, bad := parseDigests(data)
	for _, p := range good {
		lines = append(lines, PublishedLine{Stage: p.id, Claimed: chain.Claimed{Digest: p.digest, Level: level, Origin: name, Line: p.line}})
	}
	for _, b := range bad {
		problems = append(problems, fmt.Sprintf("%s:%d: %s", name, b.line, b.text))
	}
	return lines, problems
}

var flatVersionLine = regexp.MustCompile(`(?m)^(?:ENV|ARG) VERSION[= ]"?([0-9A-Za-z][-0-9A-Za-z._+]*)"?\s*$`)

// flatVersion reads a package's version where releases until 2024.09 have it:
// in its Containerfile.
func flatVersion(fsys fs.FS, name string) string {
	if !fs.ValidPath(name) || strings.Contains(name, "/") {
		return ""
	}
	data, err := containerfile.ReadFile(fsys, path.Join(packagesDir, name, "Containerfile"))
	if err != nil {
		return ""
	}
	if m := flatVersionLine.FindSubmatch(data); m != nil {
		return string(m[1])
	}
	return ""
}
