package executable

import (
	"context"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// KindPE is a program of Windows or UEFI.
const KindPE diff.Kind = "PE"

func init() {
	diff.Register(diff.Format{Kind: KindPE, Match: isPE, Compare: comparePE})
}

func isPE(in *diff.Input) bool {
	h := in.Head()
	if len(h) < 64 || string(h[:2]) != "MZ" {
		return false
	}
	at := binary.LittleEndian.Uint32(h[60:])
	return int64(at)+4 <= in.Size && (int64(at)+4 > int64(len(h)) || string(h[at:at+4]) == "PE\x00\x00")
}

// pePair is both sides of a comparison.
type pePair struct {
	a, b *peFile
	p    *pairing
}

func comparePE(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	fa, err := openPE(a)
	if err != nil {
		return fmt.Errorf("side A: %w", err)
	}
	fb, err := openPE(b)
	if err != nil {
		return fmt.Errorf("side B: %w", err)
	}
	e := &pePair{a: fa, b: fb, p: newPairing(ctx, x, fa.program(), fb.program())}
	e.suspect(n)
	if err := x.Parts(ctx, n, a, b, e.parts(fa), e.parts(fb)); err != nil {
		return err
	}
	x.Listing(n, "structure", fa.describe(), fb.describe())
	x.Listing(n, "imports", lines(fa.imports()), lines(fb.imports()))
	return nil
}

// parts takes one side apart.
func (e *pePair) parts(f *peFile) []diff.Part {
	out := []diff.Part{
		{Name: "DOS header", Kind: diff.KindBinary, Range: rangeOf(0, f.at)},
		{Name: "PE header", Kind: diff.KindTable, Range: rangeOf(f.at, peHeader+uint64(f.optional)), Compare: e.compareHeader},
		{Name: "section headers", Kind: diff.KindTable, Range: rangeOf(f.at+peHeader+uint64(f.optional), uint64(len(f.sections))*peSectionSz), Compare: e.compareSections},
	}
	for _, s := range f.sections {
		if s.size > 0 {
			out = append(out, diff.Part{Name: s.name, Kind: regionKind(s.char&peExec != 0), Range: rangeOf(uint64(s.off), uint64(s.size)), Compare: e.compareSection})
		}
	}
	// This directory holds a place in the file, and no address.
	if len(f.dirs) > peCertificates && f.dirs[peCertificates][1] > 0 {
		d := f.dirs[peCertificates]
		out = append(out, diff.Part{Name: "certificates", Kind: diff.KindBinary, Range: rangeOf(uint64(d[0]), uint64(d[1]))})
	}
	return out
}

func little() *tableDiff {
	f := &elfFile{order: binary.LittleEndian}
	return &tableDiff{e: &elfPair{a: f, b: f}, follow: map[string]int{}}
}

func (e *pePair) compareHeader(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if e.a.wide != e.b.wide || a.Size != b.Size {
		return x.Binary(ctx, n, a, b)
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	const opt = peHeader
	fs := []field{
		{name: "signature", off: 0, n: 4}, {name: "machine", off: 4, n: 2},
		{name: "number of sections", off: 6, n: 2, follows: e.made(func(f *peFile) uint64 { return uint64(len(f.sections)) })},
		{name: "time", off: 8, n: 4, show: peTime},
		{name: "symbol table", off: 12, n: 4, follows: e.made(func(f *peFile) uint64 { _, off := f.end(); return off })}, {name: "number of symbols", off: 16, n: 4},
		{name: "size of the optional header", off: 20, n: 2}, {name: "characteristics", off: 22, n: 2},
		{name: "kind", off: opt, n: 2}, {name: "version of the linker", off: opt + 2, n: 2},
		{name: "size of code", off: opt + 4, n: 4, follows: e.made(func(f *peFile) uint64 { return f.sumOf(peCode) })},
		{name: "size of data", off: opt + 8, n: 4, follows: e.made(func(f *peFile) uint64 { return f.sumOf(peData) })}, {name: "size of zeros", off: opt + 12, n: 4},
		{name: "entry", off: opt + 16, n: 4, follows: func(v, w uint64) bool { return e.p.moved(e.a.base+v, e.b.base+w) }},
		{name: "base of code", off: opt + 20, n: 4, follows: e.made((*peFile).baseOfCode)},
	}
	t := little()
	t.entry("", fs, pa, pb, 0, 0)
	// The rest, number by number: an odd end stays a field of its own.
	for off := uint64(opt + 24); off < uint64(len(pa)); off += 4 {
		f := field{name: fmt.Sprintf("field at %d of the optional header", off-opt), off: off, n: min(4, uint64(len(pa))-off)}
		if f.n == 3 {
			f.n = 2
		}
		switch dirs := map[bool]uint64{false: opt + 96, true: opt + 112}[e.a.wide]; {
		case off == opt+64:
			f.name = "checksum"
		case off == opt+56:
			f.name, f.follows = "size of the image", e.made(func(f *peFile) uint64 { addr, _ := f.end(); return addr })
		case off >= dirs && off < dirs+128:
			f.name = "directories"
			if k := (off - dirs) / 4; k%2 == 0 && k/2 != peCertificates {
				f.follows = func(v, w uint64) bool { return e.p.moved(e.a.base+v, e.b.base+w) }
			}
		}
		t.entry("", []field{f}, pa, pb, 0, 0)
		fs = append(fs, f)
		if f.n == 2 && uint64(len(pa))-off == 3 {
			last := field{name: "last byte", off: off + 2, n: 1}
			t.entry("", []field{last}, pa, pb, 0, 0)
		}
	}
	t.finish(n, fs)
	if r := reasonOf(n, "time"); r != nil {
		r.Cause = &diff.Cause{ID: "D1d", Name: "time in the PE header", Confidence: diff.Likely, Evidence: "the header has a field for it", Fix: "/Brepro, or --no-insert-timestamp"}
	}
	return nil
}

func reasonOf(n *diff.Node, field string) *diff.Reason {
	for i := range n.Reasons {
		if n.Reasons[i].Field == field {
			return &n.Reasons[i]
		}
	}
	return nil
}

func (e *pePair) compareSections(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if a.Size != b.Size {
		return x.Binary(ctx, n, a, b)
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	t := little()
	var fs []field
	for i := uint64(0); i+peSectionSz <= uint64(len(pa)); i += peSectionSz {
		fs = e.sectionFields(int(i / peSectionSz))
		t.entry(e.a.sections[i/peSectionSz].name+" ", fs, pa[i:i+peSectionSz], pb[i:i+peSectionSz], i, i)
	}
	t.finish(n, fs)
	return nil
}

// compareSection compares a section, and knows the times of the debug directory
// in it.
func (e *pePair) compareSection(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if err := e.p.comparePart(ctx, x, n, a, b); err != nil || n.A.Within == nil || n.B.Within == nil {
		return err
	}
	sa, sb := e.a.stamps(), e.b.stamps()
	for off, va := range sa {
		rel := int64(off) - n.A.Within.Off
		vb, ok := sb[uint64(n.B.Within.Off+rel)]
		if rel < 0 || rel >= a.Size || !ok || va == vb {
			continue
		}
		n.Reasons = append(n.Reasons, diff.Reason{Field: "time in the debug directory", A: peTime(uint64(va)), B: peTime(uint64(vb)),
			Cause: &diff.Cause{ID: "D1d", Name: "time in the debug directory", Confidence: diff.Likely, Evidence: "the directory has a field for it", Fix: "/Brepro, or --no-insert-timestamp"}})
		break // all of one file are the same
	}
	return nil
}

func (e *pePair) suspect(n *diff.Node) {
	ia, ib := e.a.imports(), e.b.imports()
	suspectNames(n, diff.SuspectImport, "asks for a function", "A", "B", without(ia, ib))
	suspectNames(n, diff.SuspectImport, "asks for a function", "B", "A", without(ib, ia))
	both := func(f *peFile) (out []string) {
		for _, s := range f.sections {
			if s.char&(peExec|peWrite) == peExec|peWrite {
				out = append(out, s.name)
			}
		}
		return out
	}
	wa, wb := both(e.a), both(e.b)
	suspectNames(n, diff.SuspectExecutable, "has memory that can be written and run", "A", "B", without(wa, wb))
	suspectNames(n, diff.SuspectExecutable, "has memory that can be written and run", "B", "A", without(wb, wa))
	if va, vb := e.a.base+uint64(e.a.entry), e.b.base+uint64(e.b.entry); va != vb && !e.p.moved(va, vb) {
		n.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: fmt.Sprintf("it starts at another place: %s in A, %s in B", e.p.a.where(va), e.p.b.where(vb))})
	}
}

// describe writes the headers, to be compared by eye.
func (f *peFile) describe() string {
	var b strings.Builder
	names := map[uint16]string{pe.IMAGE_FILE_MACHINE_AMD64: "x86-64", pe.IMAGE_FILE_MACHINE_I386: "386", pe.IMAGE_FILE_MACHINE_ARM64: "arm64"}
	fmt.Fprintf(&b, "machine %#x %s, subsystem %d, base %#x, entry %#x\ntime %s\n", f.machine, names[f.machine], f.subs, f.base, f.entry, peTime(uint64(f.time)))
	for _, s := range f.sections {
		fmt.Fprintf(&b, "section %-8s %d bytes, %d in memory, characteristics %#x\n", short(s.name), s.size, s.vsize, s.char)
	}
	return b.String()
}
