package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/safe"
	chainsource "github.com/stagescope/stagescope/chain/source"
	"github.com/stagescope/stagescope/chain/store"
	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/engine"
)

// openEngines gives the engines that the user means, and what ends them: the
// one in this program, unless --engine names others. An address that does not
// answer is said and left out, as long as another one answers.
func (a *app) openEngines(ctx context.Context, st *store.Store) ([]rebuild.Engine, func(), error) {
	if len(a.engines) == 0 {
		o, err := a.engineOptions(st)
		if err != nil {
			return nil, nil, err
		}
		e, err := engine.Embedded(ctx, o)
		if err != nil {
			return nil, nil, engineHint(err)
		}
		return []rebuild.Engine{e}, func() { _ = e.Close() }, nil
	}
	var all []rebuild.Engine
	var failed []error
	for _, addr := range a.engines {
		e, err := engine.Dial(ctx, addr)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		return nil, nil, withHint(errors.Join(failed...), "is a BuildKit listening there, and may you connect to it? without --engine this program builds by itself")
	}
	for _, err := range failed {
		fmt.Fprintf(a.err, "stagescope: going on without an engine: %s\n", safe.Text(oneLine(err.Error())))
	}
	return all, func() {
		for _, e := range all {
			_ = e.Close()
		}
	}, nil
}

// defaultProcesses bounds the processes of a step where that can be done, so
// that a recipe which only forks does not take the machine along.
const defaultProcesses = 32768

// engineOptions are the settings of the engine in this program. A limit that
// was asked for and cannot be set is an error; the default is set where it can.
func (a *app) engineOptions(st *store.Store) (engine.Options, error) {
	o := engine.Options{StateDir: st.EngineDir(), Processes: defaultProcesses}
	if a.stepMemory != "" {
		n, err := parseSize(a.stepMemory)
		if err != nil || n <= 0 {
			return o, withHint(fmt.Errorf("--step-memory %q is no size", a.stepMemory), "write it as 4G or 512MiB")
		}
		o.Memory = n
	}
	if a.stepProcesses > 0 {
		o.Processes = a.stepProcesses
	}
	if a.stepMemory != "" || a.stepProcesses > 0 {
		if err := engine.CheckLimits(); err != nil {
			return o, withHint(fmt.Errorf("limiting steps: %w", err), "leave out --step-memory and --step-processes, or run under systemd-run --user --scope -p Delegate=yes")
		}
	}
	return o, nil
}

// builder makes what rebuilds the stages of a chain on engines.
func (a *app) builder(c *chain.Chain, st *store.Store, engines []rebuild.Engine, progress func(chainsource.Event)) *rebuild.Builder {
	return &rebuild.Builder{Chain: c, Store: st, Engines: engines, Sources: a.fetcher(c, st, progress), Offline: a.offline}
}

// engineHint says what can be done when no engine can be had.
func engineHint(err error) error {
	var busy *engine.BusyError
	var forbidden *engine.ForbiddenError
	switch {
	case errors.As(err, &busy):
		return withHint(err, "wait for it to end, or use another store with --store, or a BuildKit with --engine")
	case errors.As(err, &forbidden):
		return withHint(err, "%s", engine.WhoForbids())
	case errors.Is(err, engine.ErrUnsupported):
		return withHint(err, "--engine takes unix://, tcp://, docker-container://, kube-pod://, podman-container:// or ssh:// addresses")
	}
	return withHint(err, "stagescope doctor says whether this machine can build")
}

// diskFull says that a build found no room. What a builder reports has crossed a
// wire as text, and a step prints it.
func diskFull(err error) bool {
	text := err.Error()
	var step *rebuild.StepError
	if errors.As(err, &step) {
		text += strings.Join(step.Tail, "\n")
	}
	return errors.Is(err, syscall.ENOSPC) || strings.Contains(strings.ToLower(text), "no space left on device")
}

// rebuildHint says what can be done when a stage could not be built.
func rebuildHint(err error) error {
	var missing *chainsource.MissingError
	var wrong *chainsource.WrongHashError
	var input *rebuild.InputError
	var inputs *rebuild.MissingInputsError
	var broken *rebuild.BrokenError
	var cycle *rebuild.CycleError
	var space *store.SpaceError
	var network *engine.NetworkError
	var lost *rebuild.EngineError
	var forbidden *engine.ForbiddenError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		return withHint(err, "the bad file is kept aside for inspection; --sources names a directory with the right one")
	case errors.As(err, &missing) && errors.Is(err, chainsource.ErrOffline):
		return withHint(err, "name a directory that holds it with --sources, or leave out --offline")
	case errors.As(err, &missing):
		return withHint(err, "name a directory that holds it with --sources")
	case errors.As(err, &broken), errors.As(err, &cycle), errors.As(err, &input) && errors.Is(err, chain.ErrNoStage):
		return withHint(err, "stagescope list --findings prints what is wrong with the tree, and what to do about it")
	case errors.As(err, &input) && errors.Is(err, image.ErrOffline):
		return withHint(err, "leave out --offline, put the image into the tree's out/, or build it: --inputs own")
	case errors.As(err, &input):
		return withHint(err, "build it: --inputs own")
	case errors.As(err, &inputs):
		return withHint(err, "compare files instead, or choose a release from 2025.02.0 on")
	case errors.As(err, &space), diskFull(err):
		return withHint(err, "free some: stagescope store gc, or use another disk with --store")
	case errors.As(err, &network):
		return withHint(err, "pin what it takes in package.toml and use it from fetch/")
	case errors.As(err, &forbidden):
		return engineHint(err)
	case errors.As(err, &lost), errors.Is(err, rebuild.ErrNoEngine):
		return withHint(err, "what was built is kept; the next run goes on from there")
	}
	return err
}
