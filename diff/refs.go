package diff

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/stagescope/stagescope/chain/image"
)

// Comparison is what comparing two references gave, with all that its nodes
// need to show their content.
type Comparison struct {
	Root *Node
	// ImageA and ImageB are the images that were compared; nil for files and
	// directories.
	ImageA, ImageB *image.Image
	*Examiner
	close []func() error
}

// Close ends what reading content needs. The tree stays.
func (c *Comparison) Close() error {
	var err error
	for _, f := range c.close {
		err = errors.Join(err, f())
	}
	c.close = nil
	return err
}

// Refs compares what two references name: two images, two files or two
// directories. A path that is no image is compared as a file or directory. When
// ctx ends early the comparison holds what was found until then, beside the
// error.
func Refs(ctx context.Context, a, b string, open image.Options, o Options) (*Comparison, error) {
	c := &Comparison{Examiner: NewExaminer(o)}
	ims := [2]*image.Image{}
	errs := [2]error{}
	for i, ref := range []string{a, b} {
		if ims[i], errs[i] = image.Open(ctx, ref, open); errs[i] == nil {
			c.close = append(c.close, ims[i].Close)
		}
	}
	var err error
	switch {
	case errs[0] == nil && errs[1] == nil:
		c.ImageA, c.ImageB = ims[0], ims[1]
		if c.Root, err = c.Images(ctx, ims[0], ims[1]); err == nil {
			err = c.around(ctx)
		}
	case plain(a, errs[0]) && plain(b, errs[1]):
		c.Root, err = c.Paths(ctx, a, b)
	default:
		err = notAlike(a, b, errs)
	}
	if c.Root == nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, err
}

// RefError says which of the two references could not be opened as an image.
type RefError struct {
	Ref string
	Err error
}

func (e *RefError) Error() string { return e.Err.Error() }

func (e *RefError) Unwrap() error { return e.Err }

func notAlike(a, b string, errs [2]error) error {
	for i, ref := range []string{a, b} {
		if errs[i] != nil && !plain(ref, errs[i]) {
			return &RefError{ref, errs[i]}
		}
	}
	one, other := a, b
	if errs[0] != nil {
		one, other = b, a
	}
	return fmt.Errorf("comparing %q with %q: %q is an image and %q is not", a, b, one, other)
}

// plain reports whether a reference failed as an image because it is a file or
// directory of another kind.
func plain(ref string, err error) bool {
	if err == nil || !errors.Is(err, image.ErrNotImage) {
		return false
	}
	_, e := os.Stat(ref)
	return e == nil
}
