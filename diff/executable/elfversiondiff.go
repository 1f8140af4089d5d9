package executable

import (
	"context"
	"debug/elf"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// dynamicSymbols reads both tables of dynamic symbols; nil when a side has none that
// can be read.
func (e *elfPair) dynamicSymbols() (a, b *symbolsRead, err error) {
	ta, tb := e.a.symbolTable(elf.SHT_DYNSYM), e.b.symbolTable(elf.SHT_DYNSYM)
	if ta == nil || tb == nil || e.a.wide != e.b.wide {
		return nil, nil, nil
	}
	if a, err = e.a.readSymbols(ta); err != nil {
		return nil, nil, err
	}
	b, err = e.b.readSymbols(tb)
	return a, b, err
}

// compareSymbolVersions compares .gnu.version, which has a number for each dynamic
// symbol, symbol by symbol. A number says nothing: what it stands for is compared.
func (e *elfPair) compareSymbolVersions(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
	ra, rb, err := e.dynamicSymbols()
	if err != nil {
		return err
	}
	va, vb := e.a.versions(), e.b.versions()
	if ra == nil || va.odd || vb.odd || len(va.of) != len(ra.syms) || len(vb.of) != len(rb.syms) || a.Size != int64(2*len(va.of)) || b.Size != int64(2*len(vb.of)) {
		if err := x.Binary(ctx, n, a, b); err != nil || ra == nil {
			return err
		}
		e.suspectImports(n, ra, rb)
		return nil
	}
	runs, err := alignTokens(ctx, ra.keys, rb.keys)
	if err != nil {
		return err
	}
	t := e.table()
	var onlyA, onlyB []string
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(ra.syms), b: len(rb.syms)}) {
		if ia < r.a || ib < r.b {
			t.open = append(t.open, diff.Hunk{A: rangeOf(uint64(2*ia), uint64(2*(r.a-ia))), B: rangeOf(uint64(2*ib), uint64(2*(r.b-ib)))})
		}
		for ; ia < r.a; ia++ {
			onlyA = append(onlyA, orNoName(ra.full(ia)))
		}
		for ; ib < r.b; ib++ {
			onlyB = append(onlyB, orNoName(rb.full(ib)))
		}
		for k := range r.n {
			i, j := r.a+k, r.b+k
			if va.of[i] == vb.of[j] {
				continue // by what it is paired, it stands for the same
			}
			h := diff.Hunk{A: rangeOf(uint64(2*i), 2), B: rangeOf(uint64(2*j), 2)}
			if ra.version[i] == rb.version[j] && min(va.of[i], vb.of[j])&^versionHidden > versionGlobal && (va.of[i]^vb.of[j])&versionHidden == 0 {
				t.closed = append(t.closed, h)
				t.follow[fieldVersionNumber]++
				continue
			}
			t.open = append(t.open, h)
			onlyA, onlyB = append(onlyA, orNoName(ra.full(i))), append(onlyB, orNoName(rb.full(j)))
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
	if len(onlyA)+len(onlyB) > 0 {
		t.reason("versions of symbols", someOf(onlyA), someOf(onlyB))
	}
	t.finish(n, []field{{name: fieldVersionNumber}})
	e.suspectImports(n, ra, rb)
	return nil
}

const fieldVersionNumber = "number of a version"

// someOf names the first of many.
func someOf(names []string) string {
	const few = 6
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", and " + plural(len(names)-few, "more")
	}
	return strings.Join(names, ", ")
}

// compareVersionTable compares the records of .gnu.version_r or .gnu.version_d: which
// versions are needed of whom, and which the file has itself.
func (e *elfPair) compareVersionTable(typ elf.SectionType) comparer {
	return func(ctx context.Context, x *diff.Examiner, n *diff.Node, a, b *diff.Input) error {
		va, vb := e.a.versions(), e.b.versions()
		rows := func(v *versions) []versionRow {
			if typ == elf.SHT_GNU_VERNEED {
				return v.needs
			}
			return v.gives
		}
		ra, rb := rows(va), rows(vb)
		if va.odd || vb.odd || ra == nil || rb == nil || sizeOf(ra) != uint64(a.Size) || sizeOf(rb) != uint64(b.Size) || e.a.bigEndian() != e.b.bigEndian() {
			if err := x.Binary(ctx, n, a, b); err != nil {
				return err
			}
			return e.suspectVersions(n)
		}
		pa, pb, err := both(a, b)
		if err != nil {
			return err
		}
		t, err := e.versionRows(ctx, typ, ra, rb, pa, pb)
		if err != nil {
			return err
		}
		t.finish(n, e.versionFields(typ, ra[0]))
		return e.suspectVersions(n)
	}
}

