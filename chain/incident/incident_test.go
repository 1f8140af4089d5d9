package incident

import (
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestExpand(t *testing.T) {
	facts := map[string]string{"a": "1", "b:c.d": "two", "x/y": "{a}"}
	for _, tc := range []struct {
		text, want string
		missing    []string
	}{
		{"", "", nil},
		{"plain", "plain", nil},
		{"{a} and {b:c.d}", "1 and two", nil},
		{"{x/y}", "{a}", nil}, // a value is no text to expand
		{"{{cc}} -o {{out}} {a}", "{cc} -o {out} 1", nil},
		{"{none}{a}", "1", []string{"none"}},
		{"open { brace", "open { brace", nil},
		{"{{open", "{{open", nil},
	} {
		got, missing := Expand(tc.text, facts)
		if got != tc.want || !cmp.Equal(tc.missing, missing) {
			t.Errorf("%q: %q, missing %q", tc.text, got, missing)
		}
	}
}

// TestIncidentsAreTold: each fits on a small screen and in five minutes, and
// leaves nobody without a command to see the same.
func TestIncidentsAreTold(t *testing.T) {
	seen := map[string]bool{}
	for _, i := range All() {
		if seen[i.Name] || i.Title == "" || i.Teaches == "" || len(i.Parties) < 2 {
			t.Errorf("%q: twice, or not complete", i.Name)
		}
		seen[i.Name] = true
		if len(i.Steps) < 3 || len(i.Steps) > 12 {
			t.Errorf("%s: %d steps", i.Name, len(i.Steps))
		}
		for n, s := range i.Steps {
			// Three rows of 76 columns, with digests of twelve digits in them.
			said, _ := Expand(s.Say, facts12(s.Say))
			if l := utf8.RuneCountInString(said); l > 3*76 || said == "" {
				t.Errorf("%s, step %d: %d characters: %s", i.Name, n+1, l, said)
			}
			if len(s.Command) == 0 || len(s.Prints) == 0 {
				t.Errorf("%s, step %d: no command that shows it", i.Name, n+1)
			}
			if s.Screen.Kind == CompareScreen && (s.Screen.A == "" || s.Screen.B == "") || s.Screen.Kind == "" {
				t.Errorf("%s, step %d: screen %+v", i.Name, n+1, s.Screen)
			}
		}
	}
	if _, err := Find("none"); err == nil || !strings.Contains(err.Error(), "thompson") {
		t.Errorf("error %v", err)
	}
}

// facts12 gives each fact of a text twelve characters.
func facts12(text string) map[string]string {
	_, names := Expand(text, nil)
	out := map[string]string{}
	for _, n := range names {
		out[n] = "0123456789ab"
	}
	return out
}

// TestFiles: what incidents are made of is all found, as their version depends on
// it.
func TestFiles(t *testing.T) {
	n := map[string]int{}
	err := fs.WalkDir(Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			top, _, _ := strings.Cut(name, "/")
			n[top]++
		}
		return err
	})
	if err != nil || n["tree"] < 10 || n["upstream"] < 5 {
		t.Errorf("%v, error %v", n, err)
	}
}
