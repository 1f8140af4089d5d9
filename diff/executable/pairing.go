package executable

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"sort"

	"github.com/stagescope/stagescope/diff"
)

// maxAligned bounds the bytes of a region that are aligned, by instruction or as
// data. It is compared at equal offsets beyond.
const maxAligned = 24 << 20

// pairing is two programs, with what is known of which address of A is which of
// B.
type pairing struct {
	x    *diff.Examiner
	ctx  context.Context
	a, b *program
	by   map[string]*aligned // by the region's name
	// What is known of data: what code refers to, and which symbols' content was
	// found to be the same, by A's address.
	refs       *refs
	collecting bool
	referred   bool // code that is equal was asked as well
	held       map[uint64]bool
	shifts     *bool // see moving
	// distrust says that the regions are not what is loaded, so that nothing is
	// known to have moved.
	distrust bool
}

// aligned is what is known of a pair of regions.
type aligned struct {
	a, b *region
	name string
	same bool // every byte is equal
	// front and back are equal bytes at both ends of a pair that differs.
	front, back uint64
	code        *codeDiff   // of regions that hold code
	data        []diff.Hunk // of others: what differs, in order
	err         error
}

func newPairing(ctx context.Context, x *diff.Examiner, a, b *program) *pairing {
	a.sortRegions()
	b.sortRegions()
	return &pairing{x: x, ctx: ctx, a: a, b: b, by: map[string]*aligned{}, held: map[uint64]bool{}}
}

// code reports whether instructions of both sides can be compared.
func (p *pairing) code() bool {
	return p.a.isa != nil && p.b.isa != nil && p.a.machine == p.b.machine
}

// regions gives what is known of the regions of a name; nil when one side has
// none.
func (p *pairing) regions(name string) *aligned {
	if al, ok := p.by[name]; ok {
		return al
	}
	al := &aligned{a: p.a.region(name), b: p.b.region(name), name: name}
	if al.a == nil || al.b == nil {
		al = nil
	}
	p.by[name] = al
	if al == nil || al.a.empty || al.b.empty {
		return al
	}
	al.front, al.back, al.err = p.ends(al)
	if al.err != nil {
		return al
	}
	al.same = al.front == al.a.size && al.front == al.b.size
	if al.same {
		return al
	}
	if al.a.exec && al.b.exec && p.code() {
		if al.code, al.err = p.alignCode(al); al.code == nil && al.err == nil {
			al.err = bad("its functions are not known")
		}
	} else if !al.a.exec && !al.b.exec && max(al.a.size, al.b.size) <= maxAligned {
		al.data, al.err = p.x.Hunks(p.ctx, p.a.input(al.a), p.b.input(al.b))
	}
	return al
}

// moving reports whether anything may lie elsewhere than on the other side, or is
// filled in with something else: then code that is equal may refer to other things.
func (p *pairing) moving() bool {
	if p.shifts != nil {
		return *p.shifts
	}
	v := false
	p.shifts = &v // code that asks meanwhile is not aligned by it
	v = !p.distrust && !p.a.relaxed && !p.b.relaxed && p.code() && p.findMoving()
	return v
}

func (p *pairing) findMoving() bool {
	if len(p.a.regions) != len(p.b.regions) {
		return true
	}
	for i := range p.a.regions {
		r := &p.a.regions[i]
		q := p.b.region(r.name)
		if q == nil || q.addr != r.addr || q.size != r.size || q.empty != r.empty || q.exec != r.exec {
			return true
		}
		if r.exec || r.empty {
			continue
		}
		al := p.regions(r.name)
		if al == nil || al.err != nil || !al.same && max(r.size, q.size) > maxAligned {
			return true
		}
		for _, h := range al.data {
			if h.A != h.B {
				return true
			}
		}
	}
	return p.a.imports != nil && p.b.imports != nil && !maps.Equal(p.a.imports(), p.b.imports())
}

func (p *program) input(r *region) *diff.Input {
	return p.in.Section(diff.Range{Off: int64(r.off), Len: int64(r.size)}, r.name)
}

