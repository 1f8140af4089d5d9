package kflate

// twoSlots is levels 5 and 6: one place for each hash of four bytes, two for each
// hash of seven.
type twoSlots struct {
	*past
	short  []int32
	long   []slot
	six    bool  // level 6
	skip   uint  // the more bytes without a match, the fewer are searched
	greedy bool  // no better match is sought
	ignore int32 // bytes at the beginning of a match that a better one may lack
	repeat int32 // the distance of the last match; level 6
}

func newTwoSlots(p *past, e Era, level int) *twoSlots {
	t := &twoSlots{past: p, short: make([]int32, 1<<tableBits), long: make([]slot, 1<<tableBits), six: level == 6, skip: 6, ignore: 2}
	if t.six {
		t.skip = 7
	}
	if e < Since1_15_10 {
		t.ignore = 0
	}
	t.greedy = e < Since1_12_2
	return t
}

func (e *twoSlots) tables() ([]int32, []slot) { return e.short, e.long }

func (e *twoSlots) both(v uint64, place int32) {
	e.short[hash4(v)] = place
	e.long[hash7(v)].push(place)
}

func (e *twoSlots) find(b *block, s int32) {
	p := e.bytes
	limit, emit := int32(len(p)-margin), s
	e.repeat = 1
	v := load64(p, s)
	for {
		m, ok := e.seek(v, s, emit, limit)
		if !ok {
			break
		}
		if m.length == 0 {
			m.length = alike(p, m.s+4, m.t+4) + 4
		} else if m.length == maxLength {
			m.length += alike(p, m.s+maxLength, m.t+maxLength)
		}
		if at := m.s + m.length; at < limit && !e.greedy && (e.six || m.length < 30) {
			e.better(&m, e.long[hash7(load64(p, at))])
		}
		emit = m.put(b, p, emit)
		e.repeat = m.s - m.t
		s = max(emit, m.next+1)
		if s >= limit {
			if e.six {
				for i := m.next + 1; i < int32(len(p))-8; i += 2 {
					e.both(load64(p, i), i+e.base)
				}
			}
			break
		}
		if e.six {
			e.inside6(m.next+1, s)
			v = load64(p, s)
			continue
		}
		e.inside5(s-m.length+1, s)
		v = load64(p, s-1)
		e.both(v, s-1+e.base)
		v >>= 8
	}
	b.rest(p[emit:])
}

// inside5 remembers places in a match from an index on.
func (e *twoSlots) inside5(i, end int32) {
	if i >= end-1 {
		return
	}
	v := load64(e.bytes, i)
	e.both(v, i+e.base)
	e.long[hash7(v>>8)].push(i + 1 + e.base)
	e.short[hash4(v>>16)] = i + 2 + e.base
	for i += 4; i < end-1; i += 3 {
		v := load64(e.bytes, i)
		e.long[hash7(v)].push(i + e.base)
		e.short[hash4(v>>8)] = i + 1 + e.base
	}
}

func (e *twoSlots) inside6(i, end int32) {
	for ; i < end-1; i += 2 {
		v := load64(e.bytes, i)
		e.both(v, i+e.base)
		e.long[hash7(v>>8)].push(i + 1 + e.base)
	}
}

// better looks where the bytes behind a match occurred for a longer match that
// ends there.
func (e *twoSlots) better(m *found, at slot) {
	s := m.s + e.ignore
	for i, place := range [2]int32{at.last, at.before} {
		t := place - e.base - m.length + e.ignore
		if i > 0 && !e.six || i == 0 && s-t >= reach {
			return
		}
		if dist := s - t; t >= 0 && dist > 0 && dist < reach {
			if n := alike(e.bytes, s, t); n > m.length {
				m.s, m.t, m.length = s, t, n
			}
		}
	}
}

// seek gives the next match.
func (e *twoSlots) seek(v uint64, s, emit, limit int32) (m found, ok bool) {
	p, base := e.bytes, e.base
	for next := s; ; {
		short, long := &e.short[hash4(v)], &e.long[hash7(v)]
		s = next
		next = s + 1 + (s-emit)>>e.skip
		if next > limit {
			return m, false
		}
		t4, was := *short-base, *long
		then := load64(p, next)
		*short = s + base
		long.push(s + base)
		t, t2 := was.last-base, was.before-base
		if s-t < reach {
			m = found{s: s, t: t, next: next}
			second := s-t2 < reach && uint32(v) == load32(p, t2)
			if uint32(v) == load32(p, t) {
				e.both(then, next+base)
				if second {
					m.length = alikeFrom(p, s, t)
					if n := alikeFrom(p, s, t2); n > m.length {
						m.t, m.length = t2, n
					}
				}
				return m, true
			}
			if second {
				e.both(then, next+base)
				m.t = t2
				return m, true
			}
		}
		if s-t4 < reach && uint32(v) == load32(p, t4) {
			return e.afterShort(found{s: s, t: t4, next: next}, v, then), true
		}
		v = then
	}
}

// afterShort is a match of which the first four bytes alone were known, or a
// better one that begins right behind.
func (e *twoSlots) afterShort(m found, v, then uint64) found {
	p, base := e.bytes, e.base
	m.length = alikeFrom(p, m.s, m.t)
	was := e.long[hash7(then)]
	e.both(then, m.next+base)
	if e.six {
		s, t := m.s+1, m.s+1-e.repeat
		if load32(p, t) == uint32(v>>8) {
			if n := alikeFrom(p, s, t); n > m.length {
				m.s, m.t, m.length = s, t, n
				return m
			}
		}
	}
	t, t2 := was.last-base, was.before-base
	if m.next-t >= reach {
		return m
	}
	if load32(p, t) == uint32(then) {
		if n := alikeFrom(p, m.next, t); n > m.length {
			m.s, m.t, m.length = m.next, t, n
			if !e.six {
				return m
			}
		}
	}
	if m.next-t2 < reach && load32(p, t2) == uint32(then) {
		if n := alikeFrom(p, m.next, t2); n > m.length {
			m.s, m.t, m.length = m.next, t2, n
		}
	}
	return m
}
