package diff

// lineWork is how many steps the search for shortest differences may take in one
// pair of texts. When they are used up, each further search ends early, where it
// came farthest: the result is right, only longer than it need be.
const lineWork = 1 << 27

// fewSteps is how many changes a search looks past when no work is left for it.
const fewSteps = 64

// between matches lines a0..a1 with b0..b1: equal ones at both ends first, then
// along a shortest difference (Myers, 1986), in space for one line's steps.
func (m *lineMatch) between(a0, a1, b0, b1 int, put func(i, j int)) {
	type box struct{ a0, a1, b0, b1 int }
	todo := []box{{a0, a1, b0, b1}}
	var s shortest
	for len(todo) > 0 {
		b := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for b.a0 < b.a1 && b.b0 < b.b1 && m.a.sum(b.a0) == m.b.sum(b.b0) {
			put(b.a0, b.b0)
			b.a0, b.b0 = b.a0+1, b.b0+1
		}
		tail := 0
		for b.a0 < b.a1-tail && b.b0 < b.b1-tail && m.a.sum(b.a1-1-tail) == m.b.sum(b.b1-1-tail) {
			tail++
		}
		if tail > 0 { // it comes after what lies before it
			todo = append(todo, box{b.a1 - tail, b.a1, b.b1 - tail, b.b1})
			b.a1, b.b1 = b.a1-tail, b.b1-tail
		}
		if b.a0 == b.a1 || b.b0 == b.b1 {
			continue
		}
		s.m, s.a0, s.b0, s.n, s.k = m, b.a0, b.b0, b.a1-b.a0, b.b1-b.b0
		x, y := s.middle()
		x, y = b.a0+x, b.b0+y
		if x == b.a0 && y == b.b0 || x == b.a1 && y == b.b1 {
			continue // nothing of it is equal
		}
		todo = append(todo, box{x, b.a1, y, b.b1}, box{b.a0, x, b.b0, y})
	}
}

// shortest is one search, from both ends at once.
type shortest struct {
	m           *lineMatch
	a0, b0      int
	n, k        int     // lines of each side
	forth, back []int32 // how far each diagonal was followed
	farX, farY  int     // the farthest that was reached from the beginning
}

func (s *shortest) equal(x, y int) bool { return s.m.a.sum(s.a0+x) == s.m.b.sum(s.b0+y) }

// middle gives a point on a shortest difference, or the farthest one that was
// reached when the work is used up.
func (s *shortest) middle() (x, y int) {
	most := (s.n + s.k + 1) / 2
	if s.m.work < 0 {
		most = min(most, fewSteps)
	}
	if size := 2*most + 3; cap(s.forth) < size {
		s.forth, s.back = make([]int32, size), make([]int32, size)
		s.m.work -= int64(size) / 8
	}
	mid := most + 1
	s.forth, s.back = s.forth[:2*most+3], s.back[:2*most+3]
	s.farX, s.farY = 0, 0
	s.forth[mid], s.back[mid] = -1, -1
	for d := 0; d <= most; d++ {
		for _, v := range [][]int32{s.forth, s.back} {
			v[mid-d-1], v[mid+d+1] = -1, -1
			if d == 0 {
				v[mid+1] = 0
			}
		}
		if x, y, ok := s.step(d, mid, true); ok {
			return x, y
		}
		if x, y, ok := s.step(d, mid, false); ok {
			return x, y
		}
		s.m.work -= 2 * int64(d+1)
		if s.m.work < 0 && d >= fewSteps {
			break
		}
	}
	return s.farX, s.farY
}

// step goes one change farther on every diagonal, from the beginning or from the
// end, and reports where the two searches meet.
func (s *shortest) step(d, mid int, forth bool) (x, y int, met bool) {
	own, other := s.forth, s.back
	if !forth {
		own, other = s.back, s.forth
	}
	delta := s.n - s.k
	odd := delta&1 != 0
	// Diagonals that left the box need not be followed.
	lo, hi := -d, d
	if lo < -s.k {
		lo = -s.k + (d-s.k)&1
	}
	if hi > s.n {
		hi = s.n - (d-s.n)&1
	}
	for k := lo; k <= hi; k += 2 {
		if k == -d || k != d && own[mid+k-1] < own[mid+k+1] {
			x = int(own[mid+k+1])
		} else {
			x = int(own[mid+k-1]) + 1
		}
		y = x - k
		if x < 0 || y < 0 || x > s.n || y > s.k {
			continue // it left the box; how far it came inside stands there
		}
		from := x
		if forth {
			for x < s.n && y < s.k && s.equal(x, y) {
				x, y = x+1, y+1
			}
		} else {
			for x < s.n && y < s.k && s.equal(s.n-1-x, s.k-1-y) {
				x, y = x+1, y+1
			}
		}
		s.m.work -= int64(x-from) / 4
		own[mid+k] = int32(x)
		if forth && x+y > s.farX+s.farY {
			s.farX, s.farY = x, y
		}
		if c := delta - k; forth == odd && -d <= c && c <= d && other[mid+c] >= 0 && x+int(other[mid+c]) >= s.n {
			if forth {
				return x, y, true
			}
			return s.n - x, s.k - y, true
		}
	}
	return 0, 0, false
}
