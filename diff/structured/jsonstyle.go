package structured

import (
	"bytes"
	"fmt"
	"strings"
)

// style is how a writer lays out JSON.
type style struct {
	name         string
	indent       string // of each level; "" writes all on one line
	comma, colon string // on one line
}

// jsonStyle names a style in which the document's values, as they are spelled
// and in their order, make exactly its bytes; "" when none that is known does.
func jsonStyle(d *document) string {
	candidates := []style{
		{name: "compact", comma: ",", colon: ":"},
		{name: "on one line, as Python's json writes", comma: ", ", colon: ": "},
	}
	for _, n := range []int{1, 2, 3, 4, 8} {
		candidates = append(candidates, style{name: fmt.Sprintf("indented by %d", n), indent: strings.Repeat(" ", n), colon: ": "})
	}
	candidates = append(candidates, style{name: "indented by a tab", indent: "\t", colon: ": "})
	for _, s := range candidates {
		for _, end := range []string{"\n", ""} {
			m := &rewrite{d: d, s: s}
			for i, k := range d.root.kids {
				if i > 0 {
					m.put("\n")
				}
				m.value(k, 0)
			}
			if m.put(end); m.ok() {
				if end == "" {
					return s.name + ", no line end at the end"
				}
				return s.name
			}
		}
	}
	return ""
}

// rewrite writes a document again and compares on the way.
type rewrite struct {
	d     *document
	s     style
	at    int
	other bool
}

func (m *rewrite) ok() bool { return !m.other && m.at == len(m.d.src) }

func (m *rewrite) put(s string) {
	if m.other || !bytes.HasPrefix(m.d.src[m.at:], []byte(s)) {
		m.other = true
		return
	}
	m.at += len(s)
}

func (m *rewrite) newline(depth int) {
	if m.s.indent != "" {
		m.put("\n")
		for range depth {
			m.put(m.s.indent)
		}
	}
}

func (m *rewrite) value(v *value, depth int) {
	if m.other {
		return
	}
	for _, p := range v.pieces {
		switch p.name {
		case pieceKey:
			m.put(string(m.d.bytes(p.at)) + m.s.colon)
		case pieceValue:
			m.put(string(m.d.bytes(p.at)))
		}
	}
	if v.shape == scalar {
		return
	}
	brackets := "[]"
	if v.shape == object {
		brackets = "{}"
	}
	m.put(brackets[:1])
	for i, k := range v.kids {
		if i > 0 {
			if m.s.indent != "" {
				m.put(",")
			} else {
				m.put(m.s.comma)
			}
		}
		m.newline(depth + 1)
		m.value(k, depth+1)
	}
	if len(v.kids) > 0 {
		m.newline(depth)
	}
	m.put(brackets[1:])
}
