package expect

import (
	"strings"
	"testing"
	"time"

	"github.com/stagescope/stagescope/diff"
)

const sound = `
[[expect]]
path = "usr/share/doc/**"
reason = "dated manuals"
owner = "alice"
until = 2027-01-31

[[expect]]
path = "**"
cause = "B1"
reason = "times are not rewritten"
owner = "bob"
until = 2027-01-31

[[expect]]
path = "opt/**"
reason = "nothing is there"
owner = "bob"
until = 2027-01-31

[[expect]]
path = "bin/**"
reason = "the old build"
owner = "carol"
until = 2026-01-31
`

func entry(name string, causes ...string) *diff.Node {
	n := &diff.Node{Kind: diff.KindEntry, Name: name, Status: diff.Differs}
	for _, c := range causes {
		n.Reasons = append(n.Reasons, diff.Reason{Field: "f", A: "1", B: "2", Cause: &diff.Cause{ID: c, Confidence: diff.Likely}})
	}
	return n
}

func TestApply(t *testing.T) {
	f, err := Parse("expect.toml", []byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	manual, dated, both, program, setid := entry("usr/share/doc/man"), entry("etc/a", "B1"), entry("etc/b", "B1", "B4"), entry("bin/sh"), entry("usr/share/doc/su", "D7a")
	inside := entry("member")
	archive := &diff.Node{Kind: "zip", Name: "usr/share/doc/x.zip", Status: diff.Differs, Children: []*diff.Node{inside}}
	root := &diff.Node{Kind: diff.KindLayer, Name: "layer 1", Status: diff.Differs, Children: []*diff.Node{
		manual, {Kind: diff.KindGroup, Name: "group", Children: []*diff.Node{dated}}, both, program, setid, archive,
		{Kind: diff.KindEntry, Name: "same", Status: diff.Same}, {Kind: diff.KindEntry, Name: "unread", Status: diff.Unreadable}}}
	o := f.Apply(root, time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC))
	for n, want := range map[*diff.Node]int{manual: 1, dated: 2, inside: 1, both: 0, program: 0, setid: 0} {
		got := 0
		if p := o.Of(n); p != nil {
			got = p.Number
		}
		if got != want {
			t.Errorf("%s: permit %d, want %d", n.Name, got, want)
		}
	}
	if o.Expected != 3 || o.Unexpected != 3 || o.All() || len(o.Expired) != 1 || len(o.Unused) != 1 || o.Unused[0].Path != "opt/**" || o.Expired[0].LastDay() != "2026-01-31" {
		t.Errorf("%+v", o)
	}
	if o := f.Apply(root, time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)); o.Expected != 0 || len(o.Expired) != 4 {
		t.Errorf("a permit counts after its last day: %+v", o)
	}
	if f.Apply(&diff.Node{Status: diff.Same}, time.Time{}).All() {
		t.Error("nothing is all expected")
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"[[expect]]\npath = 'a'\nowner = 'o'\nuntil = 2027-01-31":                                  "no reason",
		"[[expect]]\npath = 'a'\nreason = 'r'\nuntil = 2027-01-31":                                 "no owner",
		"[[expect]]\npath = 'a'\nreason = 'r'\nowner = 'o'":                                        "no last day",
		"[[expect]]\nreason = 'r'\nowner = 'o'\nuntil = 2027-01-31":                                "no path",
		"[[expect]]\npath = '['\nreason = 'r'\nowner = 'o'\nuntil = 2027-01-31":                    "glob",
		"[[expect]]\npaths = 'a'\n":                                                                `line 2: the key "expect.paths" is not known`,
		"[[expect]]\npath = \n":                                                                    "line 2",
		"[[expect]]\npath = 'a'\nreason = 'r'\nowner = 'o'\nuntil = 'soon'":                        "line 5",
		"[[expect]]\npath = 'a'\nreason = 'r'\nowner = 'o'\nuntil = 2027-01-31\n" + "[[expect]]\n": "entry 2",
		strings.Repeat("#", MaxSize+1):                                                             "more than",
	} {
		if _, err := Parse("f", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}

// FuzzParse gives the reader anything.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Parse("f", data)
		if err != nil {
			return
		}
		for _, p := range got.Permits {
			if p.Reason == "" || p.Owner == "" || p.Until.IsZero() || p.Path == "" {
				t.Fatalf("nobody answers for %+v", p)
			}
		}
	})
}
