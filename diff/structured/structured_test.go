package structured

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/cause"
)

func pair(t testing.TB, name, a, b string) *diff.Node {
	t.Helper()
	in := func(s string) *diff.Input {
		return &diff.Input{ReaderAt: strings.NewReader(s), Name: name, Size: int64(len(s))}
	}
	n, err := diff.NewExaminer(diff.Options{TempDir: t.TempDir()}).Pair(t.Context(), "", name, in(a), in(b))
	if err != nil {
		t.Fatal(err)
	}
	n.Settle()
	if err := cause.Classify(t.Context(), n, cause.Known{}); err != nil {
		t.Fatal(err)
	}
	return n
}

func content(open func() (diff.ReaderAtCloser, int64, error)) string {
	r, n, err := open()
	if err != nil || r == nil {
		return "∅"
	}
	p, _ := io.ReadAll(io.NewSectionReader(r, 0, n))
	return string(p)
}

// sketch is a tree in a few lines: what changed, the reasons, what is left.
func sketch(n *diff.Node) []string {
	out := []string{fmt.Sprintf("%s %s", n.Kind, n.Residue)}
	for _, r := range n.Reasons {
		c := "?"
		if r.Cause != nil {
			c = r.Cause.ID + " " + r.Cause.Confidence.String()
		}
		out = append(out, fmt.Sprintf("%s: %s → %s [%s]", r.Field, r.A, r.B, c))
	}
	for _, k := range n.Children {
		s := fmt.Sprintf("%s %q → %q %s", k.Name, content(k.Content.OpenA), content(k.Content.OpenB), k.Residue)
		if k.Note != "" {
			s += " (" + k.Note + ")"
		}
		out = append(out, s)
	}
	if n.Note != "" {
		out = append(out, n.Note)
	}
	return out
}

