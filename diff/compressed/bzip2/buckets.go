package bzip2

// Sizes of the sort by buckets.
const (
	fewRotations = 20 // sorted by insertion
	deepest      = 14 // bytes after which quicksort gives up
	rewind       = 8  // bytes between two looks at the block's end
	done         = 1 << 21
)

// byBuckets sorts by two bytes, then each bucket by quicksort, the rarest first
// byte first: what begins one byte before a bucket that is sorted is sorted with
// it. It gives up when comparing costs too much; the budget is then below zero.
func (s *sorter) byBuckets(block []byte) {
	n := len(block)
	if cap(s.quadrant) < n+overshoot {
		s.quadrant = make([]uint16, cap(block)+overshoot)
	}
	q := s.quadrant[:n+overshoot]
	clear(q)
	text := append(block, block[:overshoot]...)
	s.fill(text, n)
	sorted := [256]bool{}
	for i, c := range s.rarest() {
		for k := range 256 {
			if k == c {
				continue
			}
			b := c<<8 + k
			if s.buckets[b]&done == 0 {
				lo, hi := s.bounds(b, b+1)
				if hi > lo {
					s.quick(text, n, lo, hi)
				}
				if s.budget < 0 {
					return
				}
			}
			s.buckets[b] |= done
		}
		s.before(block, c, &sorted)
		for k := range 256 {
			s.buckets[k<<8+c] |= done
		}
		sorted[c] = true
		if i < 255 {
			s.rank(n, c)
		}
	}
}

// bounds are the first and last place of the buckets from one to before another.
func (s *sorter) bounds(from, to int) (lo, hi int) {
	return int(s.buckets[from] &^ done), int(s.buckets[to]&^done) - 1
}

// fill sorts by the first two bytes.
func (s *sorter) fill(text []byte, n int) {
	clear(s.buckets[:])
	for i := range n {
		s.buckets[int(text[i])<<8|int(text[i+1])]++
	}
	for i := 1; i < len(s.buckets); i++ {
		s.buckets[i] += s.buckets[i-1]
	}
	for i := n - 1; i >= 0; i-- {
		b := int(text[i])<<8 | int(text[i+1])
		s.buckets[b]--
		s.order[s.buckets[b]] = int32(i)
	}
}

// rarest are all byte values, the rarest first, as a shell sort leaves them.
func (s *sorter) rarest() (out [256]int) {
	count := func(c int) int32 { return s.buckets[(c+1)<<8] - s.buckets[c<<8] }
	for i := range out {
		out[i] = i
	}
	for _, h := range []int{121, 40, 13, 4, 1} {
		for i := h; i < 256; i++ {
			v, k := out[i], i
			for k >= h && count(out[k-h]) > count(v) {
				out[k] = out[k-h]
				k -= h
			}
			out[k] = v
		}
	}
	return out
}

// before sorts the buckets whose second byte is c by the rotations after them.
func (s *sorter) before(block []byte, c int, sorted *[256]bool) {
	var from, to [256]int
	for k := range from {
		from[k], to[k] = s.bounds(k<<8+c, k<<8+c+1)
	}
	lo, hi := s.bounds(c<<8, (c+1)<<8)
	previous := func(i int) (int32, byte) {
		k := s.order[i] - 1
		if k < 0 {
			k += int32(len(block))
		}
		return k, block[k]
	}
	for i := lo; i < from[c]; i++ {
		if k, first := previous(i); !sorted[first] {
			s.order[from[first]] = k
			from[first]++
		}
	}
	for i := hi; i > to[c]; i-- {
		if k, first := previous(i); !sorted[first] {
			s.order[to[first]] = k
			to[first]--
		}
	}
}

// rank notes the order within a bucket that is sorted, for later comparisons.
func (s *sorter) rank(n, c int) {
	lo, hi := s.bounds(c<<8, (c+1)<<8)
	shift := 0
	for (hi+1-lo)>>shift > 65534 {
		shift++
	}
	for i := hi; i >= lo; i-- {
		at, v := int(s.order[i]), uint16((i-lo)>>shift)
		s.quadrant[at] = v
		if at < overshoot {
			s.quadrant[at+n] = v
		}
	}
}

// quick sorts a bucket whose rotations are equal in their first two bytes.
func (s *sorter) quick(text []byte, n, from, to int) {
	for todo := []span{{from, to, 2}}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if at.hi-at.lo < fewRotations || at.depth > deepest {
			s.insert(text, n, at)
			if s.budget < 0 {
				return
			}
			continue
		}
		key := func(v int32) int { return int(text[int(v)+at.depth]) }
		pivot := middle(key(s.order[at.lo]), key(s.order[at.hi]), key(s.order[(at.lo+at.hi)>>1]))
		a, b, all := s.part(at.lo, at.hi, pivot, key)
		if all {
			todo = append(todo, span{at.lo, at.hi, at.depth + 1})
			continue
		}
		next := [3]span{{at.lo, a, at.depth}, {b, at.hi, at.depth}, {a + 1, b - 1, at.depth + 1}}
		for _, k := range []int{0, 1, 0} {
			if next[k].hi-next[k].lo < next[k+1].hi-next[k+1].lo {
				next[k], next[k+1] = next[k+1], next[k]
			}
		}
		todo = append(todo, next[:]...)
	}
}

func middle(a, b, c int) int { return max(min(a, b), min(max(a, b), c)) }

var shellSteps = []int{2391484, 797161, 265720, 88573, 29524, 9841, 3280, 1093, 364, 121, 40, 13, 4, 1}

// insert sorts a stretch by whole comparisons. That comparing costs too much is
// looked at after every third rotation.
func (s *sorter) insert(text []byte, n int, at span) {
	for _, h := range shellSteps {
		if h >= at.hi-at.lo+1 {
			continue
		}
		for i := at.lo + h; i <= at.hi; i++ {
			v, k := s.order[i], i
			for k >= at.lo+h && s.greater(text, n, int(s.order[k-h])+at.depth, int(v)+at.depth) {
				s.order[k] = s.order[k-h]
				k -= h
			}
			s.order[k] = v
			if (i-at.lo-h)%3 == 2 && s.budget < 0 {
				return
			}
		}
	}
}

// greater compares two rotations from two places on. Equal ones are not greater.
func (s *sorter) greater(text []byte, n, i, k int) bool {
	for range 12 {
		if text[i] != text[k] {
			return text[i] > text[k]
		}
		i, k = i+1, k+1
	}
	for left := n + rewind; left >= 0; left -= rewind {
		for range rewind {
			if text[i] != text[k] {
				return text[i] > text[k]
			}
			if s.quadrant[i] != s.quadrant[k] {
				return s.quadrant[i] > s.quadrant[k]
			}
			i, k = i+1, k+1
		}
		if i >= n {
			i -= n
		}
		if k >= n {
			k -= n
		}
		s.budget--
	}
	return false
}
