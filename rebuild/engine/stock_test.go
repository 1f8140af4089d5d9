//go:build linux && amd64

package engine

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stagescope/stagescope/rebuild"
)

// stock starts the buildkitd that is installed, with its own executor runc,
// and connects to it.
func stock(t *testing.T) rebuild.Engine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a stock buildkitd without root needs a set-up of its own; it is tested as root")
	}
	daemon, err := exec.LookPath("buildkitd")
	if err == nil {
		_, err = exec.LookPath("runc")
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("no stock BuildKit here: %v", err)
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "socket")
	var log bytes.Buffer
	// A config that is empty, so that none of this machine's has a say.
	config := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(daemon, "--config", config, "--root", filepath.Join(dir, "root"), "--addr", "unix://"+socket,
		"--oci-worker-binary=runc", "--containerd-worker=false", "--oci-worker-no-process-sandbox=false")
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-exited
		}
	})
	for {
		e, err := Dial(t.Context(), "unix://"+socket)
		if err == nil {
			t.Cleanup(func() { e.Close() })
			return e
		}
		select {
		case <-exited:
			t.Fatalf("buildkitd ended at once:\n%s", log.String())
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// TestSeedlingOnStockBuildKit builds the chain where others build, with an
// executor that shares no code with ours, and reaches the same digests.
func TestSeedlingOnStockBuildKit(t *testing.T) {
	s := newSeedlings(t)
	e := stock(t)
	info, err := e.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: BuildKit %s", info.Address, info.BuildKit)
	s.published(t, e)
}
