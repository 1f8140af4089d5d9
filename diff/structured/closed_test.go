package structured

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// long is a JSON document of many small parts.
func long(n, changed int, comma string) string {
	var b strings.Builder
	b.WriteString("[")
	for i := range n {
		v := i
		if i == changed {
			v = -1
		}
		if i > 0 {
			b.WriteString(comma)
		}
		fmt.Fprintf(&b, `{"n":%d,"in":{"list":[1,2,{"deep":%d}],"k":"v"}}`, i, v)
	}
	b.WriteString("]\n")
	return b.String()
}

// TestClosed: small parts are given back when they have been read, and what
// differs in one is found by its path all the same, also where it is laid out
// otherwise or has a key twice.
func TestClosed(t *testing.T) {
	const n = 60_000 // values: 8 of each element
	d, err := parseJSON([]byte(long(n, -1, ",")))
	if err != nil {
		t.Fatal(err)
	}
	if d.n > n+10 || !d.shut {
		t.Errorf("%d values are held of %d elements", d.n, n)
	}
	pair := func(a, b string) *diff.Node {
		x := diff.NewExaminer(diff.Options{TempDir: t.TempDir()})
		in := func(s string) *diff.Input {
			return &diff.Input{ReaderAt: strings.NewReader(s), Name: "f.json", Size: int64(len(s))}
		}
		n, err := x.Pair(t.Context(), "", "f.json", in(a), in(b))
		if err != nil {
			t.Fatal(err)
		}
		n.Settle()
		return n
	}
	got := pair(long(n, -1, ","), long(n, 50_000, ","))
	if got.Kind != KindJSON || len(got.Children) != 1 || got.Children[0].Name != "/50000/in/list/2/deep" || got.Residue != diff.ResidueKnown {
		t.Errorf("%s %s %d children %q %s", got.Kind, got.Residue, len(got.Children), got.Children[0].Name, got.Note)
	}
	got = pair(long(2000, -1, ","), long(2000, -1, ", "))
	if len(got.Reasons) != 1 || got.Reasons[0].Field != "layout" || got.Residue != diff.ResidueKnown {
		t.Errorf("%s %+v", got.Residue, got.Reasons)
	}
	twice := strings.Replace(long(10, -1, ","), `"k":"v"`, `"k":"v","k":"w"`, 1)
	if got = pair(long(10, -1, ","), twice); !strings.Contains(got.Note, `side B has the key "0/in/k" more than once`) && !strings.Contains(got.Note, `/0/in/k`) {
		t.Errorf("%q", got.Note)
	}
	spread := strings.NewReplacer(",", ",\n", "{", "{ ")
	if got = pair(long(10, -1, ","), spread.Replace(long(10, 3, ","))); got.Status != diff.Differs || len(got.Children) != 1 || got.Residue != diff.ResidueKnown {
		t.Errorf("%s %d children", got.Status, len(got.Children))
	}
}
