package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/buildkit/client"
	"golang.org/x/sys/unix"

	"github.com/stagescope/stagescope/rebuild"
	"github.com/stagescope/stagescope/rebuild/sandbox"
)

// processName is what the engine's process is started under.
const processName = "stagescope-engine"

// Descriptors of the engine's process besides the standard three.
const (
	socketFD   = 3 // gRPC
	notesFD    = 4 // what it tells besides
	lifelineFD = 5 // its end means that the parent is gone
	mappedFD   = 6 // its end means that the uid map is written
)

// embedded is the engine in a process of its own.
type embedded struct {
	buildkit
	cmd      *exec.Cmd
	lifeline *os.File
	exited   chan struct{}
	once     sync.Once
}

var _ rebuild.Engine = (*embedded)(nil)

// Embedded starts the engine that is in this binary. Its errors are a
// *BusyError, a *ForbiddenError, or name the log file that holds more.
func Embedded(ctx context.Context, o Options) (rebuild.Engine, error) {
	dir, err := filepath.Abs(o.StateDir)
	if err != nil {
		return nil, err
	}
	o.StateDir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the engine's directory: %w", err)
	}
	if o.Mode != Auto {
		return start(ctx, o)
	}
	o.Mode = chooseMode()
	e, err := start(ctx, o)
	var forbidden *ForbiddenError
	if errors.As(err, &forbidden) && o.Mode != Single {
		// Root in a container without the privilege to mount, or a range that
		// newuidmap refuses: one uid may still do.
		o.Mode = Single
		if e, err := start(ctx, o); err == nil {
			return e, nil
		}
	}
	return e, err
}

// start starts the process, waits until it is ready, and connects.
func start(ctx context.Context, o Options) (rebuild.Engine, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making the engine's socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "engine"), os.NewFile(uintptr(pair[1]), "engine")
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		return nil, err
	}
	e := &embedded{exited: make(chan struct{})}
	noteR, err := e.spawn(o, theirs)
	if err != nil {
		conn.Close()
		return nil, err
	}
	first, dec, err := firstNote(ctx, noteR)
	if err != nil {
		conn.Close()
		e.stop()
		return nil, fmt.Errorf("starting the engine: %w; its log is %s", err, logFile(o.StateDir))
	}
	if first.Ready == nil {
		conn.Close()
		e.stop()
		return nil, startError(o, first.Err)
	}
	e.notes = &notes{steps: map[string]note{}}
	go func() {
		defer noteR.Close()
		e.notes.read(io.MultiReader(dec.Buffered(), noteR))
	}()
	var dialled atomic.Bool
	c, err := client.New(ctx, "passthrough:///engine", client.WithContextDialer(func(context.Context, string) (net.Conn, error) {
		if dialled.Swap(true) {
			return nil, errors.New("the engine's process has ended")
		}
		return conn, nil
	}))
	if err != nil {
		conn.Close()
		e.stop()
		return nil, fmt.Errorf("connecting to the engine: %w", err)
	}
	e.client = c
	e.info = rebuild.EngineInfo{
		Address: "embedded", BuildKit: first.Ready.BuildKit, Snapshotter: first.Ready.Snapshotter,
		Executor: "sandbox", Mode: string(o.Mode),
	}
	if o.Executor != "" {
		e.info.Executor = o.Executor
	}
	return e, nil
}

