package structured

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// TestBorrowedCause changes what a document means beside a difference that has a
// cause of its own, which must not account for both.
func TestBorrowedCause(t *testing.T) {
	const xml = "<?xml version=\"1.0\"?>\n"
	le, be := binary.LittleEndian, binary.BigEndian
	messages := [][2]string{{"", "Content-Type: text/plain\n"}, {"one", "eins"}, {"two", "zwei"}}
	for what, c := range map[string]struct{ name, a, b string }{
		"an anchor that is set anew":       {"x.yaml", "a: &x allow\nb: &x deny\nc: *x\n", "b: &x deny\na: &x allow\nc: *x\n"},
		"mappings that are merged":         {"x.yaml", "p: &p {k: 1}\nq: &q {k: 2}\nr:\n  <<: *p\n  <<: *q\n", "p: &p {k: 1}\nq: &q {k: 2}\nr:\n  <<: *q\n  <<: *p\n"},
		"white space between others":       {"x.xml", xml + "<a><c x=\"1\" y=\"2\"/>\n<b/><b/></a>\n", xml + "<a><c y=\"2\" x=\"1\"/><b/>\n<b/></a>\n"},
		"white space before the end":       {"x.xml", xml + "<a x=\"1\" y=\"2\"><b/>\n</a>\n", xml + "<a y=\"2\" x=\"1\">\n<b/></a>\n"},
		"a table of another element":       {"x.toml", "k = 1\nl = 2\n[[f]]\nn = 1\n[f.p]\nv = 1\n[[f]]\nn = 2\n", "l = 2\nk = 1\n[[f]]\nn = 1\n[[f]]\nn = 2\n[f.p]\nv = 1\n"},
		"an element of another element":    {"x.toml", "k = 1\nl = 2\n[[f]]\n[[f.v]]\nn = 1\n[[f.v]]\nn = 2\n[[f]]\n", "l = 2\nk = 1\n[[f]]\n[[f.v]]\nn = 1\n[[f]]\n[[f.v]]\nn = 2\n"},
		"keys that some readers take as 1": {"x.json", `{"Cmd":"a","cmd":"b","x":1}`, `{"cmd":"b","Cmd":"a","x":1}`},
		"keys that some readers fold":      {"x.json", `{"link":"a","lin` + "\u212a" + `":"b"}`, `{"lin` + "\u212a" + `":"b","link":"a"}`},
		"no hash table":                    {"x.mo", mo(le, true, messages...), mo(be, false, messages...)},
	} {
		for _, ends := range []string{"\n", "\r\n"} {
			b := c.b
			if !strings.HasSuffix(c.name, ".mo") {
				b = strings.ReplaceAll(b, "\n", ends)
			}
			if n := pair(t, c.name, c.a, b); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
				t.Errorf("%s, line ends %q: %s, %s\n%s", what, ends, n.Status, n.Residue, strings.Join(sketch(n), "\n"))
			}
		}
	}
}

// TestBorrowedPath lets what code works with be the path of its source, which may
// differ for a cause; and text be of the same bytes in another encoding.
func TestBorrowedPath(t *testing.T) {
	base := module{magic: 3495, mtime: 1700000000, size: 10, file: "/build/a/x.py", name: "<module>", code: "\x97\x00d\x00", lines: "\x00\x01"}
	kept := func(file string) string { // a function whose path is kept, and the same string as a constant
		inner := base
		inner.file = file
		p := inner.object()
		at := strings.Index(p, str(file))
		p = p[:at] + "\xfa" + p[at+1:]
		outer := base
		outer.consts = []string{p, "r" + num(0)}
		return outer.pyc()
	}
	text := func(kind string) string {
		m := base
		m.consts = []string{kind + num(2) + "\xc3\xa9"}
		return m.pyc()
	}
	consts := func(cs ...string) string { m := base; m.consts = cs; return m.pyc() }
	allow, deny := "\xfa"+str("allow")[1:], str("deny")
	for what, c := range map[string][2]string{
		"the path as a constant": {kept("/build/a/x.py"), kept("/build/b/x.py")},
		"no reference any more":  {consts(allow, "r"+num(0)), consts(allow, deny)},
		"a reference from now":   {consts(allow, deny), consts(allow, "r"+num(0))},
		"another encoding":       {text("a"), text("u")},
	} {
		if n := pair(t, "x.pyc", c[0], c[1]); n.Status != diff.Differs || n.Residue == diff.ResidueNone {
			t.Errorf("%s: %s, %s\n%s", what, n.Status, n.Residue, strings.Join(sketch(n), "\n"))
		}
	}
}
