package render

import (
	"fmt"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
	"github.com/stagescope/stagescope/diff/expect"
)

// summarize is Summarize with what is permitted.
func (o Options) summarize(root *diff.Node) Summary {
	s := Summarize(root, o.Complete)
	if o.Expected != nil {
		s.Expected = o.Expected.Expected
	}
	return s
}

// permitted says who permits a difference, and why.
func permitted(p *expect.Permit) string {
	return fmt.Sprintf("expected until %s by %s: %s", p.LastDay(), safe.Line(p.Owner), safe.Line(p.Reason))
}

// permits says what came of a file of permits: how many differences it covers,
// and which of its entries say nothing any more.
func (o Options) permits() []string {
	e := o.Expected
	if e == nil {
		return nil
	}
	out := []string{fmt.Sprintf("expected by %s: %s of %s", safe.Line(e.File.Name), number(e.Expected), plural(e.Expected+e.Unexpected, "difference"))}
	for _, p := range e.Expired {
		out = append(out, fmt.Sprintf("  entry %d (%s) expired after %s and permits nothing: ask %s", p.Number, safe.Line(p.Path), p.LastDay(), safe.Line(p.Owner)))
	}
	for _, p := range e.Unused {
		out = append(out, fmt.Sprintf("  entry %d (%s) covers no difference: it can go", p.Number, safe.Line(p.Path)))
	}
	return out
}
