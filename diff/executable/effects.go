package executable

import "encoding/binary"

var _, _, _ tracked = arm64{}, riscv{}, ppc64{}

// saved is x19 to x29.
func (arm64) saved() uint32 { return 0x3ff80000 }

// effect errs on the side of registers that are written, as the others here do.
func (a arm64) effect(p []byte, pc uint64) effect {
	if len(p) < 4 {
		return effect{n: len(p), flow: flowEnd, sets: -1, from: -1}
	}
	w := binary.LittleEndian.Uint32(p)
	e := effect{n: 4, sets: -1, from: -1}
	switch {
	case w>>26 == 0x05:
		e.flow, e.to = flowJump, pc+signed(w, 26)<<2
	case w>>26 == 0x25:
		e.flow, e.to = flowCall, pc+signed(w, 26)<<2
	case w>>24 == 0x54, w>>25&0x3f == 0x1a:
		e.flow, e.to = flowBranch, pc+signed(w>>5, 19)<<2
	case w>>25&0x3f == 0x1b:
		e.flow, e.to = flowBranch, pc+signed(w>>5, 14)<<2
	case w&0xfffffc1f == 0xd63f0000, w&0xffe0001f == 0xd4000001: // blr, svc
		e.flow = flowCall
	case w&0xfffffc1f == 0xd65f0000, w&0xfffffc1f == 0xd61f0000, w&0xffe0001f == 0xd4200000:
		e.flow = flowEnd
	case w&0x9f000000 == 0x90000000: // adrp
		e.sets, e.rel, e.value = int8(w&31), true, pc&^0xfff+signed(w>>3&^3|w>>29&3, 21)<<12
	case w&0xffc00000 == 0x91000000: // add
		e.from, e.low, e.kills = int8(w>>5&31), uint64(w>>10&0xfff), 1<<(w&31)
	case w&0x3b000000 == 0x39000000: // loads and stores
		e.from, e.low, e.size = int8(w>>5&31), uint64(w>>10&0xfff)<<arm64Scale(w), 1<<arm64Scale(w)
		if w>>26&1 == 0 && w>>22&3 != 0 {
			e.kills = 1 << (w & 31)
		}
	case w&0x0a000000 == 0x08000000: // other loads and stores
		e.kills = 1 << (w >> 5 & 31)
		if w>>26&1 == 0 {
			e.kills |= 1<<(w&31) | 1<<(w>>10&31) | 1<<(w>>16&31)
		}
	default:
		e.kills = 1 << (w & 31)
	}
	e.kills &^= 1 << 31 // the stack pointer, or zero
	return e
}

// arm64Scale is the power of two of the bytes that a load or store is about.
func arm64Scale(w uint32) uint32 {
	if w&0x04800000 == 0x04800000 {
		return 4 // 128 bits
	}
	return w >> 30
}

// saved is sp, gp, tp, s0 to s11.
func (riscv) saved() uint32 { return 0x0ffc031c }

func (r riscv) effect(p []byte, pc uint64) effect {
	e := effect{sets: -1, from: -1}
	if len(p) < 2 || p[0]&3 == 3 && len(p) < 4 {
		e.n, e.flow = len(p), flowEnd
		return e
	}
	if p[0]&3 != 3 {
		st := riscvShort(p, pc)
		w := uint32(binary.LittleEndian.Uint16(p))
		e.n, e.flow = 2, st.flow
		if st.nops > 0 {
			e.to = st.ops[0].addr
		}
		// Both places in which a register that is written may stand.
		e.kills = 1 << (w >> 7 & 31)
		if w&3 != 2 {
			e.kills |= 1<<(w>>7&7+8) | 1<<(w>>2&7+8)
		}
		return e
	}
	w := binary.LittleEndian.Uint32(p)
	rd, rs := w>>7&31, int8(w>>15&31)
	e.n, e.kills = 4, 1<<rd
	switch w & 0x7f {
	case 0x6f:
		st := r.step(p[:4], pc)
		e.flow, e.to = st.flow, st.ops[0].addr
	case 0x63:
		st := r.step(p[:4], pc)
		e.flow, e.to, e.kills = flowBranch, st.ops[0].addr, 0
	case 0x17:
		e.sets, e.rel, e.value = int8(rd), true, pc+uint64(int64(int32(w&0xfffff000)))
	case 0x67:
		if e.flow = flowCall; rd == 0 {
			e.flow = flowEnd
		}
	case 0x13:
		if w>>12&7 == 0 {
			e.from, e.low = rs, signed(w>>20, 12)
		}
	case 0x03:
		e.from, e.low, e.size = rs, signed(w>>20, 12), 1<<(w>>12&3)
	case 0x07: // of floating point registers
		e.from, e.low, e.size, e.kills = rs, signed(w>>20, 12), 1<<(w>>12&3), 0
	case 0x23, 0x27:
		e.from, e.low, e.size, e.kills = rs, signed(w>>25<<5|w>>7&31, 12), 1<<(w>>12&3), 0
	}
	e.kills &^= 1
	return e
}
