package diff

import (
	"sort"

	"github.com/stagescope/stagescope/chain"
)

// layerPair is two layers that are compared, by their index from 0; -1 where
// one side has none.
type layerPair struct {
	a, b int
	cut  int // of which cut they are, counted from 1; 0 of none
}

// pairLayers pairs layers that have one diff ID, in the same order on both
// sides; between such pairs by position. What then has no partner is paired
// with a layer of its own diff ID elsewhere, if there is one: it was moved.
func pairLayers(a, b []chain.Digest) []layerPair {
	var out []layerPair
	ia, ib := 0, 0
	for _, p := range append(commonRun(a, b), layerPair{a: len(a), b: len(b)}) {
		for ia < p.a && ib < p.b {
			out = append(out, layerPair{a: ia, b: ib})
			ia, ib = ia+1, ib+1
		}
		for ; ia < p.a; ia++ {
			out = append(out, layerPair{a: ia, b: -1})
		}
		for ; ib < p.b; ib++ {
			out = append(out, layerPair{a: -1, b: ib})
		}
		if p.a < len(a) {
			out = append(out, p)
		}
		ia, ib = p.a+1, p.b+1
	}
	return rejoin(out, a, b)
}

// commonRun is a longest common subsequence of two short lists.
func commonRun(a, b []chain.Digest) []layerPair {
	if len(a)*len(b) > 1<<22 {
		return nil // thousands of layers on both sides: position will do
	}
	long := make([][]int, len(a)+1)
	for i := range long {
		long[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				long[i][j] = long[i+1][j+1] + 1
			} else {
				long[i][j] = max(long[i+1][j], long[i][j+1])
			}
		}
	}
	var out []layerPair
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, layerPair{a: i, b: j})
			i, j = i+1, j+1
		case long[i+1][j] >= long[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

// rejoin pairs lonely layers, and pairs whose diff IDs differ, with the layer of
// the same diff ID on the other side, when that one's partner is another's.
func rejoin(ps []layerPair, a, b []chain.Digest) []layerPair {
	free := map[chain.Digest][]int{} // diff ID to B's layers that are not with their like
	for _, p := range ps {
		if p.b >= 0 && (p.a < 0 || a[p.a] != b[p.b]) {
			free[b[p.b]] = append(free[b[p.b]], p.b)
		}
	}
	var out []layerPair
	taken := map[int]bool{}
	for _, p := range ps {
		if p.a < 0 || p.b >= 0 && a[p.a] == b[p.b] {
			continue
		}
		if l := free[a[p.a]]; len(l) > 0 {
			free[a[p.a]] = l[1:]
			taken[p.a] = true
			taken[^l[0]] = true
			out = append(out, layerPair{a: p.a, b: l[0]})
		}
	}
	for _, p := range ps {
		switch {
		case p.a >= 0 && taken[p.a], p.b >= 0 && taken[^p.b]:
			if p.a >= 0 && !taken[p.a] {
				out = append(out, layerPair{a: p.a, b: -1})
			}
			if p.b >= 0 && !taken[^p.b] {
				out = append(out, layerPair{a: -1, b: p.b})
			}
		default:
			out = append(out, p)
		}
	}
	return inOrder(out)
}

// inOrder sorts pairs by A's layers, with B's lonely ones after the layer of
// their own number.
func inOrder(ps []layerPair) []layerPair {
	at := func(p layerPair) int {
		if p.a >= 0 {
			return 2 * p.a
		}
		return 2*p.b + 1
	}
	sort.SliceStable(ps, func(i, j int) bool { return at(ps[i]) < at(ps[j]) })
	return ps
}
