package incident

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What the upstream of package allow has in version control, and what only its
// release has.
//
//go:embed upstream
var upstream embed.FS

// Backdoor is the name that the release lets in and version control does not.
const Backdoor = "eve"

const (
	upstreamName = "allow-1.0"
	allowDir     = "packages/user/allow"
	releaseMark  = "RELEASE" // stands for the release's SHA-256 in package.toml
	versionedDir = "upstream/version-control"
	releasedDir  = "upstream/release"
)

// release gives the files of the release: version control's, and a build script
// beside them.
func release() (map[string][]byte, error) {
	files, err := filesOf(versionedDir)
	if err != nil {
		return nil, err
	}
	more, err := filesOf(releasedDir)
	maps.Copy(files, more)
	return files, err
}

// WriteUpstream writes what version control and what the release has of package
// allow into directories that do not exist yet.
func WriteUpstream(versionControl, released string) error {
	files, err := release()
	if err == nil {
		err = writeFiles(released, files)
	}
	if err == nil {
		files, err = filesOf(versionedDir)
	}
	if err == nil {
		err = writeFiles(versionControl, files)
	}
	if err != nil {
		return fmt.Errorf("writing the upstream of allow: %w", err)
	}
	return nil
}

func writeFiles(dir string, files map[string][]byte) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for name, data := range files {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// tarball is the release as it is published, and the name under which the recipe
// takes it.
func tarball() (name string, data []byte, err error) {
	files, err := release()
	if err != nil {
		return "", nil, err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.NoCompression) // the same bytes from every version of the library
	if err != nil {
		return "", nil, err
	}
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := tar.Header{Name: upstreamName + "/" + name, Mode: 0o644, Size: int64(len(files[name])), ModTime: time.Unix(1, 0), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(&h); err != nil {
			return "", nil, err
		}
		if _, err := w.Write(files[name]); err != nil {
			return "", nil, err
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return "", nil, err
	}
	return upstreamName + ".tar.gz", out.Bytes(), nil
}

func filesOf(dir string) (map[string][]byte, error) {
	sub, err := fs.Sub(upstream, dir)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	err = fs.WalkDir(sub, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		out[name], err = fs.ReadFile(sub, name)
		return err
	})
	return out, err
}

// writeRelease puts the release where the tree looks for fetched sources, and
// its hash into the recipe.
func writeRelease(dir string) error {
	name, data, err := tarball()
	if err != nil {
		return err
	}
	pin := filepath.Join(dir, allowDir, "package.toml")
	text, err := os.ReadFile(pin)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	pinned := strings.Replace(string(text), releaseMark, hex.EncodeToString(sum[:]), 1)
	if err := os.WriteFile(pin, []byte(pinned), 0o644); err != nil {
		return err
	}
	to := filepath.Join(dir, "fetch", "user", "allow")
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, name), data, 0o644)
}
