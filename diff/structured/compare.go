package structured

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// register makes a format of a parser known.
func register(kind diff.Kind, text bool, match func(in *diff.Input) bool, parse func(src []byte) (*document, error)) {
	most := int64(maxBytes)
	if kind == KindJSON {
		most = maxJSON
	}
	diff.Register(diff.Format{Kind: kind, Match: match, Text: text,
		Compare: func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
			var docs [2]*document
			for i, in := range []*diff.Input{a, b} {
				d, err := read(in, most, parse)
				if err != nil {
					return fmt.Errorf("side %c: %w", 'A'+i, err)
				}
				docs[i] = d
			}
			c := &comparison{ctx: ctx, x: x, n: n, in: [2]*diff.Input{a, b}, docs: docs, met: map[*value]*value{}}
			return c.run()
		}})
}

func read(in *diff.Input, most int64, parse func([]byte) (*document, error)) (*document, error) {
	if in.Size > most {
		return nil, bad("its %d bytes are more than are taken apart", in.Size)
	}
	src := make([]byte, in.Size)
	if n, err := in.ReadAt(src, 0); n < len(src) {
		return nil, fmt.Errorf("reading %q: %w", in.Name, err)
	}
	d, err := parse(src)
	if err != nil {
		return nil, err
	}
	d.finish(d.root)
	return d, d.covers()
}

// comparison is that of two documents.
type comparison struct {
	ctx    context.Context
	x      *diff.Examiner
	n      *diff.Node
	in     [2]*diff.Input
	docs   [2]*document
	layout [2][]diff.Range // blank pieces that differ
	ends   bool            // some of them differ, and all only by their line ends
	moved  []string        // paths of objects and sets whose kids come in another order
	turned []string        // paths of lists, whose order means something
	read   []string        // paths of objects whose order may decide what is read
	astray []string        // paths of values that are spelled alike and refer to others
	bytes  bool            // what is compared is no text
	cause  *diff.Cause     // of what is compared
	met    map[*value]*value
	shared int // values that differ only in how they refer to others
}

func (c *comparison) run() error {
	c.ends = true
	for i, d := range c.docs {
		for _, p := range d.twice[:min(len(d.twice), 8)] {
			c.note(fmt.Sprintf("side %c has the key %q more than once", 'A'+i, p))
		}
	}
	if err := c.values("", c.docs[0].root, c.docs[1].root); err != nil {
		return err
	}
	if len(c.moved) > 0 {
		c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "order", A: "as in A", B: places(c.moved), Cause: &diff.Cause{ID: "D4a", Name: "order of keys or elements",
			Confidence: diff.Proved, Evidence: "paired by path, their bytes were compared one by one", Fix: "write them sorted"}})
	}
	if len(c.turned) > 0 {
		c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "order of a list", A: "as in A", B: places(c.turned), Cause: &diff.Cause{ID: "D4a", Name: "order of keys or elements",
			Confidence: diff.Likely, Evidence: "the elements are the same; but what comes first in a list may decide what is done", Fix: "write them sorted"}})
	}
	if len(c.read) > 0 {
		c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "order of keys that counts", A: "as in A", B: places(c.read), Cause: &diff.Cause{ID: "D4a", Name: "order of keys or elements",
			Confidence: diff.Likely, Evidence: "the values are the same; but what comes first may decide what is read: an anchor that is set twice, keys that some readers take for one, a search that wants them sorted", Fix: "write them sorted"}})
	}
	if len(c.astray) > 0 {
		c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "references to other objects", A: "as in A", B: places(c.astray)})
	}
	if c.shared > 0 {
		c.n.Reasons = append(c.n.Reasons, diff.Reason{Field: "references", A: fmt.Sprintf("%d values", c.shared), B: "the same, referred to otherwise", Cause: &diff.Cause{ID: "D4b", Name: "which objects are shared",
			Confidence: diff.Proved, Evidence: "the values are equal, hashed, once references are written out", Fix: "compile in a process of its own (python -m compileall), which shares nothing else"}})
	}
	c.laidOut()
	return nil
}

func (c *comparison) note(s string) {
	if c.n.Note != "" {
		c.n.Note += "; "
	}
	c.n.Note += s
}

func places(paths []string) string {
	s := fmt.Sprintf("another in %q", shown(paths[0]))
	if len(paths) > 1 {
		s += fmt.Sprintf(" and %d more", len(paths)-1)
	}
	return s
}

