package executable

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// Fields of reasons that rules about causes look for.
const (
	FieldBuildID  = "build ID"
	FieldCompiler = "compiler"
	FieldDir      = "directory of the build"
	FieldISA      = "instruction set that it needs"
)

// note is an entry of a section of notes.
type note struct {
	owner string
	typ   uint32
	at    uint64 // of its sizes in the section
	off   uint64 // of desc in the section
	desc  []byte
}

// maxNotes bounds the notes of a section.
const maxNotes = 4096

// notesIn takes a section apart. What is no note is left out.
func (f *elfFile) notesIn(p []byte, align uint64) []note {
	if align < 4 || align > 8 {
		align = 4
	}
	pad := func(n uint64) uint64 { return (n + align - 1) &^ (align - 1) }
	var out []note
	size := uint64(len(p))
	for off := uint64(0); off+12 <= size && len(out) < maxNotes; {
		r := f.fields(p[off:])
		nameSize, descSize, typ := uint64(r.u32()), uint64(r.u32()), r.u32()
		at := off + 12
		desc := pad(at + nameSize) // of notes of 8 bytes the name ends on such a boundary, and begins on none
		if nameSize > size-at || desc > size || descSize > size-desc {
			break
		}
		out = append(out, note{owner: text(p[at : at+nameSize]), typ: typ, at: off, off: desc, desc: p[desc : desc+descSize]})
		off = pad(desc + descSize)
	}
	return out
}

// name says what a note is.
func (t note) name() string {
	if t.owner == "GNU" {
		switch t.typ {
		case 1:
			return "ABI tag"
		case 3:
			return FieldBuildID
		case 4:
			return "version of gold"
		case 5:
			return "properties"
		}
	}
	if t.owner == "Go" && t.typ == 4 {
		return "Go build ID"
	}
	if t.owner == "FDO" && t.typ == 0xcafe1a7e {
		return "package"
	}
	return fmt.Sprintf("note %s %d", short(orNoName(t.owner)), t.typ)
}

// value writes what a note says.
func (f *elfFile) value(t note) string {
	switch t.name() {
	case "ABI tag":
		if len(t.desc) == 16 {
			r := f.fields(t.desc)
			return fmt.Sprintf("system %d, kernel %d.%d.%d", r.u32(), r.u32(), r.u32(), r.u32())
		}
	case "Go build ID", "package", "version of gold":
		return short(text(t.desc))
	case "properties":
		return strings.Join(f.properties(t.desc), "; ")
	}
	if len(t.desc) > 64 {
		return fmt.Sprintf("%x… (%d bytes)", t.desc[:64], len(t.desc))
	}
	return fmt.Sprintf("%x", t.desc)
}

// Properties of x86 programs, from the x86-64 psABI's program property.
const (
	propIBT      = 0xc0000002 // feature bits: indirect branch tracking, shadow stack
	propISANeed  = 0xc0008002
	propISAUsed  = 0xc0010002
	propStack    = 1
	propNoCopy   = 2
	propAArch    = 0xc0000000
	maxPropBytes = 64
)

// properties takes the GNU property note apart.
func (f *elfFile) properties(p []byte) []string {
	align := uint64(4)
	if f.wide {
		align = 8
	}
	var out []string
	for len(p) >= 8 && len(out) < 64 {
		r := f.fields(p)
		typ, size := r.u32(), uint64(r.u32())
		if size > uint64(len(p))-8 {
			break
		}
		v := p[8 : 8+size]
		out = append(out, f.property(typ, v))
		p = p[min(uint64(len(p)), 8+(size+align-1)&^(align-1)):]
	}
	return out
}

func (f *elfFile) property(typ uint32, v []byte) string {
	x86 := f.header.machine == elf.EM_X86_64 || f.header.machine == elf.EM_386
	var bits uint64
	if len(v) == 4 || len(v) == 8 {
		bits = f.number(v)
	}
	levels := func() string {
		var out []string
		for i, name := range []string{"baseline", "v2", "v3", "v4"} {
			if bits>>i&1 != 0 {
				out = append(out, "x86-64-"+name)
			}
		}
		return strings.Join(out, " ")
	}
	switch {
	case x86 && typ == propIBT:
		var out []string
		for i, name := range []string{"IBT", "SHSTK"} {
			if bits>>i&1 != 0 {
				out = append(out, name)
			}
		}
		return "protection " + strings.Join(out, " ")
	case x86 && typ == propISANeed:
		return FieldISA + " " + levels()
	case x86 && typ == propISAUsed:
		return "instruction set that it uses " + levels()
	case typ == propStack:
		return "stack of " + hexNumber(bits) + " bytes"
	case typ == propNoCopy:
		return "no copy on protected"
	case !x86 && typ == propAArch:
		return "protection " + hexNumber(bits)
	}
	return fmt.Sprintf("%#x %x", typ, v[:min(len(v), maxPropBytes)])
}

// compareNotes compares notes one by one. Both sides have the same notes at the
// same places, or the bytes are left as they are.
func (e *elfPair) compareNotes(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	na, nb := e.a.notesIn(pa, e.noteAlign(e.a, n.A)), e.b.notesIn(pb, e.noteAlign(e.b, n.B))
	for i := range max(len(na), len(nb)) {
		switch {
		case i >= len(na):
			n.Reasons = append(n.Reasons, diff.Reason{Field: "notes", B: nb[i].name() + " " + e.b.value(nb[i])})
		case i >= len(nb) || na[i].name() != nb[i].name():
			r := diff.Reason{Field: "notes", A: na[i].name() + " " + e.a.value(na[i])}
			if i < len(nb) {
				r.B = nb[i].name() + " " + e.b.value(nb[i])
			}
			n.Reasons = append(n.Reasons, r)
		case !bytes.Equal(na[i].desc, nb[i].desc):
			n.Reasons = append(n.Reasons, diff.Reason{Field: na[i].name(), A: e.a.value(na[i]), B: e.b.value(nb[i])})
		}
	}
	if len(n.Reasons) == 0 || !bytes.Equal(besideNotes(pa, na), besideNotes(pb, nb)) {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "bytes beside what the notes say"})
	}
	return nil
}

// besideNotes is a section without what its notes say, how long that is, and the
// zeros after it.
func besideNotes(p []byte, notes []note) (out []byte) {
	from := uint64(0)
	for _, t := range notes {
		out = append(append(out, p[from:t.at+4]...), p[t.at+8:t.off]...)
		from = t.off + uint64(len(t.desc))
		for pad := (4 - from%4) % 4; pad > 0 && from < uint64(len(p)) && p[from] == 0; pad-- {
			from++
		}
	}
	return append(out, p[from:]...)
}

func (e *elfPair) noteAlign(f *elfFile, s *diff.Side) uint64 {
	for i := range f.sections {
		if t := &f.sections[i]; s != nil && s.Within != nil && t.off == uint64(s.Within.Off) {
			return t.algn
		}
	}
	return 4
}
