//go:build !unix

package diff

import "io/fs"

// device has nothing to say where there are no device nodes.
func device(fs.FileInfo) string { return "" }

// owner has nothing to say where files have no numeric owner.
func owner(fs.FileInfo) (uid, gid int64, ok bool) { return 0, 0, false }

// holds is how much room a file takes on disk; it is not known here.
func holds(fs.FileInfo) int64 { return -1 }

// inode has nothing to say where files have no numbers.
func inode(fs.FileInfo) (id [2]uint64, more bool) { return id, false }

// dirLacks are the properties of files that are not compared of a directory on disk.
func dirLacks() []string {
	return append([]string{"mtime", "mode", "uid", "gid", "hard link", "device"}, attrLacks...)
}
