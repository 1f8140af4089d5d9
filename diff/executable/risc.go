package executable

import (
	"encoding/binary"
	"strings"
	"sync"

	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/riscv64/riscv64asm"
)

// arm64 is AArch64. adrp and the instruction after it that adds the rest of an
// address are one instruction here, of eight bytes. What adds the rest further on is
// known from bases, which may be nil.
type arm64 struct{ bases *bases }

var _ isa = arm64{}

func (arm64) bits() int { return 64 }
func (arm64) most() int { return 8 }
func (arm64) unit() int { return 4 }

// signed extends the low bits of v.
func signed(v uint32, bits int) uint64 {
	return uint64(int64(int32(v<<(32-bits))) >> (32 - bits))
}

func (a arm64) step(p []byte, pc uint64) step {
	if len(p) < 4 {
		return unknown(p)
	}
	w := binary.LittleEndian.Uint32(p)
	s := step{n: 4}
	mask := uint32(0)
	to := func(m uint32, addr uint64) {
		mask = m
		s.add(operand{addr: addr, n: 4, rel: true})
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
		page := pc&^0xfff + signed(w>>3&^3|w>>29&3, 21)<<12
		if next, low, size, ok := arm64Low(p, w&31); ok {
			s.n = 8
			s.add(operand{addr: page + low, n: 8, size: size, rel: true})
			s.number(uint64(w&^0x60ffffe0)|uint64(next&^0x3ffc00)<<32, 1)
			return s
		}
		to(0x60ffffe0, page)
		a.bases.made(&s, pc)
	case w&0xffc00000 == 0x91000000, w&0x3b000000 == 0x39000000: // add, loads and stores
		if page, ok := a.bases.at(pc); ok {
			low, size := uint64(w>>10&0xfff), uint8(0)
			if w>>24&0x3b == 0x39 {
				size = 1 << arm64Scale(w)
				low <<= arm64Scale(w)
			}
			to(0x3ffc00, page.value+low)
			s.ops[0].size = size
			break
		}
		s.bad = !a.decodes(p)
	case w&0x3b000000 == 0x18000000: // ldr of a literal
		to(0xffffe0, pc+signed(w>>5, 19)<<2)
	case w&0xfffffc1f == 0xd65f0000, w&0xfffffc1f == 0xd61f0000, w&0xffe0001f == 0xd4200000: // ret, br, brk
		s.flow = flowEnd
	case w == 0xd503201f:
		s.flow = flowPad
	default:
		s.bad = !a.decodes(p)
	}
	s.number(uint64(w&^mask), uint64(s.nops))
	return s
}

func (arm64) decodes(p []byte) bool {
	_, err := oneAtATime(func() (arm64asm.Inst, error) { return arm64asm.Decode(p) })
	return err == nil
}

// arm64Low reads the instruction after an adrp when it adds the low half of the
// address to the same register, or reads or writes there: the low half, and how
// many bytes are read or written.
func arm64Low(p []byte, reg uint32) (next uint32, low uint64, size uint8, ok bool) {
	if len(p) < 8 {
		return 0, 0, 0, false
	}
	next = binary.LittleEndian.Uint32(p[4:])
	low = uint64(next >> 10 & 0xfff)
	switch {
	case next>>5&31 != reg:
	case next&0xffc00000 == 0x91000000: // add, 64 bits
		return next, low, 0, true
	case next&0x3b000000 == 0x39000000: // ldr, str and the like
		scale := arm64Scale(next)
		return next, low << scale, 1 << scale, true
	}
	return 0, 0, 0, false
}

func (arm64) one(p []byte, _ uint64) string {
	in, err := oneAtATime(func() (arm64asm.Inst, error) { return arm64asm.Decode(p) })
	if err != nil {
		return ""
	}
	return strings.ToLower(arm64asm.GNUSyntax(in))
}

func (a arm64) text(p []byte, pc uint64, name func(uint64) string) string {
	return wordText(p, pc, a.step(p, pc), a.one, name)
}

var decoding sync.Mutex

// oneAtATime decodes while no other goroutine does: the decoders of golang.org/x/arch
// for these three note, in tables without a lock, which formats they met.
func oneAtATime[T any](decode func() (T, error)) (T, error) {
	decoding.Lock()
	defer decoding.Unlock()
	return decode()
}

