package diff

import (
	"context"
	"strings"
)

// Op says which side has a line.
type Op int

// The sides of a line.
const (
	InBoth Op = iota
	InA
	InB
	Fold // stands for lines that both sides have
)

// Line is a line of a unified view.
type Line struct {
	Op   Op
	A, B int    // its number on each side, 1-based; 0 where it is not there
	Text string // as stored, with its line end; hostile text
}

// Changed reports a line that only one side has.
func (l Line) Changed() bool { return l.Op == InA || l.Op == InB }

// Lines puts the lines of two texts into one order: the lines of a shortest
// difference, for as long as finding it takes no more than a counted number of
// steps; a longer one, and no less right, beyond. It depends on nothing but the
// texts.
func Lines(a, b string) []Line {
	d, err := AlignLines(context.Background(), textInput("A", a), textInput("B", b))
	if err != nil { // more lines than are aligned
		return allChanged(a, b)
	}
	var out []Line
	for c := range d.Stretches() {
		for i := c.A0; i < c.A1; i++ {
			l := Line{Op: InA, A: i + 1, Text: d.A.of(a, i)}
			if c.Equal {
				l.Op, l.B = InBoth, c.B0+i-c.A0+1
			}
			out = append(out, l)
		}
		for j := c.B0; j < c.B1 && !c.Equal; j++ {
			out = append(out, Line{Op: InB, B: j + 1, Text: d.B.of(b, j)})
		}
	}
	return out
}

// allChanged takes all of both texts as changed.
func allChanged(a, b string) []Line {
	var out []Line
	for i, l := range splitLines(a) {
		out = append(out, Line{Op: InA, A: i + 1, Text: l})
	}
	for i, l := range splitLines(b) {
		out = append(out, Line{Op: InB, B: i + 1, Text: l})
	}
	return out
}

func splitLines(s string) []string {
	ls := strings.SplitAfter(s, "\n")
	if ls[len(ls)-1] == "" {
		ls = ls[:len(ls)-1]
	}
	return ls
}
