package diff

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"
	"sync"

	"github.com/stagescope/stagescope/chain"
)

// member is a Member whose body has been read.
type member struct {
	Member
	seq    int
	key    string // name, with a number when it is not the first of that name
	has    bool   // it has content, be it empty
	cut    bool   // the body is only what could be read of it
	hashed bool
	sum    [32]byte // once it is hashed
	size   int64
	body   *held // nil when there is none, or when only the index knows it
	stream *reading
}

// reading is one side's stream and what was seen of it.
type reading struct {
	x      *Examiner
	s      Stream
	name   string
	seen   map[uint64]uint32 // how many members had a name of that hash
	at     map[uint64]int32  // number of the last of them
	n      int
	order  ordered
	entry  func(*member) // called for every member, to fill an index; may be nil
	done   func()        // called when the end was reached; may be nil
	reopen func(ctx context.Context, n int) (io.ReadCloser, error)
}

var nameSeed = maphash.MakeSeed()

// pending is how many members a side may be read ahead of the comparison.
const pending = 8

// Streams compares the members of two containers in lock step and adds a child
// for each that is not equal. It reads both to their ends, also when they
// differ early, or when the other one breaks off: then n is Unreadable, unless
// what could be read differs, with what was found.
func (x *Examiner) Streams(ctx context.Context, n *Node, a, b Stream) error {
	return x.streams(ctx, n, x.reading(a, "A"), x.reading(b, "B"))
}

func (x *Examiner) reading(s Stream, name string) *reading {
	r := &reading{x: x, s: s, name: name, seen: map[uint64]uint32{}, at: map[uint64]int32{}}
	if re, ok := s.(Reopener); ok {
		r.reopen = re.Reopen
	}
	return r
}

func (x *Examiner) streams(ctx context.Context, n *Node, ra, rb *reading) error {
	return x.match(ctx, n, ra, rb, nil)
}

// match is Streams; u counts what one side does not record, where the containers are
// of different kinds, and is nil elsewhere.
func (x *Examiner) match(ctx context.Context, n *Node, ra, rb *reading, u *uneven) error {
	x = x.own()
	s := newShare(x, 1)
	s.uneven = u
	m := x.read(ctx, n, ra, rb, s, 0)
	err := m.end()
	s.settle(x.unit)
	return err
}

// read reads two streams to their ends and compares their members, as one of the
// lists that share bounds. A side that breaks off does not keep the other from being
// read, so that what is found does not depend on who was faster.
func (x *Examiner) read(ctx context.Context, n *Node, ra, rb *reading, s *share, list int) *matching {
	defer ra.s.Close()
	defer rb.s.Close()
	m := &matching{ctx: ctx, x: x, n: n, uneven: s.uneven, a: map[string]*member{}, b: map[string]*member{}, share: s, list: list}
	s.mu.Lock()
	s.lists[list] = m
	s.mu.Unlock()
	var wg sync.WaitGroup
	ca, cb := make(chan *member, pending), make(chan *member, pending)
	wg.Go(func() { defer close(ca); m.broken[0] = ra.run(ctx, ca) })
	wg.Go(func() { defer close(cb); m.broken[1] = rb.run(ctx, cb) })
	m.run(ca, cb)
	wg.Wait()
	m.stopped = ctx.Err()
	m.counts = cmp.Or(ra.order.counts, rb.order.counts)
	m.gather([2]bool{m.stopped == nil && m.broken[0] == nil, m.stopped == nil && m.broken[1] == nil})
	return m
}

// end makes the tree of what was read. Only a comparison that was cancelled is an
// error; whatever else went wrong is said in the node.
func (m *matching) end() error {
	n, err := m.n, cmp.Or(m.stopped, m.broken[0], m.broken[1])
	if e := m.finish(err == nil); e != nil && err == nil {
		err = e
	}
	if err == nil {
		return nil
	}
	n.Capped = true
	if m.stopped != nil {
		n.note("reading was interrupted")
		return m.stopped
	}
	for _, e := range m.broken {
		if e != nil {
			n.note(e.Error())
		}
	}
	if m.broken == [2]error{} {
		n.note(err.Error())
	}
	if n.Status != Differs {
		n.Status = Unreadable
	}
	n.settle()
	return nil
}

