//go:build !linux

package diff

import "io/fs"

// notRead says what of a directory is not compared on this system.
const notRead = "; extended attributes and device numbers are not read on this system"

func attributes(string) ([]Field, error) { return nil, nil }

func device(fs.FileInfo) string { return "" }
