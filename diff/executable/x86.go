package executable

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// x86 is the 32-bit and 64-bit instruction set. mapped reports whether a number
// is an address of the program, so that a constant operand may be one; bound gives
// the entry of the table of imports that a jump stub at pc pushes the number of. Both
// may be nil.
type x86 struct {
	mode   int
	mapped func(uint64) bool
	bound  func(pc, number uint64) (entry uint64, ok bool)
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
	in, ok := x.decode(p)
	if !ok {
		return x.shaped(p, pc, x.shape(p))
	}
	s := step{n: in.Len, flow: x86Flow(&in)}
	if p[0] == 0x68 && in.Len == 5 && x.bound != nil { // push of a number of 32 bits
		if entry, ok := x.bound(pc, uint64(binary.LittleEndian.Uint32(p[1:]))); ok {
			s.add(operand{addr: entry, at: 1, n: 4, rel: true})
			s.raw(p[:in.Len])
			return s
		}
	}
	if in.PCRel > 0 {
		target := pc + uint64(in.Len) + relative(p[in.PCRelOff:], in.PCRel)
		if x.mode == 32 {
			target &= 0xffffffff
		}
		s.add(operand{addr: target, at: uint8(in.PCRelOff), n: uint8(in.PCRel), size: accessed(&in), rel: true})
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

// decode decodes what the decoder knows, and gets right.
func (x x86) decode(p []byte) (x86asm.Inst, bool) {
	switch p[0] {
	case 0x62, 0x8f, 0xc4, 0xc5, 0xd5, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x67:
		if x.shape(p).vector {
			return x86asm.Inst{}, false
		}
	}
	in, err := x86asm.Decode(p, x.mode)
	// The decoder gives some instructions that it does not know without an error
	// and without an operation.
	return in, err == nil && in.Op != 0 && in.Len > 0 && in.Len <= len(p)
}

// decodeText decodes what can be written, a few instructions with a VEX prefix
// among them: the decoder leaves out that their memory operand is counted from the
// next instruction.
func (x x86) decodeText(p []byte) (x86asm.Inst, bool) {
	s := x.shape(p)
	if !s.vector {
		return x.decode(p)
	}
	in, err := x86asm.Decode(p, x.mode)
	if err != nil || in.Op == 0 || in.Len != s.n {
		return in, false
	}
	for i, a := range in.Args {
		if m, ok := a.(x86asm.Mem); ok && s.rip && m.Base == 0 && m.Index == 0 {
			m.Base = x86asm.RIP
			in.Args[i], in.PCRel, in.PCRelOff = m, 4, s.disp
		}
	}
	return in, true
}

// accessed is how many bytes an instruction reads or writes at the address in
// its operand; 0 when it only takes the address.
func accessed(in *x86asm.Inst) uint8 {
	if in.Op == x86asm.LEA || in.MemBytes < 0 || in.MemBytes > 64 {
		return 0
	}
	return uint8(in.MemBytes)
}

// known are instructions that compilers write and that the decoder does not know,
// or gets wrong: endbr64, endbr32, vzeroupper; notrack jumps are left to it.
func known(p []byte) int {
	if len(p) >= 4 && p[0] == 0xf3 && p[1] == 0x0f && p[2] == 0x1e && (p[3] == 0xfa || p[3] == 0xfb) {
		return 4
	}
	// The decoder takes the byte after vzeroupper for a part of it.
	if len(p) >= 3 && p[0] == 0xc5 && p[1]&^4 == 0xf8 && p[2] == 0x77 {
		return 3
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
	switch n := known(p); {
	case n == 3 && p[1] == 0xf8:
		return "vzeroupper"
	case n == 3:
		return "vzeroall"
	case n == 4 && p[3] == 0xfa:
		return "endbr64"
	case n == 4:
		return "endbr32"
	}
	in, ok := x.decodeText(p)
	if !ok {
		return withTarget(unknownText(p[:x.step(p, pc).n]), x.step(p, pc), name)
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
