package executable

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// x86 is the 32-bit and 64-bit instruction set. mapped reports whether a number
// is an address of the program, so that a constant operand may be one.
type x86 struct {
	mode   int
	mapped func(uint64) bool
}

var _ isa = x86{}

func (x x86) bits() int { return x.mode }
func (x x86) most() int { return 15 }
func (x x86) unit() int { return 1 }

func (x x86) step(p []byte, pc uint64) step {
	if n := known(p); n > 0 {
		s := step{n: n}
		s.raw(p[:n])
		return s
	}
	in, err := x86asm.Decode(p, x.mode)
	// The decoder gives some instructions that it does not know without an error
	// and without an operation.
	if err != nil || in.Op == 0 || in.Len <= 0 || in.Len > len(p) {
		return unknown(p[:1])
	}
	s := step{n: in.Len, flow: x86Flow(&in)}
	if in.PCRel > 0 {
		target := pc + uint64(in.Len) + relative(p[in.PCRelOff:], in.PCRel)
		if x.mode == 32 {
			target &= 0xffffffff
		}
		s.add(operand{addr: target, at: uint8(in.PCRelOff), n: uint8(in.PCRel)})
		if s.flow != flowNext {
			// Short and long forms of one branch are the same branch.
			s.number(uint64(in.Op)<<8|uint64(in.DataSize), 1<<63)
			return s
		}
	}
	x.constants(p[:in.Len], &in, &s)
	s.raw(p[:in.Len])
	return s
}

// known are instructions that the decoder does not know, and that compilers
// write: endbr64, endbr32, notrack jumps are left to it.
func known(p []byte) int {
	if len(p) >= 4 && p[0] == 0xf3 && p[1] == 0x0f && p[2] == 0x1e && (p[3] == 0xfa || p[3] == 0xfb) {
		return 4
	}
	return 0
}

func relative(p []byte, n int) uint64 {
	switch n {
	case 1:
		return uint64(int64(int8(p[0])))
	case 2:
		return uint64(int64(int16(binary.LittleEndian.Uint16(p))))
	}
	return uint64(int64(int32(binary.LittleEndian.Uint32(p))))
}

// constants finds displacements and immediates that are addresses of the
// program. They stand at the end of an instruction, displacement first.
func (x x86) constants(p []byte, in *x86asm.Inst, s *step) {
	if x.mapped == nil {
		return
	}
	for _, a := range in.Args {
		var v uint64
		switch a := a.(type) {
		case x86asm.Imm:
			v = uint64(a)
		case x86asm.Mem:
			if a.Base == x86asm.RIP || a.Base == x86asm.EIP {
				continue
			}
			v = uint64(a.Disp)
		default:
			continue
		}
		if x.mode == 32 {
			v &= 0xffffffff
		}
		if !x.mapped(v) {
			continue
		}
		if at, n := held(p, v, s); n > 0 {
			s.add(operand{addr: v, at: uint8(at), n: uint8(n)})
		}
	}
}

// held finds the bytes that hold a number, from the end on.
func held(p []byte, v uint64, s *step) (at, n int) {
	for _, n := range []int{8, 4} {
		for at := len(p) - n; at > 0; at-- {
			var got uint64
			if n == 8 {
				got = binary.LittleEndian.Uint64(p[at:])
			} else {
				got = uint64(int64(int32(binary.LittleEndian.Uint32(p[at:]))))
				if got != v {
					got &= 0xffffffff
				}
			}
			taken := false
			for _, o := range s.ops[:s.nops] {
				taken = taken || at < int(o.at)+int(o.n) && int(o.at) < at+n
			}
			if got == v && !taken {
				return at, n
			}
		}
	}
	return 0, 0
}

func x86Flow(in *x86asm.Inst) flow {
	switch in.Op {
	case x86asm.CALL:
		return flowCall
	case x86asm.JMP:
		return flowJump
	case x86asm.RET, x86asm.LRET, x86asm.IRET, x86asm.IRETD, x86asm.IRETQ, x86asm.HLT, x86asm.UD2, x86asm.LJMP, x86asm.SYSEXIT, x86asm.SYSRET:
		return flowEnd
	case x86asm.NOP:
		return flowPad
	case x86asm.INT:
		if in.Args[0] == x86asm.Imm(3) {
			return flowPad
		}
	case x86asm.JA, x86asm.JAE, x86asm.JB, x86asm.JBE, x86asm.JCXZ, x86asm.JE, x86asm.JECXZ, x86asm.JG, x86asm.JGE, x86asm.JL, x86asm.JLE,
		x86asm.JNE, x86asm.JNO, x86asm.JNP, x86asm.JNS, x86asm.JO, x86asm.JP, x86asm.JRCXZ, x86asm.JS, x86asm.LOOP, x86asm.LOOPE, x86asm.LOOPNE:
		return flowBranch
	}
	return flowNext
}

func (x x86) text(p []byte, pc uint64, name func(uint64) string) string {
	if known(p) > 0 {
		if p[3] == 0xfa {
			return "endbr64"
		}
		return "endbr32"
	}
	in, err := x86asm.Decode(p, x.mode)
	if err != nil || in.Op == 0 || in.Len <= 0 || in.Len > len(p) {
		return unknownText(p[:1])
	}
	for i, a := range in.Args {
		if m, ok := a.(x86asm.Mem); ok && x.mode == 64 && m.Disp > 0x7fffffff && m.Disp <= 0xffffffff {
			m.Disp -= 1 << 32 // the decoder does not extend its sign
			in.Args[i] = m
		}
	}
	s := x86asm.IntelSyntax(in, pc, func(addr uint64) (string, uint64) {
		if n := name(addr); n != "" {
			return n, addr
		}
		return "", 0
	})
	s = strings.Join(strings.Fields(s), " ")
	if st := x.step(p, pc); st.nops > 0 {
		for _, o := range st.ops[:st.nops] {
			if n := name(o.addr); n != "" && !strings.Contains(s, n) {
				s += "  # " + n
			}
		}
	}
	return s
}

func unknownText(p []byte) string { return fmt.Sprintf(".byte % x", p) }
