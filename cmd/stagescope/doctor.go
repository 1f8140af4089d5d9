package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/engine"
)

// doctorReport is what doctor prints with --json.
type doctorReport struct {
	System  string         `json:"system"`
	UID     int            `json:"uid"` // -1 where the system has none
	Store   string         `json:"store,omitempty"`
	Free    int64          `json:"free"`   // bytes that this user may still write where the store is; -1 when unknown
	Limits  string         `json:"limits"` // "available", or why a step's memory and processes cannot be limited
	Engines []doctorEngine `json:"engines"`
}

// enoughSpace is what a larger stage, its sources and its layers need.
const enoughSpace = 10 << 30

// doctorEngine is one engine that was really started or asked.
type doctorEngine struct {
	Address string              `json:"address"` // "embedded" or as given
	Works   bool                `json:"works"`
	Info    *rebuild.EngineInfo `json:"info,omitempty"`
	Problem string              `json:"problem,omitempty"`
	Change  string              `json:"change,omitempty"` // what to do about it
}

func (a *app) doctorCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say whether this machine can build, as whom, with what, and what to change",
		Long: `Doctor starts the engine in this program, or asks those that --engine names,
and says what it found. Nothing is guessed from settings: an engine works when it
has answered. Exit code 0 when every engine works, else 2.`,
		Example: `  stagescope doctor
  stagescope doctor --engine tcp://builder:1234 --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.doctor(c.Context()) },
	}
}

func (a *app) doctor(ctx context.Context) error {
	r := doctorReport{System: runtime.GOOS + "/" + runtime.GOARCH, UID: os.Getuid()}
	st, err := a.openStore()
	if err != nil {
		return err
	}
	r.Store, r.Free, r.Limits = st.Dir(), freeSpace(st.Dir()), "available"
	if err := engine.CheckLimits(); err != nil {
		r.Limits = err.Error()
	}
	addresses := a.engines
	if len(addresses) == 0 {
		addresses = []string{"embedded"}
	}
	failed := 0
	for _, addr := range addresses {
		e := a.examine(ctx, addr)
		if !e.Works {
			failed++
		}
		r.Engines = append(r.Engines, e)
	}
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.printDoctor(r)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d engines cannot be used", failed, len(addresses))
	}
	return nil
}

// examine starts or asks one engine. The embedded one gets a directory of its
// own, so that a build that is under way is no failure.
func (a *app) examine(ctx context.Context, addr string) doctorEngine {
	out := doctorEngine{Address: addr}
	var e rebuild.Engine
	var err error
	if addr == "embedded" {
		dir, derr := os.MkdirTemp("", "stagescope-doctor-")
		if derr != nil {
			out.Problem = derr.Error()
			return out
		}
		o := engine.Options{StateDir: dir}
		defer engine.Clean(context.WithoutCancel(ctx), o)
		e, err = engine.Embedded(ctx, o)
	} else {
		e, err = engine.Dial(ctx, addr)
	}
	if err == nil {
		defer e.Close()
		info, derr := e.Describe(ctx)
		out.Info, err = &info, derr
	}
	if err == nil {
		out.Works = true
		return out
	}
	out.Info, out.Problem = nil, err.Error()
	var h hinted
	if addr != "embedded" {
		out.Change = "is a BuildKit listening there, and may you connect to it?"
	} else if errors.As(engineHint(err), &h) {
		out.Change = h.hint
	}
	return out
}

func (a *app) printDoctor(r doctorReport) {
	fmt.Fprintf(a.out, "system   %s, user %d\n", r.System, r.UID)
	fmt.Fprintf(a.out, "store    %s\n", safe.Text(r.Store))
	if r.Free >= 0 {
		fmt.Fprintf(a.out, "space    %s free there\n", sizeText(r.Free))
		if r.Free < enoughSpace {
			fmt.Fprintf(a.out, "         a large stage needs %s: free some, or put the store elsewhere with --store\n", sizeText(enoughSpace))
		}
	}
	if r.Limits == "available" {
		fmt.Fprintln(a.out, "limits   a step's memory and processes can be limited")
	} else {
		fmt.Fprintf(a.out, "limits   none: %s\n", safe.Text(oneLine(r.Limits)))
	}
	for _, e := range r.Engines {
		if !e.Works {
			fmt.Fprintf(a.out, "engine   %s: cannot be used: %s\n", safe.Text(e.Address), safe.Text(oneLine(e.Problem)))
			if e.Change != "" {
				fmt.Fprintf(a.out, "         change: %s\n", safe.Text(oneLine(e.Change)))
			}
			continue
		}
		fmt.Fprintf(a.out, "engine   %s: works; BuildKit %s, %s, steps in %s, mode %s\n", safe.Text(e.Address),
			safe.Text(e.Info.BuildKit), safe.Text(e.Info.Snapshotter), safe.Text(e.Info.Executor), safe.Text(e.Info.Mode))
		if e.Info.Mode == string(engine.Single) {
			fmt.Fprintln(a.out, "         one uid: a recipe that gives files to other users cannot be built; newuidmap and a range in /etc/subuid lift that")
		}
	}
}
