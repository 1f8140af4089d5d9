package executable

import (
	"context"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// maxDebug bounds the debug sections whose units are read.
const maxDebug = 64 << 20

// maxUnits bounds the compilation units that are listed.
const maxUnits = 1 << 16

// isDebug reports a section of debug information that is not loaded.
func isDebug(s *section) bool {
	return strings.HasPrefix(s.name, ".debug_") && s.flags&elf.SHF_ALLOC == 0 && s.flags&elf.SHF_COMPRESSED == 0
}

func isDebugName(name string) bool {
	return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".zdebug_")
}

// compareDebugBytes compares debug information byte by byte. Words that hold the
// place of a string, of code or of other debug information that moved follow from
// what they point to.
func (e *elfPair) compareDebugBytes(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	var open, closed []diff.Hunk
	for _, h := range hunksOf(n) {
		if e.debugWord(ctx, a, b, h) {
			closed = append(closed, h)
		} else {
			open = append(open, h)
		}
	}
	if len(closed) > 0 {
		setHunks(n, open, closed)
		n.Reasons = append(n.Reasons, diff.Reason{Field: plural(len(closed), "place") + " of strings, code and units that moved",
			Cause: &diff.Cause{ID: "derived", Name: "places of what moved", Confidence: diff.Derived}})
	}
	if n.Name == ".debug_info" {
		e.units(ctx, n, x)
	}
	return nil
}

// debugWord reports whether a range lies in one word, of 4 or 8 bytes and not
// aligned, that means the same on both sides.
func (e *elfPair) debugWord(ctx context.Context, a, b *diff.Input, h diff.Hunk) bool {
	if h.A.Len != h.B.Len || h.A.Len > 8 {
		return false
	}
	for _, size := range []int64{4, 8} {
		for back := int64(0); back <= size-h.A.Len; back++ {
			fa, fb := h.A.Off-back, h.B.Off-back
			if fa < 0 || fb < 0 || fa+size > a.Size || fb+size > b.Size {
				continue
			}
			var wa, wb [8]byte
			if k, _ := a.ReadAt(wa[:size], fa); int64(k) < size {
				continue
			}
			if k, _ := b.ReadAt(wb[:size], fb); int64(k) < size {
				continue
			}
			x, y := word(e.a.order, wa[:size]), word(e.b.order, wb[:size])
			if size == int64(e.p.bits()/8) && e.p.a.at(x) != nil && e.p.moved(x, y) || size == 4 && (e.movedIn(ctx, x, y) || e.sameString(x, y)) {
				return true
			}
		}
	}
	return false
}

func word(o binary.ByteOrder, p []byte) uint64 {
	if len(p) == 8 {
		return o.Uint64(p)
	}
	return uint64(o.Uint32(p))
}

// debugTargets are the sections that offsets in debug information point into.
var debugTargets = []string{".debug_str", ".debug_line_str", ".debug_line", ".debug_rnglists", ".debug_loclists", ".debug_abbrev", ".debug_ranges", ".debug_loc", ".debug_info"}

// movedIn reports whether two offsets are the same place of a debug section that
// differs.
func (e *elfPair) movedIn(ctx context.Context, x, y uint64) bool {
	for _, name := range debugTargets {
		hs, ok := e.debugHunks[name]
		if !ok {
			hs = e.hunksOfSection(ctx, name)
			if e.debugHunks == nil {
				e.debugHunks = map[string][]diff.Hunk{}
			}
			e.debugHunks[name] = hs
		}
		sa, sb := e.a.section(name), e.b.section(name)
		if len(hs) > 0 && x < sa.size && y < sb.size && inData(hs, x, y) {
			return true
		}
	}
	return false
}

// hunksOfSection aligns a section of both sides; nothing when it is too long, or
// when one side has none.
func (e *elfPair) hunksOfSection(ctx context.Context, name string) []diff.Hunk {
	sa, sb := e.a.section(name), e.b.section(name)
	if sa == nil || sb == nil || !sa.hasBytes() || !sb.hasBytes() || max(sa.size, sb.size) > maxAligned {
		return nil
	}
	if sa.off > uint64(e.a.in.Size) || sa.size > uint64(e.a.in.Size)-sa.off || sb.off > uint64(e.b.in.Size) || sb.size > uint64(e.b.in.Size)-sb.off {
		return nil
	}
	hs, err := e.p.x.Hunks(ctx, e.a.in.Section(rangeOf(sa.off, sa.size), name), e.b.in.Section(rangeOf(sb.off, sb.size), name))
	if err != nil || len(hs) > maxHunks {
		return nil
	}
	return hs
}

