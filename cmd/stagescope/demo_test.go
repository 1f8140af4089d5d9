package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/chain/claim"
	story "github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/engine"
	"github.com/stagescope/stagescope/rebuild/evidence"
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
			checkVerdicts(t, &i, st)
			checkDifference(t, &i, st)
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

// TestDemoWhereNothingCanBeBuilt: where the kernel lets nobody build, the recorded builds are taken,
// and that is said; any other trouble is none of that.
func TestDemoWhereNothingCanBeBuilt(t *testing.T) {
	for _, tc := range []struct {
		err      error
		recorded bool
	}{
		{&engine.ForbiddenError{Setting: "user.max_user_namespaces = 0", Err: errors.New("no space left on device")}, true},
		{fmt.Errorf("starting: %w", engine.ErrUnsupported), true},
		{&engine.BusyError{Dir: "here", Holder: "process 1"}, false},
	} {
		var said bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &said, store: t.TempDir()}
		s, done, err := a.stager(false)
		if err != nil {
			t.Fatal(err)
		}
		s.Engine = func(context.Context) (rebuild.Engine, error) { return nil, tc.err }
		st, err := a.stagedOrRecorded(t.Context(), s, "honest")
		done()
		switch {
		case tc.recorded && (err != nil || !st.Recorded || !strings.Contains(said.String(), "the recorded builds are taken")):
			t.Errorf("%v: %v; said %s", tc.err, err, said.String())
		case !tc.recorded && !errors.Is(err, tc.err):
			t.Errorf("%v: gave %v", tc.err, err)
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

// printed runs a verb with --json and reads what it prints.
func printed(t *testing.T, into any, words ...string) {
	t.Helper()
	var out, errs bytes.Buffer
	run(append(words, "--json"), strings.NewReader(""), &out, &errs)
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatalf("stagescope %s: %v\n%s", shellLine(words), err, errs.String())
	}
}

// checkVerdicts: what the parties and the own rebuilds establish, where the
// dispute begins and whom it reaches, is what the incident is for.
func checkVerdicts(t *testing.T, i *story.Incident, st *incident.Staged) {
	t.Helper()
	var got evidence.Report
	printed(t, &got, "verify", "--all", "--tree", st.Tree(), "--store", st.StoreDir(), "--parties", st.PartiesFile(), "--policy", st.PolicyFile())
	verdicts := map[string]string{}
	for _, s := range got.Stages {
		if _, asked := i.Want.Verdicts[s.Verdict.Stage]; asked {
			verdicts[s.Verdict.Stage] = s.Verdict.Status.String()
		}
		if s.Verdict.Status == claim.Disputed && i.Want.Verdicts[s.Verdict.Stage] == "" {
			t.Errorf("%s is disputed, and should not be", s.Verdict.Stage)
		}
	}
	if d := cmp.Diff(i.Want.Verdicts, verdicts); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
	var first, inherited []string
	for _, f := range got.First {
		first, inherited = append(first, f.Stage), append(inherited, f.Affected...)
	}
	if d := cmp.Diff([][]string{i.Want.First, i.Want.Inherited}, [][]string{first, inherited}); d != "" {
		t.Errorf("first divergence, and what inherits it (-want +got):\n%s", d)
	}
}

// checkDifference: the causes, whether they account for all, and what is ranked
// as suspicious.
func checkDifference(t *testing.T, i *story.Incident, st *incident.Staged) {
	t.Helper()
	if i.Want.Diff[0] == "" {
		return
	}
	a, _ := story.Expand(i.Want.Diff[0], st.Facts)
	b, _ := story.Expand(i.Want.Diff[1], st.Facts)
	var got struct {
		Summary struct {
			Residue    string
			Causes     []struct{ ID, Confidence string }
			Suspicious []struct{ Path string }
		}
	}
	printed(t, &got, "diff", a, b, "--store", st.StoreDir())
	var causes []string
	proved := got.Summary.Residue == "none"
	for _, c := range got.Summary.Causes {
		causes = append(causes, c.ID)
		proved = proved && c.Confidence == "proved"
	}
	slices.Sort(causes)
	if i.Want.Causes != nil {
		if d := cmp.Diff(i.Want.Causes, causes); d != "" {
			t.Errorf("causes (-want +got):\n%s", d)
		}
	}
	if proved != i.Want.Proved {
		t.Errorf("all is proved: %v, want %v; residue %s", proved, i.Want.Proved, got.Summary.Residue)
	}
	suspect := ""
	if s := got.Summary.Suspicious; len(s) > 0 {
		suspect = s[0].Path
	}
	if (suspect == "") != (i.Want.Suspect == "") || !strings.Contains(suspect, i.Want.Suspect) {
		t.Errorf("most suspicious is %q, want %q", suspect, i.Want.Suspect)
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
