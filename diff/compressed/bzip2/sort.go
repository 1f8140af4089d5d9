package bzip2

// sorter orders the rotations of a block. Of rotations that are equal, which a
// block has that repeats itself as a whole, the order is that in which the C
// library's two ways of sorting leave them; it shows in the stream.
type sorter struct {
	order    []int32
	class    []int32 // of each rotation, while doubling
	heads    []bool
	quadrant []uint16
	buckets  [65537]int32
	budget   int
}

// sort gives the places where the rotations begin, the smallest first. The
// block's capacity has room for the overshoot.
func (s *sorter) sort(block []byte) []int32 {
	n := len(block)
	if cap(s.order) < n {
		s.order = make([]int32, cap(block))
	}
	s.order = s.order[:n]
	const small, effort = 10_000, 9
	if n >= small {
		s.budget = effort * n
		if s.byBuckets(block); s.budget >= 0 {
			return s.order
		}
	}
	s.byDoubling(block)
	return s.order
}

// byDoubling sorts by one byte, then by twice as many each time.
func (s *sorter) byDoubling(block []byte) {
	n := len(block)
	if cap(s.class) < n {
		s.class, s.heads = make([]int32, cap(block)), make([]bool, cap(block)+2)
	}
	class, heads := s.class[:n], s.heads[:n+1]
	clear(heads)
	var at [257]int32
	for _, c := range block {
		at[c]++
	}
	for i := 1; i < 257; i++ {
		at[i] += at[i-1]
	}
	for i, c := range block {
		at[c]--
		s.order[at[c]] = int32(i)
	}
	for _, k := range at {
		heads[k] = true
	}
	heads[n] = true
	for depth := 1; ; {
		head := int32(0)
		for i := range s.order {
			if heads[i] {
				head = int32(i)
			}
			k := int(s.order[i]) - depth
			if k < 0 {
				k += n
			}
			class[k] = head
		}
		open := false
		for lo := 0; lo < n; {
			hi := lo + 1
			for !heads[hi] {
				hi++
			}
			if hi-lo > 1 {
				open = true
				s.byClass(lo, hi-1)
				last := int32(-1)
				for i := lo; i < hi; i++ {
					if k := class[s.order[i]]; k != last {
						heads[i], last = true, k
					}
				}
			}
			lo = hi
		}
		if depth *= 2; depth > n || !open {
			return
		}
	}
}

// insertByClass sorts a few, at distance four first.
func (s *sorter) insertByClass(lo, hi int) {
	put := func(i, step int) {
		v := s.order[i]
		k := s.class[v]
		for i += step; i <= hi && k > s.class[s.order[i]]; i += step {
			s.order[i-step] = s.order[i]
		}
		s.order[i-step] = v
	}
	if hi-lo > 3 {
		for i := hi - 4; i >= lo; i-- {
			put(i, 4)
		}
	}
	for i := hi - 1; i >= lo; i-- {
		put(i, 1)
	}
}

// span is a stretch that is still to be sorted, and the depth up to which it is.
type span struct{ lo, hi, depth int }

// byClass sorts a stretch by the rotations' classes.
func (s *sorter) byClass(from, to int) {
	r := uint32(0)
	for todo := []span{{from, to, 0}}; len(todo) > 0; {
		lo, hi := todo[len(todo)-1].lo, todo[len(todo)-1].hi
		todo = todo[:len(todo)-1]
		if hi-lo < 10 {
			s.insertByClass(lo, hi)
			continue
		}
		r = (r*7621 + 1) % 32768
		pivot := s.class[s.order[[3]int{lo, (lo + hi) >> 1, hi}[r%3]]]
		a, b, all := s.part(lo, hi, int(pivot), func(v int32) int { return int(s.class[v]) })
		switch {
		case all:
		case a-lo > hi-b:
			todo = append(todo, span{lo: lo, hi: a}, span{lo: b, hi: hi})
		default:
			todo = append(todo, span{lo: b, hi: hi}, span{lo: lo, hi: a})
		}
	}
}

// part parts a stretch in three, by a key: what is below the pivot ends at a,
// what is above it begins at b. All reports that every key is the pivot.
func (s *sorter) part(lo, hi, pivot int, key func(int32) int) (a, b int, all bool) {
	o := s.order
	left, equalLeft, right, equalRight := lo, lo, hi, hi
	for {
		for ; left <= right; left++ {
			d := key(o[left]) - pivot
			if d > 0 {
				break
			}
			if d == 0 {
				o[left], o[equalLeft] = o[equalLeft], o[left]
				equalLeft++
			}
		}
		for ; left <= right; right-- {
			d := key(o[right]) - pivot
			if d < 0 {
				break
			}
			if d == 0 {
				o[right], o[equalRight] = o[equalRight], o[right]
				equalRight--
			}
		}
		if left > right {
			break
		}
		o[left], o[right] = o[right], o[left]
		left, right = left+1, right-1
	}
	if equalRight < equalLeft {
		return 0, 0, true
	}
	swap := func(i, k, n int) {
		for ; n > 0; n-- {
			o[i], o[k] = o[k], o[i]
			i, k = i+1, k+1
		}
	}
	n := min(equalLeft-lo, left-equalLeft)
	swap(lo, left-n, n)
	m := min(hi-equalRight, equalRight-right)
	swap(left, hi-m+1, m)
	return lo + left - equalLeft - 1, hi - (equalRight - right) + 1, false
}
