//go:build linux

package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stagescope/stagescope/rebuild"
)

// taskEnv names what a test process that was started again is to do, and where.
const taskEnv = "ENGINE_TEST_TASK"

// tasks are what such a process can do.
var tasks = map[string]func(dir string) error{"victim": victim, "forbidden": withoutNamespaces, "full": onFullDisk}

// errCannot wraps what a machine does not let a task do.
var errCannot = errors.New("cannot be tried here")

// runTask does what taskEnv says and ends the process.
func runTask(text string) {
	name, dir, _ := strings.Cut(text, ":")
	err := tasks[name](dir)
	if err != nil {
		fmt.Println(err)
	}
	switch {
	case errors.Is(err, errCannot):
		os.Exit(4)
	case err != nil:
		os.Exit(1)
	}
	os.Exit(0)
}

// inNamespace runs a task as root of a user namespace and a mount namespace of
// its own.
func inNamespace(t *testing.T, task string) {
	t.Helper()
	if _, err := probe(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), taskEnv+"="+task+":"+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit) && exit.ExitCode() == 4, !errors.As(err, &exit):
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("%v: %s", err, out)
	default:
		t.Errorf("%v: %s", err, out)
	}
}

// TestNamespacesForbidden: where the kernel denies namespaces, the error names
// the setting that does.
func TestNamespacesForbidden(t *testing.T) { inNamespace(t, "forbidden") }

func withoutNamespaces(dir string) error {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return fmt.Errorf("%w: %w", errCannot, err)
	}
	e, err := Embedded(context.Background(), Options{StateDir: dir, Mode: Single})
	if err == nil {
		e.Close()
		return errors.New("an engine started without a namespace")
	}
	var forbidden *ForbiddenError
	if !errors.As(err, &forbidden) || !strings.Contains(forbidden.Setting, "max_user_namespaces") {
		return fmt.Errorf("the error is %w, want one that names user.max_user_namespaces", err)
	}
	return nil
}

// TestFullDisk: a disk that a step fills, or that is full already, is said;
// with room again, the same engine builds.
func TestFullDisk(t *testing.T) { inNamespace(t, "full") }

func onFullDisk(dir string) error {
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m")
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errCannot, err)
	}
	e, err := Embedded(context.Background(), Options{StateDir: filepath.Join(dir, "state")})
	if err != nil {
		return fmt.Errorf("%w: %w", errCannot, err)
	}
	defer e.Close()
	small := "FROM scratch\nCOPY probe /\nRUN [\"/probe\", \"write\", \"/x\", \"%d\"]\n"
	err = buildHere(e, "FROM scratch\nCOPY probe /\nRUN [\"/probe\", \"fill\", \"/big\"]\n")
	var step *rebuild.StepError
	if !errors.As(err, &step) || step.ExitCode != 28 || !strings.Contains(strings.Join(step.Tail, " "), "no space left on device") {
		return fmt.Errorf("a step that fills the disk gives %w", err)
	}
	if err := eventuallyBuilds(e, fmt.Sprintf(small, 1)); err != nil {
		return fmt.Errorf("after a step filled the disk: %w", err)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := fill(ballast); err != nil {
		return err
	}
	if err := buildHere(e, fmt.Sprintf(small, 2)); err == nil || !strings.Contains(err.Error(), "no space left on device") {
		return fmt.Errorf("on a full disk: %w", err)
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := eventuallyBuilds(e, fmt.Sprintf(small, 2)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return nil
}

func buildHere(e rebuild.Engine, recipe string) error {
	bin, err := probe()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var image bytes.Buffer
	_, err = e.Build(ctx, &rebuild.Request{
		Stage: "test-full", Containerfile: "Containerfile", Output: &image,
		Context: fstest.MapFS{"Containerfile": {Data: []byte(recipe)}, "probe": {Data: bin, Mode: 0o755}},
	}, nil)
	if err == nil && image.Len() == 0 {
		return errors.New("no image came")
	}
	return err
}

// eventuallyBuilds builds once there is room: what a failed step wrote is
// removed in the background.
func eventuallyBuilds(e rebuild.Engine, recipe string) (err error) {
	for range 100 {
		if err = buildHere(e, recipe); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// fill writes a file until the disk is full.
func fill(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for block := make([]byte, size); err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		err = nil
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}
