package executable

import "encoding/binary"

// isa decodes the instructions of one architecture.
type isa interface {
	// step decodes the instruction at the beginning of p, which is not empty. What
	// cannot be decoded is a step of at least one byte that is bad.
	step(p []byte, pc uint64) step
	// text writes it as GNU tools do. name gives what an address is called, or "".
	text(p []byte, pc uint64, name func(uint64) string) string
	// bits is the size of an address.
	bits() int
	// most is the length of the longest instruction; unit that of the shortest,
	// at a multiple of which instructions begin.
	most() int
	unit() int
}

// flow is where execution goes after an instruction.
type flow uint8

const (
	flowNext flow = iota
	flowCall
	flowJump
	flowBranch // to its target or on
	flowEnd    // a return, or nobody knows where to
	flowPad    // it does nothing and fills space
)

// step is a decoded instruction.
type step struct {
	n    int  // bytes
	bad  bool // not an instruction that is known
	flow flow
	// plain is the instruction without the addresses that its operands hold, and
	// token its hash.
	plain [16]byte
	token uint64
	ops   [2]operand
	nops  int
}

// operand is an address that an instruction holds.
type operand struct {
	addr  uint64 // where it points to
	at, n uint8  // which bytes of the instruction hold it
	size  uint8  // how many bytes the instruction reads or writes there; 0 when that is not known
	rel   bool   // it is counted from the instruction: not a number that may be something else
	half  bool   // it is the upper part of an address, and nobody knows of which
}

func (s *step) add(o operand) {
	if s.nops < len(s.ops) {
		s.ops[s.nops] = o
		s.nops++
	}
}

// number makes a step's plain form from numbers.
func (s *step) number(vs ...uint64) {
	for i, v := range vs {
		binary.LittleEndian.PutUint64(s.plain[8*i:], v)
	}
	s.hash()
}

// raw makes a step's plain form from its bytes; addresses are cleared.
func (s *step) raw(p []byte) {
	n := copy(s.plain[:15], p)
	for _, o := range s.ops[:s.nops] {
		clear(s.plain[o.at : o.at+o.n])
	}
	s.plain[15] = byte(s.nops)<<4 | byte(n)
	s.hash()
}

func (s *step) hash() { s.token = hash(hashStart, s.plain[:]) }

// unknown is a step over bytes that are no instruction.
func unknown(p []byte) step {
	s := step{n: len(p), bad: true}
	s.raw(p)
	return s
}

// hashes are FNV-1a's. They only find what may be equal: it is then compared.
const (
	hashStart = 14695981039346656037
	hashPrime = 1099511628211
)

func hash(h uint64, p []byte) uint64 {
	for _, c := range p {
		h = (h ^ uint64(c)) * hashPrime
	}
	return h
}

func hashNumber(h, v uint64) uint64 {
	for range 8 {
		h = (h ^ v&0xff) * hashPrime
		v >>= 8
	}
	return h
}
