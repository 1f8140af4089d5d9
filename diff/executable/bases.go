package executable

import (
	"debug/elf"
	"encoding/binary"
	"slices"
	"sort"
	"sync"
)

// bases is what registers are known to hold where instructions count from them. Most
// architectures take an address in two instructions: one puts its upper part into a
// register, and another, which need not be the next nor the only one, adds the rest or
// reads there. Alone, neither says what is meant.
type bases struct {
	p    *program // nil as long as nothing is known
	once sync.Once
	// found has, by address, what the register is known to hold that an instruction
	// counts from; for one that sets the upper part, the first address made of it.
	found []based
}

type based struct {
	pc, value uint64
	size      uint8 // how many bytes are read or written at that first address
	rel       bool  // it is counted from the code, or from the global data
}

// tracked is an instruction set in which addresses are made of parts.
type tracked interface {
	isa
	// effect says what an instruction does to registers, and nothing of their content.
	effect(p []byte, pc uint64) effect
	// saved are the registers, as bits, that a call leaves as they were.
	saved() uint32
}

// effect is what an instruction does to registers.
type effect struct {
	n     int
	flow  flow
	to    uint64 // of a branch, a jump or a call; 0 when nobody knows
	sets  int8   // the register that it puts the upper part of an address in; -1 for none
	value uint64
	rel   bool   // value is counted from the code, or from the global data
	from  int8   // the register that it counts from; -1 for none
	low   uint64 // the distance from there
	size  uint8  // how many bytes it reads or writes there; 0 when that is not known
	kills uint32 // registers, as bits, that it may write something else to
}

// anchor gives what the register for the global data holds.
func (b *bases) anchor() (uint64, bool) {
	if b == nil || b.p == nil {
		return 0, false
	}
	return b.p.anchor, b.p.anchor != 0
}

// made gives a step that sets the upper part of an address the first address that is
// made of it. Where that is not known, its operand is but a half.
func (b *bases) made(s *step, pc uint64) {
	o := &s.ops[0]
	if x, ok := b.at(pc); ok {
		o.addr, o.size = x.value, x.size
	} else {
		o.half = true
	}
}

// at gives what is known at an address.
func (b *bases) at(pc uint64) (based, bool) {
	if b == nil || b.p == nil {
		return based{}, false
	}
	b.once.Do(b.find)
	i := sort.Search(len(b.found), func(i int) bool { return b.found[i].pc >= pc })
	if i == len(b.found) || b.found[i].pc != pc {
		return based{}, false
	}
	return b.found[i], true
}

// maxCode bounds the bytes of a region of which that is found.
const maxCode = 1 << 30

// maxBases bounds the instructions of which it is known what they count from.
const maxBases = 1 << 22

func (b *bases) find() {
	if _, ok := b.p.isa.(tracked); !ok {
		return
	}
	for i := range b.p.regions {
		r := &b.p.regions[i]
		if !r.exec || r.empty || r.size > maxCode {
			continue
		}
		code, err := readAt(b.p.in, r.off, r.size)
		if err != nil {
			continue
		}
		cuts := b.cuts(r, code)
		t := tracking{b: b, isa: b.p.isa.(tracked)}
		for k := range cuts {
			end := uint64(len(code))
			if k+1 < len(cuts) {
				end = cuts[k+1]
			}
			t.function(code[cuts[k]:end], r.addr+cuts[k])
		}
	}
	slices.SortStableFunc(b.found, func(x, y based) int { return compare(x.pc, y.pc) })
	b.found = slices.CompactFunc(b.found, func(x, y based) bool { return x.pc == y.pc })
}

