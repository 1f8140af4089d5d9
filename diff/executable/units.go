package executable

import (
	"slices"
)

// unit is a function, or what lies before the first: instructions of a stream.
type unit struct {
	from, to, end int // to is without the padding that follows up to end
	hash          uint64
}

// units cuts a stream where functions begin.
func units(s *stream, starts []int) []unit {
	var out []unit
	add := func(from, end int) {
		if from == end {
			return
		}
		u := unit{from: from, to: end, end: end, hash: hashStart}
		for u.to > from && s.ins[u.to-1].flow == flowPad && s.ins[u.to-1].kind == insCode {
			u.to--
		}
		for _, t := range s.tokens[from:u.to] {
			u.hash = hashNumber(u.hash, t)
		}
		out = append(out, u)
	}
	last := 0
	for _, at := range starts {
		add(last, at)
		last = at
	}
	add(last, len(s.ins))
	return out
}

// maxPairs bounds the pairs of functions that are compared for likeness.
const maxPairs = 1 << 14

// matcher aligns the functions of a window, and then their instructions.
type matcher struct {
	p      *pairing
	al     *aligned
	w      *window
	ua, ub []unit
}

// align aligns a window: functions that are equal but for addresses, in order;
// then those that are elsewhere; then those that are alike; last, instruction by
// instruction.
func (m *matcher) align() error {
	m.ua, m.ub = units(&m.w.a, m.w.startsA), units(&m.w.b, m.w.startsB)
	keys := func(us []unit) []uint64 {
		out := make([]uint64, len(us))
		for i, u := range us {
			out[i] = u.hash
		}
		return out
	}
	runs, err := alignTokens(m.p.ctx, keys(m.ua), keys(m.ub))
	if err != nil {
		return err
	}
	type gap struct{ a0, a1, b0, b1 int }
	var gaps []gap
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(m.ua), b: len(m.ub)}) {
		gaps = append(gaps, gap{ia, r.a, ib, r.b})
		ia, ib = r.a+r.n, r.b+r.n
	}
	movedA, movedB := m.elsewhere(runs)
	for k, g := range gaps {
		if k > 0 {
			r := runs[k-1]
			for i := range r.n {
				if err := m.unit(&m.ua[r.a+i], &m.ub[r.b+i]); err != nil {
					return err
				}
			}
		}
		if err := m.gap(notTaken(g.a0, g.a1, movedA), notTaken(g.b0, g.b1, movedB)); err != nil {
			return err
		}
	}
	slices.SortFunc(m.w.moved, func(x, y run) int { return x.a - y.a })
	return nil
}

func notTaken(from, to int, taken map[int]bool) []int {
	var out []int
	for i := from; i < to; i++ {
		if !taken[i] {
			out = append(out, i)
		}
	}
	return out
}

// put adds runs of instructions.
func (m *matcher) put(rs []run) {
	for _, r := range rs {
		if k := len(m.w.runs) - 1; k >= 0 {
			if l := &m.w.runs[k]; l.a+l.n == r.a && l.b+l.n == r.b {
				l.n += r.n
				continue
			}
		}
		m.w.runs = append(m.w.runs, r)
	}
}

// unit aligns the instructions of two functions, with the padding after them.
func (m *matcher) unit(a, b *unit) error {
	rs, err := m.inner(a, b)
	m.put(rs)
	return err
}

func (m *matcher) inner(a, b *unit) ([]run, error) {
	rs, err := alignTokens(m.p.ctx, m.w.a.tokens[a.from:a.end], m.w.b.tokens[b.from:b.end])
	for i := range rs {
		rs[i].a, rs[i].b = rs[i].a+a.from, rs[i].b+b.from
	}
	return rs, err
}

// elsewhere finds functions that are out of order: those that no other is equal
// to, and, of those that changed, the ones that symbols name.
func (m *matcher) elsewhere(runs []run) (movedA, movedB map[int]bool) {
	movedA, movedB = map[int]bool{}, map[int]bool{}
	inA, inB := make([]bool, len(m.ua)), make([]bool, len(m.ub))
	for _, r := range runs {
		for i := range r.n {
			inA[r.a+i], inB[r.b+i] = true, true
		}
	}
	loose := func(us []unit, in []bool) map[uint64]int {
		out := map[uint64]int{}
		for i, u := range us {
			if in[i] || u.to-u.from < 3 {
				continue
			}
			if _, ok := out[u.hash]; ok {
				out[u.hash] = -1
			} else {
				out[u.hash] = i
			}
		}
		return out
	}
	lb := loose(m.ub, inB)
	for h, i := range loose(m.ua, inA) {
		j, ok := lb[h]
		if !ok || i < 0 || j < 0 {
			continue
		}
		a, b := m.ua[i], m.ub[j]
		if slices.Equal(m.w.a.tokens[a.from:a.to], m.w.b.tokens[b.from:b.to]) {
			movedA[i], movedB[j] = true, true
			m.w.moved = append(m.w.moved, run{a.from, b.from, a.to - a.from})
		}
	}
	return movedA, movedB
}

