package stagex

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/stagescope/stagescope/chain/containerfile"
)

// packageFile is package.toml as far as it is used; unknown keys are ignored,
// as the tree's scripts do.
type packageFile struct {
	Package struct {
		Name        string   `toml:"name"`
		Version     string   `toml:"version"`
		VersionFrom string   `toml:"version_from"`
		Description string   `toml:"description"`
		License     string   `toml:"license"`
		Website     string   `toml:"website"`
		Subpackages []string `toml:"subpackages"`
		Platforms   []string `toml:"platforms"`
	} `toml:"package"`
	Sources map[string]sourceEntry `toml:"sources"`

	order []string       // names of sources in the order of the file
	lines map[string]int // key of a table or value, its parts joined by zero bytes → its line
}

// sourceEntry is one [sources.NAME].
type sourceEntry struct {
	Hash    string   `toml:"hash"`
	Mirrors []string `toml:"mirrors"`
	Version string   `toml:"version"`
	GitSHA  string   `toml:"git_sha"`
	Format  string   `toml:"format"`
	File    string   `toml:"file"`
}

// badFile is a file of the tree that cannot be read as what it should be.
type badFile struct {
	line int // 0 when it concerns the whole file
	text string
}

func (b *badFile) Error() string { return b.text }

// readPackage parses a package.toml. A *badFile says what is wrong with its
// content; any other error is the file system's.
func readPackage(fsys fs.FS, name string) (*packageFile, error) {
	data, err := containerfile.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	var p packageFile
	if err := toml.Unmarshal(data, &p); err != nil {
		var de *toml.DecodeError
		if errors.As(err, &de) {
			row, _ := de.Position()
			return nil, &badFile{row, strings.TrimPrefix(de.Error(), "toml: ")}
		}
		return nil, &badFile{0, strings.TrimPrefix(err.Error(), "toml: ")}
	}
	if err := p.locate(data); err != nil {
		return nil, err
	}
	if p.Package.Name == "" {
		return nil, &badFile{p.at("package"), "[package] has no name"}
	}
	return &p, nil
}

// locate records where tables and keys stand, and the order of the sources.
func (p *packageFile) locate(data []byte) error {
	p.lines = map[string]int{}
	var parser unstable.Parser
	parser.Reset(data)
	var table []string
	var ends []int // offsets of the line ends: the parser's own count begins anew each time
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, i)
		}
	}
	for parser.NextExpression() {
		e := parser.Expression()
		if e.Kind != unstable.Table && e.Kind != unstable.ArrayTable && e.Kind != unstable.KeyValue {
			continue
		}
		var key []string
		line := 0
		for it := e.Key(); it.Next(); {
			n := it.Node()
			if line == 0 && n.Raw.Length > 0 {
				line = 1 + sort.SearchInts(ends, int(n.Raw.Offset))
			}
			key = append(key, string(n.Data))
		}
		if e.Kind == unstable.KeyValue {
			key = append(slices.Clone(table), key...)
		} else {
			table = key
		}
		p.note(key, line)
	}
	if err := parser.Error(); err != nil {
		return &badFile{0, err.Error()}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Sources)) { // of an inline table
		if !slices.Contains(p.order, name) {
			p.order = append(p.order, name)
		}
	}
	return nil
}

// note records a key and all the tables that it implies, at their first line.
func (p *packageFile) note(key []string, line int) {
	for i := range key {
		k := strings.Join(key[:i+1], "\x00")
		if _, ok := p.lines[k]; !ok {
			p.lines[k] = line
		}
	}
	if len(key) > 1 && key[0] == "sources" && !slices.Contains(p.order, key[1]) {
		p.order = append(p.order, key[1])
	}
}

// at is the line of a dotted key, or of the closest table around it; 1 when
// nothing of it is in the file.
func (p *packageFile) at(key ...string) int {
	for ; len(key) > 0; key = key[:len(key)-1] {
		if line := p.lines[strings.Join(key, "\x00")]; line > 0 {
			return line
		}
	}
	return 1
}

// line is where [sources.NAME] stands.
func (p *packageFile) line(source string) int { return p.at("sources", source) }

// check reports what the tree's scripts would crash on inside one source.
func (s sourceEntry) check(name string) error {
	switch {
	case s.Hash == "":
		return fmt.Errorf("source %q has no hash: nothing pins its content", name)
	case len(s.Mirrors) == 0:
		return fmt.Errorf("source %q has no mirrors", name)
	}
	return nil
}
