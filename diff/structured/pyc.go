package structured

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stagescope/stagescope/diff"
)

// KindPyc is a file of Python's bytecode, from Python 3.6 on.
const KindPyc diff.Kind = "python bytecode"

func init() {
	register(KindPyc, false, func(in *diff.Input) bool { return release(in.Head()) != 0 }, parsePyc)
}

// The magic numbers with which the layout changed (CPython, Lib/importlib or
// Include/internal/pycore_magic_number.h).
const (
	magic36   = 3360 // 12 bytes of header
	magic37   = 3390 // PEP 552: 16 bytes of header, with flags
	magic38   = 3400 // PEP 570: positional-only arguments
	magic311  = 3450 // local, cell and free variables in one table; exception table
	magicLast = 3999
)

// release is the magic number at the beginning; 0 when it is none.
func release(p []byte) int {
	if len(p) < 12 || p[2] != '\r' || p[3] != '\n' {
		return 0
	}
	if m := int(binary.LittleEndian.Uint16(p)); m >= magic36 && m <= magicLast {
		return m
	}
	return 0
}

// pycFields say what a header's fields mean.
var pycFields = map[string]func(a, b []byte) diff.Reason{
	"magic": func(a, b []byte) diff.Reason {
		v := func(p []byte) string { return strconv.Itoa(int(binary.LittleEndian.Uint16(p))) }
		return diff.Reason{Field: "magic number", A: v(a), B: v(b), Cause: &diff.Cause{ID: "D5b", Name: "release of the interpreter", Confidence: diff.Likely, Fix: "pin the interpreter"}}
	},
	"mtime of the source": func(a, b []byte) diff.Reason {
		v := func(p []byte) string {
			if len(p) < 4 {
				return ""
			}
			return time.Unix(int64(binary.LittleEndian.Uint32(p)), 0).UTC().Format(time.RFC3339)
		}
		r := diff.Reason{Field: "mtime of the source", A: v(a), B: v(b)}
		if len(a) == len(b) {
			r.Cause = &diff.Cause{ID: "D1c", Name: "time in the header of the bytecode", Confidence: diff.Proved, Evidence: "the rest is compared value by value",
				Fix: "SOURCE_DATE_EPOCH, or --invalidation-mode unchecked-hash"}
		}
		return r
	},
	"flags": func(a, b []byte) diff.Reason {
		return diff.Reason{Field: "flags", A: pycFlags(a), B: pycFlags(b), Cause: &diff.Cause{ID: "D1c", Name: "how the bytecode is held against its source", Confidence: diff.Likely,
			Evidence: "the flags of the header say so (PEP 552)", Fix: "compile with one --invalidation-mode; Python takes hashes where SOURCE_DATE_EPOCH is set"}}
	},
	"hash of the source": hexField("hash of the source"), "size of the source": hexField("size of the source"),
}

// pycFlags says what an interpreter looks at before it takes bytecode.
func pycFlags(p []byte) string {
	if len(p) < 4 {
		return fmt.Sprintf("%x", p)
	}
	switch v := binary.LittleEndian.Uint32(p); v {
	case 0:
		return "0: the source's time and size"
	case 1:
		return "1: nothing, though it holds the source's hash"
	case 3:
		return "3: the source's hash"
	default:
		return fmt.Sprintf("%#x", v)
	}
}

func hexField(name string) func(a, b []byte) diff.Reason {
	return func(a, b []byte) diff.Reason {
		return diff.Reason{Field: name, A: fmt.Sprintf("%x", a), B: fmt.Sprintf("%x", b)}
	}
}

// marshal reads what CPython's marshal writes (Python/marshal.c).
type marshal struct {
	d       *document
	src     []byte
	at      int
	refs    []*value
	open    map[*value]bool // being read: nothing may refer to them
	release int
}

