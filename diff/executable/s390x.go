package executable

import (
	"encoding/binary"
	"strings"

	"golang.org/x/arch/s390x/s390xasm"
)

// s390x is z/Architecture with 64 bits: instructions of two, four or six bytes, as
// their first two bits say, whose numbers have the most significant byte first. Those
// that address by the instruction counter count in halves of a word.
type s390x struct{}

var _ isa = s390x{}

func (s390x) bits() int { return 64 }
func (s390x) most() int { return 6 }
func (s390x) unit() int { return 2 }

// length is how many bytes an instruction has, from its first.
func (s390x) length(first byte) int {
	switch first >> 6 {
	case 0:
		return 2
	case 3:
		return 6
	}
	return 4
}

func (z s390x) step(p []byte, pc uint64) step {
	n := z.length(p[0])
	if n > len(p) {
		return unknown(p)
	}
	p = p[:n]
	s := step{n: n}
	near := func(f flow) {
		s.flow = f
		s.add(operand{addr: pc + 2*uint64(int64(int16(binary.BigEndian.Uint16(p[2:])))), at: 2, n: 2, rel: true})
	}
	far := func(f flow, size uint8) {
		s.flow = f
		s.add(operand{addr: pc + 2*uint64(int64(int32(binary.BigEndian.Uint32(p[2:])))), at: 2, n: 4, size: size, rel: true})
	}
	conditional := func() flow {
		if p[1]>>4 == 15 {
			return flowJump
		}
		return flowBranch
	}
	switch op, ext := p[0], p[min(1, n-1)]&15; {
	case op == 0x07: // bcr
		switch {
		case p[1]>>4 == 15 && ext != 0:
			s.flow = flowEnd
		case p[1] == 0 || p[1] == 0x07:
			s.flow = flowPad
		}
	case op == 0x0d && ext != 0, op == 0x0a: // basr, svc
		s.flow = flowCall
	case op == 0xa7 && ext == 4: // brc
		near(conditional())
	case op == 0xa7 && ext == 5: // bras
		near(flowCall)
	case op == 0xa7 && (ext == 6 || ext == 7), op == 0x84, op == 0x85: // brct, brxh, brxle
		near(flowBranch)
	case op == 0xec && s390xCompares(p[5]):
		near(flowBranch)
	case op == 0xc0 && ext == 0: // larl
		far(flowNext, 0)
	case op == 0xc0 && ext == 4 && p[1]>>4 == 0: // brcl that never branches
		if binary.BigEndian.Uint32(p[2:]) == 0 {
			s.flow = flowPad
		}
	case op == 0xc0 && ext == 4:
		far(conditional(), 0)
	case op == 0xc0 && ext == 5: // brasl
		far(flowCall, 0)
	case op == 0xcc && ext == 6: // brcth
		far(flowBranch, 0)
	case op == 0xc4, op == 0xc6: // loads, stores and comparisons
		if size, ok := s390xRelative(op, ext); ok {
			far(flowNext, size)
		}
	case op == 0:
		s.bad = true
	}
	s.raw(p)
	return s
}

// s390xCompares reports the last byte of an instruction that compares and branches.
func s390xCompares(last byte) bool {
	switch last {
	case 0x44, 0x45, 0x64, 0x65, 0x76, 0x77, 0x7c, 0x7d, 0x7e, 0x7f:
		return true
	}
	return false
}

// s390xRelative gives how many bytes an instruction reads or writes where it points to;
// 0 when it does neither by itself.
func s390xRelative(op, ext byte) (size uint8, ok bool) {
	switch ext {
	case 0x0: // exrl
		return 0, op == 0xc6
	case 0x2: // llhrl, pfdrl
		if op == 0xc6 {
			return 0, true
		}
		return 2, true
	case 0x4, 0x5, 0x6, 0x7:
		return 2, true
	case 0x8:
		return 8, true
	case 0xa:
		return 8, op == 0xc6
	case 0xb:
		return 8, op == 0xc4
	case 0xc, 0xd, 0xe, 0xf:
		return 4, true
	}
	return 0, false
}

func (z s390x) text(p []byte, pc uint64, name func(uint64) string) string {
	st := z.step(p, pc)
	in, err := oneAtATime(func() (s390xasm.Inst, error) { return s390xasm.Decode(p[:min(st.n, len(p))]) })
	s := unknownText(p[:min(st.n, len(p))])
	if err == nil && in.Op != 0 {
		s = strings.ReplaceAll(s390xasm.GNUSyntax(in, pc), "\t", " ")
	}
	return withTarget(s, st, name)
}
