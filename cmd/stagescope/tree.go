package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/seedling"
	"github.com/stagescope/stagescope/chain/stagex"
)

// embedded loads the chain that is in the program.
var embedded = seedling.Load

// openChain loads the chain that the user means: --tree, else the current
// directory if it is a tree, else the embedded one.
func (a *app) openChain() (*chain.Chain, error) {
	dir := a.tree
	if dir == "" {
		if !stagex.IsTree(".") {
			c, err := embedded()
			return c, withHint(err, "give the directory of a StageX checkout with --tree")
		}
		dir = "."
	}
	c, err := stagex.LoadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, withHint(fmt.Errorf("there is no directory %q", dir), "--tree takes the root of a StageX checkout, the directory that holds packages/")
	case errors.Is(err, fs.ErrPermission):
		return nil, withHint(err, "you may not read it: run as its owner, or make a copy that you may read")
	case errors.Is(err, stagex.ErrNoTree):
		return nil, withHint(err, "%s", treeHint(dir))
	}
	return c, err
}

// treeHint looks whether the tree is near dir.
func treeHint(dir string) string {
	for _, near := range []string{dir + "/..", dir + "/../..", dir + "/../../..", dir + "/stagex"} {
		near = filepath.Clean(near)
		if stagex.IsTree(near) {
			return fmt.Sprintf("%s is a tree: use --tree %s", near, near)
		}
	}
	if info, err := os.Stat(dir + "/packages"); err == nil && info.IsDir() {
		return "packages/ is there but holds no package.toml two levels down: is the checkout complete? (git checkout -- packages)"
	}
	return "--tree takes the root of a StageX checkout, the directory that holds packages/"
}

// findStage gives the one stage that name means.
func findStage(c *chain.Chain, name string) (*chain.Stage, error) {
	found := c.Find(name)
	switch len(found) {
	case 0:
		_, err := c.Stage(name)
		return nil, withHint(err, "stagescope list prints all stages of %s", c.Name)
	case 1:
		return found[0], nil
	}
	var ids []string
	for _, s := range found[:min(8, len(found))] {
		ids = append(ids, s.ID)
	}
	if len(found) > len(ids) {
		ids = append(ids, fmt.Sprintf("%d more", len(found)-len(ids)))
	}
	return nil, withHint(fmt.Errorf("%q means %d stages", name, len(found)), "name one of them: %s", strings.Join(ids, ", "))
}

// findStages gives the stages that the patterns mean, in chain order, each once.
func findStages(c *chain.Chain, patterns []string) ([]*chain.Stage, error) {
	want := map[*chain.Stage]bool{}
	for _, p := range patterns {
		found := c.Find(p)
		if len(found) == 0 {
			_, err := c.Stage(p)
			return nil, withHint(err, "stagescope list prints all stages of %s", c.Name)
		}
		for _, s := range found {
			want[s] = true
		}
	}
	var out []*chain.Stage
	for _, s := range c.Stages {
		if want[s] {
			out = append(out, s)
		}
	}
	return out, nil
}

// completeStages completes the IDs of stages.
func (a *app) completeStages(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	c, err := a.openChain()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var ids []string
	for _, s := range c.Stages {
		if strings.HasPrefix(s.ID, prefix) {
			ids = append(ids, s.ID)
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// printJSON writes one document, indented, with a line end.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
