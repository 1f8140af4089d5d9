package cause

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/executable"
)

// program seeks the causes of a program's differences, once those of its parts
// have been sought.
func (c *classifier) program(n *diff.Node) {
	if n.Kind == executable.KindPE && n.Status == diff.Differs {
		c.stamped(n)
	}
	if n.Kind != executable.KindELF || n.Status != diff.Differs {
		return
	}
	for _, k := range n.Children {
		explainedUse(k)
	}
	n.Settle()
	p := &programParts{c: c, n: n, loaded: c.loaded}
	for _, k := range n.Children {
		if k.Listing || k.Status == diff.Same {
			continue
		}
		p.parts = append(p.parts, k)
		if k.Residue != diff.ResidueNone {
			p.open = append(p.open, k)
		}
	}
	p.loneBits()
	p.compilers()
	p.libraryPaths()
	p.randomNames()
	p.buildID()
	p.debugOnly()
	for _, k := range p.parts {
		if k.Kind == diff.KindCode {
			p.code(k)
		}
		explainedStrings(k)
	}
}

// stamped: D1d of a PE file that was taken apart. When blanking its time stamps
// makes both sides equal, that is all there is to say of its parts.
func (c *classifier) stamped(n *diff.Node) {
	p, err := load(n)
	if err != nil {
		return
	}
	ex := peStamps(p)
	if ex == nil || ex.cause.Confidence != diff.Proved {
		return
	}
	var left []*diff.Node
	for _, k := range n.Children {
		if k.Listing {
			left = append(left, k)
			continue
		}
		if k.A != nil && k.B != nil && k.A.Within != nil && k.B.Within != nil {
			for i := range min(len(k.RangesA), len(k.RangesB)) {
				a, b := k.RangesA[i], k.RangesB[i]
				n.RangesA = append(n.RangesA, diff.Range{Off: k.A.Within.Off + a.Off, Len: a.Len})
				n.RangesB = append(n.RangesB, diff.Range{Off: k.B.Within.Off + b.Off, Len: b.Len})
			}
		}
	}
	n.Children, n.Suspicions = left, nil
	explain(n, ex)
}

// programParts are the parts of a program that differ, and those of them that
// nothing explains so far.
type programParts struct {
	c           *classifier
	n           *diff.Node
	parts, open []*diff.Node
	compiler    string // what differs of the compilers, if anything does
	loaded      *loaded
}

// reason gives a node's reason for a field.
func reason(n *diff.Node, field string) *diff.Reason {
	for i := range n.Reasons {
		if n.Reasons[i].Field == field {
			return &n.Reasons[i]
		}
	}
	return nil
}

// loneBits takes back that a single bit differs, and nothing else, where other parts
// of the program differ by more than a build ID and nothing explains them.
func (p *programParts) loneBits() {
	single := func(k *diff.Node) bool {
		return slices.ContainsFunc(k.Reasons, func(r diff.Reason) bool { return r.Cause != nil && r.Cause.ID == "D7b" })
	}
	if !slices.ContainsFunc(p.open, func(k *diff.Node) bool { return !single(k) && !buildIDOnly(k) }) {
		return
	}
	for _, k := range p.open {
		k.Reasons = slices.DeleteFunc(k.Reasons, func(r diff.Reason) bool { return r.Cause != nil && r.Cause.ID == "D7b" })
	}
}

// compilers: D5b. A section that holds nothing but the compilers' names says
// what differs.
func (p *programParts) compilers() {
	for _, k := range p.parts {
		r := reason(k, executable.FieldCompiler)
		if r == nil || r.Cause != nil {
			continue
		}
		p.compiler = r.A + " → " + r.B
		r.Cause = &diff.Cause{ID: "D5b", Name: "compiler or its options", Confidence: diff.Likely, Evidence: "the program says by what it was made", Fix: "pin the compiler and its options"}
		if k.Name == ".comment" && p.loaded.idle(k) && printable(r.A) && printable(r.B) {
			r.Cause.Confidence = diff.Proved
			k.UnexplainedA, k.UnexplainedB = nil, nil
			k.Settle()
		}
	}
}

// printable reports a text that a compiler may have written: letters and signs, and
// nothing that controls a terminal or is no UTF-8.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// libraryPaths: D2d.
func (p *programParts) libraryPaths() {
	for _, k := range p.parts {
		for i := range k.Reasons {
			r := &k.Reasons[i]
			if (r.Field == "RPATH" || r.Field == "RUNPATH") && r.Cause == nil {
				r.Cause = &diff.Cause{ID: "D2d", Name: "path of libraries from the build", Confidence: diff.Likely, Evidence: "a directory of one build is where libraries are sought",
					Fix: "link without it, or take it out with chrpath or patchelf"}
			}
			if r.Field == executable.FieldDir && r.Cause == nil {
				r.Cause = &diff.Cause{ID: "D2a", Name: "path of the build", Confidence: diff.Likely, Evidence: "the debug information names the directory", Fix: "-ffile-prefix-map, -trimpath, or build in one fixed directory"}
				p.mapped(k, r)
			}
		}
	}
}

