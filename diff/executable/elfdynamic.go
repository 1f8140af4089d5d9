package executable

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// special gives the comparison of a section that is more than bytes; nil when it
// is not.
func (e *elfPair) special(s *section) comparer {
	switch s.typ {
	case elf.SHT_SYMTAB, elf.SHT_DYNSYM:
		return e.compareSymbols(s.typ)
	case elf.SHT_DYNAMIC:
		return e.compareDynamic
	case elf.SHT_NOTE:
		return e.compareNotes
	case elf.SHT_RELA, elf.SHT_REL:
		return e.compareRelocations
	case elf.SHT_STRTAB:
		return e.compareNames
	case elf.SHT_GNU_VERSYM:
		return e.compareSymbolVersions
	case elf.SHT_GNU_VERNEED, elf.SHT_GNU_VERDEF:
		return e.compareVersionTable(s.typ)
	}
	switch s.name {
	case ".gnu.hash":
		return e.compareNameHash
	case ".eh_frame_hdr":
		return e.compareUnwindTable
	case ".eh_frame":
		return e.compareFrames
	case ".interp":
		return e.compareInterpreter
	case ".comment":
		return e.compareComment
	case ".gnu_debuglink", ".gnu_debugaltlink":
		return e.compareDebugLink
	case ".gopclntab", ".data.rel.ro.gopclntab":
		return e.compareGoTable
	case ".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors":
		return e.compareStart
	}
	return nil
}

// dynamicTag is an entry of the dynamic section.
type dynamicTag struct {
	tag elf.DynTag
	val uint64
	str string // of tags whose value is a string
}

// named reports whether a tag's value is the place of a string.
func (t dynamicTag) named() bool {
	switch t.tag {
	case elf.DT_NEEDED, elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH, elf.DT_AUXILIARY, elf.DT_FILTER, elf.DT_CONFIG, elf.DT_DEPAUDIT, elf.DT_AUDIT:
		return true
	}
	return false
}

func (t dynamicTag) name() string {
	if s := t.tag.String(); !strings.HasPrefix(s, "DynTag(") && s != "" {
		return strings.TrimPrefix(s, "DT_")
	}
	return hexNumber(uint64(t.tag))
}

func (t dynamicTag) String() string {
	switch {
	case t.str != "":
		return t.name() + " " + t.str
	case t.tag == elf.DT_FLAGS && t.val>>32 == 0:
		return t.name() + " " + strings.ReplaceAll(elf.DynFlag(t.val).String(), "DF_", "")
	case t.tag == elf.DT_FLAGS_1 && t.val>>32 == 0:
		return t.name() + " " + strings.ReplaceAll(elf.DynFlag1(t.val).String(), "DF_1_", "")
	}
	return t.name() + " " + hexNumber(t.val)
}

// maxTags bounds the entries of a dynamic section.
const maxTags = 1 << 16

func (f *elfFile) dynamic(p []byte) []dynamicTag {
	var out []dynamicTag
	size := 8
	if f.wide {
		size = 16
	}
	var strs *section
	for i := range f.sections {
		if s := &f.sections[i]; s.typ == elf.SHT_DYNAMIC && int(s.link) < len(f.sections) {
			strs = &f.sections[s.link]
		}
	}
	for ; len(p) >= size && len(out) < maxTags; p = p[size:] {
		r := f.fields(p)
		t := dynamicTag{tag: elf.DynTag(r.word()), val: r.word()}
		if t.named() && strs != nil {
			t.str, _ = f.stringAt(strs, t.val)
		}
		out = append(out, t)
	}
	return out
}

