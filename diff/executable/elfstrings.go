package executable

import (
	"bytes"
	"debug/elf"
	"path"
	"strings"
)

// debugStrings are the sections whose strings debug information points to.
var debugStrings = []string{".debug_line_str", ".debug_str"}

// sameString reports whether two offsets lead to the beginnings of one string in a
// section of debug information, or of two that are one once the directory of the
// build is mapped. That the strings differ is said of the section they are in.
func (e *elfPair) sameString(x, y uint64) bool {
	for _, name := range debugStrings {
		if e.sameStringIn(name, x, y) {
			return true
		}
	}
	return false
}

func (e *elfPair) sameStringIn(name string, x, y uint64) bool {
	t := e.stringTables(name)
	a, okA := stringAt(t[0], x)
	b, okB := stringAt(t[1], y)
	return okA && okB && (a == b || e.mapped(a, b))
}

// stringTables are both sides' bytes of a section; nil when a side has none, or
// keeps it compressed or loaded.
func (e *elfPair) stringTables(name string) [2][]byte {
	if t, ok := e.debugTables[name]; ok {
		return t
	}
	var out [2][]byte
	for i, f := range []*elfFile{e.a, e.b} {
		s := f.section(name)
		if s == nil || !s.hasBytes() || !isDebug(s) || s.size > maxDebug {
			continue
		}
		if p, err := readAt(f.in, s.off, s.size); err == nil {
			out[i] = p
		}
	}
	if e.debugTables == nil {
		e.debugTables = map[string][2][]byte{}
	}
	e.debugTables[name] = out
	return out
}

// stringAt is the string that begins at an offset, or the last part of a path there:
// linkers let a name share the end of a longer string. None is empty: those are
// everywhere.
func stringAt(table []byte, at uint64) (string, bool) {
	if at >= uint64(len(table)) || at > 0 && table[at-1] != 0 && table[at-1] != '/' {
		return "", false
	}
	i := bytes.IndexByte(table[at:], 0)
	if i <= 0 {
		return "", false
	}
	return string(table[at : at+uint64(i)]), true
}

// mapped reports whether a path of side A becomes one of side B when the directory
// in which a unit was compiled is replaced by that of its counterpart.
func (e *elfPair) mapped(a, b string) bool {
	if e.dirs == nil {
		e.dirs = [][2]string{}
		ua, errA := e.a.units(e.p.ctx)
		ub, errB := e.b.units(e.p.ctx)
		if errA == nil && errB == nil && len(ua) == len(ub) {
			for i := range ua {
				e.addDir(ua[i].dir, ub[i].dir)
			}
		}
		// In objects the places of names are filled in by the linker: units cannot be
		// read. The strings say which directory is another one.
		t := e.stringTables(debugStrings[0])
		e.addDir(shortestOnly(t[0], t[1]), shortestOnly(t[1], t[0]))
	}
	for _, d := range e.dirs {
		if rest, ok := strings.CutPrefix(a, d[0]); ok && (rest == "" || rest[0] == '/') && b == d[1]+rest {
			return true
		}
	}
	return false
}

// maxDirs bounds the directories that are mapped.
const maxDirs = 64

// addDir notes two directories, as far up as they differ.
func (e *elfPair) addDir(a, b string) {
	for len(a) > 1 && len(b) > 1 && path.Base(a) == path.Base(b) {
		a, b = path.Dir(a), path.Dir(b)
	}
	if len(a) < 2 || len(b) < 2 || a[0] != '/' || b[0] != '/' || a == b || len(e.dirs) >= maxDirs {
		return
	}
	for _, d := range e.dirs {
		if d == [2]string{a, b} {
			return
		}
	}
	e.dirs = append(e.dirs, [2]string{a, b})
}

// shortestOnly is the shortest path of a table that another one does not have.
func shortestOnly(a, b []byte) string {
	in := map[string]bool{}
	for s := range bytes.SplitSeq(b, []byte{0}) {
		in[string(s)] = true
	}
	best := ""
	for s := range bytes.SplitSeq(a, []byte{0}) {
		if len(s) > 1 && s[0] == '/' && !in[string(s)] && (best == "" || len(s) < len(best) || len(s) == len(best) && string(s) < best) {
			best = string(s)
		}
	}
	return best
}

// debugRelocation reports whether two entries fill in the same place of debug
// information of an object with the same: what they lead to is the same string, or
// lies at the same place of a section that is otherwise compared.
func (e *elfPair) debugRelocation(ta, tb *section, x, y relocation) bool {
	sa, sb := e.a.relocated(ta), e.b.relocated(tb)
	if sa == nil || sb == nil || sa.name != sb.name || !isDebug(sa) || !isDebug(sb) || !x.same(y) || !x.has || x.section != y.section {
		return false
	}
	px, py := x.off-sa.addrInMem, y.off-sb.addrInMem
	if px != py || !e.equalBytes(sa, sb) {
		return false
	}
	for _, name := range debugStrings {
		if x.section == name {
			return e.sameStringIn(name, x.addend, y.addend)
		}
	}
	if e.p.a.at(x.target) != nil || e.p.b.at(y.target) != nil {
		return e.p.moved(x.target, y.target)
	}
	return x.addend == y.addend
}

// relocated is the section that a table of an object is for; nil when there is none.
func (f *elfFile) relocated(t *section) *section {
	if f.header.typ != elf.ET_REL || int(t.info) >= len(f.sections) {
		return nil
	}
	return &f.sections[t.info]
}

// equalBytes reports whether a section has the same bytes on both sides.
func (e *elfPair) equalBytes(a, b *section) bool {
	if a.size != b.size || !a.hasBytes() || !b.hasBytes() || a.size > maxDebug {
		return false
	}
	pa, errA := readAt(e.a.in, a.off, a.size)
	pb, errB := readAt(e.b.in, b.off, b.size)
	return errA == nil && errB == nil && bytes.Equal(pa, pb)
}
