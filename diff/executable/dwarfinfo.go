package executable

import (
	"bytes"
	"cmp"
	"context"
	"debug/dwarf"
	"fmt"
	"slices"
	"strings"

	"github.com/stagescope/stagescope/diff"
)

// maxEntries bounds the entries of a unit.
const maxEntries = 1 << 23

// entryTile is an entry, and what it is called by.
type entryTile struct {
	entry
	token uint64
}

// entries reads the entries of a unit: the first is its header. Where addresses
// and lists begin is noted. Only the attributes that name an entry, or lead to a list,
// are read; it is when two entries are compared that all of them are.
// The memory of those of another unit is used again.
func (d *dwarfPair) entries(s *dwarfSide, i int32, again []entryTile) ([]entryTile, bool) {
	u := &s.units[i]
	out := append(slices.Grow(again[:0], 1+int((u.end-u.off)/32)), entryTile{entry: entry{off: u.off, values: u.off, end: u.die}})
	for off := u.die; off < u.end; {
		e, c, ok := s.begin(u, off)
		if !ok || len(out) > maxEntries {
			return nil, false
		}
		token := uint64(hashStart)
		if e.abbrev != nil {
			token = e.abbrev.shape
			for _, a := range e.abbrev.attrs {
				if !a.looked {
					s.skip(&c, u, a.form)
					continue
				}
				v, ok := s.value(u, a, c.at)
				if !ok {
					return nil, false
				}
				if c.at = v.end; a.name == attrLow || a.name == attrName || a.name == attrLinkage {
					// The unit's own name is a path; units are paired already.
					if off != u.die || a.name != attrName {
						token = d.called(s, token, a.name, v)
					}
				} else {
					s.noteList(u, i, v)
				}
			}
		}
		if e.close(&c, u); c.bad || e.end <= off {
			return nil, false
		}
		out = append(out, entryTile{e, hashNumber(token, uint64(e.nulls))})
		off = e.end
	}
	return out, true
}

// called adds to a token what an attribute calls an entry: its name, or the place of
// its code.
func (d *dwarfPair) called(s *dwarfSide, token uint64, name uint32, v value) uint64 {
	if name != attrLow {
		return hash(hashNumber(token, uint64(name)), v.text)
	}
	if v.class == classAddr || v.class == classAddrIndex {
		if id, ok := d.p.identity(v.n, s.isB); ok {
			return hashNumber(token, id)
		}
	}
	return token
}

// spans gives where the entries of a unit lie, as entries does.
func (s *dwarfSide) spans(i int32, again []entry) ([]entry, bool) {
	u := &s.units[i]
	out := append(slices.Grow(again[:0], 1+int((u.end-u.off)/32)), entry{off: u.off, values: u.off, end: u.die})
	for off := u.die; off < u.end; {
		e, ok := s.entry(u, off)
		if !ok || len(out) > maxEntries || e.end <= off {
			return nil, false
		}
		out = append(out, e)
		off = e.end
	}
	return out, true
}

// noteList notes where a list begins.
func (s *dwarfSide) noteList(u *dwarfUnit, i int32, v value) {
	name := ""
	switch {
	case v.class == classRanges && u.version >= 5:
		name = "rnglists"
	case v.class == classRanges:
		name = "ranges"
	case (v.class == classPlaces || v.class == classViews) && u.version >= 5:
		name = "loclists"
	case v.class == classPlaces || v.class == classViews:
		name = "loc"
	default:
		return
	}
	s.lists[name] = append(s.lists[name], dwarfList{v.n, i, v.class == classViews})
}

// collectLists notes the lists of a unit that has no partner.
func (s *dwarfSide) collectLists(i int32) bool {
	u := &s.units[i]
	for off := u.die; off < u.end; {
		e, ok := s.entry(u, off)
		if !ok || e.end <= off {
			return false
		}
		at := e.values
		for _, a := range attributesOf(e) {
			v, ok := s.value(u, a, at)
			if !ok {
				return false
			}
			at = v.end
			s.noteList(u, i, v)
		}
		off = e.end
	}
	return true
}

func (s *dwarfSide) sortLists() {
	for name, l := range s.lists {
		slices.SortFunc(l, func(x, y dwarfList) int {
			return cmp.Or(cmp.Compare(x.off, y.off), cmp.Compare(x.unit, y.unit), cmp.Compare(c1(x.raw), c1(y.raw)))
		})
		s.lists[name] = slices.CompactFunc(l, func(x, y dwarfList) bool { return x.off == y.off })
	}
}

