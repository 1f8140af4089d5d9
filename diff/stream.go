package diff

import (
	"context"
	"io"
)

// Field is one property of a member that is not its content, e.g. its mode.
type Field struct {
	Key   string // the field's usual name: mode, uid, mtime, …
	Value string // as a person reads it: "0755", "2026-03-04T10:11:12.5Z"
}

// Member is one member of a container, as a Stream gives it.
type Member struct {
	// Name pairs it with the other side's: a path without "./". Several of one
	// name are paired in the order in which they come.
	Name string
	// Fields gives its properties, always in the same order. It is called only
	// when Raw differs, and after the stream has gone on.
	Fields func() []Field
	// Raw is the encoding of all of them, with the padding before it. Every byte
	// of the container belongs to a Raw or a Body, so that none escapes.
	Raw []byte
	// Explain is asked, when Raw differs, to give the reasons their causes and to
	// add what they leave out; rawA and rawB are both sides' Raw. It may be nil.
	Explain func(rawA, rawB []byte, rs []Reason) []Reason
	// Body is its content, valid until the next call of Next; nil when it has
	// none. Size is -1 when it is not known before reading.
	Body io.Reader
	Size int64
	// Lacks are the properties that its container does not record, or that say nothing
	// there; "xattr" are all extended attributes. They are heeded where containers of
	// different kinds are compared.
	Lacks []string
	// Unread says why the member, or a part of it, could not be read; "" when all
	// of it is here. Such a member is never the same as another.
	Unread string
	// Below says that what is below a directory is not known: the other side may
	// hold what this one only seems to lack.
	Below bool
	// Within is where the body lies in the container's bytes; nil when it lies
	// there otherwise encoded.
	Within *Range
	// Symlink marks a link to a path. HardLink is the Name of the member that a
	// hard link shares its content with; "" when it is none.
	Symlink  bool
	HardLink string
	// Meta marks what is no member of its own but a part of the container, such
	// as the padding at its end.
	Meta bool
}

// Stream gives the members of a container in the order in which they lie there,
// and io.EOF at its end, when all of its bytes were read.
type Stream interface {
	Next(ctx context.Context) (*Member, error)
	Close() error
}

// Reopener is a Stream whose bodies can be read once more.
type Reopener interface {
	// Reopen gives the body of the member with that number, counted from 0.
	Reopen(ctx context.Context, n int) (io.ReadCloser, error)
}

// Part is a piece of a content that has been taken apart into ranges.
type Part struct {
	Name string // pairs it with the other side's, e.g. ".text"
	Kind Kind   // "" means that formats are asked
	Range
	// Compare fills the node of a pair that differs instead of the formats, when
	// it is not nil. The node's sides already say where they lie. Both sides' parts have it or the first's is taken.
	Compare func(ctx context.Context, x *Examiner, n *Node, a, b *Input) error
}
