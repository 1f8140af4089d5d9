package executable

import (
	"cmp"
	"slices"
	"sort"

	"github.com/stagescope/stagescope/diff"
)

// bodyMap says which function of A's region is which of B's. A function is held
// in memory only while it is looked at.
type bodyMap struct {
	a, b     []body
	toB, toA []int32 // the number of the partner; -1 for none
	moved    []bool  // by A's numbers: it is in another order
	recent   []recentPair
	// level are the pairs, by A's numbers, whose instructions lie at the same offsets
	// and are the same but for addresses; it is known once all were looked at.
	level []bool
}

// recentPair is a pair of functions that was aligned a short while ago.
type recentPair struct {
	a int32
	w *window
}

// mapBodies pairs the functions of two regions: by name; of the others, those
// that are equal but for addresses, in order; then those that are alike.
func (p *pairing) mapBodies(al *aligned) (*bodyMap, error) {
	m := &bodyMap{}
	var err error
	if m.a, err = p.a.bodies(p.ctx, al.a); err != nil {
		return nil, err
	}
	if m.b, err = p.b.bodies(p.ctx, al.b); err != nil {
		return nil, err
	}
	if len(m.a) == 0 || len(m.b) == 0 {
		return nil, nil
	}
	m.toB, m.toA = none(len(m.a)), none(len(m.b))
	m.byName()
	if err := m.byCode(p, al); err != nil {
		return nil, err
	}
	m.order()
	if err := m.byLikeness(p, al); err != nil {
		return nil, err
	}
	m.order()
	return m, nil
}

func none(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = -1
	}
	return out
}

func (m *bodyMap) pair(i, j int) { m.toB[i], m.toA[j] = int32(j), int32(i) }

// byName pairs functions of one name. Several of one name are paired in order
// when both sides have equally many.
func (m *bodyMap) byName() {
	sorted := func(bs []body) []int32 {
		var out []int32
		for i, b := range bs {
			if b.key != 0 {
				out = append(out, int32(i))
			}
		}
		slices.SortStableFunc(out, func(x, y int32) int { return cmp.Compare(bs[x].key, bs[y].key) })
		return out
	}
	sa, sb := sorted(m.a), sorted(m.b)
	for len(sa) > 0 && len(sb) > 0 {
		key := min(m.a[sa[0]].key, m.b[sb[0]].key)
		na, nb := 0, 0
		for na < len(sa) && m.a[sa[na]].key == key {
			na++
		}
		for nb < len(sb) && m.b[sb[nb]].key == key {
			nb++
		}
		if na == nb {
			for k := range na {
				m.pair(int(sa[k]), int(sb[k]))
			}
		}
		sa, sb = sa[na:], sb[nb:]
	}
}

// left gives the functions that have no partner.
func left(to []int32) []int {
	var out []int
	for i, j := range to {
		if j < 0 {
			out = append(out, i)
		}
	}
	return out
}

// byCode pairs functions that are equal but for addresses: in order, and then
// those that no other is equal to.
func (m *bodyMap) byCode(p *pairing, al *aligned) error {
	la, lb := left(m.toB), left(m.toA)
	if len(la) == 0 || len(lb) == 0 {
		return nil
	}
	ka, err := p.a.bodyHashes(p, al.a, m.a, la)
	if err != nil {
		return err
	}
	kb, err := p.b.bodyHashes(p, al.b, m.b, lb)
	if err != nil {
		return err
	}
	runs, err := alignTokens(p.ctx, ka, kb)
	if err != nil {
		return err
	}
	for _, r := range runs {
		for k := range r.n {
			m.pair(la[r.a+k], lb[r.b+k])
		}
	}
	once := func(ids []int, to []int32, keys []uint64) map[uint64]int {
		out := map[uint64]int{}
		for k, i := range ids {
			if to[i] >= 0 {
				continue
			}
			if _, ok := out[keys[k]]; ok {
				out[keys[k]] = -1
			} else {
				out[keys[k]] = i
			}
		}
		return out
	}
	ob := once(lb, m.toA, kb)
	for h, i := range once(la, m.toB, ka) {
		if j, ok := ob[h]; ok && i >= 0 && j >= 0 {
			m.pair(i, j)
		}
	}
	return nil
}

// bodyHashes hashes functions without the addresses that they hold, and without
// the padding after them. Few instructions are equal in too many functions: those
// are told apart by their names as well.
func (of *program) bodyHashes(p *pairing, r *region, bs []body, ids []int) ([]uint64, error) {
	const few = 6
	var s stream
	out := make([]uint64, len(ids))
	for k, i := range ids {
		if err := p.ctx.Err(); err != nil {
			return nil, err
		}
		if err := of.decodeBody(r, bs[i], &s); err != nil {
			return nil, err
		}
		n := len(s.ins)
		for n > 0 && s.ins[n-1].flow == flowPad && s.ins[n-1].kind == insCode {
			n--
		}
		h := uint64(hashStart)
		for _, t := range s.tokens[:n] {
			h = hashNumber(h, t)
		}
		if n < few {
			h = hashNumber(h, bs[i].key)
		}
		out[k] = h
	}
	return out, nil
}

