package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"golang.org/x/sys/unix"
)

// scarce is the free space in bytes below which a disk counts as full. BuildKit
// writes to its databases to let anything go: without room it can never remove
// what filled the disk.
const scarce = 64 << 20

// makeRoom removes what a failed step wrote where the disk is full. The file
// system of a failed step is never used again, and nothing has it mounted once
// the step's sandbox has ended. That a file cannot be removed is not said: the
// step's own error is what counts.
func makeRoom(root []mount.Mount) {
	dir := written(root)
	var fs unix.Statfs_t
	if dir == "" || unix.Statfs(dir, &fs) != nil || int64(fs.Bavail)*fs.Bsize >= scarce {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		_ = os.RemoveAll(filepath.Join(dir, e.Name()))
	}
}

// written is the directory that holds what a step writes, or "".
func written(root []mount.Mount) string {
	if len(root) != 1 {
		return ""
	}
	m := root[0]
	switch m.Type {
	case "overlay":
		for _, o := range m.Options {
			if dir, ok := strings.CutPrefix(o, "upperdir="); ok {
				return dir
			}
		}
	case "bind": // the native snapshotter's copy
		if slices.Contains(m.Options, "rw") {
			return m.Source
		}
	}
	return ""
}
