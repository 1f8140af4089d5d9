package diff

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
)

// matching pairs the members of two streams as they come.
type matching struct {
	ctx  context.Context
	x    *Examiner
	n    *Node
	a, b map[string]*member // read, and not yet met on the other side

	uneven   *uneven // nil where both containers are of one kind
	links    []linked
	order    []int32 // of pairs, by A: the member's number in B
	orderA   []int32
	counts   string // why the order of the members counts; "" when it does not
	excluded map[string]int
	below    [2][]string // directories of each side of which it is not known what is in them

	share *share
	list  int      // which of the share's lists this is
	found []placed // in the order in which they came; under the share's lock
	more  int      // differing members that the bound on nodes left no room for

	broken  [2]error // why each side was not read to its end
	stopped error    // that the comparison was cancelled

	mu  sync.Mutex
	err error
	wg  sync.WaitGroup
}

// placed is a child with what it is sorted by.
type placed struct {
	key  string
	node *Node
	unit *unit // that looks into it; nil when nobody does
}

// run takes members from the side of which fewer are waiting, so that a member
// that only one side has does not make the others wait.
func (m *matching) run(ca, cb <-chan *member) {
	for ca != nil || cb != nil {
		if ca != nil && (cb == nil || len(m.a) <= len(m.b)) {
			if got, ok := <-ca; ok {
				m.take(got, m.a, m.b, false)
			} else {
				ca = nil
			}
			continue
		}
		if got, ok := <-cb; ok {
			m.take(got, m.b, m.a, true)
		} else {
			cb = nil
		}
	}
}

func (m *matching) take(got *member, own, other map[string]*member, isB bool) {
	if got.Below {
		side := 0
		if isB {
			side = 1
		}
		m.below[side] = append(m.below[side], got.Name+"/")
	}
	met, ok := other[got.key]
	if !ok {
		// Few wait for long when both sides have the same order.
		if len(own) >= pending {
			m.fail(got.park())
		}
		own[got.key] = got
		return
	}
	delete(other, got.key)
	if isB {
		m.pair(met, got)
	} else {
		m.pair(got, met)
	}
}

// pair compares two members of one name.
func (m *matching) pair(a, b *member) {
	m.orderA, m.order = append(m.orderA, int32(a.seq)), append(m.order, int32(b.seq))
	if a.Unread != "" || b.Unread != "" {
		m.unread(a, b)
		return
	}
	content := a.equals(b)
	rs, fa, fb := m.reasons(a, b)
	if content && len(rs) == 0 {
		m.n.Equal++
		a.body.release()
		b.body.release()
		return
	}
	if m.skip(a.Name) {
		a.body.release()
		b.body.release()
		return
	}
	n := &Node{Kind: KindEntry, Name: a.Name, Status: Differs, A: a.side(!content), B: b.side(!content)}
	n.Reasons = rs
	suspectEntry(n, fa, fb)
	m.tell(n, content)
	if content {
		a.body.release()
		b.body.release()
		n.settle()
	} else {
		if !slices.ContainsFunc(n.Reasons, func(r Reason) bool { return r.Field == "size" }) {
			n.Reasons = append(n.Reasons, contentReason(a, b)...)
		}
		m.fail(a.park())
		m.fail(b.park())
		m.hardLink(n, a, b) // before others look at the node beside us
		if a.hasBody() && b.hasBody() {
			n.Content = again{a, b}
		}
	}
	at, ok := m.add(a.key, n)
	if !content && n.Content != nil && ok {
		m.look(at, n, a, b)
	} else if !content && n.Content != nil {
		a.body.release()
		b.body.release()
	}
}

// reasons are all respects but the content in which two members differ.
func (m *matching) reasons(a, b *member) (out []Reason, fa, fb []Field) {
	if m.uneven != nil {
		return m.uneven.reasons(a, b)
	}
	return fieldReasons(a, b)
}

// tell reports a difference as it is found.
func (m *matching) tell(n *Node, content bool) {
	if m.x.o.Progress == nil {
		return
	}
	f := &Found{In: m.n.Name, Name: n.Name, Status: n.Status}
	for _, r := range n.Reasons {
		f.Fields = append(f.Fields, r.Field)
	}
	if !content {
		f.Fields = append(f.Fields, "content")
	}
	m.x.o.Progress(Progress{What: n.Name, Found: f})
}