// spawn starts the process in its namespaces. The terminal's signals do not
// reach it: this process decides when it ends.
func (e *embedded) spawn(o Options, socket *os.File) (notes *os.File, err error) {
	log, err := openLog(o.StateDir)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	noteR, noteW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer noteW.Close()
	lifeR, lifeW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer lifeR.Close()
	mapR, mapW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer mapR.Close()
	defer mapW.Close()
	config, err := json.Marshal(startOptions{o, os.Getpid()})
	if err != nil {
		return nil, err
	}
	e.cmd = exec.Command("/proc/self/exe", string(config))
	e.cmd.Args[0] = processName
	e.cmd.Dir = "/"
	e.cmd.Env = childEnv()
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.ExtraFiles = []*os.File{socket, noteW, lifeR, mapR}
	e.cmd.SysProcAttr = namespaces(o.Mode)
	if o.Executor == "runc" { // it looks for its children in /proc, by the PIDs that are shown there
		e.cmd.SysProcAttr.Cloneflags &^= unix.CLONE_NEWPID
	}
	if err := e.cmd.Start(); err != nil {
		noteR.Close()
		lifeW.Close()
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EACCES) {
			return nil, &ForbiddenError{WhoForbids(), err}
		}
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	e.lifeline = lifeW
	go func() { e.cmd.Wait(); close(e.exited) }()
	if o.Mode == Range {
		if err := writeMaps(e.cmd.Process.Pid); err != nil {
			noteR.Close()
			e.stop()
			return nil, &ForbiddenError{"newuidmap", err}
		}
	}
	return noteR, nil
}

// childEnv is what the engine's process gets of the environment: enough to
// find programs, nothing that could reach a build.
func childEnv() []string {
	env := []string{"TZ=UTC", "LC_ALL=C.UTF-8"}
	for _, k := range []string{"PATH", "TMPDIR", "GODEBUG"} {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}

// firstNote waits for the engine's first word.
func firstNote(ctx context.Context, r *os.File) (note, *json.Decoder, error) {
	type answer struct {
		n   note
		err error
	}
	ch := make(chan answer, 1)
	dec := json.NewDecoder(r)
	go func() {
		var n note
		err := dec.Decode(&n)
		ch <- answer{n, err}
	}()
	select {
	case a := <-ch:
		if a.err != nil {
			return note{}, nil, errors.New("its process ended at once")
		}
		return a.n, dec, nil
	case <-ctx.Done():
		return note{}, nil, context.Cause(ctx)
	case <-time.After(60 * time.Second):
		return note{}, nil, errors.New("it did not become ready within a minute")
	}
}

// startError gives an engine's own words their type back.
func startError(o Options, text string) error {
	if holder, ok := strings.CutPrefix(text, busyPrefix); ok {
		return &BusyError{o.StateDir, holder}
	}
	if rest, ok := strings.CutPrefix(text, forbiddenPrefix); ok {
		return &ForbiddenError{WhoForbids(), errors.New(rest)}
	}
	return fmt.Errorf("starting the engine: %s; its log is %s", text, logFile(o.StateDir))
}

// What the engine's process puts before the two kinds of errors that have a
// type on this side.
const (
	busyPrefix      = "busy: "
	forbiddenPrefix = "forbidden: "
)

// Close ends the engine's process: it stops its steps and unmounts. One that
// does not end is killed, which takes its namespace and so its mounts with it.
func (e *embedded) Close() error {
	var err error
	e.once.Do(func() {
		err = e.client.Close()
		e.stop()
	})
	return err
}

func (e *embedded) stop() {
	e.lifeline.Close()
	select {
	case <-e.exited:
	case <-time.After(15 * time.Second):
		e.cmd.Process.Kill()
		<-e.exited
	}
}

func logFile(dir string) string { return filepath.Join(dir, "engine.log") }

// openLog opens the log for appending; a large one is begun anew.
func openLog(dir string) (*os.File, error) {
	name := logFile(dir)
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if st, err := os.Stat(name); err == nil && st.Size() > 8<<20 {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the engine's log: %w", err)
	}
	return f, nil
}

// CheckLimits reports whether an engine can limit the memory and processes of
// its steps here, and why not.
func CheckLimits() error { return sandbox.CheckLimits() }

// Clean removes an engine's state, from inside its namespace where that is
// needed: with a range of ids, files belong to users that only exist there.
func Clean(ctx context.Context, o Options) error {
	err := os.RemoveAll(o.StateDir)
	if err == nil || os.Getuid() == 0 {
		return err
	}
	if chooseMode() == Range {
		return removeInside(ctx, o.StateDir)
	}
	// Overlayfs leaves working directories that nobody may read; they are this
	// user's own, so their mode can be given back.
	filepath.WalkDir(o.StateDir, func(p string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			os.Chmod(p, 0o700)
		}
		return nil
	})
	return os.RemoveAll(o.StateDir)
}
