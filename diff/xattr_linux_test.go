package diff

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAttributesOnDisk compares two directories of which one has an attribute more.
func TestAttributesOnDisk(t *testing.T) {
	var dirs [2]string
	for i := range dirs {
		dirs[i] = t.TempDir()
		if err := os.WriteFile(filepath.Join(dirs[i], "f"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Setxattr(filepath.Join(dirs[1], "f"), "user.key", []byte("value"), 0); errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) {
		t.Skipf("the file system keeps no attributes: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	n, err := NewExaminer(Options{}).Paths(t.Context(), dirs[0], dirs[1])
	if err != nil {
		t.Fatal(err)
	}
	if n.Status != Differs || len(mustFind(t, n, "f").Reasons) != 1 || mustFind(t, n, "f").Reasons[0].Field != "xattr user.key" {
		t.Error(sketch(n, ""))
	}
}
