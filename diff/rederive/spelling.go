package rederive

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/stagescope/stagescope/chain"
)

// spelling is how a tool writes a JSON object: which key comes first, and what
// space stands between.
type spelling struct {
	order   order
	indent  string // "" for none
	spaced  bool   // a space after each comma and colon, and no lines
	newline bool   // a line end after the object
}

// order is the order of an object's keys.
type order int

// The orders.
const (
	orderOCI    order = iota // as the OCI specification's Go types: mediaType, digest, size
	orderDocker              // as Docker's, skopeo's and crane's: mediaType, size, digest
	orderSorted              // sorted, as canonical JSON
)

var orderNames = [...]string{"keys as in the OCI types", "keys as in Docker's types", "keys sorted"}

func (s spelling) String() string {
	t := orderNames[s.order]
	switch {
	case s.spaced:
		t += ", spaces on one line"
	case s.indent == "":
		t += ", compact"
	case s.indent == "\t":
		t += ", indented by tabs"
	default:
		t += fmt.Sprintf(", indented by %d", len(s.indent))
	}
	if s.newline {
		t += ", with a line end"
	}
	return t
}

// spellings are those that tools use: the first ones are BuildKit's, skopeo's,
// docker push's and crane's.
func spellings() []spelling {
	first := []spelling{{indent: "  "}, {}, {order: orderDocker, indent: "   "}, {order: orderDocker}}
	out := first
	for _, o := range []order{orderOCI, orderDocker, orderSorted} {
		for _, s := range []spelling{{}, {indent: "  "}, {indent: "   "}, {indent: "    "}, {indent: "\t"}, {spaced: true}} {
			for _, end := range []bool{false, true} {
				s.order, s.newline = o, end
				known := false
				for _, f := range first {
					known = known || f == s
				}
				if !known {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// member is one key of an object and its value.
type member struct {
	key   string
	value any
}

// object is a JSON object whose keys keep their order.
type object []member

// write spells an object whose keys are in order already, as encoding/json
// would. It is written by hand because it is what a search spends its time on.
func (s spelling) write(o object) []byte {
	w := writer{s: s, out: make([]byte, 0, 2048)}
	w.object(o, 1)
	if s.newline {
		w.out = append(w.out, '\n')
	}
	return w.out
}

// writer appends values in one spelling.
type writer struct {
	s   spelling
	out []byte
}

// line begins the next member at a depth.
func (w *writer) line(depth int) {
	if w.s.indent == "" || w.s.spaced {
		return
	}
	w.out = append(w.out, '\n')
	for range depth {
		w.out = append(w.out, w.s.indent...)
	}
}

// between stands between two members.
func (w *writer) between() {
	w.out = append(w.out, ',')
	if w.s.spaced {
		w.out = append(w.out, ' ')
	}
}

func (w *writer) object(o object, depth int) {
	w.out = append(w.out, '{')
	for i, m := range o {
		if i > 0 {
			w.between()
		}
		w.line(depth)
		w.text(m.key)
		w.out = append(w.out, ':')
		if w.s.spaced || w.s.indent != "" {
			w.out = append(w.out, ' ')
		}
		w.value(m.value, depth+1)
	}
	if len(o) > 0 {
		w.line(depth - 1)
	}
	w.out = append(w.out, '}')
}

func (w *writer) value(v any, depth int) {
	switch v := v.(type) {
	case string:
		w.text(v)
	case chain.Digest:
		w.text(string(v))
	case int:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case int64:
		w.out = strconv.AppendInt(w.out, v, 10)
	case object:
		w.object(v, depth)
	case map[string]string:
		o := make(object, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			o = append(o, member{k, v[k]})
		}
		w.object(o, depth)
	case []object:
		list(w, v, depth, w.object)
	case []string:
		list(w, v, depth, func(s string, _ int) { w.text(s) })
	default:
		panic(fmt.Sprintf("no way to write a %T", v)) // a fault of this package
	}
}

func list[T any](w *writer, vs []T, depth int, write func(T, int)) {
	w.out = append(w.out, '[')
	for i, v := range vs {
		if i > 0 {
			w.between()
		}
		w.line(depth)
		write(v, depth+1)
	}
	if len(vs) > 0 {
		w.line(depth - 1)
	}
	w.out = append(w.out, ']')
}

// text writes a string as encoding/json does.
func (w *writer) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			p, _ := json.Marshal(s) // a string always can be
			w.out = append(w.out, p...)
			return
		}
	}
	w.out = append(append(append(w.out, '"'), s...), '"')
}
