package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	story "github.com/stagescope/stagescope/chain/incident"
	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/engine"
	"github.com/stagescope/stagescope/rebuild/incident"
	"github.com/stagescope/stagescope/tui"
)

// demoFlags are what the verb demo is asked for.
type demoFlags struct {
	prepare  bool
	plain    bool
	recorded bool
	auto     time.Duration
	serve    string
	record   string
}

// demoDocument is what "demo --json" prints of each incident.
type demoDocument struct {
	Name     string            `json:"name"`
	Title    string            `json:"title"`
	Teaches  string            `json:"teaches"`
	Prepared bool              `json:"prepared"`
	Recorded bool              `json:"recorded,omitempty"`
	Dir      string            `json:"dir,omitempty"` // where it lies
	Parties  []story.Party     `json:"parties"`
	Facts    map[string]string `json:"facts,omitempty"`
	Steps    []story.Told      `json:"steps,omitempty"`
}

func (a *app) demoCmd() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo [INCIDENT…]",
		Short: "Stage an incident on the embedded chain, and tell it",
		Long: `Demo stages the attacks and accidents that this program is for, on the embedded
chain: it builds what the parties of an incident built, signs and publishes what
they say, and tells step by step how it is found out. Without an incident it
lists them.

The builds are real and run here, in the sandbox. The parties are played: their
keys are made for the incident, and what they say of their machines is staged;
their statements say so. Everything stays in the store, so that it is there at
once the next time, and every step names the command that shows the same.

On a terminal one incident opens the workbench, with the telling at its foot:
space goes on, X hides it to look around. Where nothing can be built the recorded
builds are taken that are in the program; that is said on every screen.

--json prints the incidents: name, title, teaches, prepared, recorded, dir and
parties; of those named facts (what the telling names, by name) and steps (say,
screen, command, exit, prints) too.`,
		Example: `  stagescope demo
  stagescope demo --prepare
  stagescope demo thompson --plain`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, i := range story.All() {
				names = append(names, i.Name+"\t"+i.Teaches)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.demo(cmd.Context(), args, &f) },
	}
	fl := c.Flags()
	fl.BoolVar(&f.prepare, "prepare", false, "only stage the incidents, all of them when none is named")
	fl.BoolVar(&f.recorded, "recorded", false, "take the recorded builds that are in the program, and build nothing")
	fl.StringVar(&f.record, "record", "", "stage all incidents and write the recording of their builds to `FILE`")
	fl.BoolVar(&f.plain, "plain", false, "tell it as text, where the workbench could")
	fl.StringVar(&f.serve, "serve", "", "only serve the parties' registries at `ADDRESS` of this machine, e.g. 127.0.0.1:5000, until interrupted")
	fl.DurationVar(&f.auto, "auto", 0, "go on to the next step by itself, every `TIME`")
	fl.Lookup("auto").NoOptDefVal = "15s"
	return c
}

func (a *app) demo(ctx context.Context, args []string, f *demoFlags) error {
	var named []*story.Incident
	for _, n := range args {
		i, err := story.Find(n)
		if err != nil {
			return withHint(err, "stagescope demo lists them and says what each teaches")
		}
		named = append(named, i)
	}
	if len(named) == 0 && f.prepare {
		all := story.All()
		for i := range all {
			named = append(named, &all[i])
		}
	}
	s, done, err := a.stager(f.recorded)
	if err != nil {
		return err
	}
	defer done()
	switch {
	case f.record != "" && (len(named) > 0 || f.recorded):
		return withHint(errors.New("--record records all incidents, as they are built here"), "leave out their names, and --recorded")
	case f.serve != "" && len(named) != 1:
		return withHint(errors.New("--serve serves one incident"), "stagescope demo lists them: name one")
	case f.record != "":
		return demoHint(a.recordDemo(ctx, s, f.record))
	case len(named) == 0:
		return a.listIncidents(s)
	}
	var docs []demoDocument
	for _, i := range named {
		st, err := a.stagedOrRecorded(ctx, s, i.Name)
		if err != nil {
			return demoHint(err)
		}
		if f.prepare && !a.json {
			fmt.Fprintf(a.out, "%-18s prepared\n", i.Name)
			continue
		}
		// What is shown needs no engine; another demo may.
		if err := s.Close(); err != nil {
			return err
		}
		if f.serve != "" {
			return a.serve(ctx, st, f.serve)
		}
		doc := demoOf(i)
		doc.Prepared, doc.Recorded, doc.Dir, doc.Facts, doc.Steps = true, st.Recorded, st.Dir, st.Facts, i.Tell(st.Facts)
		docs = append(docs, doc)
		if a.json {
			continue
		}
		if in, out, ok := a.terminal(); ok && !f.plain && len(named) == 1 {
			return a.play(ctx, st, &doc, tui.Config{In: in, Out: out, Story: &tui.Story{Auto: f.auto}})
		}
		a.tell(&doc)
	}
	if a.json {
		return a.printJSON(docs)
	}
	return nil
}

