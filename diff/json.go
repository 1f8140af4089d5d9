package diff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// JSONReasons compares two JSON documents by structure. Fields are JSON
// pointers (RFC 6901), values are compact JSON, "" where one side has none. When
// the structures are equal and the bytes are not, the one reason says so.
func JSONReasons(a, b []byte) ([]Reason, error) {
	if bytes.Equal(a, b) {
		return nil, nil
	}
	va, err := parseJSON(a)
	if err != nil {
		return nil, fmt.Errorf("side A: %w", err)
	}
	vb, err := parseJSON(b)
	if err != nil {
		return nil, fmt.Errorf("side B: %w", err)
	}
	var rs []Reason
	jsonValues(&rs, "", va, vb)
	if oa, ob := ambiguous(a), ambiguous(b); oa+ob != "" {
		// Where both have it, the values do not show whether it is the same.
		rs = append(rs, Reason{Field: "what another reader may read otherwise", A: oa, B: ob})
	} else if len(rs) == 0 {
		rs = []Reason{{Field: "encoding of the JSON", A: fmt.Sprintf("%d bytes", len(a)), B: fmt.Sprintf("%d bytes", len(b))}}
	}
	return rs, nil
}

// ambiguous says what of a document readers of JSON do not agree about: a key
// that comes twice, or text that is not UTF-8 (RFC 8259, sections 4 and 8); ""
// for nothing.
func ambiguous(p []byte) string {
	d := jsontext.NewDecoder(bytes.NewReader(p))
	for {
		switch _, err := d.ReadToken(); {
		case err == io.EOF:
			return ""
		case err != nil:
			return err.Error()
		}
	}
}

func parseJSON(p []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(p))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is more after the JSON value")
	}
	return v, nil
}

func jsonValues(rs *[]Reason, at string, a, b any) {
	switch ta := a.(type) {
	case map[string]any:
		if tb, ok := b.(map[string]any); ok {
			jsonObjects(rs, at, ta, tb)
			return
		}
	case []any:
		if tb, ok := b.([]any); ok {
			jsonArrays(rs, at, ta, tb)
			return
		}
	}
	if ca, cb := compact(a), compact(b); ca != cb {
		*rs = append(*rs, Reason{Field: pointer(at), A: ca, B: cb})
	}
}

func pointer(at string) string {
	if at == "" {
		return "/"
	}
	return at
}

func jsonObjects(rs *[]Reason, at string, a, b map[string]any) {
	keys := slices.Sorted(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		p := at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(k)
		va, inA := a[k]
		vb, inB := b[k]
		switch {
		case !inA:
			*rs = append(*rs, Reason{Field: p, B: compact(vb)})
		case !inB:
			*rs = append(*rs, Reason{Field: p, A: compact(va)})
		default:
			jsonValues(rs, p, va, vb)
		}
	}
}

// command reports an array that is one command of an image's config: its words
// mean something only together.
func command(at string) bool {
	switch at {
	case "/config/Entrypoint", "/config/Cmd", "/config/Shell", "/config/Healthcheck/Test":
		return true
	}
	return false
}

// jsonArrays pairs elements by position when there are as many, otherwise by
// what the arrays begin and end with.
func jsonArrays(rs *[]Reason, at string, a, b []any) {
	if command(at) {
		if ca, cb := compact(a), compact(b); ca != cb {
			*rs = append(*rs, Reason{Field: at, A: ca, B: cb})
		}
		return
	}
	if len(a) == len(b) {
		for i := range a {
			jsonValues(rs, at+"/"+strconv.Itoa(i), a[i], b[i])
		}
		return
	}
	front := 0
	for front < len(a) && front < len(b) && compact(a[front]) == compact(b[front]) {
		front++
	}
	back := 0
	for back < len(a)-front && back < len(b)-front && compact(a[len(a)-1-back]) == compact(b[len(b)-1-back]) {
		back++
	}
	for i := front; i < len(a)-back; i++ {
		*rs = append(*rs, Reason{Field: at + "/" + strconv.Itoa(i), A: compact(a[i])})
	}
	for i := front; i < len(b)-back; i++ {
		*rs = append(*rs, Reason{Field: at + "/" + strconv.Itoa(i), B: compact(b[i])})
	}
}

// compact writes a value the same way whatever its spelling was.
func compact(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
