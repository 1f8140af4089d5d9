package structured

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// Bounds of one document. What is beyond them is compared as text, and that is
// said.
const (
	maxDepth  = 512
	maxValues = 1 << 18 // that are held; those of small parts are not
	maxBytes  = 32 << 20
	maxJSON   = 128 << 20 // of JSON, whose small parts are given back as soon as they are read
)

// shape is what a value is.
type shape byte

const (
	scalar shape = iota
	object       // its kids have names, and their order means nothing
	list         // its kids come in an order that means something
)

// piece is a stretch of a value's own bytes.
type piece struct {
	name string // pairs it with the other side's
	at   diff.Range
}

// The pieces that are not only layout, and the one that follows from others,
// such as a length that the parser has seen to fit.
const (
	pieceValue   = "value"
	pieceKey     = "key"
	pieceImplied = "implied"
	pieceClosed  = "closed" // all that is inside a value that was given back
)

// value is one value of a document. Its pieces, the gaps between its kids and
// its kids' extents are all of its bytes.
type value struct {
	name   string // its key; "" in a list
	shape  shape
	text   string // of a scalar: its type and exact value
	pieces []piece
	kids   []*value
	gaps   []diff.Range // between kids, where they belong to no kid
	at     diff.Range   // the extent: first to last byte
	sum    [32]byte     // of what it means, without names, order of keys and layout
	bytes  bool         // it is no text
	whole  bool         // sum says all of it, but for what it shares with others
	cause  *diff.Cause  // why it differs when it does; nil when nobody knows
	same   *value       // the value before it that it stands for, where it is a reference
	closed *closed      // what is left of a value that is read again when it is looked into; else nil
}

// closed is what a value keeps that has given its kids back: where they begin,
// and what pairs it with others.
type closed struct {
	from int    // the byte with which it begins, after its key
	name string // what nameOf gave
}

// smallPart is up to how many bytes a value inside a document is closed when it
// has been read: most are equal on both sides, and never looked into.
const smallPart = 4 << 10

// close gives back what is inside a value that has been read from from on.
func (d *document) close(v *value, from int, held int) {
	d.finish(v)
	c := &closed{from: from, name: nameOf(v)}
	var keep []piece
	for _, p := range v.pieces {
		if p.at.Off < int64(from) {
			keep = append(keep, p)
		}
	}
	v.pieces = append(keep, piece{pieceClosed, diff.Range{Off: int64(from), Len: v.at.Off + v.at.Len - int64(from)}})
	v.kids, v.gaps, v.closed = nil, nil, c
	d.n = held
	d.shut = true
}

// document is a file's values; several where the file holds several documents.
type document struct {
	src    []byte
	root   *value
	n      int      // of values
	twice  []string // paths of keys that stand there more than once
	styles func(*document) string
	binary bool // there is no layout
	// ordered says that the order of the kids of any object may mean something.
	ordered bool
	shut    bool // some values are closed
	// open reads a closed value again, all of it.
	open func(v *value) (*value, error)
	// fields say what a piece of the root that differs means.
	fields map[string]func(a, b []byte) diff.Reason
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", diff.ErrFormat, fmt.Sprintf(format, args...))
}

// fresh counts a new value, within bounds.
func (d *document) fresh(depth int) (*value, error) {
	if depth > maxDepth {
		return nil, bad("values more than %d deep are not taken apart", maxDepth)
	}
	if d.n++; d.n > maxValues {
		return nil, bad("more than %d values are not taken apart", maxValues)
	}
	return &value{}, nil
}

func (v *value) add(name string, from, to int) {
	if to > from {
		v.pieces = append(v.pieces, piece{name, diff.Range{Off: int64(from), Len: int64(to - from)}})
	}
}

func (d *document) bytes(r diff.Range) []byte { return d.src[r.Off : r.Off+r.Len] }

// finish computes extents and sums, from the leaves up.
func (d *document) finish(v *value) {
	if v.closed != nil {
		return // it was, before it was closed
	}
	from, to := int64(len(d.src)), int64(0)
	take := func(r diff.Range) {
		if r.Len > 0 {
			from, to = min(from, r.Off), max(to, r.Off+r.Len)
		}
	}
	h := sha256.New()
	h.Write([]byte{byte(v.shape)})
	h.Write([]byte(v.text))
	for _, p := range v.pieces {
		take(p.at)
	}
	for _, g := range v.gaps {
		take(g)
	}
	sums := make([][]byte, 0, len(v.kids))
	for _, k := range v.kids {
		d.finish(k)
		take(k.at)
		s := binary.AppendUvarint(nil, uint64(len(k.name)))
		s = append(append(s, k.name...), k.sum[:]...)
		sums = append(sums, s)
	}
	if v.shape == object {
		slices.SortFunc(sums, bytes.Compare)
	}
	for _, s := range sums {
		h.Write(s)
	}
	h.Sum(v.sum[:0])
	if v.same != nil {
		v.sum = v.same.sum
	}
	if to > from {
		v.at = diff.Range{Off: from, Len: to - from}
	}
}

// length is how many bytes the pieces of a value and of all inside it have.
func (v *value) length() (n int64) {
	for _, p := range v.pieces {
		n += p.at.Len
	}
	for _, g := range v.gaps {
		n += g.Len
	}
	for _, k := range v.kids {
		n += k.length()
	}
	return n
}

// covers checks that the pieces are all bytes, each once, so that none escapes.
func (d *document) covers() error {
	var all []diff.Range
	var walk func(v *value)
	walk = func(v *value) {
		for _, p := range v.pieces {
			all = append(all, p.at)
		}
		all = append(all, v.gaps...)
		for _, k := range v.kids {
			walk(k)
		}
	}
	walk(d.root)
	slices.SortFunc(all, func(a, b diff.Range) int { return int(a.Off - b.Off) })
	var at int64
	for _, r := range all {
		if r.Len == 0 {
			continue
		}
		if r.Off != at {
			return bad("its parts leave out or share byte %d", min(at, r.Off))
		}
		at += r.Len
	}
	if at != int64(len(d.src)) {
		return bad("its parts end at byte %d of %d", at, len(d.src))
	}
	return nil
}