// stagedOrRecorded stages an incident; where this machine lets nobody build, from
// the recording.
func (a *app) stagedOrRecorded(ctx context.Context, s *incident.Stager, name string) (*incident.Staged, error) {
	st, err := s.Prepare(ctx, name)
	var forbidden *engine.ForbiddenError
	if err == nil || s.Engine == nil || !errors.As(err, &forbidden) && !errors.Is(err, engine.ErrUnsupported) {
		return st, err
	}
	fmt.Fprintf(a.err, "stagescope: %s\n  the recorded builds are taken; stagescope doctor says what would have to change\n", safe.Line(oneLine(err.Error())))
	s.Engine = nil
	return s.Prepare(ctx, name)
}

// recordDemo writes a recording to a temporary file first, so that FILE is never
// half of one.
func (a *app) recordDemo(ctx context.Context, s *incident.Stager, name string) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".stagescope-*")
	if err != nil {
		return withHint(fmt.Errorf("writing %q: %w", name, err), "--record takes a file in a directory that you may write to")
	}
	defer os.Remove(f.Name())
	err = s.Record(ctx, f)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	return err
}

func demoOf(i *story.Incident) demoDocument {
	return demoDocument{Name: i.Name, Title: i.Title, Teaches: i.Teaches, Parties: i.Parties}
}

func (a *app) listIncidents(s *incident.Stager) error {
	var docs []demoDocument
	for _, i := range story.All() {
		doc := demoOf(&i)
		st, err := s.Open(i.Name)
		if err != nil && !errors.Is(err, incident.ErrNotPrepared) {
			return demoHint(err)
		}
		if err == nil {
			doc.Prepared, doc.Recorded, doc.Dir = true, st.Recorded, st.Dir
		}
		docs = append(docs, doc)
	}
	if a.json {
		return a.printJSON(docs)
	}
	missing := 0
	for _, d := range docs {
		state := "prepared"
		switch {
		case !d.Prepared:
			state = "not prepared"
			missing++
		case d.Recorded:
			state = "prepared, recorded"
		}
		fmt.Fprintf(a.out, "%-18s %s (%s)\n%19s%s\n", d.Name, d.Title, state, "", d.Teaches)
	}
	if missing > 0 {
		fmt.Fprintln(a.out, "\nstagescope demo NAME prepares one and tells it; demo --prepare prepares all")
	}
	return nil
}

// tell prints an incident as text.
func (a *app) tell(d *demoDocument) {
	fmt.Fprintf(a.out, "%s: %s\n", d.Name, d.Title)
	fmt.Fprintf(a.out, "It shows %s.\n", d.Teaches)
	if d.Recorded {
		fmt.Fprintln(a.out, "Recorded: the hashes were checked, nothing was rebuilt here.")
	}
	fmt.Fprintln(a.out, "Played by this program, with keys made for it:")
	for _, p := range d.Parties {
		fmt.Fprintf(a.out, "  %s, who %s\n", p.Name, p.Who)
	}
	fmt.Fprintf(a.out, "The commands are given for the directory in which it lies:\n  $ cd %s\n", safe.Line(shellLine([]string{d.Dir})))
	for i, s := range d.Steps {
		fmt.Fprintf(a.out, "\n%d. %s\n", i+1, safe.Line(s.Say))
		if line := d.command(s); line != "" {
			fmt.Fprintf(a.out, "   $ %s\n", safe.Line(line))
		}
	}
}

