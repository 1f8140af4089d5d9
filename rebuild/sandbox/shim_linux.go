package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/continuity/fs"
	"github.com/moby/buildkit/executor"
	"github.com/moby/buildkit/executor/oci"
	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"
)

// Init must be the first thing that main, or a test's TestMain, does: in a
// re-executed process of the sandbox it does not return.
func Init() {
	switch os.Args[0] {
	case shimName:
		runShim()
	case initName:
		err := becomeStep()
		json.NewEncoder(os.NewFile(statusFD, "status")).Encode(status{Err: "sandbox: " + err.Error()})
		os.Exit(125)
	}
}

func runShim() {
	runtime.LockOSThread() // Pdeathsig is sent when the thread that started init ends
	out := os.NewFile(statusFD, "status")
	code, err := shim(out)
	st := status{Exit: &code}
	if err != nil {
		st = status{Err: "sandbox: " + err.Error()}
	}
	json.NewEncoder(out).Encode(st)
	os.Exit(0)
}

// shim mounts the root file system where nobody else sees it, starts init, and
// gives the step's exit code once its last process is gone.
func shim(out *os.File) (code int, err error) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	var sp spec
	in := os.NewFile(specFD, "spec")
	if err := json.NewDecoder(in).Decode(&sp); err != nil {
		return 0, fmt.Errorf("reading the step: %w", err)
	}
	go func() {
		io.Copy(io.Discard, in) // returns when the engine is gone, however it ended
		stop <- syscall.SIGTERM
	}()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return 0, fmt.Errorf("making mounts private: %w", err)
	}
	if err := mount.All(sp.Root, sp.Rootfs); err != nil {
		return 0, fmt.Errorf("mounting the root file system: %w", err)
	}
	defer mount.UnmountAll(sp.Rootfs, unix.MNT_DETACH)
	var dests []executor.Mount
	for _, m := range sp.Mounts {
		dests = append(dests, executor.Mount{Dest: m.Dest})
	}
	defer executor.MountStubsCleaner(context.Background(), sp.Rootfs, dests, sp.StubsRecurse)()
	if err := sp.identify(); err != nil {
		return 0, err
	}
	if err := sp.makeCwd(); err != nil {
		return 0, err
	}
	return sp.runInit(out, stop)
}

// identify looks the user up in the root file system. The primary group is
// among the supplementary ones, as the OCI specification's generator has it.
func (sp *spec) identify() error {
	uid, gid, more, err := oci.GetUser(sp.Rootfs, sp.User)
	if err != nil {
		return fmt.Errorf("finding user %q: %w", sp.User, err)
	}
	sp.UID, sp.GID, sp.Groups = int(uid), int(gid), []int{int(gid)}
	for _, g := range more {
		sp.Groups = append(sp.Groups, int(g))
	}
	return nil
}

func (sp *spec) makeCwd() error {
	cwd, err := fs.RootPath(sp.Rootfs, sp.Cwd)
	if err != nil {
		return fmt.Errorf("resolving the working directory %q: %w", sp.Cwd, err)
	}
	if _, err := os.Stat(cwd); err == nil {
		return nil
	}
	return user.MkdirAllAndChown(cwd, 0o755, sp.UID, sp.GID)
}

// runInit starts PID 1 of the step's namespaces. Killing it takes every
// descendant with it, whatever session or signal mask they have.
func (sp *spec) runInit(out *os.File, stop <-chan os.Signal) (int, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{initName}
	cmd.Env = []string{"GOMAXPROCS=1", "GOGC=off"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{r, out}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP | unix.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL, Setsid: true,
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("making the step's namespaces: %w", err)
	}
	r.Close()
	go func() { json.NewEncoder(w).Encode(sp); w.Close() }()
	go func() { <-stop; cmd.Process.Kill() }()
	err = cmd.Wait()
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		ws := ee.Sys().(syscall.WaitStatus)
		if ws.Signaled() {
			return 128 + int(ws.Signal()), nil
		}
		return ws.ExitStatus(), nil
	}
	return 0, err
}
