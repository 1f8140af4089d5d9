package audit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io/fs"
	"path"

	"golang.org/x/arch/x86/x86asm"

	"github.com/stagescope/stagescope/chain"
	"github.com/stagescope/stagescope/chain/containerfile"
)

// Seed is a binary that no one built and that the chain begins with.
type Seed struct {
	Binary
	Stage   string `json:"stage"`             // the root stage that takes it
	Above   int    `json:"above"`             // stages that depend on that stage
	Known   string `json:"known,omitempty"`   // what it is byte for byte, where that is known
	Spelled string `json:"spelled,omitempty"` // text file beside it whose hex digits spell exactly these bytes
	Listing []Line `json:"listing,omitempty"` // every byte of it, explained
}

// Line is some bytes of a seed and what they are.
type Line struct {
	Offset int    `json:"offset"` // in the file, in bytes
	Addr   uint64 `json:"addr"`   // where they are mapped; 0 when they are not
	Bytes  []byte `json:"bytes"`
	Part   string `json:"part"` // "header", "segment", "code" or "data"
	Text   string `json:"text"` // a header's field and value, or an instruction
}

// knownSeeds are published seeds by the SHA-256 of all their bytes.
var knownSeeds = map[chain.Digest]string{
	"sha256:f74dcf9cef2aee9eb7723eca755849d474fccd89662947021d1aa08429d23c13": "the x86 seed that the bootstrap-seeds project publishes (POSIX/x86/hex0-seed)",
}

// spelledBy looks in the seed's directory for a text that spells it: hex digits,
// two to a byte, with comments from "#" or ";" to the end of the line. The seed
// then can be read by a person, comments included, without trusting a tool.
func spelledBy(fsys fs.FS, seed string) string {
	want, err := containerfile.ReadFile(fsys, seed)
	if err != nil || len(want) == 0 || len(want) > maxListing {
		return ""
	}
	entries, err := fs.ReadDir(fsys, path.Dir(seed))
	if err != nil {
		return ""
	}
	for _, e := range entries {
		name := path.Join(path.Dir(seed), e.Name())
		if !e.Type().IsRegular() || name == seed {
			continue
		}
		if text, err := containerfile.ReadFile(fsys, name); err == nil && bytes.Equal(spell(text), want) {
			return name
		}
	}
	return ""
}

// spell gives the bytes that a text in hex spells, nil when it is something else.
func spell(text []byte) []byte {
	var out []byte
	half, high := false, byte(0)
	for line := range bytes.Lines(text) {
		if i := bytes.IndexAny(line, "#;"); i >= 0 {
			line = line[:i]
		}
		for _, c := range line {
			switch {
			case c == ' ' || c == '\t' || c == '\r' || c == '\n':
				continue
			case c >= '0' && c <= '9':
				c -= '0'
			case c >= 'a' && c <= 'f':
				c -= 'a' - 10
			case c >= 'A' && c <= 'F':
				c -= 'A' - 10
			default:
				return nil
			}
			if half {
				out = append(out, high<<4|c)
			}
			half, high = !half, c
		}
	}
	if half {
		return nil
	}
	return out
}

// maxListing bounds the seeds that are listed, in bytes: what is longer is not
// read by a person in any case.
const maxListing = 64 << 10

// readSeed lists a seed byte by byte.
func readSeed(fsys fs.FS, name string) ([]Line, error) {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("reading the seed %q: %w", name, err)
	}
	if len(b) > maxListing {
		return nil, fmt.Errorf("the seed %q has %d bytes; more than %d are not listed", name, len(b), maxListing)
	}
	return List(b), nil
}

// List explains every byte of a program: an ELF header field by field, x86 code
// from its entry point on instruction by instruction, anything else as data.
func List(b []byte) []Line {
	l := lister{b: b}
	if !l.header() {
		l.data(0, len(b))
		return l.lines
	}
	entry := l.offset(l.entry)
	if entry < l.headers || entry > len(b) {
		l.data(l.headers, len(b))
		return l.lines
	}
	l.data(l.headers, entry)
	l.code(entry, len(b))
	return l.lines
}

type segment struct {
	offset, addr, size uint64
}

type lister struct {
	b        []byte
	lines    []Line
	order    binary.ByteOrder
	wide     bool // 64-bit
	entry    uint64
	headers  int // end of the headers
	machine  elf.Machine
	segments []segment
}

func (l *lister) add(from, to int, part, text string) {
	l.lines = append(l.lines, Line{Offset: from, Addr: l.addr(from), Bytes: l.b[from:to], Part: part, Text: text})
}

// addr is where a byte of the file is mapped.
func (l *lister) addr(offset int) uint64 {
	for _, s := range l.segments {
		if o := uint64(offset); o >= s.offset && o-s.offset < s.size {
			return s.addr + o - s.offset
		}
	}
	return 0
}

// offset is the byte of the file that is mapped at addr, -1 when there is none.
func (l *lister) offset(addr uint64) int {
	for _, s := range l.segments {
		length := uint64(len(l.b))
		if addr >= s.addr && addr-s.addr < s.size && s.offset <= length && addr-s.addr <= length-s.offset {
			return int(s.offset + (addr - s.addr))
		}
	}
	return -1
}

func (l *lister) uint(at, size int) uint64 {
	switch size {
	case 2:
		return uint64(l.order.Uint16(l.b[at:]))
	case 4:
		return uint64(l.order.Uint32(l.b[at:]))
	case 8:
		return l.order.Uint64(l.b[at:])
	}
	return uint64(l.b[at])
}

// field is one field of a header.
type field struct {
	size int
	text string
}

