//go:build unix && !netbsd && !openbsd && !solaris && !illumos

package main

import "golang.org/x/sys/unix"

// freeSpace is how many bytes this user may still write to the file system that
// holds a directory; -1 when it does not say.
func freeSpace(dir string) int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return -1
	}
	return int64(st.Bavail) * int64(st.Bsize)
}
