package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"

	chainsource "github.com/stagescope/stagescope/chain/source"
	"github.com/stagescope/stagescope/chain/stagex"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/enginetest"
)

// TestClaimScripts runs the claim verbs against registries on loopback and
// directories, with rebuilds of an engine that makes images in code.
func TestClaimScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/claim",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"rebuilt": rebuilt, "registry": startRegistry, "pgpkey": makePGPKey},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home") // nobody's credentials
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/config")
			return nil
		},
	})
}

// rebuilt fills a store: rebuilt TREE STORE STAGE [SALT], where another salt
// gives another image, and the salt "fail" a step that fails.
func rebuilt(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: rebuilt TREE STORE STAGE [SALT]")
	}
	c, err := stagex.LoadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	s, err := store.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	salt := strings.Join(args[3:], " ")
	e := &enginetest.Engine{Salt: func(string, int) string { return salt }}
	if salt == "fail" {
		e.Fail = func(stage string, _ int) error {
			return &rebuild.StepError{Stage: stage, Name: "make \x1b[31mall", Line: 2, ExitCode: 2}
		}
	}
	b := &rebuild.Builder{Chain: c, Store: s, Engines: []rebuild.Engine{e}, Sources: &chainsource.Fetcher{Store: s, Offline: true}, Offline: true}
	_, err = b.Rebuild(context.Background(), args[2], rebuild.Options{}, nil)
	var failed *rebuild.StepError
	if salt == "fail" && errors.As(err, &failed) {
		return
	}
	ts.Check(err)
}

// startRegistry serves an empty registry: registry NAME [off], whose address is
// then in $NAME; off is without the referrers API.
func startRegistry(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: registry NAME [off]")
	}
	api := len(args) == 1
	s := httptest.NewServer(ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)), ggcr.WithReferrersSupport(api)))
	ts.Defer(s.Close)
	ts.Setenv(args[0], strings.TrimPrefix(s.URL, "http://"))
}
