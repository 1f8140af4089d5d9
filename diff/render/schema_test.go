package render

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/expect"
)

// TestSchema holds what is written to the schema that is published, and the
// schema to the fields that there are.
func TestSchema(t *testing.T) {
	var s jsonschema.Schema
	if err := json.Unmarshal(Schema, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	valid := func(name string, p []byte, want bool) {
		t.Helper()
		var v any
		if err := json.Unmarshal(p, &v); err != nil {
			t.Fatal(err)
		}
		if err := r.Validate(v); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := expect.Parse("f", []byte("[[expect]]\npath='bin/**'\ncause='D7a'\nreason='r'\nowner='o'\nuntil=2999-01-01\n"))
	if err != nil {
		t.Fatal(err)
	}
	root := sample()
	root.Children[0].Children[1].Suspect(diff.Suspicion{Kind: diff.SuspectPower, What: evil, A: &diff.Range{Off: 1, Len: 2}})
	root.Settle()
	for name, o := range map[string]Options{"whole": {Complete: true}, "stat": {Stat: true}, "only": {Only: []string{"conf"}},
		"fold": {Fold: []string{"B1"}}, "short": {MaxBytes: 10}, "expected": {Expected: f.Apply(root, time.Unix(0, 0))}} {
		var b bytes.Buffer
		if err := JSON(&b, root, o); err != nil {
			t.Fatal(err)
		}
		valid(name, b.Bytes(), true)
		if o.Expected != nil {
			if !strings.Contains(b.String(), `"expected":{"reason":"r"`) {
				t.Error("what is expected is not said")
			}
			valid("another status", bytes.Replace(b.Bytes(), []byte(`"status":"differs"`), []byte(`"status":"fine"`), 1), false)
		}
	}
	sameFields(t, reflect.TypeFor[document](), []*jsonschema.Schema{s.Defs["node"], &s}, "details", "leftOut")
	kinds := s.Defs["suspect"].Properties["kinds"].Items
	for def, of := range map[*jsonschema.Schema]reflect.Type{s.Defs["summary"]: reflect.TypeFor[Summary](), s.Defs["finding"]: reflect.TypeFor[Finding](),
		s.Defs["suspect"]: reflect.TypeFor[Suspect](), kinds: reflect.TypeFor[KindTally](), s.Defs["suspicion"]: reflect.TypeFor[diff.Suspicion]()} {
		sameFields(t, of, []*jsonschema.Schema{def})
	}
}

// sameFields holds the fields that a type is written with to those of schemas.
func sameFields(t *testing.T, of reflect.Type, defs []*jsonschema.Schema, more ...string) {
	t.Helper()
	fields := more
	for f := range of.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			fields = append(fields, name)
		}
	}
	var known []string
	for _, d := range defs {
		known = slices.AppendSeq(known, maps.Keys(d.Properties))
	}
	slices.Sort(fields)
	slices.Sort(known)
	if !slices.Equal(fields, known) {
		t.Errorf("%s has the fields %v\nschema %v", of, fields, known)
	}
}
