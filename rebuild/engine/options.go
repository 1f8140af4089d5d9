package engine

import (
	"errors"
	"fmt"

	"github.com/stagescope/stagescope/rebuild"
)

// Mode is how the embedded engine gets its namespaces.
type Mode string

// The modes. Auto takes Root for root, else Range where newuidmap and a range
// of subordinate ids are present, else Single.
const (
	Auto   Mode = ""
	Root   Mode = "root"   // a mount namespace of its own
	Range  Mode = "range"  // a user namespace with the user's subordinate ids
	Single Mode = "single" // a user namespace with one uid: a step can only own files as root
)

// Options of the embedded engine.
type Options struct {
	StateDir    string // its caches and logs; one engine at a time
	Mode        Mode
	Snapshotter string            // "overlayfs", "native", "" for overlayfs where it works
	Executor    string            // "sandbox", or "runc" to have steps run by runc
	Vary        rebuild.Variation // of every step; use a state directory of its own per variation
	Memory      int64             // bound on the memory of steps in bytes, 0 for none
	Processes   int64             // bound on the number of processes of steps, 0 for none
}

// ErrUnsupported says that this system cannot run the embedded engine.
var ErrUnsupported = errors.New("the engine inside this program needs Linux; give the address of a BuildKit with --engine")

// BusyError says who holds a state directory.
type BusyError struct {
	Dir    string
	Holder string // "process 4711, since …"
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("the engine's state %s is in use by %s", e.Dir, e.Holder)
}

// ForbiddenError says that the kernel denies the engine its namespaces.
type ForbiddenError struct {
	Setting string // the setting that forbids it, as far as it could be found
	Err     error
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("this system does not let this user build in namespaces (%s): %v", e.Setting, e.Err)
}

func (e *ForbiddenError) Unwrap() error { return e.Err }
