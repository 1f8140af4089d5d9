package scratch

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	f, err := New(dir, "test-*")
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("a kill would leave %s", left)
		}
	}
	if _, err := f.WriteAt([]byte("content"), 0); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != "content" {
		t.Errorf("read %q, %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left are %s", left)
	}
	if _, err := New(filepath.Join(dir, "none"), "test-*"); err == nil {
		t.Error("a file was made in a directory that is not there")
	}
}

// TestStillNamed is for systems where an open file cannot be removed.
func TestStillNamed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&File{File: f, named: true}).Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(name); !os.IsNotExist(err) {
		t.Errorf("it is left: %v", err)
	}
}
