package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Limits bound what the steps of one engine may use together. 0 means no bound.
type Limits struct {
	Memory    int64 // bytes
	Processes int64
}

// cgroup is the control group that all steps of an executor run in.
type cgroup struct {
	dir  string
	file *os.File
}

// ErrNoLimits says that the machine lets this user set no limits on a step.
var ErrNoLimits = errors.New("memory and process limits need cgroup v2 with the memory and pids controllers delegated to this user")

// CheckLimits reports whether limits can be set, by making a group and
// removing it. Its error wraps ErrNoLimits.
func CheckLimits() error {
	g, err := makeCgroup(Limits{Memory: 1 << 40, Processes: 1 << 20})
	if err != nil {
		return err
	}
	return g.remove()
}

// newCgroup gives nil when there are no limits to set or none can be set: a
// build without limits gives the same bytes.
func newCgroup(l Limits) *cgroup {
	if l == (Limits{}) {
		return nil
	}
	g, err := makeCgroup(l)
	if err != nil {
		return nil
	}
	return g
}

func makeCgroup(l Limits) (*cgroup, error) {
	const root = "/sys/fs/cgroup"
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLimits, err)
	}
	own, ok := strings.CutPrefix(strings.TrimSpace(string(data)), "0::")
	if !ok || strings.Contains(own, "\n") {
		return nil, fmt.Errorf("%w: this machine uses cgroup v1", ErrNoLimits)
	}
	dir, err := os.MkdirTemp(filepath.Join(root, own), "stagescope-")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoLimits, err)
	}
	g := &cgroup{dir: dir}
	for name, v := range map[string]int64{"memory.max": l.Memory, "pids.max": l.Processes} {
		if v == 0 {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), fmt.Append(nil, v), 0o644); err != nil {
			os.Remove(dir)
			return nil, fmt.Errorf("%w: %w", ErrNoLimits, err)
		}
	}
	if g.file, err = os.OpenFile(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		os.Remove(dir)
		return nil, fmt.Errorf("%w: %w", ErrNoLimits, err)
	}
	return g, nil
}

// fd is the descriptor for clone3's CLONE_INTO_CGROUP.
func (g *cgroup) fd() (int, bool) {
	if g == nil {
		return 0, false
	}
	return int(g.file.Fd()), true
}

func (g *cgroup) remove() error {
	if g == nil {
		return nil
	}
	g.file.Close()
	return os.Remove(g.dir)
}
