package diff

import (
	"sort"
	"strings"
	"time"

	"github.com/sergi/go-diff/diffmatchpatch"
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

// lineTime bounds the search for the shortest difference of one stretch
// between two common lines. When it is over the result is still right, only
// longer.
const lineTime = 2 * time.Second

// Lines puts the lines of two texts into one order. Lines that both sides have
// exactly once, in the same order, are found first; the library sees only what
// lies between them.
func Lines(a, b string) []Line {
	la, lb := splitLines(a), splitLines(b)
	var out []Line
	pa, pb := 0, 0
	for _, p := range append(anchors(la, lb), [2]int{len(la), len(lb)}) {
		if p[0] < pa || p[1] < pb {
			continue
		}
		out = between(out, la[pa:p[0]], lb[pb:p[1]], pa, pb)
		if p[0] < len(la) {
			out = append(out, Line{Op: InBoth, A: p[0] + 1, B: p[1] + 1, Text: la[p[0]]})
		}
		pa, pb = p[0]+1, p[1]+1
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

// anchors are pairs of lines that occur once on each side, increasing on both.
func anchors(a, b []string) [][2]int {
	type seen struct{ na, nb, ia, ib int }
	at := make(map[string]*seen, len(a))
	for i, l := range a {
		s := at[l]
		if s == nil {
			s = &seen{}
			at[l] = s
		}
		s.na, s.ia = s.na+1, i
	}
	var ss []stretch
	for j, l := range b {
		if s := at[l]; s != nil {
			s.nb, s.ib = s.nb+1, j
		}
	}
	for _, s := range at {
		if s.na == 1 && s.nb == 1 {
			ss = append(ss, stretch{s.ia, s.ib, 1})
		}
	}
	sort.Slice(ss, func(i, j int) bool { return ss[i].b < ss[j].b })
	var out [][2]int
	for _, s := range Rising(ss, stretch.inA) {
		out = append(out, [2]int{s.a, s.b})
	}
	return out
}

// between appends the lines of a stretch without anchors. A stretch of more
// lines than there are runes is taken as removed and put in.
func between(out []Line, a, b []string, na, nb int) []Line {
	take := func(op Op, text string) {
		l := Line{Op: op, Text: text}
		if op != InB {
			na++
			l.A = na
		}
		if op != InA {
			nb++
			l.B = nb
		}
		out = append(out, l)
	}
	if len(a) == 0 || len(b) == 0 || len(a)+len(b) > maxLines {
		for _, l := range a {
			take(InA, l)
		}
		for _, l := range b {
			take(InB, l)
		}
		return out
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = lineTime
	ra, rb, table := lineRunes(a, b)
	for _, d := range dmp.DiffMainRunes(ra, rb, false) {
		op := InBoth
		switch d.Type {
		case diffmatchpatch.DiffDelete:
			op = InA
		case diffmatchpatch.DiffInsert:
			op = InB
		}
		for _, r := range d.Text {
			take(op, table[lineOf(r)])
		}
	}
	return out
}

// lineRunes gives each distinct line a rune, leaving out the surrogates, which
// no string can hold. There are never more than maxLines of them.
func lineRunes(a, b []string) (ra, rb []rune, table []string) {
	known := map[string]rune{}
	code := func(ls []string) []rune {
		rs := make([]rune, 0, len(ls))
		for _, l := range ls {
			r, ok := known[l]
			if !ok {
				r = runeOf(len(table))
				known[l] = r
				table = append(table, l)
			}
			rs = append(rs, r)
		}
		return rs
	}
	ra = code(a)
	rb = code(b)
	return ra, rb, table
}

const (
	firstRune  = 1
	surrogates = 0xD800
	nSurrogate = 0x800
	maxLines   = 0x10FFFF - nSurrogate - firstRune
)

func runeOf(i int) rune {
	r := rune(i) + firstRune
	if r >= surrogates {
		r += nSurrogate
	}
	return r
}

func lineOf(r rune) int {
	if r >= surrogates {
		r -= nSurrogate
	}
	return int(r) - firstRune
}
