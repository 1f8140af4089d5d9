package executable

import (
	"golang.org/x/arch/x86/x86asm"
)

// taken reports whether a number in an instruction may be taken for an address, in
// programs that are not moved when they are loaded: the whole of where it reads,
// writes or leads to; or an instruction by which compilers handle addresses, and
// something begins or ends at the number on both sides. That such a number is an
// address nobody says: they are counted.
func (g *judging) taken(code []byte, x, y operand) bool {
	if i, ok := g.p.a.isa.(x86); ok {
		handles, alone := i.handlesAddress(code, x)
		if !handles || alone {
			return handles
		}
		return g.p.landmark(g.p.a, x.addr, false) && g.p.landmark(g.p.b, y.addr, true)
	}
	return true // both halves of it are put together as those of addresses are
}

// handlesAddress reports whether an instruction uses a number that it holds as an
// address, or passes it on as wide as one; alone, that it is all of an operand in
// memory, and so can be nothing else.
func (x x86) handlesAddress(code []byte, o operand) (handles, alone bool) {
	in, err := x86asm.Decode(code, x.mode)
	if err != nil {
		return false, false
	}
	imm := false
	for _, a := range in.Args {
		switch a := a.(type) {
		case x86asm.Mem:
			if v := uint64(a.Disp); v == o.addr || x.mode == 32 && v&0xffffffff == o.addr {
				return true, a.Base == 0 && a.Index == 0
			}
		case x86asm.Imm:
			imm = imm || uint64(a) == o.addr || x.mode == 32 && uint64(a)&0xffffffff == o.addr
		}
	}
	if !imm {
		return false, false
	}
	switch in.Op {
	case x86asm.PUSH:
		return true, false
	case x86asm.MOV:
		_, toMemory := in.Args[0].(x86asm.Mem)
		return !toMemory || in.MemBytes*8 == x.mode, false
	case x86asm.CMP, x86asm.ADD, x86asm.SUB:
		return in.DataSize == x.mode, false
	}
	return false, false
}

// landmark reports whether something is known to begin or to end at an address: a
// function, named data, a text, a region; or whether it lies in named data, where the
// name says which place it is.
func (p *pairing) landmark(of *program, addr uint64, isB bool) bool {
	r := of.at(addr)
	if r == nil {
		return true // an end, which is compared as such
	}
	if addr == r.addr {
		return true
	}
	if r.exec {
		if _, ok := p.identity(addr, isB); ok {
			return true
		}
		al := p.regions(r.name)
		return al == nil || al.code == nil || al.code.bodies == nil
	}
	if _, ok := of.data().at(addr); ok {
		return true
	}
	if r.empty {
		return addr%4 == 0
	}
	before, err := readAt(of.in, r.off+addr-r.addr-1, 1)
	return err == nil && (before[0] == 0 || addr%8 == 0)
}
