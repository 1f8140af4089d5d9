package engine

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// chooseMode is what Auto means for this user.
func chooseMode() Mode {
	if os.Getuid() == 0 {
		return Root
	}
	if _, err := ranges(); err == nil {
		return Range
	}
	return Single
}

// namespaces are those of the engine's process. It is PID 1 of its own, so that
// the kernel ends every step with it, even when it is killed.
func namespaces(m Mode) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID, Setsid: true}
	switch m {
	case Single:
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	case Range:
		a.Cloneflags |= unix.CLONE_NEWUSER // the maps are written by newuidmap, from outside
	}
	return a
}

// idRange is a user's range of subordinate ids and the program that maps it.
type idRange struct {
	program      string
	own          int
	first, count string
}

// ranges finds newuidmap, newgidmap and this user's ranges.
func ranges() ([]idRange, error) {
	u, err := user.Current()
	if err != nil {
		return nil, err
	}
	var out []idRange
	for _, x := range []struct {
		program, file string
		own           int
	}{{"newuidmap", "/etc/subuid", os.Getuid()}, {"newgidmap", "/etc/subgid", os.Getgid()}} {
		if _, err := exec.LookPath(x.program); err != nil {
			return nil, err
		}
		first, count, err := subordinate(x.file, u)
		if err != nil {
			return nil, err
		}
		out = append(out, idRange{x.program, x.own, first, count})
	}
	return out, nil
}

func subordinate(file string, u *user.User) (first, count string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		p := strings.Split(s.Text(), ":")
		if len(p) == 3 && (p[0] == u.Username || p[0] == u.Uid) {
			return p[1], p[2], nil
		}
	}
	return "", "", fmt.Errorf("%s has no range for user %q", file, u.Username)
}

// writeMaps maps this user to root and the range above it, in the namespace of
// process pid.
func writeMaps(pid int) error {
	rs, err := ranges()
	if err != nil {
		return err
	}
	for _, r := range rs {
		out, err := exec.Command(r.program, strconv.Itoa(pid), "0", strconv.Itoa(r.own), "1", "1", r.first, r.count).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", r.program, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// removeInside removes a directory from inside a user namespace with this
// user's range of ids.
func removeInside(ctx context.Context, dir string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/proc/self/exe", dir)
	cmd.Args[0] = removerName
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{r}
	cmd.SysProcAttr = namespaces(Range)
	err = cmd.Start()
	r.Close()
	if err != nil {
		w.Close()
		return &ForbiddenError{WhoForbids(), err}
	}
	err = writeMaps(cmd.Process.Pid)
	w.Close()
	if err2 := cmd.Wait(); err == nil {
		err = err2
	}
	return err
}

// WhoForbids names the setting that keeps this user from having namespaces, as
// far as the system shows it.
func WhoForbids() string {
	for _, c := range []struct{ file, value, text string }{
		{"/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone is 0; set it to 1"},
		{"/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces is 0; raise it"},
		{"/proc/sys/user/max_mnt_namespaces", "0", "sysctl user.max_mnt_namespaces is 0; raise it"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns is 1; set it to 0 or give this program an AppArmor profile that allows userns"},
	} {
		data, err := os.ReadFile(c.file)
		if err == nil && strings.TrimSpace(string(data)) == c.value {
			return c.text
		}
	}
	if _, err := os.Stat("/.dockerenv"); err == nil {
		return "the container's seccomp profile or masked /proc; start it with --security-opt seccomp=unconfined --security-opt systempaths=unconfined, or use --engine"
	}
	return "a security module or a seccomp profile; use --engine with the address of a BuildKit"
}
