package incident

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/stagex"
)

// loadTree writes a tree and loads it. It must be as well formed as the embedded
// chain: nothing above a notice.
func loadTree(t *testing.T, name Tree) *chain.Chain {
	t.Helper()
	dir := filepath.Join(t.TempDir(), string(name))
	if err := WriteTree(dir, name, nil); err != nil {
		t.Fatal(err)
	}
	c, err := stagex.LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Findings {
		if f.Severity > chain.Notice {
			t.Errorf("%s: %s: %s", f.Where(), f.Rule, f.Text)
		}
	}
	return c
}

func TestTrees(t *testing.T) {
	for _, name := range []Tree{Honest, Thompson, Next, Source} {
		t.Run(string(name), func(t *testing.T) {
			c := loadTree(t, name)
			if _, err := c.Stage("user-try-login"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCleanSource: what the infected party publishes and compiles is the honest
// source, to the last byte. Only its recipe begins with another compiler.
func TestCleanSource(t *testing.T) {
	honest, infected := loadTree(t, Honest), loadTree(t, Thompson)
	entries, err := os.ReadDir(filepath.Join(honest.Root, stage2Dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		want, err := os.ReadFile(filepath.Join(honest.Root, stage2Dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(infected.Root, stage2Dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if same := string(want) == string(got); same == (e.Name() == "Containerfile") {
			t.Errorf("%s: the same as the honest one: %v", e.Name(), same)
		}
	}
	if _, err := os.Stat(filepath.Join(infected.Root, infectedDir, "source.c")); err != nil {
		t.Error(err)
	}
}

func TestInfectedSourceNeedsItsPlaces(t *testing.T) {
	if _, err := InfectedSource("int read_path()\n{\n}\n"); err == nil {
		t.Error("source without the place that is to be changed was taken")
	}
}