// pairEntries aligns the entries of two units.
func (d *dwarfPair) pairEntries(ctx context.Context, u *unitPair) (bool, error) {
	ea, okA := d.entries(d.a, u.a, d.tiles[0])
	eb, okB := d.entries(d.b, u.b, d.tiles[1])
	if !okA || !okB {
		return false, nil
	}
	d.tiles = [2][]entryTile{ea, eb}
	keys := func(es []entryTile) []uint64 {
		out := make([]uint64, len(es))
		for i, e := range es {
			out[i] = e.token
		}
		return out
	}
	var err error
	if u.runs, err = alignTokens(ctx, keys(ea), keys(eb)); err != nil {
		return false, err
	}
	m := d.places["info"]
	for _, r := range u.runs {
		for k := range r.n {
			x, y := ea[r.a+k], eb[r.b+k]
			m.pair(tile{off: x.off, end: x.end}, tile{off: y.off, end: y.end})
		}
	}
	return true, nil
}

// infoDiff compares the entries of pairs of units.
type infoDiff struct {
	d     *dwarfPair
	g     *tiling
	said  map[string]*goSaid // by the name of the attribute
	only  [2]goSaid
	spans [2][]entry // of the unit that is compared
}

// info compares .debug_info.
func (d *dwarfPair) info(g *tiling, r *dwarfResult) error {
	c := &infoDiff{d: d, g: g, said: map[string]*goSaid{}}
	lastA, lastB := uint64(0), uint64(0)
	alone := [2]map[uint64]bool{{}, {}}
	for side, s := range []*dwarfSide{d.a, d.b} {
		for _, i := range d.alone[side] {
			alone[side][s.units[i].off] = true
		}
	}
	for k := range d.units {
		if err := g.ctx.Err(); err != nil {
			return err
		}
		u := &d.units[k]
		c.unit(u)
		lastA, lastB = d.a.units[u.a].end, d.b.units[u.b].end
	}
	for _, i := range d.alone[0] {
		u := &d.a.units[i]
		c.only[0].add("unit", "", "")
		g.put(&g.open, rangeOf(u.off, u.end-u.off), rangeOf(lastB, 0))
	}
	for _, i := range d.alone[1] {
		u := &d.b.units[i]
		c.only[1].add("unit", "", "")
		g.put(&g.open, rangeOf(lastA, 0), rangeOf(u.off, u.end-u.off))
	}
	r.reasons, r.what = c.reasons(), "places of strings, code, types and lists that moved"
	return nil
}

// unit compares the entries of a pair of units.
func (c *infoDiff) unit(u *unitPair) {
	d := c.d
	ua, ub := &d.a.units[u.a], &d.b.units[u.b]
	ea, okA := d.a.spans(u.a, c.spans[0])
	eb, okB := d.b.spans(u.b, c.spans[1])
	if !okA || !okB {
		c.g.put(&c.g.open, rangeOf(ua.off, ua.end-ua.off), rangeOf(ub.off, ub.end-ub.off))
		return
	}
	c.spans = [2][]entry{ea, eb}
	ia, ib := 0, 0
	place := func(es []entry, i int, end uint64) diff.Range {
		if i < len(es) {
			end = es[i].off
		}
		return rangeOf(end, 0)
	}
	for _, r := range append(slices.Clone(u.runs), run{a: len(ea), b: len(eb)}) {
		for ; ia < r.a; ia++ {
			c.g.put(&c.g.open, rangeOf(ea[ia].off, ea[ia].end-ea[ia].off), place(eb, ib, ub.end))
			c.only[0].add(d.a.entryName(ua, ea[ia]), "", "")
		}
		for ; ib < r.b; ib++ {
			c.g.put(&c.g.open, place(ea, ia, ua.end), rangeOf(eb[ib].off, eb[ib].end-eb[ib].off))
			c.only[1].add(d.b.entryName(ub, eb[ib]), "", "")
		}
		for k := range r.n {
			if i, j := r.a+k, r.b+k; i == 0 {
				c.head(ua, ub)
			} else {
				c.entry(ua, ub, ea[i], eb[j])
			}
		}
		ia, ib = r.a+r.n, r.b+r.n
	}
}

// head compares the headers of two units: their length and the place of their
// declarations were followed; all else has to be equal.
func (c *infoDiff) head(ua, ub *dwarfUnit) {
	pa, pb := c.g.a[ua.off:ua.die], c.g.b[ub.off:ub.die]
	if bytes.Equal(pa, pb) {
		return
	}
	// What lies behind the length is the version; the declarations' place is the only
	// other number that may differ.
	mask := func(p []byte, u *dwarfUnit) []byte {
		p = bytes.Clone(p)
		size, at := 4, 4
		if u.wide {
			size, at = 8, 12
		}
		clear(p[:at])
		if at += 2; u.version == 5 {
			at += 2
		}
		clear(p[at : at+size])
		return p
	}
	same := ua.wide == ub.wide && bytes.Equal(mask(pa, ua), mask(pb, ub))
	if !same {
		c.note("header of the unit", "", "", "")
	}
	c.g.alone(rangeOf(ua.off, ua.die-ua.off), rangeOf(ub.off, ub.die-ub.off), same)
}

