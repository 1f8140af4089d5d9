package diff

import "io"

// Content opens the decoded bytes of a node's sides, as often as asked. A nil
// reader without an error means that the side has no counterpart.
type Content interface {
	OpenA() (ReaderAtCloser, int64, error)
	OpenB() (ReaderAtCloser, int64, error)
}

// ReaderAtCloser is random access to one side's bytes.
type ReaderAtCloser interface {
	io.ReaderAt
	io.Closer
}
