package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// content writes what differs inside a node, when no child does.
func (t *text) content(in string, n *diff.Node) {
	o := t.o
	o.narrow = o.Width > 0 && len(in)+hexWidth > o.Width
	for l := range o.lines(n) {
		switch l.kind {
		case lineA:
			t.raw(in + t.paint(red, l.text))
		case lineB:
			t.raw(in + t.paint(green, l.text))
		case lineNote:
			t.line("%s%s", in, t.paint(faint, l.text))
		default:
			t.raw(in + l.text)
		}
	}
}

// contentLine is a line of a content's difference, safe to be shown.
type contentLine struct {
	kind lineKind
	text string // with its sign
	mark [2]int // the bytes of text that the other side has otherwise; none when equal
	raw  *rawPair
}

type lineKind int

const (
	lineBoth lineKind = iota
	lineA
	lineB
	lineNote // a hunk's head, or what was left out
	lineRaw  // bytes of both sides, to be shown in hex by whoever gets them
)

// rawPair is a stretch of bytes of each side; either may be empty.
type rawPair struct {
	a, b           diff.Range
	bytesA, bytesB []byte
}

// lines gives the difference of a node's content, line by line as it is read: a
// unified difference of text, or hex of both sides; nothing where children or
// reasons say it all.
func (o Options) lines(n *diff.Node) iter.Seq[contentLine] {
	return func(yield func(contentLine) bool) {
		alone := n.Status == diff.OnlyA || n.Status == diff.OnlyB
		if n.Content == nil || !alone && n.Status != diff.Differs || !n.Leaf() || alone && !o.shownAlone(n) || follows(n) {
			return
		}
		switch n.Kind {
		case diff.KindIndex, diff.KindManifest, diff.KindConfig:
			return // the reasons say it by field
		case diff.KindTable, diff.KindCode:
			if len(n.Reasons) > 0 {
				return
			}
		}
		w := &lineWriter{ctx: context.Background(), o: o.bounds(), yield: yield}
		if err := w.content(n, alone); err != nil {
			w.note("its content could not be shown: %s", safe.Line(err.Error()))
		}
	}
}

// shownAlone reports whether the content of what only one side has is shown: a value,
// which nothing else says, and what is suspicious. Of other files the name and the size
// are enough where all cannot be shown.
func (o Options) shownAlone(n *diff.Node) bool {
	return o.paged || o.Full || n.Kind == diff.KindValue || len(n.Suspicions) > 0
}

// lineWriter gives lines to whoever asked for them.
type lineWriter struct {
	ctx   context.Context
	o     bounds
	yield func(contentLine) bool
	n     int  // lines given
	done  bool // nobody wants more
}

func (w *lineWriter) put(k lineKind, text string) { w.give(contentLine{kind: k, text: text}) }

func (w *lineWriter) give(l contentLine) {
	if w.done {
		return
	}
	w.n++
	w.done = !w.yield(l)
}

func (w *lineWriter) note(format string, args ...any) { w.put(lineNote, fmt.Sprintf(format, args...)) }

// left says that something of a content was left out.
func (w *lineWriter) left(n int, forms ...string) {
	w.note("… %s left out (--full shows them)", plural(n, forms...))
}

// content opens both sides and chooses how they are shown.
func (w *lineWriter) content(n *diff.Node, alone bool) error {
	a, err := openSide(n.Content.OpenA)
	if err != nil {
		return err
	}
	defer a.close()
	b, err := openSide(n.Content.OpenB)
	if err != nil {
		return err
	}
	defer b.close()
	switch {
	case alone && (a.Input != nil && diff.IsText(a.Input) || b.Input != nil && diff.IsText(b.Input)):
		return w.unified(n, a, b)
	case alone && !w.o.all:
		w.note("%s that are no text (--full shows them)", plural(int(max(a.size(), b.size())), "byte"))
		return nil
	case alone:
		return w.hex(a, b, []diff.Range{{Len: a.size()}}, []diff.Range{{Len: b.size()}})
	case diff.Textual(n.Kind) || n.Listing:
		return w.unified(n, a, b)
	case a.Input == nil || b.Input == nil:
		return nil
	}
	return w.hex(a, b, n.RangesA, n.RangesB)
}

// oneSide is one side's content; Input is nil when there is none.
type oneSide struct {
	*diff.Input
	c io.Closer
}

func openSide(open func() (diff.ReaderAtCloser, int64, error)) (oneSide, error) {
	r, n, err := open()
	if err != nil || r == nil {
		return oneSide{}, err
	}
	return oneSide{&diff.Input{ReaderAt: r, Size: n}, r}, nil
}

func (s oneSide) size() int64 {
	if s.Input == nil {
		return 0
	}
	return s.Size
}

func (s oneSide) close() {
	if s.c != nil {
		s.c.Close()
	}
}

// read reads a range into memory.
func (s oneSide) read(r diff.Range) ([]byte, error) {
	p := make([]byte, r.Len)
	if r.Len == 0 {
		return p, nil
	}
	if k, err := s.ReadAt(p, r.Off); k < len(p) {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return p, nil
}

// follows reports whether all of a node's difference follows from what is said
// elsewhere.
func follows(n *diff.Node) bool {
	for _, r := range n.Reasons {
		if r.Cause == nil || r.Cause.ID != "derived" {
			return false
		}
	}
	return len(n.Reasons) > 0 && n.Residue == diff.ResidueNone
}
