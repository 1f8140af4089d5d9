package structured

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/internal/realtool"
)

// module is a piece of bytecode to be written.
type module struct {
	magic        int
	mtime, size  uint32
	file, name   string
	consts       []string // each written as an object
	code, lines  string
	share, large bool // marks the name as shared; writes strings in their long form
}

func str(s string) string { return "z" + string(rune(len(s))) + s }

func num(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }

func byteString(s string) string { return "s" + num(uint32(len(s))) + s }

func (m module) object() string {
	name := str(m.name)
	if m.share {
		name = "\xda" + name[1:]
	}
	if m.large {
		name = "a" + num(uint32(len(m.name))) + m.name
	}
	consts := ")" + string(rune(len(m.consts))) + strings.Join(m.consts, "")
	if m.magic >= magic311 {
		return "c" + num(0) + num(0) + num(0) + num(2) + num(0) + byteString(m.code) + consts + ")\x00" + ")\x00" + byteString("") + str(m.file) + name + name + num(1) + byteString(m.lines) + byteString("")
	}
	ints := num(0) + num(0) + num(0) + num(2) + num(0)
	if m.magic >= magic38 {
		ints += num(0)
	}
	return "c" + ints + byteString(m.code) + consts + ")\x00)\x00)\x00)\x00" + str(m.file) + name + num(1) + byteString(m.lines)
}

func (m module) pyc() string {
	head := string(binary.LittleEndian.AppendUint16(nil, uint16(m.magic))) + "\r\n"
	if m.magic >= magic37 {
		head += num(0)
	}
	return head + num(m.mtime) + num(m.size) + m.object()
}

