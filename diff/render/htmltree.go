package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/stagescope/stagescope/chain/safe"
	"github.com/stagescope/stagescope/diff"
)

// Bounds of what lies open: in a small tree all but long lists, in others what
// leads to where they part.
const (
	smallTree    = 300 // nodes
	fewChildren  = 20
	openDepth    = 3
	manyNodes    = 60  // from so many on, what is below a node gets a page of its own
	childrenPage = 100 // nodes of a page
	childrenSize = 96 << 10
)

// node writes a node as something that folds.
func (h *htmlWriter) node(n *diff.Node, depth int) {
	number, all := h.next, count(n)
	h.next++
	class := "node s" + statusClass(n.Status)
	if n.Residue != diff.ResidueNone {
		class += " unexplained"
	}
	body := func() { h.body(n, depth) }
	attrs, packed := "", !h.roomy() && all > manyNodes
	if packed {
		attrs = h.apart(number+1, number+all, body)
	} else if n.Kind != diff.KindGroup && n.Status != diff.Same && !h.o.folded(n) && (h.total <= smallTree || depth < openDepth && len(n.Children) <= fewChildren || depth == 0) {
		attrs = " open"
	}
	h.put(fmt.Sprintf(`<details class="%s" id="n%d"%s><summary>`, class, number, attrs))
	h.headline(n, number)
	h.put(`</summary>`)
	if packed {
		h.put(waiting)
	} else {
		body()
	}
	h.put("</details>\n")
}

// headline is the one line that is seen of a closed node.
func (h *htmlWriter) headline(n *diff.Node, number int) {
	h.put(`<span class="m">`, marks[n.Status], `</span> <b>`, h.text(n.Name), `</b> `)
	if string(n.Kind) != n.Name && n.Kind != diff.KindGroup {
		h.put(`<i>`, h.text(string(n.Kind)), `</i> `)
	}
	if n.Status != diff.Differs && n.Status != diff.Same {
		h.put(`<em>`, n.Status.String(), `</em> `)
	}
	if n.Suspicious > 0 {
		h.put(`<strong class="tag bad">`, plural(n.Suspicious, "suspicion"), `</strong> `)
	}
	seen := map[string]bool{}
	for _, r := range n.Reasons {
		if c := r.Cause; c != nil && c.ID != "derived" && !seen[c.ID] && len(seen) < 6 {
			seen[c.ID] = true
			h.put(`<span class="tag" title="`, h.text(c.Name), `, `, c.Confidence.String(), `">`, h.text(c.ID), `</span> `)
		}
	}
	if b := unexplained(n); b > 0 {
		h.put(`<span class="tag warn">`, plural(int(b), "byte"), ` unexplained</span> `)
	}
	h.put(`<small>`, h.text(sizes(n)), `</small> `, fmt.Sprintf(`<a class="link" href="#n%d" title="link to this place">#</a>`, number))
}

// body is what a node says and what is below it.
func (h *htmlWriter) body(n *diff.Node, depth int) {
	h.reasons(n)
	if h.o.wanted(n) {
		h.lines("lines", h.o.lines(n))
	}
	was := h.o
	h.o = h.o.below(n)
	h.children(n, depth+1)
	h.o = was
	if n.Equal > 0 {
		h.put(`<p class="equal">= `, number(n.Equal), ` equal</p>`)
	}
}

// children writes what is below a node: many in pages, the first of them open.
// Those of which a line says all are lines there: a browser cannot hold a hundred
// thousand boxes.
func (h *htmlWriter) children(n *diff.Node, depth int) {
	hidden, at := 0, 0
	var b book
	many := len(n.Children) > childrenPage
	for from := 0; at < len(n.Children) && !h.w.full(); from = at {
		page := func() pageHead {
			p := pageHead{of: "entries", from: from, n0: h.next}
			at, hidden = h.childPage(n, from, depth, many, hidden)
			p.to, p.n1 = at, h.next
			return p
		}
		if from == 0 {
			page()
		} else {
			b.add(h, page)
		}
	}
	b.write(h)
	if at < len(n.Children) {
		h.put(`<p class="note">`, h.text(leftOut(n.Children[at:])), `</p>`)
		for _, c := range n.Children[at:] {
			h.next += count(c)
		}
	}
	if hidden > 0 {
		h.put(`<p class="note">`, plural(hidden, "difference"), ` left out by --only</p>`)
	}
}

