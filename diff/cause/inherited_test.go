package cause

import (
	"strings"
	"testing"

	"github.com/stagescope/stagescope/diff"
)

// TestOtherInputs: other inputs are said where something is not explained, and never
// explain it.
func TestOtherInputs(t *testing.T) {
	one, two := Input{"core-gcc", "sha256:11"}, Input{"core-gcc", "sha256:22"}
	libc := Input{"core-musl", "sha256:33"}
	for what, tc := range map[string]struct {
		a, b        []Input
		textA       string
		textB       string
		want        string
		unexplained bool
	}{
		"another compiler":            {[]Input{libc, one}, []Input{libc, two}, "allow no\n", "allow yes\n", "core-gcc sha256:11 | core-gcc sha256:22", true},
		"an input more":               {[]Input{libc}, []Input{libc, two}, "allow no\n", "allow yes\n", "none that the other side has not | core-gcc sha256:22", true},
		"the same inputs":             {[]Input{libc, one}, []Input{libc, one}, "allow no\n", "allow yes\n", "", true},
		"nothing recorded of B":       {[]Input{libc, one}, nil, "allow no\n", "allow yes\n", "", true},
		"all is explained without it": {[]Input{one}, []Input{two}, "at 2026-03-04T10:11:12Z\n", "at 2026-03-05T09:08:07Z\n", "", false},
	} {
		n := knownPair(t, Known{A: Environment{Inputs: tc.a}, B: Environment{Inputs: tc.b}}, tc.textA, tc.textB)
		got := ""
		for _, r := range n.Reasons {
			if r.Cause != nil && r.Cause.ID == "D5a" {
				got = r.A + " | " + r.B
				if r.Cause.Confidence != diff.Likely {
					t.Errorf("%s: it is %s", what, r.Cause.Confidence)
				}
			}
		}
		if got != tc.want || (n.Residue != diff.ResidueNone) != tc.unexplained {
			t.Errorf("%s: %q, residue %s", what, got, n.Residue)
		}
	}
	var many []Input
	for range maxInputs + 3 {
		many = append(many, one)
	}
	if s := inputsText(many); !strings.HasSuffix(s, "and 3 more") {
		t.Error(s)
	}
}
