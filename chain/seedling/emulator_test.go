package seedling

import (
	"encoding/binary"
	"fmt"
)

// machine interprets the few x86-64 instructions that the seed is made of,
// and of Linux the four system calls it makes. Anything else is an error, so
// that a changed seed cannot be emulated wrongly in silence.
type machine struct {
	reg    [16]uint64 // rax rcx rdx rbx rsp rbp rsi rdi r8 …
	ip     uint64
	image  []byte // the seed, at imageBase
	stack  [256]byte
	cf, zf bool
	sf, of bool

	input  []byte
	opened int // files opened so far
	output []byte
	exited bool
	status byte

	writeFails bool // the output's disk is full
}

const (
	imageBase = 0x400000
	stackBase = 0x7fff0000
	entry     = imageBase + 0x78
	inputFD   = 3
	outputFD  = 4
)

const (
	rax = 0
	rdx = 2
	rsp = 4
	rsi = 6
	rdi = 7
)

func boot(seed, input []byte) *machine {
	m := &machine{image: seed, input: input, ip: entry}
	m.reg[rsp] = stackBase + 128
	// argc, argv[0], argv[1], argv[2], a null pointer; names are not looked at.
	for i, v := range []uint64{3, 1, 1, 1, 0} {
		binary.LittleEndian.PutUint64(m.stack[128+8*i:], v)
	}
	return m
}

