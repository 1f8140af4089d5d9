package diff

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// unread adds a pair of which one side, or a part of it, could not be read: it
// is never the same, and differs only where that could be seen.
func (m *matching) unread(a, b *member) {
	if m.skip(a.Name) {
		a.body.release()
		b.body.release()
		return
	}
	n := &Node{Kind: KindEntry, Name: a.Name, Status: Unreadable, A: a.side(true), B: b.side(true)}
	if a.Fields != nil && b.Fields != nil {
		rs, fa, fb := m.reasons(a, b)
		n.Reasons = rs
		suspectEntry(n, fa, fb)
	}
	for i, e := range []*member{a, b} {
		if e.Unread != "" && !e.cut {
			n.note("side " + "AB"[i:i+1] + ": " + e.Unread)
		}
	}
	n.differsByReasons()
	n.settle()
	m.tell(n, true)
	at, ok := m.add(a.key, n)
	if !ok || m.x.o.Lazy || !a.cut && !b.cut || !a.hasBody() || !b.hasBody() {
		for i, e := range []*member{a, b} {
			if e.cut {
				n.note("side " + "AB"[i:i+1] + ": " + e.Unread)
			}
		}
		a.body.release()
		b.body.release()
		return
	}
	m.fail(m.cutMember(at, n, a, b))
	n.differsByReasons()
	n.settle()
}

// differsByReasons says of what could not be read that it differs all the same.
func (n *Node) differsByReasons() {
	if len(n.Reasons) > 0 {
		n.Status = Differs
	}
	n.Capped = n.Capped || n.Status == Differs
}

// lonely makes nodes of members that the other side does not have. Nothing is
// said of them when that was not read to its end: they may come yet.
func (m *matching) lonely(ended [2]bool) {
	for side, isB := range []bool{false, true} {
		of := m.a
		if isB {
			of = m.b
		}
		if !ended[1-side] {
			if len(of) > 0 {
				m.n.note(fmt.Sprintf("%d members of side %c have no counterpart in what could be read of the other", len(of), 'A'+side))
			}
			continue
		}
		// In order, so that a bound on nodes leaves out the same ones every time.
		for _, key := range slices.Sorted(maps.Keys(of)) {
			e := of[key]
			if m.skip(e.Name) {
				continue
			}
			n := &Node{Kind: KindEntry, Name: e.Name, Status: OnlyA, Residue: ResidueKnown}
			if isB {
				n.Status, n.B = OnlyB, e.side(true)
			} else {
				n.A = e.side(true)
			}
			if e.Unread != "" {
				n.note(e.Unread)
				n.Capped = true
			}
			if dir := m.unlisted(e.Name, !isB); dir != "" {
				n.Status, n.Capped = NotChecked, true
				n.note("the other side may have it: what is in its " + strconv.Quote(dir) + " could not be listed")
			}
			m.tell(n, true)
			m.fail(e.park())
			if e.hasBody() {
				c := again{a: e}
				if isB {
					c = again{b: e}
				}
				n.Content = c
			}
			if e.Fields != nil {
				fs := e.Fields()
				n.Reasons = only(fs, isB)
				suspectEntry(n, fs, fs)
				n.settle()
			}
			m.add(key, n)
		}
	}
}

// unlisted gives the directory of a side that hides whether it has a member; ""
// when none does.
func (m *matching) unlisted(name string, ofB bool) string {
	side := 0
	if ofB {
		side = 1
	}
	for _, dir := range m.below[side] {
		if strings.HasPrefix(name, dir) {
			return strings.TrimSuffix(dir, "/")
		}
	}
	return ""
}

// only are the properties of a member that one side has.
func only(fs []Field, isB bool) []Reason {
	var out []Reason
	for _, f := range fs {
		if f.Value == "" || f.Value == "0" {
			continue
		}
		r := Reason{Field: f.Key, A: f.Value}
		if isB {
			r = Reason{Field: f.Key, B: f.Value}
		}
		out = append(out, r)
	}
	return out
}