func parsePyc(src []byte) (*document, error) {
	m := &marshal{d: &document{src: src, binary: true, fields: pycFields}, src: src, open: map[*value]bool{}, release: release(src)}
	if m.release == 0 {
		return nil, bad("it has no magic number of Python 3.6 or later")
	}
	root, err := m.d.fresh(0)
	if err != nil {
		return nil, err
	}
	root.shape, m.d.root = object, root
	root.add("magic", 0, 4)
	m.at = 4
	hashed := false
	if m.release >= magic37 {
		if len(src) < 16 {
			return nil, bad("it ends inside the header")
		}
		hashed = src[4]&1 != 0
		root.add("flags", 4, 8)
		m.at = 8
	}
	if hashed {
		root.add("hash of the source", m.at, m.at+8)
	} else {
		root.add("mtime of the source", m.at, m.at+4)
		root.add("size of the source", m.at+4, m.at+8)
	}
	m.at += 8
	v, err := m.object("module", 1)
	if err != nil {
		return nil, err
	}
	root.kids = append(root.kids, v)
	root.add("after the module", m.at, len(src))
	return m.d, nil
}

func (m *marshal) take(n int) ([]byte, error) {
	if n < 0 || n > len(m.src)-m.at {
		return nil, bad("byte %d: %d bytes are wanted and %d left", m.at, n, len(m.src)-m.at)
	}
	m.at += n
	return m.src[m.at-n : m.at], nil
}

// length reads a count of one or four bytes into a value's implied piece.
func (m *marshal) length(v *value, size int) (int, error) {
	p, err := m.take(size)
	if err != nil {
		return 0, err
	}
	v.add(pieceImplied, m.at-size, m.at)
	if size == 1 {
		return int(p[0]), nil
	}
	n := int32(binary.LittleEndian.Uint32(p))
	if n < 0 {
		return 0, bad("byte %d: a length of %d", m.at-size, n)
	}
	return int(n), nil
}

// sharedFlag in an object's type says that later ones may refer to it.
const (
	pieceType  = "type"
	sharedFlag = 0x80
)

// fixed are the types whose content has one size.
var fixed = map[byte]int{'N': 0, 'F': 0, 'T': 0, 'S': 0, '.': 0, '0': 0, 'i': 4, 'I': 8, 'g': 8, 'y': 16}

// object reads one object.
func (m *marshal) object(name string, depth int) (*value, error) {
	v, err := m.d.fresh(depth)
	if err != nil {
		return nil, err
	}
	v.name, v.whole = name, true
	p, err := m.take(1)
	if err != nil {
		return nil, err
	}
	v.add(pieceType, m.at-1, m.at)
	t := p[0] &^ sharedFlag
	if p[0]&sharedFlag != 0 {
		m.refs = append(m.refs, v)
	}
	m.open[v] = true
	defer delete(m.open, v)
	if n, ok := fixed[t]; ok {
		return v, m.content(v, string(t), n, t != 'N')
	}
	return v, m.variable(v, t, depth)
}

// content gives a scalar its value of n bytes.
func (m *marshal) content(v *value, tag string, n int, isBytes bool) error {
	p, err := m.take(n)
	if err != nil {
		return err
	}
	v.add(pieceValue, m.at-n, m.at)
	v.text, v.bytes = tag+" "+string(p), isBytes
	return nil
}

// variable reads an object that says how long it is, or has others inside.
func (m *marshal) variable(v *value, t byte, depth int) error {
	switch t {
	case 'r':
		return m.reference(v)
	case 's', 't', 'u', 'a', 'A', 'z', 'Z':
		size, tag := 4, "str"
		if t == 'z' || t == 'Z' {
			size = 1
		}
		n, err := m.length(v, size)
		if err != nil {
			return err
		}
		switch {
		case t == 's':
			tag = "bytes"
		case t != 't' && t != 'u' && n <= len(m.src)-m.at && bytes.ContainsFunc(m.src[m.at:m.at+n], func(r rune) bool { return r >= utf8.RuneSelf }):
			tag = "latin" // what is said to be ASCII is read byte by byte, and not as UTF-8
		}
		return m.content(v, tag, n, t == 's')
	case 'f':
		n, err := m.length(v, 1)
		if err != nil {
			return err
		}
		return m.content(v, "float", n, false)
	case 'l':
		return m.long(v)
	case 'c':
		return m.code(v, depth)
	case '(', ')', '[', '<', '>':
		size := 4
		if t == ')' {
			size = 1
		}
		v.shape, v.text = list, map[byte]string{'(': "tuple", ')': "tuple", '[': "list", '<': "set", '>': "frozenset"}[t]
		n, err := m.length(v, size)
		if err != nil {
			return err
		}
		return m.kids(v, n, depth)
	case ':':
		v.shape, v.text = list, "slice"
		return m.kids(v, 3, depth)
	case '{':
		return m.dict(v, depth)
	}
	return bad("byte %d: an object of type %q", m.at-1, t)
}

