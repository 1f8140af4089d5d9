package structured

import (
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// KindXML is an XML document.
const KindXML diff.Kind = "xml"

func init() { register(KindXML, true, isXML, parseXML) }

func isXML(in *diff.Input) bool {
	h := bytes.TrimLeft(bytes.TrimPrefix(in.Head(), []byte(bom)), " \t\r\n")
	if len(h) == 0 || h[0] != '<' {
		return false
	}
	if bytes.HasPrefix(h, []byte("<?xml")) {
		return true
	}
	for _, s := range []string{".xml", ".svg", ".pom", ".xsd", ".xsl", ".xslt", ".plist", ".csproj"} {
		if strings.HasSuffix(in.Name, s) {
			return true
		}
	}
	return false
}

// xmlParser keeps where the tokens of encoding/xml lie. Entities are not looked
// up: neither inside nor outside the document.
type xmlParser struct {
	d     *document
	src   []byte
	stack []*value
	// counts says for each open element how many kids have each name.
	counts []map[string]int
}

func (p *xmlParser) push(v *value) {
	p.stack = append(p.stack, v)
	p.counts = append(p.counts, map[string]int{})
}

func (p *xmlParser) pop() {
	p.stack, p.counts = p.stack[:len(p.stack)-1], p.counts[:len(p.counts)-1]
}

func parseXML(src []byte) (*document, error) {
	d := &document{src: src}
	root, err := d.fresh(0)
	if err != nil {
		return nil, err
	}
	root.shape, d.root = list, root
	p := &xmlParser{d: d, src: src}
	p.push(root)
	dec := xml.NewDecoder(bytes.NewReader(src))
	dec.Strict = true
	dec.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, bad("it is not in UTF-8") }
	for {
		from := int(dec.InputOffset())
		t, err := dec.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, bad("%v", err)
		}
		if err := p.token(t, from, int(dec.InputOffset())); err != nil {
			return nil, err
		}
	}
	if len(p.stack) != 1 {
		return nil, bad("it ends inside an element")
	}
	if len(root.kids) == 0 {
		return nil, bad("it has no element")
	}
	return d, nil
}

// top is the element that is open.
func (p *xmlParser) top() *value { return p.stack[len(p.stack)-1] }

// kid adds a value to the open element.
func (p *xmlParser) kid(name string, s shape) (*value, error) {
	v, err := p.d.fresh(len(p.stack))
	if err != nil {
		return nil, err
	}
	v.shape = s
	t := p.top()
	counts := p.counts[len(p.stack)-1]
	if counts[name]++; counts[name] > 1 { // li, li[2], …
		name += "[" + strconv.Itoa(counts[name]) + "]"
	}
	v.name = name
	t.kids = append(t.kids, v)
	return v, nil
}

func (p *xmlParser) token(t xml.Token, from, to int) error {
	switch t := t.(type) {
	case xml.StartElement:
		return p.start(t, from, to)
	case xml.EndElement:
		v := p.top()
		if len(p.stack) == 1 {
			return bad("byte %d: no element is open", from)
		}
		if to > from { // "<a/>" ends where it begins
			if name, _ := elementName(p.src[from+2 : to]); name != v.text {
				return bad("byte %d: %q ends inside %q", from, name, v.text)
			}
		}
		v.add("end", from, to)
		if len(v.gaps) > 0 {
			pad(v, len(v.kids)+1)
		}
		p.pop()
		return nil
	case xml.CharData:
		return p.chars(t, from, to)
	case xml.Comment:
		return p.other("comment()", from, to)
	case xml.ProcInst:
		return p.other("?"+t.Target, from, to)
	case xml.Directive:
		return p.other("!", from, to)
	}
	return bad("byte %d: %T", from, t)
}

// other adds what is neither element nor text, as it is written.
func (p *xmlParser) other(name string, from, to int) error {
	v, err := p.kid(name, scalar)
	if err != nil {
		return err
	}
	v.text = string(p.src[from:to])
	v.add(pieceValue, from, to)
	return nil
}

// chars adds text; white space between elements is a gap of its own.
func (p *xmlParser) chars(t xml.CharData, from, to int) error {
	raw := p.src[from:to]
	if len(bytes.Trim(raw, " \t\r\n")) == 0 {
		if top := p.top(); len(p.stack) == 1 || bytes.IndexByte(raw, '\n') >= 0 {
			pad(top, len(top.kids))
			top.gaps = append(top.gaps, diff.Range{Off: int64(from), Len: int64(to - from)})
			return nil
		}
	}
	v, err := p.kid("text()", scalar)
	if err != nil {
		return err
	}
	v.text = "text " + string(t)
	v.add(pieceValue, from, to)
	return nil
}

// pad gives a value the gaps that it does not have, empty ones: one before each kid,
// so that white space between two others is not the same.
func pad(v *value, n int) {
	for len(v.gaps) < n {
		v.gaps = append(v.gaps, diff.Range{})
	}
}

// elementName is what a tag begins with.
func elementName(p []byte) (string, int) {
	n := bytes.IndexAny(p, " \t\r\n/>")
	if n < 0 {
		n = len(p)
	}
	return string(p[:n]), n
}

// start takes a start tag apart into its attributes. Their order means nothing.
func (p *xmlParser) start(t xml.StartElement, from, to int) error {
	name, n := elementName(p.src[from+1 : to])
	v, err := p.kid(name, list)
	if err != nil {
		return err
	}
	v.text = name
	at := from + 1 + n
	v.add("start", from, at)
	p.push(v)
	attrs, err := p.kid("@", object)
	if err != nil {
		return err
	}
	p.push(attrs)
	for _, a := range t.Attr {
		k, err := p.kid("", scalar)
		if err != nil {
			return err
		}
		if at, err = p.attribute(k, at, to); err != nil {
			return err
		}
		k.text = a.Value
	}
	p.pop()
	v.add("end of the start", at, to)
	return nil
}

// attribute reads one that begins at a byte, with the white space before it.
func (p *xmlParser) attribute(k *value, at, to int) (int, error) {
	i := at
	for i < to && strings.IndexByte(" \t\r\n", p.src[i]) >= 0 {
		i++
	}
	eq := bytes.IndexByte(p.src[i:to], '=')
	if eq < 0 {
		return 0, bad("byte %d: an attribute without a value", i)
	}
	k.add("space", at, i)
	k.name = strings.TrimRight(string(p.src[i:i+eq]), " \t\r\n")
	q := i + eq + 1
	for q < to && strings.IndexByte(" \t\r\n", p.src[q]) >= 0 {
		q++
	}
	if q == to || p.src[q] != '"' && p.src[q] != '\'' {
		return 0, bad("byte %d: an attribute without quotes", q)
	}
	end := bytes.IndexByte(p.src[q+1:to], p.src[q])
	if end < 0 {
		return 0, bad("byte %d: an attribute that does not end", q)
	}
	k.add(pieceKey, i, i+len(k.name))
	k.add("equals sign", i+len(k.name), q)
	k.add(pieceValue, q, q+end+2)
	return q + end + 2, nil
}
