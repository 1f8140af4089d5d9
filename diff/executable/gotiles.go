package executable

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/stagescope/stagescope/diff"
)

// tile is a record of a table that is compared record by record.
type tile struct {
	off, end uint64
	token    uint64
}

// tiling compares the records of two contents, table after table.
type tiling struct {
	ctx          context.Context
	a, b         []byte
	open, closed []diff.Hunk
	opened       int // how many were open when the last one was closed
}

// put notes that two ranges differ.
func (g *tiling) put(hs *[]diff.Hunk, a, b diff.Range) {
	if k := len(*hs) - 1; k >= 0 {
		l := &(*hs)[k]
		if l.A.Off+l.A.Len == a.Off && l.B.Off+l.B.Len == b.Off {
			l.A.Len, l.B.Len = l.A.Len+a.Len, l.B.Len+b.Len
			return
		}
	}
	*hs = append(*hs, diff.Hunk{A: a, B: b})
}

// near notes an explained pair of ranges, joined with the last one when only equal
// bytes lie between them.
func (g *tiling) near(a, b diff.Range) {
	const gap = 64
	if k := len(g.closed) - 1; k >= 0 && g.opened == len(g.open) {
		l := &g.closed[k]
		da, db := a.Off-l.A.Off-l.A.Len, b.Off-l.B.Off-l.B.Len
		if da == db && da >= 0 && da <= gap {
			l.A.Len, l.B.Len = a.Off+a.Len-l.A.Off, b.Off+b.Len-l.B.Off
			return
		}
	}
	g.closed, g.opened = append(g.closed, diff.Hunk{A: a, B: b}), len(g.open)
}

func (t tile) rng() diff.Range { return rangeOf(t.off, t.end-t.off) }

// ends gives an empty range where a tile would lie that a side has not.
func ends(ts []tile, i int) diff.Range {
	switch {
	case i < len(ts):
		return rangeOf(ts[i].off, 0)
	case len(ts) > 0:
		return rangeOf(ts[len(ts)-1].end, 0)
	}
	return diff.Range{}
}

// pairs aligns two tables of records: in order, and then those of one token that
// are left in whatever order they come, when same says that they are. It calls back
// for each pair and gives what has none.
func (g *tiling) pairs(ta, tb []tile, same func(i, j int) bool, yield func(i, j int)) (onlyA, onlyB []int, err error) {
	keys := func(ts []tile) []uint64 {
		out := make([]uint64, len(ts))
		for i, t := range ts {
			out[i] = t.token
		}
		return out
	}
	runs, err := alignTokens(g.ctx, keys(ta), keys(tb))
	if err != nil {
		return nil, nil, err
	}
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(ta), b: len(tb)}) {
		for ; ia < r.a; ia++ {
			onlyA = append(onlyA, ia)
		}
		for ; ib < r.b; ib++ {
			onlyB = append(onlyB, ib)
		}
		for k := range r.n {
			if same(r.a+k, r.b+k) {
				yield(r.a+k, r.b+k)
			} else {
				onlyA, onlyB = append(onlyA, r.a+k), append(onlyB, r.b+k)
			}
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
	left := map[uint64][]int{}
	for _, i := range onlyA {
		left[ta[i].token] = append(left[ta[i].token], i)
	}
	var stillB []int
	taken := map[int]bool{}
	for _, j := range onlyB {
		if l := left[tb[j].token]; len(l) > 0 && same(l[0], j) {
			left[tb[j].token], taken[l[0]] = l[1:], true
			yield(l[0], j)
		} else {
			stillB = append(stillB, j)
		}
	}
	return slices.DeleteFunc(onlyA, func(i int) bool { return taken[i] }), stillB, nil
}

// table compares two tables whose records mean the same when same says so. It
// gives the records that one side has alone, which explains decides upon; nil
// explains none.
func (g *tiling) table(ta, tb []tile, same func(i, j int) bool, explains func(i int, isB bool) bool) (onlyA, onlyB []int, err error) {
	partner := make([]int, len(tb))
	for j := range partner {
		partner[j] = -1
	}
	toB := make([]int, len(ta))
	for i := range toB {
		toB[i] = -1
	}
	if _, _, err = g.pairs(ta, tb, same, func(i, j int) { partner[j], toB[i] = i, j }); err != nil {
		return nil, nil, err
	}
	from := len(g.open)
	last := 0 // the record of B after the last one that A's records had in order
	for i := range ta {
		switch j := toB[i]; {
		case j < 0:
			onlyA = append(onlyA, i)
			g.alone(ta[i].rng(), ends(tb, last), explains != nil && explains(i, false))
		case j >= last:
			last = j + 1
			if !bytes.Equal(g.a[ta[i].off:ta[i].end], g.b[tb[j].off:tb[j].end]) {
				g.put(&g.closed, ta[i].rng(), tb[j].rng())
			}
		default: // it went to another place
			g.put(&g.closed, ta[i].rng(), ends(tb, last))
			partner[j] = -2
		}
	}
	last = 0
	for j := range tb {
		switch i := partner[j]; {
		case i == -1:
			onlyB = append(onlyB, j)
			g.alone(ends(ta, last), tb[j].rng(), explains != nil && explains(j, true))
		case i == -2:
			g.put(&g.closed, ends(ta, last), tb[j].rng())
		default:
			last = i + 1
		}
	}
	g.open = append(g.open[:from], replaced(g.open[from:])...)
	return onlyA, onlyB, nil
}

// replaced makes one of what A alone has and what B alone has at the same place.
func replaced(hs []diff.Hunk) []diff.Hunk {
	slices.SortStableFunc(hs, func(x, y diff.Hunk) int { return cmp.Or(cmp.Compare(x.B.Off, y.B.Off), cmp.Compare(x.A.Off, y.A.Off)) })
	var out []diff.Hunk
	for _, h := range hs {
		if k := len(out) - 1; k >= 0 && h.A.Len == 0 && out[k].B.Len == 0 && out[k].B.Off == h.B.Off && (out[k].A.Off == h.A.Off || out[k].A.Off+out[k].A.Len == h.A.Off) {
			out[k].B = h.B
			continue
		}
		out = append(out, h)
	}
	return out
}

func (g *tiling) alone(a, b diff.Range, explained bool) {
	if explained {
		g.put(&g.closed, a, b)
	} else {
		g.put(&g.open, a, b)
	}
}

// equalTiles reports whether two records have equal bytes.
func (g *tiling) equalTiles(ta, tb []tile) func(i, j int) bool {
	return func(i, j int) bool { return bytes.Equal(g.a[ta[i].off:ta[i].end], g.b[tb[j].off:tb[j].end]) }
}

// stringTiles cuts a table into strings, each with the zero byte after it.
func stringTiles(p []byte, from, to uint64) []tile {
	var out []tile
	for off := from; off < to; {
		end := to
		if i := bytes.IndexByte(p[off:to], 0); i >= 0 {
			end = off + uint64(i) + 1
		}
		out = append(out, tile{off, end, hash(hashStart, p[off:end])})
		off = end
	}
	return out
}