// skip counts a member that the person does not want to see.
func (m *matching) skip(name string) bool {
	g := m.x.o.excluded(name)
	if g == "" {
		return false
	}
	if m.excluded == nil {
		m.excluded = map[string]int{}
	}
	m.excluded[g]++
	return true
}

// fieldReasons are all respects but the content in which two members differ, and
// the properties of both; none when all of them are equal.
func fieldReasons(a, b *member) (out []Reason, fa, fb []Field) {
	if bytes.Equal(a.Raw, b.Raw) {
		return nil, nil, nil
	}
	if a.Fields != nil {
		fa = a.Fields()
	}
	if b.Fields != nil {
		fb = b.Fields()
	}
	other := map[string]string{}
	for _, f := range fb {
		other[f.Key] = f.Value
	}
	for _, f := range fa {
		v, ok := other[f.Key]
		delete(other, f.Key)
		if !ok || v != f.Value {
			out = append(out, Reason{Field: f.Key, A: f.Value, B: v})
		}
	}
	for _, f := range fb {
		if v, ok := other[f.Key]; ok {
			out = append(out, Reason{Field: f.Key, B: v})
		}
	}
	if a.Explain != nil {
		out = a.Explain(a.Raw, b.Raw, out)
	}
	// Headers may differ for the size alone, which the content below says.
	if len(out) == 0 && (a.Explain == nil || a.size == b.size) {
		out = append(out, rawReason(a.Raw, b.Raw))
	}
	return out, fa, fb
}

// rawReason says how two encodings of the same properties differ.
func rawReason(a, b []byte) Reason {
	if len(a) != len(b) {
		return Reason{Field: "encoding of the header", A: fmt.Sprintf("%d bytes", len(a)), B: fmt.Sprintf("%d bytes", len(b))}
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	j := len(a)
	for a[j-1] == b[j-1] {
		j--
	}
	show := func(p []byte) string {
		if len(p) > 16 {
			return fmt.Sprintf("bytes %d to %d: %x…", i, j-1, p[:16])
		}
		return fmt.Sprintf("bytes %d to %d: %x", i, j-1, p)
	}
	return Reason{Field: "encoding of the header", A: show(a[i:j]), B: show(b[i:j])}
}

// contentReason says that contents differ, without an opinion why.
func contentReason(a, b *member) []Reason {
	if a.hasBody() != b.hasBody() {
		return nil // the type says it
	}
	if a.size != b.size {
		return []Reason{{Field: "size", A: fmt.Sprint(a.size), B: fmt.Sprint(b.size), Cause: ofContent("size of the content below")}}
	}
	return nil
}

// ofContent marks a property that follows from what differs below it.
func ofContent(name string) *Cause {
	return &Cause{ID: "derived", Name: name, Confidence: Derived}
}

// fail notes an error that ends the comparison.
func (m *matching) fail(err error) {
	if err == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = err
	}
}

// look examines a pair of contents, beside others when there is room.
func (m *matching) look(at spot, n *Node, a, b *member) {
	if m.x.o.Lazy {
		n.settle()
		return
	}
	u := m.share.begin(m, at, n, keptSize(a.size)+keptSize(b.size))
	if u == nil {
		a.body.release()
		b.body.release()
		return
	}
	u.holds(a.body, b.body)
	do := func() {
		nodes := u.nodes
		m.fail(m.examine(u, n, a, b))
		m.share.finish(u, nodes-u.nodes)
	}
	select {
	case m.x.slots <- struct{}{}:
		m.wg.Add(1)
		go func() {
			defer func() { <-m.x.slots; m.wg.Done() }()
			do()
		}()
	default:
		do()
	}
}

func (m *matching) examine(u *unit, n *Node, a, b *member) error {
	x := &Examiner{shared: m.x.shared, depth: m.x.depth, unit: u}
	ia, err := a.content(m.ctx, u)
	if err == nil {
		x.remember(a, ia)
		var ib *Input
		if ib, err = b.content(m.ctx, u); err == nil {
			x.remember(b, ib)
			return x.examine(m.ctx, n, true, ia, ib)
		}
	}
	if m.ctx.Err() != nil {
		return m.ctx.Err()
	}
	n.note("its content could not be examined: " + err.Error())
	return nil
}

// add gives a node that differs its place; ok is false when there is no room for it.
func (m *matching) add(key string, n *Node) (at spot, ok bool) {
	return m.share.add(m, placed{key: key, node: n})
}