// gap aligns functions that lie between two that are equal.
func (m *matcher) gap(as, bs []int) error {
	if len(as) == 0 || len(bs) == 0 {
		return nil
	}
	if len(as) == 1 && len(bs) == 1 {
		return m.unit(&m.ua[as[0]], &m.ub[bs[0]])
	}
	if len(as)*len(bs) > maxPairs {
		// Too many to compare each with each: their instructions in order.
		first, last := m.ua[as[0]], m.ua[as[len(as)-1]]
		other, end := m.ub[bs[0]], m.ub[bs[len(bs)-1]]
		return m.unit(&unit{from: first.from, end: last.end}, &unit{from: other.from, end: end.end})
	}
	for _, c := range alike(m.features(as, false), m.features(bs, true)) {
		if err := m.unit(&m.ua[as[c[0]]], &m.ub[bs[c[1]]]); err != nil {
			return err
		}
	}
	return nil
}

// enough is how alike two functions must be to be one that was changed.
const enough = 0.4

// alike pairs functions in order so that the sum of their likeness is greatest.
func alike(fa, fb []features) [][2]int {
	w := len(fb) + 1
	best := make([]float64, (len(fa)+1)*w)
	like := make([]float64, len(fa)*len(fb))
	for i := len(fa) - 1; i >= 0; i-- {
		for j := len(fb) - 1; j >= 0; j-- {
			l := likeness(&fa[i], &fb[j])
			like[i*len(fb)+j] = l
			best[i*w+j] = max(best[(i+1)*w+j], best[i*w+j+1])
			if l >= enough {
				best[i*w+j] = max(best[i*w+j], best[(i+1)*w+j+1]+l)
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(fa) && j < len(fb); {
		l := like[i*len(fb)+j]
		switch {
		case l >= enough && best[i*w+j] == best[(i+1)*w+j+1]+l:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case best[i*w+j] == best[(i+1)*w+j]:
			i++
		default:
			j++
		}
	}
	return out
}

// features of a function: how often it has each instruction, what its data say,
// and its name.
type features struct {
	times map[uint64]int
	sum   int
	key   uint64 // the hash of its name; 0 when it has none
}

// weight is what a text or an import counts, in instructions.
const (
	weight  = 4
	maxFeat = 4096 // instructions of a function that are looked at
)

func (m *matcher) features(is []int, b bool) []features {
	of, r, s, us := m.p.a, m.al.a, &m.w.a, m.ua
	if b {
		of, r, s, us = m.p.b, m.al.b, &m.w.b, m.ub
	}
	var addrs []uint64
	for _, i := range is {
		addrs = append(addrs, r.addr+s.begin(us[i].from))
	}
	near := of.nearest(m.p.ctx, addrs)
	out := make([]features, 0, len(is))
	for k, i := range is {
		var f features
		if sym, ok := near[addrs[k]]; ok && sym.addr == addrs[k] {
			if name := sym.name(); name != "" {
				f.key = hash(hashStart, []byte(name))
			}
		}
		f.count(of, r, s, us[i].from, us[i].to)
		out = append(out, f)
	}
	return out
}

// count counts a stretch of instructions.
func (f *features) count(of *program, r *region, s *stream, from, to int) {
	f.times = map[uint64]int{}
	for j := from; j < min(to, from+maxFeat); j++ {
		f.times[s.tokens[j]]++
		f.sum++
		for _, t := range targets(of, r, s, j) {
			text := of.foreign(t)
			if text == "" {
				text = of.textAt(t)
			}
			if text != "" {
				f.times[hash(hashStart, []byte(text))] += weight
				f.sum += weight
			}
		}
	}
}

// likeness is between 0 and 1, and more for functions of one name.
func likeness(a, b *features) float64 {
	if a.key != 0 && b.key != 0 {
		if a.key == b.key {
			return 2
		}
		return 0
	}
	common := 0
	for k, n := range a.times {
		common += min(n, b.times[k])
	}
	return 2 * float64(common) / float64(max(a.sum+b.sum, 1))
}
