package cause

import (
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/executable"
)

// explainedUse lets what is said of the use of data, or of strings that one side has
// alone, follow from the bytes, where each of them that differs is explained: it is no
// difference of its own.
func explainedUse(n *diff.Node) {
	if len(n.RangesA)+len(n.RangesB) == 0 || len(n.UnexplainedA)+len(n.UnexplainedB) > 0 {
		return
	}
	for i := range n.Reasons {
		r := &n.Reasons[i]
		switch {
		case r.Cause != nil:
		case r.Field == executable.FieldUsed:
			r.Cause = &diff.Cause{ID: "derived", Name: "use of the data", Confidence: diff.Derived}
		case r.Field == executable.FieldStrings:
			r.Cause = &diff.Cause{ID: "derived", Name: "strings of the explained bytes", Confidence: diff.Derived}
		}
	}
}

// explainedStrings takes back what is suspicious of strings where a proof covers
// every byte that differs.
func explainedStrings(n *diff.Node) {
	if n.Kind != diff.KindCode && n.Residue == diff.ResidueNone && len(n.Reasons) > 0 {
		n.Clear(diff.SuspectString)
	}
}