// run reads a side to its end.
func (r *reading) run(ctx context.Context, out chan<- *member) error {
	for {
		got, err := r.s.Next(ctx)
		if err == io.EOF {
			if r.done != nil {
				r.done()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading side %s: %w", r.name, err)
		}
		if r.n >= r.x.limit.Members {
			return fmt.Errorf("reading side %s: %w: it has more than %d members (--max-members)", r.name, ErrLimit, r.n)
		}
		m := &member{Member: *got, seq: r.n, key: got.Name, stream: r}
		late, _ := got.Body.(unread)
		r.n++
		// Both sides hash alike. Should two names of one side have one hash, the
		// second is numbered and finds no partner: a difference too many, never one
		// too few.
		name := maphash.String(nameSeed, got.Name)
		if k := r.seen[name]; k > 0 {
			m.key += "\x00" + strconv.Itoa(int(k))
		}
		r.order.see(m, name, r.seen)
		r.seen[name]++
		r.at[name] = int32(m.seq)
		if m.Body != nil && m.Within == nil {
			if _, ok := m.Body.(*known); !ok {
				// What does not lie in the container as it is can be longer than it: a
				// hole in a sparse file, a compressed member.
				m.Body = &bounded{ctx: ctx, r: m.Body, left: r.x.limit.Decoded}
			}
		}
		broken, err := r.take(ctx, m)
		if err != nil {
			return fmt.Errorf("reading side %s: %q: %w", r.name, got.Name, err)
		}
		if late != nil && m.Unread == "" {
			m.Unread = late.Unread()
		}
		if r.entry != nil && broken == nil {
			r.entry(m)
		}
		select {
		case out <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
		if broken != nil {
			return fmt.Errorf("reading side %s: %q: %w", r.name, got.Name, broken)
		}
	}
}

// unread is a body that can say, when it has ended, why it is not what the member
// holds; "" when it is.
type unread interface{ Unread() string }

// take reads a member's body, hashes it and keeps it. A body that breaks off is kept
// as far as it goes, and broken says why.
func (r *reading) take(ctx context.Context, m *member) (broken, err error) {
	if known, ok := m.Body.(*known); ok {
		m.sum, m.size = known.sum, known.size
		m.Body, m.has, m.hashed = nil, true, true
		return nil, nil
	}
	if m.Body == nil {
		m.size = m.Size
		return nil, nil
	}
	h := sha256.New()
	body := &untilBroken{r: m.Body}
	b, err := r.x.spool.keep(body, h, nil)
	if err != nil {
		return nil, err
	}
	if body.err != nil && (ctx.Err() != nil || errors.Is(body.err, ErrLimit)) {
		b.release()
		return nil, body.err
	}
	m.Body, m.body, m.size, m.has = nil, b, b.size, true
	if body.err != nil {
		m.cut, m.Unread = true, body.err.Error()
	}
	if b.loose == nil {
		h.Sum(m.sum[:0])
		m.hashed = true
	} else if r.entry != nil {
		m.digest()
	}
	r.x.progress(m.Name, m.size)
	return body.err, nil
}

// untilBroken is a reader that ends where another breaks off, and keeps the reason.
type untilBroken struct {
	r   io.Reader
	err error
}

func (e *untilBroken) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && err != io.EOF {
		e.err, err = err, io.EOF
	}
	return n, err
}

// digest hashes a content that is still loose; all others have been.
func (m *member) digest() [32]byte {
	if !m.hashed && m.body != nil {
		m.sum = sha256.Sum256(m.body.loose[:m.size])
		m.hashed = true
	}
	return m.sum
}

// equals reports whether two members have the same content, or both none.
func (m *member) equals(o *member) bool {
	switch {
	case m.has != o.has || m.size != o.size:
		return false
	case !m.hashed && !o.hashed && m.body != nil && o.body != nil:
		return bytes.Equal(m.body.loose[:m.size], o.body.loose[:o.size])
	}
	return m.digest() == o.digest()
}

// park moves a content that has to wait to where it can, hashing it first.
func (m *member) park() error {
	m.digest()
	return m.body.park()
}

// known stands for a body that need not be read because its hash is known.
type known struct {
	sum  [32]byte
	size int64
}

func (*known) Read([]byte) (int, error) { return 0, io.EOF }

// hasBody reports whether the member has content of its own.
func (m *member) hasBody() bool { return m.has }

// content gives the body as an input that can be read at random. What has to be read
// again is kept for u, which has the room for it already.
func (m *member) content(ctx context.Context, u *unit) (*Input, error) {
	if m.body != nil && !m.body.gone {
		return &Input{ReaderAt: m.body, Name: m.Name, Size: m.size}, nil
	}
	if in := m.stream.x.kept(m); in != nil {
		return in, nil
	}
	if m.stream.reopen == nil {
		return nil, errGone
	}
	rc, err := m.stream.reopen(ctx, m.seq)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	in, err := m.stream.x.keepFor(ctx, u, func(int64) bool { return true }, m.Name, rc)
	if err == nil && in.Size != m.size {
		err = fmt.Errorf("it has %d bytes now and had %d before", in.Size, m.size)
	}
	return in, err
}

// side describes a member, with its digest and place where these tell the two sides
// apart: what is equal was compared byte by byte and need not be hashed.
func (m *member) side(hash bool) *Side {
	s := &Side{Name: m.Name, Size: -1}
	if !m.hasBody() {
		return s
	}
	if m.cut {
		return s // what it would have been, nobody knows
	}
	s.Size = m.size
	if hash {
		s.Within, s.Digest = m.Within, chain.SHA256(m.digest())
	}
	return s
}

// again is Content of two members; a body that is not there any more is read
// again when it is opened.
type again struct{ a, b *member }

func (c again) OpenA() (ReaderAtCloser, int64, error) { return c.a.open() }
func (c again) OpenB() (ReaderAtCloser, int64, error) { return c.b.open() }

func (m *member) open() (ReaderAtCloser, int64, error) {
	if m == nil || !m.hasBody() {
		return nil, 0, nil
	}
	if limit := m.stream.x.limit.Spool; keptSize(m.size) > limit {
		return nil, 0, fmt.Errorf("reading %q: %w", m.Name, errGone)
	}
	u := &unit{}
	in, err := m.content(context.Background(), u)
	if err != nil {
		u.release()
		return nil, 0, fmt.Errorf("reading %q: %w", m.Name, err)
	}
	return &opened{in, u}, in.Size, nil
}

// opened is a content that was opened to be seen; what was read again for that is
// given back with it.
type opened struct {
	io.ReaderAt
	u *unit
}

func (o *opened) Close() error {
	o.u.release()
	return nil
}
