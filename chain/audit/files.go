package audit

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// Binary is a file of the tree that a person cannot read as it is.
type Binary struct {
	File    string       `json:"file"` // relative to the tree
	Size    int64        `json:"size"` // bytes
	SHA256  chain.Digest `json:"sha256"`
	Content Content      `json:"content"`
	Stages  []string     `json:"stages,omitempty"` // stages whose build context it is in; none for a file outside packages/
	Used    bool         `json:"used"`             // a recipe names it in COPY or ADD
}

// maxLook bounds what is read of a file to classify it, in bytes.
const maxLook = 1 << 20

// skipped are directories that hold no part of the recipes: version control,
// and what fetching and building left behind.
func skipped(name string) bool {
	switch name {
	case ".git", "out", "fetch", "signatures":
		return true
	}
	parts := strings.Split(name, "/")
	return len(parts) == 4 && parts[0] == "packages" && parts[3] == "fetch"
}

// scan classifies the files below dir; see is called for every file that a
// person cannot read. It gives the number of files that were looked at, and
// what could not be.
func scan(fsys fs.FS, dir string, see func(Binary)) (looked int, failed []Gap) {
	fail := func(name string, err error) {
		failed = append(failed, Gap{What: name, Why: fmt.Sprintf("it cannot be read: %v", err)})
	}
	err := fs.WalkDir(fsys, dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			fail(name, err)
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			if skipped(name) {
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular():
			return nil
		}
		looked++
		b, err := lookAt(fsys, name)
		if err != nil {
			fail(name, err)
		} else if b.Content.Class != Text {
			see(b)
		}
		return nil
	})
	if err != nil {
		fail(dir, err)
	}
	return looked, failed
}

// lookAt reads a file once: its beginning is classified, all of it is hashed if
// it is not text.
func lookAt(fsys fs.FS, name string) (Binary, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return Binary{}, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, maxLook))
	if err != nil {
		return Binary{}, err
	}
	b := Binary{File: name, Size: int64(len(head)), Content: Look(head)}
	if b.Content.Class == Text {
		return b, nil
	}
	h := sha256.New()
	h.Write(head)
	rest, err := io.Copy(h, f)
	if err != nil {
		return Binary{}, err
	}
	b.Size += rest
	b.SHA256 = chain.SHA256([32]byte(h.Sum(nil)))
	return b, nil
}

// named reports whether a recipe's COPY or ADD takes file, a path inside the
// context.
func named(paths []string, file string) bool {
	for _, p := range paths {
		p = strings.TrimPrefix(path.Clean("/"+p), "/")
		if p == "" || p == file || strings.HasPrefix(file, p+"/") {
			return true
		}
		if ok, _ := path.Match(p, file); ok {
			return true
		}
	}
	return false
}
