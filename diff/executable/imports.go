package executable

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"slices"
)

// through gives the place from which code that does nothing but jump takes where
// it goes; 0 for other code. A function that begins by reading such a place does
// more than that, and is itself.
func (p *program) through(code []byte, addr uint64) uint64 {
	for range 2 { // a mark for indirect branches may stand before it
		if len(code) == 0 {
			return 0
		}
		st := p.isa.step(code, addr)
		if st.bad || st.n > len(code) {
			return 0
		}
		if st.nops > 0 {
			if st.nops == 1 && p.goesOn(&st, code) {
				return st.ops[0].addr
			}
			return 0
		}
		if !branchMark(p.isa, code[:st.n]) {
			return 0
		}
		code, addr = code[st.n:], addr+uint64(st.n)
	}
	return 0
}

// goesOn reports whether a step reads a place and jumps to what it holds, by itself
// or by the instructions after it.
func (p *program) goesOn(st *step, code []byte) bool {
	if _, ok := p.isa.(x86); ok {
		code = bytes.TrimPrefix(code[:st.n], []byte{0xf2})
		return len(code) > 1 && code[0] == 0xff && code[1] == 0x25
	}
	if _, ok := p.isa.(s390x); ok { // larl %r1; lg %r1,0(%r1); br %r1
		return code[0] == 0xc0 && code[1] == 0x10 && bytes.HasPrefix(code[st.n:], []byte("\xe3\x10\x10\x00\x00\x04\x07\xf1"))
	}
	if st.ops[0].size == 0 {
		return false
	}
	for off, k := st.n, 0; k < 3 && off+4 <= len(code); off, k = off+4, k+1 {
		w := binary.LittleEndian.Uint32(code[off:])
		switch i := p.isa.(type) {
		case arm64:
			if w&0xfffffc1f == 0xd61f0000 { // br
				return true
			}
		case riscv:
			if w&0x7f == 0x67 { // jalr
				return true
			}
		case ppc64:
			if i.order.Uint32(code[off:]) == 0x4e800420 { // bctr
				return true
			}
		}
	}
	return false
}

// branchMark reports whether an instruction only marks where indirect branches may
// lead to: endbr64, endbr32, bti.
func branchMark(i isa, p []byte) bool {
	switch i.(type) {
	case x86:
		return len(p) == 4 && p[0] == 0xf3 && p[1] == 0x0f && p[2] == 0x1e && p[3]&^1 == 0xfa
	case ppc64: // std r2,24(r1), which every stub for a call begins with
		return string(p) == "\x18\x00\x41\xf8"
	case arm64:
		return len(p) == 4 && binary.LittleEndian.Uint32(p)&0xffffff3f == 0xd503241f
	}
	return false
}

// slotTypes are the relocations by which the loader fills in where an import is, or
// puts the import itself: a place with one of them is known by the import's name.
// Any other place that holds the address of an import is a thing of its own, of
// which there may be several.
var slotTypes = map[elf.Machine][]uint32{
	elf.EM_X86_64:  {uint32(elf.R_X86_64_COPY), uint32(elf.R_X86_64_GLOB_DAT), uint32(elf.R_X86_64_JMP_SLOT)},
	elf.EM_386:     {uint32(elf.R_386_COPY), uint32(elf.R_386_GLOB_DAT), uint32(elf.R_386_JMP_SLOT)},
	elf.EM_AARCH64: {uint32(elf.R_AARCH64_COPY), uint32(elf.R_AARCH64_GLOB_DAT), uint32(elf.R_AARCH64_JUMP_SLOT)},
	elf.EM_RISCV:   {uint32(elf.R_RISCV_COPY), uint32(elf.R_RISCV_JUMP_SLOT)},
	elf.EM_PPC64:   {uint32(elf.R_PPC64_GLOB_DAT), uint32(elf.R_PPC64_JMP_SLOT), 19 /* R_PPC64_COPY */},
	elf.EM_S390:    {uint32(elf.R_390_COPY), uint32(elf.R_390_GLOB_DAT), uint32(elf.R_390_JMP_SLOT)},
}