// mapped proves that a directory is all that differs in debug information: every
// other word of it points to the same string, code or unit on both sides, and
// the strings themselves are explained.
func (p *programParts) mapped(k *diff.Node, r *diff.Reason) {
	if len(k.UnexplainedA)+len(k.UnexplainedB) > 0 || !p.loaded.idle(k) {
		return
	}
	for _, s := range p.parts {
		if (s.Name == ".debug_line_str" || s.Name == ".debug_str") && s.Residue != diff.ResidueNone {
			return
		}
	}
	r.Cause.Confidence = diff.Proved
	r.Cause.Evidence = "every place in the debug information points to the same on both sides, once the paths are mapped"
	k.Settle()
}

// randomTail is what compilers put at the end of names to make them unique.
var randomTail = regexp.MustCompile(`[0-9a-fA-F]{8,}|_[0-9A-Za-z]{8}$`)

// randomNames: D4f. Sections that only one side has, and that the other has under
// a name with another random part.
func (p *programParts) randomNames() {
	type key struct{ name, digest string }
	inB := map[key]*diff.Node{}
	for _, k := range p.parts {
		if k.Status == diff.OnlyB && randomTail.MatchString(k.Name) {
			inB[key{randomTail.ReplaceAllString(k.Name, "*"), string(k.B.Digest)}] = k
		}
	}
	for _, k := range p.parts {
		if k.Status != diff.OnlyA || !randomTail.MatchString(k.Name) {
			continue
		}
		o := inB[key{randomTail.ReplaceAllString(k.Name, "*"), string(k.A.Digest)}]
		if o == nil {
			continue
		}
		for _, s := range []*diff.Node{k, o} {
			s.Reasons = []diff.Reason{{Field: "name", A: k.Name, B: o.Name, Cause: &diff.Cause{ID: "D4f", Name: "random name of the compiler", Confidence: diff.Proved,
				Evidence: "the other side has the same content, hashed, under the other name", Fix: "-frandom-seed, and no fat LTO objects"}}}
			s.Settle()
		}
	}
}

// buildID: D5c. It is the cause when nothing else differs, which is proved by
// hashing both sides without it; else it is a symptom of what does.
func (p *programParts) buildID() {
	var ids []*diff.Node
	rest := 0
	for _, k := range p.open {
		if buildIDOnly(k) {
			ids = append(ids, k)
		} else if k.Residue != diff.ResidueNone {
			rest++
		}
	}
	if len(ids) == 0 {
		return
	}
	proved := rest == 0 && p.equalWithout(ids)
	for _, k := range ids {
		for i := range k.Reasons {
			r := &k.Reasons[i]
			if r.Cause != nil {
				continue
			}
			r.Cause = &diff.Cause{ID: "D5c", Name: "build ID", Confidence: diff.Likely, Evidence: "a build ID follows from the rest of the program, which differs as well", Fix: "mend the rest; or --build-id=none"}
			if rest == 0 {
				r.Cause.Confidence, r.Cause.Evidence = diff.Derived, "it follows from the rest of the program, all of which is explained"
			}
			if proved {
				r.Cause.Confidence, r.Cause.Evidence, r.Cause.Fix = diff.Proved, "both sides are equal without it, hashed", "--build-id=sha1 or --build-id=none, and one linker"
			}
		}
		if rest == 0 {
			k.UnexplainedA, k.UnexplainedB = nil, nil
			k.Settle()
		}
	}
}

// maxBuildID bounds what a build ID is shown with: that of SHA-512 in hexadecimal,
// and Go's four in base64.
const maxBuildID = 160

// buildIDOnly reports a section in which only identifiers of the build and of
// its debug information differ.
func buildIDOnly(n *diff.Node) bool {
	if n.Status != diff.Differs || len(n.Reasons) == 0 {
		return false
	}
	for _, r := range n.Reasons {
		if r.Field != executable.FieldBuildID && r.Field != "Go build ID" && r.Field != "checksum of the debug information" || max(len(r.A), len(r.B)) > maxBuildID {
			return false
		}
	}
	return true
}

// equalWithout hashes both sides of the program without the ranges that differ
// in some of its parts.
func (p *programParts) equalWithout(parts []*diff.Node) bool {
	if p.n.Content == nil {
		return false
	}
	var sums [2][sha256.Size]byte
	for i, open := range []func() (diff.ReaderAtCloser, int64, error){p.n.Content.OpenA, p.n.Content.OpenB} {
		var holes []diff.Range
		for _, k := range parts {
			side, ranges := k.A, k.RangesA
			if i == 1 {
				side, ranges = k.B, k.RangesB
			}
			if side == nil || side.Within == nil {
				return false
			}
			for _, r := range ranges {
				holes = append(holes, diff.Range{Off: side.Within.Off + r.Off, Len: r.Len})
			}
		}
		sum, err := hashWithout(p.c.ctx, open, holes)
		if err != nil {
			return false
		}
		sums[i] = sum
	}
	return sums[0] == sums[1]
}