func TestStructure(t *testing.T) {
	for _, tc := range []struct {
		name, file, a, b string
		want             []string
	}{
		{"one value", "a.json", `{"a": {"b": [1, 2]}, "c": "x"}`, `{"a": {"b": [1, 3]}, "c": "x"}`, []string{
			"json known", `/a/b/1 "2" → "3" known`}},
		{"a date", "a.json", `{"t": "2026-01-02", "c": 1}`, `{"t": "2026-02-03", "c": 1}`, []string{
			"json none", `/t "\"2026-01-02\"" → "\"2026-02-03\"" none`}},
		{"exact numbers", "a.json", `[1.0, 9007199254740993, 1e2]`, `[1, 9007199254740992, 100]`, []string{
			"json known", `/0 "1.0" → "1" known (the same number, written otherwise)`, `/1 "9007199254740993" → "9007199254740992" known`,
			`/2 "1e2" → "100" known (the same number, written otherwise)`}},
		{"spelling of a string", "a.json", `["\u0041/"]`, `["A\/"]`, []string{"json known", `/0 "\"\\u0041/\"" → "\"A\\/\"" known (the same value, written otherwise)`}},
		{"order of keys", "a.json", "{\n  \"b\": 1,\n  \"a\": {\"y\": 1, \"x\": 2}\n}\n", "{\n  \"a\": {\"x\": 2, \"y\": 1},\n  \"b\": 1\n}\n", []string{
			"json none", `order: as in A → another in "/" and 1 more [D4a proved]`}},
		{"order and a date", "a.json", `{"b":"2026-01-02","a":1}`, `{"a":1,"b":"2026-01-03"}`, []string{
			"json none", `order: as in A → another in "/" [D4a proved]`, `/b "\"2026-01-02\"" → "\"2026-01-03\"" none`}},
		{"known layouts", "a.json", `{"a":[1,2],"b":{}}`, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}\n", []string{
			"json none", "layout: compact, no line end at the end → indented by 2 [D5b proved]"}},
		{"odd layout", "a.json", `{"a":[1,2]}`, `{"a" :[1,  2]}`, []string{
			"json known", "layout: 2 places → 2 places [D5b likely]"}},
		{"line ends", "a.json", "{\r\n \"a\": 1,\r\n \"b\": 2}", "{\n \"a\": 1,\n \"b\": 2}", []string{
			"json none", "layout: 2 places → the same with other line ends [D6b proved]"}},
		{"key twice", "a.json", `{"a": 1, "a": 2}`, `{"a": 1, "a": 3}`, []string{
			"json known", `/a "2" → "3" known`, `side A has the key "/a" more than once; side B has the key "/a" more than once`}},
		{"key twice, elsewhere", "a.json", `{"a": 1, "b": 2, "a": 3}`, `{"a": 3, "b": 2}`, []string{
			"json known", `/a "1" → "3" known`, `/a "\"a\": 3" → "∅" known`, `side A has the key "/a" more than once`}},
		{"element put in", "a.json", `[{"n":1},{"n":2},{"n":3}]`, `[{"n":1},{"n":9},{"n":2},{"n":3}]`, []string{
			"json known", `/1 "∅" → "{\"n\":9}" known`}},
		{"named elements", "a.json", `[{"name":"x","v":1},{"name":"y","v":1}]`, `[{"name":"w","v":3},{"name":"x","v":2},{"name":"y","v":2}]`, []string{
			"json known", `/0 (1 in B)/v "1" → "2" known`, `/1 (2 in B)/v "1" → "2" known`, `/0 "∅" → "{\"name\":\"w\",\"v\":3}" known`}},
		{"other type", "a.json", `{"a": [1]}`, `{"a": {"b": 1}}`, []string{"json known", `/a "\"a\": [1]" → "\"a\": {\"b\": 1}" known`}},
		{"lines of JSON", "a.json", "{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":3}\n", []string{"json known", `/1/a "2" → "3" known`}},
		{"BOM", "a.json", "\xef\xbb\xbf{\"a\":1}", "{\"a\":1}", []string{"json known", `/ (byte order mark) "\ufeff" → "∅" known`}},

		{"toml", "Cargo.toml", "[package]\nname = \"x\"\nversion = \"1.0\" # c\n\n[deps]\na = \"1\"\n", "[package]\nname = \"x\"\nversion = \"1.1\" # c\n\n[deps]\na = \"1\"\nb = 2\n", []string{
			"toml known", `/[package]/version "\"1.0\"" → "\"1.1\"" known`, `/[deps]/b "∅" → "b = 2\n" known`}},
		{"toml keys", "a.toml", "b = 1\na = 2\n[t]\ny = 1\nx = 1\n", "a = 2\nb = 1\n[t]\nx = 1\ny = 1\n", []string{
			"toml none", `order: as in A → another in "/" and 1 more [D4a proved]`}},
		{"toml lock", "Cargo.lock", "[[package]]\nname = \"a\"\nversion = \"1\"\n\n[[package]]\nname = \"c\"\nversion = \"1\"\n",
			"[[package]]\nname = \"a\"\nversion = \"1\"\n\n[[package]]\nname = \"b\"\nversion = \"7\"\n\n[[package]]\nname = \"c\"\nversion = \"2\"\n", []string{
				"toml known", `/[[package]]/1 (2 in B)/version "\"1\"" → "\"2\"" known`, `/[[package]]/1 "∅" → "\n[[package]]\nname = \"b\"\nversion = \"7\"\n" known`}},
		{"toml comment", "a.toml", "# made 2026-01-01\na = 1.0\n", "# made 2026-02-01\na = 1.0\n", []string{
			"toml none", `/a (before the key) "# made 2026-01-01\n" → "# made 2026-02-01\n" none`}},

		{"yaml", "a.yaml", "a:\n  b: 1\n  c: [x, y]\nd: >\n  long\n  text\n", "a:\n  b: 2\n  c: [x, z, y]\nd: >\n  long\n  texts\n", []string{
			"yaml known", `/a/b "1" → "2" known`, `/a/c/1 "∅" → "z" known`, `/d ">\n  long\n  text\n" → ">\n  long\n  texts\n" known`}},
		{"yaml keys", "a.yaml", "# head\nb: 1\na:\n  y: 1\n  x: 2\n", "# head\na:\n  x: 2\n  y: 1\nb: 1\n", []string{
			"yaml none", `order: as in A → another in "/" and 1 more [D4a proved]`}},
		{"yaml documents", "a.yaml", "a: 1\n---\nb: 'it''s'\n", "a: 1\n---\nb: \"it's\"\n", []string{
			"yaml known", `/1/b "'it''s'" → "\"it's\"" known (the same value, written otherwise)`}},
		{"yaml indent", "a.yaml", "a:\n  - 1\n  - 2\n", "a:\n- 1\n- 2\n", []string{"yaml known", "layout: 2 places → 2 places [D5b likely]"}},
		{"yaml numbers", "a.yaml", "a: 1.0\nb: 0x10\n", "a: 1\nb: 16\n", []string{
			"yaml known", `/a "1.0" → "1" known (the same number, written otherwise)`, `/b "0x10" → "16" known`}},

		{"xml", "a.xml", "<?xml version=\"1.0\"?>\n<r a=\"1\" b=\"2\">\n <x>one</x>\n <y/>\n</r>\n", "<?xml version=\"1.0\"?>\n<r b=\"2\" a=\"1\">\n <x>two</x>\n <y/>\n</r>\n", []string{
			"xml known", `order: as in A → another in "/r/@" [D4a proved]`, `/r/x/text() "one" → "two" known`}},
		{"xml element put in", "a.xml", "<r>\n <x>1</x>\n <x>2</x>\n</r>", "<r>\n <x>1</x>\n <x>9</x>\n <x>2</x>\n</r>", []string{
			"xml known", `/r/x[2] "∅" → "<x>9</x>" known`}},
		{"xml white space", "a.xml", "<r t='2026-01-01'>\n<b/></r>", "<r t='2026-01-02'>\n<b/>\n</r>", []string{
			"xml known", "layout: 0 places → 1 places [D5b likely]", `/r/@/t "'2026-01-01'" → "'2026-01-02'" none`}},
		{"yaml brackets", "a.yaml", "a: [ # one\n  x\n] # 2\nd: 2026-01-01\n", "a: [ # one\n  x\n] # 3\nd: 2026-01-02\n", []string{
			"yaml known", `/a (after) " # 2\n" → " # 3\n" known`, `/d "2026-01-01" → "2026-01-02" none`}},
		{"xml attribute", "a.xml", `<r t='2026-01-01'/>`, `<r t='2026-01-02'/>`, []string{"xml none", `/r/@/t "'2026-01-01'" → "'2026-01-02'" none`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := sketch(pair(t, tc.file, tc.a, tc.b))
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "\ufeff", `\ufeff`)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestNotTakenApart: what is broken, too deep or has no one meaning is compared
// as text, and that is said.
func TestNotTakenApart(t *testing.T) {
	deep := strings.Repeat("[", 100_000)
	for name, p := range map[string][3]string{
		"deep.json":      {deep + strings.Repeat("]", 100_000), deep + "1" + strings.Repeat("]", 100_000), "deep"},
		"open.json":      {deep, deep + "1", "deep"},
		"cut.json":       {`{"a": 1`, `{"a": 2`, "ends"},
		"half.json":      {`["\ud800"]`, `["\ud801"]`, "surrogate"},
		"zero.json":      {`{"a": 01}`, `{"a": 02}`, "number"},
		"latin1.json":    {"[\"\xe9\"]", "[\"\xe8\"]", "UTF-8"},
		"deep.yaml":      {deep, deep + "1", "yaml"},
		"cr.yaml":        {"a: 1\rb: 2", "a: 1\rb: 3", "line ends"},
		"tab.yaml":       {"a:\n\t- 1", "a:\n\t- 2", "yaml"},
		"key.yaml":       {"? [a]\n: 1\n", "? [a]\n: 2\n", "key"},
		"twice.toml":     {"a = = 1", "a = = 2", "toml"},
		"deep.toml":      {"a = " + deep, "a = " + deep + "1", "toml"},
		"open.xml":       {"<a><b></a>", "<a><b></a> ", "xml"},
		"deep.xml":       {strings.Repeat("<a>", 100_000), strings.Repeat("<a>", 100_001), "deep"},
		"entity.xml":     {"<a>&x;</a>", "<a>&y;</a>", "entity"},
		"encoding.xml":   {"<?xml version=\"1.0\" encoding=\"latin1\"?><a/>", "<?xml version=\"1.0\" encoding=\"latin1\"?><b/>", "UTF-8"},
		"attributes.xml": {"<a b/>", "<a c/>", "xml"},
	} {
		n := pair(t, name, p[0], p[1])
		if n.Kind != diff.KindText && n.Kind != diff.KindBinary || n.Residue != diff.ResidueKnown || !strings.Contains(n.Note, p[2]) || len(n.RangesA) == 0 {
			t.Errorf("%s: %s %s %q %v", name, n.Kind, n.Residue, n.Note, n.RangesA)
		}
	}
}

// TestManyValues: more values than are taken apart are still compared.
func TestManyValues(t *testing.T) {
	many := strings.Repeat("1,", maxValues+10)
	n := pair(t, "many.json", "["+many+"1]", "["+many+"2]")
	if n.Kind != diff.KindText || n.Residue != diff.ResidueKnown || !strings.Contains(n.Note, "values") {
		t.Errorf("%s %s %q", n.Kind, n.Residue, n.Note)
	}
}

// TestAliases: a document that would be huge with its aliases written out is
// taken as it is written.
func TestAliases(t *testing.T) {
	s := "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := range 30 {
		s += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 8), i)
	}
	n := pair(t, "bomb.yaml", s, strings.Replace(s, "x]", "y]", 1))
	if n.Kind != KindYAML || len(n.Children) != 1 || n.Children[0].Name != "/a0/8" {
		t.Error(sketch(n))
	}
}