// gather finds what is left when the sides were read; ended says which were to their
// ends.
func (m *matching) gather(ended [2]bool) {
	complete := ended[0] && ended[1]
	m.wg.Wait()
	m.fail(m.resolve())
	if complete {
		m.moved()
	}
	m.lonely(ended)
}

// finish makes children of what was found, in the order of their names, once the
// bounds are known to hold of all that shares them. complete says that both sides
// were read to their ends.
func (m *matching) finish(complete bool) error {
	sort.SliceStable(m.found, func(i, j int) bool { return m.found[i].key < m.found[j].key })
	for _, p := range m.found {
		m.n.Children = append(m.n.Children, p.node)
	}
	if m.more > 0 {
		m.n.Capped = true
		m.n.note(fmt.Sprintf("%d more members differ; the tree holds at most %d nodes (--max-nodes)", m.more, m.x.limit.Nodes))
		m.n.Status = Differs
	}
	m.sayExcluded()
	m.sayOrder()
	differs := slices.ContainsFunc(m.n.Children, func(c *Node) bool { return c.Status != Unreadable && c.Status != NotChecked })
	if differs || len(m.n.Reasons) > 0 {
		m.n.Status = Differs
	} else if len(m.n.Children) == 0 && complete && len(m.excluded) == 0 && m.n.Status == NotChecked {
		m.n.Status = Same
	}
	fold(m.n)
	m.n.settle()
	return m.err
}

func (m *matching) sayExcluded() {
	if len(m.excluded) == 0 {
		return
	}
	var gs []string
	for g := range m.excluded {
		gs = append(gs, g)
	}
	slices.Sort(gs)
	for _, g := range gs {
		m.n.note(fmt.Sprintf("%d differing members match the excluded %q", m.excluded[g], g))
	}
	m.n.Capped = true
}

// sayOrder says that members both sides have come in another order.
func (m *matching) sayOrder() {
	if m.uneven != nil {
		return // a tree has none
	}
	idx := make([]int, len(m.orderA))
	for i := range idx {
		idx[i] = i
	}
	sort.Slice(idx, func(i, j int) bool { return m.orderA[idx[i]] < m.orderA[idx[j]] })
	ss := make([]stretch, len(idx))
	for i, k := range idx {
		ss[i] = stretch{a: int(m.order[k]), b: i, n: 1}
	}
	if out := len(ss) - len(Rising(ss, stretch.inA)); out > 0 {
		r := Reason{Field: "order of the members", A: "as in A", B: fmt.Sprintf("%d of %d elsewhere", out, len(ss))}
		if m.counts != "" {
			r.Cause = &Cause{ID: "B2", Name: "order of the entries", Confidence: Likely, Evidence: "the same members come in another order, which here decides what is unpacked: " + m.counts, Fix: "sort them"}
		}
		m.n.Reasons = append(m.n.Reasons, r)
	}
}

// moved pairs what only A has with what only B has when their content is the
// same and no other's: it was renamed, or lies elsewhere.
func (m *matching) moved() {
	type found struct {
		n   int
		key string
	}
	count := func(of map[string]*member) map[[32]byte]found {
		out := map[[32]byte]found{}
		for key, e := range of {
			if e.hasBody() && e.size > 0 && !e.Meta {
				sum := e.digest()
				out[sum] = found{out[sum].n + 1, key}
			}
		}
		return out
	}
	inA, inB := count(m.a), count(m.b)
	for _, key := range slices.Sorted(maps.Keys(m.a)) {
		e := m.a[key]
		if !e.hasBody() {
			continue
		}
		sum := e.digest()
		fa, fb := inA[sum], inB[sum]
		if fa.n != 1 || fb.n != 1 || fa.key != key {
			continue
		}
		a, b := m.a[fa.key], m.b[fb.key]
		if m.x.o.excluded(a.Name) != "" || m.x.o.excluded(b.Name) != "" {
			continue
		}
		delete(m.a, fa.key)
		delete(m.b, fb.key)
		n := &Node{Kind: KindEntry, Name: a.Name, Status: Differs, A: a.side(true), B: b.side(true)}
		n.Reasons = append(n.Reasons, Reason{Field: "name", A: a.Name, B: b.Name})
		rs, pa, pb := m.reasons(a, b)
		for _, r := range rs {
			if r.Field != "name" {
				n.Reasons = append(n.Reasons, r)
			}
		}
		suspectEntry(n, pa, pb)
		a.body.release()
		b.body.release()
		n.settle()
		m.tell(n, true)
		m.add(a.key, n)
	}
}
