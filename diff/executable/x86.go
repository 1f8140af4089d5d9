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
		return x.vexStep(p, pc)
	}
	x.vexRelative(p, &in)
	s := step{n: in.Len, flow: x86Flow(&in)}
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

// vexStep is the step over an instruction with a VEX or an EVEX prefix that the
// decoder does not know: its length and what its operand points to follow from
// its first bytes.
func (x x86) vexStep(p []byte, pc uint64) step {
	n, at := x.vexLength(p)
	if n == 0 || n > len(p) {
		return unknown(p[:1])
	}
	s := step{n: n}
	if at > 0 {
		s.add(operand{addr: pc + uint64(n) + relative(p[at:], 4), at: uint8(at), n: 4, rel: true})
	}
	s.raw(p[:n])
	return s
}

// vexLength gives the length of an instruction with a VEX or an EVEX prefix in
// 64-bit code, and where in it the distance to its operand lies, when it is
// counted from the next instruction; 0 for what is none.
func (x x86) vexLength(p []byte) (n, at int) {
	if x.mode != 64 || len(p) < 5 {
		return 0, 0
	}
	var table byte // of operations
	switch p[0] {
	case 0xc5:
		n, table = 2, 1
	case 0xc4:
		n, table = 3, p[1]&0x1f
	case 0x62:
		n, table = 4, p[1]&7
	default:
		return 0, 0
	}
	if table == 0 || table > 6 || len(p) < n+2 {
		return 0, 0
	}
	op, form := p[n], p[n+1]
	n++
	if table == 1 && op == 0x77 {
		return n, 0 // vzeroupper has no operand
	}
	n++
	switch mod, rm := form>>6, form&7; {
	case mod == 3:
	case mod == 0 && rm == 5:
		at, n = n, n+4
	default:
		if rm == 4 && n < len(p) {
			if mod == 0 && p[n]&7 == 5 {
				n += 4
			}
			n++
		}
		n += [3]int{0, 1, 4}[mod]
	}
	if table == 3 || table == 1 && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6) {
		n++ // a constant
	}
	return n, at
}

// vexRelative finds what the decoder leaves out of instructions with a VEX or an
// EVEX prefix: that their memory operand is counted from the next instruction.
func (x x86) vexRelative(p []byte, in *x86asm.Inst) {
	if x.mode != 64 || in.PCRel > 0 {
		return
	}
	at := 0 // of the byte after the opcode
	switch p[0] {
	case 0xc5:
		at = 3
	case 0xc4:
		at = 4
	case 0x62:
		at = 5
	}
	if at == 0 || at+5 > in.Len || p[at]&0xc7 != 0x05 {
		return
	}
	for i, a := range in.Args {
		if m, ok := a.(x86asm.Mem); ok && m.Base == 0 && m.Index == 0 {
			m.Base = x86asm.RIP
			in.Args[i], in.PCRel, in.PCRelOff = m, 4, at+1
		}
	}
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
	in, err := x86asm.Decode(p, x.mode)
	if err != nil || in.Op == 0 || in.Len <= 0 || in.Len > len(p) {
		return withTarget(unknownText(p[:x.vexStep(p, pc).n]), x.vexStep(p, pc), name)
	}
	x.vexRelative(p, &in)
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
