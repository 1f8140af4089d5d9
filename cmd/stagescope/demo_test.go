package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	story "github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/rebuild/engine"
	"github.com/stagescope/stagescope/rebuild/incident"
)

// TestIncidents stages every incident from an empty store, with builds that run
// here, and holds it to what it is for: each step of its telling names facts that
// are there, and a command that ends and prints as the step says. What was
// recorded must be the same.
func TestIncidents(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: staging every incident takes a minute")
	}
	a := &app{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}, store: t.TempDir()}
	s, done, err := a.stager(false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	recorded := &incident.Stager{Dir: t.TempDir(), Recording: incident.Recording()}
	for _, i := range story.All() {
		ok := t.Run(i.Name, func(t *testing.T) {
			st, err := s.Prepare(t.Context(), i.Name)
			var forbidden *engine.ForbiddenError
			if (errors.As(err, &forbidden) || errors.Is(err, engine.ErrUnsupported)) && os.Getenv("CI") == "" {
				t.Skipf("no namespaces here: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			tellAll(t, &i, st)
			rec, err := recorded.Prepare(t.Context(), i.Name)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(lasting(rec), lasting(st)); d != "" {
				t.Errorf("the recording is not what is built now; stagescope demo --record rebuild/incident/recording.tar.zst makes it again (-recorded +built):\n%s", d)
			}
		})
		if !ok {
			break
		}
	}
}

// tellAll runs the command of every step.
func tellAll(t *testing.T, i *story.Incident, st *incident.Staged) {
	t.Helper()
	for n, step := range i.Tell(st.Facts) {
		if len(step.Missing) > 0 {
			t.Errorf("step %d names %q, which is not known", n+1, step.Missing)
		}
		if len(step.Command) == 0 {
			continue
		}
		var out bytes.Buffer
		if code := run(step.Command, strings.NewReader(""), &out, &out); code != step.Exit {
			t.Errorf("step %d: stagescope %s: exit code %d, want %d\n%s", n+1, shellLine(step.Command), code, step.Exit, out.String())
		}
		for _, want := range step.Prints {
			if !strings.Contains(out.String(), want) {
				t.Errorf("step %d: stagescope %s: does not print %q\n%s", n+1, shellLine(step.Command), want, out.String())
			}
		}
	}
}

// lasting are the facts that do not depend on where and when an incident was
// staged: the package of the zoo takes the time of its build.
func lasting(st *incident.Staged) map[string]string {
	out := map[string]string{}
	for name, value := range st.Facts {
		if !strings.Contains(name, ":user-zoo-date") || strings.Contains(name, "fixed") {
			out[name] = strings.ReplaceAll(value, st.Dir+string(filepath.Separator), "")
		}
	}
	return out
}
