package diff

import (
	"cmp"
	"slices"
	"sort"
)

// Rising picks, of a list that is sorted by its place on one side, a longest
// chain whose place on the other side rises as well, in O(n log n): what stayed in
// order when other things moved.
func Rising[T any, K cmp.Ordered](list []T, place func(T) K) []T {
	tails := make([]int, 0, len(list)) // index of the least end of a chain of each length
	prev := make([]int, len(list))
	for i, x := range list {
		k := sort.Search(len(tails), func(k int) bool { return place(list[tails[k]]) >= place(x) })
		prev[i] = -1
		if k > 0 {
			prev[i] = tails[k-1]
		}
		if k == len(tails) {
			tails = append(tails, i)
		} else {
			tails[k] = i
		}
	}
	var out []T
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = prev[i] {
			out = append(out, list[i])
		}
	}
	slices.Reverse(out)
	return out
}
