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

// spec is everything the shim and init have to know about a step. It travels
// as JSON over a pipe that stays open for as long as the engine lives.
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

	// Filled by the shim, which can see the root file system's passwd.
	UID, GID int
	Groups   []int
}

// status is what the shim and init report back.
type status struct {
	Started bool   `json:",omitempty"`
	Exit    *int   `json:",omitempty"`
	Err     string `json:",omitempty"`
}

// Descriptors of the two helper processes besides the standard three.
const (
	specFD   = 3
	statusFD = 4
)

// Names the re-executed processes are started under.
const (
	shimName = "stagescope-shim"
	initName = "stagescope-init"
)
