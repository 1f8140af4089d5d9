package archive

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// objects is an archive of two members with a table of symbols as ar writes it; leads
// gives, for each symbol, which member it is in.
func objects(bodies [2]string, names [2]string, leads [2]int, rest string) []byte {
	table := make([]byte, 12)
	binary.BigEndian.PutUint32(table, 2)
	text := names[0] + "\x00" + names[1] + "\x00" + rest
	build := func() []byte {
		return ar(file{"/", string(table) + text, "0"}, file{"one.o/", bodies[0], "0"}, file{"two.o/", bodies[1], "0"})
	}
	p := string(build())
	at := [2]int{strings.Index(p, "one.o/"), strings.Index(p, "two.o/")}
	for i, k := range leads {
		binary.BigEndian.PutUint32(table[4+4*i:], uint32(at[k]))
	}
	return build()
}

// TestTableOfSymbols: a table of symbols follows from the members as long as it leads
// to the same ones.
func TestTableOfSymbols(t *testing.T) {
	bodies, longer := [2]string{"short", "the second"}, [2]string{"much longer than it was", "the second"}
	names := [2]string{"check", "run"}
	a := objects(bodies, names, [2]int{0, 1}, "")
	table := func(b []byte) *diff.Node {
		t.Helper()
		for _, k := range pair(t, a, b).Children {
			if k.Name == "/" {
				return k
			}
		}
		t.Fatal("the table does not differ")
		return nil
	}
	if n := table(objects(longer, names, [2]int{0, 1}, "")); n.Residue != diff.ResidueNone || len(n.Reasons) == 0 || n.Reasons[len(n.Reasons)-1].Cause.ID != "D5h" {
		t.Errorf("places of members: %s", sketch(n))
	}
	off := objects(longer, names, [2]int{0, 1}, "")
	at := strings.Index(string(off), "check") - 8
	off[at+3] += 4
	for what, b := range map[string][]byte{
		"a symbol of another member": objects(longer, names, [2]int{1, 1}, ""),
		"symbols of one another's":   objects(longer, names, [2]int{1, 0}, ""),
		"another symbol":             objects(longer, [2]string{"check", "ran"}, [2]int{0, 1}, ""),
		"bytes after the names":      objects(longer, names, [2]int{0, 1}, "evil"),
		"a place within a member":    off,
	} {
		if n := table(b); n.Residue == diff.ResidueNone {
			t.Errorf("%s: explained: %s", what, sketch(n))
		}
	}
}
