package kflate

// single is levels 1 and 2: one place for each hash, and every second index
// searched.
type single struct {
	*past
	hasher
	places []int32
	end    int32 // that must follow a last match for its end to be remembered
	dense  bool  // level 2: what lies in matches is remembered too
}

func newSingle(p *past, e Era, level int) *single {
	bits := uint(tableBits)
	if level == 2 {
		bits = 17
	}
	s := &single{past: p, places: make([]int32, 1<<bits), dense: level == 2, end: 8, hasher: hasher{24, prime5, 64 - bits}}
	if e < Since1_15_11 {
		s.end, s.hasher = 4, hasher{32, prime4, 64 - bits}
		if level == 1 {
			s.mul = 0x1e35a7bd
		}
	}
	return s
}

func (e *single) tables() ([]int32, []slot) { return e.places, nil }

func (e *single) find(b *block, s int32) {
	p := e.bytes
	limit, emit := int32(len(p)-margin), s
	v := load64(p, s)
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
				if int(s+m.length+e.end) < len(p) {
					e.places[e.of(load64(p, s))] = s + e.base
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
func (e *single) seek(v uint64, s, emit, limit int32) (m found, ok bool) {
	p, base := e.bytes, e.base
	h := e.of(v)
	for {
		next := s + 2 + (s-emit)>>5
		if next > limit {
			return m, false
		}
		then := load64(p, next)
		t := e.places[h] - base
		e.places[h] = s + base
		h = e.of(then)
		if s-t < reach && uint32(v) == load32(p, t) {
			e.places[h] = next + base
			return found{s: s, t: t, next: next}, true
		}
		v, s = then, next
		next++
		t = e.places[h] - base
		e.places[h] = s + base
		if s-t < reach && uint32(v) == load32(p, t) {
			if !e.dense {
				e.places[h] = next + base
			}
			return found{s: s, t: t, next: next}, true
		}
		v, s = then>>8, next
		h = e.of(v)
	}
}

// follow looks for a match where the last one ended.
func (e *single) follow(s int32, last found) (m found, ok bool) {
	p, base := e.bytes, e.base
	if e.dense {
		for i := s - last.length + 2; i < s-5; i += 7 {
			v := load64(p, i)
			e.places[e.of(v)] = base + i
			e.places[e.of(v>>16)] = base + i + 2
			e.places[e.of(v>>32)] = base + i + 4
		}
	}
	v := load64(p, s-2)
	e.places[e.of(v)] = base + s - 2
	if e.dense {
		e.places[e.of(v>>8)] = base + s - 1
	}
	h := e.of(v >> 16)
	t := e.places[h] - base
	e.places[h] = base + s
	return found{s: s, t: t, next: last.next}, s-t <= reach && uint32(v>>16) == load32(p, t)
}
