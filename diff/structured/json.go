package structured

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
)

// KindJSON is one JSON document, or several, each after the other.
const KindJSON diff.Kind = "json"

const bom = "\xef\xbb\xbf"

func init() { register(KindJSON, true, isJSON, parseJSON) }

// isJSON looks at how it begins: an object, or a list of what JSON has.
func isJSON(in *diff.Input) bool {
	h := bytes.TrimLeft(bytes.TrimPrefix(in.Head(), []byte(bom)), " \t\r\n")
	if len(h) < 2 || isTOML(in) {
		return false
	}
	next := bytes.TrimLeft(h[1:], " \t\r\n")
	switch {
	case len(next) == 0:
		return false
	case h[0] == '{':
		return next[0] == '"' || next[0] == '}'
	case h[0] != '[':
		return strings.HasSuffix(in.Name, ".json")
	}
	return strings.IndexByte(`{["]-0123456789`, next[0]) >= 0 || bytes.HasPrefix(next, []byte("true")) || bytes.HasPrefix(next, []byte("false")) || bytes.HasPrefix(next, []byte("null"))
}

// jsonParser reads JSON (RFC 8259), strictly, and keeps where everything lies.
type jsonParser struct {
	d     *document
	src   []byte
	at    int
	whole bool // small parts stay open
}

func parseJSON(src []byte) (*document, error) {
	p := &jsonParser{d: &document{src: src, styles: jsonStyleOf}, src: src}
	p.d.open = p.reopen
	return p.document()
}

// jsonStyleOf is jsonStyle of a document, all of which is read again where parts
// of it are closed. One of too many values has no style.
func jsonStyleOf(d *document) string {
	if !d.shut {
		return jsonStyle(d)
	}
	p := &jsonParser{d: &document{src: d.src}, src: d.src, whole: true}
	all, err := p.document()
	if err != nil {
		return ""
	}
	return jsonStyle(all)
}

// reopen reads a closed value again.
func (p *jsonParser) reopen(v *value) (*value, error) {
	q := &jsonParser{d: &document{src: p.src}, src: p.src, at: v.closed.from, whole: true}
	out := &value{name: v.name, pieces: slices.Clone(v.pieces[:len(v.pieces)-1])}
	if err := q.value(out, "", 1); err != nil {
		return nil, err
	}
	q.d.finish(out)
	if out.at != v.at || out.length() != out.at.Len {
		return nil, bad("bytes %d to %d are not read as before", v.at.Off, v.at.Off+v.at.Len)
	}
	return out, nil
}

func (p *jsonParser) document() (*document, error) {
	src := p.src
	root, err := p.d.fresh(0)
	if err != nil {
		return nil, err
	}
	root.shape = list
	if bytes.HasPrefix(src, []byte(bom)) {
		root.add("byte order mark", 0, len(bom))
		p.at = len(bom)
	}
	from := p.at
	p.space()
	root.add("lead", from, p.at)
	for p.at < len(src) {
		v, err := p.d.fresh(1)
		if err != nil {
			return nil, err
		}
		if err := p.value(v, "/"+strconv.Itoa(len(root.kids)), 1); err != nil {
			return nil, err
		}
		root.kids = append(root.kids, v)
		end := p.at
		if p.space(); p.at == len(src) {
			root.add("trail", end, p.at)
		} else {
			root.gaps = append(root.gaps, diff.Range{Off: int64(end), Len: int64(p.at - end)})
		}
	}
	if len(root.kids) == 0 {
		return nil, bad("it has no value")
	}
	p.d.root = root
	return p.d, nil
}

func (p *jsonParser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *jsonParser) fail(what string) error { return bad("byte %d: %s", p.at, what) }

// value reads a value into v, which may already have a key.
func (p *jsonParser) value(v *value, path string, depth int) error {
	if p.at == len(p.src) {
		return p.fail("it ends where a value is wanted")
	}
	from := p.at
	switch c := p.src[p.at]; {
	case c == '{', c == '[':
		end := byte('}')
		if v.shape = object; c == '[' {
			v.shape, end = list, ']'
		}
		held := p.d.n
		if err := p.members(v, path, depth, end); err != nil {
			return err
		}
		if !p.whole && depth > 1 && p.at-from <= smallPart {
			p.d.close(v, from, held)
		}
		return nil
	case c == '"':
		s, err := p.str()
		if err != nil {
			return err
		}
		v.text = "string " + s
	case c == '-' || c >= '0' && c <= '9':
		s, ok := number(p.src[p.at:])
		if !ok {
			return p.fail("no number")
		}
		p.at += len(s)
		v.text = numberTag + s
	default:
		for _, w := range []string{"true", "false", "null"} {
			if bytes.HasPrefix(p.src[p.at:], []byte(w)) {
				p.at += len(w)
				v.text = w
			}
		}
		if v.text == "" {
			return p.fail("no value")
		}
	}
	v.add(pieceValue, from, p.at)
	return nil
}