// ends counts the equal bytes at both ends of two regions.
func (p *pairing) ends(al *aligned) (front, back uint64, err error) {
	ra, rb := p.a.input(al.a), p.b.input(al.b)
	most := min(al.a.size, al.b.size)
	if front, err = equalFrom(p.ctx, ra, rb, false, most); err != nil {
		return 0, 0, err
	}
	back, err = equalFrom(p.ctx, ra, rb, true, most-front)
	return front, back, err
}

func equalFrom(ctx context.Context, a, b *diff.Input, fromEnd bool, most uint64) (uint64, error) {
	const block = 256 << 10
	ba, bb := make([]byte, min(block, most)), make([]byte, min(block, most))
	var n uint64
	for n < most {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		k := min(block, most-n)
		offA, offB := n, n
		if fromEnd {
			offA, offB = uint64(a.Size)-n-k, uint64(b.Size)-n-k
		}
		for _, s := range []struct {
			in  *diff.Input
			buf []byte
			off uint64
		}{{a, ba[:k], offA}, {b, bb[:k], offB}} {
			if got, err := s.in.ReadAt(s.buf, int64(s.off)); got < len(s.buf) {
				return 0, fmt.Errorf("reading %q: %w", s.in.Name, err)
			}
		}
		if bytes.Equal(ba[:k], bb[:k]) {
			n += k
			continue
		}
		for i := range k {
			j := i
			if fromEnd {
				j = k - 1 - i
			}
			if ba[j] != bb[j] {
				return n + i, nil
			}
		}
	}
	return n, nil
}

// sameImport reports whether both addresses are a way to one function of others.
func (p *pairing) sameImport(addrA, addrB uint64) bool {
	name := p.a.imported(addrA)
	return name != "" && name == p.b.imported(addrB)
}

// imported names what is filled in at an address, or what a jump at it leads to.
func (p *program) imported(addr uint64) string {
	if p.imports == nil {
		return ""
	}
	if name := p.imports()[addr]; name != "" {
		return name
	}
	return p.foreign(addr)
}

func (p *pairing) samePlace(addrA, addrB uint64) bool {
	if p.distrust {
		return addrA == addrB
	}
	r := p.a.at(addrA)
	if r == nil {
		return addrA == addrB && p.b.at(addrB) == nil
	}
	al := p.regions(r.name)
	if al == nil || al.err != nil || addrB < al.b.addr || addrB-al.b.addr > al.b.size {
		return false
	}
	off, to := addrA-r.addr, addrB-al.b.addr
	switch {
	case al.a.empty || al.b.empty:
		return off == to && al.a.size == al.b.size
	case al.code != nil:
		// Before what is aligned there may be equal bytes that are not the same.
		if m := al.code.bodies; m != nil {
			return m.same(p, al, off, to)
		}
		return al.code.moved(off, to)
	case al.same || off < al.front && off < al.a.size:
		return off == to
	case off >= al.a.size-al.back:
		return to == al.b.size-(al.a.size-off)
	case al.a.exec:
		return false
	case max(al.a.size, al.b.size) > maxAligned:
		return false // it was not aligned
	}
	return inData(al.data, off, to)
}

// inData reports whether two places of data are the same: bytes that do not
// differ, or where what differs begins.
func inData(hs []diff.Hunk, offA, offB uint64) bool {
	k := sort.Search(len(hs), func(k int) bool { return uint64(hs[k].A.Off) > offA })
	// Of several that begin there, one may be empty.
	for i := k - 1; i >= 0 && uint64(hs[i].A.Off) == offA; i-- {
		if offB == uint64(hs[i].B.Off) {
			return true
		}
	}
	if k == 0 {
		return offA == offB
	}
	h := hs[k-1]
	return offA >= uint64(h.A.Off+h.A.Len) && offA-uint64(h.A.Off+h.A.Len) == offB-uint64(h.B.Off+h.B.Len)
}
