package executable

import (
	"encoding/binary"

	"golang.org/x/arch/ppc64/ppc64asm"
)

// ppc64 is PowerPC with 64 bits, in either byte order. addis and the instruction
// after it that adds the rest of an address are one instruction here, of eight
// bytes, when mapped says that it is an address of the program.
//
// What adds the rest further on is known from bases, and so is what the register for
// the table of contents holds; bases may be nil.
type ppc64 struct {
	order  binary.ByteOrder
	mapped func(uint64) bool
	bases  *bases
}

var _ isa = ppc64{}

func (ppc64) bits() int { return 64 }
func (ppc64) most() int { return 8 }
func (ppc64) unit() int { return 4 }

func (c ppc64) step(p []byte, pc uint64) step {
	if len(p) < 4 {
		return unknown(p)
	}
	w := c.order.Uint32(p)
	s := step{n: 4}
	mask := uint32(0)
	base := pc
	if w&2 != 0 {
		base = 0 // absolute
	}
	switch w >> 26 {
	case 18: // b, bl
		if s.flow = flowJump; w&1 != 0 {
			s.flow = flowCall
		}
		mask = 0x3fffffc
		s.add(operand{addr: base + signed(w&0x3fffffc, 26), n: 4, rel: true})
	case 16: // bc
		s.flow, mask = flowBranch, 0xfffc
		s.add(operand{addr: base + signed(w&0xfffc, 16), n: 4, rel: true})
	case 19:
		if w&0x7fe == 0x20 && w>>21&20 == 20 { // blr
			s.flow = flowEnd
		}
	case 15: // addis
		if next, o, ok := c.low(p, w, pc); ok {
			s.n = 8
			s.add(o)
			s.number(uint64(w&^0xffff)|uint64(next)<<32, 1)
			return s
		}
		mask = c.upper(&s, w, pc)
	default:
		if mask = c.counted(&s, w, pc); mask != 0 {
			break
		}
		in, err := c.decode(p)
		if err != nil || in.Len <= 0 {
			s.bad = true
		} else if in.Len == 8 && len(p) >= 8 {
			s.n = 8
		}
	}
	if w == 0x60000000 {
		s.flow = flowPad
	}
	rest := uint64(s.nops)
	if s.n == 8 {
		rest |= uint64(c.order.Uint32(p[4:])) << 8
	}
	s.number(uint64(w&^mask), rest)
	return s
}

// low reads the instruction after an addis when it adds the low half of an address to
// the same register, or reads or writes there. The address is counted from zero, from
// the table of contents, or, where that itself is found, from where the function
// begins. next is the instruction without the low half.
func (c ppc64) low(p []byte, w uint32, pc uint64) (next uint32, o operand, ok bool) {
	if len(p) < 8 {
		return 0, o, false
	}
	v := c.order.Uint32(p[4:])
	mask := ppcLow(v)
	if mask == 0 || v>>16&31 != w>>21&31 {
		return 0, o, false
	}
	addr := signed(w, 16)<<16 + signed(v&mask, 16)
	toc, known := c.bases.anchor()
	o = operand{n: 8, size: ppcSize(v), rel: true}
	own := v>>26 == 14 && v>>21&31 == ppcTOC && w>>21&31 == ppcTOC
	switch w >> 16 & 31 {
	case 0:
		o.addr, o.size = addr, 0
		if known && own && addr == toc {
			return v &^ mask, o, true
		}
		o.rel = false
		return v &^ mask, o, c.mapped != nil && c.mapped(addr)
	case ppcTOC:
		o.addr = toc + addr
		return v &^ mask, o, known
	case 12: // the function's address, as who calls it through that has put it there
		o.addr = pc + addr
		return v &^ mask, o, known && own && o.addr == toc
	}
	return 0, o, false
}

// upper adds the first address that is made of what an addis gives, and gives the bits
// of its upper half; 0 when there is none.
func (c ppc64) upper(s *step, w uint32, pc uint64) (mask uint32) {
	toc, known := c.bases.anchor()
	switch ra := w >> 16 & 31; {
	case ra == ppcTOC && known:
		s.add(operand{addr: toc + signed(w, 16)<<16, n: 4, rel: true})
		c.bases.made(s, pc)
		return 0xffff
	case ra == 0 && c.mapped != nil:
		if x, ok := c.bases.at(pc); ok && c.mapped(x.value) {
			s.add(operand{addr: x.value, n: 4})
			return 0xffff
		}
	}
	return 0
}

