package image

import (
	"errors"
	"fmt"

	"github.com/stagescope/stagescope/chain"
)

// ErrNotImage is wrapped by errors about a path that holds something other
// than an image.
var ErrNotImage = errors.New("not a container image")

// ErrChoice is wrapped when a path holds several images, or none for the platform,
// and a person has to say which is meant.
var ErrChoice = errors.New("which image is meant is left open")

// ErrOffline is wrapped when an image would have to come from the network and
// that is not allowed.
var ErrOffline = errors.New("the network is not to be used")

// ErrNotFound is wrapped when there is no image, tag or blob of that name.
var ErrNotFound = errors.New("not found")

// choice is an error that wraps ErrChoice and says no more than it did.
type choice struct{ error }

func (c choice) Unwrap() []error { return []error{c.error, ErrChoice} }

// MismatchError reports bytes that are not those that were promised.
type MismatchError struct {
	What      string       // "manifest", "config", "layer 3", "layer 3, uncompressed"
	Want, Got chain.Digest // expected and found; Got is "" when only sizes were compared
	WantSize  int64        // -1 when no size was promised
	GotSize   int64        // -1 when reading stopped before the end
	Ref       string       // the image
}

func (e *MismatchError) Error() string {
	if e.Got == "" || (e.Want == e.Got && e.WantSize >= 0) {
		return fmt.Sprintf("%s %s of %q: expected %d bytes, found %s", e.What, e.Want, e.Ref, e.WantSize, sizeText(e.GotSize))
	}
	return fmt.Sprintf("%s of %q: expected %s, found %s", e.What, e.Ref, e.Want, e.Got)
}

func sizeText(n int64) string {
	if n < 0 {
		return "more"
	}
	return fmt.Sprintf("%d", n)
}

// LimitError reports a bound that was hit, so that what lies beyond was not
// read.
type LimitError struct {
	What  string
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: more than the limit of %d", e.What, e.Limit)
}

// CorruptError reports a blob that cannot be decoded: a damaged compressed
// stream or archive.
type CorruptError struct {
	What   string // "layer 2"
	Digest chain.Digest
	Err    error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s (%s) cannot be decoded: %v", e.What, e.Digest, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }
