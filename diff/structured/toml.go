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
// table an object, under its whole name. Both lie below the root, but for those
// whose name begins with that of an array: they are its last element's.
type tomlParser struct {
	weaver
	root, table *value
	lists       map[*value]map[string]*value // arrays by what holds them and by name
}

func parseTOML(src []byte) (*document, error) {
	d := &document{src: src}
	root, err := d.fresh(0)
	if err != nil {
		return nil, err
	}
	root.shape, d.root = object, root
	p := &tomlParser{weaver: weaver{d: d}, root: root, table: root, lists: map[*value]map[string]*value{}}
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

// key is a dotted key, its parts, and the bytes it lies in.
func key(e *unstable.Node) (parts []string, from, to int) {
	from = -1
	for it := e.Key(); it.Next(); {
		n := it.Node()
		if from < 0 {
			from = int(n.Raw.Offset)
		}
		to = int(n.Raw.Offset + n.Raw.Length)
		s := string(n.Data)
		if strings.ContainsAny(s, `."`) {
			s = strconv.Quote(s)
		}
		parts = append(parts, s)
	}
	return parts, from, to
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

// holder is what a table of a name lies below, and how deep: the last element of an
// array whose name begins it, or the root.
func (p *tomlParser) holder(parts []string) (*value, int) {
	of, depth := p.root, 0
	for n := 1; n < len(parts); n++ {
		if l := p.lists[of][strings.Join(parts[:n], ".")]; l != nil {
			of, depth = l.kids[len(l.kids)-1], depth+2
		}
	}
	return of, depth
}

// array is the list of an array's elements.
func (p *tomlParser) array(of *value, name string, depth int) (*value, error) {
	if v := p.lists[of][name]; v != nil {
		return v, nil
	}
	v, err := p.kid(of, "[["+name+"]]", list, depth)
	if err != nil {
		return nil, err
	}
	if p.lists[of] == nil {
		p.lists[of] = map[string]*value{}
	}
	p.lists[of][name] = v
	return v, nil
}

// header begins a table.
func (p *tomlParser) header(e *unstable.Node) error {
	parts, from, to := key(e)
	if len(parts) > maxDepth {
		return bad("tables more than %d deep are not taken apart", maxDepth)
	}
	name := strings.Join(parts, ".")
	of, depth := p.holder(parts)
	brackets, kid := 1, "["+name+"]"
	if e.Kind == unstable.ArrayTable {
		l, err := p.array(of, name, depth+1)
		if err != nil {
			return err
		}
		of, brackets, kid = l, 2, ""
	} else if len(of.kids) < 1<<12 && slices.ContainsFunc(of.kids, func(v *value) bool { return v.name == kid }) {
		p.d.twice = append(p.d.twice, name)
	}
	t, err := p.kid(of, kid, object, depth+2)
	if err != nil {
		return err
	}
	p.table = t
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
	parts, from, to := key(e)
	v, err := p.kid(p.table, strings.Join(parts, "."), scalar, 1)
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