// play opens the workbench on an incident and tells it at its foot.
func (a *app) play(ctx context.Context, st *incident.Staged, d *demoDocument, cfg tui.Config) error {
	b := *a
	b.tree, b.store = st.Tree(), st.StoreDir()
	served, err := st.Serve(ctx, loopback)
	if err != nil {
		return serveHint(err)
	}
	defer served.Close()
	b.judge = verifyFlags{policy: st.PolicyFile()}
	b.judge.places.parties.file = served.PartiesFile
	cfg.JudgeFirst = true
	if cfg.Chain, err = b.openChain(); err != nil {
		return err
	}
	b.judge = verifyFlags{policy: st.PolicyFile()}
	b.judge.places.parties.file = st.PartiesFile()
	for _, p := range d.Parties {
		if !p.Serves {
			b.judge.places.names = append(b.judge.places.names, st.Place(p.Name))
		}
	}
	cfg.JudgeFirst, cfg.Story.Title = true, d.Name
	if d.Recorded {
		cfg.Banner = "recorded, hashes checked, not rebuilt here"
	}
	for _, s := range d.Steps {
		cfg.Story.Steps = append(cfg.Story.Steps, tui.StoryStep{
			Say: s.Say, Command: d.command(s), Screen: tui.StoryScreen{Kind: string(s.Screen.Kind), Stage: s.Screen.Stage, A: s.Screen.A, B: s.Screen.B, File: s.Screen.File, View: s.Screen.View},
		})
	}
	return b.openWorkbench(ctx, cfg)
}

// loopback is an address that nobody else can reach, with a port that is free.
const loopback = "127.0.0.1:0"

// serve serves the parties' repositories until the user ends it.
func (a *app) serve(ctx context.Context, st *incident.Staged, address string) error {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return withHint(fmt.Errorf("--serve %q is no address of this machine's own", address), "write --serve 127.0.0.1:5000, or :0 for a port that is free")
	}
	served, err := st.Serve(ctx, address)
	if err != nil {
		return serveHint(err)
	}
	defer served.Close()
	for _, party := range slices.Sorted(maps.Keys(served.Repositories)) {
		fmt.Fprintf(a.out, "%-10s %s\n", party, served.Repositories[party])
	}
	fmt.Fprintf(a.out, "parties    %s\npolicy     %s\n", safe.Line(served.PartiesFile), safe.Line(st.PolicyFile()))
	fmt.Fprintln(a.out, "Serving the registries of the parties until Ctrl-C.")
	<-ctx.Done()
	return nil
}

func serveHint(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return withHint(err, "another program has that port: name another one, or 0 for one that is free")
	case errors.Is(err, os.ErrPermission):
		return withHint(err, "ports below 1024 are root's: name a higher one")
	}
	return demoHint(err)
}

// command is what shows the same as a step, as it is typed in the incident's
// directory; "" when nothing does.
func (d *demoDocument) command(s story.Told) string {
	if len(s.Command) == 0 {
		return ""
	}
	line := "stagescope " + strings.ReplaceAll(shellLine(s.Command), d.Dir+string(filepath.Separator), "")
	if s.Builds && d.Recorded {
		line += "   # runs steps: where a machine can"
	}
	return line
}

// shellLine writes words as a shell takes them.
func shellLine(words []string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@,+"
	out := make([]string, len(words))
	for i, w := range words {
		if w == "" || strings.Trim(w, plain) != "" {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		out[i] = w
	}
	return strings.Join(out, " ")
}

// demoDir is where incidents lie in a store's directory.
const demoDir = "demo"

// stager makes what stages incidents in the store, and what ends it.
func (a *app) stager(recorded bool) (*incident.Stager, func(), error) {
	st, err := a.openStore()
	if err != nil {
		return nil, nil, err
	}
	watch := newBuildWatch(a.err, nil)
	s := &incident.Stager{Dir: filepath.Join(st.Dir(), demoDir), Recording: incident.Recording()}
	s.Progress = func(e incident.Event) {
		if e.Build != nil {
			watch.event(*e.Build)
			return
		}
		watch.say(strings.TrimPrefix(e.Incident+": "+e.Text, ": "))
	}
	end := func() { _ = s.Close(); watch.close() }
	if recorded || runtime.GOARCH != "amd64" { // what the chain's steps run on
		return s, end, nil
	}
	s.Engine = func(ctx context.Context) (rebuild.Engine, error) {
		o, err := a.engineOptions(st)
		if err != nil {
			return nil, err
		}
		// An engine of its own: a rebuild that runs elsewhere does not stop a demo.
		o.StateDir = filepath.Join(s.Dir, "engine")
		return engine.Embedded(ctx, o)
	}
	return s, end, nil
}

// demoHint says what can be done when an incident cannot be staged.
func demoHint(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return withHint(err, "--store takes a directory that you may write to")
	}
	var h hinted
	if out := rebuildHint(err); errors.As(out, &h) {
		return out
	}
	if errors.Is(err, incident.ErrRecording) {
		return withHint(err, "this program was not built as a whole: build it again")
	}
	return engineHint(err)
}
