//go:build linux && amd64

package engine

import (
	"bytes"
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/rebuild"
)

// stock starts the buildkitd that is installed, with its own executor runc,
// and connects to it.
func stock(t *testing.T) rebuild.Engine {
	t.Helper()
	address := "unix://" + filepath.Join(t.TempDir(), "socket")
	return daemon(t, []string{"--addr", address}, address)
}

// daemon starts a stock buildkitd and connects to it at address.
func daemon(t *testing.T, args []string, address string) rebuild.Engine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a stock buildkitd without root needs a set-up of its own; it is tested as root")
	}
	program, err := exec.LookPath("buildkitd")
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
	var log bytes.Buffer
	// A config that is empty, so that none of this machine's has a say.
	config := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"--config", config, "--root", filepath.Join(dir, "root"),
		"--oci-worker-binary=runc", "--containerd-worker=false", "--oci-worker-no-process-sandbox=false"}, args...)...)
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
		e, err := Dial(t.Context(), address)
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

// TestStepDigestsOnStockBuildKit asks a stock BuildKit what each step changed:
// the digests are those of the embedded engine, which reads the layers itself.
func TestStepDigestsOnStockBuildKit(t *testing.T) {
	lines := []string{
		`write /a one`, `sly /a two`, `mkdir /d/e/f`, `write /d/e/f/x x`, `write /d/e/y y`, `mode /d/e 2751`,
		`link /l /d/e`, `rename /d/e/y /d/y`, `remove /d/e/f`, `remove /d`, `write /d was-a-directory`, `remove /a`,
		`true`, `write /run ran`, `mode /run 755`,
	}
	recipe := "FROM scratch\nCOPY probe /probe\n"
	var steps []chain.Step
	for i, l := range lines {
		steps = append(steps, chain.Step{Index: i, Line: 3 + i, Name: l})
		recipe += `RUN ["/probe", "` + strings.ReplaceAll(l, " ", `", "`) + "\"]\n"
	}
	digests := func(e rebuild.Engine) []rebuild.StepDigest {
		r := request(t, recipe, nil)
		r.Steps, r.StepDigests = steps, true
		_, b := build(t, e, r)
		return b.Steps
	}
	remote := stock(t)
	asked, told := digests(remote), digests(newEngine(t, Options{}))
	if len(asked) != len(lines) || len(told) != len(lines) {
		t.Fatalf("%d and %d digests of %d steps", len(asked), len(told), len(lines))
	}
	distinct := map[chain.Digest]bool{}
	for i := range lines {
		if asked[i].Digest == "" || asked[i].Digest != told[i].Digest || asked[i].Changed != told[i].Changed || !slices.Equal(asked[i].Programs, told[i].Programs) {
			t.Errorf("%s: asked %+v, told %+v", lines[i], asked[i], told[i])
		}
		distinct[asked[i].Digest] = true
	}
	if len(distinct) != len(lines) {
		t.Errorf("%d different digests of %d different changes", len(distinct), len(lines))
	}
	ran := []rebuild.Program{{Path: "run", Size: 3, Digest: chain.SHA256(sha256.Sum256([]byte("ran")))}}
	if got := told[len(told)-1].Programs; !slices.Equal(got, ran) {
		t.Errorf("a step that makes a file executable wrote the programs %+v, want %+v", got, ran)
	}
	// What a builder has done before it knows as well.
	if again := digests(remote); !slices.EqualFunc(again, asked, func(a, b rebuild.StepDigest) bool { return a.Digest == b.Digest }) {
		t.Errorf("asked again: %+v", again)
	}
}
