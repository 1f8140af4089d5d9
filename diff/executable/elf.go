package executable

import (
	"context"
	"debug/elf"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// KindELF is a program, library, object or core file of Unix systems.
const KindELF diff.Kind = "ELF"

func init() {
	diff.Register(diff.Format{Kind: KindELF, Match: func(in *diff.Input) bool { return in.HasPrefix(elf.ELFMAG) }, Compare: compareELF})
}

// elfPair is both sides of a comparison.
type elfPair struct {
	a, b *elfFile
	p    *pairing
	n    *diff.Node
	// What was said of imports: names may differ in one of two tables.
	saidImports, saidDynamic bool
	debugHunks               map[string][]diff.Hunk // what differs in debug sections, by name
	debugTables              map[string][2][]byte   // sections of strings that debug information points to, by name
	dirs                     [][2]string            // in which units were compiled, where they differ; nil until they are wanted
	debugPair                *dwarfPair             // nil when debug information is not taken apart
	debugRead                bool                   // it was tried
	debugWhy                 string                 // why it was not
}

func compareELF(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	fa, err := openELF(a)
	if err != nil {
		return fmt.Errorf("side A: %w", err)
	}
	fb, err := openELF(b)
	if err != nil {
		return fmt.Errorf("side B: %w", err)
	}
	for i, f := range []*elfFile{fa, fb} {
		for _, s := range f.notes {
			addNote(n, "side "+"AB"[i:i+1]+": "+s)
		}
	}
	// One side without sections: both are taken apart by what is loaded.
	if len(fa.sections) == 0 || len(fb.sections) == 0 {
		if len(fa.sections)+len(fb.sections) > 0 {
			addNote(n, "one side has no section headers, so that both are compared by segments")
		}
		fa.sections, fb.sections = nil, nil
	}
	if len(fa.sections) == 0 && (len(fa.segments) == 0 || len(fb.segments) == 0) {
		return bad("it has neither sections nor segments")
	}
	tellVersions(fa, fb)
	e := &elfPair{a: fa, b: fb, n: n, p: newPairing(ctx, x, fa.program(), fb.program())}
	if ma, mb := fa.misplaced(), fb.misplaced(); ma+mb != "" {
		e.p.distrust = true
		if ma != mb {
			n.Suspect(diff.Suspicion{Kind: diff.SuspectExecutable, What: fmt.Sprintf("section headers say another place than the program headers, from which it is loaded: %s in A, %s in B", orNone(ma), orNone(mb))})
		}
	}
	if oa, ob := fa.overlaid(), fb.overlaid(); oa+ob != "" {
		e.p.distrust = true
		if oa != ob {
			n.Suspect(diff.Suspicion{Kind: diff.SuspectExecutable, What: fmt.Sprintf("one segment is loaded over another: %s in A, %s in B", orNone(oa), orNone(ob))})
		}
	}
	e.suspectLayout()
	e.suspectPermissions()
	e.suspectTables()
	if err := x.Parts(ctx, n, a, b, e.parts(fa), e.parts(fb)); err != nil {
		return err
	}
	for _, c := range n.Children {
		if strings.HasPrefix(c.Name, "after ") && c.Kind == diff.KindBinary && !atEnd(c.A, a) && !atEnd(c.B, b) {
			if err := padding(ctx, c); err != nil {
				return err
			}
		}
		e.suspectGap(c)
	}
	e.suspectRunning()
	if err := e.suspectEqual(); err != nil {
		return err
	}
	x.Listing(n, "structure", fa.describe(), fb.describe())
	return nil
}

func orNone(name string) string {
	if name == "" {
		return "none"
	}
	return short(name)
}

func addNote(n *diff.Node, s string) {
	if n.Note != "" {
		n.Note += "; "
	}
	n.Note += s
}

// Names of parts that are no section.
const (
	partHeader   = "ELF header"
	partSegments = "program headers"
	partSections = "section headers"
)

// parts takes one side apart.
func (e *elfPair) parts(f *elfFile) []diff.Part {
	out := []diff.Part{{Name: partHeader, Kind: diff.KindTable, Range: diff.Range{Len: int64(f.headerSize())}, Compare: e.compareHeader}}
	if k := len(f.segments); k > 0 {
		out = append(out, diff.Part{Name: partSegments, Kind: diff.KindTable, Range: rangeOf(f.header.phoff, uint64(k)*f.segmentSize()), Compare: e.compareSegments})
	}
	if len(f.sections) == 0 {
		for _, r := range f.program().regions {
			if !r.empty {
				out = append(out, diff.Part{Name: r.name, Kind: regionKind(r.exec), Range: rangeOf(r.off, r.size), Compare: e.p.comparePart})
			}
		}
		return out
	}
	out = append(out, diff.Part{Name: partSections, Kind: diff.KindTable, Range: rangeOf(f.header.shoff, uint64(len(f.sections))*f.sectionSize()), Compare: e.compareSections})
	for i := range f.sections {
		if s := &f.sections[i]; s.hasBytes() {
			out = append(out, e.part(f, s))
		}
	}
	return out
}

// rangeOf is a range that a file claims; Parts cuts it to the file's size.
func rangeOf(off, size uint64) diff.Range {
	const most = 1 << 62
	return diff.Range{Off: int64(min(off, most)), Len: int64(min(size, most))}
}

func regionKind(exec bool) diff.Kind {
	if exec {
		return diff.KindCode
	}
	return diff.KindBinary
}

// part says how a section is compared.
func (e *elfPair) part(f *elfFile, s *section) diff.Part {
	p := diff.Part{Name: s.name, Kind: diff.KindBinary, Range: rangeOf(s.off, s.size)}
	if r, ok := f.sectionRegion(s); ok && !r.empty {
		p.Kind = regionKind(r.exec)
		p.Compare = e.p.comparePart
	}
	if isDebug(s) {
		p.Compare = e.compareDebug
	}
	if c := e.special(s); c != nil {
		p.Kind, p.Compare = diff.KindTable, c
	}
	if s.flags&elf.SHF_COMPRESSED != 0 || strings.HasPrefix(s.name, ".zdebug") {
		p.Kind, p.Compare = KindCompressed, e.compareCompressed
	}
	return p
}