// fields lists fields from at on and gives their values.
func (l *lister) fields(at int, part string, fields []field) (values []uint64, end int) {
	for _, f := range fields {
		v := l.uint(at, f.size)
		values = append(values, v)
		l.add(at, at+f.size, part, fmt.Sprintf("%s = %#x", f.text, v))
		at += f.size
	}
	return values, at
}

// header reads the ELF header and the program headers, which a seed may overlay
// on each other; false when the bytes are no ELF program that can be listed.
func (l *lister) header() bool {
	if len(l.b) < 52 || string(l.b[:4]) != elf.ELFMAG || l.b[4] < 1 || l.b[4] > 2 || l.b[5] != 1 {
		return false
	}
	l.order, l.wide = binary.LittleEndian, l.b[4] == 2
	word := 4
	size := 52
	if l.wide {
		word, size = 8, 64
	}
	if len(l.b) < size {
		return false
	}
	phoff, phnum := l.uint(24+word, word), l.uint(size-8, 2)
	phsize := uint64(32)
	if l.wide {
		phsize = 56
	}
	// Compared without adding to phoff, which may be any number of 64 bits.
	if phnum > 16 || phoff < 24 || phoff > uint64(len(l.b)) || phnum*phsize > uint64(len(l.b))-phoff {
		return false
	}
	l.machine, l.entry = elf.Machine(l.uint(18, 2)), l.uint(24, word)
	for i := range phnum {
		l.segment(int(phoff + i*phsize))
	}
	first := min(size, max(16, int(phoff))) // program headers may begin inside the header
	l.identity()
	l.fieldsUntil(first, word)
	at := first
	for i := range phnum {
		at = l.programHeader(int(phoff+i*phsize), at)
	}
	l.headers = max(at, size)
	if at < l.headers {
		l.data(at, l.headers)
	}
	return true
}

func (l *lister) segment(at int) {
	if l.uint(at, 4) != uint64(elf.PT_LOAD) {
		return
	}
	if l.wide {
		l.segments = append(l.segments, segment{l.uint(at+8, 8), l.uint(at+16, 8), l.uint(at+32, 8)})
	} else {
		l.segments = append(l.segments, segment{l.uint(at+4, 4), l.uint(at+8, 4), l.uint(at+16, 4)})
	}
}

func (l *lister) identity() {
	l.add(0, 4, "header", "magic: \\x7fELF")
	class := "32-bit"
	if l.wide {
		class = "64-bit"
	}
	l.add(4, 5, "header", "class: "+class)
	l.add(5, 6, "header", "byte order: little-endian")
	l.add(6, 7, "header", fmt.Sprintf("version %d", l.b[6]))
	l.add(7, 16, "header", "system and padding")
}

// fieldsUntil lists the ELF header from byte 16 up to end.
func (l *lister) fieldsUntil(end, word int) {
	at := 16
	for _, f := range []field{
		{2, "type (2 is an executable)"}, {2, "machine " + l.machine.String()}, {4, "version"}, {word, "entry point"},
		{word, "offset of the program headers"}, {word, "offset of the section headers"}, {4, "flags"}, {2, "size of this header"},
		{2, "size of a program header"}, {2, "number of program headers"}, {2, "size of a section header"},
		{2, "number of section headers"}, {2, "section with the names"},
	} {
		if at+f.size > end {
			break
		}
		_, at = l.fields(at, "header", []field{f})
	}
	if at < end {
		l.data(at, end)
	}
}

// programHeader lists one program header that begins at at, unless an earlier
// line already covers its first bytes; it gives the end of what is listed.
func (l *lister) programHeader(at, done int) int {
	if at > done {
		l.data(done, at)
	}
	names := []field{{4, "segment type (1 is loaded)"}, {4, "offset in the file"}, {4, "address"}, {4, "physical address"}, {4, "bytes in the file"}, {4, "bytes in memory"}, {4, "flags (1 run, 2 write, 4 read)"}, {4, "alignment"}}
	if l.wide {
		names = []field{{4, "segment type (1 is loaded)"}, {4, "flags (1 run, 2 write, 4 read)"}, {8, "offset in the file"}, {8, "address"}, {8, "physical address"}, {8, "bytes in the file"}, {8, "bytes in memory"}, {8, "alignment"}}
	}
	for _, f := range names {
		if at >= done {
			l.fields(at, "segment", []field{f})
		}
		at += f.size
	}
	return max(at, done)
}

// data lists bytes that are no code, 16 to a line.
func (l *lister) data(from, to int) {
	for ; from < to; from += 16 {
		end := min(from+16, to)
		l.add(from, end, "data", printable(l.b[from:end]))
	}
}

func printable(b []byte) string {
	out := []byte(nil)
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			c = '.'
		}
		out = append(out, c)
	}
	return string(out)
}

// code lists x86 instructions. What is no known instruction is listed byte by
// byte as such: the decoder gives operation 0 without an error for some.
func (l *lister) code(from, to int) {
	mode := 32
	switch l.machine {
	case elf.EM_X86_64:
		mode = 64
	case elf.EM_386:
	default:
		l.data(from, to)
		return
	}
	calls := callTracker{mode: mode}
	for at := from; at < to; {
		inst, err := x86asm.Decode(l.b[at:to], mode)
		if err != nil || inst.Op == 0 || inst.Len == 0 {
			l.add(at, at+1, "code", "(no known instruction)")
			at++
			continue
		}
		l.add(at, at+inst.Len, "code", x86asm.IntelSyntax(inst, l.addr(at), nil)+calls.note(inst))
		at += inst.Len
	}
}
