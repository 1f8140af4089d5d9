package structured

import (
	"math/big"
	"slices"
	"strings"
	"unicode"
)

// pairKids pairs the kids of two values, by their numbers, -1 where one has no
// counterpart; moved says that those of both come in another order.
func pairKids(a, b *value) (pairs [][2]int, moved bool) {
	if a.shape == object {
		return byKey(a.kids, b.kids, func(v *value) string { return v.name })
	}
	return elements(a.kids, b.kids)
}

// byKey pairs by a key; several of one key in their order.
func byKey(a, b []*value, key func(*value) string) (pairs [][2]int, moved bool) {
	at := map[string][]int{}
	for j, v := range b {
		at[key(v)] = append(at[key(v)], j)
	}
	met := make([]bool, len(b))
	last := -1
	for i, v := range a {
		js := at[key(v)]
		if len(js) == 0 {
			pairs = append(pairs, [2]int{i, -1})
			continue
		}
		at[key(v)] = js[1:]
		met[js[0]] = true
		moved = moved || js[0] < last
		last = max(last, js[0])
		pairs = append(pairs, [2]int{i, js[0]})
	}
	for j := range b {
		if !met[j] {
			pairs = append(pairs, [2]int{-1, j})
		}
	}
	return pairs, moved
}

// foldedAlike reports whether two keys of a value are one for readers that do not
// tell capitals from small letters, as Go's encoding/json does not: these take the
// last of them.
func foldedAlike(v *value) bool {
	seen := map[string]string{}
	for _, k := range v.kids {
		f := strings.Map(func(r rune) rune {
			least := r
			for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
				least = min(least, o)
			}
			return least
		}, k.name)
		if name, ok := seen[f]; ok && name != k.name {
			return true
		}
		seen[f] = k.name
	}
	return false
}

// maxTable bounds the table with which lists are aligned: larger ones are
// paired by position.
const maxTable = 1 << 22

// elements pairs the elements of lists: those that are equal at both ends, then
// those that have a name of their own, then a longest common sequence; what is
// left between two pairs is paired by position. Lists of the same elements in
// another order are paired by what they hold.
func elements(a, b []*value) (pairs [][2]int, moved bool) {
	if len(a) == len(b) && sameSums(a, b) {
		return byKey(a, b, func(v *value) string { return string(v.sum[:]) })
	}
	front := 0
	for front < len(a) && front < len(b) && a[front].sum == b[front].sum {
		pairs = append(pairs, [2]int{front, front})
		front++
	}
	back := 0
	for back < min(len(a), len(b))-front && a[len(a)-1-back].sum == b[len(b)-1-back].sum {
		back++
	}
	ma, mb := a[front:len(a)-back], b[front:len(b)-back]
	var middle [][2]int
	if names(ma) && names(mb) {
		middle, moved = byKey(ma, mb, nameOf)
	} else {
		middle = inSequence(ma, mb)
	}
	for _, p := range middle {
		for k := range p {
			if p[k] >= 0 {
				p[k] += front
			}
		}
		pairs = append(pairs, p)
	}
	for k := back; k > 0; k-- {
		pairs = append(pairs, [2]int{len(a) - k, len(b) - k})
	}
	return pairs, moved
}

func sameSums(a, b []*value) bool {
	n := map[[32]byte]int{}
	for i := range a {
		n[a[i].sum]++
		n[b[i].sum]--
	}
	for _, k := range n {
		if k != 0 {
			return false
		}
	}
	return true
}

// nameOf is what most formats call an element's name.
func nameOf(v *value) string {
	if v.closed != nil {
		return v.closed.name
	}
	for _, want := range []string{"name", "id"} {
		for _, k := range v.kids {
			if k.name == want && k.shape == scalar {
				return want + "=" + k.text
			}
			if k.name == "@" { // an element's attributes
				for _, k := range k.kids {
					if k.name == want {
						return want + "=" + k.text
					}
				}
			}
		}
	}
	return ""
}

// names reports whether all elements have names, no two the same.
func names(vs []*value) bool {
	seen := map[string]bool{}
	for _, v := range vs {
		n := nameOf(v)
		if n == "" || seen[n] {
			return false
		}
		seen[n] = true
	}
	return len(vs) > 0
}

// inSequence pairs along a longest common sequence.
func inSequence(a, b []*value) (pairs [][2]int) {
	i, j := 0, 0
	for _, p := range append(commonSequence(a, b), [2]int{len(a), len(b)}) {
		for ; i < p[0] && j < p[1]; i, j = i+1, j+1 {
			pairs = append(pairs, [2]int{i, j})
		}
		for ; i < p[0]; i++ {
			pairs = append(pairs, [2]int{i, -1})
		}
		for ; j < p[1]; j++ {
			pairs = append(pairs, [2]int{-1, j})
		}
		if p[0] < len(a) {
			pairs = append(pairs, p)
		}
		i, j = p[0]+1, p[1]+1
	}
	return pairs
}

func commonSequence(a, b []*value) (out [][2]int) {
	if len(a) == 0 || len(b) == 0 || len(a) > maxTable/len(b) {
		return nil
	}
	long := make([][]int32, len(a)+1)
	for i := range long {
		long[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i].sum == b[j].sum {
				long[i][j] = long[i+1][j+1] + 1
			} else {
				long[i][j] = max(long[i+1][j], long[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].sum == b[j].sum:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case long[i+1][j] >= long[i][j+1]:
			i++
		default:
			j++
		}
	}
	return slices.Clip(out)
}

// alike says what two scalars that differ share: their number.
func alike(a, b string) string {
	na, okA := strings.CutPrefix(a, numberTag)
	nb, okB := strings.CutPrefix(b, numberTag)
	if !okA || !okB {
		return ""
	}
	ra, okA := rational(na)
	rb, okB := rational(nb)
	if okA && okB && ra.Cmp(rb) == 0 {
		return "the same number, written otherwise"
	}
	return ""
}

// numberTag begins the text of a scalar that is a number.
const numberTag = "number "

// rational reads a number exactly, unless its exponent makes it huge.
func rational(s string) (*big.Rat, bool) {
	if len(s) > 1000 || strings.ContainsAny(s, "/pPxX_") {
		return nil, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(strings.TrimLeft(s[i+1:], "+-0")) > 3 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}
