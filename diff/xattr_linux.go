package diff

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// attributes gives a file's extended attributes; none where the file system keeps
// none.
func attributes(f *os.File) (map[string]string, error) {
	fd := int(f.Fd())
	names, err := grown(func(p []byte) (int, error) { return unix.Flistxattr(fd, p) })
	if errors.Is(err, unix.ENOTSUP) || len(names) == 0 && err == nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name := range strings.SplitSeq(strings.TrimRight(names, "\x00"), "\x00") {
		v, err := grown(func(p []byte) (int, error) { return unix.Fgetxattr(fd, name, p) })
		if errors.Is(err, unix.ENODATA) {
			continue // it went away
		}
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// grown asks how long something is and reads it; Linux keeps at most 64 KiB.
func grown(read func(p []byte) (int, error)) (string, error) {
	n, err := read(nil)
	if err != nil || n == 0 {
		return "", err
	}
	p := make([]byte, n)
	n, err = read(p)
	if err != nil {
		return "", err
	}
	return string(p[:n]), nil
}