func fuzz(f *testing.F, name string, seeds ...string) {
	for i := range seeds {
		f.Add(seeds[i], seeds[(i+1)%len(seeds)])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		n := pair(t, name, a, b)
		if (a == b) != (n.Status == diff.Same) {
			t.Fatal(n.Status)
		}
		if n.Status != diff.Differs || n.Residue != diff.ResidueNone {
			return
		}
		// What is said to be explained must be: every child and reason has a cause.
		explained := len(n.Reasons) > 0
		for _, r := range n.Reasons {
			if r.Cause == nil || r.Cause.Confidence < diff.Derived {
				t.Fatal(sketch(n))
			}
		}
		for _, k := range n.Children {
			explained = explained || k.Residue == diff.ResidueNone
		}
		if !explained {
			t.Fatal(sketch(n))
		}
		// With no child, both hold the same bytes but for white space and order.
		if n.Kind != diff.KindText && len(n.Children) == 0 && !bytes.Equal(letters(a), letters(b)) {
			t.Fatal(sketch(n))
		}
	})
}

// letters counts the bytes of a text that are no layout.
func letters(s string) []byte {
	var n [256]int
	for i := range len(s) {
		n[s[i]]++
	}
	for _, c := range " \t\r\n,:=-?" {
		n[c] = 0
	}
	return fmt.Append(nil, n)
}

