package xz

// step prices all ways that lead on from one place on the way.
type step struct {
	*lzma
	at   uint32 // how far it is from where the decision begins
	last [reps]uint32
	buf  int    // where it is in the finder's buffer
	end  uint32 // how far ways lead that have a price
	pos  uint32
	full uint32 // bytes that are left to look at
	// The costs of what comes here, and of what may follow.
	here, repCost, matchCost uint32
	state                    state
	p                        uint32
}

// arrive computes state and last distances from the way that leads here.
func (s *step) arrive() {
	o := &s.opt[s.at]
	from := o.from
	st := s.opt[from].state
	if o.literal {
		from--
		if st = s.opt[from].state; o.twoSteps {
			if st = s.opt[o.from2].state; o.back2 < reps {
				st = st.afterRep()
			} else {
				st = st.afterMatch()
			}
		}
		st = st.afterLiteral()
	}
	switch {
	case from == s.at-1 && o.back == 0:
		st = st.afterShortRep()
	case from == s.at-1:
		st = st.afterLiteral()
	default:
		back := o.back
		if o.literal && o.twoSteps {
			from, back = o.from2, o.back2
			st = st.afterRep()
		} else if back < reps {
			st = st.afterRep()
		} else {
			st = st.afterMatch()
		}
		before := s.opt[from].last
		s.last = before
		if back < reps {
			s.last[0] = before[back]
			copy(s.last[1:back+1], before[:back])
		} else {
			s.last = [reps]uint32{back - reps, before[0], before[1], before[2]}
		}
	}
	o.state, o.last = st, s.last
	s.state = st
}

func (s *step) take() {
	s.arrive()
	b := s.lzma.buf
	cost := s.opt[s.at].price
	c, m := b[s.buf], b[s.buf-int(s.last[0])-1]
	s.p = s.pos & (positions - 1)
	s.here = cost + price0(s.isMatch[s.state][s.p]) + s.literalPrice(b[s.buf-1], s.state < litStates, uint32(m), uint32(c))
	next := &s.opt[s.at+1]
	literal := false
	if s.here < next.price {
		next.price, next.from = s.here, s.at
		next.makeLiteral()
		literal = true
	}
	s.matchCost = cost + price1(s.isMatch[s.state][s.p])
	s.repCost = s.matchCost + price1(s.isRep[s.state])
	if m == c && !(next.from < s.at && next.back == 0) {
		if cost := s.repCost + s.shortRepPrice(s.state, s.p); cost <= next.price {
			next.price, next.from, next.back, next.literal = cost, s.at, 0, false
			literal = true
		}
	}
	if s.full < 2 {
		return
	}
	if !literal && m != c {
		s.literalThenRep()
	}
	s.matches(s.repeats())
}

// reach gives ways as far as a place no price yet.
func (s *step) reach(to uint32) {
	for s.end < to {
		s.end++
		s.opt[s.end].price = noPrice
	}
}

// literalThenRep tries a literal and a match at the last distance.
func (s *step) literalThenRep() {
	limit := min(s.full, uint32(s.nice)+1)
	n := common(s.lzma.buf, s.buf, s.buf-int(s.last[0])-1, 1, limit) - 1
	// The first byte differs and is taken as the literal.
	if n < 2 {
		return
	}
	st := s.state.afterLiteral()
	p := (s.pos + 1) & (positions - 1)
	cost := s.here + price1(s.isMatch[st][p]) + price1(s.isRep[st])
	to := s.at + 1 + n
	s.reach(to)
	cost += s.whichPrice(0, st, p) + s.repLen.of(n, p)
	if o := &s.opt[to]; cost < o.price {
		o.price, o.from, o.back, o.literal, o.twoSteps = cost, s.at+1, 0, true, false
	}
}

// thenRep tries, after a match of n bytes at some distance, a literal and a match
// at the same distance. Cost is that of the match, st the state after it.
func (s *step) thenRep(dist, n, cost, back uint32, st state) {
	k := s.buf - int(dist) - 1
	from := n + 1
	limit := min(s.full, from+uint32(s.nice))
	more := uint32(0)
	if from < limit {
		more = common(s.lzma.buf, s.buf, k, from, limit) - from
	}
	if more < 2 {
		return
	}
	b := s.lzma.buf
	p := (s.pos + n) & (positions - 1)
	at := s.buf + int(n)
	cost += price0(s.isMatch[st][p]) + s.literalPrice(b[at-1], false, uint32(b[k+int(n)]), uint32(b[at]))
	st = st.afterLiteral()
	p = (p + 1) & (positions - 1)
	cost += price1(s.isMatch[st][p]) + price1(s.isRep[st])
	to := s.at + from + more
	s.reach(to)
	cost += s.whichPrice(0, st, p) + s.repLen.of(more, p)
	if o := &s.opt[to]; cost < o.price {
		o.price, o.from, o.back, o.literal = cost, s.at+from, 0, true
		o.twoSteps, o.from2, o.back2 = true, s.at, back
	}
}

// repeats tries the last distances, and says from what length on other matches are
// worth trying.
func (s *step) repeats() uint32 {
	start := uint32(2)
	avail := min(s.full, uint32(s.nice))
	for i, d := range s.last {
		k := s.buf - int(d) - 1
		if s.other(s.buf, k) {
			continue
		}
		n := common(s.lzma.buf, s.buf, k, 2, avail)
		s.reach(s.at + n)
		cost := s.repCost + s.whichPrice(uint32(i), s.state, s.p)
		for l := n; l >= 2; l-- {
			s.opt[s.at+l].better(cost+s.repLen.of(l, s.p), s.at, uint32(i))
		}
		if i == 0 {
			start = n + 1
		}
		s.thenRep(d, n, cost+s.repLen.of(n, s.p), uint32(i), s.state.afterRep())
	}
	return start
}

// matches tries the matches that were found here.
func (s *step) matches(start uint32) {
	avail := min(s.full, uint32(s.nice))
	n, count := s.longest, s.count
	if n > avail {
		n, count = avail, 0
		for n > s.ms[count].len {
			count++
		}
		s.ms[count].len = n
		count++
	}
	if n < start {
		return
	}
	cost := s.matchCost + price0(s.isRep[s.state])
	s.reach(s.at + n)
	i := 0
	for start > s.ms[i].len {
		i++
	}
	for l := start; ; l++ {
		d := s.ms[i].dist
		whole := cost + s.matchPrice(d, l, s.p)
		s.opt[s.at+l].better(whole, s.at, d+reps)
		if l == s.ms[i].len {
			s.thenRep(d, l, whole, d+reps, s.state.afterMatch())
			if i++; i == count {
				return
			}
		}
	}
}
