package structured

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
	"go.yaml.in/yaml/v4"
)

// KindYAML is one or more YAML documents.
const KindYAML diff.Kind = "yaml"

// maxYAML bounds a YAML file: its parser takes about a hundred times its size.
const maxYAML = 8 << 20

func init() { register(KindYAML, true, isYAML, parseYAML) }

func isYAML(in *diff.Input) bool {
	return strings.HasSuffix(in.Name, ".yaml") || strings.HasSuffix(in.Name, ".yml") || in.HasPrefix("---\n") || in.HasPrefix("%YAML")
}

// yamlParser places the nodes of the library, which say where they begin, in the
// bytes. It refuses the line ends that only YAML counts as such.
type yamlParser struct {
	weaver
	lines []int // where each begins
	marks []int // where the nodes begin, in order
	next  int   // of marks
}

func parseYAML(src []byte) (*document, error) {
	switch {
	case len(src) > maxYAML:
		return nil, bad("YAML of %d bytes is not taken apart", len(src))
	case !utf8.Valid(src), bytes.HasPrefix(src, []byte(bom)), bytes.ContainsAny(src, "\u0085\u2028\u2029\ufeff"),
		bytes.Count(src, []byte("\r")) != bytes.Count(src, []byte("\r\n")):
		return nil, bad("its text or line ends are not those that are taken apart")
	}
	p := &yamlParser{weaver: weaver{d: &document{src: src}}, lines: []int{0}}
	for i, c := range src {
		if c == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	root, err := p.d.fresh(0)
	if err != nil {
		return nil, err
	}
	root.shape, p.d.root = list, root
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, bad("%v", err)
		}
		if len(n.Content) != 1 {
			continue // nothing but comments
		}
		v, err := p.d.fresh(1)
		if err != nil {
			return nil, err
		}
		p.marks, p.next = p.marks[:0], 0
		if err := p.offsets(n.Content[0], 1); err != nil {
			return nil, err
		}
		if len(p.marks) > 0 {
			p.head(v, p.marks[0])
		}
		root.kids = append(root.kids, v)
		if err := p.node(v, n.Content[0], "/"+strconv.Itoa(len(root.kids)-1), 1); err != nil {
			return nil, err
		}
	}
	if len(root.kids) == 0 {
		return nil, bad("it has no value")
	}
	p.end(root)
	return p.d, nil
}

// offset is where a node begins. Columns count characters.
func (p *yamlParser) offset(n *yaml.Node) (int, error) {
	if n.Line < 1 || n.Line > len(p.lines) || n.Column < 1 {
		return 0, bad("a node at line %d, column %d", n.Line, n.Column)
	}
	at := p.lines[n.Line-1]
	for range n.Column - 1 {
		if at >= len(p.d.src) {
			break
		}
		_, k := utf8.DecodeRune(p.d.src[at:])
		at += k
	}
	return at, nil
}