func TestBytecode(t *testing.T) {
	for _, magic := range []int{3379, 3394, 3413, 3495, 3571} {
		base := module{magic: magic, mtime: 1700000000, size: 10, file: "/build/a/x.py", name: "<module>", consts: []string{"N", "i" + num(7)}, code: "\x97\x00d\x00", lines: "\x00\x01"}
		inner := module{magic: magic, file: "/build/a/x.py", name: "f", code: "\x01\x02\x03\x04"}
		with := func(f func(m *module)) string { m := base; f(&m); return m.pyc() }
		for name, tc := range map[string]struct {
			a, b string
			want []string
		}{
			"time":  {base.pyc(), with(func(m *module) { m.mtime++ }), []string{"python bytecode none", "mtime of the source: 2023-11-14T22:13:20Z → 2023-11-14T22:13:21Z [D1c proved]"}},
			"path":  {base.pyc(), with(func(m *module) { m.file = "/build/other/x.py" }), []string{"python bytecode none", `/module/filename "/build/a/x.py" → "/build/other/x.py" none`}},
			"const": {base.pyc(), with(func(m *module) { m.consts = []string{"N", "i" + num(8)} }), []string{"python bytecode known", `/module/consts/1 "\a\x00\x00\x00" → "\b\x00\x00\x00" known`}},
			"code": {with(func(m *module) { m.consts = []string{inner.object()} }),
				with(func(m *module) {
					i := inner
					i.code = "\x01\x02\x09\x09"
					m.consts = []string{i.object()}
				}), []string{"python bytecode known", `/module/consts/0 f/code "\x01\x02\x03\x04" → "\x01\x02\t\t" known`}},
			"sharing":   {base.pyc(), with(func(m *module) { m.share = true }), []string{"python bytecode none", "references: N values → the same, referred to otherwise [D4b proved]"}},
			"long form": {base.pyc(), with(func(m *module) { m.large = true }), []string{"python bytecode none", "references: N values → the same, referred to otherwise [D4b proved]"}},
			"set": {with(func(m *module) { m.consts = []string{">" + num(2) + str("a") + str("b")} }), with(func(m *module) { m.consts = []string{">" + num(2) + str("b") + str("a")} }),
				[]string{"python bytecode none", `order: as in A → another in "/module/consts/0" [D4a proved]`}},
			"tail": {base.pyc(), base.pyc() + "x", []string{"python bytecode known", `/ (after the module) "∅" → "x" known`}},
			"size": {base.pyc(), with(func(m *module) { m.size++ }), []string{"python bytecode known", "size of the source: 0a000000 → 0b000000 [?]"}},
		} {
			got := sketch(pair(t, "x.pyc", tc.a, tc.b))
			for i, l := range got {
				if strings.HasPrefix(l, "references: ") {
					got[i] = "references: N" + l[strings.Index(l, " values"):]
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("%d %s: %s", magic, name, d)
			}
		}
	}
}

// tool finds a program that makes real input; where CI installs it, it must be
// there.
func tool(t *testing.T, name, what string) string {
	t.Helper()
	return realtool.Find(t, name, "the parser is not tried on "+what)
}

// TestPython takes what Python itself writes apart: a time, a path and an order
// are told apart, and nothing is refused.
func TestPython(t *testing.T) {
	python := tool(t, "python3", "bytecode that Python wrote")
	src := "'''doc'''\nimport os, sys\nN = 123456789012345678901234567890\nX = (1.5, 2j, b'b', 'ü', None, ..., True)\nclass C:\n  def f(self, a, *, b=1):\n    return [q for q in a if q in {'x', 'y', 'z', 'w'}]\n"
	compile := func(dir, seed string, args ...string) []byte {
		t.Helper()
		f := filepath.Join(dir, "m.py")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(python, append([]string{"-c", "import py_compile,sys; m=getattr(py_compile.PycInvalidationMode, sys.argv[3]) if len(sys.argv)>3 else None; py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True, invalidation_mode=m)", f, filepath.Join(dir, "m.pyc")}, args...)...)
		c.Env = append(os.Environ(), "PYTHONHASHSEED="+seed)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("python3: %v: %s", err, out)
		}
		p, err := os.ReadFile(filepath.Join(dir, "m.pyc"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	root := t.TempDir()
	one := compile(filepath.Join(root, "one"), "1")
	if release(one) == 0 {
		t.Skipf("python3 writes the magic number % x, older than what is taken apart", one[:4])
	}
	later := bytes.Clone(one)
	later[8] ^= 1
	for name, tc := range map[string]struct {
		b    []byte
		want string
	}{
		"time": {later, "D1c"}, "path": {compile(filepath.Join(root, "other"), "1"), "D2a"},
		"order of a set": {compile(filepath.Join(root, "one"), "7"), ""}, "checked hash": {compile(filepath.Join(root, "one"), "1", "CHECKED_HASH"), "?"},
	} {
		n := pair(t, "m.pyc", string(one), string(tc.b))
		if n.Status == diff.Same {
			continue // a hash seed need not change an order
		}
		var ids []string
		var walk func(n *diff.Node)
		walk = func(n *diff.Node) {
			for _, r := range n.Reasons {
				if r.Cause == nil {
					ids = append(ids, "?")
				} else {
					ids = append(ids, r.Cause.ID)
				}
			}
			for _, k := range n.Children {
				walk(k)
			}
		}
		walk(n)
		sort.Strings(ids)
		if n.Kind != KindPyc || tc.want != "" && !strings.Contains(fmt.Sprint(ids), tc.want) || tc.want != "?" && n.Residue != diff.ResidueNone {
			t.Errorf("%s: %v %v", name, ids, sketch(n))
		}
	}
}

// TestPycFlags: whether an interpreter looks at the source is said, and explains
// nothing.
func TestPycFlags(t *testing.T) {
	pyc := func(flags byte, rest string) string {
		return "\x55\r\r\n" + string(flags) + "\x00\x00\x00" + rest + "N"
	}
	n := pair(t, "m.pyc", pyc(0, "\x01\x00\x00\x65\x07\x00\x00\x00"), pyc(1, "hashhash"))
	for _, r := range n.Reasons {
		if r.Field == "flags" {
			if r.A != "0: the source's time and size" || r.B != "1: nothing, though it holds the source's hash" || r.Cause.Confidence != diff.Likely || n.Residue == diff.ResidueNone {
				t.Errorf("%+v, residue %s", r, n.Residue)
			}
			return
		}
	}
	t.Error(sketch(n))
}

// mo writes messages as msgfmt does.
func mo(o binary.AppendByteOrder, hash bool, pairs ...[2]string) string {
	sort.Slice(pairs, func(i, j int) bool { return pairs[i][0] < pairs[j][0] })
	n := len(pairs)
	m := &messages{o: o.(binary.ByteOrder), nhash: primeFrom(max(3, n*4/3))}
	if !hash {
		m.nhash = 0
	}
	var ids []string
	var tables [2][]byte
	var text string
	at := moHeader + 16*n + 4*m.nhash
	for k := range 2 {
		for _, p := range pairs {
			tables[k] = o.AppendUint32(o.AppendUint32(tables[k], uint32(len(p[k]))), uint32(at))
			at += len(p[k]) + 1
			text += p[k] + "\x00"
		}
	}
	for _, p := range pairs {
		ids = append(ids, p[0])
	}
	var out []byte
	for _, w := range []int{0x950412de, 0, n, moHeader, moHeader + 8*n, m.nhash, moHeader + 16*n} {
		out = o.AppendUint32(out, uint32(w))
	}
	return string(out) + string(tables[0]) + string(tables[1]) + string(m.hashTable(ids)) + text
}

func TestMessages(t *testing.T) {
	head := func(date, who string) [2]string {
		return [2]string{"", "Project-Id-Version: x\nPOT-Creation-Date: " + date + "\nLast-Translator: " + who + "\nContent-Type: text/plain; charset=UTF-8\n"}
	}
	le := binary.LittleEndian
	a := mo(le, true, head("2026-01-02 10:11+0100", "me"), [2]string{"one", "eins"}, [2]string{"two", "zwei"})
	for name, tc := range map[string]struct {
		b    string
		want []string
	}{
		"date": {mo(le, true, head("2026-03-04 11:12+0000", "me"), [2]string{"one", "eins"}, [2]string{"two", "zwei"}), []string{
			"gettext messages none", `/header/POT-Creation-Date "POT-Creation-Date: 2026-01-02 10:11+0100\n" → "POT-Creation-Date: 2026-03-04 11:12+0000\n" none`}},
		"message": {mo(le, true, head("2026-01-02 10:11+0100", "me"), [2]string{"one", "eines"}, [2]string{"two", "zwei"}), []string{
			"gettext messages known", `/one "eins" → "eines" known`}},
		"more":       {mo(le, true, head("2026-01-02 10:11+0100", "me"), [2]string{"one", "eins"}, [2]string{"two", "zwei"}, [2]string{"who", "wer"}), nil},
		"byte order": {mo(binary.BigEndian, true, head("2026-01-02 10:11+0100", "me"), [2]string{"one", "eins"}, [2]string{"two", "zwei"}), []string{"gettext messages none", "byte order: de120495 → 950412de [D3g proved]"}},
		"hash table": {a[:80] + "\x07" + a[81:], []string{"gettext messages known"}},
		"cut":        {a[:len(a)-3], nil},
	} {
		n := pair(t, "x.mo", a, tc.b)
		got := sketch(n)
		if name == "hash table" {
			got = got[:1]
		}
		if tc.want == nil {
			if n.Residue != diff.ResidueKnown {
				t.Errorf("%s: %q", name, got)
			}
		} else if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestMsgfmt holds the parser to what msgfmt writes, its hash table included.
func TestMsgfmt(t *testing.T) {
	msgfmt := tool(t, "msgfmt", "its files")
	po := "msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\nPO-Revision-Date: %s\\nPlural-Forms: nplurals=2; plural=n!=1;\\n\"\n\nmsgid \"a\"\nmsgid_plural \"as\"\nmsgstr[0] \"x\"\nmsgstr[1] \"xs\"\n\nmsgctxt \"c\"\nmsgid \"a\"\nmsgstr \"y\"\n"
	var files []string
	for i, date := range []string{"2026-01-02 10:11+0100", "2026-03-04 10:11+0100"} {
		f := filepath.Join(t.TempDir(), fmt.Sprint(i))
		s := fmt.Sprintf(po, date)
		for k := range 200 {
			s += fmt.Sprintf("\nmsgid \"message %d\"\nmsgstr \"Nachricht %d\"\n", k*k, k)
		}
		if err := os.WriteFile(f, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(msgfmt, "-o", f+".mo", f).CombinedOutput()
		if err != nil {
			t.Fatalf("msgfmt: %v: %s", err, out)
		}
		p, err := os.ReadFile(f + ".mo")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, string(p))
	}
	d, err := parseMo([]byte(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range d.root.pieces {
		if p.name == "hash table" {
			t.Error("the hash table is another than msgfmt's")
		}
	}
	if n := pair(t, "x.mo", files[0], files[1]); n.Kind != KindMo || len(n.Children) != 1 || n.Residue != diff.ResidueNone {
		t.Error(sketch(n))
	}
}

// TestBrokenBinaries: what is broken is compared as bytes, and that is said.
func TestBrokenBinaries(t *testing.T) {
	head := string(binary.LittleEndian.AppendUint16(nil, 3495)) + "\r\n" + num(0) + num(0) + num(0)
	for name, body := range map[string]string{
		"cut": "c", "deep": strings.Repeat(")\x01", 100_000), "huge": "s\xff\xff\xff\x7f", "negative": "(\xff\xff\xff\xff", "many": "(" + num(1<<30),
		"to nothing": "r" + num(5), "to itself": "\xa9\x01r" + num(0), "type": "q", "digits": "l\x00\x00\x00\x80",
	} {
		n := pair(t, "x.pyc", head+body, head+body+"x")
		if n.Kind == KindPyc || n.Residue != diff.ResidueKnown || n.Note == "" {
			t.Errorf("%s: %v", name, sketch(n))
		}
	}
	good := mo(binary.LittleEndian, true, [2]string{"a", "b"})
	for name, f := range map[string]func(p []byte){
		"count": func(p []byte) { p[11] = 0x7f }, "hash size": func(p []byte) { p[23] = 0x7f }, "table": func(p []byte) { p[12] = 1 },
		"place": func(p []byte) { p[32] = 0xff }, "length": func(p []byte) { p[31] = 0x7f }, "revision": func(p []byte) { p[6] = 9 },
	} {
		p := []byte(good)
		f(p)
		n := pair(t, "x.mo", good, string(p))
		if n.Kind == KindMo || n.Residue != diff.ResidueKnown || n.Note == "" {
			t.Errorf("%s: %v", name, sketch(n))
		}
	}
}

func fuzzBinary(f *testing.F, name string, seeds ...string) {
	for i := range seeds {
		f.Add([]byte(seeds[i]), []byte(seeds[(i+1)%len(seeds)]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		n := pair(t, name, string(a), string(b))
		if bytes.Equal(a, b) != (n.Status == diff.Same) {
			t.Fatal(n.Status)
		}
		if n.Status != diff.Differs || n.Residue != diff.ResidueNone {
			return
		}
		if len(n.Reasons)+len(n.Children) == 0 {
			t.Fatal(sketch(n))
		}
		for _, r := range n.Reasons {
			if r.Cause == nil || r.Cause.Confidence < diff.Derived {
				t.Fatal(sketch(n))
			}
		}
	})
}

func FuzzPyc(f *testing.F) {
	m := module{magic: 3495, file: "/a/x.py", name: "m", consts: []string{"N", "i" + num(7), ">" + num(2) + str("a") + str("b")}, code: "\x97\x00d\x00"}
	o := m
	o.share, o.mtime = true, 9
	p := module{magic: 3413, file: "/a/x.py", name: "m", consts: []string{m.name, "l" + num(2) + "abcd"}}
	fuzzBinary(f, "x.pyc", m.pyc(), o.pyc(), p.pyc())
}

func FuzzMo(f *testing.F) {
	fuzzBinary(f, "x.mo", mo(binary.LittleEndian, true, [2]string{"", "A: b\nC: 2026-01-01\n"}, [2]string{"x", "y"}), mo(binary.BigEndian, false, [2]string{"x", "z"}, [2]string{"q\x00r", "s"}), mo(binary.LittleEndian, false))
}
