package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/stagescope/stagescope/rebuild/sandbox"
)

// removerName is the process that removes a state directory from inside.
const removerName = "stagescope-remove"

// Init must be the first thing that main, or a test's TestMain, does: in a
// process that this package or package sandbox started it does not return.
func Init() {
	sandbox.Init()
	switch os.Args[0] {
	case processName:
		serve()
	case removerName:
		waitForMaps(3)
		if err := os.RemoveAll(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// waitForMaps waits until the parent has written the uid map, and starts this
// program again: a process that was started without a mapped uid has lost its
// capabilities, and gets them back as root of the namespace.
func waitForMaps(fd uintptr) {
	if os.Getenv(mappedEnv) != "" {
		return
	}
	io.Copy(io.Discard, os.NewFile(fd, "mapped"))
	syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), mappedEnv+"=1"))
	os.Exit(1)
}

// mappedEnv marks the second start.
const mappedEnv = "STAGESCOPE_MAPPED"

// startOptions are what the engine's process is started with.
type startOptions struct {
	Options
	Parent int // PID of the process that starts it
}

// serve is the engine's process.
func serve() {
	tell := json.NewEncoder(os.NewFile(notesFD, "notes"))
	var o startOptions
	if len(os.Args) < 2 || json.Unmarshal([]byte(os.Args[1]), &o) != nil {
		tell.Encode(note{Err: "it was started without options"})
		os.Exit(1)
	}
	if o.Mode == Range {
		for fd := socketFD; fd <= mappedFD; fd++ { // they are to survive the second start
			unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
		}
		waitForMaps(mappedFD)
	}
	os.Unsetenv(mappedEnv)
	for fd := socketFD; fd <= mappedFD; fd++ {
		unix.CloseOnExec(fd)
	}
	unix.Umask(0o022) // modes of what the engine itself makes reach layers
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		tell.Encode(note{Err: forbiddenPrefix + "making mounts private: " + err.Error()})
		os.Exit(1)
	}
	if err := run(o, tell); err != nil {
		tell.Encode(note{Err: err.Error()})
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run holds the state directory and serves until the parent is gone.
func run(o startOptions, tell *json.Encoder) error {
	release, err := hold(o.StateDir, o.Parent)
	if err != nil {
		return err
	}
	defer release()
	s, err := newServer(o.Options, tell)
	if err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, os.NewFile(lifelineFD, "lifeline"))
		s.stop()
	}()
	if err := tell.Encode(note{Ready: &ready{Snapshotter: s.snapshotter, BuildKit: s.version}}); err != nil {
		return errors.New("the parent has ended")
	}
	return s.serve(os.NewFile(socketFD, "socket"))
}
