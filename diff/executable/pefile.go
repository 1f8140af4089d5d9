package executable

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/stagescope/stagescope/diff"
)

// peFile is one side's PE file: its headers, and nothing else of it.
type peFile struct {
	in       *diff.Input
	at       uint64 // where the signature "PE" lies
	machine  uint16
	time     uint32
	wide     bool
	entry    uint32
	base     uint64
	subs     uint16
	optional int // bytes of the optional header
	// alignMemory and alignFile are what sections' addresses and places are multiples
	// of; headers is how many bytes lie before them.
	alignMemory, alignFile, headers uint32
	dirs                            [][2]uint32
	sections                        []peSection
}

type peSection struct {
	name                          string
	vsize, vaddr, size, off, char uint32
}

const (
	peHeader    = 24 // signature and COFF header
	peSectionSz = 40
	peExec      = 0x20000000
	peWrite     = 0x80000000
	// Directories, by their numbers.
	peImports, peCertificates, peDebug = 1, 4, 6
)

// openPE reads the headers.
func openPE(in *diff.Input) (*peFile, error) {
	dos, err := readAt(in, 0, 64)
	if err != nil {
		return nil, err
	}
	f := &peFile{in: in, at: uint64(binary.LittleEndian.Uint32(dos[60:]))}
	h, err := readAt(in, f.at, peHeader)
	if err != nil {
		return nil, err
	}
	if string(h[:4]) != "PE\x00\x00" {
		return nil, bad("there is no signature at %d", f.at)
	}
	r := &fields{p: h[4:], order: binary.LittleEndian}
	f.machine = r.u16()
	n := int(r.u16())
	f.time = r.u32()
	r.take(8)
	f.optional = int(r.u16())
	if n > 96*16 {
		return nil, bad("there are %d sections", n)
	}
	opt, err := readAt(in, f.at+peHeader, uint64(f.optional))
	if err != nil {
		return nil, err
	}
	if err := f.readOptional(opt); err != nil {
		return nil, err
	}
	table, err := readAt(in, f.at+peHeader+uint64(f.optional), uint64(n)*peSectionSz)
	if err != nil {
		return nil, err
	}
	var sum uint64
	for i := range n {
		r := &fields{p: table[i*peSectionSz:], order: binary.LittleEndian}
		s := peSection{name: string(bytes.TrimRight(r.take(8), "\x00"))}
		s.vsize, s.vaddr, s.size, s.off = r.u32(), r.u32(), r.u32(), r.u32()
		r.take(12)
		s.char = r.u32()
		if s.name == "" {
			s.name = fmt.Sprintf("section %d", i)
		}
		sum += min(uint64(s.size), uint64(in.Size))
		f.sections = append(f.sections, s)
	}
	if sum > overlapTimes*uint64(in.Size)+1<<20 {
		return nil, bad("its sections overlap: together they have %d bytes", sum)
	}
	return f, nil
}

func (f *peFile) readOptional(p []byte) error {
	if len(p) < 2 {
		return bad("there is no optional header")
	}
	base, dirs := 28, 96
	switch binary.LittleEndian.Uint16(p) {
	case 0x10b:
	case 0x20b:
		f.wide, base, dirs = true, 24, 112
	default:
		return bad("an optional header of kind %#x", p[:2])
	}
	if len(p) < dirs {
		return bad("an optional header of %d bytes", len(p))
	}
	f.alignMemory, f.alignFile, f.headers = binary.LittleEndian.Uint32(p[32:]), binary.LittleEndian.Uint32(p[36:]), binary.LittleEndian.Uint32(p[60:])
	f.entry, f.subs = binary.LittleEndian.Uint32(p[16:]), binary.LittleEndian.Uint16(p[68:])
	if f.base = uint64(binary.LittleEndian.Uint32(p[base:])); f.wide {
		f.base = binary.LittleEndian.Uint64(p[base:])
	}
	n := min(binary.LittleEndian.Uint32(p[dirs-4:]), 16)
	for i := 0; i < int(n) && dirs+8*i+8 <= len(p); i++ {
		f.dirs = append(f.dirs, [2]uint32{binary.LittleEndian.Uint32(p[dirs+8*i:]), binary.LittleEndian.Uint32(p[dirs+8*i+4:])})
	}
	return nil
}

