package cause

import (
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// Input is an image that something was built from.
type Input struct {
	Name   string // of the stage, e.g. "core-gcc"
	Digest string // of its manifest
}

// inherited: D5a. What two builds were made from differs, and not everything that
// differs between them is explained otherwise. That it may come from there is all that
// can be said: the inputs are not read, so that nothing is explained by it.
func (c *classifier) inherited(root *diff.Node) {
	a, b := c.known.A.Inputs, c.known.B.Inputs
	if len(a) == 0 || len(b) == 0 {
		return // not recorded
	}
	onlyA, onlyB := otherInputs(a, b), otherInputs(b, a)
	if len(onlyA)+len(onlyB) == 0 {
		return
	}
	if root.Settle(); root.Status == diff.Same || root.Residue == diff.ResidueNone {
		return
	}
	root.Reasons = append(root.Reasons, diff.Reason{Field: "inputs of the build", A: inputsText(onlyA), B: inputsText(onlyB), Cause: &diff.Cause{ID: "D5a", Name: "other inputs", Confidence: diff.Likely,
		Evidence: fmt.Sprintf("A was built from %d images and B from %d, and not all of them are the same; what differs may come from there", len(a), len(b)),
		Fix:      "compare the inputs first; then build with the inputs of the other side"}})
}

// otherInputs are those of a that b does not have.
func otherInputs(a, b []Input) (out []Input) {
	in := map[Input]bool{}
	for _, i := range b {
		in[i] = true
	}
	for _, i := range a {
		if !in[i] {
			out = append(out, i)
		}
	}
	return out
}

// maxInputs is how many inputs are named.
const maxInputs = 8

func inputsText(list []Input) string {
	if len(list) == 0 {
		return "none that the other side has not"
	}
	var out []string
	for i, in := range list {
		if i == maxInputs {
			out = append(out, fmt.Sprintf("and %d more", len(list)-i))
			break
		}
		out = append(out, in.Name+" "+in.Digest)
	}
	return strings.Join(out, ", ")
}
