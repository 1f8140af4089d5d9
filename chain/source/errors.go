package source

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

// ErrOffline is wrapped when a source is only on mirrors and the network is not
// to be used.
var ErrOffline = errors.New("the network is not to be used")

// WrongHashError reports bytes that are not those that a source's pin promises.
type WrongHashError struct {
	File      string
	Want, Got chain.Digest
	Origin    string // URL or path the bytes came from
	Kept      string // where they are kept for inspection; "" when they are not
}

func (e *WrongHashError) Error() string {
	s := fmt.Sprintf("source %q from %s: expected %s, found %s", e.File, e.Origin, e.Want, e.Got)
	if e.Kept != "" {
		s += fmt.Sprintf("; kept as %q", e.Kept)
	}
	return s
}

// PinError reports a source that a tree describes in a way that nobody should
// follow: a file name that leads elsewhere, a pin that is no digest.
type PinError struct {
	Stage  string
	Source string // its key in the tree
	Err    error
}

func (e *PinError) Error() string {
	return fmt.Sprintf("source %q of %q: %v", e.Source, e.Stage, e.Err)
}

func (e *PinError) Unwrap() error { return e.Err }

// MissingError reports a source that was nowhere to be had.
type MissingError struct {
	Stage  string
	File   string
	Want   chain.Digest
	Sought []Attempt // in order
}

// Attempt is one place where a source was sought, and why it was not had there.
type Attempt struct {
	Place string
	Err   error
}

func (e *MissingError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "source %q (%s) of %q is missing; sought in", e.File, e.Want, e.Stage)
	for n, a := range e.Sought {
		if n > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s (%v)", a.Place, a.Err)
	}
	return b.String()
}

// Unwrap gives the errors of all attempts, so that callers can find wrong
// hashes and ErrOffline among them.
func (e *MissingError) Unwrap() []error {
	var errs []error
	for _, a := range e.Sought {
		errs = append(errs, a.Err)
	}
	return errs
}
