package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagescope/stagescope/chain/seedling"
	"github.com/stagescope/stagescope/rebuild/engine"
)

// TestRebuildScripts runs the scripts that build, with the engine in this
// program: "tree" is a copy of the embedded chain, which they add to and spoil.
func TestRebuildScripts(t *testing.T) {
	o := engine.Options{StateDir: t.TempDir()}
	e, err := engine.Embedded(t.Context(), o)
	var forbidden *engine.ForbiddenError
	switch {
	case errors.Is(err, engine.ErrUnsupported), errors.As(err, &forbidden) && os.Getenv("CI") == "":
		t.Skipf("nothing can be built here: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	if err := errors.Join(e.Close(), engine.Clean(t.Context(), o)); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/rebuild",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"damage": damageLayer},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			e.Defer(func() {
				// Overlayfs leaves directories that nobody may read.
				_ = engine.Clean(t.Context(), engine.Options{StateDir: filepath.Join(e.WorkDir, "cache")})
			})
			return os.CopyFS(filepath.Join(e.WorkDir, "tree"), seedling.FS())
		},
	})
}

// damageLayer changes one byte of the first compressed layer below a directory.
func damageLayer(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: damage DIR")
	}
	layer := ""
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
			layer = name
			return fs.SkipAll
		}
		return err
	}))
	if layer == "" {
		ts.Fatalf("there is no layer")
	}
	ts.Check(os.Chmod(layer, 0o600))
	ts.Check(damage(layer))
}
