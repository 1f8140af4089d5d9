package diff

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRising(t *testing.T) {
	same := func(i int) int { return i }
	if got := Rising([]int{3, 1, 2, 5, 4}, same); len(got) != 3 || !slices.IsSorted(got) {
		t.Errorf("of 3 1 2 5 4 it picks %v", got)
	}
	if got := Rising(nil, same); len(got) != 0 {
		t.Errorf("of nothing it picks %v", got)
	}
	// As long as the longest that trying all finds.
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		list := r.Perm(9)
		longest := 0
		for mask := range 1 << len(list) {
			var chain []int
			for i, x := range list {
				if mask>>i&1 == 1 {
					chain = append(chain, x)
				}
			}
			if slices.IsSorted(chain) {
				longest = max(longest, len(chain))
			}
		}
		if got := Rising(list, same); len(got) != longest || !slices.IsSorted(got) {
			t.Fatalf("of %v it picks %v, and %d are possible", list, got, longest)
		}
	}
}
