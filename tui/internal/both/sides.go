package both

import "github.com/stagescope/stagescope/diff"

// Pair is a row of a side-by-side view: a line of each side, nil where the side
// has none there. A fold is on both.
type Pair struct{ A, B *Line }

// Changed reports a row whose sides are not equal.
func (p Pair) Changed() bool {
	return p.A == nil || p.B == nil || p.A.Changed() || p.B.Changed()
}

// Sides puts what was taken out beside what was put in in its place.
func Sides(ls []Line) []Pair {
	var out []Pair
	for i := 0; i < len(ls); {
		if !ls[i].Changed() {
			out = append(out, Pair{&ls[i], &ls[i]})
			i++
			continue
		}
		var a, b []*Line
		for ; i < len(ls) && ls[i].Changed(); i++ {
			if ls[i].Op == diff.InA {
				if len(b) > 0 {
					break // the next change begins
				}
				a = append(a, &ls[i])
			} else {
				b = append(b, &ls[i])
			}
		}
		for k := range max(len(a), len(b)) {
			var p Pair
			if k < len(a) {
				p.A = a[k]
			}
			if k < len(b) {
				p.B = b[k]
			}
			out = append(out, p)
		}
	}
	return out
}

// Mates gives for each line what stands in its place on the other side; nil where
// nothing does, or both sides have the line.
func Mates(ls []Line) []*Line {
	out := make([]*Line, len(ls))
	for i := 0; i < len(ls); {
		a := i
		for i < len(ls) && ls[i].Op == diff.InA {
			i++
		}
		b := i
		for i < len(ls) && ls[i].Op == diff.InB {
			i++
		}
		for k := range min(b-a, i-b) {
			out[a+k], out[b+k] = &ls[b+k], &ls[a+k]
		}
		if i == a {
			i++
		}
	}
	return out
}
