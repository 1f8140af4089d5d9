package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagescope/stagescope/chain/image"
)

// output is a file that a verb writes.
type output struct {
	flag, name string // "--out", and what stands behind it
	what       string // "the report"
}

// check refuses, before anything is read, an output that would take the place of what
// is read, or that cannot be written.
func (o output) check(inputs ...string) error {
	if o.name == "" {
		return nil
	}
	st, err := os.Stat(o.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o.writable(filepath.Dir(o.name))
	case err != nil:
		return fmt.Errorf("writing %s: %w", o.what, err)
	case st.IsDir():
		return withHint(fmt.Errorf("writing %s: %q is a directory", o.what, o.name), "name a file in it")
	}
	for _, ref := range inputs {
		if replaces(o.name, st, localPath(ref)) {
			return withHint(fmt.Errorf("%s %q would take the place of what is read for %q", o.flag, o.name, ref), "give %s another name", o.what)
		}
	}
	if inPlace(o.name) {
		return nil
	}
	real, err := filepath.EvalSymlinks(o.name)
	if err != nil {
		return fmt.Errorf("writing %s: %w", o.what, err)
	}
	return o.writable(filepath.Dir(real))
}

// writable tries to make a file in a directory: it is too late to learn that when
// all has been read.
func (o output) writable(dir string) error {
	f, err := os.CreateTemp(dir, ".stagescope-*")
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the name that was tried is none of the person's
		}
		return withHint(fmt.Errorf("writing %s into %q: %w", o.what, dir, err), "name a file in a directory that is there and can be written to")
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// write writes to a file that appears only when it is complete, or to a device or
// pipe, which are not replaced.
func (o output) write(to func(io.Writer) error) error {
	if err := o.put(to); err != nil {
		return fmt.Errorf("writing %s %q: %w", o.what, o.name, err)
	}
	return nil
}

func (o output) put(to func(io.Writer) error) error {
	out := o.name
	if inPlace(out) {
		f, err := os.OpenFile(out, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		return errors.Join(to(f), f.Close())
	}
	if real, err := filepath.EvalSymlinks(out); err == nil {
		out = real // a link stays one
	}
	tmp, err := os.CreateTemp(filepath.Dir(out), ".stagescope-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err = to(tmp); err == nil {
		err = tmp.Chmod(0o644)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), out)
	}
	return err
}

// localPath is the file or directory that a reference leads to; "" for those that
// lead elsewhere.
func localPath(ref string) string {
	if r, err := image.ParseReference(ref); err == nil && r.Path != "" {
		return r.Path
	}
	return ref
}

// replaces reports whether a file, which is there, is an input or lies in one.
func replaces(out string, st fs.FileInfo, input string) bool {
	in, err := os.Stat(input)
	if err != nil {
		return false
	}
	if !in.IsDir() {
		return os.SameFile(st, in)
	}
	to, errA := realPath(out)
	from, errB := realPath(input)
	if errA != nil || errB != nil {
		return false
	}
	rel, err := filepath.Rel(from, to)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func realPath(p string) (string, error) {
	p, err := filepath.EvalSymlinks(p)
	if err != nil {
		return "", err
	}
	return filepath.Abs(p)
}

// inPlace reports whether an output is there to be written to, and not to be
// replaced: a device or a pipe, and what the system has names for that are no
// files, as /dev/stdout is, whatever that is led to.
func inPlace(out string) bool {
	st, err := os.Stat(out)
	if err != nil {
		return false
	}
	abs, err := filepath.Abs(out)
	return !st.Mode().IsRegular() || err == nil && (strings.HasPrefix(abs, "/dev/") || strings.HasPrefix(abs, "/proc/"))
}