// offsets collects where nodes begin, in the order in which they are placed.
func (p *yamlParser) offsets(n *yaml.Node, depth int) error {
	if depth > maxDepth {
		return bad("values more than %d deep are not taken apart", maxDepth)
	}
	at, err := p.offset(n)
	if err != nil {
		return err
	}
	if placed(n) {
		p.marks = append(p.marks, at)
	}
	// An alias stands for the last anchor of its name before it.
	p.d.ordered = p.d.ordered || n.Kind == yaml.AliasNode
	for _, c := range n.Content {
		if err := p.offsets(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// placed nodes have bytes of their own; a mapping or list that goes by lines has
// only its kids'.
func placed(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode || n.Kind == yaml.AliasNode || flow(n)
}

func flow(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && (n.Style&yaml.FlowStyle != 0 || len(n.Content) == 0)
}

// mark is where the next placed node begins, and the one after it.
func (p *yamlParser) mark() (at, after int) {
	at, after = p.marks[p.next], len(p.d.src)
	if p.next++; p.next < len(p.marks) {
		after = p.marks[p.next]
	}
	return at, after
}

// node places a node and what is below it.
func (p *yamlParser) node(v *value, n *yaml.Node, path string, depth int) error {
	switch n.Kind {
	case yaml.ScalarNode, yaml.AliasNode:
		at, after := p.mark()
		v.text = yamlText(n)
		p.weaver.mark(v, pieceValue, at, p.endOf(n, at, after))
		return nil
	case yaml.MappingNode:
		v.shape = object
	case yaml.SequenceNode:
		v.shape = list
	default:
		return bad("a node of kind %d", n.Kind)
	}
	if flow(n) {
		at, _ := p.mark()
		to := at
		if i := bytes.IndexAny(p.d.src[at:], "[{"); i >= 0 {
			to += i + 1
		}
		p.weaver.mark(v, "opening", at, to)
	}
	v.text = n.Tag
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i++ {
		k, err := p.d.fresh(depth + 1)
		if err != nil {
			return err
		}
		c := n.Content[i]
		at := path + "/" + strconv.Itoa(i)
		if v.shape == object {
			if c.Kind != yaml.ScalarNode && c.Kind != yaml.AliasNode {
				return bad("line %d: a key that is no scalar", c.Line)
			}
			from, after := p.mark()
			p.between(v, n, from)
			p.weaver.mark(k, pieceKey, from, p.endOf(c, from, after))
			k.name = c.Value
			at = path + "/" + k.name
			if seen[k.name] {
				p.d.twice = append(p.d.twice, at[2:])
			}
			seen[k.name] = true
			if i++; i == len(n.Content) {
				return bad("line %d: a key without a value", c.Line)
			}
			c = n.Content[i]
		} else if p.next < len(p.marks) {
			p.between(v, n, p.marks[p.next])
		}
		v.kids = append(v.kids, k)
		if err := p.node(k, c, at, depth+1); err != nil {
			return err
		}
	}
	if flow(n) {
		at := p.closing()
		p.weaver.mark(v, "closing", at, min(at+1, len(p.d.src)))
	}
	return nil
}

// between gives what separates the kids of brackets to the value around them.
func (p *yamlParser) between(v *value, n *yaml.Node, to int) {
	if !flow(n) || to <= p.at {
		return
	}
	if len(v.kids) == 0 {
		p.gap(v, "after the opening", to)
		return
	}
	v.gaps = append(v.gaps, diff.Range{Off: int64(p.at), Len: int64(to - p.at)})
	p.at = to
}

// closing finds the bracket that ends a list or mapping, past comments.
func (p *yamlParser) closing() int {
	for i := p.at; i < len(p.d.src); i++ {
		switch p.d.src[i] {
		case ']', '}':
			return i
		case '#':
			for i < len(p.d.src) && p.d.src[i] != '\n' {
				i++
			}
		}
	}
	return len(p.d.src)
}

// yamlText is what a scalar means.
func yamlText(n *yaml.Node) string {
	if n.Kind == yaml.AliasNode {
		return "alias " + n.Value
	}
	if t := n.ShortTag(); n.Style == 0 && (t == "!!int" || t == "!!float") {
		return numberTag + n.Value
	}
	return n.ShortTag() + " " + n.Value
}

// endOf is where a scalar ends. What is written over several lines ends with the
// line before that of the next node.
func (p *yamlParser) endOf(n *yaml.Node, at, after int) int {
	src := p.d.src
	if n.Kind == yaml.AliasNode && bytes.HasPrefix(src[at:], []byte("*"+n.Value)) {
		return at + 1 + len(n.Value)
	}
	switch {
	case n.Value == "" && n.Style == 0:
		return at
	case n.Style&yaml.DoubleQuotedStyle != 0 && at < len(src) && src[at] == '"':
		for i := at + 1; i < len(src); i++ {
			switch src[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
	case n.Style&yaml.SingleQuotedStyle != 0 && at < len(src) && src[at] == '\'':
		for i := at + 1; i < len(src); i++ {
			if src[i] == '\'' {
				if i++; i >= len(src) || src[i] != '\'' {
					return i
				}
			}
		}
	case bytes.HasPrefix(src[at:], []byte(n.Value)):
		return at + len(n.Value)
	}
	after = max(after, at)
	if i := bytes.LastIndexByte(src[at:after], '\n'); i >= 0 && after < len(src) {
		return at + i + 1
	}
	return after
}
