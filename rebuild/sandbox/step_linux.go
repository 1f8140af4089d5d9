package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/buildkit/executor"
	"github.com/moby/sys/user"
	"github.com/moby/sys/userns"
	"golang.org/x/sys/unix"
)

// defaultLastPID is written to ns_last_pid before a step starts, so that its
// PID is 1001 in every run: the threads of init use up PIDs, and not always
// equally many.
const defaultLastPID = 1000

// Init must be the first thing that main, or a test's TestMain, does: in a
// re-executed process of the sandbox it does not return.
func Init() {
	if os.Args[0] != initName {
		return
	}
	err := becomeStep()
	json.NewEncoder(os.NewFile(statusFD, "status")).Encode(status{Err: "sandbox: " + err.Error()})
	os.Exit(125)
}

// becomeStep prepares the namespaces and becomes the step; it only returns
// with an error.
func becomeStep() error {
	runtime.LockOSThread()
	var sp spec
	if err := json.NewDecoder(os.NewFile(specFD, "spec")).Decode(&sp); err != nil {
		return fmt.Errorf("reading the step: %w", err)
	}
	// Nothing that the engine's caller had open may leak into a step.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("closing inherited files: %w", err)
	}
	if err := sp.mountAll(); err != nil {
		return err
	}
	// Opened while /proc/sys can still be written to.
	lastPID, err := os.OpenFile(filepath.Join(sp.Rootfs, "proc/sys/kernel/ns_last_pid"), os.O_WRONLY, 0)
	if err != nil {
		lastPID = nil // kernels without checkpoint support: the PID varies, as it does with runc
	}
	for _, f := range []func() error{sp.pivot, sp.protect, sp.setKernel} {
		if err := f(); err != nil {
			return err
		}
	}
	env := sp.environment()
	os.Clearenv()
	for _, kv := range env {
		k, v, _ := strings.Cut(kv, "=")
		os.Setenv(k, v) // exec.LookPath reads PATH
	}
	if err := setLimits(sp.Limits); err != nil {
		return err
	}
	if lastPID != nil {
		if _, err := fmt.Fprint(lastPID, sp.LastPID); err != nil && sp.Vary.LastPID > 0 {
			return fmt.Errorf("setting the last PID: %w", err)
		}
	}
	if err := loadFilter(sp.Seccomp); err != nil {
		return fmt.Errorf("loading the system-call filter: %w", err)
	}
	if err := sp.setIDs(); err != nil {
		return err
	}
	if err := os.Chdir(sp.Cwd); err != nil {
		return err
	}
	bin, err := exec.LookPath(sp.Args[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return err
	}
	json.NewEncoder(os.NewFile(statusFD, "status")).Encode(status{Started: true})
	return fmt.Errorf("starting %q: %w", bin, syscall.Exec(bin, sp.Args, env))
}

// environment is the step's environment; HOME is added last when it is unset,
// from the image's passwd, as runc does.
func (sp *spec) environment() []string {
	env := sp.Env
	for _, kv := range sp.Vary.Env {
		env = executor.ReplaceEnv(env, []string{kv})
	}
	if slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "HOME=") }) {
		return env
	}
	home := "/"
	u, err := user.GetExecUserPath(fmt.Sprint(sp.UID), &user.ExecUser{Home: "/"}, "/etc/passwd", "/etc/group")
	if err == nil && u.Home != "" {
		home = u.Home
	}
	return append(slices.Clone(env), "HOME="+home)
}

func (sp *spec) setIDs() error {
	// In a user namespace with one uid setgroups is denied; the step then sees
	// the overflow group, which nothing can be done about.
	if err := syscall.Setgroups(sp.Groups); err != nil && !userns.RunningInUserNS() {
		return fmt.Errorf("setting groups: %w", err)
	}
	if err := syscall.Setresgid(sp.GID, sp.GID, sp.GID); err != nil {
		return fmt.Errorf("becoming group %d: %w", sp.GID, err)
	}
	if err := syscall.Setresuid(sp.UID, sp.UID, sp.UID); err != nil {
		return fmt.Errorf("becoming user %d: %w", sp.UID, err)
	}
	return nil
}

// setKernel sets what the kernel keeps per process or namespace.
func (sp *spec) setKernel() error {
	host := sp.Hostname
	if sp.Vary.Hostname != "" {
		host = sp.Vary.Hostname
	}
	if err := unix.Sethostname([]byte(host)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("starting the loopback interface: %w", err)
	}
	unix.Umask(0o022)
	if sp.Vary.Umask != nil {
		unix.Umask(*sp.Vary.Umask)
	}
	if len(sp.Vary.CPUs) > 0 {
		var set unix.CPUSet
		for _, c := range sp.Vary.CPUs {
			set.Set(c)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("choosing processors %v: %w", sp.Vary.CPUs, err)
		}
	}
	if sp.Vary.Personality != 0 {
		if _, _, e := unix.RawSyscall(unix.SYS_PERSONALITY, uintptr(sp.Vary.Personality), 0, 0); e != 0 {
			return fmt.Errorf("setting the personality: %w", e)
		}
	}
	return dropCapabilities()
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}
