package diff

import (
	"context"
	"crypto/sha256"
	"io"
	"slices"
	"sync"

	"github.com/stagescope/stagescope/chain/image"
)

// joinedStream gives the entries of several layers one after the other, as if one
// archive held them. Directories that several of them bring on their way come
// once, where the first of them stands and as the last is, which is the one that
// has an effect. Of the archives' ends the last is given, and a former one that
// is more than zeros.
type joinedStream struct {
	streams  []Stream // one for each layer; opened when first read
	repeated map[string]*repeated
	at       int // the layer that is being read
	n        int // members of it that were read

	replaced int // directories left out whose header is not the last one's

	mu   sync.Mutex
	from []origin // of each member that was given
}

// repeated is a directory that several layers have.
type repeated struct {
	dir   directory // as the last of them has it
	layer int       // the last of them
	given bool
}

// origin is where a member lies: in which of the layers, and which member there.
type origin struct{ layer, n int }

// joined reads layers as one side. The sets are what entriesOf found in them.
func (x *Examiner) joined(layers []*image.Layer, sets map[*image.Layer]*layerEntries, side string) (*reading, *joinedStream) {
	s := &joinedStream{repeated: map[string]*repeated{}}
	for i, l := range layers {
		s.streams = append(s.streams, x.layerReading(l, side).s)
		for name, d := range sets[l].dirs {
			if slices.ContainsFunc(layers[:i], func(o *image.Layer) bool { _, ok := sets[o].dirs[name]; return ok }) {
				s.repeated[name] = &repeated{dir: d, layer: i}
			}
		}
	}
	return x.reading(s, side), s
}

func (s *joinedStream) Next(ctx context.Context) (*Member, error) {
	for {
		m, err := s.streams[s.at].Next(ctx)
		if err == io.EOF && s.at+1 < len(s.streams) {
			s.at, s.n = s.at+1, 0
			continue
		}
		if err != nil {
			return nil, err
		}
		n := s.n
		s.n++
		if m = s.instead(m); m == nil {
			continue
		}
		s.mu.Lock()
		s.from = append(s.from, origin{s.at, n})
		s.mu.Unlock()
		m.Within = nil // there is no one archive in which it lies
		return m, nil
	}
}

// instead is what is given for a member: itself, the last of its like, or nothing.
func (s *joinedStream) instead(m *Member) *Member {
	if m.Meta {
		if s.at+1 < len(s.streams) && len(m.Fields()) == 1 { // zeros, and nothing before or behind them
			return nil
		}
		return m
	}
	r := s.repeated[m.Name]
	if r == nil || m.Body != nil || !isDirectory(m) {
		return m
	}
	if s.at < r.layer && r.dir.sum != sha256.Sum256(m.Raw) {
		s.replaced++
	}
	switch {
	case r.given:
		return nil
	case r.dir.m == nil && s.at < r.layer: // it was not kept: it comes where it stands
		return nil
	}
	r.given = true
	if r.dir.m == nil {
		return m
	}
	last := *r.dir.m
	return &last
}

func (s *joinedStream) Close() (err error) {
	for _, one := range s.streams {
		if e := one.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Reopen reads a body from the layer that it lies in.
func (s *joinedStream) Reopen(ctx context.Context, n int) (io.ReadCloser, error) {
	s.mu.Lock()
	p := s.from[n]
	s.mu.Unlock()
	r, ok := s.streams[p.layer].(Reopener)
	if !ok {
		return nil, errGone
	}
	return r.Reopen(ctx, p.n)
}