// entry compares two entries attribute by attribute.
func (c *infoDiff) entry(ua, ub *dwarfUnit, x, y entry) {
	s, t := c.d.a, c.d.b
	if x.abbrev == nil || y.abbrev == nil {
		c.bytes(x.off, x.end, y.off, y.end, (x.abbrev == nil) == (y.abbrev == nil) && x.nulls == y.nulls)
		return
	}
	if x.abbrev.shape != y.abbrev.shape || x.nulls != y.nulls || len(x.abbrev.attrs) != len(y.abbrev.attrs) {
		c.bytes(x.off, x.end, y.off, y.end, false)
		return
	}
	c.bytes(x.off, x.values, y.off, y.values, x.abbrev.tag == y.abbrev.tag && x.abbrev.children == y.abbrev.children)
	atA, atB := x.values, y.values
	var low [2]uint64
	for i, a := range x.abbrev.attrs {
		b := y.abbrev.attrs[i]
		va, okA := s.value(ua, a, atA)
		vb, okB := t.value(ub, b, atB)
		if !okA || !okB {
			c.bytes(atA, x.end, atB, y.end, false)
			return
		}
		if a.name == attrLow {
			low = [2]uint64{va.n, vb.n}
		}
		same := a.name == b.name && va.padded == vb.padded && c.sameValue(ua, ub, a.name, va, vb, low)
		c.bytes(va.at, va.end, vb.at, vb.end, same)
		if !same || va.class == classText && a.name != attrDir && a.name != attrProducer && !c.d.sameWords(va.text, vb.text) {
			c.note(attributeName(a.name), s.entryName(ua, x), show(va), show(vb))
		}
		atA, atB = va.end, vb.end
	}
}

// bytes notes two ranges.
func (c *infoDiff) bytes(a, endA, b, endB uint64, same bool) {
	equal := bytes.Equal(c.g.a[a:endA], c.g.b[b:endB])
	switch {
	case same && equal || a == endA && b == endB:
	case same:
		c.g.near(rangeOf(a, endA-a), rangeOf(b, endB-b))
	default:
		c.g.put(&c.g.open, rangeOf(a, endA-a), rangeOf(b, endB-b))
	}
}

func (c *infoDiff) note(field, name, a, b string) {
	s := c.said[field]
	if s == nil {
		s = &goSaid{}
		c.said[field] = s
	}
	s.add(name, a, b)
}

func attributeName(name uint32) string {
	switch name {
	case attrDeclLine, attrCallLine, attrColumn, attrCallCol:
		return "line numbers"
	case attrFile, attrCallFile:
		return "source files"
	case attrName, attrLinkage:
		return "names"
	case 0x49:
		return "types"
	case 0x2904:
		return "run-time types"
	}
	return dwarf.Attr(name).String()
}

func show(v value) string {
	switch v.class {
	case classText:
		return short(string(v.text))
	case classNumber:
		return fmt.Sprint(v.n)
	}
	return ""
}

// entryName is what an entry is, and its name.
func (s *dwarfSide) entryName(u *dwarfUnit, e entry) string {
	if e.abbrev == nil {
		return "end"
	}
	tag := strings.ToLower(dwarf.Tag(e.abbrev.tag).String())
	at := e.values
	for _, a := range e.abbrev.attrs {
		v, ok := s.value(u, a, at)
		if !ok {
			break
		}
		if at = v.end; a.name == attrName && len(v.text) > 0 {
			return tag + " " + short(string(v.text))
		}
	}
	return tag
}

// reasons says what differs, in a fixed order.
func (c *infoDiff) reasons() []diff.Reason {
	var out []diff.Reason
	say := func(s *goSaid) string {
		if s.n == 0 {
			return ""
		}
		more := ""
		if s.n > len(s.first) {
			more = ", …"
		}
		return fmt.Sprintf("%d: %s%s", s.n, strings.Join(s.first, "; "), more)
	}
	if c.only[0].n+c.only[1].n > 0 {
		out = append(out, diff.Reason{Field: "entries", A: say(&c.only[0]), B: say(&c.only[1])})
	}
	fields := make([]string, 0, len(c.said))
	for f := range c.said {
		fields = append(fields, f)
	}
	slices.Sort(fields)
	for _, f := range fields {
		s := c.said[f]
		of := "entries"
		if s.n == 1 {
			of = "entry"
		}
		r := diff.Reason{Field: fmt.Sprintf("%s of %d %s, first of %s", f, s.n, of, s.first[0]), A: s.va, B: s.vb}
		if s.first[0] == "" {
			r.Field = fmt.Sprintf("%s of %d %s", f, s.n, of)
		}
		out = append(out, r)
	}
	return out
}
