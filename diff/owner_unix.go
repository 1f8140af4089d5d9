//go:build unix

package diff

import (
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// device is what a device node leads to, "major:minor"; "" for all else.
func device(st fs.FileInfo) string {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok || st.Mode()&fs.ModeDevice == 0 {
		return ""
	}
	rdev := uint64(s.Rdev)
	return fmt.Sprintf("%d:%d", unix.Major(rdev), unix.Minor(rdev))
}

func owner(st fs.FileInfo) (uid, gid int64, ok bool) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int64(s.Uid), int64(s.Gid), true
}

// holds is how much room a file takes on disk, in blocks.
func holds(st fs.FileInfo) int64 {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return s.Blocks
	}
	return -1
}

// inode is what a file's names have in common, and whether it has several.
func inode(st fs.FileInfo) (id [2]uint64, more bool) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok || s.Nlink < 2 {
		return id, false
	}
	return [2]uint64{uint64(s.Dev), s.Ino}, true
}

// dirLacks are the properties of files that are not compared of a directory on disk.
func dirLacks() []string { return append([]string{"mtime"}, attrLacks...) }
