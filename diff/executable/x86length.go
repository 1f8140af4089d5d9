package executable

import "encoding/binary"

// shape is what the length of an instruction follows from.
type shape struct {
	n int // bytes; 0 for what is no instruction
	// disp is where a displacement of four bytes lies, 0 for none; rip says that it
	// is counted from the next instruction.
	disp   int
	rip    bool
	vector bool // the prefix is VEX, EVEX, XOP or REX2
	flow   flow
	width  uint8 // bytes of a whole vector that it moves; 0 when that is not known
}

// What follows an opcode, one letter for each of 256: m has a byte of operands
// (ModRM), b and w a constant of 8 and 16 bits, z one of 16 or 32, v one of 16, 32
// or 64 bits, o an address; B and Z are m with b and z, f and F are B and Z for two
// of eight operations and m for the others, j is a distance, e is w with b, p is a
// far address, s is m with two bytes of constants after some prefixes; x is no
// instruction; q, Q and a are none in 64-bit code, else like 0, B and b; 0 has nothing.
const (
	oneByte = "mmmmbzqqmmmmbzqx" + "mmmmbzqqmmmmbzqq" + // 0f is another map
		"mmmmbz0qmmmmbz0q" + "mmmmbz0qmmmmbz0q" +
		"0000000000000000" + "0000000000000000" + // 40 to 4f are REX in 64-bit code
		"qqmm0000zZbB0000" + "bbbbbbbbbbbbbbbb" +
		"BZQBmmmmmmmmmmmm" + "0000000000p00000" +
		"oooo0000bz000000" + "bbbbbbbbvvvvvvvv" +
		"BBw0mmBZe0w00bq0" + "mmmmaaq0mmmmmmmm" +
		"bbbbbbbbjjpb0000" + "000000fF000000mm"
	twoBytes = "mmmmx00000x0xm0Bmmmmmmmmmmmmmmmm" +
		"mmmmxxxxmmmmmmmm" + "00000000xxxxxxxx" +
		"mmmmmmmmmmmmmmmm" + "mmmmmmmmmmmmmmmm" +
		"mmmmmmmmmmmmmmmm" + "BBBBmmm0smxxmmmm" +
		"jjjjjjjjjjjjjjjj" + "mmmmmmmmmmmmmmmm" +
		"000mBmmm000mBmmm" + "mmmmmmmmmmBmmmmm" +
		"mmBmBBBm00000000" + "mmmmmmmmmmmmmmmm" +
		"mmmmmmmmmmmmmmmm" + "mmmmmmmmmmmmmmmm"
)

// prefixes is what stands before an opcode.
type prefixes struct {
	data16, addr, wide bool // 66, 67, and 64-bit operands
	repeat, other      bool // f2 or f3; 66, f2, f3 or lock
}

// shape finds the length of an instruction without a table of all instructions:
// the maps of opcodes say what follows them. p may be longer.
func (x x86) shape(p []byte) shape {
	if len(p) > x.most() {
		p = p[:x.most()]
	}
	var pre prefixes
	i := 0
	for ; i < len(p); i++ {
		switch p[i] {
		case 0x66:
			pre.data16, pre.other = true, true
			continue
		case 0xf2, 0xf3:
			pre.repeat, pre.other = true, true
			continue
		case 0xf0:
			pre.other = true
			continue
		case 0x67:
			pre.addr = true
			continue
		case 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65:
			continue
		}
		break
	}
	if i+1 < len(p) && !pre.other {
		if s, ok := x.vector(p, i, pre); ok {
			return s
		}
	}
	if i+2 < len(p) && x.mode == 64 && p[i] == 0xd5 {
		return x.extended(p, i, pre)
	}
	if x.mode == 64 && i < len(p) && p[i]&0xf0 == 0x40 {
		pre.wide = p[i]&8 != 0
		i++
		// A prefix after this one makes it void; nobody writes that.
	}
	if i >= len(p) {
		return shape{}
	}
	if p[i] != 0x0f {
		return x.after(p, i+1, oneByte[p[i]], pre)
	}
	if i+2 >= len(p) && (i+1 >= len(p) || p[i+1] == 0x38 || p[i+1] == 0x3a) {
		return shape{}
	}
	switch c := p[i+1]; c {
	case 0x38:
		return x.after(p, i+3, 'm', pre)
	case 0x3a:
		return x.after(p, i+3, 'B', pre)
	default:
		return x.after(p, i+2, twoBytes[c], pre)
	}
}

