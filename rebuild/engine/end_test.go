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
	"testing"
	"testing/fstest"
	"time"

	"github.com/stagescope/stagescope/rebuild"
)

// waiting is a recipe whose step ignores signals, starts a child in a session
// of its own, and never ends. marker finds its processes.
func waiting(marker string) string {
	return fmt.Sprintf("FROM scratch\nCOPY probe /\nRUN [\"/probe\", \"wait\", %q]\n", marker)
}

// running counts processes whose command line holds marker.
func running(marker string) int {
	n := 0
	dirs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range dirs {
		if data, err := os.ReadFile(p); err == nil && bytes.Contains(data, []byte(marker)) && !bytes.HasPrefix(data, []byte(os.Args[0])) {
			n++
		}
	}
	return n
}

// eventually polls a condition about other processes, which nothing announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("after 30 s still not: %s", what)
}

// mountsBelow counts mounts that this process can see below dir.
func mountsBelow(dir string) int {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	return strings.Count(string(data), " "+dir+"/")
}

func TestCancelLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	e := newEngine(t, Options{StateDir: dir})
	const marker = "cancel-marker-51c1"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	began := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		_, err := e.Build(ctx, request(t, waiting(marker), nil), func(ev rebuild.Event) {
			if ev.Kind == rebuild.EventLog && bytes.Contains(ev.Data, []byte("waiting")) {
				close(began)
			}
		})
		failed <- err
	}()
	select {
	case <-began:
	case err := <-failed:
		t.Fatalf("the build ended by itself: %v", err)
	}
	if running(marker) == 0 {
		t.Fatal("the step is not to be seen: the test would prove nothing")
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want one that wraps context.Canceled", err)
	}
	eventually(t, "no process of the step left", func() bool { return running(marker) == 0 })
	// The engine is whole: it builds the next recipe.
	if _, b := build(t, e, request(t, "FROM scratch\nCOPY probe /\n", nil)); b.Index == "" {
		t.Error("no image after a cancelled build")
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if n := mountsBelow(dir); n != 0 {
		t.Errorf("%d mounts left", n)
	}
}

// The engine's own process may be killed too, by whoever is short of memory: no
// step outlives it.
func TestEngineKilledLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	e := newEngine(t, Options{StateDir: dir})
	const marker = "engine-marker-77d3"
	began, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := e.Build(t.Context(), request(t, waiting(marker), nil), func(ev rebuild.Event) {
			if ev.Kind == rebuild.EventLog && bytes.Contains(ev.Data, []byte("waiting")) {
				close(began)
			}
		})
		failed <- err
	}()
	select {
	case <-began:
	case err := <-failed:
		t.Fatalf("the build ended by itself: %v", err)
	}
	if running(marker) == 0 {
		t.Fatal("the step is not to be seen: the test would prove nothing")
	}
	if err := e.(*embedded).cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("a build whose engine was killed ended well")
	}
	eventually(t, "no process of the step left", func() bool { return running(marker) == 0 })
	if n := mountsBelow(dir); n != 0 {
		t.Errorf("%d mounts left", n)
	}
}

const victimMarker = "victim-marker-8a20"

// victim is a process that is killed in the middle of a build.
func victim(dir string) error {
	e, err := Embedded(context.Background(), Options{StateDir: dir})
	if err != nil {
		return err
	}
	bin, _ := probe()
	e.Build(context.Background(), &rebuild.Request{
		Stage: "victim", Containerfile: "Containerfile", Output: io.Discard,
		Context: fstest.MapFS{"Containerfile": {Data: []byte(waiting(victimMarker))}, "probe": {Data: bin, Mode: 0o755}},
	}, func(ev rebuild.Event) {
		if ev.Kind == rebuild.EventLog {
			os.Stdout.Write(ev.Data)
		}
	})
	return errors.New("the build ended by itself")
}

func TestKillLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	newEngine(t, Options{}).Close() // skips where nothing can be built
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), taskEnv+"=victim:"+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, _ := io.ReadAtLeast(out, line, len("waiting"))
	if !strings.Contains(string(line[:n]), "waiting") {
		cmd.Process.Kill()
		t.Fatalf("the victim says %q", line[:n])
	}
	if running(victimMarker) == 0 {
		t.Fatal("the step is not to be seen: the test would prove nothing")
	}
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "no process of the step left", func() bool { return running(victimMarker) == 0 })
	if n := mountsBelow(dir); n != 0 {
		t.Errorf("%d mounts left", n)
	}
	// Its state is free again and usable.
	var e rebuild.Engine
	eventually(t, "the state directory free", func() bool {
		var err error
		e, err = Embedded(t.Context(), Options{StateDir: dir})
		return err == nil
	})
	if e == nil {
		t.FailNow()
	}
	defer func() {
		e.Close()
		if err := Clean(context.Background(), Options{StateDir: dir}); err != nil {
			t.Error(err)
		}
	}()
	if _, b := build(t, e, request(t, "FROM scratch\nCOPY probe /\n", nil)); b.Index == "" {
		t.Error("no image from the state of a killed engine")
	}
}
