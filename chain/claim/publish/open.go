package publish

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Open gives the place that a text means. A directory is an absolute path, one
// that begins with a dot, one with the prefix "oci:", or any that exists; all
// else is a repository whose registry is named: a bare word never means Docker
// Hub. Nothing is read.
func Open(text string, o Options) (Place, error) {
	if dir, ok := strings.CutPrefix(text, "oci:"); ok {
		if dir == "" {
			return nil, errors.New("oci: names no directory")
		}
		return NewDirectory(dir), nil
	}
	if text == "." || text == ".." || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || filepath.IsAbs(text) {
		return NewDirectory(text), nil
	}
	if info, err := os.Stat(text); err == nil && info.IsDir() {
		return NewDirectory(text), nil
	}
	host, _, ok := strings.Cut(text, "/")
	if !ok || (host != "localhost" && !strings.ContainsAny(host, ".:")) {
		return nil, fmt.Errorf("%q is neither a directory nor a repository with its registry", text)
	}
	return NewRegistry(text, o)
}