func FuzzJSON(f *testing.F) {
	fuzz(f, "a.json", `{"a": [1, 2.0, "x"], "b": {"c": null}}`, `{"b": {"c": null}, "a": [1, 2.0, "x"]}`, "{\n \"a\": 1,\n \"a\": 2}\n{}", `["\u00e9", 1e5]`)
}

func FuzzTOML(f *testing.F) {
	fuzz(f, "a.toml", "a = 1\n[b.c]\nd = [1, 2]\n[[e]]\nf = {g = 1}\n", "[b.c]\nd = [1, 2]\n", "x.\"y z\" = '''\nq'''\n# c\n[[e]]\n[[e]]\n")
}

func FuzzYAML(f *testing.F) {
	fuzz(f, "a.yaml", "# h\na: [1, {b: c}]\nd:\n- 1\n- e: |\n   x\n   y\n", "d:\n- 1\na: &q [1, *q]\n---\n{}\n", "a: 'b'\n\"c\": \"d\\n\"\n? e\n: f\n", "- - - 1\n- !!str 2 # c\n")
}

func FuzzXML(f *testing.F) {
	fuzz(f, "a.xml", "<?xml version=\"1.0\"?>\n<r a='1' b=\"2\">\n <x>one</x><y/>\n</r>", "<r b=\"2\" a='1'><!-- c --><x>&lt;</x></r>", "<!DOCTYPE r><r><![CDATA[x]]></r>")
}
