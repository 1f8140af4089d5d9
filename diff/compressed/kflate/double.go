package kflate

// double is level 3: two places for each hash.
type double struct {
	*past
	hasher
	slots  []slot
	load   func(p []byte, i int32) uint64
	margin int32
	end    int32 // that must follow a last match for its end to be remembered
	skip   uint  // the more bytes without a match, the fewer are searched
	stride int32 // at which places in matches are remembered; 0 for none
	back   int32 // how many places before a match's end are remembered
}

func newDouble(p *past, e Era) *double {
	const bits = 16
	d := &double{past: p, slots: make([]slot, 1<<bits), load: load64, margin: margin, end: 8, skip: 7, stride: 6, back: 2, hasher: hasher{24, prime5, 64 - bits}}
	if e < Since1_15_11 {
		d.load = func(p []byte, i int32) uint64 { return uint64(load32(p, i)) }
		d.margin, d.end, d.skip, d.stride, d.hasher = 8-1, 4, 6, 5, hasher{32, prime4, 64 - bits}
	}
	if e < Since1_14_4 {
		d.slots, d.stride, d.back, d.hasher = d.slots[:1<<tableBits], 0, 3, hasher{32, 0x1e35a7bd, 64 - tableBits}
	}
	return d
}

func (e *double) tables() ([]int32, []slot) { return nil, e.slots }

func (e *double) push(v uint64, i int32) { e.slots[e.of(v)].push(e.base + i) }

func (e *double) find(b *block, s int32) {
	p := e.bytes
	limit, emit := int32(len(p))-e.margin, s
	v := e.load(p, s)
	for {
		m, ok := e.seek(v, s, emit, limit)
		if !ok {
			break
		}
		for ok {
			m.length = alike(p, m.s+4, m.t+4) + 4
			emit = m.put(b, p, emit)
			s = max(emit, m.next+1)
			if s >= limit {
				if t := m.t + m.length; int(t+e.end) < len(p) && t > 0 {
					e.push(e.load(p, t), t)
				}
				b.rest(p[emit:])
				return
			}
			m, ok = e.follow(s, m)
		}
		v = load64(p, s-2) >> 24
		s++
	}
	b.rest(p[emit:])
}

// seek gives the next match.
func (e *double) seek(v uint64, s, emit, limit int32) (m found, ok bool) {
	p, base := e.bytes, e.base
	for next := s; ; {
		at := &e.slots[e.of(v)]
		s = next
		next = s + 1 + (s-emit)>>e.skip
		if next > limit {
			return m, false
		}
		was := *at
		at.push(s + base)
		far := base + s - (reach - 4)
		if was.last >= far {
			t, t2 := was.last-base, was.before-base
			if uint32(v) == load32(p, t) {
				if was.before >= far && uint32(v) == load32(p, t2) && alike(p, s+4, t2+4) > alike(p, s+4, t+4) {
					t = t2
				}
				return found{s: s, t: t, next: next}, true
			}
			if was.before > far && uint32(v) == load32(p, t2) {
				return found{s: s, t: t2, next: next}, true
			}
		}
		v = e.load(p, next)
	}
}

// follow looks for a match where the last one ended.
func (e *double) follow(s int32, last found) (m found, ok bool) {
	p, base := e.bytes, e.base
	for i := s - last.length + 2; e.stride > 0 && i < s-5; i += e.stride {
		e.push(e.load(p, i), i)
	}
	v := load64(p, s-e.back)
	for i := s - e.back; i < s; i++ {
		e.push(v, i)
		v >>= 8
	}
	at := &e.slots[e.of(v)]
	was := *at
	at.push(s + base)
	far := base + s - (reach - 4)
	m = found{s: s, next: last.next}
	if was.last <= far {
		return m, false
	}
	if m.t = was.last - base; uint32(v) == load32(p, m.t) {
		return m, e.stride > 0 // before v1.14.4 it was passed over
	}
	m.t = was.before - base
	return m, was.before > far && uint32(v) == load32(p, m.t)
}