func shown(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

// values compares two values of one path.
func (c *comparison) values(path string, a, b *value) error {
	if bytes.Equal(c.docs[0].bytes(a.at), c.docs[1].bytes(b.at)) {
		c.n.Equal++
		// A reference is the number of an object, and another may have it.
		if c.docs[0].binary && a.sum != b.sum && !c.sameReferences(a, b) {
			c.astray = append(c.astray, path)
		}
		return nil
	}
	if a.whole && b.whole && (a.sum == b.sum || a.same != nil && b.same != nil && c.matched(a, b)) {
		c.n.Equal++
		c.shared++
		return nil
	}
	a, b, err := c.opened(a, b)
	if err != nil {
		return err
	}
	if c.docs[0].binary { // text has no references
		c.met[a] = b
	}
	if a.shape != b.shape || a.same != nil || b.same != nil {
		c.bytes = c.docs[0].binary && (a.bytes || b.bytes || a.shape != scalar || b.shape != scalar)
		return c.child(shown(path), "", &a.at, &b.at)
	}
	note := ""
	if c.docs[0].binary {
	} else if a.shape == scalar && a.text != b.text {
		note = alike(a.text, b.text)
	} else if a.shape == scalar {
		note = "the same value, written otherwise"
	}
	if err := c.pieces(shown(path), note, a, b); err != nil {
		return err
	}
	pairs, moved := pairKids(a, b)
	switch {
	case moved && a.shape == list && a.text != "set" && a.text != "frozenset":
		c.turned = append(c.turned, path)
		c.n.UnexplainedA, c.n.UnexplainedB = append(c.n.UnexplainedA, a.at), append(c.n.UnexplainedB, b.at)
	case moved && (c.docs[0].ordered || c.docs[1].ordered || a.shape == object && (foldedAlike(a) || foldedAlike(b))):
		c.read = append(c.read, path)
		c.n.UnexplainedA, c.n.UnexplainedB = append(c.n.UnexplainedA, a.at), append(c.n.UnexplainedB, b.at)
	case moved:
		c.moved = append(c.moved, path)
	}
	c.gaps(a, b, pairs)
	return c.kids(path, a, b, pairs)
}

// sameReferences reports whether all references in two values that are spelled
// alike lead to objects that are equal, or that were compared with one another.
func (c *comparison) sameReferences(a, b *value) bool {
	if a.same != nil || b.same != nil {
		ta, tb := a.same, b.same
		switch {
		case ta == nil || tb == nil:
			return false
		case ta.sum == tb.sum, c.matched(a, b):
			return true
		case !bytes.Equal(c.docs[0].bytes(ta.at), c.docs[1].bytes(tb.at)) || !c.sameReferences(ta, tb):
			return false
		}
		c.met[ta] = tb
		return true
	}
	if a.sum == b.sum {
		return true
	}
	if len(a.kids) != len(b.kids) {
		return false
	}
	for i := range a.kids {
		if !c.sameReferences(a.kids[i], b.kids[i]) {
			return false
		}
	}
	return true
}

// matched reports whether two references lead to objects that were compared with
// one another. What may differ for a cause where it stands, such as the path of a
// source, has none where code works with it.
func (c *comparison) matched(a, b *value) bool {
	return c.met[a.same] == b.same && (a.same.cause == nil || a.cause != nil && b.cause != nil)
}

// opened gives both values with what is inside them.
func (c *comparison) opened(a, b *value) (oa, ob *value, err error) {
	if oa = a; a.closed != nil {
		if oa, err = c.docs[0].open(a); err != nil {
			return nil, nil, err
		}
	}
	if ob = b; b.closed != nil {
		ob, err = c.docs[1].open(b)
	}
	return oa, ob, err
}

// pieces compares the own bytes of two values.
func (c *comparison) pieces(path, note string, a, b *value) error {
	other := map[string]diff.Range{}
	for _, p := range numbered(b.pieces) {
		other[p.name] = p.at
	}
	c.bytes, c.cause = a.bytes || b.bytes, a.cause
	defer func() { c.cause = nil }()
	for _, p := range numbered(a.pieces) {
		q := other[p.name]
		delete(other, p.name)
		if err := c.piece(path, note, p.name, p.at, q); err != nil {
			return err
		}
	}
	for _, p := range numbered(b.pieces) {
		if q, ok := other[p.name]; ok {
			if err := c.piece(path, note, p.name, diff.Range{}, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// numbered makes the names of pieces distinct, so that none hides another.
func numbered(ps []piece) []piece {
	distinct := len(ps) <= 8
	for i := 0; i < len(ps) && distinct; i++ {
		distinct = !slices.ContainsFunc(ps[:i], func(q piece) bool { return q.name == ps[i].name })
	}
	if distinct {
		return ps
	}
	out := slices.Clone(ps)
	seen := map[string]int{}
	for i := range out {
		if seen[out[i].name]++; seen[ps[i].name] > 1 {
			out[i].name += " " + strconv.Itoa(seen[ps[i].name])
		}
	}
	return out
}

// piece compares one pair; an empty range stands for a piece that is not there.
func (c *comparison) piece(path, note, name string, a, b diff.Range) error {
	ta, tb := c.docs[0].bytes(a), c.docs[1].bytes(b)
	if bytes.Equal(ta, tb) {
		c.n.Equal++
		return nil
	}
	if strings.HasPrefix(name, pieceImplied) {
		return nil
	}
	if c.docs[0].binary && name == pieceType && a.Len+b.Len == 2 && ta[0]&^sharedFlag == tb[0]&^sharedFlag {
		c.shared++
		return nil
	}
	if f := c.docs[0].fields[name]; f != nil {
		c.n.Reasons = append(c.n.Reasons, f(ta, tb))
		return nil
	}
	if !c.docs[0].binary && blank(ta) && blank(tb) && name != pieceValue && name != pieceKey {
		c.blanks(a, b)
		return nil
	}
	if name != pieceValue {
		path, note = path+" ("+name+")", ""
	}
	pa, pb := &a, &b
	if a.Len == 0 {
		pa = nil
	}
	if b.Len == 0 {
		pb = nil
	}
	return c.child(path, note, pa, pb)
}

// textFor compares two texts that differ for a cause, or for none that is known.
func textFor(cause *diff.Cause) func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	return func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		if err := x.Text(ctx, n, a, b); err != nil || cause == nil {
			return err
		}
		why := *cause
		n.Reasons = append(n.Reasons, diff.Reason{Field: "value", A: start(a), B: start(b), Cause: &why})
		n.UnexplainedA, n.UnexplainedB = nil, nil
		return nil
	}
}

// start is the beginning of a value, to be shown.
func start(in *diff.Input) string {
	h := in.Head()
	return string(h[:min(len(h), 256)])
}

// child adds a node for a pair of stretches.
func (c *comparison) child(name, note string, a, b *diff.Range) error {
	part := func(r *diff.Range) *diff.Part {
		if r == nil {
			return nil
		}
		if c.bytes {
			return &diff.Part{Name: name, Kind: diff.KindBinary, Range: *r}
		}
		return &diff.Part{Name: name, Kind: diff.KindValue, Range: *r, Compare: textFor(c.cause)}
	}
	k := len(c.n.Children)
	if err := c.x.Part(c.ctx, c.n, c.in[0], c.in[1], part(a), part(b)); err != nil {
		return err
	}
	if note != "" && len(c.n.Children) > k {
		c.n.Children[k].Note = note
	}
	return nil
}

// kids compares the values inside two values.
func (c *comparison) kids(path string, a, b *value, pairs [][2]int) error {
	c.bytes = c.docs[0].binary // what only one side has, or other types
	for _, p := range pairs {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		var err error
		switch {
		case p[1] < 0:
			k := a.kids[p[0]]
			err = c.child(shown(path+step(k, p[0])), "", &k.at, nil)
		case p[0] < 0:
			k := b.kids[p[1]]
			err = c.child(shown(path+step(k, p[1])), "", nil, &k.at)
		default:
			at := path + step(a.kids[p[0]], p[0])
			if a == c.docs[0].root && a.kids[0].name == "" && len(a.kids)+len(b.kids) == 2 {
				at = "" // the only document of both
			}
			if p[0] != p[1] && a.shape == list {
				at += fmt.Sprintf(" (%d in B)", p[1])
			}
			err = c.values(at, a.kids[p[0]], b.kids[p[1]])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// step is a kid's part of a path, as in a JSON pointer (RFC 6901).
func step(k *value, i int) string {
	if k.name == "" {
		return "/" + strconv.Itoa(i)
	}
	return "/" + pointer.Replace(k.name)
}

// pointer escapes a key in a path.
var pointer = strings.NewReplacer("~", "~0", "/", "~1")