// units lists what the compilation units say of themselves, and gives reasons of
// what differs.
func (e *elfPair) units(ctx context.Context, n *diff.Node, x *diff.Examiner) {
	ua, errA := e.a.units(ctx)
	ub, errB := e.b.units(ctx)
	for i, err := range []error{errA, errB} {
		if err != nil {
			addNote(n, fmt.Sprintf("the units of side %s could not be read: %v", "AB"[i:i+1], err))
		}
	}
	write := func(us []unitInfo) string {
		var out []string
		for _, u := range us {
			out = append(out, fmt.Sprintf("unit %s\n  in %s\n  by %s", short(u.name), short(u.dir), short(u.producer)))
		}
		return lines(out)
	}
	x.Listing(n, "units", write(ua), write(ub))
	for _, f := range []struct {
		field string
		of    func(unitInfo) string
	}{{FieldCompiler, func(u unitInfo) string { return u.producer }}, {FieldDir, func(u unitInfo) string { return u.dir }}} {
		va, vb := distinct(ua, f.of), distinct(ub, f.of)
		if oa, ob := without(va, vb), without(vb, va); len(oa)+len(ob) > 0 {
			n.Reasons = append(n.Reasons, diff.Reason{Field: f.field, A: some(oa), B: some(ob)})
		}
	}
}

func some(ss []string) string {
	const most = 4
	if len(ss) > most {
		ss = append(ss[:most:most], fmt.Sprintf("and %d more", len(ss)-most))
	}
	return strings.Join(ss, "; ")
}

func distinct(us []unitInfo, of func(unitInfo) string) []string {
	seen := map[string]bool{}
	var out []string
	for _, u := range us {
		if s := short(of(u)); s != "" && !seen[s] && len(out) < maxStrings {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// unitInfo is what a compilation unit says of itself.
type unitInfo struct{ name, dir, producer string }

// units reads the first entry of each compilation unit.
func (f *elfFile) units(ctx context.Context) (out []unitInfo, err error) {
	// The library is not known to panic on what is broken; a file from an attacker
	// may know better.
	defer func() {
		if r := recover(); r != nil {
			err = bad("reading debug information: %v", r)
		}
	}()
	data := map[string][]byte{}
	for _, name := range []string{"abbrev", "info", "str", "line_str", "str_offsets", "addr"} {
		if data[name], err = f.debugSection(ctx, name, maxDebug); err != nil {
			return nil, err
		}
	}
	d, err := dwarf.New(data["abbrev"], nil, nil, data["info"], nil, nil, nil, data["str"])
	if err != nil {
		return nil, bad("%v", err)
	}
	for _, name := range []string{"line_str", "str_offsets", "addr"} {
		if err := d.AddSection(".debug_"+name, data[name]); err != nil {
			return nil, bad("%v", err)
		}
	}
	r := d.Reader()
	for _, off := range f.unitOffsets(data["info"]) {
		r.Seek(dwarf.Offset(off))
		e, err := r.Next()
		if err != nil || e == nil {
			return out, err
		}
		str := func(a dwarf.Attr) string { s, _ := e.Val(a).(string); return s }
		out = append(out, unitInfo{str(dwarf.AttrName), str(dwarf.AttrCompDir), str(dwarf.AttrProducer)})
	}
	return out, nil
}

// unitOffsets gives where the first entry of each unit lies.
func (f *elfFile) unitOffsets(info []byte) []uint64 {
	var out []uint64
	for off := uint64(0); off+16 < uint64(len(info)) && len(out) < maxUnits; {
		size, head := uint64(f.order.Uint32(info[off:])), uint64(4)
		if size == 0xffffffff {
			break // 64-bit DWARF, which nobody writes for files of this size
		}
		switch version := f.order.Uint16(info[off+4:]); {
		case version >= 5:
			head = 12
			if t := info[off+6]; t == 4 || t == 5 {
				head = 20 // a skeleton has an identifier
			}
		default:
			head = 11
		}
		out = append(out, off+head)
		off += 4 + size
	}
	return out
}
