package executable

import (
	"bytes"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// debugFrame is a record of .debug_frame.
type debugFrame struct {
	tile
	common       uint64 // offset of the record that has what is common; its own for that one
	fields       uint64 // where its address lies
	size         uint64 // bytes of an address
	begin, bytes uint64
}

// debugFrames reads the records of .debug_frame.
func (d *dwarfPair) debugFrames(s *dwarfSide) ([]debugFrame, bool) {
	var out []debugFrame
	size := uint64(8)
	if d.p.bits() == 32 {
		size = 4
	}
	commons := map[uint64]uint64{}
	c := s.cursor("frame", 0)
	for c.at < uint64(len(c.p)) {
		f := debugFrame{tile: tile{off: c.at}, size: size}
		n, wide := c.length()
		f.end = c.at + n
		if c.bad || n > uint64(len(c.p))-c.at {
			return nil, false
		}
		id := c.offset(wide)
		if common := id == 0xffffffff && !wide || id == 1<<64-1; common {
			f.common = f.off
			f.token = hash(hashStart, c.p[f.off:f.end])
			commons[f.off] = f.token
		} else {
			in, ok := commons[id]
			if !ok {
				return nil, false
			}
			f.common, f.fields = id, c.at
			f.begin, f.bytes = c.number(size), c.number(size)
			if c.bad || c.at > f.end {
				return nil, false
			}
			f.token = hashNumber(hashNumber(in, d.addrKey(s, f.begin)), f.bytes)
			f.token = hash(f.token, bytes.TrimRight(c.p[c.at:f.end], "\x00"))
		}
		out = append(out, f)
		c.at = f.end
	}
	return out, true
}

// frames compares .debug_frame record by record.
func (d *dwarfPair) frames(g *tiling, r *dwarfResult) (bool, error) {
	fa, okA := d.debugFrames(d.a)
	fb, okB := d.debugFrames(d.b)
	if !okA || !okB {
		return false, nil
	}
	of := func(fs []debugFrame) []tile {
		out := make([]tile, len(fs))
		for i, f := range fs {
			out[i] = f.tile
		}
		return out
	}
	commons := map[uint64]uint64{}
	onlyA, onlyB, err := g.table(of(fa), of(fb), func(i, j int) bool {
		x, y := fa[i], fb[j]
		switch isA, isB := x.common == x.off, y.common == y.off; {
		case isA != isB:
			return false
		case isA:
			ok := bytes.Equal(g.a[x.off:x.end], g.b[y.off:y.end])
			if ok {
				commons[x.off] = y.off
			}
			return ok
		}
		at, ok := commons[x.common]
		return ok && at == y.common && x.bytes == y.bytes && x.end-x.off == y.end-y.off && d.sameAddr(x.begin, y.begin) &&
			bytes.Equal(g.a[x.fields+2*x.size:x.end], g.b[y.fields+2*y.size:y.end])
	}, nil)
	if len(onlyA)+len(onlyB) > 0 {
		r.reasons = append(r.reasons, diff.Reason{Field: "records of how to unwind the stack", A: fmt.Sprintf("%d that B has not", len(onlyA)), B: fmt.Sprintf("%d that A has not", len(onlyB))})
	}
	r.what = "addresses of functions"
	return true, err
}

// aranges compares .debug_aranges: which unit has which stretches of code.
func (d *dwarfPair) aranges(g *tiling) (bool, error) {
	type stretch struct {
		tile
		head        bool
		info        uint64
		begin, size uint64
		last        bool // the end of a unit's, with what lies between
	}
	read := func(s *dwarfSide) ([]stretch, bool) {
		var out []stretch
		c := s.cursor("aranges", 0)
		for c.at < uint64(len(c.p)) {
			h := stretch{tile: tile{off: c.at, token: 1}, head: true}
			n, wide := c.length()
			end := c.at + n
			if c.bad || n > uint64(len(c.p))-c.at || c.number(2) != 2 {
				return nil, false
			}
			h.info = c.offset(wide)
			size := c.number(1)
			if c.number(1) != 0 || size != 4 && size != 8 {
				return nil, false
			}
			for (c.at-h.off)%(2*size) != 0 {
				if c.number(1) != 0 {
					return nil, false
				}
			}
			h.end = c.at
			out = append(out, h)
			for c.at < end && !c.bad {
				t := stretch{tile: tile{off: c.at}}
				t.begin, t.size = c.number(size), c.number(size)
				t.end, t.last = c.at, t.begin == 0 && t.size == 0
				if t.token = hashNumber(d.addrKey(s, t.begin), 2); t.last {
					t.token = 3
				}
				out = append(out, t)
			}
			if c.bad || c.at != end {
				return nil, false
			}
		}
		return out, true
	}
	sa, okA := read(d.a)
	sb, okB := read(d.b)
	if !okA || !okB {
		return false, nil
	}
	of := func(ss []stretch) []tile {
		out := make([]tile, len(ss))
		for i, s := range ss {
			out[i] = s.tile
		}
		return out
	}
	_, _, err := g.table(of(sa), of(sb), func(i, j int) bool {
		x, y := sa[i], sb[j]
		switch {
		case x.head != y.head || x.last != y.last || x.end-x.off != y.end-y.off:
			return false
		case x.head:
			// The length was followed; the version and the sizes were read.
			return d.places["info"].same(x.info, y.info)
		case x.last:
			return true
		}
		return d.sameAddr(x.begin, y.begin) && (x.size == y.size || d.sameAddr(x.begin+x.size, y.begin+y.size))
	}, nil)
	return true, err
}
