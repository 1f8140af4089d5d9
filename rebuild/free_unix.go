//go:build unix

package rebuild

import "golang.org/x/sys/unix"

// freeBytes is the room that is left where dir is; -1 when unknown.
func freeBytes(dir string) int64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return -1
	}
	return int64(st.Bavail) * int64(st.Bsize)
}