func sizeOf(rows []versionRow) uint64 {
	if len(rows) == 0 {
		return 0
	}
	l := rows[len(rows)-1]
	return l.off + l.size
}

// suspectVersions says which imports have another version, if nothing said it yet.
func (e *elfPair) suspectVersions(n *diff.Node) error {
	ra, rb, err := e.dynamicSymbols()
	if err != nil || ra == nil {
		return err
	}
	e.suspectImports(n, ra, rb)
	return nil
}

// versionRows compares the records, which are paired by names, in order.
func (e *elfPair) versionRows(ctx context.Context, typ elf.SectionType, ra, rb []versionRow, pa, pb []byte) (*tableDiff, error) {
	keys := func(rows []versionRow) []uint64 {
		out := make([]uint64, len(rows))
		for i, r := range rows {
			out[i] = hash(hashNumber(hash(hashNumber(hashStart, r.size), []byte(r.library)), uint64(len(r.library))), []byte(r.name))
			if r.head {
				out[i] = hashNumber(out[i], 1)
			}
		}
		return out
	}
	runs, err := alignTokens(ctx, keys(ra), keys(rb))
	if err != nil {
		return nil, err
	}
	t := e.table()
	name := func(rows []versionRow) string {
		var out []string
		for _, r := range rows {
			out = append(out, r.said(typ))
		}
		return someOf(out)
	}
	ia, ib := 0, 0
	for _, r := range append(runs, run{a: len(ra), b: len(rb)}) {
		if ia < r.a || ib < r.b {
			t.open = append(t.open, diff.Hunk{A: rowsRange(ra, ia, r.a), B: rowsRange(rb, ib, r.b)})
			t.reason("versions", name(ra[ia:r.a]), name(rb[ib:r.b]))
		}
		for k := range r.n {
			x, y := ra[r.a+k], rb[r.b+k]
			if x.head != y.head || x.size != y.size || x.library != y.library || x.name != y.name {
				t.open = append(t.open, diff.Hunk{A: rangeOf(x.off, x.size), B: rangeOf(y.off, y.size)})
				t.reason("versions", x.said(typ), y.said(typ))
				continue
			}
			t.entry(x.said(typ)+": ", e.versionFields(typ, x), pa[x.off:x.off+x.size], pb[y.off:y.off+y.size], x.off, y.off)
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
	return t, nil
}

func rowsRange(rows []versionRow, from, to int) diff.Range {
	off := sizeOf(rows)
	if from < len(rows) {
		off = rows[from].off
	}
	if to == from {
		return rangeOf(off, 0)
	}
	return rangeOf(off, sizeOf(rows[:to])-off)
}

// said names a record.
func (r versionRow) said(typ elf.SectionType) string {
	switch {
	case typ == elf.SHT_GNU_VERNEED && r.head:
		return "versions of " + orNoName(r.library)
	case typ == elf.SHT_GNU_VERNEED:
		return r.name + " of " + orNoName(r.library)
	case r.head || r.name == r.library:
		return r.name
	}
	return r.library + " after " + r.name
}

// versionFields are those of a record. Its place in the list was checked, its names
// are what it is paired by, how many follow is seen in those that do, and what its
// number stands for is compared for each symbol that has it, if the symbols' numbers
// differ as well: where they are equal, they stand for something else.
func (e *elfPair) versionFields(typ elf.SectionType, r versionRow) []field {
	place, next := field{name: "place of a name", n: 4, follows: always}, field{name: "place of the next", n: 4, follows: always}
	count := field{name: "how many versions follow", n: 2, follows: always}
	number := field{name: fieldVersionNumber, n: 2, follows: func(_, _ uint64) bool { return !slices.Equal(e.a.versions().of, e.b.versions().of) }}
	version, flags, hash := field{name: "version of the format", n: 2}, field{name: "flags", n: 2}, field{name: "hash of the name", n: 4}
	first := field{name: "place of the first", n: 4}
	switch {
	case typ == elf.SHT_GNU_VERNEED && r.head:
		return layout(true, version, count, place, first, next)
	case typ == elf.SHT_GNU_VERNEED:
		return layout(true, hash, flags, number, place, next)
	case r.head:
		return layout(true, version, flags, number, count, hash, first, next)
	}
	return layout(true, place, next)
}
