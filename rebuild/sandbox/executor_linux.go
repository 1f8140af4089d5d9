package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/moby/buildkit/executor"
	"github.com/moby/buildkit/executor/oci"
	resourcestypes "github.com/moby/buildkit/executor/resources/types"
	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/solver/pb"
	"golang.org/x/sys/unix"

	"github.com/stagescope/stagescope/rebuild"
)

// Options of an Executor.
type Options struct {
	Root    string            // scratch directory; created when it is missing
	Vary    rebuild.Variation // applied to every step
	Limits  Limits            // bounds on what a step may use
	Elapsed func(args []string, wall, user, sys time.Duration)
}

// Executor is BuildKit's executor over the sandbox.
type Executor struct {
	opt    Options
	filter []unix.SockFilter
	group  *cgroup    // nil when the machine allows no limits
	files  sync.Mutex // the hosts file may be shared by steps
}

var _ executor.Executor = (*Executor)(nil)

// New makes an executor. It fails when its directory cannot be made or the
// system-call filter cannot be compiled for this machine.
func New(o Options) (*Executor, error) {
	if err := os.MkdirAll(o.Root, 0o711); err != nil {
		return nil, fmt.Errorf("making the sandbox's directory: %w", err)
	}
	filter, err := compileFilter()
	if err != nil {
		return nil, fmt.Errorf("compiling the system-call filter: %w", err)
	}
	return &Executor{opt: o, filter: filter, group: newCgroup(o.Limits)}, nil
}

// Close removes what the executor holds outside its directory.
func (e *Executor) Close() error { return e.group.remove() }

// Exec is part of BuildKit's interface: no recipe needs to enter a running step.
func (e *Executor) Exec(context.Context, string, executor.ProcessInfo) error {
	return errors.New("entering a running step is not supported")
}

// Run runs one step and returns when its last process is gone.
func (e *Executor) Run(ctx context.Context, id string, root executor.Mount, mounts []executor.Mount, p executor.ProcessInfo, started chan<- struct{}) (resourcestypes.Recorder, error) {
	var once sync.Once
	start := func() {
		once.Do(func() {
			if started != nil {
				close(started)
			}
		})
	}
	defer start()
	if err := supported(p.Meta); err != nil {
		return nil, err
	}
	if id == "" {
		id = identity.NewID()
	}
	sp, err := e.newSpec(id, root, p.Meta)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(sp.Rootfs, 0o711); err != nil {
		return nil, fmt.Errorf("making the step's directory: %w", err)
	}
	defer os.RemoveAll(sp.Bundle)
	release, err := sp.take(ctx, root, mounts)
	defer release()
	if err != nil {
		return nil, err
	}
	clean, err := e.networkFiles(ctx, sp, p.Meta)
	if err != nil {
		return nil, err
	}
	defer clean()
	code, err := e.start(ctx, sp, p, start)
	if err == nil {
		err = exitError(p.Meta, code)
	}
	if err != nil {
		makeRoom(sp.Root)
	}
	return nil, err
}

// supported refuses what the sandbox does not offer instead of ignoring it.
func supported(m executor.Meta) error {
	switch {
	case m.Tty:
		return errors.New("a step with a terminal is not supported")
	case m.SecurityMode == pb.SecurityMode_INSECURE:
		return errors.New("a step without a sandbox (--security=insecure) is not supported")
	case m.NetMode == pb.NetMode_HOST:
		return errors.New("a step with the host's network (--network=host) is not supported: no build has a network")
	case len(m.CDIDevices) > 0:
		return errors.New("a step with devices of the host is not supported")
	case m.Proxy != nil:
		return errors.New("a step behind a recording proxy is not supported")
	}
	return nil
}

func (e *Executor) newSpec(id string, root executor.Mount, m executor.Meta) (*spec, error) {
	limits, err := limitsOf(m.Ulimit, e.opt.Vary.Nofile)
	if err != nil {
		return nil, err
	}
	sp := &spec{
		Bundle: filepath.Join(e.opt.Root, id), Args: m.Args, Env: m.Env, Cwd: m.Cwd, User: m.User,
		Hostname: m.Hostname, ReadonlyRoot: m.ReadonlyRootFS || root.Readonly,
		StubsRecurse: m.RemoveMountStubsRecursive, Limits: limits, LastPID: defaultLastPID,
		Vary: e.opt.Vary, Seccomp: e.filter,
	}
	if sp.Hostname == "" {
		sp.Hostname = "buildkitsandbox" // BuildKit's own default, seen by steps
	}
	if e.opt.Vary.LastPID > 0 {
		sp.LastPID = e.opt.Vary.LastPID
	}
	sp.Rootfs = filepath.Join(sp.Bundle, "rootfs")
	return sp, nil
}

