package structured

import (
	"bytes"
	"fmt"

	"github.com/stagescope/stagescope/diff"
)

// laidOut says that blank pieces differ. It is explained when both sides are
// what a known style makes of their values, or when only line ends differ.
func (c *comparison) laidOut() {
	if len(c.layout[0])+len(c.layout[1]) == 0 {
		return
	}
	r := diff.Reason{Field: "layout", Cause: &diff.Cause{ID: "D5b", Name: "layout: white space between the values", Confidence: diff.Likely, Fix: "pin what writes the file, and its settings"}}
	styles := [2]string{}
	for i, d := range c.docs {
		if d.styles != nil {
			styles[i] = d.styles(d)
		}
	}
	switch {
	case c.ends:
		r.Cause.ID, r.Cause.Name, r.Cause.Confidence, r.Cause.Fix = "D6b", "line ends", diff.Proved, "write one kind of line end"
		r.Cause.Evidence = "what differs in layout is equal once \\r\\n is \\n"
		r.A, r.B = fmt.Sprintf("%d places", len(c.layout[0])), "the same with other line ends"
	case styles[0] != "" && styles[1] != "":
		r.A, r.B = styles[0], styles[1]
		r.Cause.Confidence, r.Cause.Evidence = diff.Proved, "writing the values again in these styles gives exactly these bytes"
	default:
		r.A, r.B = fmt.Sprintf("%d places", len(c.layout[0])), fmt.Sprintf("%d places", len(c.layout[1]))
		r.Cause.Evidence = "the values are the same; no known style makes these bytes of them"
		c.n.UnexplainedA = append(c.n.UnexplainedA, c.layout[0]...)
		c.n.UnexplainedB = append(c.n.UnexplainedB, c.layout[1]...)
	}
	c.n.Reasons = append(c.n.Reasons, r)
}

// blank reports whether bytes are white space and the marks between values,
// which the parser has seen to be where they must be.
func blank(p []byte) bool { return len(bytes.Trim(p, " \t\r\n,:=-?")) == 0 }

// blanks notes a pair of blank pieces that differ.
func (c *comparison) blanks(a, b diff.Range) {
	ta, tb := c.docs[0].bytes(a), c.docs[1].bytes(b)
	c.ends = c.ends && bytes.Equal(bytes.ReplaceAll(ta, []byte("\r\n"), []byte("\n")), bytes.ReplaceAll(tb, []byte("\r\n"), []byte("\n")))
	if a.Len > 0 {
		c.layout[0] = append(c.layout[0], a)
	}
	if b.Len > 0 {
		c.layout[1] = append(c.layout[1], b)
	}
}

// gaps compares what stands between kids. A kid that only one side has brings a
// gap of its own, which says nothing when it is like the others.
func (c *comparison) gaps(a, b *value, pairs [][2]int) {
	if len(a.gaps) == len(b.gaps) {
		for i := range a.gaps {
			if !bytes.Equal(c.docs[0].bytes(a.gaps[i]), c.docs[1].bytes(b.gaps[i])) {
				c.blanks(a.gaps[i], b.gaps[i])
			}
		}
		return
	}
	front, back := 0, 0
	at := func(i int) (string, string) {
		return string(c.docs[0].bytes(a.gaps[i])), string(c.docs[1].bytes(b.gaps[i]))
	}
	for most := min(len(a.gaps), len(b.gaps)); front < most; front++ {
		if ta, tb := at(front); ta != tb {
			break
		}
	}
	last := func(d *document, gs []diff.Range, back int) string { return string(d.bytes(gs[len(gs)-1-back])) }
	for back < min(len(a.gaps), len(b.gaps))-front && last(c.docs[0], a.gaps, back) == last(c.docs[1], b.gaps, back) {
		back++
	}
	ga, gb := a.gaps[front:len(a.gaps)-back], b.gaps[front:len(b.gaps)-back]
	onlyA, onlyB := 0, 0
	for _, p := range pairs {
		if p[1] < 0 {
			onlyA++
		} else if p[0] < 0 {
			onlyB++
		}
	}
	if len(ga) == 0 && len(gb) <= onlyB && c.docs[1].usual(gb, b.gaps[:front], b.gaps[len(b.gaps)-back:]) || len(gb) == 0 && len(ga) <= onlyA && c.docs[0].usual(ga, a.gaps[:front], a.gaps[len(a.gaps)-back:]) {
		return
	}
	for i := range max(len(ga), len(gb)) {
		var ra, rb diff.Range
		if i < len(ga) {
			ra = ga[i]
		}
		if i < len(gb) {
			rb = gb[i]
		}
		c.blanks(ra, rb)
	}
}

// usual reports whether gaps that one side has more are like others around them,
// so that they follow from the kids that it has more.
func (d *document) usual(gaps, before, after []diff.Range) bool {
	known := map[string]bool{}
	for _, g := range append(append([]diff.Range{}, before...), after...) {
		known[string(d.bytes(g))] = true
	}
	for _, g := range gaps {
		if len(known) > 0 && !known[string(d.bytes(g))] {
			return false
		}
	}
	return true
}
