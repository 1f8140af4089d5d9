package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/stagescope/stagescope"

// source is one Go file of the module; pkg is its directory below the module.
type source struct {
	pkg, name string
	file      *ast.File
	test      bool
}

// sources parses every Go file of the module, whatever system it is for.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	fset := token.NewFileSet()
	var out []source
	err := fs.WalkDir(os.DirFS(root), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, filepath.Join(root, filepath.FromSlash(p)), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		out = append(out, source{path.Dir(p), p, f, strings.HasSuffix(p, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found %d Go files: the walk does not see the module", len(out))
	}
	return out
}

func below(pkg string, tops ...string) bool {
	for _, top := range tops {
		if pkg == top || strings.HasPrefix(pkg, top+"/") {
			return true
		}
	}
	return false
}

// layer ranks the top directories; a package imports its own layer and lower.
var layer = map[string]int{"chain": 1, "rebuild": 2, "diff": 2, "tui": 3, "cmd": 4}

// parsers are BuildKit's packages that read a Containerfile without linking
// its solver.
const parsers = "github.com/moby/buildkit/frontend/dockerfile/"

// forbidden says why pkg may not import imp, or "".
func forbidden(pkg, imp string, test bool) string {
	top, _, _ := strings.Cut(pkg, "/")
	if own, ok := strings.CutPrefix(imp, module+"/"); ok {
		other, _, _ := strings.Cut(own, "/")
		switch {
		case layer[top] == 0 || layer[other] == 0:
			return "is in no layer of the design"
		case layer[other] > layer[top]:
			return "lies above"
		case layer[other] == layer[top] && other != top:
			return "lies beside: rebuild and diff do not know each other"
		case below(own, "rebuild/engine", "rebuild/sandbox") && !below(pkg, "rebuild/engine", "rebuild/sandbox", "cmd"):
			return "links BuildKit's solver; only cmd chooses an engine"
		}
		return ""
	}
	switch {
	case strings.HasPrefix(imp, "charm.land/") && !below(pkg, "tui"):
		return "draws on terminals, which only tui does"
	case imp == "os/exec" && !test && !below(pkg, "rebuild", "tui", "cmd"):
		return "starts processes, which the chain and diff layers never do"
	case strings.HasPrefix(imp, "github.com/moby/buildkit/") && !below(pkg, "rebuild/engine", "rebuild/sandbox"):
		if below(pkg, "chain") && strings.HasPrefix(imp, parsers) {
			return ""
		}
		return "is BuildKit, which only the engine links"
	}
	return ""
}

func (s source) imports(t *testing.T) (out []string) {
	t.Helper()
	for _, spec := range s.file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, imp)
	}
	return out
}

func TestImports(t *testing.T) {
	all := sources(t)
	support := map[string]bool{} // packages that are for tests: they import testing
	for _, s := range all {
		if !s.test && slices.Contains(s.imports(t), "testing") {
			support[s.pkg] = true
		}
	}
	for _, s := range all {
		test := s.test || support[s.pkg]
		for _, imp := range s.imports(t) {
			if why := forbidden(s.pkg, imp, test); why != "" {
				t.Errorf("%s imports %s, which %s", s.name, imp, why)
			}
			if own, ok := strings.CutPrefix(imp, module+"/"); ok && support[own] && !test {
				t.Errorf("%s imports %s, which is for tests", s.name, imp)
			}
		}
	}
}

// Namespaces are entered by the engine's own processes and by nothing else.
func TestNamespaces(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || below(s.pkg, "rebuild/engine", "rebuild/sandbox") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				switch name := sel.Sel.Name; {
				case strings.HasPrefix(name, "CLONE_"), name == "Unshare", name == "Setns", name == "Cloneflags":
					t.Errorf("%s uses %s: only the engine enters namespaces", s.name, name)
				}
			}
			return true
		})
	}
}

// Every package says what it is for and what it leaves to others.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

func TestForbidden(t *testing.T) {
	for _, test := range []struct {
		pkg, imp string
		ok       bool
	}{
		{"cmd/stagescope", module + "/rebuild/engine", true},
		{"cmd/stagescope", module + "/tui", true},
		{"tui", module + "/rebuild", true},
		{"tui", module + "/rebuild/engine", false},
		{"tui/internal/list", "charm.land/bubbletea/v2", true},
		{"cmd/stagescope", "charm.land/bubbletea/v2", false},
		{"rebuild", module + "/diff", false},
		{"rebuild", module + "/tui", false},
		{"rebuild", "github.com/moby/buildkit/client", false},
		{"rebuild/engine", "github.com/moby/buildkit/client", true},
		{"chain", module + "/rebuild", false},
		{"chain/store", "os/exec", false},
		{"chain/stagex", parsers + "parser", true},
		{"diff", parsers + "parser", false},
		{"rebuild/engineering", "github.com/moby/buildkit/client", false},
	} {
		if why := forbidden(test.pkg, test.imp, false); (why == "") != test.ok {
			t.Errorf("%s importing %s: %q, want allowed %v", test.pkg, test.imp, why, test.ok)
		}
	}
}
