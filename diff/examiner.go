package diff

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stagescope/stagescope/chain"
)

var errGone = errors.New("the content was not kept: the space for it was used up")

// Examiner compares contents, by format, as deep as its options allow. It is
// safe for concurrent use; its contents live as long as a node refers to them.
type Examiner struct {
	*shared
	depth int   // containers around what is examined
	unit  *unit // of which this is a part; nil when nothing is examined yet
}

// shared is what an examination's parts have in common.
type shared struct {
	o     Options
	limit Limits
	spool *spool
	slots chan struct{} // one for each comparison that may run beside others
}

// NewExaminer makes one.
func NewExaminer(o Options) *Examiner {
	s := &shared{o: o, limit: o.Limits.complete(), slots: make(chan struct{}, o.workers())}
	s.spool = newSpool(o.TempDir, s.limit.Spool)
	return &Examiner{shared: s}
}

// Limits are the bounds in force, none of them zero.
func (x *Examiner) Limits() Limits { return x.limit }

func (x *Examiner) progress(what string, n int64) {
	if x.o.Progress != nil {
		x.o.Progress(Progress{What: what, Bytes: n})
	}
}

// deeper is the examiner one container further in; the two share everything
// but their depth.
func (x *Examiner) deeper() *Examiner {
	return &Examiner{shared: x.shared, depth: x.depth + 1, unit: x.unit}
}

// Keep decodes a stream, which is read to its end, into an input that can be
// read at random. More than Limits.Decoded bytes are an error.
func (x *Examiner) Keep(ctx context.Context, name string, r io.Reader) (*Input, error) {
	u := x.own().unit
	return x.keepFor(ctx, u, u.keep, name, r)
}

// keepFor is Keep for a unit, where room reports whether there is room for so many
// bytes more.
func (x *Examiner) keepFor(ctx context.Context, u *unit, room func(int64) bool, name string, r io.Reader) (*Input, error) {
	h, err := x.spool.keep(&bounded{ctx: ctx, r: r, left: x.limit.Decoded}, nil, room)
	if err == nil {
		err = h.park()
	}
	if err != nil {
		return nil, err
	}
	if h.gone {
		return nil, fmt.Errorf("keeping %d bytes of %q: %w", h.size, name, errGone)
	}
	u.holds(h)
	x.progress(name, h.size)
	return &Input{ReaderAt: h, Name: name, Size: h.size}, nil
}

// bounded ends with an error when too much comes, or when the context ends.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

// ErrLimit is wrapped by errors about a bound that was hit.
var ErrLimit = errors.New("a limit was hit")

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%w: it decodes to more bytes than are looked at (--max-decoded)", ErrLimit)
	}
	return n, err
}

// inputs is Content over two inputs, either of which may be nil.
type inputs struct{ a, b *Input }

func (c inputs) OpenA() (ReaderAtCloser, int64, error) { return openInput(c.a) }
func (c inputs) OpenB() (ReaderAtCloser, int64, error) { return openInput(c.b) }

type noClose struct{ io.ReaderAt }

func (noClose) Close() error { return nil }

func openInput(in *Input) (ReaderAtCloser, int64, error) {
	if in == nil {
		return nil, 0, nil
	}
	return noClose{in}, in.Size, nil
}

// Pair compares two inputs, either of which may be nil, and gives the node of
// the pair, which is not Same unless all bytes were read and are equal. kind ""
// lets the formats say what it is. The node is not yet anyone's child.
func (x *Examiner) Pair(ctx context.Context, kind Kind, name string, a, b *Input) (*Node, error) {
	x = x.own()
	if a != nil && b != nil && (a.Cut != "" || b.Cut != "") {
		n := &Node{Kind: cmp.Or(kind, KindFile), Name: name, A: &Side{Name: a.Name, Size: -1}, B: &Side{Name: b.Name, Size: -1}}
		return n, x.cutPair(ctx, n, kind == "", a, b)
	}
	n, err := x.sides(ctx, kind, name, a, b)
	if err != nil || n.Status != Differs {
		return n, err
	}
	return n, x.examine(ctx, n, kind == "", a, b)
}