// vector is the shape of an instruction whose prefix VEX, EVEX or XOP begins at i;
// false when none does.
func (x x86) vector(p []byte, i int, pre prefixes) (shape, bool) {
	at, table := 0, byte(0)
	next := p[i+1]
	switch {
	case p[i] == 0x8f && next&0x1f >= 8: // else it is pop
		at, table = i+3, next&0x1f
	case p[i] != 0xc4 && p[i] != 0xc5 && p[i] != 0x62 || x.mode == 32 && next>>6 != 3:
		return shape{}, false // in 32-bit code, lds, les and bound
	case p[i] == 0xc5:
		at, table = i+2, 1
	case p[i] == 0xc4:
		at, table = i+3, next&0x1f
	default:
		at, table = i+4, next&7
	}
	if at >= len(p) {
		return shape{vector: true}, true
	}
	op := p[at]
	kind := byte('x')
	switch {
	case p[i] == 0x8f:
		kind = [...]byte{'B', 'm', 'Z'}[min(table, 10)-8]
		if table > 10 {
			kind = 'x'
		}
	case table == 1 && op == 0x77 && p[i] != 0x62:
		kind = '0' // vzeroupper and vzeroall
	case table == 1 && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6):
		kind = 'B'
	case table == 1, table == 2, table == 5 || table == 6:
		kind = 'm'
	case table == 3:
		kind = 'B'
	case table == 7:
		kind = 'Z'
	case table == 4 && p[i] == 0x62:
		kind = promoted(op)
		pre.data16 = p[i+2]&3 == 1
	}
	s := x.after(p, at+1, kind, pre)
	s.vector = true
	if table == 1 && op != 0x77 {
		s.width = vectorWidth(p[i:at], op)
	}
	return s, true
}

// vectorWidth is how many bytes the instructions move that move a whole vector.
func vectorWidth(prefix []byte, op byte) uint8 {
	last := prefix[len(prefix)-1]
	kind, long := last&3, last>>2&1
	if prefix[0] == 0x62 {
		kind, long = prefix[2]&3, last>>5&3
	}
	switch whole := op == 0x6f || op == 0x7f; {
	case whole && kind != 0, (op == 0x10 || op == 0x11 || op == 0x28 || op == 0x29) && kind < 2:
		if long < 3 {
			return 16 << long
		}
	}
	return 0
}

// promoted is what follows the opcode of an older instruction that EVEX gives
// more registers.
func promoted(op byte) byte {
	switch op {
	case 0x24, 0x2c: // shld and shrd
		return 'B'
	case 0x69, 0x6b, 0x80, 0x81, 0x83, 0xc0, 0xc1, 0xf6, 0xf7:
		return oneByte[op]
	}
	return 'm'
}

// extended is the shape of an instruction whose prefix REX2 begins at i.
func (x x86) extended(p []byte, i int, pre prefixes) shape {
	pre.wide = p[i+1]&8 != 0
	table, op := oneByte, p[i+2]
	if p[i+1]&0x80 != 0 {
		table = twoBytes
	}
	var s shape
	switch kind := table[op]; {
	case p[i+1]&0x80 == 0 && op == 0xa1: // jmpabs
		s = shape{n: i + 3 + 8, flow: flowJump}
	case p[i+1]&0x80 == 0 && (op>>4 == 4 || op>>4 == 7 || op>>4 == 0xa || op>>4 == 0xe), p[i+1]&0x80 != 0 && (op>>4 == 3 || op>>4 == 8):
	default:
		s = x.after(p, i+3, kind, pre)
		if p[i+1]&0x80 == 0 && op == 0xff && i+3 < len(p) {
			switch p[i+3] >> 3 & 7 {
			case 2:
				s.flow = flowCall
			case 4:
				s.flow = flowJump
			}
		}
	}
	s.vector = true
	return s
}

