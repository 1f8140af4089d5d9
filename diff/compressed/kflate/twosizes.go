package kflate

// twoSizes is level 4: one place for each hash of four bytes and of seven.
type twoSizes struct {
	*past
	all         []int32 // short and long
	short, long []int32
	slip        bool // see seek
}

func newTwoSizes(p *past, e Era) *twoSizes {
	all := make([]int32, 2<<tableBits)
	return &twoSizes{past: p, all: all, short: all[:1<<tableBits], long: all[1<<tableBits:], slip: e >= Since1_18_0}
}

func (e *twoSizes) tables() ([]int32, []slot) { return e.all, nil }

func (e *twoSizes) find(b *block, s int32) {
	p := e.bytes
	limit, emit := int32(len(p)-margin), s
	v := load64(p, s)
	for {
		m, ok := e.seek(v, s, emit, limit)
		if !ok {
			break
		}
		m.length = alike(p, m.s+4, m.t+4) + 4
		emit = m.put(b, p, emit)
		s = max(emit, m.next+1)
		if s >= limit {
			if int(s+8) < len(p) {
				e.both(load64(p, s), s+e.base)
			}
			break
		}
		for i := m.next; i < s-1; i += 3 {
			v := load64(p, i)
			e.long[hash7(v)] = i + e.base
			e.both(v>>8, i+1+e.base)
		}
		v = load64(p, s-1)
		e.both(v, s-1+e.base)
		v >>= 8
	}
	b.rest(p[emit:])
}

func (e *twoSizes) both(v uint64, place int32) {
	e.short[hash4(v)], e.long[hash7(v)] = place, place
}

// seek gives the next match.
func (e *twoSizes) seek(v uint64, s, emit, limit int32) (m found, ok bool) {
	p, base := e.bytes, e.base
	for next := s; ; {
		short, long := &e.short[hash4(v)], &e.long[hash7(v)]
		s = next
		next = s + 1 + (s-emit)>>6
		if next > limit {
			return m, false
		}
		t, t4 := *long-base, *short-base
		then := load64(p, next)
		*short, *long = s+base, s+base
		if s-t < reach && uint32(v) == load32(p, t) {
			return found{s: s, t: t, next: next}, true
		}
		if s-t4 < reach && uint32(v) == load32(p, t4) {
			t = e.long[hash7(then)] - base
			if next-t < reach && uint32(then) == load32(p, t) {
				with := t
				if e.slip {
					// Newer versions compare with what lies as far from the
					// beginning as t is from next.
					with = next - t
				}
				if alike(p, next+4, with+4) > alike(p, s+4, t4+4) {
					return found{s: next, t: t, next: next}, true
				}
			}
			return found{s: s, t: t4, next: next}, true
		}
		v = then
	}
}