// cuts gives the offsets at which functions begin, as far as symbols, tables and calls
// say so: what a register held before is not known there.
func (b *bases) cuts(r *region, code []byte) []uint64 {
	out := []uint64{0}
	put := func(addr uint64) {
		if r.holds(addr) && addr%uint64(b.p.isa.unit()) == 0 && len(out) < 4*maxFunctions {
			out = append(out, addr-r.addr)
		}
	}
	if b.p.symbols != nil {
		b.p.symbols(func(s symbol) bool {
			if s.code {
				put(s.addr)
			}
			return true
		})
	}
	if b.p.table != nil {
		b.p.table(func(addr uint64, _ func() string) bool {
			put(addr)
			return true
		})
	}
	for off := 0; off < len(code); {
		e := b.p.isa.(tracked).effect(code[off:], r.addr+uint64(off))
		if e.flow == flowCall && e.to != 0 {
			put(e.to)
		}
		off += e.n
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// register is one that is known to hold the upper part of an address.
type register struct {
	num   int8
	from  uint32 // where it was set, counted from the function
	value uint64
	rel   bool
}

// registers are those that are known to hold something, few at a time.
type registers struct {
	n    int8
	list [8]register
}

func (r *registers) get(num int8) (register, bool) {
	for _, x := range r.list[:r.n] {
		if x.num == num {
			return x, true
		}
	}
	return register{}, false
}

func (r *registers) kill(mask uint32) {
	k := int8(0)
	for _, x := range r.list[:r.n] {
		if mask>>x.num&1 == 0 {
			r.list[k] = x
			k++
		}
	}
	r.n = k
}

func (r *registers) set(x register) {
	r.kill(1 << x.num)
	if int(r.n) == len(r.list) {
		copy(r.list[:], r.list[1:]) // the oldest is forgotten
		r.n--
	}
	r.list[r.n] = x
	r.n++
}

// meet keeps what both say, and reports whether that is less.
func (r *registers) meet(o *registers) bool {
	k := int8(0)
	for _, x := range r.list[:r.n] {
		if y, ok := o.get(x.num); ok && y.value == x.value {
			r.list[k] = x
			k++
		}
	}
	less := k != r.n
	r.n = k
	return less
}

// tracking follows the registers through one function after the other.
type tracking struct {
	b   *bases
	isa tracked
	// Where branches of the function lead to, in order, and what is known there: what
	// all ways agree on. A place that no way was seen to is not in seen.
	leads   []uint32
	state   []registers
	seen    []bool
	changed bool
	first   map[uint32]based // by where an upper part is set: the first address made of it
}

// maxPasses bounds how often a function is followed; what is not settled then is not
// known.
const maxPasses = 8

func (t *tracking) function(code []byte, pc uint64) {
	t.leads = t.leads[:0]
	sets := false
	for off := 0; off < len(code); {
		e := t.isa.effect(code[off:], pc+uint64(off))
		if to := e.to - pc; (e.flow == flowBranch || e.flow == flowJump) && to < uint64(len(code)) {
			t.leads = append(t.leads, uint32(to))
		}
		sets = sets || e.sets >= 0
		off += e.n
	}
	if !sets {
		return
	}
	slices.Sort(t.leads)
	t.leads = slices.Compact(t.leads)
	t.state = slices.Grow(t.state[:0], len(t.leads))[:len(t.leads)]
	t.seen = slices.Grow(t.seen[:0], len(t.leads))[:len(t.leads)]
	clear(t.seen)
	t.changed = true
	for range maxPasses {
		if !t.changed {
			break
		}
		t.changed = false
		t.pass(code, pc, false)
	}
	if !t.changed {
		t.first = map[uint32]based{}
		t.pass(code, pc, true)
		for from, x := range t.first {
			x.pc = pc + uint64(from)
			t.put(x)
		}
	}
}

func (t *tracking) put(x based) {
	if len(t.b.found) < maxBases {
		t.b.found = append(t.b.found, x)
	}
}

// pass goes over the function once. After a jump or a return comes what only branches
// lead to, or, where no branch does, nobody knows what.
func (t *tracking) pass(code []byte, pc uint64, last bool) {
	var now registers
	alive, k := true, 0
	for off := 0; off < len(code); {
		for k < len(t.leads) && t.leads[k] < uint32(off) {
			k++ // it leads into an instruction
		}
		if k < len(t.leads) && t.leads[k] == uint32(off) {
			if alive {
				t.reach(k, &now)
			}
			if alive = t.seen[k]; alive {
				now = t.state[k]
			}
		}
		e := t.isa.effect(code[off:], pc+uint64(off))
		if alive {
			t.apply(&e, &now, off, pc, last)
			if to := e.to - pc; (e.flow == flowBranch || e.flow == flowJump) && to < uint64(len(code)) {
				if i, ok := slices.BinarySearch(t.leads, uint32(to)); ok {
					t.reach(i, &now)
				}
			}
		}
		off += e.n
		if e.flow == flowEnd || e.flow == flowJump {
			now.n = 0
			i, led := slices.BinarySearch(t.leads, uint32(off))
			alive = !led || i < len(t.seen) && t.seen[i]
			if led && alive {
				now = t.state[i]
			}
		}
	}
}

// reach notes what is known on one way to a place.
func (t *tracking) reach(i int, now *registers) {
	if !t.seen[i] {
		t.seen[i], t.state[i], t.changed = true, *now, true
	} else if t.state[i].meet(now) {
		t.changed = true
	}
}

func (t *tracking) apply(e *effect, now *registers, off int, pc uint64, last bool) {
	if e.from >= 0 {
		if x, ok := now.get(e.from); ok && last {
			if _, also := t.first[x.from]; !also {
				t.first[x.from] = based{value: x.value + e.low, size: e.size, rel: x.rel}
			}
			t.put(based{pc: pc + uint64(off), value: x.value, rel: x.rel})
		}
	}
	now.kill(e.kills)
	if e.flow == flowCall {
		now.kill(^t.isa.saved())
	}
	if e.sets >= 0 {
		now.set(register{num: e.sets, from: uint32(off), value: e.value, rel: e.rel})
	}
}

// sameAnchor reports whether two addresses are what the register for the global data
// holds on each side: every address that is counted from it is looked at by itself.
func (p *pairing) sameAnchor(x, y uint64) bool {
	return p.a.anchor != 0 && x == p.a.anchor && y == p.b.anchor
}

// anchor gives what the register for the global data holds in all of the program: on
// PowerPC by the ABI, on RISC-V as the program's start sets it.
func (f *elfFile) anchor(p *program) uint64 {
	switch f.header.machine {
	case elf.EM_PPC64:
		if got := f.section(".got"); got != nil && got.flags&elf.SHF_ALLOC != 0 {
			return got.addrInMem + 0x8000
		}
	case elf.EM_RISCV:
		return p.globalPointer()
	}
	return 0
}

// globalPointer gives what the code of RISC-V puts in its global pointer; 0 when it
// puts nothing there, or not always the same.
func (p *program) globalPointer() (out uint64) {
	for i := range p.regions {
		r := &p.regions[i]
		if !r.exec || r.empty || r.size > maxCode {
			continue
		}
		code, err := readAt(p.in, r.off, r.size)
		if err != nil {
			return 0
		}
		for off := 0; off+8 <= len(code); off += 2 {
			w, v := binary.LittleEndian.Uint32(code[off:]), binary.LittleEndian.Uint32(code[off+4:])
			if w&0xfff != 0x197 || v&0xfffff != 0x18193 { // auipc gp; addi gp, gp
				continue
			}
			gp := r.addr + uint64(off) + uint64(int64(int32(w&0xfffff000))) + signed(v>>20, 12)
			if out != 0 && out != gp {
				return 0
			}
			out = gp
		}
	}
	return out
}
