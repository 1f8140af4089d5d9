package executable

import (
	"encoding/binary"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/ppc64/ppc64asm"
	"golang.org/x/arch/riscv64/riscv64asm"
)

// arm64 is AArch64. What adrp and the instruction after it make together is not
// followed: the low half stays a constant.
type arm64 struct{}

var _ isa = arm64{}

func (arm64) bits() int { return 64 }
func (arm64) most() int { return 4 }
func (arm64) unit() int { return 4 }

// signed extends the low bits of v.
func signed(v uint32, bits int) uint64 {
	return uint64(int64(int32(v<<(32-bits))) >> (32 - bits))
}

func (arm64) step(p []byte, pc uint64) step {
	if len(p) < 4 {
		return unknown(p)
	}
	w := binary.LittleEndian.Uint32(p)
	s := step{n: 4}
	mask := uint32(0)
	to := func(m uint32, addr uint64) {
		mask = m
		s.add(operand{addr: addr, n: 4})
	}
	switch {
	case w>>26 == 0x05: // b
		s.flow = flowJump
		to(0x3ffffff, pc+signed(w, 26)<<2)
	case w>>26 == 0x25: // bl
		s.flow = flowCall
		to(0x3ffffff, pc+signed(w, 26)<<2)
	case w>>24 == 0x54, w>>25&0x3f == 0x1a: // b.cond, cbz, cbnz
		s.flow = flowBranch
		to(0xffffe0, pc+signed(w>>5, 19)<<2)
	case w>>25&0x3f == 0x1b: // tbz, tbnz
		s.flow = flowBranch
		to(0x7ffe0, pc+signed(w>>5, 14)<<2)
	case w&0x9f000000 == 0x10000000: // adr
		to(0x60ffffe0, pc+signed(w>>3&^3|w>>29&3, 21))
	case w&0x9f000000 == 0x90000000: // adrp
		to(0x60ffffe0, pc&^0xfff+signed(w>>3&^3|w>>29&3, 21)<<12)
	case w&0x3b000000 == 0x18000000: // ldr of a literal
		to(0xffffe0, pc+signed(w>>5, 19)<<2)
	case w&0xfffffc1f == 0xd65f0000, w&0xfffffc1f == 0xd61f0000, w&0xffe0001f == 0xd4200000: // ret, br, brk
		s.flow = flowEnd
	case w == 0xd503201f:
		s.flow = flowPad
	default:
		if _, err := arm64asm.Decode(p); err != nil {
			s.bad = true
		}
	}
	s.number(uint64(w&^mask), uint64(s.nops))
	return s
}

func (a arm64) text(p []byte, pc uint64, name func(uint64) string) string {
	in, err := arm64asm.Decode(p)
	if err != nil {
		return unknownText(p[:min(4, len(p))])
	}
	return withTarget(strings.ToLower(arm64asm.GNUSyntax(in)), a.step(p, pc), name)
}

// withTarget adds what an operand points to.
func withTarget(s string, st step, name func(uint64) string) string {
	for _, o := range st.ops[:st.nops] {
		if n := name(o.addr); n != "" {
			s += "  # " + n
		} else {
			s += "  # " + hexNumber(o.addr)
		}
	}
	return s
}

// riscv is RISC-V with 64 bits, compressed instructions among them.
type riscv struct{}

var _ isa = riscv{}

func (riscv) bits() int { return 64 }
func (riscv) most() int { return 4 }
func (riscv) unit() int { return 2 }

func (riscv) step(p []byte, pc uint64) step {
	if len(p) < 2 || p[0]&3 == 3 && len(p) < 4 {
		return unknown(p)
	}
	if p[0]&3 != 3 {
		return riscvShort(p, pc)
	}
	w := binary.LittleEndian.Uint32(p)
	s := step{n: 4}
	mask := uint32(0)
	switch w & 0x7f {
	case 0x6f: // jal
		imm := w>>31<<20 | w>>12&0xff<<12 | w>>20&1<<11 | w>>21&0x3ff<<1
		if s.flow = flowCall; w>>7&31 == 0 {
			s.flow = flowJump
		}
		mask = 0xfffff000
		s.add(operand{addr: pc + signed(imm, 21), n: 4})
	case 0x63: // branches
		imm := w>>31<<12 | w>>7&1<<11 | w>>25&0x3f<<5 | w>>8&0xf<<1
		s.flow, mask = flowBranch, 0xfe000f80
		s.add(operand{addr: pc + signed(imm, 13), n: 4})
	case 0x17: // auipc
		mask = 0xfffff000
		s.add(operand{addr: pc + uint64(int64(int32(w&0xfffff000))), n: 4})
	case 0x67: // jalr
		if s.flow = flowCall; w>>7&31 == 0 {
			s.flow = flowEnd
		}
	default:
		if _, err := riscv64asm.Decode(p); err != nil {
			s.bad = true
		}
	}
	s.number(uint64(w&^mask), uint64(s.nops))
	return s
}

func riscvShort(p []byte, pc uint64) step {
	w := uint32(binary.LittleEndian.Uint16(p))
	s := step{n: 2}
	s.number(uint64(w), 0)
	switch {
	case w&0xe003 == 0xa001: // c.j
		imm := w>>12&1<<11 | w>>11&1<<4 | w>>9&3<<8 | w>>8&1<<10 | w>>7&1<<6 | w>>6&1<<7 | w>>3&7<<1 | w>>2&1<<5
		s.flow = flowJump
		s.number(uint64(w&0xe003), 1)
		s.add(operand{addr: pc + signed(imm, 12), n: 2})
	case w&0xc003 == 0xc001: // c.beqz, c.bnez
		imm := w>>12&1<<8 | w>>10&3<<3 | w>>5&3<<6 | w>>3&3<<1 | w>>2&1<<5
		s.flow = flowBranch
		s.number(uint64(w&0xe383), 1)
		s.add(operand{addr: pc + signed(imm, 9), n: 2})
	case w&0xf07f == 0x8002 && w != 0x8002: // c.jr
		s.flow = flowEnd
	case w&0xf07f == 0x9002 && w != 0x9002: // c.jalr
		s.flow = flowCall
	case w == 1:
		s.flow = flowPad
	case w == 0:
		s.bad = true
	}
	return s
}

func (r riscv) text(p []byte, pc uint64, name func(uint64) string) string {
	in, err := riscv64asm.Decode(p)
	if err != nil {
		return unknownText(p[:min(r.step(p, pc).n, len(p))])
	}
	return withTarget(strings.ToLower(riscv64asm.GNUSyntax(in)), r.step(p, pc), name)
}

// ppc64 is PowerPC with 64 bits, in either byte order.
type ppc64 struct{ order binary.ByteOrder }

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
		s.add(operand{addr: base + signed(w&0x3fffffc, 26), n: 4})
	case 16: // bc
		s.flow, mask = flowBranch, 0xfffc
		s.add(operand{addr: base + signed(w&0xfffc, 16), n: 4})
	case 19:
		if w&0x7fe == 0x20 && w>>21&20 == 20 { // blr
			s.flow = flowEnd
		}
	default:
		in, err := ppc64asm.Decode(p, c.order)
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

func (c ppc64) text(p []byte, pc uint64, name func(uint64) string) string {
	in, err := ppc64asm.Decode(p, c.order)
	if err != nil || in.Len <= 0 || in.Len > len(p) {
		return unknownText(p[:min(4, len(p))])
	}
	return withTarget(ppc64asm.GNUSyntax(in, pc), c.step(p, pc), name)
}