func (e *elfPair) compareDynamic(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if e.a.wide != e.b.wide {
		return x.Binary(ctx, n, a, b)
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	da, db := e.a.dynamic(pa), e.b.dynamic(pb)
	keys := func(ts []dynamicTag) []uint64 {
		out := make([]uint64, len(ts))
		for i, t := range ts {
			out[i] = hash(hashNumber(hashStart, uint64(t.tag)), []byte(t.str))
		}
		return out
	}
	runs, err := alignTokens(ctx, keys(da), keys(db))
	if err != nil {
		return err
	}
	size := uint64(8)
	if e.a.wide {
		size = 16
	}
	t := e.table()
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(da), b: len(db)}) {
		if ia < r.a || ib < r.b {
			t.open = append(t.open, diff.Hunk{A: rangeOf(uint64(ia)*size, uint64(r.a-ia)*size), B: rangeOf(uint64(ib)*size, uint64(r.b-ib)*size)})
		}
		for k := range r.n {
			x, y := da[r.a+k], db[r.b+k]
			if x.tag == y.tag && x.val == y.val {
				continue
			}
			h := diff.Hunk{A: rangeOf(uint64(r.a+k)*size, size), B: rangeOf(uint64(r.b+k)*size, size)}
			if x.tag == y.tag && (x.str != "" && x.str == y.str || e.dynamicFollows(x, y)) {
				t.closed = append(t.closed, h)
				t.follow[x.name()]++
				continue
			}
			t.open = append(t.open, h)
			t.reason(x.name(), x.String(), y.String())
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
	if err := t.tail(a, b, uint64(len(da))*size, uint64(len(db))*size); err != nil {
		return err
	}
	var fs []field
	for _, d := range da {
		fs = append(fs, field{name: d.name()})
	}
	t.finish(n, fs)
	if !e.saidDynamic {
		e.dynamicNames(n, da, db)
	}
	x.Listing(n, "dynamic", tagLines(da), tagLines(db))
	return nil
}

func tagLines(ts []dynamicTag) string {
	var out []string
	for _, t := range ts {
		out = append(out, t.String())
	}
	return lines(out)
}

// dynamicFollows reports whether a value follows from sections that are compared
// themselves.
func (e *elfPair) dynamicFollows(x, y dynamicTag) bool {
	if e.p.moved(x.val, y.val) {
		return true
	}
	for i := range e.a.sections {
		s := &e.a.sections[i]
		t := e.b.section(s.name)
		if t == nil {
			continue
		}
		if s.addr != 0 && s.addr == x.val && t.addr == y.val || s.size == x.val && t.size == y.val && sizeTag(x.tag) {
			return true
		}
	}
	return false
}

func sizeTag(t elf.DynTag) bool {
	switch t {
	case elf.DT_STRSZ, elf.DT_RELASZ, elf.DT_RELSZ, elf.DT_PLTRELSZ, elf.DT_INIT_ARRAYSZ, elf.DT_FINI_ARRAYSZ, elf.DT_PREINIT_ARRAYSZ, 35 /* DT_RELRSZ */ :
		return true
	}
	return false
}

// dynamicSection reads the section; it gives nothing when there is none.
func (f *elfFile) dynamicSection() []dynamicTag {
	for i := range f.sections {
		if s := &f.sections[i]; s.typ == elf.SHT_DYNAMIC && s.size <= maxTable {
			if p, err := readAt(f.in, s.off, s.size); err == nil {
				return f.dynamic(p)
			}
		}
	}
	return nil
}

// dynamicNames gives reasons and suspicions of what a program asks for by name.
func (e *elfPair) dynamicNames(n *diff.Node, da, db []dynamicTag) {
	e.saidDynamic = true
	of := func(ts []dynamicTag, tag elf.DynTag) (out []string) {
		for _, t := range ts {
			if t.tag == tag {
				out = append(out, orNoName(t.str))
			}
		}
		return out
	}
	for _, tag := range []elf.DynTag{elf.DT_NEEDED, elf.DT_SONAME, elf.DT_RPATH, elf.DT_RUNPATH, elf.DT_AUDIT, elf.DT_DEPAUDIT, elf.DT_AUXILIARY, elf.DT_FILTER} {
		sa, sb := of(da, tag), of(db, tag)
		if slices.Equal(sa, sb) {
			continue
		}
		name := dynamicTag{tag: tag}.name()
		n.Reasons = append(n.Reasons, diff.Reason{Field: name, A: strings.Join(sa, ", "), B: strings.Join(sb, ", ")})
		onlyA, onlyB := without(sa, sb), without(sb, sa)
		switch tag {
		case elf.DT_NEEDED, elf.DT_AUDIT, elf.DT_DEPAUDIT, elf.DT_AUXILIARY, elf.DT_FILTER:
			suspectNames(n, diff.SuspectImport, "asks for a library", "A", "B", onlyA)
			suspectNames(n, diff.SuspectImport, "asks for a library", "B", "A", onlyB)
			if len(onlyA)+len(onlyB) == 0 {
				n.Suspect(diff.Suspicion{Kind: diff.SuspectImport, What: "the same libraries are asked for in another order: the first that has a function gives it"})
			}
		case elf.DT_RPATH, elf.DT_RUNPATH:
			suspectNames(n, diff.SuspectPath, "looks for libraries in a path", "A", "B", onlyA)
			suspectNames(n, diff.SuspectPath, "looks for libraries in a path", "B", "A", onlyB)
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_INIT, elf.DT_FINI} {
		one := func(ts []dynamicTag) (uint64, bool) {
			for _, t := range ts {
				if t.tag == tag {
					return t.val, true
				}
			}
			return 0, false
		}
		va, okA := one(da)
		vb, okB := one(db)
		if okA != okB || okA && va != vb && !e.p.moved(va, vb) {
			n.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: fmt.Sprintf("the function that runs at the program's %s differs: %s in A, %s in B", strings.ToLower(dynamicTag{tag: tag}.name()), orMissing(va, okA), orMissing(vb, okB))})
		}
	}
}

func orMissing(v uint64, ok bool) string {
	if !ok {
		return "none"
	}
	return hexNumber(v)
}

func text(p []byte) string { return string(bytes.TrimRight(p, "\x00")) }

func (e *elfPair) compareInterpreter(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	suspectInterpreter(n, text(pa), text(pb))
	n.Reasons = append(n.Reasons, diff.Reason{Field: "interpreter", A: short(text(pa)), B: short(text(pb))})
	return nil
}