// program gives the file as the comparison of code sees it.
func (f *peFile) program() *program {
	p := &program{in: f.in, order: binary.LittleEndian, fixed: true, entry: f.base + uint64(f.entry), machine: fmt.Sprintf("machine %#x", f.machine)}
	switch f.machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		p.isa = x86{mode: 64}
	case pe.IMAGE_FILE_MACHINE_I386:
		p.isa = x86{mode: 32}
	case pe.IMAGE_FILE_MACHINE_ARM64:
		p.isa = arm64{}
	}
	for _, s := range f.sections {
		if s.size == 0 || uint64(s.off) > uint64(f.in.Size) || uint64(s.size) > uint64(f.in.Size)-uint64(s.off) {
			continue
		}
		p.regions = append(p.regions, region{name: s.name, off: uint64(s.off), size: uint64(s.size), addr: f.base + uint64(s.vaddr), exec: s.char&peExec != 0})
	}
	numberRegions(p.regions)
	return p
}

// place gives where in the file an address relative to the base lies.
func (f *peFile) place(rva uint32) (uint64, bool) {
	for _, s := range f.sections {
		if rva >= s.vaddr && rva-s.vaddr < s.size {
			return uint64(s.off) + uint64(rva-s.vaddr), true
		}
	}
	return 0, false
}

func (f *peFile) read(rva uint32, n uint64) []byte {
	off, ok := f.place(rva)
	if !ok {
		return nil
	}
	p, err := readAt(f.in, off, n)
	if err != nil {
		return nil
	}
	return p
}

func (f *peFile) text(rva uint32) string {
	off, ok := f.place(rva)
	if !ok {
		return ""
	}
	s, _ := stringIn(f.in, off, maxName)
	return s
}

// imports names the functions that others give: "library!function".
func (f *peFile) imports() []string {
	var out []string
	if len(f.dirs) <= peImports {
		return nil
	}
	size := uint64(4)
	if f.wide {
		size = 8
	}
	for at := f.dirs[peImports][0]; len(out) < maxStrings; at += 20 {
		d := f.read(at, 20)
		if d == nil || binary.LittleEndian.Uint32(d[12:]) == 0 {
			break
		}
		lib := f.text(binary.LittleEndian.Uint32(d[12:]))
		thunk := binary.LittleEndian.Uint32(d)
		if thunk == 0 {
			thunk = binary.LittleEndian.Uint32(d[16:])
		}
		for ; len(out) < maxStrings; thunk += uint32(size) {
			p := f.read(thunk, size)
			if p == nil {
				break
			}
			v := word(binary.LittleEndian, p)
			if v == 0 {
				break
			}
			if v>>(8*size-1) != 0 {
				out = append(out, fmt.Sprintf("%s!#%d", lib, v&0xffff))
			} else {
				out = append(out, lib+"!"+f.text(uint32(v)+2))
			}
		}
	}
	return out
}

// stamps are the times in the debug directory, by where they lie in the file.
func (f *peFile) stamps() map[uint64]uint32 {
	out := map[uint64]uint32{}
	if len(f.dirs) <= peDebug {
		return out
	}
	for i := uint32(0); i < min(f.dirs[peDebug][1]/28, 64); i++ {
		rva := f.dirs[peDebug][0] + 28*i
		off, ok := f.place(rva)
		if d := f.read(rva, 28); ok && d != nil {
			out[off+4] = binary.LittleEndian.Uint32(d[4:])
		}
	}
	return out
}

func peTime(v uint64) string {
	return time.Unix(int64(v), 0).UTC().Format(time.RFC3339) + " or a hash, " + hexNumber(v)
}