func (m *machine) run() error {
	for steps := 0; !m.exited; steps++ {
		if steps > 20000 {
			return fmt.Errorf("does not end; instruction pointer %#x", m.ip)
		}
		if err := m.step(); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) fetch() byte {
	b := m.image[m.ip-imageBase]
	m.ip++
	return b
}

func (m *machine) imm32() uint32 {
	v := binary.LittleEndian.Uint32(m.image[m.ip-imageBase:])
	m.ip += 4
	return v
}

func (m *machine) push(v uint64) {
	m.reg[rsp] -= 8
	binary.LittleEndian.PutUint64(m.stack[m.reg[rsp]-stackBase:], v)
}

func (m *machine) pop() uint64 {
	v := binary.LittleEndian.Uint64(m.stack[m.reg[rsp]-stackBase:])
	m.reg[rsp] += 8
	return v
}

// logic sets the flags of or, xor, test; compare those of cmp.
func (m *machine) logic(v uint32) uint32 {
	m.cf, m.of, m.zf, m.sf = false, false, v == 0, int32(v) < 0
	return v
}

func (m *machine) compare(a, b uint32, sign uint32) {
	d := (a - b) & (sign<<1 - 1)
	m.cf, m.zf, m.sf = a < b, d == 0, d&sign != 0
	m.of = (a^b)&(a^d)&sign != 0
}

// set writes a 32-bit register, which clears the upper half.
func (m *machine) set(r int, v uint32) { m.reg[r] = uint64(v) }
func (m *machine) get(r int) uint32    { return uint32(m.reg[r]) }

func (m *machine) condition(code byte) bool {
	var c bool
	switch code >> 1 {
	case 1:
		c = m.cf
	case 2:
		c = m.zf
	case 3:
		c = m.cf || m.zf
	case 7:
		c = m.zf || m.sf != m.of
	}
	return c != (code&1 == 1)
}

func (m *machine) step() error {
	at, op := m.ip, m.fetch()
	rexR, rexB := 0, 0
	if op&0xf0 == 0x40 {
		rexR, rexB = int(op>>2&1)*8, int(op&1)*8
		op = m.fetch()
	}
	low := int(op&7) + rexB
	switch {
	case op == 0x54:
		m.push(m.reg[rsp])
	case op&0xf8 == 0x58:
		m.reg[low] = m.pop()
	case op&0xf8 == 0x90 && low != 0:
		a, b := m.get(rax), m.get(low)
		m.set(rax, b)
		m.set(low, a)
	case op&0xf8 == 0xb8:
		m.set(low, m.imm32())
	case op == 0x6a:
		m.push(uint64(int64(int8(m.fetch()))))
	case op == 0x3c:
		m.compare(m.get(rax)&0xff, uint32(m.fetch()), 0x80)
	case op == 0x0c:
		m.reg[rax] |= uint64(m.fetch()) // al only: the immediate has 8 bits
		m.logic(m.get(rax))             // no branch looks at these flags
	case op == 0xe8:
		d := m.imm32()
		m.push(m.ip)
		m.ip += uint64(int64(int32(d)))
	case op == 0xc3:
		m.ip = m.pop()
	case op == 0xeb:
		d := m.fetch()
		m.ip += uint64(int64(int8(d)))
	case op&0xf0 == 0x70 && (op>>1&7 == 1 || op>>1&7 == 2 || op>>1&7 == 3 || op>>1&7 == 7):
		d := m.fetch()
		if m.condition(op & 15) {
			m.ip += uint64(int64(int8(d)))
		}
	case op == 0x0f:
		return m.twoByte(at, rexR, rexB)
	default:
		return m.modRM(at, op, rexR, rexB)
	}
	return nil
}

func (m *machine) twoByte(at uint64, rexR, rexB int) error {
	switch op := m.fetch(); op {
	case 0x05:
		return m.syscall(at)
	case 0xb6: // movzx r32, byte [rsi]
		if modrm := m.fetch(); modrm&0xc7 == rsi {
			m.set(int(modrm>>3&7)+rexR, uint32(m.stack[m.reg[rsi]-stackBase]))
			return nil
		}
	case 0xba: // btr r32, imm8
		if modrm := m.fetch(); modrm&0xf8 == 0xf0 {
			r, bit := int(modrm&7)+rexB, m.fetch()
			m.cf = m.get(r)>>bit&1 == 1
			m.set(r, m.get(r)&^(1<<bit))
			return nil
		}
	}
	return fmt.Errorf("instruction at %#x is not emulated", at)
}

func (m *machine) modRM(at uint64, op byte, rexR, rexB int) error {
	modrm := m.fetch()
	r, b := int(modrm>>3&7)+rexR, int(modrm&7)+rexB
	switch mod := modrm >> 6; {
	case op == 0x8d && mod == 1: // lea r32, [r + disp8]
		m.set(r, uint32(m.reg[b])+uint32(int32(int8(m.fetch()))))
	case op == 0x88 && modrm&0xc7 == rsi: // mov [rsi], r8
		m.stack[m.reg[rsi]-stackBase] = byte(m.reg[r])
	case mod != 3:
		return fmt.Errorf("instruction at %#x is not emulated", at)
	case op == 0x31:
		m.set(b, m.logic(m.get(b)^m.get(r)))
	case op == 0x09:
		m.set(b, m.logic(m.get(b)|m.get(r)))
	case op == 0x85:
		m.logic(m.get(b) & m.get(r))
	case op == 0x89:
		m.set(b, m.get(r))
	case op == 0x83 && r&7 == 7:
		m.compare(m.get(b), uint32(int32(int8(m.fetch()))), 1<<31)
	case op == 0x83 && r&7 == 0:
		m.set(b, m.get(b)+uint32(int32(int8(m.fetch()))))
	case op == 0xc1 && r&7 == 4:
		m.set(b, m.get(b)<<m.fetch())
	case op == 0xff && r&7 == 1: // dec keeps the carry flag
		cf := m.cf
		m.compare(m.get(b), 1, 1<<31)
		m.cf = cf
		m.set(b, m.get(b)-1)
	default:
		return fmt.Errorf("instruction at %#x is not emulated", at)
	}
	return nil
}

func (m *machine) syscall(at uint64) error {
	var result uint64
	switch n := m.reg[rax]; {
	case n == 2 && m.opened == 0 && m.reg[rsi] == 0:
		m.opened, result = 1, inputFD
	case n == 2 && m.opened == 1 && m.reg[rsi] == 0x241 && m.reg[rdx] == 0o755:
		m.opened, result = 2, outputFD
	case n == 0 && m.reg[rdi] == inputFD && m.reg[rdx] == 1:
		if len(m.input) > 0 {
			m.stack[m.reg[rsi]-stackBase] = m.input[0]
			m.input, result = m.input[1:], 1
		}
	case n == 1 && m.reg[rdi] == outputFD && m.reg[rdx] == 1 && m.writeFails:
		result = ^uint64(27) // -ENOSPC
	case n == 1 && m.reg[rdi] == outputFD && m.reg[rdx] == 1:
		m.output, result = append(m.output, m.stack[m.reg[rsi]-stackBase]), 1
	case n == 60:
		m.exited, m.status = true, byte(m.reg[rdi])
	default:
		return fmt.Errorf("system call %d at %#x with %#x, %#x, %#x is not what the seed may do",
			n, at, m.reg[rdi], m.reg[rsi], m.reg[rdx])
	}
	m.reg[rax] = result
	m.reg[1], m.reg[11] = ^uint64(0), ^uint64(0) // the kernel overwrites rcx and r11
	return nil
}
