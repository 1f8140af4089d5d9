package structured

import (
	"bytes"
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
	json := `{"name":"x","n":[1,2,{"k":"v","date":"text"}],"t":true,"s":"a\u00e9b"}`
	for name, c := range map[string]mutate.Case{
		"json":   {Name: "x.json", Plain: []byte(json + "\n"), Harmless: blankOnly},
		"indent": {Name: "x.json", Plain: []byte("{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": null\n}\n"), Harmless: blankOnly},
		"toml":   {Name: "x.toml", Plain: []byte("# c\na = 1\nb = 'text'\n[t]\nk = [1, 2]\n[[l]]\nv = true\n"), Harmless: blankOnly},
		"yaml":   {Name: "x.yaml", Plain: []byte("a: 1\nb:\n- x\n- \"y z\"\nc: {k: v}\n"), Harmless: blankOnly},
		"xml":    {Name: "x.xml", Plain: []byte("<?xml version=\"1.0\"?>\n<a k=\"v\">\n <b>text</b>\n <c/>\n</a>\n"), Harmless: blankOnly},
		"pyc":    {Name: "x.pyc", Plain: []byte(m.pyc()), Also: [][]byte{[]byte(later.pyc())}, Harmless: pyc},
	} {
		t.Run(name, func(t *testing.T) { mutate.Run(t, c) })
	}
}