// take resolves BuildKit's mounts. release is never nil.
func (sp *spec) take(ctx context.Context, root executor.Mount, mounts []executor.Mount) (release func(), err error) {
	var held []func() error
	release = func() {
		for _, f := range slices.Backward(held) {
			f()
		}
	}
	resolve := func(s executor.Mountable, readOnly bool) ([]mount.Mount, error) {
		m, err := s.Mount(ctx, readOnly)
		if err != nil {
			return nil, err
		}
		ms, done, err := m.Mount()
		if done != nil {
			held = append(held, done)
		}
		return ms, err
	}
	if sp.Root, err = resolve(root.Src, false); err != nil {
		return release, fmt.Errorf("mounting the root file system: %w", err)
	}
	for _, m := range mounts {
		ms, err := resolve(m.Src, m.Readonly)
		if err != nil {
			return release, fmt.Errorf("mounting %q: %w", m.Dest, err)
		}
		sp.Mounts = append(sp.Mounts, stepMount{ms, m.Selector, m.Dest, m.Readonly})
	}
	return release, nil
}

// resolvConf is what every step sees. No step has a network, and the host's
// name servers must not reach its files.
const resolvConf = "nameserver 127.0.0.1\n"

// networkFiles makes the resolv.conf and hosts that a step sees.
func (e *Executor) networkFiles(ctx context.Context, sp *spec, m executor.Meta) (clean func(), err error) {
	dir, err := os.OpenRoot(e.opt.Root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	sp.ResolvConf = filepath.Join(sp.Bundle, "resolv.conf")
	if err := os.WriteFile(sp.ResolvConf, []byte(resolvConf), 0o644); err != nil {
		return nil, fmt.Errorf("making resolv.conf: %w", err)
	}
	e.files.Lock()
	defer e.files.Unlock()
	hosts, done, err := oci.GetHostsFile(ctx, dir, m.ExtraHosts, nil, m.Hostname)
	if err != nil {
		return nil, fmt.Errorf("making hosts: %w", err)
	}
	sp.Hosts = filepath.Join(e.opt.Root, hosts)
	if done == nil {
		done = func() {}
	}
	return done, nil
}

// start mounts the root file system, runs the step in it and waits until its
// last process is gone. The mounts are the engine's own: its mount namespace is
// private, and ends with it.
func (e *Executor) start(ctx context.Context, sp *spec, p executor.ProcessInfo, started func()) (code int, err error) {
	if err := mount.All(sp.Root, sp.Rootfs); err != nil {
		return 0, fmt.Errorf("mounting the root file system: %w", err)
	}
	defer func() {
		if uerr := mount.UnmountAll(sp.Rootfs, unix.MNT_DETACH); uerr != nil && err == nil {
			err = fmt.Errorf("unmounting the root file system: %w", uerr)
		}
	}()
	var dests []executor.Mount
	for _, m := range sp.Mounts {
		dests = append(dests, executor.Mount{Dest: m.Dest})
	}
	defer executor.MountStubsCleaner(context.WithoutCancel(ctx), sp.Rootfs, dests, sp.StubsRecurse)()
	if err := sp.identify(); err != nil {
		return 0, err
	}
	if err := sp.makeCwd(); err != nil {
		return 0, err
	}
	return e.runInit(ctx, sp, p, started)
}

// runInit starts PID 1 of the step's namespaces, which becomes the step. Killing
// it takes every descendant with it, whatever session or signal mask they have.
func (e *Executor) runInit(ctx context.Context, sp *spec, p executor.ProcessInfo, started func()) (int, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		inR.Close()
		inW.Close()
		return 0, err
	}
	defer outR.Close()
	cmd := e.initCommand(ctx, p, inR, outW)
	began := time.Now()
	err = cmd.Start()
	inR.Close()
	outW.Close()
	if err != nil {
		inW.Close()
		return 0, fmt.Errorf("making the step's namespaces: %w", err)
	}
	go func() { json.NewEncoder(inW).Encode(sp); inW.Close() }()
	var st status
	for dec := json.NewDecoder(outR); dec.Decode(&st) == nil; { // until init becomes the step
		if st.Started {
			started()
		}
	}
	err = cmd.Wait()
	if e.opt.Elapsed != nil && cmd.ProcessState != nil {
		e.opt.Elapsed(sp.Args, time.Since(began), cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime())
	}
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case st.Err != "":
		return 0, errors.New(st.Err)
	case !st.Started || cmd.ProcessState == nil:
		return 0, fmt.Errorf("the sandbox ended without an answer: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return 0, fmt.Errorf("waiting for the step: %w", err)
	case ws.Signaled():
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

func (e *Executor) initCommand(ctx context.Context, p executor.ProcessInfo, in, out *os.File) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Args = []string{initName}
	cmd.Env = []string{"GOMAXPROCS=1", "GOGC=off"} // short-lived: threads and collections only cost
	cmd.Stdout, cmd.Stderr = p.Stdout, p.Stderr
	if p.Stdin != nil {
		cmd.Stdin = p.Stdin
	}
	cmd.ExtraFiles = []*os.File{in, out}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP | unix.CLONE_NEWNET,
		Setsid:     true,
	}
	if fd, ok := e.group.fd(); ok {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, fd
	}
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

func exitError(m executor.Meta, code int) error {
	valid := m.ValidExitCodes
	if valid == nil {
		valid = []int{0}
	}
	if slices.Contains(valid, code) {
		return nil
	}
	return &gatewayapi.ExitError{ExitCode: uint32(code)}
}
