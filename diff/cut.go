package diff

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// cutReader gives the bytes that there are, and then says why there are no more.
type cutReader struct {
	r   io.Reader
	cut string
}

func (c *cutReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err == io.EOF {
		err = errors.New(c.cut)
	}
	return n, err
}

// Through reads the bytes from the first on. Where they are known only up to a
// place, it ends there with an error.
func (in *Input) Through() io.Reader {
	if in.Cut == "" {
		return in.Reader()
	}
	return &cutReader{in.Reader(), in.Cut}
}

// KeepUpTo is Keep for a stream that may break off: what came before is kept, and
// Cut says why it ends there. Bounds, a context that ends and a disk that is full are
// errors all the same.
func (x *Examiner) KeepUpTo(ctx context.Context, name string, r io.Reader) (*Input, error) {
	e := &untilBroken{r: &bounded{ctx: ctx, r: r, left: x.limit.Decoded}}
	in, err := x.Keep(ctx, name, e)
	switch {
	case e.err != nil && (errors.Is(e.err, ErrLimit) || ctx.Err() != nil):
		return nil, e.err
	case err != nil:
		return nil, err
	case e.err != nil:
		in.Cut = e.err.Error()
	}
	return in, nil
}

// cutPair fills the node of a pair of contents of which one or both are known only up
// to a place. What is equal up to there is not the same; what differs before it is
// proven to, unless it comes of the other's end being unknown.
func (x *Examiner) cutPair(ctx context.Context, n *Node, ask bool, a, b *Input) error {
	n.Capped, n.Broken = true, true
	for i, in := range []*Input{a, b} {
		if in.Cut != "" {
			n.note(fmt.Sprintf("side %c: known only up to byte %d: %s", 'A'+i, in.Size, in.Cut))
		}
	}
	if ask && x.depth < x.limit.Depth {
		for _, f := range registered() {
			if !f.Partial || !f.Match(a) || !f.Match(b) {
				continue
			}
			done, err := x.try(ctx, f, n, a, b)
			if done && n.Status == Same {
				n.Status = Unreadable
			}
			if done || err != nil {
				return err
			}
		}
	}
	a, b = upTo(a, b)
	da, err := hashOf(ctx, a)
	if err != nil {
		return err
	}
	db, err := hashOf(ctx, b)
	if err != nil {
		return err
	}
	if da == db {
		n.Status = Unreadable
		n.note(fmt.Sprintf("the first %d bytes are equal", a.Size))
		return nil
	}
	n.Status, n.Content = Differs, inputs{a, b}
	err = x.examine(ctx, n, ask, a, b)
	n.settle()
	return err
}

// upTo takes from two contents what can be compared: nobody knows what comes after
// the place where one was cut.
func upTo(a, b *Input) (*Input, *Input) {
	size := max(a.Size, b.Size)
	for _, in := range []*Input{a, b} {
		if in.Cut != "" {
			size = min(size, in.Size)
		}
	}
	short := func(in *Input) *Input {
		return in.Section(Range{0, min(in.Size, size)}, in.Name)
	}
	return short(a), short(b)
}

// cutMember compares the contents of two members of which one broke off.
func (m *matching) cutMember(at spot, n *Node, a, b *member) error {
	for _, e := range []*member{a, b} {
		if err := e.park(); err != nil {
			return err
		}
	}
	u := m.share.begin(m, at, n, keptSize(a.size)+keptSize(b.size))
	if u == nil {
		a.body.release()
		b.body.release()
		return nil
	}
	u.holds(a.body, b.body)
	nodes := u.nodes
	defer func() { m.share.finish(u, nodes-u.nodes) }()
	var ins [2]*Input
	for i, e := range []*member{a, b} {
		in, err := e.content(m.ctx, u)
		if err != nil {
			n.note(err.Error())
			return m.ctx.Err()
		}
		if e.cut {
			in.Cut = e.Unread
		}
		ins[i] = in
	}
	x := &Examiner{shared: m.x.shared, depth: m.x.depth, unit: u}
	return x.cutPair(m.ctx, n, true, ins[0], ins[1])
}
