//go:build unix

package diff

import (
	"io/fs"
	"syscall"
)

func owner(st fs.FileInfo) (uid, gid int64, ok bool) {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int64(s.Uid), int64(s.Gid), true
}
