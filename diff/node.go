package diff

import (
	"github.com/stagescope/stagescope/chain"
)

// Status is what is known of a pair of things.
type Status int

// The statuses. The zero value is NotChecked and is never to be read as Same.
const (
	NotChecked Status = iota
	Same              // every byte of both was read, or their digests verified, and they are equal
	Differs
	OnlyA      // there is no counterpart on side B
	OnlyB      // there is no counterpart on side A
	Unreadable // one side could not be read; Note says why
)

var statusNames = [...]string{"not checked", "same", "differs", "only in A", "only in B", "unreadable"}

func (s Status) String() string { return statusNames[s] }

// MarshalText writes the status's name, as JSON output carries it.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Kind is what a node stands for.
type Kind string

// The kinds that every comparison knows; formats add their own.
const (
	KindImage    Kind = "image"
	KindIndex    Kind = "index"
	KindManifest Kind = "manifest"
	KindConfig   Kind = "config"
	KindLayer    Kind = "layer"
	KindEntry    Kind = "entry" // an entry of a layer or an archive
	KindText     Kind = "text"
	KindBinary   Kind = "binary"
	KindValue    Kind = "value" // one value of a document, as it is written there
	KindDir      Kind = "directory"
	KindFile     Kind = "file"
	KindGroup    Kind = "group"  // many nodes that share one cause, folded into a counted line
	KindTable    Kind = "table"  // a header or a table that was read: the reasons say it by field
	KindCode     Kind = "code"   // machine instructions
	KindTree     Kind = "tree"   // files in containers of different kinds
	KindRootfs   Kind = "rootfs" // the effective file system, whiteouts applied
)

// Side is one of the two things a node compares.
type Side struct {
	Name      string       `json:"name"`                // path or reference, not escaped
	Size      int64        `json:"size"`                // bytes; -1 when unknown
	Digest    chain.Digest `json:"digest,omitempty"`    // of the bytes as stored
	MediaType string       `json:"mediaType,omitempty"` // for objects of an image
	Within    *Range       `json:"within,omitempty"`    // which bytes of the parent's decoded content these are; nil when none or unknown
}

// Range is a half-open range of bytes of one side's decoded content.
type Range struct {
	Off int64 `json:"off"`
	Len int64 `json:"len"`
}

// Confidence is how well a cause is established.
type Confidence int

// The confidences, weakest first.
const (
	Unexplained Confidence = iota
	Likely                 // its fingerprint fits
	Derived                // it is the hash or size of something that differs elsewhere in the tree
	Proved                 // undoing exactly this on both sides made the bytes equal
)

var confidenceNames = [...]string{"unexplained", "likely", "derived", "proved"}

func (c Confidence) String() string { return confidenceNames[c] }

// MarshalText writes the confidence's name, as JSON output carries it.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Cause is why two things differ. ID is the rule's identifier, e.g. "B1".
type Cause struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"` // e.g. "modification time"
	Confidence Confidence `json:"confidence"`
	Evidence   string     `json:"evidence,omitempty"`
	Fix        string     `json:"fix,omitempty"`
}

// Reason is one respect in which the two sides of a node differ. A node has
// all of its reasons, not the first.
type Reason struct {
	Field string `json:"field"` // mode, uid, mtime, size, link, content, …
	A     string `json:"a"`
	B     string `json:"b"`
	Cause *Cause `json:"cause,omitempty"`
}

// Residue says what is known of the bytes that no cause covers.
type Residue int

// The states of a node's residue. The zero value says that nobody looked.
const (
	ResidueUnexamined Residue = iota
	ResidueNone               // every differing byte is covered by an explanation
	ResidueKnown              // Node.Unexplained lists the bytes that are not
)

var residueNames = [...]string{"unexamined", "none", "known"}

func (r Residue) String() string { return residueNames[r] }

// MarshalText writes the state's name, as JSON output carries it.
func (r Residue) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Unrecorded counts the entries of which a property was not compared because one
// side does not record it.
type Unrecorded struct {
	Field   string `json:"field"`
	Side    string `json:"side"` // "A" or "B", which does not record it
	Entries int    `json:"entries"`
}

// Node compares one pair of things and holds the pairs inside them.
type Node struct {
	Kind    Kind
	Name    string // what it is called inside its parent; hostile text, escape before showing
	Status  Status
	A, B    *Side // nil on the side that has no counterpart
	Reasons []Reason

	// RangesA and RangesB are the byte ranges of each side's decoded content
	// that differ. Unexplained holds, per side, those that no cause covers; it
	// means something only when Residue is ResidueKnown.
	RangesA, RangesB []Range
	Residue          Residue
	UnexplainedA     []Range
	UnexplainedB     []Range

	// Suspicions are what a person must look at here; Suspicious counts those of
	// the node and of all below it, once it is settled.
	Suspicions []Suspicion
	Suspicious int

	// Unrecorded are properties that one side does not record, in a comparison of
	// trees in containers of different kinds. They were not compared.
	Unrecorded []Unrecorded

	Note     string // why something was not read, was capped, or could not be
	Children []*Node
	Count    int // for KindGroup: how many nodes are folded into it
	Equal    int // parts or members below that are equal and have no node

	// Content yields the two sides' decoded bytes for views; nil when there are
	// none to show (a directory, a folded group) or they are gone.
	Content Content

	omitted *omission // nil when nothing was

	// What is said in one word stands together: an image has a node for each of
	// a hundred thousand entries.

	// Capped says that a bound was hit somewhere below: more differs, or may differ,
	// than is shown.
	Capped bool
	// Broken says that a format recognised both sides and could not read one of
	// them, or recognised one of them alone, so that they are compared as bytes.
	Broken bool
	// Listing says that Content is not the bytes of a thing but a description
	// of them, made to be compared by eye. It explains nothing.
	Listing bool
	passed  bool // its content was not looked into, for want of room: that alone caps it
}

// omission is parts that differ and that the tree has no room for.
type omission struct {
	count int
	first string // name of the first of them
}