// sides hashes both inputs and says whether they are equal.
func (x *Examiner) sides(ctx context.Context, kind Kind, name string, a, b *Input) (*Node, error) {
	n := &Node{Kind: kind, Name: name, Content: inputs{a, b}}
	if kind == "" {
		n.Kind = KindFile
	}
	for i, in := range []*Input{a, b} {
		if in == nil {
			continue
		}
		d, err := hashOf(ctx, in)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			n.Status = Unreadable
			n.note(err.Error())
			return n, nil
		}
		if kind == "" {
			x.progress(in.Name, in.Size) // a whole file, of which nothing else was said
		}
		side := &Side{Name: in.Name, Size: in.Size, Digest: d}
		if i == 0 {
			n.A = side
		} else {
			n.B = side
		}
	}
	switch {
	case a == nil:
		n.Status, n.Residue = OnlyB, ResidueKnown
	case b == nil:
		n.Status, n.Residue = OnlyA, ResidueKnown
	case n.A.Digest == n.B.Digest && a.Size == b.Size:
		n.Status, n.Residue, n.Content = Same, ResidueNone, nil
	default:
		n.Status = Differs
	}
	return n, nil
}

func hashOf(ctx context.Context, in *Input) (chain.Digest, error) {
	h := sha256.New()
	buf := make([]byte, 128<<10)
	n, err := io.CopyBuffer(h, struct{ io.Reader }{&bounded{ctx: ctx, r: in.Reader(), left: in.Size}}, buf)
	if err != nil {
		return "", err
	}
	if n != in.Size {
		return "", fmt.Errorf("it ends after %d of %d bytes", n, in.Size)
	}
	return chain.SHA256([32]byte(h.Sum(nil))), nil
}

// Examine looks into a node that differs and that nobody has examined. It does
// nothing for others.
func (x *Examiner) Examine(ctx context.Context, n *Node) error {
	if n.Status != Differs || n.Content == nil || n.Listing || n.Residue != ResidueUnexamined || len(n.Children) > 0 {
		return nil
	}
	a, closeA, err := open(n.Content.OpenA, n.Name)
	if err != nil {
		n.Note = err.Error()
		return ctx.Err()
	}
	defer closeA()
	b, closeB, err := open(n.Content.OpenB, n.Name)
	if err != nil {
		n.Note = err.Error()
		return ctx.Err()
	}
	defer closeB()
	if a == nil || b == nil {
		return nil
	}
	if n.passed {
		n.passed, n.Capped, n.Note = false, false, ""
	}
	return x.own().examine(ctx, n, true, a, b)
}

func open(f func() (ReaderAtCloser, int64, error), name string) (*Input, func() error, error) {
	r, size, err := f()
	if err != nil || r == nil {
		return nil, func() error { return nil }, err
	}
	return &Input{ReaderAt: r, Name: name, Size: size}, r.Close, nil
}

// examine asks the formats that match both sides, and compares byte by byte
// when none of them can do it.
func (x *Examiner) examine(ctx context.Context, n *Node, ask bool, a, b *Input) error {
	if x.depth >= x.limit.Depth {
		n.Capped = true
		n.note(fmt.Sprintf("containers more than %d deep are not opened (--max-depth)", x.limit.Depth))
		return nil
	}
	if ask {
		for _, f := range registered() {
			ofA, ofB := f.Match(a), f.Match(b)
			if !ofA || !ofB {
				n.Broken = n.Broken || ofA != ofB && !f.Weak && !f.Text
				continue
			}
			done, err := x.try(ctx, f, n, a, b)
			if done || err != nil {
				return err
			}
		}
	}
	return x.Binary(ctx, n, a, b)
}

// try lets one format compare. What a failed attempt left behind is dropped,
// but for its reason.
func (x *Examiner) try(ctx context.Context, f Format, n *Node, a, b *Input) (done bool, err error) {
	before, nodes := *n, x.unit.nodes
	n.Kind = f.Kind
	err = f.Compare(ctx, x.deeper(), n, a, b)
	if err == nil {
		n.settle()
		return true, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	*n, x.unit.nodes = before, nodes
	n.note(fmt.Sprintf("it could not be read as %s: %v", f.Kind, err))
	n.Broken = n.Broken || errors.Is(err, ErrFormat) && !f.Weak && !f.Text
	if errors.Is(err, ErrLimit) {
		n.Capped = true
	}
	return false, nil
}

// note adds a sentence to what is said of a node. How a comparison was ended early is
// said in words for people.
func (n *Node) note(s string) {
	s = endings.Replace(s)
	if n.Note != "" {
		n.Note += "; "
	}
	n.Note += s
}

var endings = strings.NewReplacer(context.DeadlineExceeded.Error(), "the time limit was over", context.Canceled.Error(), "it was interrupted")
