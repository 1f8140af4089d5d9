package executable

import "slices"

// filled is a place that is written when the program is loaded.
type filled struct {
	at, target, key uint64
	sym             string
}

// filledAt gives what the loader writes at an address.
func (p *program) filledAt(addr uint64) (filled, bool) {
	fs, ok := p.filled()
	i, found := slices.BinarySearchFunc(fs, addr, func(f filled, a uint64) int { return compare(f.at, a) })
	if !ok || !found {
		return filled{}, false
	}
	return fs[i], true
}

// sameFilled reports whether the loader writes the same into n bytes of both
// sides: they may hold nothing in the file.
func (p *pairing) sameFilled(x, y, n uint64, depth int) bool {
	if !p.a.at(x).write && !p.b.at(y).write || p.a.filled == nil || p.b.filled == nil {
		return true
	}
	fa, okA := p.a.filled()
	fb, okB := p.b.filled()
	if !okA || !okB {
		return false
	}
	in := func(fs []filled, from uint64) []filled {
		at := func(f filled, a uint64) int { return compare(f.at, a) }
		i, _ := slices.BinarySearchFunc(fs, from, at)
		j, _ := slices.BinarySearchFunc(fs, from+n, at)
		return fs[i:j]
	}
	ia, ib := in(fa, x), in(fb, y)
	if len(ia) != len(ib) {
		return false
	}
	for i := range ia {
		if ia[i].at-x != ib[i].at-y || ia[i].key != ib[i].key {
			return false
		}
		if ta, tb := ia[i].target, ib[i].target; (ta != 0 || tb != 0) && !p.leads(ta, tb, evidence{}, depth) {
			return false
		}
	}
	return true
}