// wordText is the text of a step: of its one instruction, or of the two that make
// an address. one gives the text of the instruction at p, or "".
func wordText(p []byte, pc uint64, st step, one func([]byte, uint64) string, name func(uint64) string) string {
	s := one(p, pc)
	if s == "" {
		return unknownText(p[:min(st.n, len(p))])
	}
	if st.n == 8 && st.nops > 0 && len(p) >= 8 {
		if second := one(p[4:], pc+4); second != "" {
			s += "; " + second
		}
	}
	return withTarget(s, st, name)
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

// riscv is RISC-V with 64 bits, compressed instructions among them. auipc and the
// instruction after it that adds the rest of an address are one instruction here,
// of eight bytes. What adds the rest further on is known from bases, and so is what
// the global pointer holds; bases may be nil.
type riscv struct{ bases *bases }

var _ isa = riscv{}

func (riscv) bits() int { return 64 }
func (riscv) most() int { return 8 }
func (riscv) unit() int { return 2 }

func (r riscv) step(p []byte, pc uint64) step {
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
		s.add(operand{addr: pc + signed(imm, 21), n: 4, rel: true})
	case 0x63: // branches
		imm := w>>31<<12 | w>>7&1<<11 | w>>25&0x3f<<5 | w>>8&0xf<<1
		s.flow, mask = flowBranch, 0xfe000f80
		s.add(operand{addr: pc + signed(imm, 13), n: 4, rel: true})
	case 0x17: // auipc
		if next, low, size, fl, ok := riscvLow(p, w>>7&31); ok {
			s.n, s.flow = 8, fl
			s.add(operand{addr: pc + uint64(int64(int32(w&0xfffff000))) + low, n: 8, size: size, rel: true})
			s.number(uint64(w&0xfff)|uint64(next)<<32, 1)
			return s
		}
		mask = 0xfffff000
		s.add(operand{addr: pc + uint64(int64(int32(w&0xfffff000))), n: 4, rel: true})
		r.bases.made(&s, pc)
	case 0x67: // jalr
		if s.flow = flowCall; w>>7&31 == 0 {
			s.flow = flowEnd
		}
	default:
		if mask = r.counted(&s, w, pc); mask != 0 {
			break
		}
		if _, err := oneAtATime(func() (riscv64asm.Inst, error) { return riscv64asm.Decode(p) }); err != nil {
			s.bad = true
		}
	}
	s.number(uint64(w&^mask), uint64(s.nops))
	return s
}

// riscvGP is the global pointer.
const riscvGP = 3

// counted adds the address that an instruction counts from what a register is known to
// hold, and gives the bits of it that say how far; 0 when there is none.
func (r riscv) counted(s *step, w uint32, pc uint64) (mask uint32) {
	var low uint64
	size := uint8(1) << (w >> 12 & 3)
	switch w & 0x7f {
	case 0x13:
		if w>>12&7 != 0 {
			return 0
		}
		mask, low, size = 0xfff00000, signed(w>>20, 12), 0
	case 0x03, 0x07:
		mask, low = 0xfff00000, signed(w>>20, 12)
	case 0x23, 0x27:
		mask, low = 0xfe000f80, signed(w>>25<<5|w>>7&31, 12)
	default:
		return 0
	}
	base, ok := r.bases.at(pc)
	if w>>15&31 == riscvGP {
		base.value, ok = r.bases.anchor()
	}
	if !ok {
		return 0
	}
	s.add(operand{addr: base.value + low, n: 4, size: size, rel: true})
	return mask
}

// riscvLow reads the instruction after an auipc when it adds the low half of the
// address to the same register, reads or writes there, or goes there. next is it
// without the low half.
func riscvLow(p []byte, reg uint32) (next uint32, low uint64, size uint8, fl flow, ok bool) {
	if len(p) < 8 || p[4]&3 != 3 {
		return 0, 0, 0, 0, false
	}
	w := binary.LittleEndian.Uint32(p[4:])
	if w>>15&31 != reg {
		return 0, 0, 0, 0, false
	}
	low = signed(w>>20, 12)
	next = w & 0xfffff
	switch w & 0x7f {
	case 0x13: // addi
		return next, low, 0, flowNext, w>>12&7 == 0
	case 0x03, 0x07: // loads
		return next, low, 1 << (w >> 12 & 3), flowNext, true
	case 0x23, 0x27: // stores
		return w & 0x1fff07f, signed(w>>25<<5|w>>7&31, 12), 1 << (w >> 12 & 3), flowNext, true
	case 0x67: // jalr
		if w>>7&31 == 0 {
			return next, low, 0, flowJump, true
		}
		return next, low, 0, flowCall, true
	}
	return 0, 0, 0, 0, false
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
		s.add(operand{addr: pc + signed(imm, 12), n: 2, rel: true})
	case w&0xc003 == 0xc001: // c.beqz, c.bnez
		imm := w>>12&1<<8 | w>>10&3<<3 | w>>5&3<<6 | w>>3&3<<1 | w>>2&1<<5
		s.flow = flowBranch
		s.number(uint64(w&0xe383), 1)
		s.add(operand{addr: pc + signed(imm, 9), n: 2, rel: true})
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

func (riscv) one(p []byte, _ uint64) string {
	in, err := oneAtATime(func() (riscv64asm.Inst, error) { return riscv64asm.Decode(p) })
	if err != nil {
		return ""
	}
	return strings.ToLower(riscv64asm.GNUSyntax(in))
}

func (r riscv) text(p []byte, pc uint64, name func(uint64) string) string {
	return wordText(p, pc, r.step(p, pc), r.one, name)
}
