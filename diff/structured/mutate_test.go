package structured

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff/internal/mutate"
)

// blankOnly reports a change of white space alone, which is layout where the
// values stay the same.
func blankOnly(c mutate.Change) bool {
	squeeze := func(p []byte) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(" \t\r\n", r) {
				return -1
			}
			return r
		}, string(p))
	}
	return squeeze(c.Old) == squeeze(c.New)
}

func TestMutated(t *testing.T) {
	m := module{magic: 3495, mtime: 1700000000, size: 10, file: "/build/a/x.py", name: "<module>", consts: []string{"N", "i" + num(7), str("text")}, code: "\x97\x00d\x00S\x00", lines: "\x00\x01"}
	later := m
	later.mtime++
	pyc := func(c mutate.Change) bool {
		// The time of the source, the path of the source, and which objects are kept
		// to be referred to.
		if len(c.Old) != len(c.New) {
			return false
		}
		from := 0
		for c.Old[from] == c.New[from] {
			from++
		}
		path := bytes.Index(c.Old, []byte(m.file))
		return from >= 8 && from < 12 && bytes.Equal(c.Old[12:], c.New[12:]) || from >= path && from < path+len(m.file) || c.Old[from]^c.New[from] == sharedFlag
	}
	said := [][2]string{{"", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n != 1;\n"}, {"one\x00many", "eins\x00viele"}, {"menu\x04open", "auf"}, {"shut", "zu"}}
	lines := func(p []byte) [][]byte { return bytes.SplitAfter(p, []byte("\n")) }
	json := `{"name":"x","n":[1,2,{"k":"v","date":"text"}],"t":true,"s":"a\u00e9b"}`
	for name, c := range map[string]mutate.Case{
		"json":        {Name: "x.json", Plain: []byte(json + "\n"), Harmless: blankOnly},
		"indent":      {Name: "x.json", Plain: []byte("{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": null\n}\n"), Harmless: blankOnly},
		"toml":        {Name: "x.toml", Plain: []byte("# c\na = 1\nb = 'text'\n[t]\nk = [1, 2]\n[[l]]\nv = true\n"), Harmless: blankOnly},
		"yaml":        {Name: "x.yaml", Plain: []byte("a: 1\nb:\n- x\n- \"y z\"\nc: {k: v}\n"), Harmless: blankOnly},
		"mo":          {Name: "x.mo", Plain: []byte(mo(binary.LittleEndian, true, said...)), Also: [][]byte{[]byte(mo(binary.BigEndian, true, said...))}, Mend: mendMo, Pieces: moPieces},
		"mo, no hash": {Name: "x.mo", Plain: []byte(mo(binary.LittleEndian, false, said...)), Pieces: moPieces},
		"anchors":     {Name: "x.yaml", Plain: []byte("a: &x 1\nb: &y\n  - 2\nc: *x\n<<: *y\n"), Pieces: lines, Harmless: blankOnly},
		"documents":   {Name: "x.yaml", Plain: []byte("a: 1\n---\na: 2\n...\n---\n- a\n"), Pieces: lines, Harmless: blankOnly},
		"arrays":      {Name: "x.toml", Plain: []byte("k = 1\n[[f]]\nn = 1\n[f.p]\nv = 1\n[[f.q]]\nw = 1\n[[f]]\nn = 2\n[g]\nx = 1\n"), Pieces: lines, Harmless: blankOnly},
		"mixed":       {Name: "x.xml", Plain: []byte("<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY e \"v\">]>\n<a xmlns:n=\"u\" n:k=\"v\">\n<!-- c -->\n<n:b>t &#101; <![CDATA[x]]></n:b>\n<?p i?>\n</a>\n"), Pieces: lines, Harmless: blankOnly},
		"values":      {Name: "x.json", Plain: []byte("{\"a\":1}\n{\"a\":1.0}\n[\"\\u00e9\"]\n"), Pieces: lines, Harmless: blankOnly},
		"xml":         {Name: "x.xml", Plain: []byte("<?xml version=\"1.0\"?>\n<a k=\"v\">\n <b>text</b>\n <c/>\n</a>\n"), Harmless: blankOnly},
		"pyc":         {Name: "x.pyc", Plain: []byte(m.pyc()), Also: [][]byte{[]byte(later.pyc())}, Harmless: pyc},
	} {
		t.Run(name, func(t *testing.T) { mutate.Run(t, c) })
	}
}

// moPieces are the header, the tables, the hash table and the strings.
func moPieces(p []byte) (out [][]byte) {
	le := binary.LittleEndian
	from := 0
	for _, to := range []uint32{moHeader, le.Uint32(p[16:]), le.Uint32(p[24:]), le.Uint32(p[24:]) + 4*le.Uint32(p[20:])} {
		if int(to) <= from || int(to) > len(p) { // the other byte order, or no hash table
			continue
		}
		out, from = append(out, p[from:to]), int(to)
	}
	return append(out, bytes.SplitAfter(p[from:], []byte{0})...)
}

// mendMo writes the hash table anew.
func mendMo(p []byte) []byte {
	m := &messages{src: p, o: binary.LittleEndian}
	if len(p) < moHeader {
		return nil
	}
	if string(p[:4]) == moBig {
		m.o = binary.BigEndian
	}
	word := func(i int) int { return int(m.o.Uint32(p[4*i:])) }
	m.n, m.ids, m.nhash, m.hash = word(2), word(3), word(5), word(6)
	if m.n > 100 || m.nhash > 100 || m.ids > len(p)-8*m.n || m.hash > len(p)-4*m.nhash {
		return nil
	}
	var ids []string
	for i := range m.n {
		n, at := int(m.o.Uint32(p[m.ids+8*i:])), int(m.o.Uint32(p[m.ids+8*i+4:]))
		if n > len(p) || at > len(p)-n {
			return nil
		}
		ids = append(ids, string(p[at:at+n]))
	}
	if m.n >= m.nhash {
		return nil
	}
	copy(p[m.hash:], m.hashTable(ids))
	return p
}
