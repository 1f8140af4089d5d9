package executable

import (
	"context"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// maxInstructions bounds what of one side is held in memory, at 16 bytes each.
const maxInstructions = 12 << 20

// decode reads a range of a region as instructions.
func (p *program) decode(ctx context.Context, r *region, at diff.Range) (stream, error) {
	s := stream{from: uint64(at.Off), to: uint64(at.Off + at.Len)}
	more := min(uint64(p.isa.most()), r.size-s.to)
	var err error
	if s.bytes, err = readAt(p.in, r.off+s.from, s.to-s.from+more); err != nil {
		return s, err
	}
	n := int(s.to - s.from)
	var reached []bool
	if p.bare {
		reached = p.reach(s.bytes[:n], r.addr+s.from)
	}
	for off := 0; off < n; {
		if len(s.ins)&0xfff == 0 && ctx.Err() != nil {
			return s, ctx.Err()
		}
		if len(s.ins) > maxInstructions {
			return s, bad("more than %d instructions between the first and the last difference", maxInstructions)
		}
		if reached != nil && !reached[off] {
			next := off
			for next < n && !reached[next] {
				next++
			}
			if !p.looksLikeCode(s.bytes[off:next], r.addr+s.from+uint64(off)) {
				for ; off < next; off++ {
					s.put(off, unknown(s.bytes[off:off+1]), insData)
				}
				continue
			}
			for off < next {
				st := p.isa.step(s.bytes[off:next], r.addr+s.from+uint64(off))
				s.put(off, st, insCode)
				off += st.n
			}
			continue
		}
		st := p.isa.step(s.bytes[off:], r.addr+s.from+uint64(off))
		kind := insCode
		if st.bad {
			kind = insBad
		}
		s.put(off, st, kind)
		off += st.n
	}
	return s, nil
}

func (s *stream) put(off int, st step, kind insKind) {
	s.ins = append(s.ins, instruction{off: uint32(off), n: uint8(st.n), flow: st.flow, nops: uint8(st.nops), kind: kind})
	token := st.token
	if kind != insCode {
		token = hashNumber(token, uint64(kind))
	}
	s.tokens = append(s.tokens, token)
}

// reach marks where instructions begin, following code from the program's entry.
// The entry may lie elsewhere; code then begins at the first byte.
func (p *program) reach(code []byte, base uint64) []bool {
	out := make([]bool, len(code))
	first := uint64(0)
	if p.entry >= base && p.entry-base < uint64(len(code)) {
		first = p.entry - base
	}
	todo := []uint64{first}
	for len(todo) > 0 {
		off := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for off < uint64(len(code)) && !out[off] {
			st := p.isa.step(code[off:], base+off)
			if st.bad {
				break
			}
			out[off] = true
			if st.flow == flowBranch || st.flow == flowJump || st.flow == flowCall {
				for _, o := range st.ops[:st.nops] {
					if to := o.addr - base; to < uint64(len(code)) && !out[to] {
						todo = append(todo, to)
					}
				}
			}
			if st.flow == flowJump || st.flow == flowEnd {
				break
			}
			off += uint64(st.n)
		}
	}
	return within(p.isa, code, base, out)
}

// within also marks the bytes inside instructions, by clearing what is only
// reached in the middle of another and marking the rest.
func within(i isa, code []byte, base uint64, starts []bool) []bool {
	out := slices.Clone(starts)
	for off := 0; off < len(code); {
		if !starts[off] {
			off++
			continue
		}
		n := i.step(code[off:], base+uint64(off)).n
		for k := off; k < min(off+n, len(code)); k++ {
			out[k] = true
		}
		off += n
	}
	return out
}

// looksLikeCode reports whether bytes that nothing is seen to lead to are
// instructions all the same: all of them are known, the last ends with the
// bytes, and they are not mostly text.
func (p *program) looksLikeCode(code []byte, base uint64) bool {
	text, zero := 0, 0
	for _, c := range code {
		if c >= 0x20 && c < 0x7f || c == '\n' || c == '\t' {
			text++
		}
		if c == 0 {
			zero++
		}
	}
	if len(code) < 8 || text*10 > len(code)*7 || zero*10 > len(code)*7 {
		return false
	}
	for off := 0; off < len(code); {
		st := p.isa.step(code[off:], base+uint64(off))
		if st.bad {
			return false
		}
		off += st.n
	}
	return true
}

// functionStarts gives the instructions at which functions begin, in order: by
// symbols, or else where calls lead to.
func (p *pairing) functionStarts(of *program, r *region, s *stream) []int {
	var addrs []uint64
	lo, hi := r.addr+s.from, r.addr+s.to
	of.named(func(sym symbol) bool {
		if sym.code && sym.addr >= lo && sym.addr < hi {
			addrs = append(addrs, sym.addr)
		}
		return len(addrs) < maxFunctions && p.ctx.Err() == nil
	})
	if len(addrs) == 0 {
		for i, in := range s.ins {
			if in.flow != flowCall || in.nops == 0 {
				continue
			}
			st := of.isa.step(s.code(i), r.addr+s.begin(i))
			if st.nops > 0 && r.holds(st.ops[0].addr) && len(addrs) < maxFunctions {
				addrs = append(addrs, st.ops[0].addr)
			}
		}
		addrs = append(addrs, of.entry)
	}
	slices.Sort(addrs)
	var out []int
	for _, a := range slices.Compact(addrs) {
		if i, ok := s.index(a - r.addr); ok && s.begin(i) == a-r.addr {
			out = append(out, i)
		}
	}
	return out
}

// maxFunctions bounds the functions of a region that are told apart.
const maxFunctions = 1 << 19
