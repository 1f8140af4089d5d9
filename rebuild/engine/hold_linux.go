package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hold takes the state directory for this process. The lock is the kernel's:
// it ends with the process, so a crash leaves nothing to clean up. Another
// holder is an error that names it. parent is who started this process, which
// its own PID namespace does not show.
func hold(dir string, parent int) (release func(), err error) {
	name := filepath.Join(dir, "lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the engine's state: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			data, _ := os.ReadFile(name)
			holder := strings.TrimSpace(string(data))
			if holder == "" {
				holder = "another process"
			}
			return nil, errors.New(busyPrefix + holder)
		}
		return nil, fmt.Errorf("locking the engine's state: %w", err)
	}
	f.Truncate(0)
	fmt.Fprintf(f, "process %d, since %s\n", parent, time.Now().UTC().Format(time.DateTime+" UTC"))
	return func() { f.Truncate(0); f.Close() }, nil
}
