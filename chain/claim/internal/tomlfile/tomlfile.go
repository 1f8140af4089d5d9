// Package tomlfile reads a small TOML file strictly and knows the line of every
// key, so that each complaint about what was read says where it stands.
//
// It knows nothing of what the keys mean.
package tomlfile

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// MaxBytes bounds a file.
const MaxBytes = 4 << 20

// Error is something wrong at a line of a file; line 0 is the whole file.
type Error struct {
	File string
	Line int
	Text string
}

func (e *Error) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
	}
	return e.File + ": " + e.Text
}

// File knows where the keys of one file stand.
type File struct {
	name  string
	lines map[string]int
}

// Decode reads data into a struct. A key that the struct does not have is an
// error, as is every other fault; all are *Error.
func Decode(name string, data []byte, into any) (*File, error) {
	f := &File{name: name, lines: map[string]int{}}
	if len(data) > MaxBytes {
		return nil, &Error{name, 0, fmt.Sprintf("it has %d bytes, more than %d", len(data), MaxBytes)}
	}
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(into); err != nil {
		return nil, f.decodeError(err)
	}
	if err := f.locate(data); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) decodeError(err error) error {
	var missing *toml.StrictMissingError
	if errors.As(err, &missing) && len(missing.Errors) > 0 {
		first := &missing.Errors[0]
		row, _ := first.Position()
		return &Error{f.name, row, fmt.Sprintf("unknown key %q", strings.Join(first.Key(), "."))}
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		row, _ := decode.Position()
		return &Error{f.name, row, strings.TrimPrefix(decode.Error(), "toml: ")}
	}
	return &Error{f.name, 0, strings.TrimPrefix(err.Error(), "toml: ")}
}

// Errorf is an error at the line of a key. The path is made of key names and,
// for elements of an array of tables, of indexes: "party", 2, "kind". A path
// that was not written leads to the nearest part of it that was.
func (f *File) Errorf(path []any, format string, args ...any) error {
	return &Error{f.name, f.Line(path...), fmt.Sprintf(format, args...)}
}

// Line is the line of a key, as for Errorf; 0 when no part of it was written.
func (f *File) Line(path ...any) int {
	for n := len(path); n > 0; n-- {
		if line, ok := f.lines[join(path[:n])]; ok {
			return line
		}
	}
	return 0
}

func join(path []any) string {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = fmt.Sprint(p)
	}
	return strings.Join(parts, "\x00")
}

// locate records the line of every key and table.
func (f *File) locate(data []byte) error {
	var parser unstable.Parser
	parser.Reset(data)
	var ends []int // offsets of the line ends: the parser's own count begins anew each time
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, i)
		}
	}
	counts := map[string]int{} // of array tables so far
	var table []string
	for parser.NextExpression() {
		e := parser.Expression()
		if e.Kind != unstable.Table && e.Kind != unstable.ArrayTable && e.Kind != unstable.KeyValue {
			continue
		}
		line := 0
		var key []string
		for it := e.Key(); it.Next(); {
			n := it.Node()
			if line == 0 && n.Raw.Length > 0 {
				line = 1 + sort.SearchInts(ends, int(n.Raw.Offset))
			}
			key = append(key, string(n.Data))
		}
		if e.Kind == unstable.KeyValue {
			f.note(append(table[:len(table):len(table)], key...), line)
			continue
		}
		table = indexed(key, counts, e.Kind == unstable.ArrayTable)
		f.note(table, line)
	}
	if err := parser.Error(); err != nil {
		return &Error{f.name, 0, err.Error()}
	}
	return nil
}

// indexed puts the index of the present element behind each part of a table's
// name that is an array of tables.
func indexed(key []string, counts map[string]int, array bool) []string {
	var path []string
	for i, k := range key {
		path = append(path, k)
		name := strings.Join(path, "\x00")
		last := i == len(key)-1
		if last && array {
			counts[name]++
		}
		if n := counts[name]; n > 0 {
			path = append(path, strconv.Itoa(n-1))
		}
	}
	return path
}

func (f *File) note(path []string, line int) {
	for i := range path {
		k := strings.Join(path[:i+1], "\x00")
		if _, ok := f.lines[k]; !ok {
			f.lines[k] = line
		}
	}
}
