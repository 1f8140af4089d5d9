package structured

import (
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// TestMeansSomethingElse changes what a document says by what looks like another
// spelling of it.
func TestMeansSomethingElse(t *testing.T) {
	word := func(s string, kept bool) string {
		p := []byte(str(s))
		if kept {
			p[0] |= sharedFlag
		}
		return string(p)
	}
	base := module{magic: 3495, mtime: 1700000000, size: 10, file: "/build/a/x.py", name: "<module>", code: "\x97\x00d\x00", lines: "\x00\x01"}
	with := func(consts ...string) string { m := base; m.consts = consts; return m.pyc() }
	for what, c := range map[string][3]string{
		"a reference to another object": {"x.pyc", with(word("deny", false), word("allow", true), "r"+num(0)), with(word("deny", true), word("allow", true), "r"+num(0))},
		"constants in another order":    {"x.pyc", with(word("deny", false), word("allow", false)), with(word("allow", false), word("deny", false))},
		"arguments in another order":    {"x.json", `{"run":["rm","-rf","/"]}`, `{"run":["rm","/","-rf"]}`},
		"rules by name":                 {"x.json", `[{"name":"a","v":1},{"name":"b","v":2}]`, `[{"name":"b","v":2},{"name":"a","v":1}]`},
		"steps in another order":        {"x.yaml", "steps:\n- check\n- run\n", "steps:\n- run\n- check\n"},
		"elements in another order":     {"x.xml", "<?xml version=\"1.0\"?>\n<a><deny/><allow/></a>\n", "<?xml version=\"1.0\"?>\n<a><allow/><deny/></a>\n"},
		"tables in another order":       {"x.toml", "[[r]]\nv = 1\n\n[[r]]\nv = 2\n", "[[r]]\nv = 2\n\n[[r]]\nv = 1\n"},
	} {
		n := pair(t, c[0], c[1], c[2])
		if n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Errorf("%s: %s, %s\n%s", what, n.Status, n.Residue, strings.Join(sketch(n), "\n"))
		}
	}
	// Keys and sets have no order, and a reference to what was renamed is the same.
	set := func(a, b string) string { return "<" + num(2) + word(a, false) + word(b, false) }
	renamed := func(file string) string {
		m := base
		m.file = file
		p := m.pyc()
		at := strings.Index(p, str(file))
		return p[:at] + word(file, true) + p[at+len(str(file)):]
	}
	for what, c := range map[string][3]string{
		"keys": {"x.json", `{"a":1,"b":2}`, `{"b":2,"a":1}`},
		"set":  {"x.pyc", with(set("a", "b")), with(set("b", "a"))},
		"path": {"x.pyc", renamed("/build/a/x.py"), renamed("/build/b/x.py")},
	} {
		if n := pair(t, c[0], c[1], c[2]); n.Residue != diff.ResidueNone {
			t.Errorf("%s: %s\n%s", what, n.Residue, strings.Join(sketch(n), "\n"))
		}
	}
}
