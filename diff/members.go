package diff

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"

	"github.com/stagescope/stagescope/chain"
	"golang.org/x/sync/errgroup"
)

// member is a Member whose body has been read.
type member struct {
	Member
	seq    int
	key    string // name, with a number when it is not the first of that name
	has    bool   // it has content, be it empty
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
// differ early. A stream that breaks off leaves n Unreadable, with what was
// found so far.
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
	defer ra.s.Close()
	defer rb.s.Close()
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	g, gctx := errgroup.WithContext(inner)
	ca, cb := make(chan *member, pending), make(chan *member, pending)
	g.Go(func() error { defer close(ca); return ra.run(gctx, ca) })
	g.Go(func() error { defer close(cb); return rb.run(gctx, cb) })
	m := &matching{ctx: ctx, x: x, n: n, a: map[string]*member{}, b: map[string]*member{}}
	m.run(ca, cb)
	err := g.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	m.counts = cmp.Or(ra.order.counts, rb.order.counts)
	if e := m.finish(err == nil); e != nil && err == nil {
		err = e
	}
	if err == nil {
		return nil
	}
	n.Capped = true
	if ctx.Err() != nil {
		n.note("reading was interrupted")
		return ctx.Err()
	}
	n.note(err.Error())
	if n.Status != Differs {
		n.Status = Unreadable
	}
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
			return fmt.Errorf("reading side %s: %w: it has more than %d members", r.name, ErrLimit, r.n)
		}
		m := &member{Member: *got, seq: r.n, key: got.Name, stream: r}
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
		if err := r.take(m); err != nil {
			return fmt.Errorf("reading side %s: %q: %w", r.name, got.Name, err)
		}
		if r.entry != nil {
			r.entry(m)
		}
		select {
		case out <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take reads a member's body, hashes it and keeps it.
func (r *reading) take(m *member) error {
	if known, ok := m.Body.(*known); ok {
		m.sum, m.size = known.sum, known.size
		m.Body, m.has, m.hashed = nil, true, true
		return nil
	}
	if m.Body == nil {
		m.size = m.Size
		return nil
	}
	h := sha256.New()
	b, err := r.x.spool.keep(m.Body, h)
	if err != nil {
		return err
	}
	m.Body, m.body, m.size, m.has = nil, b, b.size, true
	if b.loose == nil {
		h.Sum(m.sum[:0])
		m.hashed = true
	} else if r.entry != nil {
		m.digest()
	}
	r.x.progress(m.Name, m.size)
	return nil
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

// content gives the body as an input that can be read at random.
func (m *member) content(ctx context.Context) (*Input, error) {
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
	in, err := m.stream.x.Keep(ctx, m.Name, rc)
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
	in, err := m.content(context.Background())
	if err != nil {
		return nil, 0, fmt.Errorf("reading %q: %w", m.Name, err)
	}
	return noClose{in}, in.Size, nil
}
