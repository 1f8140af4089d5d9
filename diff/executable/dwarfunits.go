package executable

import (
	"cmp"
	"context"
	"slices"
)

// pairUnits pairs units by what they are called and where they were built; then
// those that only one unit of either side is called by, wherever it was built.
func (d *dwarfPair) pairUnits(ctx context.Context) error {
	tiles := func(s *dwarfSide, only []int, last bool) []tile {
		out := make([]tile, len(only))
		for k, i := range only {
			u := &s.units[i]
			out[k] = tile{u.off, u.end, hashNumber(u.key, uint64(u.version)<<16|uint64(u.kind)<<8|uint64(u.addr))}
			if last {
				out[k].token = hashNumber(hash(hashStart, u.file), uint64(u.version)<<16|uint64(u.kind)<<8|uint64(u.addr))
			}
		}
		return out
	}
	all := func(n int) []int {
		out := make([]int, n)
		for i := range out {
			out[i] = i
		}
		return out
	}
	onlyA, onlyB := all(len(d.a.units)), all(len(d.b.units))
	for pass := range 2 {
		ta, tb := tiles(d.a, onlyA, pass == 1), tiles(d.b, onlyB, pass == 1)
		count := map[uint64]int{}
		for _, t := range ta {
			count[t.token] += 2
		}
		for _, t := range tb {
			count[t.token] += 1 << 20
		}
		g := &tiling{ctx: ctx}
		restA, restB, err := g.pairs(ta, tb, func(i, j int) bool {
			return ta[i].token == tb[j].token && (pass == 0 || count[ta[i].token] == 1<<20+2)
		}, func(i, j int) {
			d.units = append(d.units, unitPair{a: int32(onlyA[i]), b: int32(onlyB[j])})
		})
		if err != nil {
			return err
		}
		pick := func(from, rest []int) []int {
			out := make([]int, len(rest))
			for k, i := range rest {
				out[k] = from[i]
			}
			return out
		}
		onlyA, onlyB = pick(onlyA, restA), pick(onlyB, restB)
	}
	slices.SortFunc(d.units, func(x, y unitPair) int { return cmp.Compare(x.b, y.b) })
	for _, i := range onlyA {
		d.alone[0] = append(d.alone[0], int32(i))
	}
	for _, j := range onlyB {
		d.alone[1] = append(d.alone[1], int32(j))
	}
	return nil
}
