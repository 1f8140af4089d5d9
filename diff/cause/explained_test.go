package cause

import (
	"testing"

	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/executable"
)

// TestExplainedUse: what is said of bytes beside their cause keeps nothing open once
// all of them are explained, and only then. So it was with the strings of debug
// information that a longer path puts into another order.
func TestExplainedUse(t *testing.T) {
	for _, field := range []string{executable.FieldStrings, executable.FieldUsed} {
		for _, open := range []bool{false, true} {
			r := []diff.Range{{Off: 3, Len: 5}}
			n := &diff.Node{Status: diff.Differs, Kind: diff.KindBinary, RangesA: r, RangesB: r, Reasons: []diff.Reason{
				{Field: field, A: "/b/tree", B: "/b/longer"},
				{Field: "content", Cause: &diff.Cause{ID: "D2a", Confidence: diff.Proved}},
			}}
			if open {
				n.UnexplainedA, n.UnexplainedB = r, r
			}
			explainedUse(n)
			n.Settle()
			if (n.Residue == diff.ResidueNone) == open {
				t.Errorf("%s, bytes left %v: residue %s", field, open, n.Residue)
			}
		}
	}
}
