package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stagescope/stagescope/rebuild/engine"
)

func TestMain(m *testing.M) {
	engine.Init() // the test binary is also the engine's own process
	testscript.Main(m, map[string]func(){"stagescope": main, "fakegpg": fakeGPG})
}

// TestScripts runs what a user can type, one script per verb or incident.
// Each script has an empty home, so that the default store and its engine
// state are its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			return nil
		},
	})
}