// childPage writes children from one on, as many as a page has room for, and
// says where it ended.
func (h *htmlWriter) childPage(n *diff.Node, from, depth int, many bool, hidden int) (to, left int) {
	var run []*diff.Node
	flush := func() {
		if len(run) > 0 {
			h.pre(oneLines(run))
		}
		run = run[:0]
	}
	boxes, began := 0, h.size()
	for to = from; to < len(n.Children); to++ {
		c := n.Children[to]
		if h.w.full() || many && (boxes >= childrenPage || to-from >= pageLines || h.size()-began > childrenSize) {
			break
		}
		switch {
		case !h.o.within(c):
			hidden++
			h.next += count(c)
		case many && h.oneLine(c):
			run = append(run, c)
			h.next++
		default:
			flush()
			h.node(c, depth)
			boxes++
		}
	}
	flush()
	return to, hidden
}

// size is how many bytes were put where the next go.
func (h *htmlWriter) size() int64 {
	if k := len(h.pages); k > 0 {
		return int64(h.pages[k-1].Len())
	}
	return h.open
}

// oneLine reports whether a line says all there is of a node.
func (h *htmlWriter) oneLine(n *diff.Node) bool {
	return len(n.Children) == 0 && n.Note == "" && len(n.Suspicions) == 0 && h.o.Expected.Of(n) == nil && n.Content == nil
}

// oneLines writes each node as a line.
func oneLines(ns []*diff.Node) (out []contentLine) {
	for _, n := range ns {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s%s", marks[n.Status], n.Name, sizes(n))
		for _, r := range n.Reasons {
			fmt.Fprintf(&b, "   %s: %s → %s", r.Field, cmp.Or(r.A, "none"), cmp.Or(r.B, "none"))
			if c := r.Cause; c != nil {
				fmt.Fprintf(&b, " [%s, %s]", c.ID, c.Confidence)
			}
		}
		k := lineBoth
		switch n.Status {
		case diff.OnlyA:
			k = lineA
		case diff.OnlyB:
			k = lineB
		}
		out = append(out, contentLine{kind: k, text: shown(b.String(), false)})
	}
	return out
}

func (h *htmlWriter) reasons(n *diff.Node) {
	for _, s := range n.Suspicions {
		h.put(`<p class="suspicious"><strong>suspicious, `, h.text(string(s.Kind)), `</strong>: `, h.text(s.What), `</p>`)
	}
	if len(n.Reasons) > 0 {
		h.put(`<div class="wide"><table class="reasons">`)
		for _, r := range n.Reasons {
			h.put(`<tr><th>`, h.text(r.Field), `</th><td class="a">`, h.text(most(r.A)), `</td><td class="b">`, h.text(most(r.B)), `</td><td>`)
			if c := r.Cause; c != nil {
				h.put(h.text(c.ID+" "+c.Name), `, `, c.Confidence.String())
				if c.Evidence != "" {
					h.put(`<br><small>`, h.text(c.Evidence), `</small>`)
				}
			}
			h.put(`</td></tr>`)
		}
		h.put(`</table></div>`)
	}
	for _, r := range n.Reasons {
		h.value(r.Field+" in A", r.A)
		h.value(r.Field+" in B", r.B)
	}
	if p := h.o.Expected.Of(n); p != nil {
		h.put(`<p class="expected">`, h.text(permitted(p)), `</p>`)
	}
	if n.Note != "" {
		h.put(`<p class="note">`, h.text(n.Note), `</p>`)
	}
}

// most is what a table has room for of a value.
func most(s string) string {
	if len(s) <= longRow {
		return s
	}
	return s[:maxValue] + fmt.Sprintf("… (%s bytes, below)", number(len(s)))
}

// value writes a value that is too long for a table, in pages.
func (h *htmlWriter) value(what, s string) {
	if len(s) <= longRow {
		return
	}
	h.put(`<details class="page"><summary>`, h.text(what), `</summary>`)
	h.lines("rows", func(yield func(contentLine) bool) {
		for len(s) > 0 {
			n := min(longRow, len(s))
			for n < len(s) && s[n]&0xc0 == 0x80 && n < longRow+4 {
				n++
			}
			if !yield(contentLine{text: safe.Text(s[:n])}) {
				return
			}
			s = s[n:]
		}
	})
	h.put(`</details>`)
}
