package diff

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Bounds on a whole comparison are shared between what is read and examined in
// parallel, and what they leave out must not depend on who was first. So everything
// has a spot in one order, in which it would come if one thing was read after the
// other: members as they come, layer by layer, and what is examined in the order of
// the members it belongs to. Bounds keep what comes first in that order. Sums over
// the first in the order only grow, so that whatever is left out before all is known
// would be left out in the end as well.

// unit is one line of work: the examination of a pair of contents, or all that is
// asked of an Examiner at once. What it does comes in one order.
type unit struct {
	nodes int   // that it may yet add
	kept  int64 // bytes that it may yet keep aside

	share *share // of the members that its pair is one of; nil when nobody shares the bounds
	at    spot
	cut   atomic.Bool // its result is not wanted any more

	mu   sync.Mutex
	held []*held // what it keeps aside

	// Below: of the share, under its lock.
	inner  int   // nodes it added, once it is done
	used   int64 // bytes it keeps aside
	done   bool
	node   *Node
	before Node // the node, before its content was looked into
}

// own gives an examiner whose bounds are not used up yet, where nobody set any.
func (x *Examiner) own() *Examiner {
	if x.unit != nil {
		return x
	}
	return &Examiner{shared: x.shared, depth: x.depth, unit: &unit{nodes: x.limit.Nodes, kept: x.limit.Spool}}
}

// keep takes n bytes from what the unit may keep aside, and reports whether it may.
func (u *unit) keep(n int64) bool {
	if u.cut.Load() || n > u.kept {
		return false
	}
	u.kept -= n
	return u.share == nil || u.share.keeps(u, n)
}

// holds makes contents the unit's, to be released with it.
func (u *unit) holds(hs ...*held) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.held = append(u.held, hs...)
}

// release gives back what the unit keeps aside.
func (u *unit) release() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, h := range u.held {
		h.release()
	}
	u.held = nil
}

// spot is where a member comes: in which of several containers, and as which of
// those of its members that differ.
type spot struct{ list, at int }

func (p spot) before(q spot) bool { return p.list < q.list || p.list == q.list && p.at < q.at }

// share is what the members of one container, or of all layers of an image, have of
// the bounds together. Members come before what is in them: first all members are
// told, and then what is left is for their contents. From the first content on that
// there is no room for, none is looked into.
type share struct {
	limit Limits // of the whole comparison
	nodes int    // bound on members and on the nodes in them
	kept  int64  // bound on the bytes that are kept aside

	uneven *uneven // for containers of different kinds; nil elsewhere

	mu    sync.Mutex
	lists []*matching

	members, inner int
	used           int64
	end            spot // from here on, no content is looked into
}

func newShare(x *Examiner, lists int) *share {
	return &share{limit: x.limit, nodes: x.unit.nodes, kept: x.unit.kept, lists: make([]*matching, lists), end: spot{list: lists}}
}

// add gives a member of a list its place; ok is false when there is no room for it.
func (s *share) add(m *matching, p placed) (at spot, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at = spot{m.list, len(m.found)}
	m.found = append(m.found, p)
	s.members++
	if s.members > s.nodes {
		s.dropLast()
	}
	s.fit()
	return at, at.at < len(m.found)
}

// dropLast drops the last of all members.
func (s *share) dropLast() {
	for k := len(s.lists) - 1; k >= 0; k-- {
		m := s.lists[k]
		if m == nil || len(m.found) == 0 {
			continue
		}
		last := len(m.found) - 1
		if u := m.found[last].unit; u != nil {
			s.leave(u)
		}
		m.found[last] = placed{}
		m.found = m.found[:last]
		m.more++
		s.members--
		return
	}
}

