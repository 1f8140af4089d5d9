package executable

import (
	"encoding/binary"
)

// textLength gives the length of the text whose address instruction i takes, where
// the program keeps it beside the address as Go does: in the next register of its
// calling convention, or in the next word of memory. It is 0 when it is not there:
// any other number near the address may be about something else.
func textLength(s *stream, i int) uint64 {
	at := addressTaken(s.code(i))
	if at < 0 {
		return 0
	}
	// The address may be stored, and the length beside it.
	base, disp, stored := byte(0), int32(0), false
	for k := i + 1; k < min(i+5, len(s.ins)) && !stored; k++ {
		var reg int
		if reg, base, disp, stored = storedRegister(s.code(k)); stored && reg != at {
			stored = false
		}
		if s.ins[k].flow != flowNext {
			break
		}
	}
	for _, k := range [...]int{i + 1, i + 2, i + 3, i + 4, i - 1, i - 2, i - 3} {
		if k < 0 || k >= len(s.ins) || k > i+1 && s.ins[k-1].flow != flowNext || k < i && s.ins[k].flow != flowNext {
			continue
		}
		if reg, v, ok := constantMoved(s.code(k)); ok && nextRegister[at] != 0 && reg == int(nextRegister[at]) && v < maxEvidence {
			return uint64(v)
		}
		if b, d, v, ok := constantStored(s.code(k)); ok && stored && b == base && (d == disp+8 || d == disp+4) && v < maxEvidence {
			return uint64(v)
		}
	}
	return 0
}

// nextRegister is what follows a register where Go passes arguments, by the numbers
// that instructions of x86 have for them; 0 for none.
var nextRegister = [16]byte{0: 3, 3: 1, 1: 7, 7: 6, 6: 8, 8: 9, 9: 10, 10: 11}

// rex takes the prefix of 64-bit operands and further registers off.
func rex(p []byte) (byte, []byte) {
	if len(p) > 0 && p[0]&0xf0 == 0x40 {
		return p[0] & 0xf, p[1:]
	}
	return 0, p
}

// addressTaken is the register that lea puts an address into that is in the
// instruction itself; -1 when it is another instruction.
func addressTaken(p []byte) int {
	r, p := rex(p)
	if len(p) != 6 || p[0] != 0x8d || p[1]&0xc7 != 5 {
		return -1
	}
	return int(p[1]>>3&7 | r&4<<1)
}

// constantMoved is the register into which an instruction moves a constant.
func constantMoved(p []byte) (reg int, v uint32, ok bool) {
	r, p := rex(p)
	switch {
	case len(p) == 5 && p[0]&0xf8 == 0xb8:
		return int(p[0]&7 | r&1<<3), binary.LittleEndian.Uint32(p[1:]), true
	case len(p) == 6 && p[0] == 0xc7 && p[1]&0xf8 == 0xc0:
		return int(p[1]&7 | r&1<<3), binary.LittleEndian.Uint32(p[2:]), true
	}
	return 0, 0, false
}

// memory reads the operand in memory that begins at its form: the register it is
// counted from and the distance. n is its length; 0 when it has an index.
func memory(r byte, p []byte) (base byte, disp int32, n int) {
	if len(p) < 1 || p[0]>>6 == 3 || p[0]&0xc7 == 5 {
		return 0, 0, 0
	}
	base, n = p[0]&7|r&1<<3, 1
	if p[0]&7 == 4 {
		if len(p) < 2 || p[1] != 0x24 {
			return 0, 0, 0
		}
		n = 2
	}
	switch p[0] >> 6 {
	case 1:
		if len(p) < n+1 {
			return 0, 0, 0
		}
		return base, int32(int8(p[n])), n + 1
	case 2:
		if len(p) < n+4 {
			return 0, 0, 0
		}
		return base, int32(binary.LittleEndian.Uint32(p[n:])), n + 4
	}
	return base, 0, n
}

// storedRegister is the register that an instruction stores as a whole, and where.
func storedRegister(p []byte) (reg int, base byte, disp int32, ok bool) {
	r, p := rex(p)
	if len(p) < 2 || p[0] != 0x89 {
		return 0, 0, 0, false
	}
	base, disp, n := memory(r, p[1:])
	return int(p[1]>>3&7 | r&4<<1), base, disp, n > 0 && 1+n == len(p)
}

// constantStored is a constant that an instruction stores, and where.
func constantStored(p []byte) (base byte, disp int32, v uint32, ok bool) {
	r, p := rex(p)
	if len(p) < 2 || p[0] != 0xc7 || p[1]>>3&7 != 0 {
		return 0, 0, 0, false
	}
	base, disp, n := memory(r, p[1:])
	if n == 0 || 1+n+4 != len(p) {
		return 0, 0, 0, false
	}
	return base, disp, binary.LittleEndian.Uint32(p[1+n:]), true
}
