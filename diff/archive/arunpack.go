package archive

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// unpackAr writes the files of an archive, without its tables. It has no place for
// links and devices; what ar writes with D says nothing of the files.
func unpackAr(ctx context.Context, x *diff.Examiner, in *diff.Input, w *tar.Writer) ([]string, error) {
	lacks := []string{"link", "hard link", "device", "xattr"}
	members, err := arFiles(ctx, x, in)
	if !slices.ContainsFunc(members, func(m arFile) bool { return m.h.Uid != 0 || m.h.Gid != 0 || m.h.ModTime.Unix() != 0 }) {
		lacks = append(lacks, "mode", "uid", "gid", "mtime")
	}
	for _, m := range members {
		if err := put(ctx, w, m.h, m.body, m.size); err != nil {
			return lacks, err
		}
	}
	return lacks, err
}

// arFile is a file in an ar archive.
type arFile struct {
	h    *tar.Header
	body io.Reader
	size int64
}

// arFiles gives the files up to the first that cannot be read, or that has a name
// which another one has: unpacked, only the last of these would be left.
func arFiles(ctx context.Context, x *diff.Examiner, in *diff.Input) (out []arFile, err error) {
	s := &arStream{in: in, off: int64(len(arMagic))}
	seen := map[string]bool{}
	for {
		m, err := s.Next(ctx)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if m.Meta || strings.HasPrefix(m.Name, "/") || strings.HasPrefix(m.Name, "__.SYMDEF") {
			continue // a table of names or of symbols
		}
		if len(out) > x.Limits().Members {
			return out, fmt.Errorf("%w: more than %d members", diff.ErrLimit, len(out))
		}
		if seen[m.Name] {
			return out, bad("it has several members with the name %q, as files cannot have", m.Name)
		}
		seen[m.Name] = true
		h := &tar.Header{Name: m.Name, Typeflag: tar.TypeReg}
		for _, f := range m.Fields() {
			if err := arProperty(h, f); err != nil {
				return out, fmt.Errorf("%q: %w", m.Name, err)
			}
		}
		out = append(out, arFile{h, m.Body, m.Size})
	}
}

// arProperty takes a property out of a header.
func arProperty(h *tar.Header, f diff.Field) error {
	base := 10
	switch f.Key {
	case "mode":
		base = 8
	case "mtime", "uid", "gid":
	default:
		return nil
	}
	if f.Value == "" {
		return nil
	}
	n, err := strconv.ParseInt(f.Value, base, 64)
	if err != nil || n < 0 {
		return bad("the %s %q", f.Key, f.Value)
	}
	switch f.Key {
	case "mode":
		h.Mode = n & 0o7777
	case "mtime":
		h.ModTime = time.Unix(n, 0)
	case "uid":
		h.Uid = int(n)
	case "gid":
		h.Gid = int(n)
	}
	return nil
}