// begin makes the unit that looks into the content of a member; nil when there is no
// room for it.
func (s *share) begin(m *matching, at spot, n *Node, kept int64) *unit {
	u := &unit{share: s, at: at, node: n, before: *n, nodes: max(0, s.nodes-at.at-1), kept: s.kept}
	s.mu.Lock()
	if at.at >= len(m.found) { // other members took its spot
		s.mu.Unlock()
		return nil
	}
	m.found[at.at].unit = u
	if !at.before(s.end) || kept > s.kept {
		// What would not even fit alone leaves its room to others.
		u.done = true
		s.leave(u)
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	if !u.keep(kept) {
		s.stop(u)
		return nil
	}
	return u
}

// keeps counts what a unit keeps aside, and reports whether there was room for it.
func (s *share) keeps(u *unit, n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.cut.Load() {
		return false
	}
	u.used += n
	s.used += n
	s.fit()
	return !u.cut.Load()
}

// stop says that there is no room for a unit, nor for what comes after it.
func (s *share) stop(u *unit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.done = true
	s.endAt(u.at)
	s.leave(u)
}

// finish takes the result of a unit that has added so many nodes.
func (s *share) finish(u *unit, nodes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.done = true
	if u.cut.Load() {
		u.undo()
		return
	}
	u.inner = nodes
	s.inner += nodes
	s.fit()
}

// fit lets the last contents go until what is left fits the bounds.
func (s *share) fit() {
	for s.members+s.inner > s.nodes && s.inner > 0 {
		s.endAt(s.last(func(u *unit) bool { return u.inner > 0 }))
	}
	for s.used > s.kept {
		s.endAt(s.last(func(u *unit) bool { return u.used > 0 }))
	}
}

// last is the last spot at which a unit takes something, before the end.
func (s *share) last(takes func(*unit) bool) spot {
	for k := min(s.end.list, len(s.lists)-1); k >= 0; k-- {
		m := s.lists[k]
		if m == nil {
			continue
		}
		from := len(m.found)
		if k == s.end.list {
			from = min(from, s.end.at)
		}
		for i := from - 1; i >= 0; i-- {
			if u := m.found[i].unit; u != nil && takes(u) {
				return spot{k, i}
			}
		}
	}
	return spot{}
}

// endAt lets go of all contents from a spot on.
func (s *share) endAt(at spot) {
	old := s.end
	if !at.before(old) {
		return
	}
	s.end = at
	for k := at.list; k <= min(old.list, len(s.lists)-1); k++ {
		m := s.lists[k]
		if m == nil {
			continue
		}
		from, to := 0, len(m.found)
		if k == at.list {
			from = at.at
		}
		if k == old.list {
			to = min(to, old.at)
		}
		for i := from; i < to; i++ {
			if u := m.found[i].unit; u != nil {
				s.leave(u)
			}
		}
	}
}

// settle takes what is in the tree now, and what is kept aside for it, from the bounds
// of the unit whose content it is.
func (s *share) settle(u *unit) {
	u.nodes -= min(u.nodes, s.members+s.inner)
	for _, m := range s.lists {
		if m == nil {
			continue
		}
		for _, p := range m.found {
			if p.unit != nil {
				u.holds(p.unit.held...)
			}
		}
	}
	u.keep(s.used)
}

// leave takes a unit out of the sums, and takes back what it found. One that is at
// work does that itself when it is done.
func (s *share) leave(u *unit) {
	if !u.cut.Swap(true) {
		s.inner -= u.inner
		s.used -= u.used
		u.inner, u.used = 0, 0
	}
	if u.done {
		u.undo()
	}
}

// undo makes the node what it was before its content was looked into, and says so.
func (u *unit) undo() {
	u.release()
	if u.node == nil {
		return
	}
	*u.node = u.before
	u.node.passed, u.node.Capped = true, true
	u.node.note(fmt.Sprintf("its content was not looked into: the tree holds at most %d differences (--max-nodes), and at most %d bytes are kept aside on disk (--max-kept)", u.share.limit.Nodes, u.share.limit.Spool))
	u.node.settle()
	u.node = nil
}
