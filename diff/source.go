package diff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stagescope/stagescope/chain/image"
	"github.com/stagescope/stagescope/chain/scratch"
)

// source is one of the two things to be compared, as it was named.
type source struct {
	ref  string        // as it was written
	name string        // as it is shown
	path string        // of what lies on disk; "" when ref may lead elsewhere
	copy *scratch.File // of what can be read only once, or does not say how long it is
	list string        // what is compared for an image that is not to be had; "" when nothing is
}

// stdinName is what stands for standard input.
const stdinName = "-"

// maxOdd bounds files that say a size and have no blocks, as those of /sys do.
const maxOdd = 1 << 20

// sources finds out what two references name. What can be read only once, and
// what does not say how long it is, is copied to a file that goes with c.
func (c *Comparison) sources(ctx context.Context, refs [2]string, o Options) (out [2]source, err error) {
	var pipes [2]fs.FileInfo
	for i, ref := range refs {
		out[i] = source{ref: ref, name: ref}
		if ref == stdinName && o.Stdin != nil {
			out[i].name = "standard input"
			if f, ok := o.Stdin.(*os.File); ok {
				if pipes[i], err = f.Stat(); err != nil {
					return out, fmt.Errorf("standard input: %w", err)
				}
			}
			continue
		}
		st, err := os.Stat(ref)
		if err != nil {
			if to, e := os.Readlink(ref); e == nil && errors.Is(err, fs.ErrNotExist) {
				return out, fmt.Errorf("%q is a link to %q, where nothing is", ref, to)
			}
			continue
		}
		if out[i].path = ref; st.Mode()&fs.ModeNamedPipe != 0 {
			pipes[i] = st
		}
	}
	if refs[0] == stdinName && refs[1] == stdinName && o.Stdin != nil || pipes[0] != nil && pipes[1] != nil && os.SameFile(pipes[0], pipes[1]) {
		return out, fmt.Errorf("comparing %q with %q: both are one stream, which can be read only once", refs[0], refs[1])
	}
	for i := range out {
		if err := c.copied(ctx, &out[i], o.Stdin); err != nil {
			return out, err
		}
	}
	return out, nil
}

// copied gives a source a file to be read from, where it has none, or one that
// does not say how long it is.
func (c *Comparison) copied(ctx context.Context, s *source, stdin io.Reader) error {
	if s.path == "" {
		if s.ref != stdinName || stdin == nil {
			return nil
		}
		return c.copyOf(ctx, s, stdin)
	}
	st, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	odd := st.Mode().IsRegular() && (st.Size() == 0 || st.Size() <= maxOdd && holds(st) == 0)
	if !odd && !(st.Mode()&fs.ModeNamedPipe != 0 && descriptor(s.path)) {
		return nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return c.copyOf(ctx, s, f)
}

// copyOf reads a stream to its end.
func (c *Comparison) copyOf(ctx context.Context, s *source, r io.Reader) error {
	temp, err := scratch.New(c.o.TempDir, "stagescope-input-*")
	if err != nil {
		return fmt.Errorf("keeping %s aside: %w", s.name, err)
	}
	c.close = append(c.close, temp.Close)
	if _, err = io.Copy(temp, &bounded{ctx: ctx, r: r, left: c.limit.Spool}); err != nil {
		return fmt.Errorf("keeping %s aside: %w", s.name, err)
	}
	s.copy, s.path = temp, s.name
	return nil
}

// listed takes the list of its files for an image that is not to be had, if somebody
// gives one; err says why it is not. What is then left of that is a note.
func (c *Comparison) listed(ctx context.Context, s *source, err error) error {
	var wrong *image.MismatchError // it is there, and not what it should be
	if c.o.Listed == nil || s.path != "" || s.copy != nil || ctx.Err() != nil || errors.As(err, &wrong) {
		return err
	}
	l, e := c.o.Listed(ctx, s.ref)
	if e != nil {
		return errors.Join(err, fmt.Errorf("nor is a list of its files: %w", e))
	}
	if l == nil {
		return err
	}
	defer l.Files.Close()
	if e := c.copyOf(ctx, s, l.Files); e != nil {
		return errors.Join(err, e)
	}
	s.list = fmt.Sprintf("%s; compared instead is %s", err, l.Said)
	return image.ErrNotImage
}

// kept is a file that another owner closes.
type kept struct{ scratch.Handle }

func (kept) Close() error { return nil }

// descriptor reports whether a path is the name of a file that is open already, as
// a shell gives to a program for <(command): opening that does not wait.
func descriptor(path string) bool {
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	if abs == "/dev/stdin" || strings.HasPrefix(abs, "/dev/fd/") {
		return true
	}
	rest, ok := strings.CutPrefix(abs, "/proc/")
	_, rest, _ = strings.Cut(rest, "/")
	return ok && strings.HasPrefix(rest, "fd/")
}

// OnlyOnce reports whether a reference names what can be read once and no more:
// standard input, or a pipe.
func OnlyOnce(ref string) bool {
	if ref == stdinName {
		return true
	}
	st, err := os.Stat(ref)
	return err == nil && st.Mode()&fs.ModeNamedPipe != 0
}

// image opens a source as an image.
func (s *source) image(ctx context.Context, o image.Options) (*image.Image, error) {
	if s.copy == nil {
		return image.Open(ctx, s.ref, o)
	}
	if _, err := s.copy.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return image.OpenArchive(ctx, kept{s.copy}, s.name, o)
}

// damaged reports whether what is on disk failed as an image because it is cut
// short or holds something else than it should: then it is compared as what it is
// all the same.
func (s *source) damaged(err error) bool {
	var pe *fs.PathError
	return err != nil && s.path != "" && !errors.Is(err, image.ErrNotImage) && !errors.Is(err, image.ErrChoice) &&
		!errors.As(err, &pe) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// plain reports whether a source failed as an image because it is something else.
func (s *source) plain(err error) bool {
	return s.path != "" && (errors.Is(err, image.ErrNotImage) || s.damaged(err))
}
