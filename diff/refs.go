package diff

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	srcs  [2]source
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

// Refs compares what two references name: two images, two files, two directories,
// or two of these that hold a tree each. A path that is no image, or whose image is
// damaged where it begins, is compared as file or directory. When ctx ends early the
// comparison holds what was found until then, beside the error.
func Refs(ctx context.Context, a, b string, open image.Options, o Options) (*Comparison, error) {
	c := &Comparison{Examiner: NewExaminer(o)}
	srcs, err := c.sources(ctx, [2]string{a, b}, o)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.srcs = srcs
	ims := [2]*image.Image{}
	errs := [2]error{}
	for i := range srcs {
		if ims[i], errs[i] = srcs[i].image(ctx, open); errs[i] == nil {
			c.close = append(c.close, ims[i].Close)
		} else {
			errs[i] = c.listed(ctx, &srcs[i], errs[i])
		}
	}
	if err = c.compare(ctx, srcs, ims, errs); c.Root == nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, err
}

// compare chooses how two sources are compared. errs say why one is no image.
func (c *Comparison) compare(ctx context.Context, srcs [2]source, ims [2]*image.Image, errs [2]error) (err error) {
	broken := srcs[0].damaged(errs[0]) || srcs[1].damaged(errs[1])
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errs[0] == nil && errs[1] == nil:
		c.ImageA, c.ImageB = ims[0], ims[1]
		if c.Root, err = c.Images(ctx, ims[0], ims[1]); err == nil {
			err = c.around(ctx)
		}
		return err
	case errs[0] != nil && !srcs[0].plain(errs[0]), errs[1] != nil && !srcs[1].plain(errs[1]),
		broken && (srcs[0].path == "" || srcs[1].path == ""):
		return refError(srcs, errs)
	case broken:
		ims = [2]*image.Image{} // what an image means has no counterpart in its damaged files
	}
	if c.Root, err = c.unlike(ctx, srcs, ims); c.Root == nil {
		return err
	}
	for i := range srcs {
		if srcs[i].list != "" {
			c.Root.note(fmt.Sprintf("side %c: %s", 'A'+i, srcs[i].list))
		}
		if srcs[i].damaged(errs[i]) {
			c.Root.note(fmt.Sprintf("side %c cannot be read as an image, if it is one: %s; both are compared as they lie on disk", 'A'+i, srcs[i].said(errs[i])))
		}
	}
	return err
}

// said is an error without what is said already.
func (s *source) said(err error) string {
	return strings.TrimPrefix(err.Error(), fmt.Sprintf("opening image %q: ", s.name))
}

// RefError says which of the two references could not be opened as an image.
type RefError struct {
	Ref string
	Err error
}

func (e *RefError) Error() string { return e.Err.Error() }

func (e *RefError) Unwrap() error { return e.Err }

// refError gives the error of the source that cannot be opened.
func refError(srcs [2]source, errs [2]error) error {
	for i, s := range srcs {
		if errs[i] != nil && (!s.plain(errs[i]) || s.damaged(errs[i])) {
			return &RefError{s.ref, errs[i]}
		}
	}
	return errors.Join(errs[0], errs[1])
}
