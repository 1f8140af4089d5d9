package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/diff/render"
)

// checkOut refuses, before anything is compared, an output that would take the
// place of what is compared, or that cannot be written.
func (f *diffFlags) checkOut(refs ...string) error {
	if f.out == "" {
		return nil
	}
	st, err := os.Stat(f.out)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return writable(filepath.Dir(f.out))
	case err != nil:
		return fmt.Errorf("writing the report: %w", err)
	case st.IsDir():
		return withHint(fmt.Errorf("writing the report: %q is a directory", f.out), "name a file in it")
	}
	if f.expect != "" {
		refs = append(refs, f.expect)
	}
	for _, ref := range refs {
		if replaces(f.out, st, localPath(ref)) {
			return withHint(fmt.Errorf("--out %q would take the place of what is read for %q", f.out, ref), "give the report another name")
		}
	}
	if inPlace(f.out) {
		return nil
	}
	real, err := filepath.EvalSymlinks(f.out)
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return writable(filepath.Dir(real))
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

// writable tries to make a file in a directory: it is too late to learn that when
// all has been compared.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".stagescope-*")
	if err != nil {
		return withHint(fmt.Errorf("writing the report: %w", err), "name a file in a directory that is there and can be written to")
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
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

// write writes the report to standard output; to a file that appears only when it
// is complete; or to a device or pipe, which are not replaced.
func (w *diffReport) write() error {
	if w.flags.out == "" {
		if err := w.to(w.a.out); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		return nil
	}
	err := w.toFile(w.flags.out)
	if err != nil {
		return fmt.Errorf("writing the report %q: %w", w.flags.out, err)
	}
	return nil
}

func (w *diffReport) toFile(out string) error {
	if inPlace(out) {
		f, err := os.OpenFile(out, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		return errors.Join(w.to(f), f.Close())
	}
	if real, err := filepath.EvalSymlinks(out); err == nil {
		out = real // a link stays one
	}
	tmp, err := os.CreateTemp(filepath.Dir(out), ".stagescope-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err = w.to(tmp); err == nil {
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

func (w *diffReport) to(out io.Writer) error {
	b := bufio.NewWriter(out)
	format := render.Text
	switch w.flags.format {
	case "markdown":
		format = render.Markdown
	case "html":
		format = render.HTML
	case "json":
		format = render.JSON
	}
	if err := format(b, w.root, w.o); err != nil {
		return err
	}
	return b.Flush()
}
