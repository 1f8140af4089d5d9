package audit

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// Comparison is a release archive beside its version-control tree. Contents are
// compared; modes, owners, times and links are not.
type Comparison struct {
	With        string      `json:"with"`        // the directory or archive of the version-control tree
	Same        int         `json:"same"`        // files with equal content
	OnlyRelease []Differing `json:"onlyRelease"` // version control lacks them
	Different   []Differing `json:"different"`
	OnlyVersion []Differing `json:"onlyVersion"` // the release lacks them: left out, not smuggled in
}

// Differing is a file that is not the same on both sides. Generated build
// scripts come first, then what a person cannot read: there is where a release
// has been tampered with before.
type Differing struct {
	File      string       `json:"file"`
	Generated bool         `json:"generated"`
	Class     Class        `json:"class"`
	Release   chain.Digest `json:"release,omitempty"`
	Version   chain.Digest `json:"version,omitempty"`
}

// Equal reports that version control has every file of the release, as it is.
func (c *Comparison) Equal() bool { return len(c.OnlyRelease) == 0 && len(c.Different) == 0 }

// Summary says in one line what differs.
func (c *Comparison) Summary() string {
	scripts := 0
	for _, d := range slices.Concat(c.OnlyRelease, c.Different) {
		if d.Generated {
			scripts++
		}
	}
	return fmt.Sprintf("%d files that version control lacks, %d that it has otherwise, %d of them generated build scripts; %d the same",
		len(c.OnlyRelease), len(c.Different), scripts, c.Same)
}

// held is a file of one side.
type held struct {
	digest    chain.Digest
	class     Class
	generated bool
}

// Compare compares a release archive with its version-control tree, a directory
// or an archive. It fails when one of them cannot be read to its end: a part
// proves nothing.
func Compare(file, name, tree string) (Comparison, error) {
	release := map[string]held{}
	if err := holdArchive(release, file); err != nil {
		return Comparison{}, fmt.Errorf("reading %s: %w", name, err)
	}
	version := map[string]held{}
	info, err := os.Stat(tree)
	if err == nil && info.IsDir() {
		err = holdDir(version, tree)
	} else if err == nil {
		err = holdArchive(version, tree)
	}
	if err != nil {
		return Comparison{}, fmt.Errorf("reading the version-control tree: %w", err)
	}
	if len(release) == 0 || len(version) == 0 {
		return Comparison{}, fmt.Errorf("nothing to compare: %d files in the release, %d in version control", len(release), len(version))
	}
	return compareHeld(release, version, tree), nil
}

func compareHeld(release, version map[string]held, with string) Comparison {
	c := Comparison{With: with, OnlyRelease: []Differing{}, Different: []Differing{}, OnlyVersion: []Differing{}}
	for name, r := range release {
		v, ok := version[name]
		switch d := (Differing{name, r.generated, r.class, r.digest, v.digest}); {
		case !ok:
			c.OnlyRelease = append(c.OnlyRelease, d)
		case v.digest != r.digest:
			c.Different = append(c.Different, d)
		default:
			c.Same++
		}
	}
	for name, v := range version {
		if _, ok := release[name]; !ok {
			c.OnlyVersion = append(c.OnlyVersion, Differing{name, v.generated, v.class, "", v.digest})
		}
	}
	for _, list := range [][]Differing{c.OnlyRelease, c.Different, c.OnlyVersion} {
		slices.SortFunc(list, func(a, b Differing) int {
			return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.File, b.File))
		})
	}
	return c
}

// rank puts what builds run or no one reads before the rest.
func (d Differing) rank() int {
	switch base := path.Base(d.File); {
	case d.Generated:
		return 0
	case strings.HasSuffix(base, ".m4") || strings.HasPrefix(base, "configure") || strings.HasPrefix(base, "Makefile") || base == "CMakeLists.txt" || strings.HasSuffix(base, ".sh"):
		return 1
	case d.Class.Opaque():
		return 2
	}
	return 3
}

func holdArchive(m map[string]held, file string) error {
	_, err := archiveBounds.each(file, func(e entry) error {
		m[path.Clean("/" + e.name)[1:]] = hold(e.head, e.digest)
		return nil
	})
	if err == nil {
		stripTop(m)
	}
	return err
}

func hold(head []byte, d chain.Digest) held {
	return held{d, Look(head).Class, generated(head)}
}

// stripTop drops the one directory that release archives put everything in.
func stripTop(m map[string]held) {
	top := ""
	for name := range m {
		dir, _, ok := strings.Cut(name, "/")
		if !ok || top != "" && dir != top {
			return
		}
		top = dir
	}
	for _, name := range slices.Collect(maps.Keys(m)) {
		m[strings.TrimPrefix(name, top+"/")] = m[name]
		delete(m, name)
	}
}

func holdDir(m map[string]held, dir string) error {
	root, err := os.OpenRoot(dir) // a link in it must not lead out
	if err != nil {
		return err
	}
	defer root.Close()
	w := &walker{bounds: archiveBounds}
	return fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == ".git":
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		w.see = func(e entry) error {
			m[filepath.ToSlash(name)] = hold(e.head, e.digest)
			return nil
		}
		return w.file(name, f)
	})
}
