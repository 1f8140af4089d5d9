package structured

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/stagescope/stagescope/diff"
)

// KindTOML is a TOML document.
const KindTOML diff.Kind = "toml"

func init() { register(KindTOML, true, isTOML, parseTOML) }

func isTOML(in *diff.Input) bool {
	switch path.Base(in.Name) {
	case "Cargo.lock", "poetry.lock", "uv.lock", "Pipfile":
		return true
	}
	return strings.HasSuffix(in.Name, ".toml")
}

// tomlParser makes a tree of tables: an array of tables is a list, every other
// table an object below the root, under its whole name.
type tomlParser struct {
	weaver
	root, table *value
	path        string
}

func parseTOML(src []byte) (*document, error) {
	d := &document{src: src}
	root, err := d.fresh(0)
	if err != nil {
		return nil, err
	}
	root.shape, d.root = object, root
	p := &tomlParser{weaver: weaver{d: d}, root: root, table: root}
	var parser unstable.Parser
	parser.Reset(src)
	for parser.NextExpression() {
		e := parser.Expression()
		var err error
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			err = p.header(e)
		case unstable.KeyValue:
			err = p.keyValue(e)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := parser.Error(); err != nil {
		return nil, bad("%v", err)
	}
	p.end(root)
	return d, nil
}

// key is a dotted key and the bytes it lies in.
func key(e *unstable.Node) (name string, from, to int) {
	var parts []string
	from = -1
	for it := e.Key(); it.Next(); {
		n := it.Node()
		if from < 0 {
			from = int(n.Raw.Offset)
		}
		to = int(n.Raw.Offset + n.Raw.Length)
		s := string(n.Data)
		if strings.ContainsAny(s, ".") {
			s = `"` + s + `"`
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "."), from, to
}

func (p *tomlParser) kid(of *value, name string, s shape, depth int) (*value, error) {
	v, err := p.d.fresh(depth)
	if err != nil {
		return nil, err
	}
	v.name, v.shape = name, s
	of.kids = append(of.kids, v)
	return v, nil
}

// header begins a table.
func (p *tomlParser) header(e *unstable.Node) error {
	name, from, to := key(e)
	of, brackets, kid := p.root, 1, "["+name+"]"
	if e.Kind == unstable.ArrayTable {
		brackets = 2
		i := slices.IndexFunc(p.root.kids, func(v *value) bool { return v.name == "["+kid+"]" })
		if i < 0 {
			if _, err := p.kid(p.root, "["+kid+"]", list, 1); err != nil {
				return err
			}
			i = len(p.root.kids) - 1
		}
		of, kid = p.root.kids[i], ""
	} else if slices.ContainsFunc(p.root.kids, func(v *value) bool { return v.name == kid }) && len(p.root.kids) < 1<<12 {
		p.d.twice = append(p.d.twice, name)
	}
	t, err := p.kid(of, kid, object, 2)
	if err != nil {
		return err
	}
	p.table, p.path = t, name
	// The name stands between brackets, with nothing but white space around it.
	open := bytes.LastIndexByte(p.d.src[:from], '[') - brackets + 1
	end := bytes.IndexByte(p.d.src[to:], ']')
	if open < 0 || end < 0 {
		return bad("the table %q", name)
	}
	p.mark(t, "header", open, to+end+brackets)
	return nil
}

// keyValue adds one value.
func (p *tomlParser) keyValue(e *unstable.Node) error {
	name, from, to := key(e)
	v, err := p.kid(p.table, name, scalar, 3)
	if err != nil {
		return err
	}
	if end := int(e.Raw.Offset + e.Raw.Length); e.Raw.Length > 0 && from >= 0 {
		p.mark(v, pieceKey, from, to)
		at := to
		for at < end && strings.IndexByte(" \t=", p.d.src[at]) >= 0 {
			at++
		}
		// The range may reach to what follows on the line.
		for end > at && strings.IndexByte(" \t\r\n", p.d.src[end-1]) >= 0 {
			end--
		}
		p.mark(v, pieceValue, at, end)
	}
	v.text, err = tomlText(e.Value(), 0)
	return err
}

// tomlText is what a value means: its type, and how it is written; of a string
// what it says.
func tomlText(n *unstable.Node, depth int) (string, error) {
	if depth > maxDepth {
		return "", bad("values more than %d deep are not taken apart", maxDepth)
	}
	switch n.Kind {
	case unstable.Integer, unstable.Float:
		return numberTag + string(n.Data), nil
	case unstable.Array, unstable.InlineTable, unstable.KeyValue:
		var b strings.Builder
		b.WriteString(n.Kind.String() + "(")
		for it := n.Children(); it.Next(); {
			s, err := tomlText(it.Node(), depth+1)
			if err != nil {
				return "", err
			}
			b.WriteString(s + ",")
		}
		return b.String() + ")", nil
	}
	return n.Kind.String() + " " + strconv.Quote(string(n.Data)), nil
}
