package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// childTask names what a test process that was started again is to do; see
// TestMain.
const childTask = "STAGESCOPE_STORE_TEST"

// background is for processes without a test.
var background = context.Background()

// tasks are what such a process can do, in the directory that is its argument.
var tasks = map[string]func(dir string) error{"tag": tagMany}

func TestMain(m *testing.M) {
	if task, dir, ok := strings.Cut(os.Getenv(childTask), ":"); ok {
		if err := tasks[task](dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start runs a task in another process.
func start(t *testing.T, task, dir string, attr *os.ProcAttr) *os.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	attr.Env = append(os.Environ(), childTask+"="+task+":"+dir)
	attr.Files = []*os.File{nil, os.Stdout, os.Stderr}
	p, err := os.StartProcess(self, []string{self}, attr)
	if err != nil {
		t.Skipf("cannot start a process for the task %q here: %v", task, err)
	}
	return p
}

func wait(t *testing.T, p *os.Process) {
	t.Helper()
	state, err := p.Wait()
	if err != nil || !state.Success() {
		t.Errorf("process: %v, %v", state, err)
	}
}

// tagMany writes 40 tags of the image that is tagged "image".
func tagMany(dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	d, err := s.Resolve("image")
	if err != nil {
		return err
	}
	d.Annotations = nil
	for n := range 40 {
		if err := s.Tag(background, fmt.Sprintf("process/%d/%d", os.Getpid(), n), d); err != nil {
			return err
		}
	}
	return nil
}

func TestTwoProcesses(t *testing.T) {
	s := open(t)
	d := importImage(t, s, "x")
	if err := s.Tag(t.Context(), "image", d); err != nil {
		t.Fatal(err)
	}
	a := start(t, "tag", s.Dir(), &os.ProcAttr{})
	b := start(t, "tag", s.Dir(), &os.ProcAttr{})
	wait(t, a)
	wait(t, b)
	idx, err := s.readIndex()
	if err != nil || len(idx.Manifests) != 81 {
		t.Fatalf("%d entries, want 81; %v", len(idx.Manifests), err)
	}
	for _, e := range idx.Manifests {
		if e.Digest != d.Digest || e.Annotations[ocispec.AnnotationRefName] == "" {
			t.Errorf("entry %+v", e)
		}
	}
}
