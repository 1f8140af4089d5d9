package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/image"
	chainsource "github.com/stagescope/stagescope/chain/source"
	"github.com/stagescope/stagescope/chain/store"
)

// removeEngineState removes files of an engine's state that only a user
// namespace can delete; nil where no engine is part of the program.
var removeEngineState func(dir string) error

// openStore opens the store that the user means: --store, else the one in the
// user's cache directory.
func (a *app) openStore() (*store.Store, error) {
	dir := a.store
	if dir == "" {
		var err error
		if dir, err = store.DefaultDir(); err != nil {
			return nil, withHint(err, "name a directory with --store")
		}
	}
	s, err := store.Open(dir)
	return s, withHint(err, "--store takes a directory that you may write to; the default is stagescope in your cache directory")
}

// storeIfThere opens the store where there is one, and makes none: nil then.
func (a *app) storeIfThere() (*store.Store, error) {
	dir := a.store
	if dir == "" {
		var err error
		if dir, err = store.DefaultDir(); err != nil {
			return nil, nil // no home, so nothing is kept there
		}
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return a.openStore()
}

// imageOptions are the options with which verbs open images.
func (a *app) imageOptions(s *store.Store) image.Options {
	return image.Options{Store: s, Platform: a.platform, Offline: a.offline, Claim: a.claimedImage(s)}
}

// openImage opens the image that a reference on the command line means. The
// image must be closed.
func (a *app) openImage(ctx context.Context, ref string) (*image.Image, error) {
	r, err := image.ParseReference(ref)
	if err != nil {
		return nil, withHint(err, "stagescope files --help lists the forms of references")
	}
	var s *store.Store
	if r.Kind == image.KindStore || r.Kind == image.KindClaim {
		if s, err = a.openStore(); err != nil {
			return nil, err
		}
	}
	img, err := image.OpenReference(ctx, r, a.imageOptions(s))
	return img, imageHint(err, r)
}

// hosted reports whether a name begins with that of a machine, as ghcr.io/a/b does.
func hosted(name string) bool {
	host, _, ok := strings.Cut(name, "/")
	return ok && strings.Contains(host, ".")
}

// there reports whether a path leads to something.
func there(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// imageHint says what can be done when an image cannot be opened.
func imageHint(err error, r image.Reference) error {
	var mismatch *image.MismatchError
	switch {
	case err == nil:
		return nil
	case r.Kind == image.KindRegistry && !strings.ContainsAny(r.Text, ":@") && !there(r.Text) && !hosted(r.Text):
		// A path that was mistyped is the likelier by far, and a name that could not be
		// looked up says nothing of it.
		err = fmt.Errorf("there is no file or directory %q, and as an image: %w", r.Text, err)
		if strings.Contains(r.Text, "/") {
			return withHint(err, "a path has to be that of a file, a directory or a layout; an image may be given as docker://%s", r.Text)
		}
		return withHint(err, "for what the store holds of a stage write stage:%s; for a file write ./%s", r.Text, r.Text)
	case errors.Is(err, image.ErrOffline):
		return withHint(err, "leave out --offline, or save the image to a file and name that")
	case errors.As(err, &mismatch) && r.Kind == image.KindStore:
		return withHint(err, "the store is damaged: stagescope store verify sets bad blobs aside, so that they are rebuilt")
	case errors.Is(err, image.ErrNotFound) && r.Kind == image.KindStore && strings.HasPrefix(r.Text, "stage:"):
		return withHint(err, "stagescope rebuild %s makes it; stagescope store list prints what is there", strings.TrimPrefix(r.Text, "stage:"))
	case errors.Is(err, image.ErrNotFound) && r.Kind == image.KindStore:
		return withHint(err, "stagescope store list prints what is there")
	case errors.Is(err, image.ErrNotImage):
		return withHint(err, "an image is an OCI layout (directory or tar), what docker save writes, or what skopeo copies to dir:")
	}
	return err
}

// fetcher makes the fetcher of sources for a chain.
func (a *app) fetcher(c *chain.Chain, s *store.Store, progress func(chainsource.Event)) *chainsource.Fetcher {
	return &chainsource.Fetcher{Store: s, Root: c.Root, Dirs: a.sources, Offline: a.offline, Progress: progress}
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// status writes a line that replaces itself on a terminal; elsewhere it writes
// nothing.
type status struct {
	w    io.Writer
	last time.Time
	on   bool
	open bool
}

func newStatus(w io.Writer) *status { return &status{w: w, on: isTerminal(w)} }

// set shows a line, at most ten times a second. The line must be safe text.
func (s *status) set(format string, args ...any) {
	if !s.on || time.Since(s.last) < 100*time.Millisecond {
		return
	}
	s.last, s.open = time.Now(), true
	line := fmt.Sprintf(format, args...)
	width := 79
	if f, ok := s.w.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 1 {
			width = w - 1
		}
	}
	if r := []rune(line); len(r) > width {
		line = string(r[:width])
	}
	fmt.Fprintf(s.w, "\r\x1b[K%s", line)
}

// clear removes the line.
func (s *status) clear() {
	if s.open {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.open = false
	}
}

// sizeText writes a number of bytes for people: "1.5 GB".
func sizeText(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), 0
	for f >= 999.5 && unit < 5 {
		f, unit = f/1000, unit+1
	}
	return fmt.Sprintf("%.3g %cB", f, " kMGTP"[unit])
}

// parseSize reads "500M", "20 GB", "1.5GiB" or plain bytes.
func parseSize(s string) (int64, error) {
	var f float64
	var unit string
	if n, _ := fmt.Sscanf(strings.ToUpper(s), "%g%s", &f, &unit); n == 0 || f < 0 {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	base := 1000.0
	if strings.Contains(unit, "I") {
		base = 1024
	}
	switch strings.TrimSuffix(strings.TrimSuffix(unit, "B"), "I") {
	case "":
	case "K":
		f *= base
	case "M":
		f *= base * base
	case "G":
		f *= base * base * base
	case "T":
		f *= base * base * base * base
	default:
		return 0, fmt.Errorf("%q is not a size: write bytes, or a number with K, M, G or T", s)
	}
	return int64(f), nil
}
