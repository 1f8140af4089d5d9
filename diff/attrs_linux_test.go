package diff

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDirectoryAttributes: a directory's files differ where only their extended
// attributes or device numbers do.
func TestDirectoryAttributes(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, d := range []string{a, b} {
		if err := os.WriteFile(filepath.Join(d, "f"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Setxattr(filepath.Join(b, "f"), "user.planted", []byte("yes"), 0); err != nil {
		t.Skipf("no extended attributes here: %v", err)
	}
	n, err := NewExaminer(Options{}).Paths(t.Context(), a, b)
	if err != nil || n.Status != Differs {
		t.Fatalf("%v %s", err, sketch(n, ""))
	}
	if r := mustFind(t, n, "f").Reasons; len(r) != 1 || r[0].Field != "xattr user.planted" || r[0].A != "" || r[0].B != "yes" {
		t.Errorf("%+v", r)
	}
}

func TestDeviceNumbers(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for d, dev := range map[string]uint64{a: unix.Mkdev(1, 3), b: unix.Mkdev(1, 5)} {
		if err := unix.Mknod(filepath.Join(d, "null"), unix.S_IFCHR|0o666, int(dev)); err != nil {
			t.Skipf("no devices can be made here: %v", err)
		}
	}
	n, err := NewExaminer(Options{}).Paths(t.Context(), a, b)
	if err != nil || n.Status != Differs {
		t.Fatalf("%v %s", err, sketch(n, ""))
	}
	if r := mustFind(t, n, "null").Reasons; len(r) != 1 || r[0].A != "1:3" || r[0].B != "1:5" {
		t.Errorf("%+v", r)
	}
}

// TestUnreadableMembers: what cannot be read in a directory is said of it alone;
// all else is compared, and the directories are not the same.
func TestUnreadableMembers(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	a, b := t.TempDir(), t.TempDir()
	for i, d := range []string{a, b} {
		write := func(name, text string) {
			if err := os.WriteFile(filepath.Join(d, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Join(d, "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
		write("shadow", "x")
		write("sub/f", "x")
		write("z", strings.Repeat("y", i+1))
	}
	shut := func(path string) {
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(path, 0o755) })
	}
	unread := func(n *Node) (names []string) {
		for _, c := range n.Children {
			if c.Status == Unreadable {
				names = append(names, c.Name)
			}
		}
		return names
	}
	for _, d := range []string{a, b} {
		shut(filepath.Join(d, "shadow"))
	}
	n, err := NewExaminer(Options{}).Paths(t.Context(), a, b)
	if err != nil || n.Status != Differs || strings.Join(unread(n), " ") != "shadow" || n.Residue != ResidueUnexamined {
		t.Errorf("%v %s", err, sketch(n, ""))
	}
	if f := mustFind(t, n, "z"); f.Status != Differs {
		t.Error("what comes after is not compared")
	}
	n, err = NewExaminer(Options{}).Paths(t.Context(), a, a)
	if err != nil || n.Status == Same || n.Status == Differs {
		t.Errorf("%v: it is said to be %v", err, n.Status)
	}
	for _, d := range []string{a, b} {
		shut(filepath.Join(d, "sub"))
	}
	n, err = NewExaminer(Options{}).Paths(t.Context(), a, b)
	if err != nil || strings.Join(unread(n), " ") != "shadow sub" {
		t.Errorf("%v %s", err, sketch(n, ""))
	}
	if err := os.Chmod(filepath.Join(b, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	n, err = NewExaminer(Options{}).Paths(t.Context(), a, b)
	if f := mustFind(t, n, "sub/f"); err != nil || f.Status != NotChecked {
		t.Errorf("%v: what A may have as well is %v", err, f.Status)
	}
}

// TestPipeAndDevice: what is no file is refused at once, also where opening it
// would wait for ever.
func TestPipeAndDevice(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Skipf("no named pipe can be made here: %v", err)
	}
	for path, want := range map[string]string{pipe: "but a fifo", os.DevNull: "but a character device"} {
		if _, err := NewExaminer(Options{}).Paths(t.Context(), path, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
