//go:build unix

package diff

import (
	"fmt"
	"io/fs"
	"syscall"
)

// device gives the numbers of what a device node leads to.
func device(st fs.FileInfo) (string, bool) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return fmt.Sprintf("%#x", uint64(s.Rdev)), true
}

func owner(st fs.FileInfo) (uid, gid int64, ok bool) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int64(s.Uid), int64(s.Gid), true
}
