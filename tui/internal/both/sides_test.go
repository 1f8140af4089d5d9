package both

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stagescope/stagescope/diff"
)

func TestSides(t *testing.T) {
	text := func(ps []Pair) (out [][2]string) {
		for _, p := range ps {
			var row [2]string
			if p.A != nil {
				row[0] = p.A.Text
			}
			if p.B != nil {
				row[1] = p.B.Text
			}
			out = append(out, row)
		}
		return out
	}
	line := func(op diff.Op, s string) Line { return Line{Op: op, Text: s} }
	in := []Line{line(diff.InBoth, "0"), line(diff.InA, "1"), line(diff.InA, "2"), line(diff.InB, "I"), line(diff.InBoth, "3"),
		line(diff.InB, "new"), line(diff.InA, "old"), line(diff.Fold, "⋯"), line(diff.InB, "end")}
	want := [][2]string{{"0", "0"}, {"1", "I"}, {"2", ""}, {"3", "3"}, {"", "new"}, {"old", ""}, {"⋯", "⋯"}, {"", "end"}}
	if d := cmp.Diff(want, text(Sides(in))); d != "" {
		t.Error(d)
	}
	for _, p := range Sides(in) {
		if p.Changed() == (p.A != nil && p.B != nil && p.A.Text == p.B.Text) {
			t.Errorf("%v: changed is %v", p, p.Changed())
		}
	}
}