// threadTypes are those that fill in where in its thread a variable is.
var threadTypes = map[elf.Machine][]uint32{
	elf.EM_X86_64:  {uint32(elf.R_X86_64_DTPMOD64), uint32(elf.R_X86_64_DTPOFF64), uint32(elf.R_X86_64_TPOFF64), uint32(elf.R_X86_64_TLSDESC)},
	elf.EM_386:     {uint32(elf.R_386_TLS_TPOFF), uint32(elf.R_386_TLS_DTPMOD32), uint32(elf.R_386_TLS_DTPOFF32)},
	elf.EM_AARCH64: {1028, 1029, 1030, 1031},
	elf.EM_RISCV:   {uint32(elf.R_RISCV_TLS_DTPMOD64), uint32(elf.R_RISCV_TLS_DTPREL64), uint32(elf.R_RISCV_TLS_TPREL64)},
	elf.EM_S390:    {uint32(elf.R_390_TLS_DTPMOD), uint32(elf.R_390_TLS_DTPOFF), uint32(elf.R_390_TLS_TPOFF)},
	elf.EM_PPC64:   {uint32(elf.R_PPC64_DTPMOD64), uint32(elf.R_PPC64_DTPREL64), uint32(elf.R_PPC64_TPREL64)},
}

// maxImports bounds the imports that are known by name.
const maxImports = 1 << 16

// imports are the names of what the loader fills in, by where it does.
func (f *elfFile) imports() map[uint64]string {
	out := map[uint64]string{}
	got, stubs := f.section(".got"), f.stubTable()
	for i := range f.sections {
		t := &f.sections[i]
		if t.typ != elf.SHT_RELA && t.typ != elf.SHT_REL || t.size > maxTable/16 {
			continue
		}
		rs, err := f.relocations(t)
		if err != nil {
			continue
		}
		for i, r := range rs {
			slot := slices.Contains(slotTypes[f.header.machine], r.typ) || f.header.machine == elf.EM_RISCV && r.typ == uint32(elf.R_RISCV_64) && got != nil && r.off-got.addr < got.size
			thread := slices.Contains(threadTypes[f.header.machine], r.typ)
			if r.sym == "" || len(out) >= maxImports || !slot && !thread || r.addend != 0 {
				continue
			}
			name := r.sym
			if thread {
				name = fmt.Sprintf("%s, of the thread (%d)", name, r.typ)
			}
			if _, twice := out[r.off]; twice {
				name = "" // the loader does both, and nobody knows what is left
			}
			out[r.off] = name
			if t == stubs {
				out[t.addrInMem+uint64(i)*f.relocationSize(t)] = entryOf + name
			}
		}
	}
	return out
}

// entryOf stands before the name of an import where its entry in the table is meant.
const entryOf = "the entry of "

// stubTable is the table of the imports that are looked up when they are first
// called; nil when there is none in memory.
func (f *elfFile) stubTable() *section {
	for _, name := range []string{".rela.plt", ".rel.plt"} {
		if t := f.section(name); t != nil && (t.typ == elf.SHT_RELA || t.typ == elf.SHT_REL) && t.flags&elf.SHF_ALLOC != 0 {
			return t
		}
	}
	return nil
}

// bound gives, for the stubs that look up an import of x86 at its first call, the
// entry of stubTable that the number they push is of: its place in the table, or with
// 32 bits its distance from the beginning. The number follows from what is imported
// before. It is nil where there are no such stubs.
func (f *elfFile) bound() func(pc, number uint64) (uint64, bool) {
	t, plt := f.stubTable(), f.section(".plt")
	if t == nil || plt == nil {
		return nil
	}
	size := f.relocationSize(t)
	return func(pc, number uint64) (uint64, bool) {
		if f.header.machine == elf.EM_386 {
			if number%size != 0 {
				return 0, false
			}
			number /= size
		}
		return t.addrInMem + number*size, pc-plt.addrInMem < plt.size && number < t.size/size
	}
}