// order finds which pairs are in another order than most.
func (m *bodyMap) order() {
	var pairs []run
	for j, i := range m.toA {
		if i >= 0 {
			pairs = append(pairs, run{a: int(i), b: j})
		}
	}
	m.moved = make([]bool, len(m.a))
	for _, r := range pairs {
		m.moved[r.a] = true
	}
	for _, r := range diff.Rising(pairs, func(r run) int { return r.a }) {
		m.moved[r.a] = false
	}
}

// byLikeness pairs what is left between two pairs that are in order.
func (m *bodyMap) byLikeness(p *pairing, al *aligned) error {
	j := 0
	for i := 0; i < len(m.a); {
		if m.toB[i] >= 0 && !m.moved[i] {
			j = int(m.toB[i]) + 1
			i++
			continue
		}
		var as, bs []int
		for ; i < len(m.a) && (m.toB[i] < 0 || m.moved[i]); i++ {
			if m.toB[i] < 0 {
				as = append(as, i)
			}
		}
		for ; j < len(m.b) && (m.toA[j] < 0 || m.moved[m.toA[j]]); j++ {
			if m.toA[j] < 0 {
				bs = append(bs, j)
			}
		}
		if err := m.alike(p, al, as, bs); err != nil {
			return err
		}
	}
	return nil
}

// chunk bounds the functions of a side that are compared each with each.
const chunk = 128

func (m *bodyMap) alike(p *pairing, al *aligned, as, bs []int) error {
	parts := (max(len(as), len(bs)) + chunk - 1) / chunk
	for k := range parts {
		ca := as[len(as)*k/parts : len(as)*(k+1)/parts]
		cb := bs[len(bs)*k/parts : len(bs)*(k+1)/parts]
		if len(ca) == 0 || len(cb) == 0 {
			continue
		}
		if err := p.ctx.Err(); err != nil {
			return err
		}
		fa, err := p.bodyFeatures(p.a, al.a, m.a, ca)
		if err != nil {
			return err
		}
		fb, err := p.bodyFeatures(p.b, al.b, m.b, cb)
		if err != nil {
			return err
		}
		for _, c := range alike(fa, fb) {
			m.pair(ca[c[0]], cb[c[1]])
		}
	}
	return nil
}

func (p *pairing) bodyFeatures(of *program, r *region, bs []body, ids []int) ([]features, error) {
	var s stream
	out := make([]features, 0, len(ids))
	for _, i := range ids {
		if err := of.decodeBody(r, bs[i], &s); err != nil {
			return nil, err
		}
		f := features{key: bs[i].key}
		f.count(of, r, &s, 0, len(s.ins))
		out = append(out, f)
	}
	return out, nil
}

// find gives the function that holds an offset.
func find(bs []body, off uint32) (int, bool) {
	i := sort.Search(len(bs), func(i int) bool { return bs[i].end > off })
	return i, i < len(bs) && bs[i].off <= off
}

// same reports whether an offset of A's region and one of B's are the same place:
// where two functions that are paired begin, or the same instruction in them.
func (m *bodyMap) same(p *pairing, al *aligned, a, b uint64) bool {
	if a >= al.a.size || b >= al.b.size {
		return a == al.a.size && b == al.b.size
	}
	i, ok := find(m.a, uint32(a))
	if !ok || m.toB[i] < 0 {
		return false
	}
	fa, fb := m.a[i], m.b[m.toB[i]]
	if a == uint64(fa.off) || b == uint64(fb.off) {
		return a == uint64(fa.off) && b == uint64(fb.off)
	}
	if b < uint64(fb.off) || b >= uint64(fb.end) {
		return false
	}
	if m.level != nil && m.level[i] {
		return a-uint64(fa.off) == b-uint64(fb.off)
	}
	w := m.window(p, al, int32(i))
	return w != nil && w.same(a, b)
}

// maxRecent bounds the pairs of functions whose instructions are held.
const maxRecent = 16

// window aligns the instructions of a pair of functions; nil when they can not be
// read.
func (m *bodyMap) window(p *pairing, al *aligned, i int32) *window {
	for k, r := range m.recent {
		if r.a == i {
			copy(m.recent[1:k+1], m.recent[:k])
			m.recent[0] = r
			return r.w
		}
	}
	w := &window{}
	if p.a.decodeBody(al.a, m.a[i], &w.a) != nil || p.b.decodeBody(al.b, m.b[m.toB[i]], &w.b) != nil || w.pair(p) != nil {
		w = nil
	}
	if len(m.recent) < maxRecent {
		m.recent = append(m.recent, recentPair{})
	}
	copy(m.recent[1:], m.recent)
	m.recent[0] = recentPair{i, w}
	return w
}

// level reports whether all instructions are paired, and each with the one at its
// own offset.
func (w *window) level() bool {
	if len(w.a.ins) != len(w.b.ins) || len(w.runs) != 1 || w.runs[0] != (run{n: len(w.a.ins)}) {
		return false
	}
	for i := range w.a.ins {
		if w.a.ins[i].off != w.b.ins[i].off {
			return false
		}
	}
	return true
}

// pair aligns the instructions of a window that is one function on each side.
func (w *window) pair(p *pairing) error {
	rs, err := alignTokens(p.ctx, w.a.tokens, w.b.tokens)
	if err != nil {
		return err
	}
	w.runs, w.startsA, w.startsB = rs, []int{0}, []int{0}
	return nil
}
