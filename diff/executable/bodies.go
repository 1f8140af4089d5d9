package executable

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
)

// body is the bytes of a function, up to where the next begins.
type body struct {
	off, end uint32 // in the region
	key      uint64 // the hash of its name; 0 when it has none
}

// start is where something says that a function begins.
type start struct {
	addr uint64
	key  uint64
	size uint64
	typ  uint8 // the better the name, the lower
}

const (
	startSymbol = iota
	startTable  // a table of functions, of the format or of the language
	startCall   // a call leads there
)

// bodies cuts a region of code into functions, in order: where symbols name one,
// where the program's own tables say that one begins and, when there are no such
// tables, where calls lead to. It gives nothing when nothing says so.
func (p *program) bodies(ctx context.Context, r *region) ([]body, error) {
	if r.size > math.MaxUint32 {
		return nil, nil
	}
	ss := p.starts(ctx, r)
	if len(ss) > maxFunctions {
		ss = ss[:maxFunctions]
	}
	if !p.listed && len(ss) < maxFunctions {
		more, err := p.callees(ctx, r, maxFunctions-len(ss))
		if err != nil {
			return nil, err
		}
		ss = append(ss, more...)
	}
	if len(ss) == 0 {
		return nil, ctx.Err()
	}
	slices.SortFunc(ss, func(x, y start) int {
		return cmp.Or(cmp.Compare(x.addr, y.addr), cmp.Compare(x.typ, y.typ), -cmp.Compare(x.size, y.size), cmp.Compare(x.key, y.key))
	})
	ss = slices.CompactFunc(ss, func(x, y start) bool { return x.addr == y.addr })
	out := make([]body, 0, len(ss)+1)
	if ss[0].addr > r.addr {
		// What lies before the first is paired with what does so on the other side.
		out = append(out, body{key: beforeFirst})
	}
	for _, s := range ss {
		out = append(out, body{off: uint32(s.addr - r.addr), key: s.key})
	}
	for i := range out {
		out[i].end = uint32(r.size)
		if i+1 < len(out) {
			out[i].end = out[i+1].off
		}
	}
	return out, ctx.Err()
}

// beforeFirst is the key of bytes before the first function.
const beforeFirst = 1

// starts gives what symbols and tables say of where functions begin.
func (p *program) starts(ctx context.Context, r *region) []start {
	var out []start
	if p.symbols != nil {
		n := 0
		p.symbols(func(s symbol) bool {
			if n++; n&0xffff == 0 && ctx.Err() != nil {
				return false
			}
			if !s.code || !r.holds(s.addr) {
				return true
			}
			name := s.name()
			if strings.HasPrefix(name, "$") {
				return true // it says where code and data begin, and is no function
			}
			st := start{addr: s.addr, size: s.size}
			if name != "" {
				st.key = hash(hashStart, []byte(stubName(name)))
			}
			out = append(out, st)
			return len(out) < maxFunctions
		})
	}
	if p.table != nil {
		p.table(func(addr uint64, name func() string) bool {
			if r.holds(addr) {
				st := start{addr: addr, typ: startTable}
				if name := name(); name != "" {
					st.key = hash(hashStart, []byte(name))
				}
				out = append(out, st)
			}
			return len(out) < 2*maxFunctions && ctx.Err() == nil
		})
	}
	return append(out, p.linkage(r)...)
}

// stubName is the name of a function without the number of the group of sections that
// linkers for PowerPC put before those of stubs: it changes with any other section.
func stubName(name string) string {
	if len(name) < 10 || name[8] != '.' || !strings.HasPrefix(name[9:], "plt_") && !strings.HasPrefix(name[9:], "long_branch.") {
		return name
	}
	if _, err := strconv.ParseUint(name[:8], 16, 32); err != nil {
		return name
	}
	return name[9:]
}

// linkage gives the entries of a table of jumps to what others have, each by the
// name of what it leads to.
func (p *program) linkage(r *region) []start {
	if !strings.HasPrefix(r.name, ".plt") || p.imports == nil {
		return nil
	}
	entry := uint64(16)
	if _, ok := p.isa.(s390x); ok {
		entry = 32
	}
	var out []start
	for off := uint64(0); off < r.size && len(out) < maxImports; off += entry {
		st := start{addr: r.addr + off, typ: startTable}
		if name := p.foreign(st.addr); name != "" {
			st.key = hash(hashStart, []byte(name))
		}
		out = append(out, st)
	}
	return out
}

// callees gives where the calls of a region lead to in it.
func (p *program) callees(ctx context.Context, r *region, most int) ([]start, error) {
	seen := map[uint64]bool{}
	if r.holds(p.entry) {
		seen[p.entry] = true
	}
	err := p.eachStep(ctx, r, func(st *step) bool {
		if st.flow == flowCall {
			for _, o := range st.ops[:st.nops] {
				if r.holds(o.addr) && len(seen) < most {
					seen[o.addr] = true
				}
			}
		}
		return true
	})
	out := make([]start, 0, len(seen))
	for a := range seen {
		out = append(out, start{addr: a, typ: startCall})
	}
	return out, err
}

// eachStep decodes a region from its first byte on.
func (p *program) eachStep(ctx context.Context, r *region, yield func(*step) bool) error {
	return p.eachCode(ctx, r, func(_ []byte, _ uint64, st *step) bool { return yield(st) })
}

// eachCode does so, block by block, and gives the code from each instruction on, with
// its offset in the region.
func (p *program) eachCode(ctx context.Context, r *region, yield func(code []byte, off uint64, st *step) bool) error {
	const block = 1 << 20
	for off := uint64(0); off < r.size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(block, r.size-off)
		code, err := readAt(p.in, r.off+off, n)
		if err != nil {
			return err
		}
		last := off+n == r.size
		i := 0
		for i < len(code) && (last || i+p.isa.most() <= len(code)) {
			st := p.isa.step(code[i:], r.addr+off+uint64(i))
			if !yield(code[i:], off+uint64(i), &st) {
				return nil
			}
			i += st.n
		}
		off += uint64(i)
	}
	return nil
}

// decodeBody reads a function into a stream whose memory is used again.
func (p *program) decodeBody(r *region, b body, s *stream) error {
	if err := p.readBody(r, b, s); err != nil {
		return err
	}
	for off := 0; off < len(s.bytes); {
		st := p.isa.step(s.bytes[off:], r.addr+s.from+uint64(off))
		kind := insCode
		if st.bad {
			kind = insBad
		}
		s.put(off, st, kind)
		off += st.n
	}
	return nil
}

// readBody reads a function's bytes, and forgets what the stream held.
func (p *program) readBody(r *region, b body, s *stream) error {
	s.from, s.to = uint64(b.off), uint64(b.end)
	s.ins, s.tokens = s.ins[:0], s.tokens[:0]
	n := int(b.end - b.off)
	if cap(s.bytes) < n {
		s.bytes = make([]byte, n+n/4)
	}
	s.bytes = s.bytes[:n]
	if k, err := p.in.ReadAt(s.bytes, int64(r.off)+int64(b.off)); k < n {
		return bad("%d bytes of code at %d could not be read: %v", n, r.off+uint64(b.off), err)
	}
	return nil
}
