package executable

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// KindWasm is a WebAssembly module.
const KindWasm diff.Kind = "wasm"

const wasmMagic = "\x00asm"

func init() {
	diff.Register(diff.Format{Kind: KindWasm, Match: func(in *diff.Input) bool { return in.HasPrefix(wasmMagic) }, Compare: compareWasm})
}

// wasmSections are what sections hold, by their numbers.
var wasmSections = []string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count", "tag"}

// wasmSection is a section of a module.
type wasmSection struct {
	id         byte
	name       string
	head, body diff.Range
}

// maxWasm bounds the sections of a module, and the names in one.
const maxWasm = 1 << 16

// leb reads a LEB128 number.
func leb(p []byte) (v uint64, n int) { return binary.Uvarint(p[:min(len(p), 10)]) }

// readWasm finds the sections.
func readWasm(in *diff.Input) ([]wasmSection, error) {
	var out []wasmSection
	for off := int64(8); off < in.Size; {
		head, err := readAt(in, uint64(off), uint64(min(in.Size-off, 11)))
		if err != nil {
			return nil, err
		}
		size, n := leb(head[1:])
		at := off + 1 + int64(n)
		if n <= 0 || size > uint64(in.Size-at) || len(out) > maxWasm {
			return nil, bad("the section at byte %d", off)
		}
		s := wasmSection{id: head[0], head: diff.Range{Off: off, Len: at - off}, body: diff.Range{Off: at, Len: int64(size)}}
		s.name = fmt.Sprintf("section %d", s.id)
		if int(s.id) < len(wasmSections) {
			s.name = wasmSections[s.id]
		}
		if s.id == 0 {
			p, err := readAt(in, uint64(at), min(size, maxName))
			if err != nil {
				return nil, err
			}
			if l, n := leb(p); n > 0 && l <= uint64(len(p)-n) {
				s.name = "custom " + string(p[n:n+int(l)])
			}
		}
		out = append(out, s)
		off = at + int64(size)
	}
	return out, nil
}

func compareWasm(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	sa, err := readWasm(a)
	if err != nil {
		return fmt.Errorf("side A: %w", err)
	}
	sb, err := readWasm(b)
	if err != nil {
		return fmt.Errorf("side B: %w", err)
	}
	ia, ea := wasmNames(a, sa)
	ib, eb := wasmNames(b, sb)
	suspectNames(n, diff.SuspectImport, "asks for", "A", "B", without(ia, ib))
	suspectNames(n, diff.SuspectImport, "asks for", "B", "A", without(ib, ia))
	if err := x.Parts(ctx, n, a, b, wasmParts(sa), wasmParts(sb)); err != nil {
		return err
	}
	for _, c := range n.Children {
		switch {
		case c.Name == "code" && c.Status == diff.Differs:
			n.Suspect(diff.Suspicion{Kind: diff.SuspectChangedCode, What: fmt.Sprintf("its code differs, in %s", plural(len(c.RangesB), "place"))})
		case c.Name == "start":
			n.Suspect(diff.Suspicion{Kind: diff.SuspectStart, What: "the function that runs first differs"})
		}
	}
	x.Listing(n, "imports", lines(ia), lines(ib))
	x.Listing(n, "exports", lines(ea), lines(eb))
	return nil
}

func wasmParts(ss []wasmSection) []diff.Part {
	out := []diff.Part{{Name: "header", Kind: diff.KindTable, Range: diff.Range{Len: 8}}}
	for _, s := range ss {
		out = append(out, diff.Part{Name: "size of " + s.name, Kind: diff.KindTable, Range: s.head, Compare: sizeOnly}, diff.Part{Name: s.name, Kind: diff.KindBinary, Range: s.body})
	}
	return out
}

// sizeOnly compares what says how long the part after it is.
func sizeOnly(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	if err := x.Binary(ctx, n, a, b); err != nil {
		return err
	}
	shortest := func(in *diff.Input) bool {
		p, err := readAt(in, 0, uint64(in.Size))
		if err != nil || len(p) < 2 {
			return false
		}
		v, k := leb(p[1:])
		return k == len(binary.AppendUvarint(nil, v))
	}
	if a.Size != b.Size && (!shortest(a) || !shortest(b)) {
		return nil // one number can be written in several lengths
	}
	n.UnexplainedA, n.UnexplainedB = nil, nil
	n.Reasons = append(n.Reasons, followReason("size", 1))
	return nil
}

// wasmNames gives what a module asks of others and what it offers.
func wasmNames(in *diff.Input, ss []wasmSection) (imports, exports []string) {
	for _, s := range ss {
		if s.id != 2 && s.id != 7 || s.body.Len > maxTable {
			continue
		}
		p, err := readAt(in, uint64(s.body.Off), uint64(s.body.Len))
		if err != nil {
			continue
		}
		r := &wasmReader{p: p}
		for k := min(r.number(), maxWasm); k > 0 && !r.failed; k-- {
			if s.id == 7 {
				name := r.name()
				kind := r.byte()
				r.number()
				exports = append(exports, fmt.Sprintf("%s %s", wasmKind(kind), name))
				continue
			}
			name := r.name() + "." + r.name()
			kind := r.byte()
			switch kind {
			case 0, 4: // function; tag
				if kind == 4 {
					r.byte()
				}
				r.number()
			case 1: // table
				r.byte()
				r.limits()
			case 2:
				r.limits()
			case 3: // global
				r.byte()
				r.byte()
			default:
				r.failed = true
			}
			imports = append(imports, fmt.Sprintf("%s %s", wasmKind(kind), name))
		}
	}
	return imports, exports
}

func wasmKind(k byte) string {
	if names := []string{"function", "table", "memory", "global", "tag"}; int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", k)
}

// wasmReader reads the encoding of modules. After a failure it gives zeros.
type wasmReader struct {
	p      []byte
	failed bool
}

func (r *wasmReader) number() uint64 {
	v, n := leb(r.p)
	if n <= 0 {
		r.failed, r.p = true, nil
		return 0
	}
	r.p = r.p[n:]
	return v
}

func (r *wasmReader) byte() byte {
	if len(r.p) == 0 {
		r.failed = true
		return 0
	}
	b := r.p[0]
	r.p = r.p[1:]
	return b
}

func (r *wasmReader) limits() {
	f := r.byte()
	r.number()
	if f&1 != 0 {
		r.number()
	}
}

func (r *wasmReader) name() string {
	n := r.number()
	if n > uint64(len(r.p)) {
		r.failed, r.p = true, nil
		return ""
	}
	s := string(r.p[:min(n, maxName)])
	r.p = r.p[n:]
	return s
}
