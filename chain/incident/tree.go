package incident

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stagescope/stagescope/chain/seedling"
)

// Embedding keeps no mode bits; no recipe here needs an executable file.
//
//go:embed tree
var embedded embed.FS

// Tree names one of the trees from which parties of incidents build. Each is the
// embedded chain, with the files of tree/common and of its own directory laid
// over it.
type Tree string

// The trees.
const (
	Honest   Tree = "honest"   // nothing but the embedded chain and what tries its login
	Thompson Tree = "thompson" // stage2 is compiled by an infected compiler; its source is the honest one
	Next     Tree = "next"     // the release after: hello changed, filesystem only has a new version
	Opaque   Tree = "opaque"   // stage2 is compiled by a binary that no one built
	Zoo      Tree = "zoo"      // the honest one, to build packages that do not reproduce
	Source   Tree = "source"   // a package from a release tarball with a build script that version control lacks
)

// Directories of this package's files.
const (
	treeDir   = "tree"
	commonDir = treeDir + "/common"
)

// Compiler is the path, in the tree Opaque, of the binary that no one built. It
// has to be given to WriteTree: this package holds no binary.
const Compiler = stage2Dir + "/cc-0.9-linux-amd64"

// WriteTree writes a tree into a directory that does not exist yet, where it can
// be loaded, listed and rebuilt like any other. Extra are files that are no part
// of this package, by their slash-separated paths.
func WriteTree(dir string, t Tree, extra map[string][]byte) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("writing the tree %s: %w", t, err)
	}
	layers := []fs.FS{seedling.FS()}
	for _, name := range []string{commonDir, path.Join(treeDir, string(t))} {
		sub, err := fs.Sub(embedded, name)
		if err != nil {
			return fmt.Errorf("writing the tree %s: %w", t, err)
		}
		layers = append(layers, sub)
	}
	for i, l := range layers {
		if err := layOver(dir, l, i == 0 && t != Zoo); err != nil {
			return fmt.Errorf("writing the tree %s: %w", t, err)
		}
	}
	for name, data := range extra {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), data, 0o644); err != nil {
			return fmt.Errorf("writing the tree %s: %w", t, err)
		}
	}
	if err := complete(dir, t); err != nil {
		return fmt.Errorf("writing the tree %s: %w", t, err)
	}
	return nil
}

// complete makes the files that are made of others.
func complete(dir string, t Tree) error {
	if err := cleanSource(dir, diverseDir); err != nil {
		return err
	}
	switch t {
	case Thompson:
		return infect(dir)
	case Source:
		return writeRelease(dir)
	}
	return nil
}

// infect completes the context in which the infected compiler is made.
func infect(dir string) error {
	if err := cleanSource(dir, infectedDir); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(dir, stage2Dir, "source.c"))
	if err != nil {
		return err
	}
	bad, err := InfectedSource(string(data))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, infectedDir, "source.c"), []byte(bad), 0o644)
}

// zooPrefix begins the names of packages that do not reproduce. Only the incident
// that is about them has them: elsewhere they would hide what is to be seen.
const zooPrefix = "packages/user/zoo-"

// layOver writes the files of a file system into a directory, in place of those
// that are there. A layer without files is a tree without differences.
func layOver(dir string, layer fs.FS, noZoo bool) error {
	err := fs.WalkDir(layer, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if noZoo && strings.HasPrefix(name, zooPrefix) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if e.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := fs.ReadFile(layer, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Packages of a tree that are completed here, slash separated.
const (
	stage2Dir   = "packages/bootstrap/stage2"
	diverseDir  = "packages/bootstrap/diverse"
	infectedDir = "packages/bootstrap/infected"
)

// cleanSource puts the compiler's source, as the tree has it, into a package's
// directory clean.
func cleanSource(dir, pkg string) error {
	from, to := filepath.Join(dir, stage2Dir), filepath.Join(dir, pkg, "clean")
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		if ext := path.Ext(e.Name()); ext != ".c" && ext != ".h" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// InfectedSource is the compiler's source.c with the attack of hook.c put into
// it: what has to be compiled once, and is thrown away afterwards.
func InfectedSource(clean string) (string, error) {
	const reader, closed = "int read_path()\n{\n", "\tsyscall(3, file, 0, 0);\n"
	for _, place := range []string{reader, closed} {
		if strings.Count(clean, place) != 1 {
			return "", fmt.Errorf("infecting source.c: it has %q %d times, not once", place, strings.Count(clean, place))
		}
	}
	bad := strings.Replace(clean, reader, "#include \"carrier.c\"\n#include \"hook.c\"\n\n"+reader, 1)
	return strings.Replace(bad, closed, closed+"\tinfect();\n", 1), nil
}