func suspectInterpreter(n *diff.Node, a, b string) {
	n.Suspect(diff.Suspicion{Kind: diff.SuspectInterpreter, What: fmt.Sprintf("another program loads it: %q in A, %q in B", short(a), short(b))})
}

// compareComment compares what compilers say of themselves.
func (e *elfPair) compareComment(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	of := func(p []byte) []string {
		var out []string
		for _, s := range bytes.Split(p, []byte{0}) {
			if len(s) > 0 {
				out = append(out, short(string(s)))
			}
		}
		return out
	}
	ca, cb := of(pa), of(pb)
	n.Reasons = append(n.Reasons, diff.Reason{Field: FieldCompiler, A: strings.Join(without(ca, cb), "; "), B: strings.Join(without(cb, ca), "; ")})
	return nil
}

func (e *elfPair) compareDebugLink(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	pa, pb, err := both(a, b)
	if err != nil {
		return err
	}
	na, ra, _ := bytes.Cut(pa, []byte{0})
	nb, rb, _ := bytes.Cut(pb, []byte{0})
	if !bytes.Equal(na, nb) {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "file with the debug information", A: short(string(na)), B: short(string(nb))})
	}
	if n.Name == debugLink {
		fillA, sumA := beforeLast(ra, 4)
		fillB, sumB := beforeLast(rb, 4)
		if ra, rb = sumA, sumB; len(bytes.Trim(fillA, "\x00"))+len(bytes.Trim(fillB, "\x00")) > 0 {
			n.Reasons = append(n.Reasons, diff.Reason{Field: "bytes before the checksum", A: fmt.Sprintf("%x", tail(fillA)), B: fmt.Sprintf("%x", tail(fillB))})
		}
	}
	if !bytes.Equal(ra, rb) {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "checksum of the debug information", A: fmt.Sprintf("%x", tail(ra)), B: fmt.Sprintf("%x", tail(rb))})
	}
	return nil
}

// debugLink names the file with the debug information, and has, aligned, its checksum.
const debugLink = ".gnu_debuglink"

// beforeLast cuts the last bytes off.
func beforeLast(p []byte, n int) (before, last []byte) {
	k := max(0, len(p)-n)
	return p[:k], p[k:]
}

// tail is the last 20 bytes, at most.
func tail(p []byte) []byte { return p[max(0, len(p)-20):] }

// compareStart compares a table of functions that run before or after main.
func (e *elfPair) compareStart(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if err := e.p.comparePart(ctx, x, n, a, b); err != nil {
		return err
	}
	if a.Size != b.Size || len(n.UnexplainedA)+len(n.UnexplainedB) > 0 {
		n.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: fmt.Sprintf("the functions that run before or after main differ: %d in A, %d in B, and not all are the same", a.Size*8/int64(e.p.bits()), b.Size*8/int64(e.p.bits()))})
	}
	return nil
}

// suspectLayout reports what the program headers give away to whoever runs the
// program: executable memory, another loader, another start.
func (e *elfPair) suspectLayout() {
	execs := func(f *elfFile) (exec, both []string) {
		for i, s := range f.segments {
			name := fmt.Sprintf("%s at %s", permissions(s.flags), hexNumber(s.vaddr))
			switch {
			case s.typ == elf.PT_GNU_STACK && s.flags&elf.PF_X != 0:
				both = append(both, "the stack")
			case s.typ != elf.PT_LOAD || s.flags&elf.PF_X == 0:
			case s.flags&elf.PF_W != 0:
				both = append(both, f.segmentName(i)+", "+name)
			default:
				exec = append(exec, name)
			}
		}
		return exec, both
	}
	xa, wa := execs(e.a)
	xb, wb := execs(e.b)
	say := func(what, side, other string, k int, list []string) {
		if k > 0 {
			e.n.Suspect(diff.Suspicion{Kind: diff.SuspectExecutable, What: fmt.Sprintf("side %s has more memory that can be %s than %s: %s", side, what, other, strings.Join(list, "; "))})
		}
	}
	say("written and run", "A", "B", len(wa)-len(wb), wa)
	say("written and run", "B", "A", len(wb)-len(wa), wb)
	say("run", "A", "B", len(xa)-len(xb), xa)
	say("run", "B", "A", len(xb)-len(xa), xb)
	if va, vb := e.a.header.entry, e.b.header.entry; va != vb && !e.p.moved(va, vb) {
		e.n.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: fmt.Sprintf("it starts at another place: %s in A, %s in B", e.p.a.where(va), e.p.b.where(vb))})
	}
	if ia, ib := e.a.interpreter(), e.b.interpreter(); ia != ib && (ia != e.a.sectionText(".interp") || ib != e.b.sectionText(".interp")) {
		suspectInterpreter(e.n, ia, ib) // otherwise the section's own comparison says it
	}
}

// interpreter is what the program headers name.
func (f *elfFile) interpreter() string {
	for _, s := range f.segments {
		if s.typ == elf.PT_INTERP {
			n, _ := stringIn(f.in, s.off, s.fileSize)
			return n
		}
	}
	return ""
}
