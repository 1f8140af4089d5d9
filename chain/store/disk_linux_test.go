package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stagescope/stagescope/chain"
)

func init() {
	tasks["full"] = onFullDisk
	tasks["readonly"] = onReadOnlyDisk
}

// inNamespace runs a task in a mount namespace of its own, where it may mount.
func inNamespace(t *testing.T, task string) {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	dir := t.TempDir()
	p := start(t, task, dir, &os.ProcAttr{Sys: attr})
	state, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if !state.Success() {
		if _, err := os.Stat(filepath.Join(dir, "cannot-mount")); err == nil {
			t.Skip("no file system can be mounted here, not even in a namespace")
		}
		t.Errorf("task %q: %v", task, state)
	}
}

// mount mounts a small file system, for this process only.
func mount(dir string, flags uintptr, data string) error {
	err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	if err == nil {
		err = syscall.Mount("tmpfs", dir+"/disk", "tmpfs", flags, data)
	}
	if err != nil {
		if writeErr := os.WriteFile(filepath.Join(dir, "cannot-mount"), []byte(err.Error()), 0o644); writeErr != nil {
			return errors.Join(err, writeErr)
		}
	}
	return err
}

func TestFullDisk(t *testing.T) { inNamespace(t, "full") }

func onFullDisk(dir string) error {
	if err := os.Mkdir(dir+"/disk", 0o755); err != nil {
		return err
	}
	if err := mount(dir, 0, "size=2m"); err != nil {
		return err
	}
	s, err := Open(dir + "/disk/store")
	if err != nil {
		return err
	}
	const size = 8 << 20
	noise := rand.NewChaCha8([32]byte{1})
	_, _, err = s.PutBlobFrom(background, io.LimitReader(noise, size), "", size, "")
	var full *SpaceError
	switch {
	case !errors.As(err, &full):
		return fmt.Errorf("error = %v, want a *SpaceError", err)
	case full.Need != size || full.Written <= 0 || full.Written >= size || !errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("error = %+v", full)
	case !strings.Contains(err.Error(), s.Dir()) || !strings.Contains(err.Error(), "8388608"):
		return fmt.Errorf("error %q does not say where and how much", err)
	}
	left, err := os.ReadDir(filepath.Join(s.Dir(), ingestDir))
	if err != nil || len(left) > 0 {
		return fmt.Errorf("%d temporary files are left, %v", len(left), err)
	}
	if _, _, err := s.PutBlob(background, strings.NewReader("small"), ""); err != nil {
		return fmt.Errorf("there is room again, but: %w", err)
	}
	return nil
}

func TestReadOnlyStore(t *testing.T) { inNamespace(t, "readonly") }

func onReadOnlyDisk(dir string) error {
	if err := os.Mkdir(dir+"/disk", 0o755); err != nil {
		return err
	}
	if err := mount(dir, 0, "size=2m"); err != nil {
		return err
	}
	s, err := Open(dir + "/disk/store")
	if err != nil {
		return err
	}
	d, _, err := s.PutBlob(background, strings.NewReader("bytes"), "")
	if err != nil {
		return err
	}
	a, err := s.PutArtifact(background, Artifact{Type: "test/log"})
	if err != nil {
		return err
	}
	if err := s.Tag(background, "log", a); err != nil {
		return err
	}
	if err := os.WriteFile(s.indexPath(), []byte("damaged"), 0o644); err != nil {
		return err
	}
	if err := syscall.Mount("", dir+"/disk", "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		return err
	}
	return readOnly(s.Dir(), d)
}

func readOnly(dir string, blob chain.Digest) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	if data, err := s.ReadBlob(blob, 100); err != nil || string(data) != "bytes" {
		return fmt.Errorf("reading a blob: %q, %v", data, err)
	}
	if tags, err := s.Tags(); err != nil || len(tags) != 1 {
		return fmt.Errorf("reading tags past a damaged index: %v, %v", tags, err)
	}
	_, _, err = s.PutBlob(background, strings.NewReader("more"), "")
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "cannot be written to") {
		return fmt.Errorf("writing: error = %v", err)
	}
	return nil
}

func TestNoPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write anywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(dir, "store")); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error = %v", err)
	}
}