func (m *marshal) reference(v *value) error {
	p, err := m.take(4)
	if err != nil {
		return err
	}
	v.add(pieceValue, m.at-4, m.at)
	i := binary.LittleEndian.Uint32(p)
	if int64(i) >= int64(len(m.refs)) || m.open[m.refs[i]] {
		return bad("byte %d: a reference to object %d of %d", m.at-4, i, len(m.refs))
	}
	if v.same, v.bytes = m.refs[i], true; v.same.same != nil {
		v.same = v.same.same
	}
	return nil
}

// long is a large integer: a signed count of digits of 15 bits, and these.
func (m *marshal) long(v *value) error {
	p, err := m.take(4)
	if err != nil {
		return err
	}
	n := int64(int32(binary.LittleEndian.Uint32(p)))
	if n < 0 {
		n = -n
	}
	if n > int64(len(m.src)) {
		return bad("byte %d: %d digits", m.at-4, n)
	}
	m.at -= 4
	return m.content(v, "long", 4+2*int(n), true)
}

func (m *marshal) kids(v *value, n, depth int) error {
	for i := range n {
		k, err := m.object("", depth+1)
		if err != nil {
			return err
		}
		if what := nameOfCode(k); what != "" {
			k.name = strconv.Itoa(i) + " " + what
		}
		v.kids = append(v.kids, k)
	}
	return nil
}

// dict is pairs of keys and values up to a null.
func (m *marshal) dict(v *value, depth int) error {
	v.shape, v.text = list, "dict"
	for {
		k, err := m.object("", depth+1)
		if err != nil {
			return err
		}
		v.kids = append(v.kids, k)
		if k.text == "0 " {
			return nil
		}
		if k, err = m.object("", depth+1); err != nil {
			return err
		}
		v.kids = append(v.kids, k)
	}
}

// The parts of a code object, in their order. Those that begin with "#" are
// numbers of four bytes and no objects.
var (
	code36 = []string{"#argcount", "#kwonlyargcount", "#nlocals", "#stacksize", "#flags", "code", "consts", "names", "varnames", "freevars", "cellvars", "filename", "name", "#firstlineno", "line table"}
	code38 = append([]string{"#argcount", "#posonlyargcount"}, code36[1:]...)
	// PEP 657 and the faster CPython of 3.11.
	code311 = []string{"#argcount", "#posonlyargcount", "#kwonlyargcount", "#stacksize", "#flags", "code", "consts", "names", "localsplusnames", "localspluskinds", "filename", "name", "qualname", "#firstlineno", "line table", "exception table"}
)

// sourcePath is why the name of the source differs: it is a field of its own, and
// says nothing of what the code does.
var sourcePath = diff.Cause{ID: "D2a", Name: "path of the source in the bytecode", Confidence: diff.Proved, Evidence: "all other values are compared one by one", Fix: "compile in one fixed directory, or python -m compileall -s PREFIX"}

func (m *marshal) code(v *value, depth int) error {
	fields := code36
	switch {
	case m.release >= magic311:
		fields = code311
	case m.release >= magic38:
		fields = code38
	}
	v.shape, v.text = object, "code"
	for _, f := range fields {
		var k *value
		var err error
		if f[0] == '#' {
			if k, err = m.d.fresh(depth + 1); err == nil {
				k.name = f[1:]
				err = m.content(k, "number", 4, true)
			}
		} else {
			k, err = m.object(f, depth+1)
		}
		if err != nil {
			return err
		}
		if f == "filename" {
			k.cause = &sourcePath
		}
		v.kids = append(v.kids, k)
	}
	return nil
}

// nameOfCode is what a function or class is called; "" when it is neither.
func nameOfCode(v *value) string {
	if v.text != "code" {
		return ""
	}
	for _, want := range []string{"qualname", "name"} {
		for _, k := range v.kids {
			if k.name != want {
				continue
			}
			if k.same != nil {
				k = k.same
			}
			if _, name, ok := strings.Cut(k.text, " "); ok && name != "" {
				return name[:min(len(name), 200)]
			}
		}
	}
	return ""
}