// after measures what follows an opcode.
func (x x86) after(p []byte, i int, kind byte, pre prefixes) shape {
	var s shape
	z := 4
	if pre.data16 && !pre.wide {
		z = 2
	}
	form := byte(0)
	switch kind {
	case 'm', 'B', 'Z', 'f', 'F', 's', 'Q':
		if i >= len(p) {
			return s
		}
		form = p[i]
		if i = x.operand(p, i, pre, &s); i == 0 {
			return shape{}
		}
	}
	switch kind {
	case '0', 'm':
	case 'b', 'B':
		i++
	case 'w':
		i += 2
	case 'z', 'Z':
		i += z
	case 'j':
		if i += z; x.mode == 64 {
			i += 4 - z
		}
	case 'v':
		if i += z; pre.wide {
			i += 4
		}
	case 'o':
		if i += x.mode / 8; pre.addr {
			i -= x.mode / 16
		}
	case 'e':
		i += 3
	case 'f', 'F':
		if form>>3&7 < 2 {
			if i++; kind == 'F' {
				i += z - 1
			}
		}
	case 's':
		if pre.data16 || pre.repeat {
			i += 2
		}
	case 'p', 'q', 'Q', 'a':
		if x.mode == 64 {
			return shape{}
		}
		switch {
		case kind == 'p':
			i += 2 + z
		case kind != 'q':
			i++
		}
	default:
		return shape{}
	}
	s.n = i
	return s
}

// operand gives where an operand in memory, or a register, ends whose byte lies at
// i; 0 when it is cut short.
func (x x86) operand(p []byte, i int, pre prefixes, s *shape) int {
	mod, rm := p[i]>>6, p[i]&7
	i++
	switch {
	case mod == 3:
		return i
	case x.mode == 32 && pre.addr: // 16 bits
		if mod == 0 && rm == 6 {
			return i + 2
		}
		return i + int(mod)
	}
	long := mod == 2 || mod == 0 && rm == 5
	if rm == 4 {
		if i >= len(p) {
			return 0
		}
		long = long || mod == 0 && p[i]&7 == 5
		i++
	}
	switch {
	case long:
		s.disp, s.rip = i, x.mode == 64 && mod == 0 && rm == 5
		return i + 4
	case mod == 1:
		return i + 1
	}
	return i
}

// shaped is the step over an instruction of which only the shape is known.
func (x x86) shaped(p []byte, pc uint64, s shape) step {
	if s.n == 0 || s.n > len(p) || s.n > x.most() {
		return unknown(p[:1])
	}
	st := step{n: s.n, flow: s.flow}
	if s.disp > 0 {
		switch v := relative(p[s.disp:], 4); {
		case s.rip:
			st.add(operand{addr: pc + uint64(s.n) + v, at: uint8(s.disp), n: 4, size: s.width, rel: true})
		case x.mapped != nil:
			if x.mode == 32 {
				v &= 0xffffffff
			}
			if x.mapped(v) {
				st.add(operand{addr: v, at: uint8(s.disp), n: 4, size: s.width})
			}
		}
	}
	if s.flow == flowJump && s.n > 8 && s.disp == 0 {
		st.add(operand{addr: binary.LittleEndian.Uint64(p[s.n-8:]), at: uint8(s.n - 8), n: 8})
	}
	st.raw(p[:s.n])
	return st
}
