package diff

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// attributes are the extended attributes of a file on disk, links not followed,
// sorted by name. What the kernel keeps for itself, and does not give to
// everyone, is left out: system.* and what cannot be listed.
func attributes(path string) ([]Field, error) {
	list, err := unixRead(func(buf []byte) (int, error) { return unix.Llistxattr(path, buf) })
	if err != nil || len(list) == 0 {
		return nil, err
	}
	names := strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00")
	slices.Sort(names)
	var out []Field
	for _, name := range names {
		value, err := unixRead(func(buf []byte) (int, error) { return unix.Lgetxattr(path, name, buf) })
		if errors.Is(err, unix.ENODATA) {
			continue // it is gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, attribute(name, string(value)))
	}
	return out, nil
}

// unixRead calls a function that says how much room it needs when it is given
// none. File systems without extended attributes have none of them.
func unixRead(read func([]byte) (int, error)) ([]byte, error) {
	for {
		n, err := read(nil)
		if n == 0 || err != nil {
			if errors.Is(err, unix.ENOTSUP) {
				err = nil
			}
			return nil, err
		}
		buf := make([]byte, n)
		if n, err = read(buf); !errors.Is(err, unix.ERANGE) { // it has grown meanwhile
			return buf[:max(n, 0)], err
		}
	}
}

// notRead says what of a directory is not compared on this system.
const notRead = ""

// attrLacks are the properties that are not read on this system.
var attrLacks []string
