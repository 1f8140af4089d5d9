package sandbox

import (
	"github.com/containerd/containerd/v2/core/mount"
	"golang.org/x/sys/unix"

	"github.com/stagescope/stagescope/rebuild"
)

// stepMount is one of BuildKit's mounts inside the step.
type stepMount struct {
	Mounts   []mount.Mount
	Selector string // sub-path of the source that is mounted
	Dest     string
	ReadOnly bool
}

// spec is everything that init has to know about a step. It travels as JSON
// over a pipe.
type spec struct {
	Bundle       string // scratch directory of this step
	Rootfs       string
	Root         []mount.Mount
	Mounts       []stepMount
	Args, Env    []string
	Cwd, User    string
	Hostname     string
	ReadonlyRoot bool
	StubsRecurse bool // remove mount stubs that BuildKit's mounts leave, recursively
	ResolvConf   string
	Hosts        string
	Limits       []rlimit
	LastPID      int
	Vary         rebuild.Variation
	Seccomp      []unix.SockFilter `json:",omitempty"`

	// From the root file system's passwd and group.
	UID, GID int
	Groups   []int
}

// status is what init reports back: that it is about to become the step, and
// what kept it from that.
type status struct {
	Started bool   `json:",omitempty"`
	Err     string `json:",omitempty"`
}

// Descriptors of init besides the standard three.
const (
	specFD   = 3
	statusFD = 4
)

// initName is what the re-executed process is started under.
const initName = "stagescope-init"
