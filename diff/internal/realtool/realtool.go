// Package realtool finds the programs that make real input for tests. Where one is
// missing the test is skipped with the reason; in CI, which installs them all, it fails.
package realtool

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Find gives the path of a program. lost says what is not tried without it.
func Find(t testing.TB, name, lost string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: %v", name, err)
	} else if err != nil {
		t.Skipf("%s is missing: %s", name, lost)
	}
	return p
}

// Compile makes a program of one file of C with gcc, in a directory that arguments
// call $PWD.
func Compile(t testing.TB, source string, args ...string) []byte {
	t.Helper()
	return CompileBy(t, Find(t, "gcc", "nothing is tried on what it writes"), source, args...)
}

// CompileBy is Compile with another compiler, which is there.
func CompileBy(t testing.TB, compiler, source string, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	var list []string
	for _, a := range args {
		list = append(list, strings.ReplaceAll(a, "$PWD", dir))
	}
	if err := os.WriteFile(filepath.Join(dir, "p.c"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(compiler, append(list, "-o", "p", "p.c")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p, err := os.ReadFile(filepath.Join(dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