// hashWithout hashes a content in which ranges are taken for zeros.
func hashWithout(ctx context.Context, open func() (diff.ReaderAtCloser, int64, error), holes []diff.Range) (sum [sha256.Size]byte, err error) {
	r, size, err := open()
	if err != nil || r == nil {
		return sum, fmt.Errorf("opening the content: %w", err)
	}
	defer r.Close()
	slices.SortFunc(holes, func(a, b diff.Range) int { return int(a.Off - b.Off) })
	h := sha256.New()
	at := int64(0)
	for _, o := range append(holes, diff.Range{Off: size}) {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		if o.Off > at {
			if _, err := io.Copy(h, io.NewSectionReader(r, at, o.Off-at)); err != nil {
				return sum, err
			}
			at = o.Off
		}
		if end := o.Off + o.Len; end > at {
			h.Write(make([]byte, end-at))
			at = end
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// notLoaded are parts that a program runs without.
func notLoaded(n *diff.Node) bool {
	for _, p := range []string{".debug_", ".zdebug_", ".symtab", ".strtab", ".shstrtab", ".gnu_debuglink", ".gnu_debugaltlink", ".comment"} {
		if strings.HasPrefix(n.Name, p) {
			return true
		}
	}
	return false
}

// debugOnly: D5g. Everything that is loaded is equal, and what differs is debug
// information.
func (p *programParts) debugOnly() {
	debug := false
	for _, k := range p.parts {
		switch {
		case p.loaded.idle(k) && (strings.HasPrefix(k.Name, ".debug_") || strings.HasPrefix(k.Name, ".zdebug_") || k.Name == ".symtab"):
			debug = true
		case p.loaded.idle(k) && notLoaded(k), buildIDOnly(k), k.Residue == diff.ResidueNone && k.Kind != diff.KindCode:
		default:
			return
		}
	}
	if !debug {
		return
	}
	p.n.Reasons = append(p.n.Reasons, diff.Reason{Field: "debug information", A: "differs", B: "nothing else does",
		Cause: &diff.Cause{ID: "D5g", Name: "debug information only", Confidence: diff.Proved, Evidence: "every part that is loaded is equal, hashed, but for a build ID and places of what follows", Fix: "strip, or see what differs in it"}})
}

// code: D3b, D5b or D7a, in this order: the same code for another processor, by
// another compiler, or other code.
func (p *programParts) code(k *diff.Node) {
	r := reason(k, executable.FieldInstructions)
	if r == nil {
		if len(k.UnexplainedA)+len(k.UnexplainedB) > 0 && len(k.Reasons) == 0 {
			k.Reasons = append(k.Reasons, diff.Reason{Field: "code", Cause: &diff.Cause{ID: "D7a", Name: "other code", Confidence: diff.Likely, Evidence: "bytes that are run differ"}})
		}
		return
	}
	if r.Cause != nil {
		return
	}
	va, vb := p.vectors(k, k.UnexplainedA, true), p.vectors(k, k.UnexplainedB, false)
	switch {
	case (va == 0) != (vb == 0) && max(va, vb) >= 3:
		r.Cause = &diff.Cause{ID: "D3b", Name: "another instruction set", Confidence: diff.Likely, Evidence: fmt.Sprintf("where the code differs, A has %d instructions with VEX or EVEX prefixes and B has %d", va, vb),
			Fix: "give -march explicitly; do not let the build look at the processor"}
	case p.compiler != "":
		r.Cause = &diff.Cause{ID: "D5b", Name: "compiler or its options", Confidence: diff.Likely, Evidence: p.compiler, Fix: "pin the compiler and its options"}
	default:
		r.Cause = &diff.Cause{ID: "D7a", Name: "other code", Confidence: diff.Likely, Evidence: "instructions differ that neither moved nor point to what moved; see the suspicions", Fix: "compare the inputs; let a third party build it"}
	}
}

// maxCode bounds the code in which vector instructions are counted.
const maxCode = 4 << 20

// vectors counts instructions of newer processors in ranges of one side.
func (p *programParts) vectors(k *diff.Node, ranges []diff.Range, a bool) int {
	if k.Content == nil || !p.x86() {
		return 0
	}
	open := k.Content.OpenB
	if a {
		open = k.Content.OpenA
	}
	r, _, err := open()
	if err != nil || r == nil {
		return 0
	}
	defer r.Close()
	n, left := 0, int64(maxCode)
	for _, at := range ranges {
		if at.Len > left {
			break
		}
		left -= at.Len
		buf := make([]byte, at.Len)
		if k, _ := r.ReadAt(buf, at.Off); k < len(buf) {
			break
		}
		vex, evex := executable.Vectors(buf)
		n += vex + evex
	}
	return n
}

// x86 reports whether both sides are programs for x86-64.
func (p *programParts) x86() bool {
	if p.n.Content == nil {
		return false
	}
	for _, open := range []func() (diff.ReaderAtCloser, int64, error){p.n.Content.OpenA, p.n.Content.OpenB} {
		r, _, err := open()
		if err != nil || r == nil {
			return false
		}
		var head [20]byte
		_, err = r.ReadAt(head[:], 0)
		r.Close()
		if err != nil || head[18] != 62 || head[19] != 0 {
			return false
		}
	}
	return true
}