// counted adds the address that an instruction counts from what a register is known to
// hold, and gives the bits of it that say how far; 0 when there is none.
func (c ppc64) counted(s *step, w uint32, pc uint64) (mask uint32) {
	mask = ppcLow(w)
	if mask == 0 {
		return 0
	}
	o := operand{n: 4, size: ppcSize(w)}
	if toc, known := c.bases.anchor(); known && w>>16&31 == ppcTOC {
		o.addr, o.rel = toc+signed(w&mask, 16), true
	} else if x, ok := c.bases.at(pc); ok {
		o.addr, o.rel = x.value+signed(w&mask, 16), x.rel
	} else {
		return 0
	}
	if !o.rel && (c.mapped == nil || !c.mapped(o.addr)) {
		return 0
	}
	s.add(o)
	return mask
}

func (c ppc64) decode(p []byte) (ppc64asm.Inst, error) {
	return oneAtATime(func() (ppc64asm.Inst, error) { return ppc64asm.Decode(p, c.order) })
}

func (c ppc64) one(p []byte, pc uint64) string {
	in, err := c.decode(p)
	if err != nil || in.Len <= 0 || in.Len > len(p) {
		return ""
	}
	return ppc64asm.GNUSyntax(in, pc)
}

func (c ppc64) text(p []byte, pc uint64, name func(uint64) string) string {
	return wordText(p, pc, c.step(p, pc), c.one, name)
}

// saved is r1, r2 and r14 to r31.
func (ppc64) saved() uint32 { return 0xffffc006 }

func (c ppc64) effect(p []byte, pc uint64) effect {
	e := effect{sets: -1, from: -1}
	if len(p) < 4 {
		e.n, e.flow = len(p), flowEnd
		return e
	}
	w := c.order.Uint32(p)
	op, rt, ra := w>>26, w>>21&31, w>>16&31
	anchor, toc := c.bases.anchor()
	e.n = 4
	switch {
	case op == 1 && len(p) >= 8: // a prefix
		e.n, e.kills = 8, 1<<(c.order.Uint32(p[4:])>>21&31)
	case op == 18 || op == 16:
		st := c.step(p[:4], pc)
		e.flow, e.to = st.flow, st.ops[0].addr
		if w&1 != 0 {
			e.flow = flowCall
		}
	case op == 17:
		e.flow = flowCall
	case op == 19:
		switch {
		case w&1 != 0:
			e.flow = flowCall
		case w&0x7fe == 0x20 || w&0x7fe == 0x420:
			if rt&20 == 20 {
				e.flow = flowEnd
			}
		}
	case op == 15:
		e.kills = 1 << rt
		switch {
		case ra == ppcTOC && toc && rt != ppcTOC:
			e.sets, e.rel, e.value = int8(rt), true, anchor+signed(w, 16)<<16
		case ra == 0 && c.mapped != nil:
			e.sets, e.value = int8(rt), signed(w, 16)<<16
		}
	default:
		e.kills = ppcWrites(w)
		if mask := ppcLow(w); mask != 0 && ra != 0 {
			e.from, e.low, e.size = int8(ra), signed(w&mask, 16), ppcSize(w)
		}
	}
	return e
}

// ppcTOC is the register that holds where the table of contents lies.
const ppcTOC = 2

// ppcLow gives the bits in which an instruction has the lower part of an address; 0
// for one that has none.
func ppcLow(w uint32) uint32 {
	switch op := w >> 26; {
	case op == 14, op >= 32 && op <= 55: // addi, loads and stores
		return 0xffff
	case op == 58, op == 62: // those of 64 bits
		return 0xfffc
	}
	return 0
}

// ppcSize is how many bytes a load or store is about; 0 for what is none.
func ppcSize(w uint32) uint8 {
	switch w >> 26 {
	case 34, 35, 38, 39:
		return 1
	case 40, 41, 42, 43, 44, 45:
		return 2
	case 32, 33, 36, 37, 48, 49, 52, 53:
		return 4
	case 50, 51, 54, 55, 58, 62:
		return 8
	}
	return 0
}

// ppcWrites gives the registers that an instruction may write to.
func ppcWrites(w uint32) uint32 {
	op, rt, ra := w>>26, uint32(1)<<(w>>21&31), uint32(1)<<(w>>16&31)
	switch {
	case op == 10 || op == 11 || op == 2 || op == 3: // comparisons, traps
		return 0
	case op >= 20 && op <= 30: // logic and rotation
		return ra
	case op == 46: // lmw, to all from there on
		return ^(rt - 1)
	case op >= 32 && op <= 55:
		var m uint32
		if op < 48 && op>>2&1 == 0 {
			m = rt // of floating point and stores there is none
		}
		if op&1 != 0 {
			m |= ra
		}
		return m
	case op == 62:
		if w&3 == 1 {
			return ra
		}
		return 0
	case op == 58 && w&3 == 1:
		return rt | ra
	case op == 58 || op == 14 || op == 7 || op == 8 || op == 12 || op == 13:
		return rt
	case op == 59 || op == 60 || op == 63: // floating point and vectors
		return 0
	}
	return rt | ra
}