// members reads what is inside brackets.
func (p *jsonParser) members(v *value, path string, depth int, end byte) error {
	v.add("opening", p.at, p.at+1)
	p.at++
	from := p.at
	p.space()
	if p.at < len(p.src) && p.src[p.at] == end {
		v.add("inside", from, p.at)
		v.add("closing", p.at, p.at+1)
		p.at++
		return nil
	}
	v.add("after the opening", from, p.at)
	seen := map[string]bool{}
	for {
		k, err := p.d.fresh(depth + 1)
		if err != nil {
			return err
		}
		v.kids = append(v.kids, k)
		at := path + "/" + strconv.Itoa(len(v.kids)-1)
		if v.shape == object {
			if err := p.key(k); err != nil {
				return err
			}
			at = path + "/" + k.name
			if seen[k.name] {
				p.d.twice = append(p.d.twice, at[min(2, len(at)):])
			}
			seen[k.name] = true
		}
		if err := p.value(k, at, depth+1); err != nil {
			return err
		}
		from := p.at
		p.space()
		switch {
		case p.at == len(p.src):
			return p.fail("it ends inside brackets")
		case p.src[p.at] == end:
			v.add("before the closing", from, p.at)
			v.add("closing", p.at, p.at+1)
			p.at++
			return nil
		case p.src[p.at] != ',':
			return p.fail("no comma")
		}
		p.at++
		p.space()
		v.gaps = append(v.gaps, diff.Range{Off: int64(from), Len: int64(p.at - from)})
	}
}

// key reads a member's name and the colon after it.
func (p *jsonParser) key(v *value) error {
	from := p.at
	if p.at == len(p.src) || p.src[p.at] != '"' {
		return p.fail("no key")
	}
	s, err := p.str()
	if err != nil {
		return err
	}
	v.name = s
	v.add(pieceKey, from, p.at)
	from = p.at
	p.space()
	if p.at == len(p.src) || p.src[p.at] != ':' {
		return p.fail("no colon")
	}
	p.at++
	p.space()
	v.add("colon", from, p.at)
	return nil
}

// str reads a string and gives what it means. Text that is not UTF-8 is no JSON,
// nor is half of a surrogate pair: neither has one meaning.
func (p *jsonParser) str() (string, error) {
	from := p.at
	for p.at++; p.at < len(p.src) && p.src[p.at] != '"'; p.at++ {
		switch c := p.src[p.at]; {
		case c < 0x20:
			return "", p.fail("a control character in a string")
		case c == '\\':
			p.at++
		}
	}
	if p.at >= len(p.src) {
		return "", p.fail("it ends inside a string")
	}
	p.at++
	raw := p.src[from:p.at]
	if bytes.IndexByte(raw, '\\') < 0 {
		if !utf8.Valid(raw) {
			return "", p.fail("a string that is not UTF-8")
		}
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil || !utf8.Valid(raw) {
		return "", p.fail("a string that cannot be read")
	}
	if strings.ContainsRune(s, utf8.RuneError) && !bytes.Contains(raw, []byte("\uFFFD")) {
		return "", p.fail("a string with half of a surrogate pair")
	}
	return s, nil
}

// number gives the longest number at the beginning.
func number(p []byte) (string, bool) {
	i := 0
	digits := func() bool {
		from := i
		for i < len(p) && p[i] >= '0' && p[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(p) && p[i] == '-' {
		i++
	}
	zero := i < len(p) && p[i] == '0'
	first := i
	if !digits() || zero && i > first+1 {
		return "", false
	}
	if i < len(p) && p[i] == '.' {
		i++
		if !digits() {
			return "", false
		}
	}
	if i < len(p) && (p[i] == 'e' || p[i] == 'E') {
		i++
		if i < len(p) && (p[i] == '+' || p[i] == '-') {
			i++
		}
		if !digits() {
			return "", false
		}
	}
	return string(p[:i]), true
}
